/*
 * shmem.c
 *		Leaves no shared memory, for 098_login_failures.pl: as much as there is
 *		to spare is allocated, as other extensions may have done.
 */
#include "postgres.h"

#include "fmgr.h"
#include "storage/shmem.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(leave_no_shared_memory);

Datum
leave_no_shared_memory(PG_FUNCTION_ARGS)
{
	int64		taken = 0;

	for (Size size = 1024 * 1024; size >= 64; size /= 2)
	{
		while (ShmemAllocNoError(size) != NULL)
			taken += size;
	}
	PG_RETURN_INT64(taken);
}
