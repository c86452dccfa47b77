/*
 * fingerprint.h
 *		Comparing the catalog with what a version looks like.
 */
#ifndef DDD_FINGERPRINT_H
#define DDD_FINGERPRINT_H

#include "postgres.h"

/* What the findings of fingerprint_check are made of, from column 1. */
#define FINDING_OBJECT		1
#define FINDING_DEVIATION	2
#define FINDING_IS_FAULT	6

/*
 * Finds how the code differs from one version and the tables from another;
 * the code is left out where its version is NULL. The rows of the statement
 * that ends with this are the findings, faults first. Returns how many. Needs
 * an SPI connection and a pinned search_path; raises 22023 for a version whose
 * facts are not installed.
 */
extern uint64 fingerprint_check(const char *code, const char *tables);

#endif							/* DDD_FINGERPRINT_H */
