-- What ordinary tables of more than 10 MB would need if they were written anew: an estimate.
--   bytes      without TOAST
--   needed     from the number of rows and the average width of each column; NULL when it cannot be known
--   analysed   whether the server knows the number of rows
-- A row takes its pointer (4 bytes), its header (23, and a bit a column where there are NULLs) and its values,
-- both rounded up to 8; the padding between values is not known. pg_stats is asked as null_fractions.sql does.
WITH large AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.reltuples, c.relpages, c.relnatts, size.bytes,
           current_setting('block_size')::float8 AS block,
           coalesce((SELECT o.option_value::float8 FROM pg_catalog.pg_options_to_table(c.reloptions) o
                     WHERE o.option_name = 'fillfactor'), 100) AS fill
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_am am ON am.oid = c.relam AND am.amname = 'heap'
    CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(c.oid) AS bytes) size
    WHERE c.relkind = 'r' AND size.bytes > 10 * 1024 * 1024
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
)
SELECT l.nspname AS schema,
       l.relname AS name,
       l.bytes,
       l.reltuples >= 0 AND l.relpages > 0 AS analysed,
       CASE WHEN l.reltuples < 0 OR l.relpages = 0 THEN NULL
            WHEN l.reltuples = 0 THEN 0
            WHEN w.known = w.columns
              THEN ceil(l.reltuples / greatest(floor((l.block - 24) * l.fill / 100
                     / (4 + ceil((23 + CASE WHEN w.nulls THEN ceil(l.relnatts / 8.0) ELSE 0 END) / 8.0) * 8
                          + ceil(w.width / 8.0) * 8)), 1))
                   * l.block * (l.bytes / l.block / l.relpages) END::int8 AS needed
FROM large l
CROSS JOIN LATERAL (
    SELECT count(*) AS columns, count(s.avg_width) AS known,
           coalesce(sum((1 - s.null_frac) * s.avg_width), 0)::float8 AS width,
           coalesce(bool_or(s.null_frac > 0), false) AS nulls
    FROM pg_catalog.pg_attribute a
    LEFT JOIN LATERAL (SELECT p.avg_width, p.null_frac FROM pg_catalog.pg_stats p
                       WHERE p.schemaname = l.nspname AND p.tablename = l.relname AND p.attname = a.attname
                         AND NOT p.inherited
                       OFFSET 0) s ON true
    WHERE a.attrelid = l.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
) w
