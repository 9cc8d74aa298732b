-- Triggers of tables and views that someone made: not those behind foreign keys, not the copies in partitions.
--   type   the bits of pg_trigger.tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead
SELECT t.tgrelid::int8 AS table_oid,
       t.tgname AS name,
       pn.nspname AS function_schema,
       p.proname AS function_name,
       pg_catalog.pg_get_triggerdef(t.oid) AS definition,
       t.tgtype::int AS type,
       CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always'
            ELSE 'origin' END AS enabled,
       t.tgconstraint <> 0 AS "constraint",
       pg_catalog.obj_description(t.oid, 'pg_trigger') AS comment
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
WHERE NOT t.tgisinternal
  AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
