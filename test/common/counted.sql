-- walked(): the pages of 7 rows, and later of 1000, of a listing by an access
-- path, as text: id, number of comments, score. "call" takes its page's size
-- and cursor as $1 and $2.
CREATE FUNCTION pg_temp.walked(path text, call text) RETURNS text[] STABLE LANGUAGE plpgsql AS $$
DECLARE
    size int := 7;
    place text;
    last_place text;
    page text[];
    found text[];
BEGIN
    PERFORM set_config('ddd.access_path', path, true);
    LOOP
        EXECUTE format('SELECT array_agg(concat_ws('' '', p.id, p.comment_count, to_jsonb(p)->>''score'')),
                               (array_agg(p.cursor))[count(*)] FROM %s p', call)
           INTO page, last_place USING size, place;
        EXIT WHEN page IS NULL;
        found := found || page;
        place := last_place;
        size := CASE WHEN cardinality(found) >= 21 THEN 1000 ELSE 7 END;
    END LOOP;
    PERFORM set_config('ddd.access_path', 'auto', true);
    RETURN found;
END $$;

-- ranked(): compares popular_posts() and hot_posts(), by either path, with
-- rankings of all posts by brute force; says "exact", or which differ.
CREATE FUNCTION pg_temp.ranked() RETURNS text STABLE LANGUAGE sql AS $$
    WITH wanted AS (
        SELECT format('ddd.popular_posts($1, $2, %s, %L)', fewest, since) AS call, posts
          FROM (VALUES (0, NULL), (1, NULL), (3, NULL), (1, '2 seconds'), (0, '10 days'), (1, '150 days'), (2, '150 years')) w (fewest, since),
               LATERAL (SELECT array_agg(x.id || ' ' || x.n ORDER BY x.n DESC, x.created_at DESC, x.id DESC) AS posts
                          FROM (SELECT p.id, p.created_at, count(c.id) AS n
                                  FROM ddd.posts p LEFT JOIN ddd.comments c
                                    ON c.post_id = p.id AND c.created_at >= coalesce(now() - since::interval, '-infinity')
                                 GROUP BY p.id) x
                         WHERE x.n >= fewest) s
         UNION ALL
        SELECT format('ddd.hot_posts($1, $2, %s)', gravity), posts
          FROM unnest('{0,1.8,30}'::float8[]) gravity,
               LATERAL (SELECT array_agg(concat_ws(' ', x.id, x.n, to_jsonb(x.score)) ORDER BY x.score DESC, x.created_at DESC, x.id DESC) AS posts
                          FROM (SELECT p.id, p.created_at, count(*) AS n,
                                       count(*) / power(greatest(extract(epoch FROM now() - p.created_at), 0)::float8 / 3600 + 2,
                                                        gravity) AS score
                                  FROM ddd.posts p JOIN ddd.comments c ON c.post_id = p.id GROUP BY p.id) x) s
    ), compared AS MATERIALIZED (
        SELECT call || ' by ' || path AS what, pg_temp.walked(path, call) IS NOT DISTINCT FROM posts AS equal
          FROM wanted, unnest('{auto,spi}'::text[]) path
    )
    SELECT coalesce(string_agg(what, ', ') FILTER (WHERE NOT equal), 'exact') FROM compared
$$;

-- counted(): compares every counter with count(*), and ranked() too, in one
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
                ELSE pg_temp.ranked() END
$$;
