-- Sign-up, profile and deletion: results, and the error of every wrong argument.
\set VERBOSITY terse
SET client_min_messages = warning;
TRUNCATE ddd.users CASCADE;
ALTER SEQUENCE ddd.users_id_seq RESTART;
\getenv input PG_ABS_SRCDIR
\set err :input '/common/err.sql'
\i :err
\set shown 'u.id, u.email, u.full_name, u.is_active, u.is_superuser, u.bio, u.created_at = u.updated_at AS fresh'

-- sign-up
SELECT :shown FROM ddd.create_user('Ann@Example.org', 'Ann Smith', 'correct horse') u;
SELECT :shown FROM ddd.create_user(' bob@example.org ', 'Bob', bio => 'hi', is_active => false, is_superuser => true) u;
SELECT :shown FROM ddd.create_user('{"email": "cy@example.org", "full_name": "Cy", "password": "12345678", "bio": null}') u;
SELECT id, email, split_part(hashed_password, '$', 2) AS scheme,
       hashed_password <> '!' AND ddd.verify_password('correct horse', hashed_password) AS verified
  FROM ddd.users ORDER BY id;
-- a hash from elsewhere is stored as it is
SELECT u.id FROM ddd.create_user('dee@example.org', 'Dee',
    hashed_password => '$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC') u;
SELECT ddd.verify_password('pässwörd', hashed_password) FROM ddd.users WHERE email = 'dee@example.org';

-- the same address in another case is the same user's; look-alikes are not
SELECT pg_temp.err($$SELECT ddd.create_user('ANN@example.ORG', 'Impostor')$$);
SELECT pg_temp.err($$SELECT ddd.create_user('{"email": "ann@EXAMPLE.org", "full_name": "Impostor"}')$$);
SELECT u.email FROM ddd.create_user(U&'\212Aim@example.org', 'Kelvin sign') u;
SELECT u.email FROM ddd.create_user('kim@example.org', 'Letter k') u;
SELECT u.email FROM ddd.create_user(U&'\0131@example.org', 'Dotless i') u;
SELECT u.email FROM ddd.create_user('i@example.org', 'Letter i') u;

-- wrong arguments
SELECT encode(convert_to(e, 'UTF8'), 'escape') AS email, pg_temp.err(format('SELECT ddd.create_user(%L, ''X'')', e))
  FROM unnest(ARRAY['', 'no-at', 'two@at@x', '@x', 'x@', 'x@.org', 'x@a..b', 'x@org.', 'a b@x', E'a\n@x', '"a@b"@x',
                    U&'a\200Bb@x', U&'a\00ADb@x', NULL]) WITH ORDINALITY AS t (e, n) ORDER BY n;
SELECT pg_temp.err(format('SELECT ddd.create_user(%L, ''X'')', repeat('x', 250) || '@x.org'));
SELECT pg_temp.err(format('SELECT ddd.create_user(''long@x'', %L)', repeat('ä', 256)));
SELECT char_length(u.full_name) FROM ddd.create_user('long@x', repeat('ä', 255)) u;
SELECT pg_temp.err(format('SELECT ddd.create_user(''blank@x'', %L)', n)) AS blank
  FROM unnest(ARRAY['', '   ', E'\t\n', U&'\200B', U&'\00AD', U&'\FEFF', U&' \3000 ']) AS n;
SELECT pg_temp.err($$SELECT ddd.create_user('p@x', 'X', '1234567')$$);
SELECT pg_temp.err(format('SELECT ddd.create_user(''p@x'', ''X'', %L)', repeat('x', 1025)));
SELECT pg_temp.err($$SELECT ddd.create_user('p@x', 'X', 'long enough', hashed_password => '!')$$);
SELECT pg_temp.err(format('SELECT ddd.create_user(''p@x'', ''X'', hashed_password => %L)', h)) AS hash
  FROM unnest(ARRAY['plain', 'ab01FAX.bQRSU', '$1$salt$hash', '$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', repeat('x', 300)]) AS h;
