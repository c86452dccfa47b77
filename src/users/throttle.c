/*
 * throttle.c
 *		Failed log-ins are counted, by account and by source; the more there
 *		are, the longer the next answer takes. Nobody is locked out.
 *
 * Every answer takes ddd.auth_min_duration at least, whatever was found. Above
 * an allowance of failures each further one doubles a delay that comes on top,
 * up to ddd.auth_max_delay: a right password is answered as late as a wrong
 * one, so giving up early gains nothing, and an account under attack stays
 * usable. What is counted is the address as it was given, so an account that
 * does not exist is slowed down like any other. One failure is forgotten in
 * each ddd.auth_forget_interval.
 *
 * The counts are in shared memory, so that they outlive a ROLLBACK and are
 * those of all sessions; on a standby too. A library that is preloaded asks
 * for room for 65,536 of them; otherwise the first session to need it takes
 * room for 1,024 from what every server has left over, and where that is used
 * up, each session counts for itself. They are lost at a restart.
 *
 * The table is associative in sets of WAYS, by a keyed hash whose key is
 * random: whoever does not know it cannot make two names meet. In a full set
 * the smallest count gives way.
 *
 * Locks: the table's LWLock for a few dozen instructions; nothing raises under
 * it. Waiting holds no lock of ddd's but the one on ddd.users that the
 * statement has had, which keeps nobody from reading or writing.
 */
#include "postgres.h"

#include <math.h>
#include <sodium.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "users/throttle.h"

#define DEFAULT_MIN_DURATION_MS		500
#define DEFAULT_MAX_DELAY_MS		5000
#define DEFAULT_ACCOUNT_ALLOWANCE	5
#define DEFAULT_SOURCE_ALLOWANCE	50
#define DEFAULT_FORGET_SECONDS		60
#define FIRST_DELAY_MS				250

#define WAYS			8
#define SETS_PRELOADED	8192
#define SETS_OTHERWISE	128

typedef struct Failures
{
	uint64		key;			/* 0 where there is none */
	TimestampTz counted_at;
	double		count;			/* at counted_at */
} Failures;

typedef struct FailureTable
{
	LWLock		lock;
	uint8		hash_key[crypto_shorthash_KEYBYTES];
	uint32		sets;
	Failures	failures[FLEXIBLE_ARRAY_MEMBER];
} FailureTable;

static int	min_duration_ms = DEFAULT_MIN_DURATION_MS;
static int	max_delay_ms = DEFAULT_MAX_DELAY_MS;
static int	account_allowance = DEFAULT_ACCOUNT_ALLOWANCE;
static int	source_allowance = DEFAULT_SOURCE_ALLOWANCE;
static int	forget_seconds = DEFAULT_FORGET_SECONDS;

static FailureTable *table = NULL;
static uint32 wanted_sets = SETS_OTHERWISE;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void request_memory(void);
static void take_memory(void);
static void find_table(void);
static FailureTable *shared_table(void);
static Size table_size(void);
static void table_begin(FailureTable *new_table);
static uint64 key_of(char kind, const text *name);
static double count_failure(uint64 key, TimestampTz now);
static void take_back(uint64 key, TimestampTz now, bool all);
static Failures *find(uint64 key, TimestampTz now);
static double count_at(const Failures *failures, TimestampTz now);
static int	delay_after(double failures, int allowance);

void
throttle_init(void)
{
	DefineCustomIntVariable("ddd.auth_min_duration",
							"Sets how long an answer about a password takes at least.",
							"It should be longer than verifying the dearest hash there is, or the time tells which it was.",
							&min_duration_ms, DEFAULT_MIN_DURATION_MS, 0, 60000,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.auth_max_delay",
							"Sets how long an answer about a password may be delayed after many failures.",
							"0 delays none.",
							&max_delay_ms, DEFAULT_MAX_DELAY_MS, 0, 60000,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.auth_account_allowance",
							"Sets how many failures of one account delay nothing.",
							NULL,
							&account_allowance, DEFAULT_ACCOUNT_ALLOWANCE, 0, 1000000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.auth_source_allowance",
							"Sets how many failures from one source delay nothing.",
							"The source is what the application names in ddd.authenticate().",
							&source_allowance, DEFAULT_SOURCE_ALLOWANCE, 0, 1000000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.auth_forget_interval",
							"Sets the time in which one failure is forgotten.",
							NULL,
							&forget_seconds, DEFAULT_FORGET_SECONDS, 1, 86400,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);

	if (process_shared_preload_libraries_in_progress)
	{
		wanted_sets = SETS_PRELOADED;
		previous_request_hook = shmem_request_hook;
		shmem_request_hook = request_memory;
		previous_startup_hook = shmem_startup_hook;
		shmem_startup_hook = take_memory;
	}
}

