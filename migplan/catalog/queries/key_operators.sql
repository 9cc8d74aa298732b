-- How the server itself compares the columns of each foreign key: for orphans.py.
--   partitioned, referenced_partitioned   whether the rows are in partitions; else a key concerns ONLY the table
--   operators    one for each column, as [schema, name, type of the referenced side, type of the own side]
--   collations   of the referenced columns, where the own column's is another; NULL where not
SELECT n.nspname AS schema,
       c.relname AS "table",
       k.conname AS name,
       c.relkind = 'p' AS partitioned,
       rc.relkind = 'p' AS referenced_partitioned,
       p.operators,
       p.collations
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_class rc ON rc.oid = k.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(ARRAY[opn.nspname::text, op.oprname::text, pg_catalog.format_type(op.oprleft, -1),
                           pg_catalog.format_type(op.oprright, -1)] ORDER BY u.place) AS operators,
           array_agg(CASE WHEN ra.attcollation NOT IN (0, a.attcollation)
                          THEN pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname) END
                     ORDER BY u.place) AS collations
    FROM unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY u(own, other, operator, place)
    JOIN pg_catalog.pg_operator op ON op.oid = u.operator
    JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own
    JOIN pg_catalog.pg_attribute ra ON ra.attrelid = k.confrelid AND ra.attnum = u.other
    LEFT JOIN pg_catalog.pg_collation co ON co.oid = ra.attcollation
    LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
) p
WHERE k.contype = 'f' AND k.conparentid = 0
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
