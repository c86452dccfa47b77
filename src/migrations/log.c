/*
 * log.c
 *		What has been done to the tables: a row of ddd.migration_log for each
 *		installation, step and stamp.
 *
 * Written here, and not by the scripts, so that released ones are logged as
 * well. Versions before VERSION_OF_LOG do not have the table: there the row
 * goes to ddd.stash, and the migration to that version brings it back. There
 * it goes as well where somebody has dropped the table.
 *
 * A step begins in ddd.migrate() and ends with its script, which calls
 * ddd.install() last. What is kept between the two counts only if the script
 * has come that far: the code is at the version that the step leads to, in the
 * same transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "core/core.h"
#include "migrations/migrations.h"
#include "migrations/revisions.h"
#include "migrations/stash.h"

/* The step that is being made. */
static struct
{
	TransactionId xid;
	char		from[MAX_VERSION];
	char		to[MAX_VERSION];
	TimestampTz started;
}			step;

#define COLUMNS "applied_at, version, parent, direction, message, applied_by, duration"
#define VALUES "clock_timestamp() AS applied_at, $1 AS version, $2 AS parent, $3 AS direction, $4 AS message," \
	" session_user::text AS applied_by, $5 AS duration"
#define ARGTYPES {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INTERVALOID}

static SpiPlan log_plan = {
	.sql = "INSERT INTO ddd.migration_log (" COLUMNS ") SELECT " VALUES,
	.nargs = 5,
	.argtypes = ARGTYPES,
};

static SpiPlan stash_plan = {
	.sql = "INSERT INTO ddd.stash (version, table_name, row_key, content)"
	" SELECT '" VERSION_OF_LOG "', 'migration_log', to_jsonb(ARRAY[l.applied_at::text, l.version])::text,"
	" jsonb_build_object('row', jsonb_object(string_to_array('" COLUMNS "', ', '),"
	" ARRAY[l.applied_at::text, l.version, l.parent, l.direction, l.message, l.applied_by, l.duration::text]))"
	" FROM (SELECT " VALUES ") AS l",
	.nargs = 5,
	.argtypes = ARGTYPES,
};

void
log_step_begin(const char *from, const char *to)
{
	step.xid = GetTopTransactionId();
	strlcpy(step.from, from, sizeof(step.from));
	strlcpy(step.to, to, sizeof(step.to));
	step.started = GetCurrentTimestamp();
}

void
log_step_end(void)
{
	char	   *code = version_of_code();

	if (step.xid != GetTopTransactionIdIfAny() || code == NULL || strcmp(code, step.to) != 0)
		return;
	step.xid = InvalidTransactionId;
	log_write(step.from, step.to, version_is_newer(step.to, step.from) ? "up" : "down", step.started);
}

void
log_write(const char *from, const char *to, const char *direction, TimestampTz started)
{
	const char *message = revision_message(strcmp(direction, "down") == 0 ? from : to);
	Datum		values[5] = {
		CStringGetTextDatum(to),
		from ? CStringGetTextDatum(from) : (Datum) 0,
		CStringGetTextDatum(direction),
		CStringGetTextDatum(message),
		DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(GetCurrentTimestamp()),
							TimestampTzGetDatum(started)),
	};
	/* of an older version such a table would be the user's */
	bool		has_table = !version_is_newer(VERSION_OF_LOG, to) &&
		OidIsValid(get_relname_relid("migration_log", get_namespace_oid("ddd", false)));
	OwnerScope	owner;

	owner_begin(&owner, relation_owner());
	owner_pin_path();
	stash_pin_formats();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	plan_execute(has_table ? &log_plan : &stash_plan, values, from ? NULL : " n   ", false);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
}
