-- Random tag queries about random posts, with what set algebra says of them.
-- Wants an empty ddd and the settings searches.seed and searches.posts.
SELECT setseed(current_setting('searches.seed')::float8) IS NOT NULL AS seeded;
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'searcher@example.org', 'Searcher');
-- two posts of each moment; ids have nothing to do with time
INSERT INTO ddd.posts (id, title, content, author_id, created_at)
SELECT 1 + n * 7919 % 100003, 'p', '', -1, timestamptz '2024-01-01' + n / 2 * interval '1 minute'
  FROM generate_series(1, current_setting('searches.posts')::int) n;
INSERT INTO ddd.tags (id, name)
SELECT -n, CASE WHEN n % 5 = 0 THEN chr(233) || 'Tag ' || n ELSE substr('abcd', 1 + n % 4, 1) || 'Tag' || n END FROM generate_series(1, 24) n;
INSERT INTO ddd.tags (id, name, synonym_of) SELECT -100 - n, substr('abxy', 1 + n % 4, 1) || 'Syn"' || n, -1 - n % 12 FROM generate_series(1, 8) n;
-- from a tag that most posts have to some that few have, and one that none has
INSERT INTO ddd.post_tags (post_id, tag_id)
SELECT p.id, -n FROM ddd.posts p, generate_series(1, 23) n WHERE random() < 0.9 / (n * n / 3.0 + 0.7) + 0 * p.id;

-- the posts of each name as bits, newest first
CREATE TABLE public.place AS SELECT id, row_number() OVER (ORDER BY created_at DESC, id DESC)::int AS place FROM ddd.posts;
CREATE TABLE public.tagged AS
SELECT coalesce(t.synonym_of, t.id) AS id, t.name, (SELECT string_agg(EXISTS (SELECT FROM ddd.post_tags l WHERE l.post_id = p.id AND l.tag_id = coalesce(t.synonym_of, t.id))::int::text, '' ORDER BY place)
                                     FROM public.place p)::varbit AS posts
  FROM ddd.tags t;
CREATE TABLE public.name AS SELECT array_agg(name::text ORDER BY id, name) AS names FROM public.tagged;

-- One random query of a depth, and its posts.
CREATE FUNCTION public.random_search(depth int, OUT query text, OUT posts varbit) LANGUAGE plpgsql AS $$
DECLARE
    kind float8 := random();
    names text[] := (SELECT n.names FROM public.name n);
    chosen text;
    other record;
    prefix text;
BEGIN
    IF depth > 0 AND kind < 0.8 THEN
        SELECT * INTO query, posts FROM public.random_search(depth - 1);
        IF kind < 0.15 THEN
            query := '!(' || query || ')';
            posts := ~ posts;
            RETURN;
        END IF;
        FOR i IN 1 .. 1 + floor(random() * 2) LOOP
            other := public.random_search(depth - 1);
            query := '(' || query || CASE WHEN kind < 0.55 THEN ') & (' ELSE ') | (' END || other.query || ')';
            posts := CASE WHEN kind < 0.55 THEN posts & other.posts ELSE posts | other.posts END;
        END LOOP;
        RETURN;
    END IF;

    kind := random();
    chosen := names[1 + floor(random() * cardinality(names))];
    IF kind < 0.03 THEN
        query := 'unknown';
        posts := ~ (t.posts | ~ t.posts) FROM public.tagged t LIMIT 1;
    ELSIF kind < 0.7 THEN
        query := format('"%s"', replace(CASE WHEN random() < 0.5 THEN upper(chosen) ELSE chosen END, '"', '\"'));
        posts := t.posts FROM public.tagged t WHERE t.name = chosen;
    ELSIF kind < 0.85 THEN
        prefix := left(chosen, 1 + floor(random() * 5)::int);
        query := format('"%s"*', replace(prefix, '"', '\"'));
        posts := bit_or(t.posts) FROM public.tagged t WHERE starts_with(ddd.tag_key(t.name), ddd.tag_key(prefix));
    ELSE
        query := format('{"%s"}', replace(chosen, '"', '\"'));
        posts := t.posts FROM public.tagged t WHERE t.name = chosen;
        IF kind < 0.9 THEN
            query := '{}';
            posts := ~ bit_or(t.posts) FROM public.tagged t;
        ELSIF kind < 0.96 THEN
            query := format('{"%s", "%s"}', replace(chosen, '"', '\"'), names[1]);
            posts := random_search.posts & ~ bit_or(t.posts) FILTER (WHERE t.id NOT IN (SELECT s.id FROM public.tagged s WHERE s.name IN (chosen, names[1])))
                     & (SELECT s.posts FROM public.tagged s WHERE s.name = names[1]) FROM public.tagged t;
        ELSE
            posts := random_search.posts & ~ bit_or(t.posts) FILTER (WHERE t.id <> (SELECT s.id FROM public.tagged s WHERE s.name = chosen)) FROM public.tagged t;
        END IF;
    END IF;
END $$;

-- The ids of a page: of those posts, the first so many after a place.
CREATE FUNCTION public.expected_page(posts varbit, after int, wanted int) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(s.id ORDER BY s.place) FROM (SELECT p.id, p.place FROM public.place p
     WHERE p.place > after AND get_bit(posts, p.place - 1) = 1 ORDER BY p.place LIMIT wanted) s $$;

-- Asks so many random queries, a page and the one after it each, of some all;
-- returns the first that is answered wrongly, and counts pages and queries.
CREATE FUNCTION public.ask(searches int, OUT wrong text, OUT pages bigint, OUT rows bigint, OUT different bigint) LANGUAGE plpgsql AS $$
DECLARE
    search record;
    page record;
    wanted int;
    after int;
    cursor text;
    expected bigint[];
BEGIN
    pages := 0;
    rows := 0;
    DROP TABLE IF EXISTS searched;
    CREATE TEMPORARY TABLE searched (query text);
    FOR i IN 1 .. searches LOOP
        search := public.random_search(i % 4);
        INSERT INTO searched VALUES (search.query);
        wanted := (ARRAY[1, 5, 20, 200])[1 + floor(random() ^ 2 * 4)];
        after := 0;
        cursor := NULL;
        -- two pages, or all
        FOR nth IN 1 .. CASE WHEN i % 64 = 0 THEN 1000 ELSE 2 END LOOP
            SELECT array_agg(s.id) AS ids, (array_agg(s.cursor))[count(*)] AS cursor INTO page
              FROM ddd.posts_by_tags(search.query::ddd.tag_query, wanted, cursor) s;
            expected := public.expected_page(search.posts, after, wanted);
            pages := pages + 1;
            rows := rows + coalesce(cardinality(page.ids), 0);
            IF page.ids IS DISTINCT FROM expected THEN
                wrong := format('%s, %s after place %s: %s instead of %s', search.query, wanted, after, page.ids, expected);
                RETURN;
            END IF;
            EXIT WHEN coalesce(cardinality(page.ids), 0) < wanted;
            cursor := page.cursor;
            after := (SELECT p.place FROM public.place p WHERE p.id = page.ids[wanted]);
        END LOOP;
    END LOOP;
    different := count(DISTINCT query) FROM searched;
    DROP TABLE searched;
END $$;
