-- What tag_key() makes of a name never changes: stored keys depend on it.
-- Expected by Unicode's own data (NFC(toCasefold(NFD(name)))), not by ddd.
SET client_min_messages = warning;
CREATE TEMPORARY TABLE pinned (nth int GENERATED ALWAYS AS IDENTITY, name text, key text);
INSERT INTO pinned (name, key) VALUES
    (U&'Ruby', U&'ruby'),
    (U&' RUBY\0009', U&'ruby'),
    (U&'c++', U&'c++'),
    (U&'C#', U&'c#'),
    (U&'role::Program', U&'role::program'),
    (U&'a  b', U&'a  b'),
    (U&'\00C9', U&'\00E9'),
    (U&'e\0301', U&'\00E9'),
    (U&'E\0301', U&'\00E9'),
    (U&'Stra\00DFe', U&'strasse'),
    (U&'STRASSE', U&'strasse'),
    (U&'\1E9E', U&'ss'),
    (U&'\FB03', U&'ffi'),
    (U&'\1F08\03B8\1FC6\03BD\03B1\03B9', U&'\1F00\03B8\1FC6\03BD\03B1\03B9'),
    (U&'\03A3\038A\03A3\03A5\03A6\039F\03A3', U&'\03C3\03AF\03C3\03C5\03C6\03BF\03C3'),
    (U&'\03C3\03AF\03C3\03C5\03C6\03BF\03C2', U&'\03C3\03AF\03C3\03C5\03C6\03BF\03C3'),
    (U&'\1FB3', U&'\03B1\03B9'),
    (U&'\03B1\0345', U&'\03B1\03B9'),
    (U&'\1F80', U&'\1F00\03B9'),
    (U&'\03B1\0345\0301', U&'\03AC\03B9'),
    (U&'\041F\0440\0438\0432\0435\0442', U&'\043F\0440\0438\0432\0435\0442'),
    (U&'\0401\041B\041A\0410', U&'\0451\043B\043A\0430'),
    (U&'I', U&'i'),
    (U&'\0130', U&'i\0307'),
    (U&'\0131', U&'\0131'),
    (U&'i\0307', U&'i\0307'),
    (U&'\212A', U&'k'),
    (U&'\212B', U&'\00E5'),
    (U&'\00C5', U&'\00E5'),
    (U&'\01C6', U&'\01C6'),
    (U&'\01C5', U&'\01C6'),
    (U&'\01C4', U&'\01C6'),
    (U&'\02BCn', U&'\02BCn'),
    (U&'\0149', U&'\02BCn'),
    (U&'\00B5', U&'\03BC'),
    (U&'\03BC', U&'\03BC'),
    (U&'\FB05', U&'st'),
    (U&'\2126', U&'\03C9'),
    (U&'\03A9', U&'\03C9'),
    (U&'\+010D50', U&'\+010D50'),
    (U&'A\A7DC', U&'a\A7DC'),
    (U&'\03CE', U&'\03CE'),
    (U&'\D55C\AD6D', U&'\D55C\AD6D'),
    (U&'\1112\1161\11AB\1100\116E\11A8', U&'\D55C\AD6D'),
    (U&'\65E5\672C', U&'\65E5\672C'),
    (U&'\304C', U&'\304C'),
    (U&'\304B\3099', U&'\304C'),
    (U&'\FF8A\FF9F', U&'\FF8A\FF9F'),
    (U&'\FF46\FF55\FF4C\FF4C', U&'\FF46\FF55\FF4C\FF4C'),
    (U&'\2460', U&'\2460'),
    (U&'\00B2', U&'\00B2'),
    (U&'\13A0', U&'\13A0'),
    (U&'\AB70', U&'\13A0'),
    (U&'\+010400', U&'\+010428'),
    (U&'\+01E900', U&'\+01E922'),
    (U&'\+01F469\200D\+01F4BB', U&'\+01F469\200D\+01F4BB'),
    (U&'\2764\FE0F', U&'\2764\FE0F'),
    (U&'\05E0\05B8\05BC', U&'\05E0\05B8\05BC'),
    (U&'s\0323\0307', U&'\1E69'),
    (U&'s\0307\0323', U&'\1E69'),
    (U&'\1E9B\0323', U&'\1E69'),
    (U&'\1E68', U&'\1E69'),
    (U&'\FB01ne', U&'fine'),
    (U&'\013F', U&'\0140'),
    (U&'\0132SSEL', U&'\0133ssel'),
    (U&'\03C2', U&'\03C3'),
    (U&'\0308', U&'\0308'),
    (U&'\1E96', U&'\1E96'),
    (U&'\0390', U&'\0390'),
    (U&'\1FBC', U&'\03B1\03B9'),
    (U&'\249C', U&'\249C'),
    (U&'\2167', U&'\2177'),
    (U&'\24B6', U&'\24D0');
