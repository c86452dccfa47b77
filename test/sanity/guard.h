/*
 * guard.h
 *		Included before every file of an ASan build: shows the sanitizer where
 *		palloc'd pieces and arguments end.
 *
 * The server takes memory from malloc by the block and hands it out in pieces,
 * which the sanitizer knows nothing of. Here each piece that ddd allocates gets
 * a few poisoned bytes behind it, and each argument that ddd detoasts becomes a
 * copy with such bytes. Before the server uses the memory again it must be as
 * clean as it was: a callback sees to that when the memory context is reset,
 * guard_free when ddd frees the piece. What the server allocates by itself and
 * hands to ddd (a row, a string of a StringInfo) has no guard, nor has a string
 * that ddd returns, which the server may free: it gets a copy.
 */
#ifndef DDD_GUARD_H
#define DDD_GUARD_H

#include "postgres.h"

#include <sanitizer/asan_interface.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/memutils.h"

#define GUARD_SIZE	16

typedef struct Guard
{
	MemoryContextCallback callback;
	char	   *start;
	size_t		size;
} Guard;

static inline void
guard_lift(void *arg)
{
	Guard	   *guard = arg;

	ASAN_UNPOISON_MEMORY_REGION(guard->start, guard->size);
}

static inline void *
guard_alloc(Size size, int flags)
{
	Guard	   *guard = palloc(sizeof(Guard));
	char	   *piece = palloc_extended(MAXALIGN(size) + GUARD_SIZE, flags);

	guard->start = piece + size;
	guard->size = MAXALIGN(size) + GUARD_SIZE - size;
	guard->callback.func = guard_lift;
	guard->callback.arg = guard;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &guard->callback);
	ASAN_POISON_MEMORY_REGION(guard->start, guard->size);
	return piece;
}

static inline void
guard_free(void *piece)
{
	ASAN_UNPOISON_MEMORY_REGION(piece, GetMemoryChunkSpace(piece));
	pfree(piece);
}

static inline struct varlena *
guard_copy(struct varlena *value)
{
	Size		size = VARSIZE_ANY(value);

	return memcpy(guard_alloc(size, 0), value, size);
}

static inline struct varlena *
guard_detoast(struct varlena *value)
{
	return guard_copy(pg_detoast_datum(value));
}

static inline struct varlena *
guard_detoast_packed(struct varlena *value)
{
	return guard_copy(pg_detoast_datum_packed(value));
}

#define palloc(size)				guard_alloc(size, 0)
#define palloc0(size)				guard_alloc(size, MCXT_ALLOC_ZERO)
#define palloc_extended(size, flags) guard_alloc(size, flags)
#define pfree(piece)				guard_free(piece)
#define pg_detoast_datum			guard_detoast
#define pg_detoast_datum_packed		guard_detoast_packed

#undef PG_RETURN_CSTRING
#define PG_RETURN_CSTRING(string)	return CStringGetDatum(pstrdup(string))

#endif							/* DDD_GUARD_H */
