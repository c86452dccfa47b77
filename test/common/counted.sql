-- ranking(): popular_posts by an access path, walked in pages of 7 and later 1000.
CREATE FUNCTION pg_temp.ranking(path text, fewest int) RETURNS text[] STABLE LANGUAGE plpgsql AS $$
DECLARE
    size int := 7;
    place text;
    last_place text;
    page text[];
    found text[];
BEGIN
    PERFORM set_config('ddd.access_path', path, true);
    LOOP
        SELECT array_agg(p.id || ' ' || p.comment_count), (array_agg(p.cursor))[count(*)]
          INTO page, last_place FROM ddd.popular_posts(size, place, fewest) p;
        EXIT WHEN page IS NULL;
        found := found || page;
        place := last_place;
        size := CASE WHEN cardinality(found) >= 70 THEN 1000 ELSE 7 END;
    END LOOP;
    PERFORM set_config('ddd.access_path', 'auto', true);
    RETURN found;
END $$;

-- popular(): compares it, by either path, with a brute-force ranking.
CREATE FUNCTION pg_temp.popular() RETURNS text STABLE LANGUAGE sql AS $$
    SELECT CASE WHEN bool_and(found.ranking IS NOT DISTINCT FROM wanted.ranking) THEN 'exact'
                ELSE string_agg(format('popular_posts(min_comments => %s) by %s', fewest, path), ', ')
                       FILTER (WHERE found.ranking IS DISTINCT FROM wanted.ranking) END
      FROM unnest('{0,1,3}'::int[]) fewest, unnest('{auto,spi}'::text[]) path,
           LATERAL (SELECT array_agg(x.id || ' ' || x.n ORDER BY x.n DESC, x.created_at DESC, x.id DESC) AS ranking
                      FROM (SELECT p.id, p.created_at, count(c.id) AS n
                              FROM ddd.posts p LEFT JOIN ddd.comments c ON c.post_id = p.id GROUP BY p.id) x
                     WHERE x.n >= fewest) wanted,
           LATERAL (SELECT pg_temp.ranking(path, fewest) AS ranking) found
$$;

-- counted(): compares every counter with count(*), and popular() too, in one
-- snapshot; says "exact", or what is not.
CREATE FUNCTION pg_temp.counted() RETURNS text STABLE LANGUAGE sql AS $$
    WITH rows AS (
        SELECT 1 AS counter, post_id AS subject_id, count(*) AS n FROM ddd.comments GROUP BY post_id
         UNION ALL
        SELECT 2, tag_id, count(*) FROM ddd.post_tags GROUP BY tag_id
    ), parts AS (
        SELECT counter, subject_id, sum(n) AS n
          FROM (SELECT counter, subject_id, value AS n FROM ddd.counters
                 UNION ALL SELECT counter, subject_id, delta FROM ddd.counter_ledger) p
         GROUP BY 1, 2
    ), wrong AS (
        SELECT format('counter %s of %s: %s instead of %s', coalesce(r.counter, p.counter),
                      coalesce(r.subject_id, p.subject_id), p.n, r.n) AS what
          FROM rows r FULL JOIN parts p USING (counter, subject_id)
         WHERE coalesce(r.n, 0) <> coalesce(p.n, 0)
    )
    SELECT CASE WHEN EXISTS (SELECT FROM wrong) THEN (SELECT format('%s wrong: %s', count(*), min(what)) FROM wrong)
                ELSE pg_temp.popular() END
$$;
