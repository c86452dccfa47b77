/*
 * migrations.h
 *		Installing, stamping and migrating: what ddd.c needs to know.
 */
#ifndef DDD_MIGRATIONS_H
#define DDD_MIGRATIONS_H

/* Defines ddd.create_tables and ddd.allow_data_loss. */
extern void migrations_init(void);

#endif							/* DDD_MIGRATIONS_H */
