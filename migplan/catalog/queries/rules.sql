-- Rules of tables and views that someone made: not those that views consist of.
SELECT w.ev_class::int8 AS table_oid,
       w.rulename AS name,
       pg_catalog.pg_get_ruledef(w.oid) AS definition,
       CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always'
            ELSE 'origin' END AS enabled,
       pg_catalog.obj_description(w.oid, 'pg_rewrite') AS comment
FROM pg_catalog.pg_rewrite w
JOIN pg_catalog.pg_class c ON c.oid = w.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE w.rulename <> '_RETURN'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
