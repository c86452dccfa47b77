-- 0.3.0 -> 0.4.0: the type tag_query. No table changes.
SELECT ddd.migrate('0.3.0', '');
