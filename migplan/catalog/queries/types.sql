-- Enums, domains, composites and ranges. definition: labels, base type with its rules, or attributes.
SELECT n.nspname AS schema,
       t.typname AS name,
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' ELSE 'composite' END AS kind,
       pg_catalog.pg_get_userbyid(t.typowner) AS owner,
       pg_catalog.obj_description(t.oid, 'pg_type') AS comment,
       CASE t.typtype
           WHEN 'e' THEN ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
                               WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
           WHEN 'd' THEN ARRAY[pg_catalog.format_type(t.typbasetype, t.typtypmod)]
                         || CASE WHEN t.typnotnull THEN ARRAY['NOT NULL'] ELSE '{}' END
                         || CASE WHEN t.typdefaultbin IS NOT NULL
                                 THEN ARRAY['DEFAULT ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0)] ELSE '{}' END
                         || ARRAY(SELECT pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k
                                  WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname)
           WHEN 'r' THEN ARRAY[(SELECT pg_catalog.format_type(r.rngsubtype, NULL)
                                FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)]
           ELSE ARRAY(SELECT pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
                      FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
       END AS definition
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE (t.typtype IN ('e', 'd', 'r')
       OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e')
