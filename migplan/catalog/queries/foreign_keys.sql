-- Foreign keys as declared: those that partitions inherit (conparentid) are left out. Columns by position.
--   referenced_key   the unique index that the key leans on
SELECT k.oid::int8 AS oid,
       k.conrelid::int8 AS table_oid,
       k.confrelid::int8 AS referenced_oid,
       k.conname AS name,
       k.conkey AS columns,
       k.confkey AS referenced_columns,
       x.relname AS referenced_key,
       k.confdeltype::text AS on_delete,
       k.confdelsetcols AS on_delete_columns, -- since 15, before: NULL::int2[]
       k.confupdtype::text AS on_update,
       k.confmatchtype::text AS match,
       k.condeferrable AS deferrable,
       k.condeferred AS initially_deferred,
       k.convalidated AS validated,
       k.conenforced AS enforced, -- since 18, before: true
       k.conperiod AS period, -- since 18, before: false
       m.description AS comment
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_class x ON x.oid = k.conindid
LEFT JOIN pg_catalog.pg_description m
       ON m.classoid = 'pg_catalog.pg_constraint'::regclass AND m.objoid = k.oid AND m.objsubid = 0
WHERE k.contype = 'f' AND k.conparentid = 0
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
