-- How many bytes texts without a limit take on average, where they are a key part of a B-tree.
-- pg_stats is asked as null_fractions.sql does.
WITH parts AS MATERIALIZED (
    SELECT DISTINCT i.indrelid, u.attnum
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = x.relam AND am.amname = 'btree'
    CROSS JOIN LATERAL unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) u(attnum)
    WHERE u.attnum > 0
)
SELECT n.nspname AS schema, c.relname AS name, a.attname AS "column", s.avg_width AS average
FROM parts p
JOIN pg_catalog.pg_class c ON c.oid = p.indrelid AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = p.indrelid AND a.attnum = p.attnum
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
CROSS JOIN LATERAL (SELECT q.avg_width
                    FROM pg_catalog.pg_stats q
                    WHERE q.schemaname = n.nspname AND q.tablename = c.relname AND q.attname = a.attname
                      AND q.inherited = (c.relkind = 'p')
                    OFFSET 0) s
WHERE t.typlen = -1 AND a.atttypmod = -1 AND t.typtypmod = -1
  AND (t.typcategory = 'S' OR 'pg_catalog.bytea'::regtype IN (t.oid, t.typbasetype))
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
