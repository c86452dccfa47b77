-- ddd.literal_password: a password or token in the text of a statement gives one
-- warning in a session, or is refused before anything is hashed.
SET ddd.argon2_memory_kib = '8MB';
SET ddd.argon2_time = 1;
SET client_min_messages = warning;
CREATE TABLE public.entered (password text);
INSERT INTO public.entered VALUES ('correct horse'), ('it''s "mine" \ yours'), ('1');

-- once in a session, and never the secret
\c -
\pset tuples_only on
SET ddd.literal_password = warn;
SELECT ddd.verify_password('correct horse', '!');
SELECT ddd.verify_password('correct horse', '!');

-- refused, even one that would be too short
\c -
SET ddd.literal_password = error;
\set VERBOSITY sqlstate
SELECT ddd.hash_password('short');
SELECT ddd.verify_password('correct horse', '!');
SELECT ddd.verify_password($$correct horse$$, '!');
SELECT ddd.verify_password('it''s "mine" \ yours', '!');
SELECT ddd.verify_password(E'it\'s "mine" \\ yours', '!');
SELECT ddd.set_password(-1, 'correct horse');
SELECT ddd.create_user('ann@literal', 'Ann', 'correct horse');
SELECT ddd.create_user('{"email": "ann@literal", "full_name": "Ann", "password": "correct horse"}');
SELECT ddd.create_user('{"email": "ann@literal", "full_name": "Ann", "password": "it''s \"mine\" \\ yours"}');
SELECT ddd.create_users('[{"email": "ann@literal", "full_name": "Ann"}, {"email": "bob@literal", "full_name": "Bob", "password": "correct horse"}]');
SELECT ddd.begin_as('ddd_0123456789012345678901234567890123456789012');
SELECT ddd.rotate_token('ddd_0123456789012345678901234567890123456789012');
SELECT ddd.revoke_token('ddd_0123456789012345678901234567890123456789012');
SELECT ddd.verify_email('ddd_0123456789012345678901234567890123456789012');
SELECT ddd.reset_password('ddd_0123456789012345678901234567890123456789012', password) FROM public.entered;
SELECT ddd.reset_password('ddd_' || repeat('A', 43), 'correct horse');
SELECT ddd.authenticate('ann@literal', 'correct horse');
SELECT ddd.change_password(-1, 'correct horse', password) FROM public.entered WHERE length(password) > 8;
SELECT ddd.change_password(-1, 'x' || password, 'correct horse') FROM public.entered;
PREPARE verify AS SELECT ddd.verify_password($1, '!');
EXECUTE verify('correct horse');
DO $$ BEGIN PERFORM ddd.verify_password('correct horse', '!'); END $$;

-- no literal: from a table, or a word of the statement that is the same
SELECT count(ddd.verify_password(password, '!')) FROM public.entered;
SELECT ddd.verify_password(password, '!') AS "correct horses" FROM public.entered WHERE password LIKE 'correct%';
SELECT ddd.verify_password(password, '!') AS horse, 1 AS one FROM public.entered WHERE length(password) = 1;
SELECT ddd.verify_password('', '!');
SELECT ddd.create_user(jsonb_build_object('email', 'ann@literal', 'full_name', 'correct horse', 'bio', 'correct horse')) IS NOT NULL;
SELECT count(*) FROM ddd.users WHERE email ~ '@literal$';

-- allowed
SET ddd.literal_password = allow;
SELECT ddd.verify_password('correct horse', '!');

-- superusers choose
SET ddd.literal_password = never;
CREATE ROLE regress_ddd_literal;
SET ROLE regress_ddd_literal;
SET ddd.literal_password = allow;
RESET ROLE;
DROP ROLE regress_ddd_literal;
DROP TABLE public.entered;
DELETE FROM ddd.users;
