-- What a migration may have to change, for .ci/revision: a JSON object a line
-- for each object of schema ddd and of the extension, in the order in which
-- they were created. "create" and "drop" are statements; what differs between
-- two databases differs in "create", or, of a column, in its parts.
SET search_path = pg_catalog, pg_temp;

WITH relation AS (
    SELECT c.oid, c.oid::regclass::text AS name, c.relname, c.relkind, c.relreplident, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
           CASE c.relkind WHEN 'c' THEN 'TYPE' WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
      FROM pg_class c
     WHERE c.relnamespace = 'ddd'::regnamespace AND c.relkind IN ('r', 'S', 'c', 'v')
), attribute AS (
    SELECT r.oid, r.name AS relation, r.kind, a.attname, a.attnum, quote_ident(a.attname) AS quoted,
           format_type(a.atttypid, a.atttypmod) AS type,
           CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END AS collated,
           CASE WHEN a.attgenerated = '' AND d.oid IS NOT NULL THEN pg_get_expr(d.adbin, d.adrelid) END AS default_value,
           CASE WHEN a.attgenerated = 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
                WHEN a.attidentity <> '' THEN format(' GENERATED %s AS IDENTITY', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END)
                ELSE '' END AS generated,
           a.attnotnull AS is_not_null,
           a.attnum = ANY (k.conkey) AS in_key
      FROM relation r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      LEFT JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype = 'p'
     WHERE r.kind IN ('TABLE', 'TYPE', 'VIEW')
), member AS (
    SELECT d.classid, d.objid, i.type, coalesce(p.oid::regprocedure::text, i.identity) AS identity, p.oid AS function, v.oid AS view, t.oid AS data_type
      FROM pg_depend d
      JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'ddd'
     CROSS JOIN pg_identify_object(d.classid, d.objid, 0) i
      LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
      LEFT JOIN pg_class v ON d.classid = 'pg_class'::regclass AND v.oid = d.objid AND v.relkind = 'v'
      LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
       -- an array type goes with its element, a view's row type with the view
       AND (t.oid IS NULL OR t.typcategory <> 'A' AND NOT EXISTS (SELECT FROM relation r WHERE r.oid = t.typrelid AND r.kind = 'VIEW'))
), object (oid, nth, item) AS (
    SELECT r.oid, 0, jsonb_build_object('kind', 'sequence', 'name', r.name, 'drop', 'DROP SEQUENCE ' || r.name,
               'owner', o.refobjid::regclass,
               'create', format('CREATE SEQUENCE %s AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s', r.name, s.seqtypid::regtype,
                                s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' END),
               'own', format('ALTER SEQUENCE %s OWNED BY %s', r.name,
                             coalesce((SELECT relation || '.' || quoted FROM attribute a WHERE a.oid = o.refobjid AND a.attnum = o.refobjsubid), 'NONE')))
      FROM relation r
      JOIN pg_sequence s ON s.seqrelid = r.oid
      LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = r.oid AND o.refclassid = 'pg_class'::regclass AND o.deptype = 'a'
     WHERE NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_class'::regclass AND i.objid = r.oid AND i.deptype = 'i')
    UNION ALL
    SELECT r.oid, 0, jsonb_build_object('kind', 'table', 'name', r.name, 'table', r.name, 'relname', r.relname, 'drop', 'DROP TABLE ' || r.name,
               'create', format(E'CREATE TABLE %s (\n%s\n)', r.name,
                   (SELECT string_agg('    ' || line, E',\n' ORDER BY is_constraint, nth)
                      FROM (SELECT false, attnum::oid, concat(quoted, ' ', type, collated, CASE WHEN is_not_null THEN ' NOT NULL' END,
                                                              ' DEFAULT ' || default_value, generated)
                              FROM attribute a WHERE a.oid = r.oid
                            UNION ALL
                            SELECT true, k.oid, format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
                              FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype IN ('p', 'u', 'c', 'f', 'x')) l (is_constraint, nth, line))))
      FROM relation r
     WHERE r.kind = 'TABLE'
    UNION ALL
    SELECT a.oid, a.attnum, jsonb_build_object('kind', 'column', 'name', a.relation || '.' || a.quoted, 'table', a.relation, 'column', a.attname, 'quoted', a.quoted,
               'type', a.type || a.collated, 'default', a.default_value, 'generated', a.generated, 'not null', a.is_not_null, 'in key', a.in_key)
      FROM attribute a
     WHERE a.kind = 'TABLE'
    UNION ALL
    -- of a composite type
    SELECT a.oid, a.attnum, jsonb_build_object('kind', 'attribute', 'name', a.relation || '.' || a.quoted, 'type', a.relation,
               'create', format('ALTER TYPE %s ADD ATTRIBUTE %s %s', a.relation, a.quoted, a.type || a.collated),
               'alter', format('ALTER TYPE %s ALTER ATTRIBUTE %s TYPE %s', a.relation, a.quoted, a.type || a.collated),
               'drop', format('ALTER TYPE %s DROP ATTRIBUTE %s', a.relation, a.quoted))
      FROM attribute a
     WHERE a.kind = 'TYPE'
    UNION ALL
    SELECT k.oid, 0, jsonb_build_object('kind', 'constraint', 'name', format('%I on %s', k.conname, r.name), 'table', r.name,
               'columns', (SELECT array_agg(r.name || '.' || a.quoted) FROM attribute a WHERE a.oid = r.oid AND a.attnum = ANY (k.conkey)),
               'create', format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.name, k.conname, pg_get_constraintdef(k.oid)),
               'drop', format('ALTER TABLE %s DROP CONSTRAINT %I', r.name, k.conname))
      FROM pg_constraint k
      JOIN relation r ON r.oid = k.conrelid
     WHERE k.contype IN ('p', 'u', 'c', 'f', 'x')
    UNION ALL
    SELECT i.indexrelid, 0, jsonb_build_object('kind', 'index', 'name', i.indexrelid::regclass, 'table', r.name,
               'columns', (SELECT array_agg(r.name || '.' || a.quoted) FROM attribute a
                            WHERE a.oid = r.oid AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                                               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.refobjsubid = a.attnum)),
               'create', pg_get_indexdef(i.indexrelid), 'drop', 'DROP INDEX ' || i.indexrelid::regclass)
      FROM pg_index i
      JOIN relation r ON r.oid = i.indrelid
     WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
    UNION ALL
    SELECT t.oid, 0, jsonb_build_object('kind', 'trigger', 'name', format('%I on %s', t.tgname, r.name), 'table', r.name,
               'create', pg_get_triggerdef(t.oid), 'drop', format('DROP TRIGGER IF EXISTS %I ON %s', t.tgname, r.name))
      FROM pg_trigger t
      JOIN relation r ON r.oid = t.tgrelid
     WHERE NOT t.tgisinternal
    UNION ALL
    SELECT r.oid, 0, jsonb_build_object('kind', 'setting', 'name', s.setting || ' of ' || r.name, 'table', r.name,
               'create', format('ALTER TABLE %s %s', r.name, s.statement), 'drop', format('ALTER TABLE %s %s', r.name, s.without))
      FROM relation r,
           LATERAL (VALUES ('replica identity', CASE r.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' END,
                            'REPLICA IDENTITY DEFAULT'),
                           ('row security', CASE WHEN r.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' END, 'DISABLE ROW LEVEL SECURITY'),
                           ('forced row security', CASE WHEN r.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END, 'NO FORCE ROW LEVEL SECURITY'),
                           ('options', (SELECT 'SET (' || string_agg(o, ', ') || ')' FROM unnest(r.reloptions) o),
                            (SELECT format('RESET (%s)', string_agg(split_part(o, '=', 1), ', ')) FROM unnest(r.reloptions) o)))
           AS s (setting, statement, without)
     WHERE r.kind = 'TABLE' AND s.statement IS NOT NULL
    UNION ALL
    SELECT r.oid, 0, jsonb_build_object('kind', 'comment', 'name', 'comment on ' || on_what, 'table', r.name,
               'create', format('COMMENT ON %s IS %L', on_what, d.description), 'drop', format('COMMENT ON %s IS NULL', on_what))
      FROM pg_description d
      JOIN relation r ON r.oid = d.objoid
      LEFT JOIN attribute a ON a.oid = r.oid AND a.attnum = d.objsubid,
           LATERAL (SELECT CASE WHEN a.oid IS NULL THEN format('TABLE %s', r.name) ELSE format('COLUMN %s.%s', r.name, a.quoted) END) AS s (on_what)
     WHERE d.classoid = 'pg_class'::regclass AND r.kind = 'TABLE'
    UNION ALL
    SELECT m.objid, 0, jsonb_build_object('kind', 'code', 'name', m.type || ' ' || m.identity, 'drop', format('DROP %s %s', upper(m.type), m.identity),
               'function', p.proname, 'identity', m.identity,
               'renamed', CASE WHEN p.oid IS NOT NULL
                               THEN format('%s(%s)', 'ddd.' || quote_ident(p.proname || '_before'), (SELECT string_agg(a::regtype::text, ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u (a, n))) END,
               'create', CASE WHEN p.prokind IN ('f', 'p') THEN replace(pg_get_functiondef(p.oid), '$libdir/ddd', 'MODULE_PATHNAME') END,
               -- what CREATE OR REPLACE does not replace
               'shape', CASE WHEN p.oid IS NOT NULL
                             THEN concat_ws(' ', p.prokind, p.prorettype::regtype, p.proretset, p.proallargtypes::regtype[], p.proargmodes, p.proargnames)
                             WHEN m.view IS NOT NULL
                             THEN (SELECT string_agg(concat_ws(' ', quoted, type, collated), ', ' ORDER BY attnum) FROM attribute a WHERE a.oid = m.view) END,
               'defaults', p.pronargdefaults)
      FROM member m
      LEFT JOIN pg_proc p ON p.oid = m.function
)
SELECT item FROM object ORDER BY oid, nth, item ->> 'name'
