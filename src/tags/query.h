/*
 * query.h
 *		Tag queries as bytes: what they are made of, and from what. Private to
 *		tags; nothing here touches a table or needs a server.
 *
 * A query is a tree in prefix order. A node begins with a byte for its kind;
 *		a name or prefix goes on with a length, 2 bytes, and as many bytes,
 *		NOT with its member,
 *		a group with the number of its members, 2 bytes, and the members.
 * Numbers are big-endian, so that equal queries are equal bytes everywhere.
 *
 * The form is canonical: names are folded (core/fold.c); no group is directly
 * in a group of its kind, and none has one member but EXACT; members are in
 * the order of their bytes, each once; NOT is never directly in NOT; what is
 * always or never true is in no group. OR of nothing is never true.
 */
#ifndef DDD_QUERY_H
#define DDD_QUERY_H

#include "postgres.h"

/* Limits of a query: names, operators and groups; how deep they are in each other; its text. */
#define MAX_QUERY_NODES	256
#define MAX_QUERY_DEPTH	32
#define MAX_QUERY_BYTES	(1024 * 1024)

typedef enum TagNodeKind
{
	TAG_NAME = 1,				/* has this tag */
	TAG_PREFIX,					/* has a tag that begins so */
	TAG_NOT,
	TAG_AND,
	TAG_OR,
	TAG_EXACT					/* has these tags and no other; names only */
} TagNodeKind;

/* The beginning of a node. */
typedef struct TagNode
{
	TagNodeKind kind;
	int			count;			/* of members */
	const char *name;			/* not terminated */
	int			length;
} TagNode;

/* A query in canonical form, or a part of one. */
typedef struct TagBytes
{
	const char *bytes;
	int			length;
} TagBytes;

/* Returns a name's folded form, palloc'd; NULL if it is too long. */
typedef char *(*TagFold) (const char *s, int len, int *folded_len);

/* What is wrong with the text of a query. */
typedef struct TagProblem
{
	const char *detail;			/* a sentence */
	int			at;				/* bytes before the place */
} TagProblem;

/* query_parse.c ------------------------------------------------------------ */

/* Reads a query, palloc'd; returns false and sets the problem for what is none. */
extern bool query_parse(const char *s, int len, TagFold fold, TagBytes *query, TagProblem *problem);

/* Tells whether a character may be in a name that is not quoted. */
extern bool query_is_bare(char c);

/* query_print.c: returns the text of a query, palloc'd. */
extern char *query_print(TagBytes query);

/* query_build.c ------------------------------------------------------------ */

/* Each returns a palloc'd query. */
extern TagBytes query_name(const char *folded, int len, bool prefix);
extern TagBytes query_not(TagBytes member);
extern TagBytes query_group(TagNodeKind kind, const TagBytes *members, int n);

/* Tells whether a query keeps to the limits. */
extern bool query_fits(TagBytes query);

/* Reads a node's beginning; returns where its first member is, or what comes after it if it has none. */
extern const char *query_read(const char *at, TagNode *node);

/* Returns what comes after a node and its members. */
extern const char *query_skip(const char *at);

/* query_match.c ------------------------------------------------------------ */

/* As PostgreSQL's GIN has it. */
typedef enum TagTruth
{
	TAG_FALSE = 0,
	TAG_TRUE = 1,
	TAG_MAYBE = 2
} TagTruth;

/* A set of tags that a query is asked about. */
typedef struct TagSet
{
	/* Tells about a name or prefix; they are asked for in their order in the query, all of them. */
	TagTruth	(*has) (const TagNode *name, void *state);
	void	   *state;
	int			size;			/* how many tags it has; -1 if that is not known */
} TagSet;

extern TagTruth query_match(TagBytes query, const TagSet *set);

#endif							/* DDD_QUERY_H */
