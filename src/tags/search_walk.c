/*
 * search_walk.c
 *		Answering a tag query from the index, newest first, as far as a page.
 *
 * Each node of the query finds its next post from a place on: a name in its
 * posting list, an OR as the first of its members', an AND by following the
 * member that has the fewest posts, to which the others are asked at each
 * post: either they go there in their own lists, and the walk goes on from
 * where they come out (leapfrog), or, where a list is so long that most of it
 * would be walked for nothing, its tag is looked up among the post's. NOT is
 * looked up in the same way; a query that only says what is not there follows
 * all posts. About how many posts a tag has: tag_sizes.c.
 *
 * Places are asked for in their order, so no list is read twice. Memory: a
 * piece of each list, whatever its length (posting_list.c); there are at most
 * as many lists as a query has names, and MAX_LISTS of prefixes.
 *
 * Cost: for each post of the fewest that is met, up to the last of the page, a
 * look-up or a step for each other member. A prefix begins with one look-up
 * for each of its tags, if they are few; otherwise it looks at the tags of all
 * posts. Tags that never meet are walked to the end of the rarer.
 *
 * (E. D. Demaine, A. Lopez-Ortiz, J. I. Munro, "Adaptive set intersections,
 * unions, and differences", 2000; T. L. Veldhuizen, "Leapfrog triejoin", 2014.)
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "lib/binaryheap.h"
#include "miscadmin.h"

#include "tags/search.h"

/* A post is looked up where a list is so many times longer than posts are asked for. */
#define PROBE_GAP		6

/* Places read at first: of a list that is followed, and of one of many. */
#define FIRST_PIECE		64
#define FIRST_OF_MANY	8

/* A prefix of more tags has the numbers of so many looked up. */
#define MAX_MEASURED	256

/* A prefix of more tags looks for them at all posts, instead of merging their lists; and of all prefixes. */
#define MAX_MERGED		1024
#define MAX_LISTS		4096

/* Tags of a post that are read at first. */
#define FIRST_TAGS		64

typedef struct Search
{
	PostingReader reader;
	int			nprobed;		/* names that are looked up at a post */
	/* the tags of the post asked about last, as far as they were read */
	int64		post_id;
	int64	   *tags;			/* NULL before the first post */
	int			ntags;
	int			room;
	bool		has_all;		/* no tag comes after those */
} Search;

static void measure(SearchNode *node, TagSizes *sizes);
static void measure_tags(SearchNode *node, TagSizes *sizes);
static void choose(SearchNode *node, double asked, int *lists);
static void choose_and(SearchNode *node, double asked, int *lists);
static bool open_cursors(Search *search, const SearchNode *node);
static bool seek(Search *search, SearchNode *node, Place from, Place *found);
static bool find(Search *search, SearchNode *node, Place from, Place *found);
static bool find_prefix(Search *search, SearchNode *node, Place from, Place *found);
static bool find_or(Search *search, SearchNode *node, Place from, Place *found);
static bool find_and(Search *search, SearchNode *node, Place from, Place *found);
static bool agree(Search *search, SearchNode *node, Place at, Place *beyond, bool *ended);
static bool follow(Search *search, SearchNode *node, const int64 *tag_id, Place from, Place *found);
static bool holds(Search *search, SearchNode *node, Place at);
static bool has_one_of(Search *search, const SearchNode *node, int64 post_id);
static bool has_exactly(Search *search, const SearchNode *node, int64 post_id);
static bool has_tag(Search *search, int64 tag_id, int64 post_id);
static void read_all_tags(Search *search, int64 post_id);
static void read_tags(Search *search, int64 post_id, int64 up_to);
static void begin_tags(Search *search, int64 post_id);
static int	compare_heads(Datum a, Datum b, void *unused);

bool
search_walk(SearchNode *root, ListPage *page, FunctionCallInfo fcinfo)
{
	Search		search = {0};
	TagSizes	sizes = {0};
	PostReader	posts;
	PageWriter	writer;
	Place		from = place_following((Place) {page->keys[0], page->keys[1]});
	Place		at;
	int64		missing = page->first;
	int			lists = 0;

	if (!direct_access_allowed())
		return false;
	measure(root, &sizes);
	tag_sizes_end(&sizes);
	choose(root, HUGE_VAL, &lists);
	if (!open_cursors(&search, root) || !post_reader_open(&posts))
	{
		posting_close(&search.reader);
		return false;
	}

	page_writer_begin(&writer, page, fcinfo);
	while (missing > 0 && seek(&search, root, from, &at))
	{
		CHECK_FOR_INTERRUPTS();
		/* within a statement a link may outlive its post */
		if (post_reader_read(&posts, at.post_id, &writer))
		{
			page_write(&writer, (int64[]) {at.created_at, at.post_id});
			missing--;
		}
		from = place_following(at);
	}
	page_writer_end(&writer);
	post_reader_close(&posts);
	posting_close(&search.reader);
	return true;
}

