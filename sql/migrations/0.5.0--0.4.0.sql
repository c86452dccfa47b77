-- 0.5.0 -> 0.4.0: no log of the migrations; it goes on in ddd.stash.
SELECT ddd.migrate('0.5.0', '{migration_log}', $migration$
SELECT ddd.stash_rows('0.5.0', 'migration_log', 'true');
DROP TABLE ddd.migration_log;
$migration$);

DROP FUNCTION ddd.current();
DROP FUNCTION ddd.heads();
DROP FUNCTION ddd.history();
DROP FUNCTION ddd.plan(text);
DROP FUNCTION ddd.upgrade(text, boolean, interval);
DROP FUNCTION ddd.downgrade(text, boolean, interval);
