/*
 * tag_info.h
 *		Tags as results: with their number of posts and what they are synonyms
 *		of. Private to tags.
 */
#ifndef DDD_TAG_INFO_H
#define DDD_TAG_INFO_H

#include "tags/links.h"

/* The columns of ddd.tag_info. */
#define TAG_NCOLUMNS 4

/* A row of ddd.tag_info; names are NULL where there is none. */
typedef struct TagInfo
{
	int64		id;
	text	   *name;
	int64		post_count;		/* of the tag that is meant */
	text	   *synonym_of;
	int64		meant;			/* the tag that is meant: itself, unless it is a synonym */
	text	   *key;
} TagInfo;

/*
 * What a statement must select to have its rows read by tag_infos_read: of a
 * tag t and the tag m that a synonym means, "FROM" TAG_TABLES. OFFSET: it is
 * looked up, never joined, which might read all tags.
 */
#define TAG_COLUMNS "t.id, t.name::text, m.name::text, coalesce(m.id, t.id), coalesce(t.key::text, '')"
#define TAG_MEANT \
	" LEFT JOIN LATERAL (SELECT o.id, o.name FROM ddd.tags o WHERE o.id = t.synonym_of OFFSET 0) m ON true"
#define TAG_TABLES	"ddd.tags t" TAG_MEANT

/* Reads the rows of the last statement, but for their numbers of posts. */
extern TagInfo *tag_infos_read(uint64 rows);

/* Reads their numbers of posts, as of the active snapshot. */
extern void tag_infos_count(TagInfo *infos, uint64 n);

/* Ranks tags by their number of posts, created_at and id: those after a place. */
extern void tag_ranking(Ranking *ranking);

/* Fills the columns of ddd.tag_info. */
extern void tag_info_values(const TagInfo *info, Datum *values, bool *nulls);

/* Ends a call that returns a tag by its id, as it is now; NULL where it is not there. */
extern Datum tag_info_end(ApiCall *call, FunctionCallInfo fcinfo, int64 tag_id);

#endif							/* DDD_TAG_INFO_H */
