/*
 * tag_row.c
 *		ddd.check_tag(): the row trigger of ddd.tags.
 *
 * Fills the key of the name, and keeps synonyms one step from what they mean:
 * a synonym means a tag that is none, and what has posts or synonyms of its own
 * is no synonym.
 *
 * Locks: the tag that is meant FOR SHARE, so that it does not become a synonym
 * meanwhile. Whoever makes a tag a synonym has its row locked by then, which
 * waits for those who link posts to it (post_tags.c) or make synonyms of it; so
 * what is there now is read with a snapshot of now, in every isolation level.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/snapmgr.h"

#include "core/core.h"

static SpiPlan meant_plan = {
	.sql = "SELECT t.synonym_of FROM ddd.tags t WHERE t.id = $1 FOR SHARE",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_GENERIC,
};

static SpiPlan used_plan = {
	.sql = "SELECT EXISTS (SELECT FROM ddd.tags t WHERE t.synonym_of = $1),"
	" EXISTS (SELECT FROM ddd.post_tags l WHERE l.tag_id = $1)",
	.nargs = 1,
	.argtypes = {INT8OID},
	.choice = PLAN_GENERIC,
};

static HeapTuple fill_key(Relation relation, HeapTuple row);
static bool becomes_synonym(TriggerData *trigger, HeapTuple row, Datum *id, Datum *synonym_of);
static void check_synonym(Datum id, Datum synonym_of);
static void refuse(const char *message) pg_attribute_noreturn();

PG_FUNCTION_INFO_V1(ddd_check_tag);

Datum
ddd_check_tag(PG_FUNCTION_ARGS)
{
	HeapTuple	row = row_of_trigger(fcinfo, "ddd.check_tag()");
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	OwnerScope	owner;
	Datum		id;
	Datum		synonym_of;

	row = fill_key(trigger->tg_relation, row);
	if (!becomes_synonym(trigger, row, &id, &synonym_of) || restore_by_owner())
		return PointerGetDatum(row);
	owner_begin(&owner, relation_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	check_synonym(id, synonym_of);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
	owner_end(&owner);
	return PointerGetDatum(row);
}

/* Returns the row with the key of its name. */
static HeapTuple
fill_key(Relation relation, HeapTuple row)
{
	int			column = row_column(relation, "key", TEXTOID);
	bool		isnull;
	Datum		name = SPI_getbinval(row, RelationGetDescr(relation), row_column(relation, "name", TEXTOID), &isnull);
	Datum		key;

	/* NOT NULL answers; what is too long has been refused by its type */
	if (isnull)
		return row;
	key = PointerGetDatum(name_key(DatumGetTextPP(name)));
	isnull = DatumGetPointer(key) == NULL;
	return heap_modify_tuple_by_cols(row, RelationGetDescr(relation), 1, &column, &key, &isnull);
}

static bool
becomes_synonym(TriggerData *trigger, HeapTuple row, Datum *id, Datum *synonym_of)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			column = row_column(trigger->tg_relation, "synonym_of", INT8OID);
	Datum		before;
	bool		isnull;

	*id = SPI_getbinval(row, desc, row_column(trigger->tg_relation, "id", INT8OID), &isnull);
	if (isnull)
		return false;
	*synonym_of = SPI_getbinval(row, desc, column, &isnull);
	if (isnull || TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return !isnull;
	before = SPI_getbinval(trigger->tg_trigtuple, desc, column, &isnull);
	return isnull || DatumGetInt64(before) != DatumGetInt64(*synonym_of);
}

static void
check_synonym(Datum id, Datum synonym_of)
{
	bool		isnull;

	/* where there is no such tag the foreign key answers */
	if (plan_execute(&meant_plan, &synonym_of, NULL, false) > 0)
	{
		(void) plan_value(0, 1, INT8OID, &isnull);
		if (!isnull)
			refuse("a synonym must mean a tag, not another synonym");
	}
	PushActiveSnapshot(GetLatestSnapshot());
	plan_execute(&used_plan, &id, NULL, true);
	if (DatumGetBool(plan_value(0, 1, BOOLOID, &isnull)))
		refuse("a tag that has synonyms cannot become a synonym");
	if (DatumGetBool(plan_value(0, 2, BOOLOID, &isnull)))
		refuse("a tag that has posts cannot become a synonym");
	PopActiveSnapshot();
}

static void
refuse(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s", message),
			 err_object("tags", "synonym_of", "tags_synonym_of_tag")));
}