/* Finds out about how many posts each node has. */
static void
measure(SearchNode *node, TagSizes *sizes)
{
	node->size = node->kind == TAG_OR ? 0 : HUGE_VAL;
	for (int i = 0; i < node->nmembers; i++)
	{
		SearchNode *member = &node->members[i];

		measure(member, sizes);
		if (node->kind == TAG_OR)
			node->size += member->size;
		else if (node->kind == TAG_AND)
			node->size = Min(node->size, member->size);
	}
	if (node->ntags > 0)
		measure_tags(node, sizes);
}

/* Of EXACT the rarest tag's posts count, otherwise all of them. */
static void
measure_tags(SearchNode *node, TagSizes *sizes)
{
	int			n = node->kind == TAG_EXACT ? node->ntags : Min(node->ntags, MAX_MEASURED);
	double	   *posts = palloc_array(double, n);
	double		sum = 0;
	int			least = 0;

	node->rarest = node->tags[0];
	if (tag_sizes(sizes, node->tags, n, posts))
	{
		for (int i = 0; i < n; i++)
		{
			sum += posts[i];
			if (posts[i] < posts[least])
				least = i;
		}
		node->rarest = node->tags[least];
		node->size = node->kind == TAG_EXACT ? posts[least] : sum / n * node->ntags;
	}
	pfree(posts);
}

/*
 * Decides how a node is asked about posts, which it will be about so often;
 * HUGE_VAL if it is to find them itself. "lists" counts those that are merged.
 */
static void
choose(SearchNode *node, double asked, int *lists)
{
	switch (node->kind)
	{
		case TAG_NAME:
			node->probes = node->size > PROBE_GAP * asked;
			break;
		case TAG_PREFIX:
			node->probes = asked < HUGE_VAL;
			node->merges = !node->probes && node->ntags <= Min(MAX_MERGED, MAX_LISTS - *lists);
			if (node->merges)
				*lists += node->ntags;
			break;
		case TAG_EXACT:
			node->probes = asked < HUGE_VAL;
			break;
		case TAG_NOT:
			/* to find posts itself it asks about all of them */
			choose(&node->members[0], Min(asked, DBL_MAX), lists);
			node->probes = asked < HUGE_VAL;
			break;
		case TAG_OR:
			node->probes = false;
			for (int i = 0; i < node->nmembers; i++)
			{
				choose(&node->members[i], asked, lists);
				node->probes |= node->members[i].probes;
			}
			break;
		case TAG_AND:
			choose_and(node, asked, lists);
			break;
	}
}

static void
choose_and(SearchNode *node, double asked, int *lists)
{
	node->probes = node->size > PROBE_GAP * asked;
	node->driver = NULL;
	for (int i = 0; i < node->nmembers && !node->probes; i++)
	{
		SearchNode *member = &node->members[i];

		if (member->kind != TAG_NOT && (node->driver == NULL || member->size < node->driver->size))
			node->driver = member;
	}
	for (int i = 0; i < node->nmembers; i++)
	{
		SearchNode *member = &node->members[i];

		if (member == node->driver)
			choose(member, HUGE_VAL, lists);
		else if (node->probes)
			choose(member, asked, lists);
		else
			choose(member, node->driver != NULL ? Min(node->driver->size, DBL_MAX) : DBL_MAX, lists);
	}
}

/* Opens what the walk will read through; false where SPI must do it instead. */
static bool
open_cursors(Search *search, const SearchNode *node)
{
	PostingReader *reader = &search->reader;
	bool		ok = true;

	for (int i = 0; i < node->nmembers && ok; i++)
		ok = open_cursors(search, &node->members[i]);
	switch (node->kind)
	{
		case TAG_NAME:
			search->nprobed += node->probes;
			return ok && (node->probes ? posting_open_tags(reader) : posting_open_links(reader));
		case TAG_PREFIX:
			if (node->merges)
				return ok && posting_open_links(reader);
			return ok && posting_open_tags(reader) && (node->probes || posting_open_posts(reader));
		case TAG_EXACT:
			return ok && posting_open_tags(reader) &&
				(node->probes || (node->ntags > 0 ? posting_open_links(reader) : posting_open_posts(reader)));
		case TAG_NOT:
			return ok && (node->probes || posting_open_posts(reader));
		case TAG_AND:
			return ok && (node->probes || node->driver != NULL || posting_open_posts(reader));
		default:
			return ok;
	}
}

