/*
 * row_triggers.c
 *		The row triggers that every table of ddd shares.
 *
 * The rules live in the tables, so that an ORM which writes them directly
 * keeps every invariant. Both triggers work on any table: touch_row finds
 * created_at and updated_at by name, check_row is told its columns.
 *
 * CHECK constraints hold the part of each rule that can be said without
 * ddd's library, and outlive the extension; check_row adds the part that
 * needs to know about Unicode. Both report the same constraint names.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "core/core.h"

static Oid	touch_row_stopped = InvalidOid;

static bool row_changed(Relation relation, HeapTuple old, HeapTuple new, int created, int updated);
static void check_column(Relation relation, HeapTuple row, const char *rule, const char *column);

PG_FUNCTION_INFO_V1(ddd_touch_row);

Datum
ddd_touch_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	relation;
	TupleDesc	desc;
	HeapTuple	old;
	HeapTuple	new;
	int			columns[2];
	Datum		values[2];
	bool		nulls[2];

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("ddd.touch_row() must be called as a BEFORE UPDATE row trigger")));

	relation = trigger->tg_relation;
	desc = RelationGetDescr(relation);
	old = trigger->tg_trigtuple;
	new = trigger->tg_newtuple;

	columns[0] = row_column(relation, "created_at", TIMESTAMPTZOID);
	columns[1] = row_column(relation, "updated_at", TIMESTAMPTZOID);
	values[0] = heap_getattr(old, columns[0], desc, &nulls[0]);
	values[1] = heap_getattr(old, columns[1], desc, &nulls[1]);

	if (RelationGetRelid(relation) != touch_row_stopped &&
		row_changed(relation, old, new, columns[0], columns[1]) && !nulls[1])
	{
		TimestampTz before = DatumGetTimestampTz(values[1]);
		TimestampTz now = GetCurrentTransactionStartTimestamp();

		/* the last microsecond that there is cannot be passed */
		if (now <= before)
			now = IS_VALID_TIMESTAMP(before + 1) ? before + 1 : before;
		values[1] = TimestampTzGetDatum(now);
	}

	return PointerGetDatum(heap_modify_tuple_by_cols(new, desc, 2, columns, values, nulls));
}

void
touch_row_stop(Oid relid)
{
	touch_row_stopped = relid;
}

PG_FUNCTION_INFO_V1(ddd_check_row);

Datum
ddd_check_row(PG_FUNCTION_ARGS)
{
	HeapTuple	row = row_of_trigger(fcinfo, "ddd.check_row()");
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	for (int i = 0; i < trigger->tg_trigger->tgnargs; i++)
	{
		char	   *rule = pstrdup(trigger->tg_trigger->tgargs[i]);
		char	   *column = strchr(rule, ':');

		if (column == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" of ddd.check_row() is not rule:column", rule)));
		*column++ = '\0';
		check_column(trigger->tg_relation, row, rule, column);
	}
	return PointerGetDatum(row);
}

/* Tells whether any column but the two times differs; bytes decide, not "=". */
static bool
row_changed(Relation relation, HeapTuple old, HeapTuple new, int created, int updated)
{
	TupleDesc	desc = RelationGetDescr(relation);

	for (int column = 1; column <= desc->natts; column++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);
		Datum		old_value;
		Datum		new_value;
		bool		old_null;
		bool		new_null;

		if (attribute->attisdropped || attribute->attgenerated ||
			column == created || column == updated)
			continue;
		old_value = heap_getattr(old, column, desc, &old_null);
		new_value = heap_getattr(new, column, desc, &new_null);
		if (old_null != new_null)
			return true;
		if (!old_null &&
			!datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen))
			return true;
	}
	return false;
}

HeapTuple
row_of_trigger(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be called as a BEFORE INSERT OR UPDATE row trigger", function)));
	return TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
}

void
statement_trigger_check(FunctionCallInfo fcinfo, const char *function)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be called as an AFTER statement trigger", function)));
	if (trigger->tg_relation->rd_rel->relowner != relation_owner())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table \"%s\" does not belong to the owner of ddd's tables",
						RelationGetRelationName(trigger->tg_relation))));
	if ((TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && trigger->tg_newtable == NULL) ||
		(TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && trigger->tg_oldtable == NULL) ||
		(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		 (trigger->tg_oldtable == NULL || trigger->tg_newtable == NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" lacks a transition table", trigger->tg_trigger->tgname)));
}

int
row_column(Relation relation, const char *name, Oid type)
{
	int			column = SPI_fnumber(RelationGetDescr(relation), name);
	Oid			found;

	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, RelationGetRelationName(relation)),
				 errhint("A trigger of ddd needs this column.")));
	found = SPI_gettypeid(RelationGetDescr(relation), column);
	if (found != type && !(type == TEXTOID && found == VARCHAROID))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" has a type that ddd's trigger cannot handle",
						name, RelationGetRelationName(relation))));
	return column;
}

static void
check_column(Relation relation, HeapTuple row, const char *rule, const char *column)
{
	const char *table = RelationGetRelationName(relation);
	Datum		value;
	bool		isnull;
	text	   *content;
	const char *problem;

	value = heap_getattr(row, row_column(relation, column, TEXTOID),
						 RelationGetDescr(relation), &isnull);
	if (isnull)
		return;
	content = DatumGetTextPP(value);

	if (strcmp(rule, "text") == 0)
	{
		check_not_blank(content, table, column);
		return;
	}

	if (strcmp(rule, "email") == 0)
		problem = email_problem(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
	else if (strcmp(rule, "name") == 0)
		problem = name_problem(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ddd.check_row() knows no rule \"%s\"", rule)));

	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("value for \"%s\" is not valid", column),
				 errdetail("%s", problem),
				 err_object(table, column, psprintf("%s_%s_valid", table, column))));
}
