/*
 * hash_slots.c
 *		Slots for hashing passwords: how many sessions hash at the same time.
 *
 * One hash takes tens of megabytes and all of a core, and as many logins as
 * there are connections may come at once. Whoever hashes takes a slot first, of
 * which the server has ddd.hash_slots, and waits for one at most
 * ddd.hash_slot_timeout. So hashing takes no more memory than the slots times
 * the dearest hash, in all databases together.
 *
 * A slot is a heavyweight lock of the advisory kind, which needs no preloading
 * and is shared by the whole server. Its tag has no database, and 3 where
 * PostgreSQL's advisory locks have 1 or 2, so that no SQL function can take it
 * or let it go.
 *
 * Invariants:
 *	- a session holds one slot at most, and waits for nothing while it does: no
 *	  deadlock goes through a slot;
 *	- the lock belongs to the (sub)transaction. Where hashing raises an error,
 *	  its abort lets the slot go; where the process ends, its exit does.
 *
 * Waiting is in a queue for one slot, chosen at random when none is free; it is
 * over on cancel. The settings lock_timeout and log_lock_waits do not count
 * meanwhile: the first is about tables and rows, the second would write the
 * statement, which may have the password, to the log.
 *
 * Processes of one parallel query do not exclude each other, as members of a
 * lock group, so functions that hash are PARALLEL RESTRICTED.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"

#include "users/password.h"

#define DEFAULT_HASH_SLOTS		4
#define MAX_HASH_SLOTS			1024
#define DEFAULT_SLOT_TIMEOUT	10000
#define MAX_SLOT_TIMEOUT		600000

/* In place of a tag's database, its two keys and what tells these apart. */
#define SLOT_KEY		0x646464	/* ddd */
#define SLOT_KIND		3

static int	hash_slots = DEFAULT_HASH_SLOTS;
static int	hash_slot_timeout = DEFAULT_SLOT_TIMEOUT;

static LOCKTAG slot_tag(int slot);
static void wait_for(int slot);
static void no_slot(void) pg_attribute_noreturn();

/*
 * Defines the settings; for password_init.
 */
void
hash_slots_init(void)
{
	DefineCustomIntVariable("ddd.hash_slots",
							"How many sessions hash or verify passwords at the same time, in the whole server.",
							"Others wait, for ddd.hash_slot_timeout at most. Hashing takes as much memory as this "
							"times the dearest hash, and keeps as many cores busy.",
							&hash_slots,
							DEFAULT_HASH_SLOTS,
							1,
							MAX_HASH_SLOTS,
							PGC_SIGHUP,
							0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ddd.hash_slot_timeout",
							"How long a session waits to hash or verify a password while others do.",
							"Then it raises 53300; 0 does not wait at all. lock_timeout does not count here.",
							&hash_slot_timeout,
							DEFAULT_SLOT_TIMEOUT,
							0,
							MAX_SLOT_TIMEOUT,
							PGC_SUSET,
							GUC_UNIT_MS,
							NULL, NULL, NULL);
}

/*
 * Takes a slot, to be given back by hash_slot_give_back or by the end of the
 * (sub)transaction in an error. Raises 53300 where none is free in time, 57014
 * when cancelled.
 */
int
hash_slot_take(void)
{
	int			first = pg_prng_uint64_range(&pg_global_prng_state, 0, hash_slots - 1);

	for (int i = 0; i < hash_slots; i++)
	{
		int			slot = (first + i) % hash_slots;
		LOCKTAG		tag = slot_tag(slot);

		if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
			return slot;
	}

	if (hash_slot_timeout == 0)
		no_slot();
	wait_for(first);
	return first;
}

void
hash_slot_give_back(int slot)
{
	LOCKTAG		tag = slot_tag(slot);

	LockRelease(&tag, ExclusiveLock, false);
}

static LOCKTAG
slot_tag(int slot)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, InvalidOid, SLOT_KEY, slot, SLOT_KIND);
	return tag;
}

static void
wait_for(int slot)
{
	LOCKTAG		tag = slot_tag(slot);
	MemoryContext caller = CurrentMemoryContext;
	int			lock_timeout = LockTimeout;
	bool		log_waits = log_lock_waits;

	PG_TRY();
	{
		LockTimeout = hash_slot_timeout;
		log_lock_waits = false;
		LockAcquire(&tag, ExclusiveLock, false, false);
	}
	PG_CATCH();
	{
		LockTimeout = lock_timeout;
		log_lock_waits = log_waits;
		if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		no_slot();
	}
	PG_END_TRY();
	LockTimeout = lock_timeout;
	log_lock_waits = log_waits;
}

static void
no_slot(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
			 errmsg("too many passwords are being hashed"),
			 errdetail("All %d slots are taken.", hash_slots),
			 errhint("Try again later. The settings are ddd.hash_slots and ddd.hash_slot_timeout."),
			 errhidestmt(true),
			 errhidecontext(true)));
}
