/*
 * values.c
 *		A user as a value: is_authenticated(), repr(), to_dict().
 *
 * These read the row they are given and no table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "core/core.h"

/* The one column that never leaves the database. */
#define SECRET_COLUMN "hashed_password"

static void append_quoted(StringInfo out, HeapTupleHeader row, const char *column);

PG_FUNCTION_INFO_V1(ddd_is_authenticated);

Datum
ddd_is_authenticated(PG_FUNCTION_ARGS)
{
	bool		isnull;
	Datum		is_active = GetAttributeByName(PG_GETARG_HEAPTUPLEHEADER(0), "is_active", &isnull);

	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(is_active);
}

PG_FUNCTION_INFO_V1(ddd_repr);

Datum
ddd_repr(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "<User(email=");
	append_quoted(&out, row, "email");
	appendStringInfoString(&out, ", full_name=");
	append_quoted(&out, row, "full_name");
	appendStringInfoString(&out, ")>");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

PG_FUNCTION_INFO_V1(ddd_to_dict);

Datum
ddd_to_dict(PG_FUNCTION_ARGS)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relation = OidIsValid(type) ? get_typ_typrelid(getBaseType(type)) : InvalidOid;
	Datum		dict;

	if (!OidIsValid(relation) ||
		get_rel_namespace(relation) != get_namespace_oid("ddd", true))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("not a row of a table or type of ddd"),
				 errhint("Cast it, for example to ddd.user_info.")));

	/* the declared argument types are the same, so is the expression */
	dict = to_jsonb(fcinfo);
	return DirectFunctionCall2(jsonb_delete, dict, CStringGetTextDatum(SECRET_COLUMN));
}

/* Appends a column as a Python string literal; None for NULL. */
static void
append_quoted(StringInfo out, HeapTupleHeader row, const char *column)
{
	bool		isnull;
	Datum		value = GetAttributeByName(row, column, &isnull);

	if (isnull)
	{
		appendStringInfoString(out, "None");
		return;
	}
	appendStringInfoChar(out, '\'');
	for (const char *s = TextDatumGetCString(value); *s; s++)
	{
		CHECK_FOR_INTERRUPTS();
		if (*s == '\'' || *s == '\\')
			appendStringInfo(out, "\\%c", *s);
		else if (*s == '\n')
			appendStringInfoString(out, "\\n");
		else if (*s == '\r')
			appendStringInfoString(out, "\\r");
		else if (*s == '\t')
			appendStringInfoString(out, "\\t");
		else if ((unsigned char) *s < ' ' || *s == 0x7F)
			appendStringInfo(out, "\\x%02x", (unsigned char) *s);
		else
			appendStringInfoChar(out, *s);
	}
	appendStringInfoChar(out, '\'');
}