/*
 * Goes to a node's first post that does not come before "from", which never
 * comes before that of an earlier call; false at the end.
 */
static bool
seek(Search *search, SearchNode *node, Place from, Place *found)
{
	if (!node->ended && (!node->started || place_before(node->at, from)))
	{
		node->started = true;
		node->ended = !find(search, node, from, &node->at);
	}
	*found = node->at;
	return !node->ended;
}

static bool
find(Search *search, SearchNode *node, Place from, Place *found)
{
	switch (node->kind)
	{
		case TAG_NAME:
			return follow(search, node, &node->tags[0], from, found);
		case TAG_PREFIX:
			if (node->merges)
				return find_prefix(search, node, from, found);
			while (follow(search, node, NULL, from, found))
			{
				CHECK_FOR_INTERRUPTS();
				if (has_one_of(search, node, found->post_id))
					return true;
				from = place_following(*found);
			}
			return false;
		case TAG_OR:
			return find_or(search, node, from, found);
		case TAG_AND:
			return find_and(search, node, from, found);
		default:
			while (follow(search, node, node->ntags > 0 ? &node->rarest : NULL, from, found))
			{
				CHECK_FOR_INTERRUPTS();
				if (node->kind == TAG_NOT ? !holds(search, &node->members[0], *found) :
					has_exactly(search, node, found->post_id))
					return true;
				from = place_following(*found);
			}
			return false;
	}
}

/* Merges the lists of many tags. */
static bool
find_prefix(Search *search, SearchNode *node, Place from, Place *found)
{
	if (node->heap == NULL)
	{
		node->lists = palloc_extended(sizeof(PostingList) * node->ntags, MCXT_ALLOC_HUGE);
		node->heap = binaryheap_allocate(node->ntags, compare_heads, NULL);
		for (int i = 0; i < node->ntags; i++)
		{
			CHECK_FOR_INTERRUPTS();
			posting_list_begin(&node->lists[i], &node->tags[i], FIRST_OF_MANY);
			if (posting_list_seek(&search->reader, &node->lists[i], from, found))
				binaryheap_add_unordered(node->heap, PointerGetDatum(&node->lists[i]));
		}
		binaryheap_build(node->heap);
	}
	while (!binaryheap_empty(node->heap))
	{
		PostingList *list = (PostingList *) DatumGetPointer(binaryheap_first(node->heap));

		CHECK_FOR_INTERRUPTS();
		*found = list->places[list->next];
		if (!place_before(*found, from))
			return true;
		if (posting_list_seek(&search->reader, list, from, found))
			binaryheap_replace_first(node->heap, PointerGetDatum(list));
		else
			(void) binaryheap_remove_first(node->heap);
	}
	return false;
}

static bool
find_or(Search *search, SearchNode *node, Place from, Place *found)
{
	bool		any = false;

	for (int i = 0; i < node->nmembers; i++)
	{
		Place		at;

		if (seek(search, &node->members[i], from, &at) && (!any || place_before(at, *found)))
		{
			*found = at;
			any = true;
		}
	}
	return any;
}

static bool
find_and(Search *search, SearchNode *node, Place from, Place *found)
{
	Place		beyond;
	bool		ended = false;

	while (!ended && (node->driver != NULL ? seek(search, node->driver, from, found) :
					  follow(search, node, NULL, from, found)))
	{
		CHECK_FOR_INTERRUPTS();
		beyond = place_following(*found);
		if (agree(search, node, *found, &beyond, &ended))
			return true;
		from = beyond;
	}
	return false;
}

/*
 * Tells whether the other members of an AND have a post. If not, "beyond" may
 * move to where the next one could be, and "ended" says that there is none.
 */