SELECT pg_temp.err($$SELECT ddd.create_user(NULL, 'X')$$), pg_temp.err($$SELECT ddd.create_user('x@x', NULL)$$),
       pg_temp.err($$SELECT ddd.create_user('x@x', 'X', is_active => NULL)$$);
SELECT j, pg_temp.err(format('SELECT ddd.create_user(%L::jsonb)', j))
  FROM unnest(ARRAY['null', '1', '[]', '{}', '{"email": "x@x"}', '{"email": 1, "full_name": "X"}', '{"email": null, "full_name": "X"}',
                    '{"email": "x@x", "full_name": "X", "admin": true}', '{"email": "x@x", "full_name": "X", "is_active": "yes"}',
                    '{"email": "x@x", "full_name": {"a": [1]}}']) WITH ORDINALITY AS t (j, n) ORDER BY n;

-- bulk
SELECT u.email FROM ddd.create_users('[{"email": "e1@x", "full_name": "E1"}, {"email": "e2@x", "full_name": "E2"}]') u;
SELECT pg_temp.err($$SELECT ddd.create_users('[{"email": "e3@x", "full_name": "E3"}, {"email": "E1@X", "full_name": "again"}]')$$);
SELECT pg_temp.err($$SELECT ddd.create_users('[{"email": "e3@x", "full_name": "E3"}, {"email": "bad", "full_name": "E4"}]', 'skip')$$);
SELECT pg_temp.err($$SELECT ddd.create_users('[{"email": "e3@x", "full_name": "E3"}, 7]')$$);
SELECT u.email FROM ddd.create_users('[{"email": "E1@x", "full_name": "again"}, {"email": "e3@x", "full_name": "E3"}, {"email": "E3@x", "full_name": "twice"}]', 'skip') u;
SELECT count(*) FROM ddd.create_users('[]');
SELECT pg_temp.err($$SELECT ddd.create_users('{"email": "e@x", "full_name": "E"}')$$), pg_temp.err($$SELECT ddd.create_users('[]', 'ignore')$$),
       pg_temp.err($$SELECT ddd.create_users(NULL)$$), pg_temp.err($$SELECT ddd.create_users('7')$$);

-- reading
SELECT (ddd.get_user(1)).email, ddd.get_user(0) IS NULL AS none, (ddd.get_user_by_email('aNN@example.org')).id,
       ddd.get_user_by_email('nobody@example.org') IS NULL AS nobody;
SELECT pg_temp.err('SELECT ddd.get_user(NULL)'), pg_temp.err('SELECT ddd.get_user_by_email(NULL)');
SELECT ddd.is_authenticated(ddd.get_user(1)), ddd.is_authenticated(ddd.get_user(2)), ddd.is_authenticated(NULL);
SET search_path = ddd, public;
SELECT (get_user(1)).is_authenticated FROM (SELECT 1) x;
RESET search_path;
SELECT ddd.repr(ddd.get_user(1));
SELECT ddd.repr(ROW(1, E'o''b\\c', E'😀\n\x01', true, false, NULL, now(), now())::ddd.user_info), ddd.repr(ROW(1, NULL, 'x', true, false, NULL, now(), now())::ddd.user_info);
SELECT ddd.to_dict(u) ? 'hashed_password' AS secret, ddd.to_dict(u) - 'created_at' - 'updated_at' AS dict FROM ddd.users u WHERE id = 1;
SELECT ddd.to_dict(ddd.get_user(2)) - 'created_at' - 'updated_at' AS dict;
SELECT pg_temp.err('SELECT ddd.to_dict(1)'), pg_temp.err('SELECT ddd.to_dict(ROW(1, 2))'), pg_temp.err($$SELECT ddd.to_dict(c) FROM pg_class c LIMIT 1$$);

