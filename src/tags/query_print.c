/*
 * query_print.c
 *		From a tag query to the text that reads back as the same.
 *
 * Parentheses stand where they are needed. Needs palloc and nothing else of a
 * server: the fuzzer has it too. Recursion is as deep as the query.
 */
#include "postgres.h"

#include "tags/query.h"

/*
 * Bytes of text for a byte of the query, at most: a letter may have a backslash,
 * and a node a sign or quotes and what separates it from the one before.
 */
#define TEXT_PER_BYTE	8

static const char *print_node(char **text, const char *at, TagNodeKind outer);
static void print_name(char **text, const TagNode *name);
static void print(char **text, const char *s);

char *
query_print(TagBytes query)
{
	char	   *text = palloc(query.length * TEXT_PER_BYTE + 1);
	char	   *end = text;

	print_node(&end, query.bytes, TAG_OR);
	*end = '\0';
	return text;
}

/* Appends a node within one of the kind "outer"; returns what comes after it. */
static const char *
print_node(char **text, const char *at, TagNodeKind outer)
{
	TagNode		node;
	bool		exact;
	bool		in_parentheses;

	at = query_read(at, &node);
	if (node.kind == TAG_NAME || node.kind == TAG_PREFIX)
	{
		print_name(text, &node);
		return at;
	}
	if (node.kind == TAG_NOT)
	{
		print(text, "!");
		return print_node(text, at, TAG_NOT);
	}

	exact = node.kind == TAG_EXACT;
	/* a group that binds less than what it is in; one of nothing, always */
	in_parentheses = !exact &&
		(node.count == 0 || outer == TAG_NOT || (outer == TAG_AND && node.kind == TAG_OR));
	print(text, exact ? "{" : in_parentheses ? "(" : "");
	for (int i = 0; i < node.count; i++)
	{
		if (i > 0)
			print(text, exact ? ", " : node.kind == TAG_AND ? " & " : " | ");
		at = print_node(text, at, node.kind);
	}
	print(text, exact ? "}" : in_parentheses ? ")" : "");
	return at;
}

static void
print_name(char **text, const TagNode *name)
{
	bool		bare = true;

	for (int i = 0; i < name->length; i++)
		bare &= query_is_bare(name->name[i]);
	if (!bare)
		print(text, "\"");
	for (int i = 0; i < name->length; i++)
	{
		if (name->name[i] == '"' || name->name[i] == '\\')
			print(text, "\\");
		*(*text)++ = name->name[i];
	}
	if (!bare)
		print(text, "\"");
	if (name->kind == TAG_PREFIX)
		print(text, "*");
}

static void
print(char **text, const char *s)
{
	while (*s != '\0')
		*(*text)++ = *s++;
}