SELECT count(*) FROM pinned;
SELECT nth, name, key, ddd.tag_key(name) FROM pinned WHERE ddd.tag_key(name) IS DISTINCT FROM key;
SELECT nth FROM pinned WHERE ddd.tag_key(key) <> key;

-- every character: its key is its own key, and canonically equal names have one
CREATE FUNCTION pg_temp.is_odd(c int) RETURNS boolean LANGUAGE sql AS $$
    SELECT k <> ddd.tag_key(k) OR k <> ddd.tag_key(normalize(chr(c), NFD)) OR k <> ddd.tag_key(normalize(chr(c), NFC)) OR k <> normalize(k, NFC)
      FROM ddd.tag_key(chr(c)) k $$;
SELECT count(*), count(*) FILTER (WHERE pg_temp.is_odd(c)) AS odd
  FROM (SELECT c FROM generate_series(1, x'33ff'::int) c UNION ALL SELECT generate_series(x'a640'::int, x'abff'::int)
        UNION ALL SELECT generate_series(x'f900'::int, x'ffff'::int) UNION ALL SELECT generate_series(x'10400'::int, x'10fff'::int)
        UNION ALL SELECT generate_series(x'1d100'::int, x'1f1ff'::int)) s;

-- marks in any order
SELECT setseed(0.7);
CREATE FUNCTION pg_temp.random_name() RETURNS text VOLATILE LANGUAGE plpgsql AS $$
DECLARE name text := ''; letters text := U&'aAEe\00df\0130\03b1\03a9\1fb3\1f80\0301\0308\0323\0327\0345\0313\05bc\05c1\ac00\11a8';
BEGIN
    FOR i IN 1 .. 5 LOOP name := name || substr(letters, 1 + floor(random() * 20)::int, 1); END LOOP;
    RETURN name;
END $$;
SELECT count(*), count(DISTINCT name) > 15000 AS "different",
       count(*) FILTER (WHERE ddd.tag_key(name) <> ddd.tag_key(normalize(name, NFD)) OR ddd.tag_key(name) <> ddd.tag_key(normalize(name, NFC))) AS unlike
  FROM (SELECT pg_temp.random_name() AS name FROM generate_series(1, 20000) OFFSET 0) s;

-- white space around it goes, no other
SELECT ddd.tag_key(E' \t\n\r\f\x0b a  b \n') AS key, length(ddd.tag_key(U&'\00a0a')) AS no_break_space, ddd.tag_key('') AS empty, ddd.tag_key(NULL) AS "null";

-- its limit is in bytes
SELECT length(ddd.tag_key(repeat('A', 1200))), length(ddd.tag_key(repeat(' ', 10000) || repeat('A', 1200) || repeat(' ', 10000)));
\set VERBOSITY sqlstate
SELECT ddd.tag_key(repeat('a', 1201));
SELECT octet_length(ddd.tag_key(repeat(U&'\0390', 400))), octet_length(ddd.tag_key(repeat(U&'\+01d160', 100)));
-- a form is never too long for a name
SELECT octet_length(ddd.tag_key(ddd.tag_key(repeat(U&'\023a', 400))));
SELECT ddd.tag_key(repeat(U&'\023a', 401));
SELECT ddd.tag_key(repeat(U&'\+01d160', 101));
