-- Indexes.
--   columns       the key parts by position; 0 where the part is an expression
--   expressions   the key parts as SQL, where any of them is an expression
--   definition    as the server prints it, where it says more than method, uniqueness and columns do:
--                 printing is the most expensive thing that one can ask here, and most indexes are plain
SELECT i.indrelid::int8 AS table_oid,
       x.relname AS name,
       CASE WHEN i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR i.indnatts > i.indnkeyatts
                 OR x.reloptions IS NOT NULL OR k.contype = 'x' OR 0 <> ANY (i.indoption::int2[])
                 OR i.indclass::oid[] && special.classes OR NOT i.indcollation::oid[] <@ '{0,100}'
                 OR 100 = ANY (i.indcollation::oid[]) AND i.indrelid IN (
                     SELECT a.attrelid FROM pg_catalog.pg_attribute a WHERE a.attcollation NOT IN (0, 100))
                 OR k.oid IS NULL AND i.indisunique AND to_jsonb(i) @> '{"indnullsnotdistinct": true}'
            THEN pg_catalog.pg_get_indexdef(i.indexrelid) END AS definition,
       (i.indkey::int2[])[0:i.indnkeyatts - 1] AS columns,
       CASE WHEN i.indexprs IS NOT NULL
            THEN ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, place, false)
                       FROM generate_series(1, i.indnkeyatts) place) END AS expressions,
       am.amname AS method,
       i.indisunique AS "unique",
       i.indisvalid AS valid,
       CASE WHEN i.indpred IS NOT NULL THEN pg_catalog.pg_get_expr(i.indpred, i.indrelid) END AS predicate,
       k.conname AS "constraint",
       x.relispartition AS inherited,
       m.description AS comment,
       CASE WHEN x.relkind = 'i' THEN pg_catalog.pg_relation_size(x.oid) END AS bytes,
       pg_catalog.pg_stat_get_numscans(x.oid) AS scans
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_am am ON am.oid = x.relam
JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_catalog.pg_description m
       ON m.classoid = 'pg_catalog.pg_class'::regclass AND m.objoid = x.oid AND m.objsubid = 0
CROSS JOIN (SELECT array_agg(o.oid) AS classes FROM pg_catalog.pg_opclass o WHERE NOT o.opcdefault) special
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