static bool
agree(Search *search, SearchNode *node, Place at, Place *beyond, bool *ended)
{
	for (int i = 0; i < node->nmembers; i++)
	{
		SearchNode *member = &node->members[i];
		Place		next;

		if (member == node->driver)
			continue;
		if (member->probes || member->kind == TAG_NOT)
		{
			if (!holds(search, member, at))
				return false;
			continue;
		}
		if (!seek(search, member, at, &next))
		{
			*ended = true;
			return false;
		}
		if (!place_equal(next, at))
		{
			*beyond = next;
			return false;
		}
	}
	return true;
}

/* Goes on in a node's only list, a tag's or of all posts. */
static bool
follow(Search *search, SearchNode *node, const int64 *tag_id, Place from, Place *found)
{
	if (node->lists == NULL)
	{
		node->lists = palloc_object(PostingList);
		posting_list_begin(node->lists, tag_id, FIRST_PIECE);
	}
	return posting_list_seek(&search->reader, node->lists, from, found);
}

/* Tells whether a node has a post, at a place that does not come before any asked for earlier. */
static bool
holds(Search *search, SearchNode *node, Place at)
{
	Place		found;

	if (!node->probes && node->kind != TAG_NOT)
		return seek(search, node, at, &found) && place_equal(found, at);
	switch (node->kind)
	{
		case TAG_NAME:
			return has_tag(search, node->tags[0], at.post_id);
		case TAG_PREFIX:
			return has_one_of(search, node, at.post_id);
		case TAG_EXACT:
			return has_exactly(search, node, at.post_id);
		case TAG_NOT:
			return !holds(search, &node->members[0], at);
		default:
			for (int i = 0; i < node->nmembers; i++)
			{
				if (holds(search, &node->members[i], at) == (node->kind == TAG_OR))
					return node->kind == TAG_OR;
			}
			return node->kind == TAG_AND;
	}
}

static bool
has_one_of(Search *search, const SearchNode *node, int64 post_id)
{
	read_all_tags(search, post_id);
	for (int i = 0; i < search->ntags; i++)
	{
		if (tag_ids_contain(node->tags, node->ntags, search->tags[i]))
			return true;
	}
	return false;
}

static bool
has_exactly(Search *search, const SearchNode *node, int64 post_id)
{
	read_all_tags(search, post_id);
	return search->ntags == node->ntags &&
		(node->ntags == 0 || memcmp(search->tags, node->tags, sizeof(int64) * node->ntags) == 0);
}

/*
 * Where a query looks up several names, the first tags of a post are read, for
 * the others as well; a tag behind those is looked for by itself.
 */
static bool
has_tag(Search *search, int64 tag_id, int64 post_id)
{
	if (search->nprobed > 1)
	{
		read_tags(search, post_id, tag_id);
		if (search->has_all || search->tags[search->ntags - 1] >= tag_id)
			return tag_ids_contain(search->tags, search->ntags, tag_id);
	}
	return posting_probe(&search->reader, post_id, tag_id);
}

static void
read_all_tags(Search *search, int64 post_id)
{
	read_tags(search, post_id, PG_INT64_MAX);
	while (!search->has_all && search->ntags == search->room)
	{
		/* from the first again: the cursor may have been used meanwhile */
		search->room *= 2;
		search->tags = repalloc_huge(search->tags, sizeof(int64) * search->room);
		begin_tags(search, post_id);
		read_tags(search, post_id, PG_INT64_MAX);
	}
}

/* Reads the tags of a post in order, as far as a tag or as there is room. */
static void
read_tags(Search *search, int64 post_id, int64 up_to)
{
	if (search->tags == NULL || search->post_id != post_id)
		begin_tags(search, post_id);
	while (!search->has_all && search->ntags < search->room &&
		   (search->ntags == 0 || search->tags[search->ntags - 1] < up_to))
	{
		if (posting_tags_next(&search->reader, &search->tags[search->ntags]))
			search->ntags++;
		else
			search->has_all = true;
	}
}

static void
begin_tags(Search *search, int64 post_id)
{
	if (search->tags == NULL)
	{
		search->room = FIRST_TAGS;
		search->tags = palloc_array(int64, search->room);
	}
	search->post_id = post_id;
	search->ntags = 0;
	search->has_all = false;
	posting_tags_begin(&search->reader, post_id);
}

/* The list whose place comes first is the greatest. */
static int
compare_heads(Datum a, Datum b, void *unused)
{
	PostingList *left = (PostingList *) DatumGetPointer(a);
	PostingList *right = (PostingList *) DatumGetPointer(b);

	return place_before(left->places[left->next], right->places[right->next]) ? 1 :
		place_before(right->places[right->next], left->places[left->next]) ? -1 : 0;
}
