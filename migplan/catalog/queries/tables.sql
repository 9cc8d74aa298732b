-- Tables of every kind, one row each.
--   kind             r ordinary, p partitioned, f foreign
--   main_bytes       the table without its TOAST; index sizes come with the indexes
--   replica_identity with the name of the index, where it is one
--   hidden           row-level security keeps rows from the role that looks, or may
--   parents          oids it inherits from, in order; of a partition, the one it is a part of
--   estimated_rows   reltuples scaled to the size of today, as the planner does; NULL when never analysed
SELECT c.oid::int8 AS oid,
       n.nspname AS schema,
       c.relname AS name,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       c.relispartition AS is_partition,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       m.description AS comment,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' || (
                SELECT ' ' || pg_catalog.quote_ident(x.relname) FROM pg_catalog.pg_index i
                JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident)
            ELSE 'default' END AS replica_identity,
       coalesce(c.reloptions, '{}') AS options,
       am.amname AS access_method,
       CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key,
       coalesce(p.parents, '{}') AS parents,
       tn.nspname AS of_type_schema,
       t.typname AS of_type_name,
       coalesce(pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), false) AS readable,
       c.relrowsecurity AND pg_catalog.row_security_active(c.oid) AS hidden,
       CASE WHEN c.reltuples >= 0 AND c.relpages > 0 AND s.main_bytes IS NOT NULL
              THEN (c.reltuples / c.relpages * (s.main_bytes / current_setting('block_size')::int))::int8
            WHEN s.main_bytes = 0 THEN 0
            WHEN c.reltuples > 0 THEN c.reltuples::int8 END AS estimated_rows,
       s.main_bytes,
       s.main_bytes + coalesce(CASE WHEN c.reltoastrelid <> 0 THEN pg_catalog.pg_relation_size(c.reltoastrelid) END, 0)
         AS table_bytes,
       pg_catalog.pg_stat_get_numscans(c.oid) AS sequential_scans,
       pg_catalog.pg_stat_get_tuples_inserted(c.oid) AS inserted,
       pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
       pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS deleted,
       pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reloftype
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_description m
       ON m.classoid = 'pg_catalog.pg_class'::regclass AND m.objoid = c.oid AND m.objsubid = 0
LEFT JOIN (SELECT i.inhrelid, array_agg(i.inhparent::int8 ORDER BY i.inhseqno) AS parents
           FROM pg_catalog.pg_inherits i GROUP BY i.inhrelid) p ON p.inhrelid = c.oid
CROSS JOIN LATERAL (SELECT CASE WHEN c.relkind = 'r' THEN pg_catalog.pg_relation_size(c.oid) END AS main_bytes) s
WHERE c.relkind IN ('r', 'p', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
