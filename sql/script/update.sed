# What an update script changes in the text of a version's functions: a REVOKE
# runs where the object is created, and not again. It would take away what a
# user has granted to PUBLIC, and it would make PostgreSQL note all grants so
# far as the extension's own, which pg_dump then leaves out.
s/^REVOKE ALL ON \(FUNCTION\|PROCEDURE\) \(.*\) FROM PUBLIC;$/DO $revoke$ BEGIN\n    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_proc'::regclass AND objoid = '\2'::regprocedure) THEN\n        &\n    END IF;\nEND $revoke$;/
s/^REVOKE ALL ON TYPE \(.*\) FROM PUBLIC;$/DO $revoke$ BEGIN\n    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_type'::regclass AND objoid = '\1'::regtype) THEN\n        &\n    END IF;\nEND $revoke$;/
s/^REVOKE ALL ON \(ddd\.[a-z_]*\) FROM PUBLIC;$/DO $revoke$ BEGIN\n    IF NOT EXISTS (SELECT FROM pg_init_privs WHERE classoid = 'pg_class'::regclass AND objoid = '\1'::regclass) THEN\n        &\n    END IF;\nEND $revoke$;/
