-- Views and materialised views. reads: schema and name of the relations that each reads, in pairs.
SELECT c.oid::int8 AS oid,
       n.nspname AS schema,
       c.relname AS name,
       c.relkind = 'm' AS materialized,
       c.relispopulated AS populated,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       coalesce(c.reloptions, '{}') AS options,
       pg_catalog.pg_get_viewdef(c.oid) AS definition,
       pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
       ARRAY(SELECT DISTINCT ARRAY[rn.nspname::text, rc.relname::text]
             FROM pg_catalog.pg_rewrite w
             JOIN pg_catalog.pg_depend d
               ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
              AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> c.oid
             JOIN pg_catalog.pg_class rc ON rc.oid = d.refobjid
             JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
             WHERE w.ev_class = c.oid) AS reads
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
