-- Check (c) and exclusion (x) constraints of tables, as SQL; and NOT NULL (n) where rows may violate it still.
-- Where it is valid, NOT NULL is a field of its column.
SELECT k.conrelid::int8 AS table_oid,
       k.contype::text AS kind,
       k.conname AS name,
       pg_catalog.pg_get_constraintdef(k.oid) AS definition,
       k.convalidated AS validated,
       k.conenforced AS enforced, -- since 18, before: true
       m.description AS comment
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_description m
       ON m.classoid = 'pg_catalog.pg_constraint'::regclass AND m.objoid = k.oid AND m.objsubid = 0
WHERE (k.contype IN ('c', 'x') OR k.contype = 'n' AND NOT k.convalidated) AND k.conrelid <> 0
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
