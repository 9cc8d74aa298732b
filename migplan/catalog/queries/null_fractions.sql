-- Of each foreign key's rows, the part that refers to nothing, as far as ANALYZE saw and the role may see.
-- A key of several columns refers to nothing as soon as one of them is NULL, hence the greatest.
-- pg_stats asks for a privilege column by column, so it is only asked about the columns of keys, one at a
-- time (OFFSET 0): on thousands of tables that takes half as long as a join with all of it.
SELECT k.oid::int8 AS oid, max(s.null_frac)::float8 AS null_fraction
FROM pg_catalog.pg_constraint k
CROSS JOIN LATERAL unnest(k.conkey) u(attnum)
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT p.null_frac
                    FROM pg_catalog.pg_stats p
                    WHERE p.schemaname = n.nspname AND p.tablename = c.relname AND p.attname = a.attname
                      AND NOT p.inherited
                    OFFSET 0) s
WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT a.attnotnull
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
GROUP BY k.oid
