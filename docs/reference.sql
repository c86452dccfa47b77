-- Prints docs/reference.md from the catalog of a database with a fresh ddd:
-- .ci/reference runs it. What it says is in the comments of sql/api and
-- sql/schema and in the settings' descriptions, so that it cannot differ.
SET search_path = pg_catalog;
SELECT library IS NULL AS not_loaded FROM ddd.version() \gset

-- Text as Markdown: names of things in code style.
CREATE FUNCTION pg_temp.md(content text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(regexp_replace(content,
        '(<[^<>]+>|\$\w+\$(?:[^\s;)]*\w)?|\m[a-z]\w*(?:[.][a-z]\w*)+\M(?:\(\w*\))?|\m\w+_\w+\M(?:\(\w*\))?|\m\w+\(\w*\)|\m(?:NULL|EXECUTE|\d[0-9A-Z]{4})\M|"[^"]*")',
        '`\1`', 'g'), '|', '\|')
$$;
-- The same inside a cell of a table, on one line.
CREATE FUNCTION pg_temp.cell(content text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(pg_temp.md(regexp_replace(content, '\n *', ' ', 'g')), '')
$$;
-- An expression of the catalog as code: control characters visible, on one line.
CREATE FUNCTION pg_temp.code(expression text) RETURNS text LANGUAGE sql AS $$
    SELECT '`' || regexp_replace(replace(replace(replace(replace(replace(expression, E'\t', '\t'), E'\n', '\n'), E'\r', '\r'), E'\f', '\f'), chr(11), '\x0b'),
                                 ' +', ' ', 'g') || '`'
$$;
CREATE FUNCTION pg_temp.columns(relation oid) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('`%s` %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$$;

-- A function's comment in its parts; the form is that of .ci/check-sql.
CREATE TEMPORARY TABLE function AS
    SELECT p.oid, p.proname::text AS name, p.provolatile, p.proparallel, p.proisstrict, p.proargnames, p.proargmodes, p.prorettype, p.proretset,
           p.pronargs, p.pronargdefaults, p.proallargtypes, p.proargtypes,
           c.part[1] AS summary, c.part[2] AS body, c.part[3] AS errors, c.part[4] AS context, c.part[5] IS NOT NULL AS internal,
           count(*) OVER (PARTITION BY p.proname ORDER BY p.oid) AS nth
      FROM pg_proc p
      JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'ddd'
     CROSS JOIN LATERAL regexp_match(obj_description(p.oid, 'pg_proc'),
               '^([^\n]+)((?:\n(?!Errors:|Context:)[^\n]+)*)(?:\nErrors:((?: none[.])|(?:\n  [^\n]+)+))?\nContext: (\w+)( [(]internal[)])?[.]$') AS c (part);
-- Lines that belong together, as one: details, an argument each, Returns.
CREATE TEMPORARY TABLE part AS
    SELECT f.oid, i.nth, i.item[1] AS name, regexp_replace(coalesce(i.item[2], i.item[3]), '\n *', ' ', 'g') AS content
      FROM function f
     CROSS JOIN LATERAL regexp_matches(f.body, '\n(?:([a-z]\w*|Returns): ([^\n]+(?:\n  [^\n]+)*)|([^\n]+(?:\n(?!(?:[a-z]\w*|Returns): )[^\n]+)*))', 'g') WITH ORDINALITY AS i (item, nth);
CREATE TEMPORARY TABLE error AS
    SELECT f.oid, e.item[1] AS sqlstate, e.item[2] AS meaning
      FROM function f CROSS JOIN LATERAL regexp_matches(f.errors, '\n  (\w{5}) ([^\n]+(?:\n    [^\n]+)*)', 'g') AS e (item);
CREATE TEMPORARY TABLE argument AS
    SELECT f.oid, a.nth, f.proargnames[a.nth] AS name, coalesce(f.proargmodes[a.nth], 'i') AS mode, format_type(a.type, NULL) AS type,
           regexp_replace(pg_get_function_arg_default(f.oid, a.nth::int), '::[a-z ]+(\[\])?$', '') AS default_value
      FROM function f CROSS JOIN LATERAL unnest(coalesce(f.proallargtypes, f.proargtypes::oid[])) WITH ORDINALITY AS a (type, nth);

CREATE TEMPORARY TABLE documented AS
SELECT f.context, min(f.oid) OVER (PARTITION BY f.context) AS context_order, f.oid, f.summary,
       f.name || CASE WHEN f.nth > 1 THEN '-' || (f.nth - 1) ELSE '' END AS anchor,
       format('%s(%s)', f.name, (SELECT string_agg(a.name, ', ' ORDER BY a.nth) FROM argument a WHERE a.oid = f.oid AND a.mode IN ('i', 'b', 'v'))) AS short,
       concat_ws(E'\n',
           '### ' || f.name, '', pg_temp.md(f.summary), '',
           '```sql',
           format('ddd.%s(%s)', f.name, (SELECT string_agg(format(E'\n    %s %s%s', a.name, a.type, ' DEFAULT ' || a.default_value), ',' ORDER BY a.nth) || E'\n'
                                           FROM argument a WHERE a.oid = f.oid AND a.mode IN ('i', 'b', 'v')))
             || ' RETURNS ' || pg_get_function_result(f.oid),
           '```', '',
           (SELECT string_agg(pg_temp.md(content) || E'\n', E'\n' ORDER BY nth) FROM part p WHERE p.oid = f.oid AND p.name IS NULL),
           (SELECT string_agg(format('- `%s` (%s): %s', p.name, a.type, pg_temp.md(p.content)), E'\n' ORDER BY p.nth) || E'\n'
              FROM part p JOIN argument a ON a.oid = p.oid AND a.name = p.name WHERE p.oid = f.oid),
           (SELECT 'Returns ' || pg_temp.md(content) FROM part p WHERE p.oid = f.oid AND p.name = 'Returns'),
           (SELECT 'Columns: ' || pg_temp.columns(t.typrelid) || '.' FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid WHERE t.oid = f.prorettype),
           '',
           CASE f.provolatile WHEN 'i' THEN 'Immutable' WHEN 's' THEN 'Stable' ELSE 'Volatile' END
             || CASE f.proparallel WHEN 's' THEN ', parallel safe' WHEN 'r' THEN ', parallel restricted' ELSE ', parallel unsafe' END
             || CASE WHEN f.proisstrict THEN ', strict' ELSE '' END || '.', '',
           CASE WHEN f.errors = ' none.' THEN E'Raises no error of its own.\n'
                ELSE E'| SQLSTATE | when |\n|---|---|\n' || (SELECT string_agg(format('| `%s` | %s |', e.sqlstate, pg_temp.cell(e.meaning)), E'\n' ORDER BY e.sqlstate COLLATE "C")
                                                                FROM error e WHERE e.oid = f.oid) || E'\n' END) AS section
  FROM function f WHERE NOT f.internal;

SELECT $$<!-- Made by "make reference" from the comments in sql/ and the settings in src/. Change those. -->

# Reference

Every function, setting, table and type of ddd, as the comments in the catalog
say it: `\df+ ddd.*` and `TABLE ddd.api` show the same in psql.

Arguments can be given by position or by name (`first => 20`); one with a
DEFAULT can be left out. A function that finds nothing returns NULL, no rows or
false. As a row of a `FROM` clause a NULL is one row of NULLs.

## Functions
$$;
SELECT concat_ws(E'\n', pg_temp.md(regexp_replace(obj_description('ddd.api'::regclass), '^[^\n]+\n', '')) || E'\n',
           string_agg(format(E'| %s | |\n|---|---|\n%s\n', context, rows), E'\n' ORDER BY context_order))
  FROM (SELECT context, context_order, string_agg(format('| [`%s`](#%s) | %s |', short, anchor, pg_temp.cell(summary)), E'\n' ORDER BY oid) AS rows
          FROM documented GROUP BY 1, 2) x;
SELECT concat_ws(E'\n', '## Functions: ' || context || E'\n', string_agg(section, E'\n' ORDER BY oid))
  FROM documented GROUP BY context, context_order ORDER BY context_order;

SELECT $$## Settings

| setting | default | values | who may set it | |
|---|---|---|---|---|$$;
SELECT format('| `%s` | %s%s | %s | %s | %s |', name, boot_val, ' ' || unit,
              CASE vartype WHEN 'bool' THEN 'on, off' WHEN 'enum' THEN array_to_string(enumvals, ', ')
                           ELSE min_val || ' to ' || max_val END,
              CASE context WHEN 'user' THEN 'everybody' WHEN 'superuser' THEN 'superusers' ELSE context END,
              pg_temp.cell(concat_ws(' ', short_desc, extra_desc)))
  FROM pg_settings WHERE name ~ '^ddd[.]' ORDER BY name COLLATE "C";

SELECT $$
## Tables

They belong to the user, not to the extension. Columns that are not listed are his own.
$$;
SELECT concat_ws(E'\n', '### Table ' || c.relname, '', pg_temp.md(obj_description(c.oid, 'pg_class')), '',
           '| column | type | | default | |', '|---|---|---|---|---|',
           (SELECT string_agg(format('| `%s` | %s | %s | %s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
                       CASE WHEN a.attnotnull THEN 'not null' ELSE '' END, pg_temp.code(pg_get_expr(d.adbin, d.adrelid)),
                       pg_temp.cell(col_description(c.oid, a.attnum))), E'\n' ORDER BY a.attnum)
              FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '',
           (SELECT string_agg(format('- constraint `%s`: %s', k.conname, pg_temp.code(pg_get_constraintdef(k.oid))), E'\n'
                       ORDER BY position(k.contype::text IN 'pufcx'), k.conname COLLATE "C")
              FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')),
           (SELECT string_agg(format('- %sindex `%s`: %s', CASE WHEN i.indisunique THEN 'unique ' ELSE '' END, x.relname,
                       pg_temp.code(regexp_replace(pg_get_indexdef(x.oid), '^.* USING ', ''))), E'\n' ORDER BY x.relname COLLATE "C")
              FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid = c.oid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.conrelid = c.oid)),
           (SELECT string_agg(format('- trigger `%s`: %s', t.tgname,
                       pg_temp.code(regexp_replace(pg_get_triggerdef(t.oid), '^CREATE TRIGGER \S+ (.*) ON \S+ FOR EACH ROW EXECUTE FUNCTION ', '\1: '))),
                       E'\n' ORDER BY t.tgname COLLATE "C")
              FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), '')
  FROM pg_class c WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind = 'r' ORDER BY c.oid;

SELECT $$## Views
$$;
SELECT concat_ws(E'\n', '### View ' || c.relname, '', pg_temp.md(split_part(obj_description(c.oid, 'pg_class'), E'\n', 1)), '',
           '| column | type | |', '|---|---|---|',
           (SELECT string_agg(format('| `%s` | %s | %s |', a.attname, format_type(a.atttypid, a.atttypmod), pg_temp.cell(col_description(c.oid, a.attnum))), E'\n' ORDER BY a.attnum)
              FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0), '')
  FROM pg_class c WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind = 'v' ORDER BY c.relname COLLATE "C";

SELECT $$## Types and operators

Operators are in schema `ddd`: found through `search_path`, or written `OPERATOR(ddd.@@)`.
$$;
SELECT format(E'- type `ddd.%s`:\n\n  ```\n  %s\n  ```\n', t.typname, replace(obj_description(t.oid, 'pg_type'), E'\n', E'\n  '))
  FROM pg_type t WHERE t.typnamespace = 'ddd'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A' ORDER BY t.oid;
SELECT format(E'- operator `%s`: %s; function `%s`', concat_ws(' ', format_type(nullif(o.oprleft, 0), NULL), o.oprname, format_type(o.oprright, NULL)),
              coalesce(obj_description(o.oid, 'pg_operator'), 'compares by bytes'), p.proname)
  FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE o.oprnamespace = 'ddd'::regnamespace ORDER BY o.oid;
SELECT format(E'- operator class `ddd.%s` for %s, access method %s: %s', c.opcname, format_type(c.opcintype, NULL), a.amname,
              coalesce(obj_description(c.oid, 'pg_opclass'), 'the default'))
  FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE c.opcnamespace = 'ddd'::regnamespace ORDER BY c.oid;
SELECT format(E'- cast from %s to `%s`, %s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL),
              CASE k.castcontext WHEN 'a' THEN 'in assignments and where it is written' WHEN 'i' THEN 'wherever it is wanted' ELSE 'where it is written' END)
  FROM pg_cast k JOIN pg_type t ON t.oid = k.casttarget WHERE t.typnamespace = 'ddd'::regnamespace ORDER BY k.oid;

SELECT $$
## Row types
$$;
SELECT format(E'- `ddd.%s`: %s\n  %s.', t.typname, pg_temp.md(obj_description(t.oid, 'pg_type')), pg_temp.columns(t.typrelid))
  FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
 WHERE t.typnamespace = 'ddd'::regnamespace ORDER BY t.oid;

SELECT $$
## Internal functions

No part of the API: triggers, and what scripts and `install()` call.

| function | |
|---|---|$$;
SELECT format('| `%s(%s)` | %s |', f.name, (SELECT string_agg(a.name, ', ' ORDER BY a.nth) FROM argument a WHERE a.oid = f.oid), pg_temp.cell(f.summary))
  FROM function f WHERE f.internal ORDER BY f.name COLLATE "C";
