-- The fingerprint of ddd in this database: one line for each fact about every
-- object of schema ddd and every member of the extension, sorted, without
-- OIDs and without rows. Two databases are at the same version, however they
-- got there, when their lines are equal.
--
-- Columns are numbered by logical position (dropped ones do not count), ACLs
-- are written out with their defaults, and line breaks are written \n.
--
--   psql -XAtq -f test/fingerprint.sql
SET search_path = pg_catalog;

WITH schema AS (
    SELECT n.oid, n.nspowner, n.nspacl FROM pg_namespace n WHERE n.nspname = 'ddd'
), extension AS (
    SELECT e.* FROM pg_extension e WHERE e.extname = 'ddd'
), member AS (
    SELECT d.classid, d.objid
      FROM pg_depend d
      JOIN extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
     WHERE d.deptype = 'e'
), relation AS (
    SELECT c.*, c.oid::regclass::text AS label,
           CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char" AS acl_kind
      FROM pg_class c
      JOIN schema s ON c.relnamespace = s.oid
), attribute AS (
    SELECT a.*, r.label || '.' || quote_ident(a.attname) AS label, r.relkind, r.relowner,
           row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS position
      FROM pg_attribute a
      JOIN relation r ON r.oid = a.attrelid
     WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'v', 'm', 'c', 'f')
), relation_constraint AS (
    SELECT c.*, coalesce(c.conrelid::regclass::text, c.contypid::regtype::text) || ' ' || quote_ident(c.conname) AS label
      FROM pg_constraint c
      JOIN schema s ON c.connamespace = s.oid
), relation_trigger AS (
    SELECT t.*, r.label || ' ' || quote_ident(t.tgname) AS label
      FROM pg_trigger t
      JOIN relation r ON r.oid = t.tgrelid
), routine AS (
    SELECT p.*, p.oid::regprocedure::text AS label
      FROM pg_proc p
     WHERE p.pronamespace = (SELECT oid FROM schema)
        OR p.oid IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass)
), data_type AS (
    SELECT t.*, t.oid::regtype::text AS label
      FROM pg_type t
      LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE (t.typnamespace = (SELECT oid FROM schema)
            OR t.oid IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass))
       AND t.typcategory <> 'A'
       AND (c.oid IS NULL OR c.relkind = 'c')
), addressed AS (
    -- everything that is in the schema or belongs to the extension
    SELECT d.classid, d.objid FROM pg_depend d
      JOIN schema s ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid
    UNION
    SELECT classid, objid FROM member
), acl (label, acl) AS (
    SELECT 'schema ddd', coalesce(s.nspacl, acldefault('n', s.nspowner)) FROM schema s
    UNION ALL
    SELECT 'relation ' || r.label, coalesce(r.relacl, acldefault(r.acl_kind, r.relowner))
      FROM relation r WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'column ' || a.label, a.attacl FROM attribute a WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT 'function ' || p.label, coalesce(p.proacl, acldefault('f', p.proowner)) FROM routine p
    UNION ALL
    SELECT 'type ' || t.label, coalesce(t.typacl, acldefault('T', t.typowner)) FROM data_type t
    UNION ALL
    SELECT 'default in schema ddd ' || d.defaclobjtype::text || ' of ' || d.defaclrole::regrole::text, d.defaclacl
      FROM pg_default_acl d JOIN schema s ON d.defaclnamespace = s.oid
    UNION ALL
    SELECT 'initial ' || pg_describe_object(i.classoid, i.objoid, i.objsubid), i.initprivs
      FROM pg_init_privs i
      JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid
), fact (line) AS (
    SELECT format('schema ddd: owner %s', s.nspowner::regrole) FROM schema s
    UNION ALL
    SELECT format('extension ddd: version %s, owner %s, schema %s, relocatable %s, configuration %s',
                  e.extversion, e.extowner::regrole, e.extnamespace::regnamespace, e.extrelocatable, e.extconfig)
      FROM extension e
    UNION ALL
    SELECT format('%s: %s, member %s', o.type, o.identity,
                  (a.classid, a.objid) IN (SELECT classid, objid FROM member))
      FROM addressed a, pg_identify_object(a.classid, a.objid, 0) o
    UNION ALL
    SELECT format('acl of %s: %s', acl.label,
                  (SELECT string_agg(item, ' ' ORDER BY item COLLATE "C")
                     FROM aclexplode(acl.acl) x,
                          format('%s=%s%s/%s', CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
                                 x.privilege_type, CASE WHEN x.is_grantable THEN '*' END, x.grantor::regrole) item))
      FROM acl
    UNION ALL
    SELECT format('comment on %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
      FROM pg_description d
     WHERE (d.classoid, d.objoid) IN (SELECT classid, objid FROM addressed)
        OR (d.classoid = 'pg_class'::regclass AND d.objoid IN (SELECT oid FROM relation))
        OR (d.classoid = 'pg_constraint'::regclass AND d.objoid IN (SELECT oid FROM relation_constraint))
        OR (d.classoid = 'pg_trigger'::regclass AND d.objoid IN (SELECT oid FROM relation_trigger))
        OR (d.classoid = 'pg_policy'::regclass
            AND d.objoid IN (SELECT p.oid FROM pg_policy p JOIN relation r ON r.oid = p.polrelid))
        OR (d.classoid = 'pg_namespace'::regclass AND d.objoid = (SELECT oid FROM schema))
        OR (d.classoid = 'pg_extension'::regclass AND d.objoid = (SELECT oid FROM extension))
    UNION ALL
    SELECT format('relation %s: kind %s, owner %s, persistence %s, access method %s, tablespace %s, options %s, row security %s %s, replica identity %s, of type %s, member %s',
                  r.label, r.relkind, r.relowner::regrole, r.relpersistence,
                  (SELECT amname FROM pg_am WHERE oid = r.relam),
                  (SELECT spcname FROM pg_tablespace WHERE oid = r.reltablespace),
                  r.reloptions, r.relrowsecurity, r.relforcerowsecurity, r.relreplident,
                  nullif(r.reloftype, 0)::regtype,
                  ('pg_class'::regclass, r.oid) IN (SELECT classid, objid FROM member))
      FROM relation r
    UNION ALL
    SELECT format('inherits %s: from %s', r.label, i.inhparent::regclass)
      FROM pg_inherits i JOIN relation r ON r.oid = i.inhrelid
    UNION ALL
    SELECT format('column %s: position %s, type %s, not null %s, default %s, generated "%s", identity "%s", collation %s, storage %s, compression "%s", statistics %s, options %s',
                  a.label, a.position, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                  pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
                  nullif(a.attcollation, 0)::regcollation, a.attstorage, a.attcompression,
                  nullif(a.attstattarget, -1),
                  -- the server's own count of the column's versions, which pg_dump leaves out too
                  (SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(a.attoptions) o WHERE NOT starts_with(o, 'pg_attver=')))
      FROM attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT format('constraint %s: %s, validated %s, inherited %s, local %s',
                  c.label, pg_get_constraintdef(c.oid), c.convalidated, c.coninhcount, c.conislocal)
      FROM relation_constraint c
    UNION ALL
    SELECT format('index %s: %s, valid %s, ready %s, clustered %s, replica identity %s, immediate %s',
                  r.label, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready,
                  i.indisclustered, i.indisreplident, i.indimmediate)
      FROM pg_index i
      JOIN relation r ON r.oid = i.indexrelid
    UNION ALL
    SELECT format('trigger %s: %s, enabled %s', t.label, pg_get_triggerdef(t.oid), t.tgenabled)
      FROM relation_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    -- the triggers behind a foreign key are named by number
    SELECT format('foreign key trigger of %s on %s: %s, enabled %s',
                  c.label, t.tgrelid::regclass, t.tgfoid::regproc, t.tgenabled)
      FROM relation_trigger t
      JOIN relation_constraint c ON c.oid = t.tgconstraint
     WHERE t.tgisinternal
    UNION ALL
    SELECT format('policy %s on %s: %s, permissive %s, roles %s, using %s, check %s',
                  quote_ident(p.polname), r.label, p.polcmd, p.polpermissive,
                  (SELECT string_agg(role, ' ' ORDER BY role COLLATE "C")
                     FROM unnest(p.polroles) x, coalesce(nullif(x, 0)::regrole::text, 'PUBLIC') role),
                  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
      FROM pg_policy p
      JOIN relation r ON r.oid = p.polrelid
    UNION ALL
    SELECT format('rule %s on %s: %s, enabled %s', quote_ident(w.rulename), r.label, pg_get_ruledef(w.oid), w.ev_enabled)
      FROM pg_rewrite w
      JOIN relation r ON r.oid = w.ev_class
    UNION ALL
    SELECT format('sequence %s: type %s, start %s, increment %s, from %s, to %s, cache %s, cycle %s, owned by %s',
                  r.label, q.seqtypid::regtype, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle,
                  (SELECT string_agg(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), ' ')
                     FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')
                      AND d.refclassid = 'pg_class'::regclass))
      FROM pg_sequence q
      JOIN relation r ON r.oid = q.seqrelid
    UNION ALL
    SELECT format('function %s: owner %s, cost %s, rows %s, support %s, %s', p.label, p.proowner::regrole,
                  p.procost, p.prorows, p.prosupport,
                  CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END)
      FROM routine p
    UNION ALL
    SELECT format('aggregate %s: %s', p.label, to_jsonb(a) - 'aggfnoid' - 'aggtranstype' || jsonb_build_object(
                  'aggtranstype', a.aggtranstype::regtype))
      FROM pg_aggregate a
      JOIN routine p ON p.oid = a.aggfnoid
    UNION ALL
    SELECT format('type %s: owner %s, kind %s, length %s, by value %s, category %s, preferred %s, delimiter %s, align %s, storage %s, collation %s, base %s, not null %s, default %s, functions %s %s %s %s %s %s %s, element %s, labels %s',
                  t.label, t.typowner::regrole, t.typtype, t.typlen, t.typbyval, t.typcategory, t.typispreferred,
                  t.typdelim, t.typalign, t.typstorage, nullif(t.typcollation, 0)::regcollation,
                  format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull, t.typdefault,
                  t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze,
                  nullif(t.typelem, 0)::regtype,
                  (SELECT array_agg(n.enumlabel ORDER BY n.enumsortorder) FROM pg_enum n WHERE n.enumtypid = t.oid))
      FROM data_type t
    UNION ALL
    SELECT format('operator %s: owner %s, function %s, result %s, commutator %s, negator %s, restrict %s, join %s, merges %s, hashes %s',
                  o.oid::regoperator, o.oprowner::regrole, o.oprcode, o.oprresult::regtype, nullif(o.oprcom, 0)::regoperator,
                  nullif(o.oprnegate, 0)::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash)
      FROM pg_operator o
     WHERE ('pg_operator'::regclass, o.oid) IN (SELECT classid, objid FROM addressed)
    UNION ALL
    SELECT format('cast %s to %s: function %s, context %s, method %s', c.castsource::regtype, c.casttarget::regtype,
                  nullif(c.castfunc, 0)::regprocedure, c.castcontext, c.castmethod)
      FROM pg_cast c
     WHERE ('pg_cast'::regclass, c.oid) IN (SELECT classid, objid FROM addressed)
    UNION ALL
    -- what an operator class holds are objects of their own
    SELECT format('%s: in %s', pg_describe_object(d.classid, d.objid, d.objsubid),
                  pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid))
      FROM pg_depend d
     WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass)
       AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
       AND (d.refclassid, d.refobjid) IN (SELECT classid, objid FROM addressed)
    UNION ALL
    SELECT format('operator class %s: type %s, default %s, key %s', pg_describe_object('pg_opclass'::regclass, c.oid, 0),
                  c.opcintype::regtype, c.opcdefault, nullif(c.opckeytype, 0)::regtype)
      FROM pg_opclass c
     WHERE ('pg_opclass'::regclass, c.oid) IN (SELECT classid, objid FROM addressed)
    UNION ALL
    SELECT format('statistics %s: %s, target %s', quote_ident(x.stxname), pg_get_statisticsobjdef(x.oid), nullif(x.stxstattarget, -1))
      FROM pg_statistic_ext x
      JOIN schema s ON x.stxnamespace = s.oid
)
SELECT replace(replace(line, E'\r', '\r'), E'\n', '\n') COLLATE "C" FROM fact ORDER BY 1;
