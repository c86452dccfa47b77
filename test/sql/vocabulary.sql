-- Tags themselves: listed, suggested, related; renamed, merged, deleted; and
-- synonyms, which stand for their tag wherever a tag is named.
SET client_min_messages = warning;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\set ECHO none
\i :err
\set ECHO all
INSERT INTO ddd.users (id, email, full_name) VALUES (-1, 'ann@vocabulary', 'Ann');
INSERT INTO ddd.posts (id, title, content, author_id, created_at) SELECT -n, 'P', '', -1, timestamptz '2024-01-01' - n * interval '1 day' FROM generate_series(1, 9) n;
SELECT ddd.tag_post(-n, CASE WHEN n < 7 THEN '{JavaScript,Web}' WHEN n < 9 THEN '{Rust,web}'::text[] ELSE '{Java," Web "}' END) FROM generate_series(1, 9) n;
INSERT INTO ddd.tags (name) VALUES ('Unused'), (U&'\00c9t\00e9');

-- spellings of one tag
SELECT ddd.tag_post(-1, ARRAY['JAVASCRIPT', U&'e\0301te\0301', ' unused']);
SELECT ddd.untag_post(-1, ARRAY[U&'\00c9T\00c9', 'UNUSED']);
SELECT count(*) FROM ddd.posts_by_tag(U&'E\0301T\00c9');
SELECT name, key, synonym_of FROM ddd.tags ORDER BY key;

-- lists
SELECT name, post_count, synonym_of FROM ddd.list_tags();
SELECT name, post_count FROM ddd.list_tags(prefix => 'JA');
SELECT array_agg(name) FROM ddd.list_tags(first => 3);
SELECT array_agg(name) FROM ddd.list_tags(first => 3, after => (SELECT cursor FROM ddd.list_tags(first => 3) OFFSET 2));
SELECT array_agg(name) FROM ddd.list_tags(first => 3, after => (SELECT cursor FROM ddd.list_tags() WHERE name = 'Web'));
SELECT pg_temp.err($$SELECT ddd.list_tags(after => (SELECT cursor FROM ddd.list_tags(first => 1)), prefix => 'j')$$);
SELECT name, post_count FROM ddd.popular_tags(2);
SELECT name, post_count FROM ddd.popular_tags();
SELECT name, post_count FROM ddd.suggest_tags('j');
SELECT name, post_count FROM ddd.suggest_tags('JAVAS');
SELECT count(*) FROM ddd.suggest_tags('none');
SELECT name, post_count, shared FROM ddd.related_tags('web');
SELECT name, post_count, shared FROM ddd.related_tags('rust', 1);
SELECT count(*) FROM ddd.related_tags('none');

-- synonyms
SELECT name, post_count, synonym_of FROM ddd.add_tag_synonym('javascript', 'JS');
SELECT name, post_count, synonym_of FROM ddd.add_tag_synonym('js', 'ECMAScript');
SELECT name, post_count, synonym_of FROM ddd.add_tag_synonym('javascript', 'js');
SELECT name, post_count, synonym_of FROM ddd.add_tag_synonym('rust', 'unused');
SELECT ddd.add_tag_synonym('none', 'nothing') IS NULL AS unknown;
SELECT s, pg_temp.err(format('SELECT ddd.add_tag_synonym(''javascript'', %L)', s)) FROM unnest(ARRAY['JavaScript', 'rust', 'web', 'Unused', ' ', E'a\tb', repeat('x', 101)]) s;
SELECT pg_temp.err($$SELECT ddd.add_tag_synonym('ecmascript', 'javascript')$$);
SELECT name, post_count, synonym_of FROM ddd.list_tags(prefix => 'js');
SELECT count(*) FROM ddd.posts_by_tag('ECMAscript');
SELECT count(*) FROM ddd.posts_by_tags('js & web');
SELECT count(*) FROM ddd.posts_by_tags('ecma* & !java');
SELECT name FROM ddd.suggest_tags('ecma');
SELECT ddd.tag_post(-9, '{js,JavaScript}');
SELECT ddd.set_post_tags(-9, '{ecmascript,java,web}');
SELECT ddd.untag_post(-9, '{JS}');
INSERT INTO ddd.post_tags (post_id, tag_id) SELECT -9, id FROM ddd.tags WHERE name = 'JS' RETURNING (SELECT name FROM ddd.tags t WHERE t.id = tag_id);
DELETE FROM ddd.post_tags WHERE post_id = -9 AND tag_id = (SELECT id FROM ddd.tags WHERE name = 'JavaScript');
SELECT name, shared FROM ddd.related_tags('js');

