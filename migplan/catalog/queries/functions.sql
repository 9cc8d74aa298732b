-- Functions, procedures and aggregates.
--   body   a digest of the source and of all that has no column here, in UTF-8 whatever the database's encoding:
--          enough to see that it changed
SELECT n.nspname AS schema,
       p.proname AS name,
       pg_catalog.pg_get_function_identity_arguments(p.oid) AS arguments,
       CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' WHEN 'p' THEN 'procedure'
            ELSE 'function' END AS kind,
       coalesce(pg_catalog.pg_get_function_result(p.oid), '') AS returns,
       l.lanname AS language,
       pg_catalog.md5(pg_catalog.convert_to(ROW(p.prosrc, p.probin, b.sql, pg_catalog.pg_get_function_arguments(p.oid),
                          p.proisstrict, p.proleakproof, p.proparallel, p.procost, p.prorows,
                          a.aggtransfn, a.aggfinalfn, pg_catalog.format_type(a.aggtranstype, NULL), a.agginitval,
                          a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn)::text,
                          CASE pg_catalog.getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END)) AS body,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       p.prosecdef AS security_definer,
       coalesce(p.proconfig, '{}') AS settings,
       pg_catalog.pg_get_userbyid(p.proowner) AS owner,
       pg_catalog.obj_description(p.oid, 'pg_proc') AS comment
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
CROSS JOIN LATERAL (
    SELECT
        pg_catalog.pg_get_function_sqlbody(p.oid) AS sql -- since 14, before: NULL::text
) b
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
