-- Sequences and the column that owns each (deptype a: serial, i: identity).
--   last_value   NULL when never used, or when the role may not see it (visible says which)
SELECT n.nspname AS schema,
       c.relname AS name,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       pg_catalog.format_type(s.seqtypid, NULL) AS type,
       s.seqstart AS start,
       s.seqmin AS minimum,
       s.seqmax AS maximum,
       s.seqincrement AS increment,
       s.seqcycle AS cycles,
       s.seqcache AS cache,
       d.refobjid::int8 AS owner_table_oid,
       a.attname AS owned_column,
       coalesce(d.deptype = 'i', false) AS identity,
       pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
       pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') AS visible,
       CASE WHEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')
            THEN pg_catalog.pg_sequence_last_value(c.oid) END AS last_value
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d
       ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