-- rules of the table, whoever writes
SELECT pg_temp.err($$UPDATE ddd.tags SET synonym_of = (SELECT id FROM ddd.tags WHERE name = 'Rust') WHERE name = 'JavaScript'$$);
SELECT pg_temp.err($$UPDATE ddd.tags SET synonym_of = (SELECT id FROM ddd.tags WHERE name = 'Rust') WHERE name = 'Java'$$);
SELECT pg_temp.err($$INSERT INTO ddd.tags (name, synonym_of) SELECT 'x', id FROM ddd.tags WHERE name = 'JS'$$);
SELECT pg_temp.err($$UPDATE ddd.tags SET synonym_of = id WHERE name = 'JS'$$);
SELECT pg_temp.err($$INSERT INTO ddd.tags (name, synonym_of) VALUES ('x', 0)$$);
INSERT INTO ddd.tags (name, key) VALUES ('Given', 'another') RETURNING key;
UPDATE ddd.tags SET key = 'another' WHERE name = 'Given' RETURNING key;

-- another name
SELECT name, post_count, synonym_of FROM ddd.rename_tag('GIVEN', ' Taken ');
SELECT name, post_count FROM ddd.rename_tag('web', 'WEB');
SELECT name, synonym_of FROM ddd.rename_tag('js', 'Node');
SELECT ddd.rename_tag('none', 'nothing') IS NULL AS unknown;
SELECT pg_temp.err($$SELECT ddd.rename_tag('javascript', 'ecmascript')$$);
SELECT n, pg_temp.err(format('SELECT ddd.rename_tag(''rust'', %L)', n)) FROM unnest(ARRAY['WEB', 'node', '', E'\n', repeat('x', 101)]) n;

-- one of several
SELECT name, post_count FROM ddd.merge_tags('{java,Taken,none,node}', 'rust');
SELECT name, post_count, synonym_of FROM ddd.list_tags();
SELECT ddd.merge_tags('{rust}', 'none') IS NULL AS unknown;
SELECT name, post_count FROM ddd.merge_tags('{rust,java}', 'node');
SELECT name, post_count FROM ddd.merge_tags('{}', 'web');
SELECT name, post_count FROM ddd.merge_tags('{web}', 'javascript');
SELECT name, post_count, synonym_of FROM ddd.list_tags();
SELECT ddd.fold_counters() > 0 AS folded, (SELECT count(*) FROM ddd.verify_counters() WHERE told <> counted) AS wrong;

-- without a tag
SELECT ddd.drop_tag_synonym('ecmascript'), ddd.drop_tag_synonym('ecmascript'), ddd.drop_tag_synonym('rust');
SELECT pg_temp.err($$SELECT ddd.delete_tag('rust')$$);
SELECT ddd.delete_tag('java'), ddd.delete_tag('java'), ddd.delete_tag(U&'\00c9T\00c9');
INSERT INTO ddd.tags (name) VALUES ('none1'), ('none2'), ('kept');
SELECT ddd.add_tag_synonym('kept', 'keeps') IS NOT NULL;
SELECT ddd.prune_tags(), ddd.prune_tags();
SELECT ddd.delete_tag('RUST', force => true);
SELECT name, synonym_of FROM ddd.list_tags();
SELECT count(*) FROM ddd.post_tags;
SELECT (SELECT count(*) FROM ddd.verify_counters() WHERE told <> counted) AS wrong;

-- more names that begin so than are ranked, most of them synonyms of one tag
INSERT INTO ddd.tags (id, name) VALUES (-1, 'target');
INSERT INTO ddd.tags (name, synonym_of) SELECT 'aa' || n, -1 FROM generate_series(1000, 2100) n;
INSERT INTO ddd.tags (name) SELECT 'ab' || n FROM generate_series(1000, 2200) n;
INSERT INTO ddd.tags (name, synonym_of) SELECT 'ac' || n, -1 FROM generate_series(1, 5) n;
SELECT ddd.tag_post(-1, '{ab2199,target}'), ddd.tag_post(-2, '{target}');
SELECT array_agg(name) FROM ddd.suggest_tags('a', 4);
SELECT count(*), count(DISTINCT id) FROM ddd.suggest_tags('a', 1000);
SET ddd.max_page_size = 10000;
SELECT count(*), count(DISTINCT id) FROM ddd.suggest_tags('a', 5000);
SELECT count(*) FROM ddd.list_tags(5000, prefix => 'ab');
RESET ddd.max_page_size;

DELETE FROM ddd.posts;
DELETE FROM ddd.users;
DELETE FROM ddd.tags;
