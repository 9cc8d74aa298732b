-- Primary keys and unique constraints; columns by position.
SELECT k.conrelid::int8 AS table_oid,
       k.conname AS name,
       k.conkey AS columns,
       k.contype = 'p' AS "primary",
       k.condeferrable AS deferrable,
       k.condeferred AS initially_deferred,
       i.indnullsnotdistinct AS nulls_not_distinct, -- since 15, before: false
       k.conperiod AS without_overlaps, -- since 18, before: false
       m.description AS comment
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid
LEFT JOIN pg_catalog.pg_description m
       ON m.classoid = 'pg_catalog.pg_constraint'::regclass AND m.objoid = k.oid AND m.objsubid = 0
WHERE k.contype IN ('p', 'u')
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