void
attempt_begin(Attempt *attempt, AttemptBy by, const text *account, const text *source)
{
	TimestampTz now = GetCurrentTimestamp();
	double		of_account;
	double		of_source = 0;

	INSTR_TIME_SET_CURRENT(attempt->began);
	find_table();
	attempt->account = key_of(by, account);
	attempt->source = source != NULL ? key_of('s', source) : 0;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	of_account = count_failure(attempt->account, now);
	if (attempt->source != 0)
		of_source = count_failure(attempt->source, now);
	LWLockRelease(&table->lock);

	attempt->delay_ms = Max(delay_after(of_account, account_allowance),
							delay_after(of_source, source_allowance));
}

void
attempt_begin_uncounted(Attempt *attempt)
{
	memset(attempt, 0, sizeof(*attempt));
	INSTR_TIME_SET_CURRENT(attempt->began);
}

void
attempt_succeeded(Attempt *attempt)
{
	TimestampTz now = GetCurrentTimestamp();

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	take_back(attempt->account, now, true);
	/* whoever has one account cannot wipe out what he did to others */
	if (attempt->source != 0)
		take_back(attempt->source, now, false);
	LWLockRelease(&table->lock);
}

void
attempt_wait(const Attempt *attempt)
{
	long		whole = (long) min_duration_ms + attempt->delay_ms;

	for (;;)
	{
		instr_time	since;
		double		left;

		INSTR_TIME_SET_CURRENT(since);
		INSTR_TIME_SUBTRACT(since, attempt->began);
		left = whole - INSTR_TIME_GET_MILLISEC(since);

		CHECK_FOR_INTERRUPTS();
		if (left <= 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (long) ceil(left), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(table_size());
}

/* At the start of the server, and after a crash: what others take later is not this. */
static void
take_memory(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	table = shared_table();
}

static void
find_table(void)
{
	if (table == NULL)
		table = shared_table();
	if (table == NULL)
	{
		table = MemoryContextAlloc(TopMemoryContext, table_size());
		table_begin(table);
	}
}

/* Returns the table in shared memory, or NULL if there is no room for it. */
static FailureTable *
shared_table(void)
{
	MemoryContext context = CurrentMemoryContext;
	FailureTable *volatile shared = NULL;
	bool		found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	PG_TRY();
	{
		shared = ShmemInitStruct("ddd failed log-ins", table_size(), &found);
		if (!found)
			table_begin(shared);
	}
	PG_CATCH();
	{
		/* the error has set the count of held-off interrupts to zero */
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	LWLockRelease(AddinShmemInitLock);
	return shared;
}

static Size
table_size(void)
{
	return add_size(offsetof(FailureTable, failures),
					mul_size((Size) wanted_sets * WAYS, sizeof(Failures)));
}

static void
table_begin(FailureTable *new_table)
{
	memset(new_table, 0, table_size());
	LWLockInitialize(&new_table->lock, LWLockNewTrancheId());
	crypto_shorthash_keygen(new_table->hash_key);
	new_table->sets = wanted_sets;
}

/* The key of a name of a kind in this database; never 0. */
static uint64
key_of(char kind, const text *name)
{
	size_t		length = VARSIZE_ANY_EXHDR(name);
	uint8	   *input = palloc(sizeof(Oid) + 1 + length);
	uint64		key;

	memcpy(input, &MyDatabaseId, sizeof(Oid));
	input[sizeof(Oid)] = kind;
	memcpy(input + sizeof(Oid) + 1, VARDATA_ANY(name), length);
	crypto_shorthash((unsigned char *) &key, input, sizeof(Oid) + 1 + length, table->hash_key);
	pfree(input);
	return key != 0 ? key : 1;
}

/* Returns the failures with this one. */
static double
count_failure(uint64 key, TimestampTz now)
{
	Failures   *failures = find(key, now);

	if (failures->key != key)
	{
		failures->key = key;
		failures->count = 0;
	}
	failures->count = count_at(failures, now) + 1;
	failures->counted_at = now;
	return failures->count;
}

/* Takes back one failure or all. */
static void
take_back(uint64 key, TimestampTz now, bool all)
{
	Failures   *failures = find(key, now);

	if (failures->key != key)
		return;
	failures->count = all ? 0 : Max(count_at(failures, now) - 1, 0);
	failures->counted_at = now;
}

/* Returns where a key is, or else what it may take: the smallest count of its set. */
static Failures *
find(uint64 key, TimestampTz now)
{
	Failures   *set = &table->failures[(key % table->sets) * WAYS];
	Failures   *smallest = set;

	for (int i = 0; i < WAYS; i++)
	{
		if (set[i].key == key)
			return &set[i];
		if (count_at(&set[i], now) < count_at(smallest, now))
			smallest = &set[i];
	}
	return smallest;
}

static double
count_at(const Failures *failures, TimestampTz now)
{
	double		forgotten = (double) (now - failures->counted_at) / (forget_seconds * (double) USECS_PER_SEC);

	return forgotten <= 0 ? failures->count : Max(failures->count - forgotten, 0);
}

/* Doubles with each failure above the allowance. */
static int
delay_after(double failures, int allowance)
{
	/* what was forgotten since the last one makes no whole failure */
	int			over = (int) Min(ceil(failures - allowance), 30);

	if (over < 1)
		return 0;
	return (int) Min((int64) FIRST_DELAY_MS << (over - 1), (int64) max_delay_ms);
}
