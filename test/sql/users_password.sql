-- Passwords: every scheme verifies its known answers, nothing else verifies,
-- and a hostile hash is refused before any work is done for it.

-- Known answers: argon2 reference (1, 2), crypt_blowfish (8), RFC 7914 (20,
-- 21); the others were computed by python3-argon2, python3-bcrypt, passlib,
-- hashlib and "openssl passwd".
CREATE TEMPORARY TABLE vectors (id int, password text, hash text);
INSERT INTO vectors VALUES
( 1, 'password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'),
( 2, 'password', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA'),
( 3, 'pässwörd', '$argon2id$v=19$m=1024,t=2,p=4$c2FsdHNhbHRzYWx0c2FsdA$kd5gHEI8c71LW2R/hsRQBrFAupn/3ucfYmcX7+VjRwQ'),
( 4, 'pässwörd', '$argon2i$v=19$m=1024,t=2,p=8$c2FsdHNhbHRzYWx0c2FsdA$VN8BxUZbTt/5CirRJdoc08r+LwSK5sjpXC5sVof1GIQ'),
( 5, 'pässwörd', '$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$KxPjfV0rbjD9ljPi44kW35+XBCg1CrNXuYgpd8KpNjs8Rzz4au39D1FzdeJXmIQw1u8n/3P3tziBdEeKNhfeFA'),
( 6, 'pässwörd', '$argon2id$v=19$m=1024,t=2,p=16$c2FsdHNhbHRzYWx0c2FsdA$IhuH3XRCx4z3fi5gtslnfw'),
( 7, 'pässwörd', 'argon2$argon2id$v=19$m=1024,t=2,p=4$c2FsdHNhbHRzYWx0c2FsdA$kd5gHEI8c71LW2R/hsRQBrFAupn/3ucfYmcX7+VjRwQ'),
( 8, 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'),
( 9, 'pässwörd', '$2a$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC'),
(10, 'pässwörd', '$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC'),
(11, 'pässwörd', '$2y$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC'),
(12, '', '$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq'),
(13, 'Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'),
(14, 'Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'),
(15, 'Hello world!', '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1'),
(16, 'Hello world!', '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.'),
(17, repeat('x', 511), '$6$rounds=1000$saltstring$vQjXEJHaGPzJz71w1jhzh4XGrCvDb4uQ8lF4pnjzWGpDU6t1Vb0BYF4nTzJXaGauko.tLhbrpezVS1uppJsS4.'),
(18, 'password', '$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdgw$dpRk2cs9bbVWGPZtJPW.hHedt1Di4ACf95sOojEMEr8'),
(19, 'pässwörd', '$pbkdf2-sha256$1000$....c2FsdA$.bOCkVLtbmFAha3KE7VPd2EGHnObtKb8mXgWKGJA6hc'),
(20, 'passwd', 'pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw='),
(21, 'Password', 'pbkdf2_sha256$80000$NaCl$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1Y='),
(22, 'pässwörd', 'pbkdf2_sha256$1000$SaltText$MAphTyEjhBsPt+JKW3IuRhRKlunl9r9MWPABxg/YdVA='),
(23, '', 'pbkdf2_sha256$1000$salt$lPtWrz6iLl0+0bBUCFsTbKMBt12LQGyALEiUefJzh8Y=');

-- The wrong password differs in the first byte, which every scheme reads.
SELECT id, ddd.identify_hash(hash) AS scheme,
       ddd.verify_password(password, hash) AS is_right,
       ddd.verify_password('?' || password, hash) AS is_wrong,
       ddd.needs_rehash(hash)
  FROM vectors ORDER BY id;

-- One character of the digest changed.
SELECT count(*) AS changed_hashes_that_verify
  FROM vectors
 WHERE ddd.verify_password(password, regexp_replace(hash, '(.)([^$]{8})$',
       CASE WHEN hash ~ 'A[^$]{8}$' THEN 'B\2' ELSE 'A\2' END));

-- Old passlib wrote bcrypt salts with stray bits, which verify there.
SELECT ddd.verify_password('pässwörd', '$2b$04$abcdefghijklmnopqrstuvyx2n0Zzopyr9QuYTMCfOJJOj526QVoC');

-- Composed and decomposed forms are different passwords.
SELECT ddd.verify_password(E'pa\xcc\x88sswo\xcc\x88rd', hash) FROM vectors WHERE id = 3;

-- bcrypt reads 72 bytes: these differ in the 73rd, the 72nd, and by length.
SELECT ddd.verify_password(repeat('é', 36), h) AS bytes_72,
       ddd.verify_password(repeat('é', 36) || 'x', h) AS bytes_73,
       ddd.verify_password(repeat('é', 36) || repeat('x', 952), h) AS bytes_1024,
       ddd.verify_password(repeat('é', 36) || repeat('x', 953), h) AS bytes_1025,
       ddd.verify_password(repeat('é', 35) || 'xé', h) AS byte_71_differs,
       ddd.verify_password(repeat('é', 35) || 'x', h) AS bytes_71
  FROM (VALUES ('$2b$04$abcdefghijklmnopqrstuuKiIlCeXB6chNXkLyAo8C7XcLPzh6zUe')) AS v (h);

-- sha-crypt: libxcrypt takes 511 bytes.
SELECT ddd.verify_password(repeat('x', 512), hash) FROM vectors WHERE id = 17;

-- A new hash.
SELECT h ~ '^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$' AS well_formed,
       h <> ddd.hash_password('pässwörd') AS salted,
       ddd.verify_password('pässwörd', h) AS is_right,
       ddd.verify_password('pässword', h) AS is_wrong,
       ddd.needs_rehash(h)
  FROM (SELECT ddd.hash_password('pässwörd') AS h OFFSET 0) AS s;

-- Lengths count bytes; the longest is hashed whole.
\set VERBOSITY sqlstate
SELECT ddd.hash_password('');
SELECT ddd.hash_password('1234567');
SELECT ddd.hash_password(repeat('x', 1025));
SELECT ddd.hash_password(repeat('é', 513));
SELECT ddd.hash_password(repeat('x', 1000000));
SELECT ddd.verify_password(p, h) AS is_right,
       ddd.verify_password(left(p, -1), h) AS last_missing,
       ddd.verify_password(p || 'x', h) AS one_more
  FROM (SELECT p, ddd.hash_password(p) AS h
          FROM (VALUES ('12345678'), ('éééé'), ('        '), (repeat('x', 1024)), (repeat('é', 512))) AS v (p)
         OFFSET 0) AS s;

-- The hash of a user without password.
SELECT ddd.verify_password('!', '!'), ddd.verify_password('', '!'),
       ddd.verify_password(repeat('x', 1000000), '!'),
       ddd.identify_hash('!'), ddd.needs_rehash('!');

SELECT ddd.hash_password(NULL);
SELECT ddd.verify_password(NULL, '!');
SELECT ddd.verify_password('12345678', NULL);
SELECT ddd.needs_rehash(NULL);
SELECT ddd.identify_hash(NULL);

-- Hostile, foreign and damaged hashes. In the pattern, ~ stands for a digest
-- of 43 characters, # for an argon2 salt, @ for bcrypt's salt and digest.
CREATE TEMPORARY TABLE hostile (id int GENERATED ALWAYS AS IDENTITY, pattern text);
INSERT INTO hostile (pattern) VALUES
(''), (' '), ('$'), ('$$'), ('*'), ('*0'), ('*1'), ('!!'), ('!~'), ('x'), ('password'), (chr(10)),
('abJnggxhB/yWI'), ('_J9..K0AyUubvrl4PyEo'), ('$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/'), ('$3$$8846f7eaee8fb117ad06bdd830b7586c'),
('$y$j9T$saltsalt$~'), ('$7$CU..../....salt$~'), ('$md5$salt$$x'), ('$sha1$1$salt$~'),
('md5d41d8cd98f00b204e9800998ecf8427e'), ('SCRAM-SHA-256$4096:c2FsdA==$~=:~='), ('$scrypt$ln=16,r=8,p=1$c2FsdHNhbHQ$~'),
('$bcrypt-sha256$v=2,t=2b,r=12$abcdefghijklmnopqrstuu$1234567890123456789012345678901'), ('bcrypt_sha256$$2b$12$@'), ('bcrypt$$2b$12$@'),
('{CRYPT}$2b$12$@'), ('{SSHA}~'), ('sha1$salt$~'),
-- argon2: cost
('$argon2id$v=19$m=4194304,t=2,p=1$#$~'), ('$argon2id$v=19$m=4294967295,t=2,p=1$#$~'), ('$argon2id$v=19$m=4294967297,t=2,p=1$#$~'),
('$argon2id$v=19$m=99999999999999999999999999,t=2,p=1$#$~'), ('$argon2id$v=19$m=131073,t=1,p=1$#$~'),
('$argon2id$v=19$m=131072,t=3,p=1$#$~'), ('$argon2id$v=19$m=87382,t=3,p=1$#$~'),
('$argon2id$v=19$m=19456,t=4294967295,p=1$#$~'), ('$argon2id$v=19$m=19456,t=18446744073709551617,p=1$#$~'), ('$argon2id$v=19$m=8,t=2000000,p=1$#$~'), ('$argon2id$v=19$m=8,t=65,p=1$#$~'),
('$argon2id$v=19$m=19456,t=2,p=16777216$#$~'), ('$argon2id$v=19$m=19456,t=2,p=2^24$#$~'), ('$argon2id$v=19$m=19456,t=2,p=17$#$~'), ('$argon2id$v=19$m=19456,t=2,p=4294967297$#$~'),
('$argon2i$v=19$m=4194304,t=3,p=1$#$~'), ('argon2$argon2id$v=19$m=4194304,t=2,p=1$#$~'),
-- argon2: grammar
('$argon2d$v=19$m=19456,t=2,p=1$#$~'), ('$argon2id$v=16$m=19456,t=2,p=1$#$~'), ('$argon2id$m=19456,t=2,p=1$#$~'), ('$argon2$v=19$m=19456,t=2,p=1$#$~'),
('$argon2id$v=19$t=2,m=19456,p=1$#$~'), ('$argon2id$v=19$m=19456,p=1,t=2$#$~'), ('$argon2id$v=19$m=19456,t=2$#$~'), ('$argon2id$v=19$m=19456,t=2,p=1,keyid=x$#$~'), ('$argon2id$v=19$m=19456,t=2,p=1,data=x$#$~'),
('$argon2id$v=19$m=019456,t=2,p=1$#$~'), ('$argon2id$v=19$m=+19456,t=2,p=1$#$~'), ('$argon2id$v=19$m=-1,t=2,p=1$#$~'), ('$argon2id$v=19$m= 19456,t=2,p=1$#$~'), ('$argon2id$v=19$m=,t=2,p=1$#$~'), ('$argon2id$v=19$m=0x4c00,t=2,p=1$#$~'), ('$argon2id$v=19$m=1e4,t=2,p=1$#$~'),
('$argon2id$v=19$m=19456,t=0,p=1$#$~'), ('$argon2id$v=19$m=19456,t=2,p=0$#$~'), ('$argon2id$v=19$m=7,t=2,p=1$#$~'), ('$argon2id$v=19$m=31,t=2,p=4$#$~'), ('$argon2id$v=19$m=0,t=2,p=1$#$~'),
('$argon2id$v=19$m=19456,t=2,p=1$#$~$'), ('$argon2id$v=19$m=19456,t=2,p=1$#$~ '), ('$argon2id$v=19$m=19456,t=2,p=1$#$~' || chr(10)), (' $argon2id$v=19$m=19456,t=2,p=1$#$~'), ('$argon2id$v=19$m=19456,t=2,p=1$#$~='),
('$argon2id$v=19$m=19456,t=2,p=1$#'), ('$argon2id$v=19$m=19456,t=2,p=1$#$'), ('$argon2id$v=19$m=19456,t=2,p=1$$~'), ('$argon2id$v=19$m=19456,t=2,p=1'), ('$argon2id$v=19$'), ('$argon2id$'), ('$argon2id'), ('argon2$'), ('argon2$argon2'),
('$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$~'), ('$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ=$~'), ('$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHR$~'), ('$argon2id$v=19$m=19456,t=2,p=1$#$AAAAAAAAAAAAAAAAAAAA'), ('$argon2id$v=19$m=19456,t=2,p=1$#$~AA'), ('$argon2id$v=19$m=19456,t=2,p=1$#$A-_~'), ('$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRz$§§§§§§§§§§§§§§§§§§§§§w'), ('$argon2id$v=19$m=19456,t=2,p=1$#$' || repeat('§', 16)),
('argon2argon2id$v=19$m=19456,t=2,p=1$#$~'), ('argon2$$argon2id$v=19$m=19456,t=2,p=1$#$~'), ('argon2$argon2$argon2id$v=19$m=19456,t=2,p=1$#$~'), ('$argon2id$v=19$m=19456,t=2,p=1$#$' || repeat('A', 87)),
-- bcrypt
('$2$12$@'), ('$2x$12$@'), ('$2c$12$@'), ('$2b$31$@'), ('$2b$16$@'), ('$2b$99$@'), ('$2b$03$@'), ('$2b$00$@'), ('$2b$4$@'), ('$2b$4$@x'), ('$2b$+4$@'), ('$2b$012$@'), ('$2b$12$@x'), ('$2b$12$'), ('$2b$12'), ('$2b$'), ('$2b$12$@$'),
('$2b$12$abcdefghijklmnopqrstu$yx2n0Zzopyr9QuYTMCfOJJOj526QVoC'), ('$2b$12$abcdefghijklmnopqrstu+yx2n0Zzopyr9QuYTMCfOJJOj526QVoC'), ('$2b$12$abcdefghijklmnopqrstuéyx2n0Zzopyr9QuYTMCfOJJOj526QVo'),
-- sha-crypt
('$5$rounds=999999999$saltstring$~'), ('$5$rounds=1000001$saltstring$~'), ('$5$rounds=4294968296$saltstring$~'), ('$5$rounds=999$saltstring$~'), ('$5$rounds=0$saltstring$~'), ('$5$rounds=05000$saltstring$~'), ('$5$rounds=-1$saltstring$~'), ('$5$rounds=$saltstring$~'), ('$5$rounds=5000'), ('$5$rounds=5000$'),
('$5$saltstringsaltstr$~'), ('$5$$~'), ('$5$salt:tring$~'), ('$5$salt$~A'), ('$5$salt$'), ('$5$salt'), ('$5$'), ('$5$salt$~$'), ('$6$salt$~'), ('$6$rounds=999999999$salt$~~'), ('$6$salt$~~A'), ('$6$salt*$~~'),
-- pbkdf2
('$pbkdf2-sha256$2000001$c2FsdA$~'), ('$pbkdf2-sha256$4294967297$c2FsdA$~'), ('$pbkdf2-sha256$0$c2FsdA$~'), ('$pbkdf2-sha256$01$c2FsdA$~'), ('$pbkdf2-sha256$-1$c2FsdA$~'), ('$pbkdf2-sha256$$c2FsdA$~'),
('$pbkdf2-sha256$1000$c2FsdA$~A'), ('$pbkdf2-sha256$1000$c2FsdA$A'), ('$pbkdf2-sha256$1000$c2FsdA$'), ('$pbkdf2-sha256$1000$c2FsdA'), ('$pbkdf2-sha256$1000$$~'), ('$pbkdf2-sha256$1000$c2FsdA==$~'), ('$pbkdf2-sha256$1000$++++$~'), ('$pbkdf2-sha256$1000$c2FsdA$~='), ('$pbkdf2-sha256$1000$c2FsdA$~$'),
('$pbkdf2$1000$c2FsdA$~'), ('$pbkdf2-sha512$1000$c2FsdA$~~'),
('pbkdf2_sha256$2000001$salt$~='), ('pbkdf2_sha256$99999999999999999999$salt$~='), ('pbkdf2_sha256$0$salt$~='), ('pbkdf2_sha256$1000$salt$~'), ('pbkdf2_sha256$1000$salt$~=='), ('pbkdf2_sha256$1000$$~='), ('pbkdf2_sha256$1000$sa lt$~='), ('pbkdf2_sha256$1000$sält$~='), ('pbkdf2_sha256$1000$sa' || chr(10) || 'lt$~='), ('pbkdf2_sha256$1000$salt$.~'), ('pbkdf2_sha256$1000$salt$'), ('pbkdf2_sha256$1000'), ('pbkdf2_sha1$1000$salt$~='),
-- text
('​$2b$12$@'), ('‮$2b$12$@'), ('$2b$12$@' || chr(9)),
('pbkdf2_sha256$1000$' || repeat('s', 192) || '$~='), ('pbkdf2_sha256$1000$' || repeat('s', 193) || '$~='), ('pbkdf2_sha256$1000$' || repeat('s', 1000000) || '$~='), (repeat('$', 255)), (repeat('!', 257));

CREATE FUNCTION pg_temp.hash_of(pattern text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
SELECT replace(replace(replace(pattern, '~', repeat('A', 43)), '#', 'c2FsdHNhbHRzYWx0c2FsdA'),
               '@', 'abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC')
$$;

-- What a call raises, and whether it took less than 300 ms and told nothing.
CREATE FUNCTION pg_temp.probe(call text, hash text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    started timestamptz := clock_timestamp();
    state text;
    message text;
    detail text;
    result text;
BEGIN
    BEGIN
        EXECUTE 'SELECT ' || call USING hash, 'secret-password' INTO result;
        result := coalesce(result, 'null');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
        result := state;
        IF position('secret' in message || detail) > 0 OR
           detail NOT IN ('It is not of a known scheme or not well formed.', 'Its cost is over the limit.') THEN
            result := result || ' with ' || message || ': ' || detail;
        END IF;
    END;
    IF clock_timestamp() - started >= interval '300 ms' THEN
        result := result || ' too late';
    END IF;
    RETURN result;
END
$$;

-- Every one is refused, by each function.
CREATE TEMPORARY TABLE probed AS
SELECT id, pattern,
       pg_temp.probe('ddd.verify_password($2, $1)', hash) AS verify,
       pg_temp.probe('ddd.needs_rehash($1)', hash) AS rehash,
       pg_temp.probe('ddd.identify_hash($1)', hash) AS scheme
  FROM hostile, LATERAL (SELECT pg_temp.hash_of(pattern)) AS h (hash);
SELECT count(*) AS hashes FROM probed;
SELECT * FROM probed WHERE (verify, rehash, scheme) IS DISTINCT FROM ('22023', '22023', 'null') ORDER BY id;

-- Each limit itself is allowed.
SELECT ddd.identify_hash(pg_temp.hash_of(pattern))
  FROM (VALUES (1, '$argon2id$v=19$m=131072,t=2,p=1$#$~'), (2, '$argon2id$v=19$m=4096,t=64,p=16$#$~'),
               (3, '$argon2id$v=19$m=102400,t=2,p=8$#$~'), (4, '$argon2i$v=19$m=65536,t=4,p=4$#$~'),
               (5, '$2b$15$@'), (6, '$2b$04$@'), (7, '$5$rounds=1000000$s$~'), (8, '$6$rounds=1000$s$~~'),
               (9, '$pbkdf2-sha256$2000000$c2FsdA$~'), (10, 'pbkdf2_sha256$1$s$~='),
               (11, 'pbkdf2_sha256$1000$' || repeat('s', 191) || '$~=')) AS v (id, pattern)
 ORDER BY id;

-- What the settings ask for is always within the limits.
SET ddd.argon2_memory_kib = '256MB';
SET ddd.argon2_time = 3;
SELECT ddd.needs_rehash(pg_temp.hash_of('$argon2id$v=19$m=262144,t=3,p=1$#$~'));
SELECT ddd.needs_rehash(pg_temp.hash_of('$argon2id$v=19$m=262145,t=3,p=1$#$~'));
SELECT ddd.needs_rehash(pg_temp.hash_of('$argon2id$v=19$m=262144,t=4,p=1$#$~'));
RESET ddd.argon2_memory_kib;
RESET ddd.argon2_time;
SELECT ddd.needs_rehash(pg_temp.hash_of('$argon2id$v=19$m=262144,t=3,p=1$#$~'));

-- needs_rehash: less memory or less work than the settings, and never down.
CREATE TEMPORARY TABLE policy (id int, memory int, passes int);
INSERT INTO policy VALUES (1, 8192, 1), (2, 19456, 2), (3, 65536, 1), (4, 65536, 3);
CREATE FUNCTION pg_temp.needs_rehash_under(memory int, passes int, hash text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('ddd.argon2_memory_kib', memory::text, true);
    PERFORM set_config('ddd.argon2_time', passes::text, true);
    RETURN ddd.needs_rehash(hash);
END
$$;
SELECT pattern,
       bool_or(pg_temp.needs_rehash_under(memory, passes, pg_temp.hash_of(pattern))) FILTER (WHERE policy.id = 1) AS "8192,1",
       bool_or(pg_temp.needs_rehash_under(memory, passes, pg_temp.hash_of(pattern))) FILTER (WHERE policy.id = 2) AS "19456,2",
       bool_or(pg_temp.needs_rehash_under(memory, passes, pg_temp.hash_of(pattern))) FILTER (WHERE policy.id = 3) AS "65536,1",
       bool_or(pg_temp.needs_rehash_under(memory, passes, pg_temp.hash_of(pattern))) FILTER (WHERE policy.id = 4) AS "65536,3"
  FROM (VALUES (1, '$argon2id$v=19$m=8192,t=1,p=1$#$~'), (2, '$argon2id$v=19$m=8192,t=10,p=1$#$~'),
               (3, '$argon2id$v=19$m=19456,t=1,p=1$#$~'), (4, '$argon2id$v=19$m=19456,t=2,p=1$#$~'),
               (5, '$argon2id$v=19$m=19455,t=3,p=1$#$~'), (6, '$argon2id$v=19$m=47104,t=1,p=1$#$~'),
               (7, '$argon2id$v=19$m=65536,t=1,p=1$#$~'), (8, '$argon2id$v=19$m=65536,t=2,p=1$#$~'),
               (9, '$argon2id$v=19$m=65536,t=3,p=4$#$~'), (10, 'argon2$argon2id$v=19$m=102400,t=2,p=8$#$~'),
               (11, '$argon2i$v=19$m=65536,t=3,p=4$#$~'), (12, '$2b$12$@'), (13, '!')) AS v (id, pattern),
       policy
 GROUP BY v.id, pattern
 ORDER BY v.id;

-- The settings: only a superuser sets them, within their range.
SELECT name, setting, unit, min_val, max_val, context FROM pg_settings WHERE name LIKE 'ddd.argon2%' ORDER BY name;
SET ddd.argon2_memory_kib = 8191;
SET ddd.argon2_memory_kib = 1048577;
SET ddd.argon2_time = 0;
SET ddd.argon2_time = 11;
CREATE ROLE regress_ddd_password;
SET ROLE regress_ddd_password;
SET ddd.argon2_memory_kib = 8192;
SET ddd.argon2_time = 1;
RESET ROLE;
DROP ROLE regress_ddd_password;
SET ddd.argon2_memory_kib = 8192;
SET ddd.argon2_time = 3;
SELECT ddd.hash_password('12345678') LIKE '$argon2id$v=19$m=8192,t=3,p=1$%' AS follows_the_settings;
RESET ddd.argon2_memory_kib;
RESET ddd.argon2_time;

-- Two million rounds take a second or more, and are cancelled on time.
SELECT clock_timestamp() AS started \gset
SET statement_timeout = '50ms';
SELECT ddd.verify_password('12345678', pg_temp.hash_of('$pbkdf2-sha256$2000000$c2FsdA$~'));
RESET statement_timeout;
SELECT clock_timestamp() - :'started'::timestamptz < interval '500 ms' AS cancelled_on_time;
SELECT ddd.verify_password(password, hash) FROM vectors WHERE id = 19;
