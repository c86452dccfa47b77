-- The facts about ddd in this database: (part, object, fact, value) for every object
-- of schema ddd and every member of the extension, without OIDs, rows and
-- names of the owners. Two databases are at the same version, however they got
-- there, when their facts are equal; so are those of two servers' releases.
--
-- part is tables, what belongs to the user, or code, what the extension may
-- replace. ddd.fingerprint() is this statement. Columns are numbered by logical position
-- (dropped ones do not count). A fact that nearly always is the same is there
-- only where it is another: a foreign owner, a privilege.
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
           CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'i' THEN 'index ' WHEN 'v' THEN 'view ' WHEN 'c' THEN 'composite type '
                          ELSE 'table ' END || c.oid::regclass AS object,
           c.relkind = 'c' OR c.oid IN (SELECT objid FROM member WHERE classid = 'pg_class'::regclass) AS is_code
      FROM pg_class c
      JOIN schema s ON c.relnamespace = s.oid
), attribute AS (
    SELECT a.*, 'column ' || r.label || '.' || quote_ident(a.attname) AS object, r.relowner, r.is_code,
           row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS position
      FROM pg_attribute a
      JOIN relation r ON r.oid = a.attrelid
     WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'v', 'm', 'c', 'f')
), relation_constraint AS (
    SELECT c.*, 'constraint ' || quote_ident(c.conname) || ' on ' || coalesce(c.conrelid::regclass::text, c.contypid::regtype::text) AS object
      FROM pg_constraint c
      JOIN schema s ON c.connamespace = s.oid
     WHERE c.contype <> 't'
), relation_trigger AS (
    SELECT t.*, 'trigger ' || quote_ident(t.tgname) || ' on ' || r.label AS object
      FROM pg_trigger t
      JOIN relation r ON r.oid = t.tgrelid
), routine AS (
    SELECT p.*, 'function ' || p.oid::regprocedure AS object
      FROM pg_proc p
     WHERE p.pronamespace = (SELECT oid FROM schema)
        OR p.oid IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass)
), data_type AS (
    SELECT t.*, 'type ' || t.oid::regtype AS object
      FROM pg_type t
      LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE (t.typnamespace = (SELECT oid FROM schema)
            OR t.oid IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass))
       AND t.typcategory <> 'A'
       AND (c.oid IS NULL OR c.relkind = 'c')
), other AS (
    -- everything else that is in the schema or belongs to the extension
    SELECT a.classid, a.objid, pg_describe_object(a.classid, a.objid, 0) AS object
      FROM (SELECT d.classid, d.objid FROM pg_depend d
              JOIN schema s ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid
            UNION
            SELECT classid, objid FROM member) a
     WHERE a.classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass, 'pg_type'::regclass, 'pg_default_acl'::regclass)
), addressed (is_code, classid, objid, subid, object, owner, acl_kind, acl) AS (
    SELECT false, 'pg_namespace'::regclass, s.oid, 0, 'schema ddd', s.nspowner, 'n'::"char", s.nspacl FROM schema s
    UNION ALL
    SELECT true, 'pg_extension'::regclass, e.oid, 0, 'extension ddd', NULL, NULL, NULL FROM extension e
    UNION ALL
    SELECT r.is_code, 'pg_class'::regclass, r.oid, 0, r.object, r.relowner,
           CASE WHEN r.relkind = 'S' THEN 's' WHEN r.relkind IN ('r', 'p', 'v', 'm', 'f') THEN 'r' END::"char", r.relacl
      FROM relation r
    UNION ALL
    SELECT a.is_code, 'pg_class'::regclass, a.attrelid, a.attnum, a.object, a.relowner, CASE WHEN a.attacl IS NOT NULL THEN 'c' END::"char", a.attacl
      FROM attribute a
    UNION ALL
    SELECT true, 'pg_proc'::regclass, p.oid, 0, p.object, p.proowner, 'f', p.proacl FROM routine p
    UNION ALL
    SELECT true, 'pg_type'::regclass, t.oid, 0, t.object, t.typowner, 'T', t.typacl FROM data_type t
    UNION ALL
    SELECT c.conrelid = 0, 'pg_constraint'::regclass, c.oid, 0, c.object, NULL, NULL, NULL FROM relation_constraint c
    UNION ALL
    SELECT false, 'pg_trigger'::regclass, t.oid, 0, t.object, NULL, NULL, NULL FROM relation_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT false, 'pg_policy'::regclass, p.oid, 0, 'policy ' || quote_ident(p.polname) || ' on ' || r.label, NULL, NULL, NULL
      FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
    UNION ALL
    SELECT r.is_code, 'pg_rewrite'::regclass, w.oid, 0, 'rule ' || quote_ident(w.rulename) || ' on ' || r.label, NULL, NULL, NULL
      FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
    UNION ALL
    SELECT o.classid <> 'pg_statistic_ext'::regclass, o.classid, o.objid, 0, o.object, coalesce(p.oprowner, x.stxowner), NULL, NULL
      FROM other o
      LEFT JOIN pg_operator p ON o.classid = 'pg_operator'::regclass AND p.oid = o.objid
      LEFT JOIN pg_statistic_ext x ON o.classid = 'pg_statistic_ext'::regclass AND x.oid = o.objid
), role (oid, is_code, name) AS (
    -- tables have one owner, code another; they may be the same
    SELECT r.oid, k.is_code,
           CASE r.oid WHEN CASE WHEN k.is_code THEN (SELECT extowner FROM extension) ELSE (SELECT nspowner FROM schema) END THEN 'the owner'
                      ELSE quote_ident(r.rolname) END
      FROM pg_roles r, (VALUES (true), (false)) AS k (is_code)
), placed AS (
    SELECT a.*, (a.classid, a.objid) IN (SELECT classid, objid FROM member) AS is_member,
           coalesce(a.acl, acldefault(a.acl_kind, a.owner)) AS privileges
      FROM addressed a
), granted (classid, objid, subid, object, grantee, items, owner_items) AS (
    SELECT p.classid, p.objid, p.subid, p.object, x.grantee,
           string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ' ' ORDER BY x.privilege_type COLLATE "C"),
           (SELECT string_agg(d.privilege_type, ' ' ORDER BY d.privilege_type COLLATE "C")
              FROM aclexplode(acldefault(p.acl_kind, p.owner)) d WHERE d.grantee = x.grantee AND x.grantee = p.owner AND p.subid = 0)
      FROM placed p, aclexplode(p.privileges) x
     WHERE p.acl_kind IS NOT NULL
     GROUP BY p.classid, p.objid, p.subid, p.object, p.owner, p.acl_kind, x.grantee
), fact (object, fact, value) AS (
    SELECT p.object, 'owner', coalesce(o.name, '')
      FROM placed p JOIN role o ON o.oid = p.owner AND o.is_code = p.is_code
     WHERE o.name <> 'the owner' AND p.subid = 0 AND p.object !~ '^index '
    UNION ALL
    SELECT p.object, 'member of the extension', 'yes' FROM placed p WHERE p.is_member AND p.subid = 0
    UNION ALL
    SELECT g.object, 'privileges of ' || CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, g.items
      FROM granted g
      JOIN placed p USING (classid, objid, subid)
     WHERE g.grantee <> p.owner
    UNION ALL
    -- an owner who has not all
    SELECT p.object, 'privileges of the owner', coalesce(g.items, 'none')
      FROM placed p
      LEFT JOIN granted g ON (g.classid, g.objid, g.subid, g.grantee) = (p.classid, p.objid, p.subid, p.owner)
     WHERE p.acl_kind IS NOT NULL AND p.subid = 0 AND (g.items = g.owner_items) IS NOT TRUE
    UNION ALL
    -- without the owner's: all that there are, which are more from version to version of PostgreSQL
    SELECT object, 'initial privileges', items
      FROM (SELECT i.classoid, coalesce(p.object, pg_describe_object(i.classoid, i.objoid, i.objsubid)) AS object,
                   coalesce((SELECT string_agg(item, ', ' ORDER BY item COLLATE "C")
                               FROM aclexplode(i.initprivs) x,
                                    coalesce((SELECT r.name FROM role r WHERE r.oid = x.grantee AND r.is_code), 'PUBLIC') AS name,
                                    concat(name, ' ', x.privilege_type) AS item
                              WHERE name <> 'the owner'), 'none') AS items
              FROM pg_init_privs i
              JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid
              LEFT JOIN placed p ON (p.classid, p.objid, p.subid) = (i.classoid, i.objoid, i.objsubid)) AS initial
     -- a relation without an entry has none either: pg_upgrade makes no entry for these
     WHERE classoid <> 'pg_class'::regclass OR items <> 'none'
    UNION ALL
    SELECT 'default privileges of ' || d.defaclrole::regrole || ' for ' || d.defaclobjtype::text, 'definition', d.defaclacl::text
      FROM pg_default_acl d JOIN schema s ON d.defaclnamespace = s.oid
    UNION ALL
    SELECT p.object, 'comment', d.description
      FROM pg_description d
      JOIN placed p ON (p.classid, p.objid, p.subid) = (d.classoid, d.objoid, d.objsubid)
    UNION ALL
    SELECT 'schema ddd', 'definition', 'schema' FROM schema
    UNION ALL
    SELECT 'extension ddd', f.fact, f.value
      FROM extension e,
           LATERAL (VALUES ('version', e.extversion),
                           ('definition', concat_ws(' ', e.extnamespace::regnamespace, e.extrelocatable, e.extconfig))) AS f (fact, value)
    UNION ALL
    SELECT r.object, f.fact, f.value
      FROM relation r,
           LATERAL (VALUES ('definition', concat_ws(' ', r.relkind, (SELECT amname FROM pg_am WHERE oid = r.relam),
                                                    nullif(r.reloftype, 0)::regtype,
                                                    CASE WHEN r.relkind = 'v' THEN pg_get_viewdef(r.oid) END)),
                           ('persistence', nullif(r.relpersistence, 'p')::text),
                           ('tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = r.reltablespace)::text),
                           ('options', r.reloptions::text),
                           ('row security', nullif(concat_ws(' ', CASE WHEN r.relrowsecurity THEN 'enabled' END,
                                                             CASE WHEN r.relforcerowsecurity THEN 'forced' END), '')),
                           ('replica identity', CASE WHEN r.relreplident NOT IN ('d', 'n') OR r.relkind = 'r' AND r.relreplident = 'n'
                                                     THEN r.relreplident::text END)) AS f (fact, value)
     WHERE f.value IS NOT NULL AND r.relkind <> 'i'
    UNION ALL
    SELECT r.object, 'parent ' || i.inhparent::regclass, 'yes'
      FROM pg_inherits i JOIN relation r ON r.oid = i.inhrelid
    UNION ALL
    SELECT a.object, f.fact, f.value
      FROM attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum,
           LATERAL (VALUES ('definition', format_type(a.atttypid, a.atttypmod)),
                           ('position', a.position::text),
                           ('not null', CASE WHEN a.attnotnull THEN 'yes' END),
                           ('default', pg_get_expr(d.adbin, d.adrelid)),
                           ('generated', nullif(concat(a.attgenerated, a.attidentity), '')),
                           ('collation', CASE WHEN a.attcollation <> (SELECT typcollation FROM pg_type WHERE oid = a.atttypid)
                                              THEN a.attcollation::regcollation::text END),
                           ('storage', CASE WHEN a.attstorage <> (SELECT typstorage FROM pg_type WHERE oid = a.atttypid) THEN a.attstorage::text END),
                           ('compression', nullif(a.attcompression::text, '')),
                           ('statistics', nullif(a.attstattarget, -1)::text),
                           -- without the server's own count of the column's versions, which pg_dump leaves out too
                           ('options', (SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(a.attoptions) o
                                         WHERE NOT starts_with(o, 'pg_attver='))::text)) AS f (fact, value)
     WHERE f.value IS NOT NULL
    UNION ALL
    SELECT c.object, f.fact, f.value
      FROM relation_constraint c,
           LATERAL (VALUES ('definition', concat_ws(' ', pg_get_constraintdef(c.oid), c.coninhcount, c.conislocal)),
                           ('validated', c.convalidated::text)) AS f (fact, value)
    UNION ALL
    SELECT r.object, f.fact, f.value
      FROM pg_index i
      JOIN relation r ON r.oid = i.indexrelid,
           LATERAL (VALUES ('definition', concat_ws(' ', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indimmediate THEN 'deferred' END)),
                           ('state', CASE WHEN NOT i.indisvalid THEN 'invalid' WHEN NOT i.indisready THEN 'not ready' END),
                           ('tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = r.reltablespace)::text),
                           ('clustered', CASE WHEN i.indisclustered THEN 'yes' END),
                           ('replica identity', CASE WHEN i.indisreplident THEN 'yes' END)) AS f (fact, value)
     WHERE f.value IS NOT NULL
    UNION ALL
    SELECT t.object, f.fact, f.value
      FROM relation_trigger t, LATERAL (VALUES ('definition', pg_get_triggerdef(t.oid)), ('enabled', t.tgenabled::text)) AS f (fact, value)
     WHERE NOT t.tgisinternal
    UNION ALL
    -- the triggers behind a foreign key are named by number
    SELECT c.object, 'trigger ' || t.tgfoid::regproc || ' on ' || t.tgrelid::regclass, t.tgenabled::text
      FROM relation_trigger t
      JOIN relation_constraint c ON c.oid = t.tgconstraint
     WHERE t.tgisinternal
    UNION ALL
    SELECT 'policy ' || quote_ident(p.polname) || ' on ' || r.label, 'definition',
           concat_ws(' ', p.polcmd, p.polpermissive,
                     (SELECT string_agg(role, ' ' ORDER BY role COLLATE "C")
                        FROM unnest(p.polroles) x, coalesce(nullif(x, 0)::regrole::text, 'PUBLIC') role),
                     'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
      FROM pg_policy p
      JOIN relation r ON r.oid = p.polrelid
    UNION ALL
    SELECT 'rule ' || quote_ident(w.rulename) || ' on ' || r.label, 'definition', concat_ws(' ', pg_get_ruledef(w.oid), w.ev_enabled)
      FROM pg_rewrite w
      JOIN relation r ON r.oid = w.ev_class
     WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT r.object, 'sequence', concat_ws(' ', q.seqtypid::regtype, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle)
      FROM pg_sequence q
      JOIN relation r ON r.oid = q.seqrelid
    UNION ALL
    SELECT r.object, 'owned by', pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
      FROM pg_depend d
      JOIN relation r ON d.objid = r.oid
     WHERE d.classid = 'pg_class'::regclass AND r.relkind = 'S' AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass
    UNION ALL
    SELECT p.object, 'definition',
           concat_ws(' ', p.procost, p.prorows, nullif(p.prosupport, 0)::regproc,
                     CASE WHEN p.prokind = 'a'
                          THEN (SELECT (to_jsonb(a) - 'aggfnoid' - 'aggtranstype' || jsonb_build_object('aggtranstype', a.aggtranstype::regtype))::text
                                  FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
                          ELSE pg_get_functiondef(p.oid) END)
      FROM routine p
    UNION ALL
    SELECT t.object, 'definition',
           concat_ws(' ', t.typtype, t.typlen, t.typbyval, t.typcategory, t.typispreferred, t.typdelim, t.typalign, t.typstorage,
                     nullif(t.typcollation, 0)::regcollation, format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull, t.typdefault,
                     t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, nullif(t.typelem, 0)::regtype,
                     (SELECT array_agg(n.enumlabel ORDER BY n.enumsortorder) FROM pg_enum n WHERE n.enumtypid = t.oid))
      FROM data_type t
    UNION ALL
    SELECT o.object, 'definition',
           coalesce((SELECT concat_ws(' ', p.oprcode, p.oprresult::regtype, 'commutator', nullif(p.oprcom, 0)::regoperator,
                                      'negator', nullif(p.oprnegate, 0)::regoperator, p.oprrest, p.oprjoin, p.oprcanmerge, p.oprcanhash)
                       FROM pg_operator p WHERE o.classid = 'pg_operator'::regclass AND p.oid = o.objid),
                    (SELECT concat_ws(' ', nullif(c.castfunc, 0)::regprocedure, c.castcontext, c.castmethod)
                       FROM pg_cast c WHERE o.classid = 'pg_cast'::regclass AND c.oid = o.objid),
                    (SELECT concat_ws(' ', c.opcintype::regtype, c.opcdefault, nullif(c.opckeytype, 0)::regtype)
                       FROM pg_opclass c WHERE o.classid = 'pg_opclass'::regclass AND c.oid = o.objid),
                    (SELECT concat_ws(' ', pg_get_statisticsobjdef(x.oid), nullif(x.stxstattarget, -1))
                       FROM pg_statistic_ext x WHERE o.classid = 'pg_statistic_ext'::regclass AND x.oid = o.objid),
                    'object')
      FROM other o
    UNION ALL
    -- what an operator class holds are objects of their own
    SELECT o.object, pg_describe_object(d.classid, d.objid, d.objsubid), 'yes'
      FROM pg_depend d
      JOIN other o ON (o.classid, o.objid) = (d.refclassid, d.refobjid)
     WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
)
-- of a long value only its checksum
SELECT CASE WHEN EXISTS (SELECT FROM addressed a WHERE a.object = fact.object AND a.is_code) THEN 'code' ELSE 'tables' END AS part,
       object COLLATE "C", fact COLLATE "C", CASE WHEN length(value) > 100 OR value ~ '\s\s|[\n\t\\]' THEN 'md5 ' || md5(value) ELSE value END COLLATE "C"
  FROM fact
 ORDER BY 2, 3, 4