-- changing
SELECT u.full_name, u.bio, u.is_active, u.updated_at > u.created_at AS moved FROM ddd.update_user(2, '{"full_name": "Robert", "bio": null, "is_active": true}') u;
SELECT u.full_name, u.updated_at = (ddd.get_user(2)).updated_at AS kept FROM ddd.update_user(2, '{}') u;
SELECT ddd.update_user(0, '{"bio": "x"}') IS NULL AS none, ddd.update_user(0, '{}', now()) IS NULL AS none_at;
SELECT u.bio FROM ddd.update_user(2, '{"bio": "seen"}', (ddd.get_user(2)).updated_at) u;
SELECT p AS patch, pg_temp.err(format('SELECT ddd.update_user(2, %L)', p))
  FROM unnest(ARRAY['{"email": "ANN@example.org"}', '{"id": 7}', '{"created_at": "2000-01-01"}', '{"hashed_password": "x"}', '{"nick": 1}', '{"is_active": 1}',
                    '{"email": null}', '{"full_name": " "}', '{"email": "bad"}', '[]', 'null']) WITH ORDINALITY AS t (p, n) ORDER BY n;
SELECT pg_temp.err($$SELECT ddd.update_user(2, '{"bio": "late"}', '2000-01-01')$$);
SELECT pg_temp.err($$SELECT ddd.update_user(NULL, '{}')$$), pg_temp.err($$SELECT ddd.update_user(2, NULL)$$);
SELECT ddd.set_password(2, 'new password'), ddd.set_password(0, 'new password');
SELECT ddd.verify_password('new password', hashed_password) FROM ddd.users WHERE id = 2;
SELECT pg_temp.err($$SELECT ddd.set_password(2, 'short')$$), pg_temp.err($$SELECT ddd.set_password(2, NULL)$$);

-- deleting
SELECT id AS post FROM ddd.create_post(2, 'By Bob', 'x') \gset
SELECT id AS comment FROM ddd.add_comment(:post, 3, 'By Cy') \gset
SELECT pg_temp.err('SELECT ddd.delete_user(2)'), pg_temp.err('SELECT ddd.delete_user(3)');
SELECT pg_temp.err($$SELECT ddd.delete_user(2, 'reassign')$$), pg_temp.err($$SELECT ddd.delete_user(2, 'reassign', 2)$$),
       pg_temp.err($$SELECT ddd.delete_user(2, 'reassign', 0)$$), pg_temp.err($$SELECT ddd.delete_user(2, 'restrict', 1)$$),
       pg_temp.err($$SELECT ddd.delete_user(2, 'drop')$$), pg_temp.err($$SELECT ddd.delete_user(NULL)$$);
SELECT ddd.delete_user(2, 'reassign', 1), (ddd.get_post(:post)).author_id, ddd.delete_user(2), ddd.delete_user(2, 'reassign', 1);
SELECT ddd.delete_user(3, 'cascade'), (SELECT count(*) FROM ddd.comments) AS comments, ddd.delete_user(1, 'cascade'), (SELECT count(*) FROM ddd.posts) AS posts;

-- nothing is left of a call that was rolled back
BEGIN;
SELECT u.email FROM ddd.create_user('gone@x', 'Gone') u;
SAVEPOINT s;
SELECT ddd.create_user('GONE@x', 'Gone');
ROLLBACK TO s;
SELECT u.email FROM ddd.create_user('gone2@x', 'Gone') u;
ROLLBACK;
SELECT count(*) FROM ddd.users WHERE email LIKE 'gone%';
TRUNCATE ddd.users CASCADE;
ALTER SEQUENCE ddd.users_id_seq RESTART;

-- a constraint that the user adds is answered without the row, which holds the hash
ALTER TABLE ddd.users ADD CONSTRAINT no_evil CHECK (full_name <> 'Evil');
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT ddd.create_user('evil@x', 'Evil', 'long enough');
\set VERBOSITY terse
ALTER TABLE ddd.users DROP CONSTRAINT no_evil;
