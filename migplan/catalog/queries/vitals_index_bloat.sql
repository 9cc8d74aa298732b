-- What B-trees of more than 10 MB would need if they were built anew: an estimate, columns as in
-- vitals_table_bloat.sql.
-- An entry takes its pointer (4 bytes), its header (8, and 8 more where there are NULLs) and its values, rounded
-- up to 8; pages have 40 bytes of their own, and one in a hundred leads to the others. Equal values are stored
-- once where they can be, of which this knows nothing: it then says too little, never too much.
WITH large AS MATERIALIZED (
    SELECT i.indexrelid, i.indrelid, i.indkey::int2[] AS indkey, n.nspname, t.relname AS tablename, x.relname,
           x.reltuples, x.relpages, size.bytes,
           current_setting('block_size')::float8 AS block,
           coalesce((SELECT o.option_value::float8 FROM pg_catalog.pg_options_to_table(x.reloptions) o
                     WHERE o.option_name = 'fillfactor'), 90) AS fill
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = x.relam AND am.amname = 'btree'
    JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(x.oid) AS bytes) size
    WHERE x.relkind = 'i' AND t.relkind = 'r' AND i.indisvalid AND size.bytes > 10 * 1024 * 1024
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                      WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = t.oid AND e.deptype = 'e')
)
SELECT l.nspname AS schema,
       l.tablename AS name,
       l.relname AS index_name,
       l.bytes,
       l.reltuples >= 0 AND l.relpages > 0 AS analysed,
       CASE WHEN l.reltuples < 0 OR l.relpages = 0 THEN NULL
            WHEN l.reltuples = 0 THEN l.block
            WHEN w.known = w.columns
              THEN (ceil(l.reltuples / greatest(floor((l.block - 40) * l.fill / 100
                      / (4 + ceil((8 + 8 * w.nulls + w.width) / 8.0) * 8)), 1) * 1.01) + 1)
                   * l.block * (l.bytes / l.block / l.relpages) END::int8 AS needed
FROM large l
CROSS JOIN LATERAL (
    SELECT count(*) AS columns, count(s.avg_width) AS known,
           coalesce(sum((1 - s.null_frac) * s.avg_width), 0)::float8 AS width,
           coalesce(max(s.null_frac), 0)::float8 AS nulls
    FROM unnest(l.indkey) WITH ORDINALITY u(attnum, place)
    -- An expression has its statistics under the name of the index.
    JOIN pg_catalog.pg_attribute a
      ON a.attrelid = CASE u.attnum WHEN 0 THEN l.indexrelid ELSE l.indrelid END
     AND a.attnum = CASE u.attnum WHEN 0 THEN u.place ELSE u.attnum END
    LEFT JOIN LATERAL (SELECT p.avg_width, p.null_frac FROM pg_catalog.pg_stats p
                       WHERE p.schemaname = l.nspname AND p.attname = a.attname AND NOT p.inherited
                         AND p.tablename = CASE u.attnum WHEN 0 THEN l.relname ELSE l.tablename END
                       OFFSET 0) s ON true
) w
