/*
 * json.c
 *		A JSON object as the arguments of a call.
 *
 * Keys are matched exactly; jsonb has removed duplicates already (the last
 * one wins).
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "core/core.h"

static JsonField *find_field(JsonField *fields, int nfields, const char *key, int len);
static Datum read_value(JsonField *field, JsonbValue *value, const char *table);

void
json_read(JsonbContainer *object, JsonField *fields, int nfields, const char *table)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	for (int i = 0; i < nfields; i++)
	{
		fields[i].present = false;
		fields[i].isnull = true;
		fields[i].value = (Datum) 0;
	}

	if (!JsonContainerIsObject(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expected a JSON object")));

	it = JsonbIteratorInit(object);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		JsonField  *field;

		if (token != WJB_KEY)
			continue;
		field = find_field(fields, nfields, value.val.string.val, value.val.string.len);
		if (field == NULL)
		{
			int			shown = pg_mbcliplen(value.val.string.val, value.val.string.len,
											 NAMEDATALEN - 1);

			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown key \"%.*s\"", shown, value.val.string.val)));
		}

		token = JsonbIteratorNext(&it, &value, true);
		Assert(token == WJB_VALUE);
		field->present = true;
		field->isnull = value.type == jbvNull;
		if (!field->isnull)
			field->value = read_value(field, &value, table);
		else if (!field->nullable)
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("\"%s\" must not be null", field->key),
					 err_object(table, field->key, NULL)));
	}
}

static JsonField *
find_field(JsonField *fields, int nfields, const char *key, int len)
{
	for (int i = 0; i < nfields; i++)
	{
		if (strlen(fields[i].key) == (size_t) len && memcmp(fields[i].key, key, len) == 0)
			return &fields[i];
	}
	return NULL;
}

static Datum
read_value(JsonField *field, JsonbValue *value, const char *table)
{
	if (value->type != field->type)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be a JSON %s", field->key,
						field->type == jbvBool ? "boolean" : "string"),
				 err_object(table, field->key, NULL)));

	if (field->type == jbvBool)
		return BoolGetDatum(value->val.boolean);
	return PointerGetDatum(cstring_to_text_with_len(value->val.string.val,
													value->val.string.len));
}
