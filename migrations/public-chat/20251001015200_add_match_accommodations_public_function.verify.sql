-- What the migration promises, each promise a row: kind, name, wanted, found, and ok or DIFFERS.

SELECT 'function' AS kind, wanted.name, wanted.is_to_be AS wanted,
    coalesce(language.lanname || CASE WHEN found.prosecdef THEN ', security definer' ELSE ', invoker' END, 'missing')
        AS found,
    CASE WHEN language.lanname || CASE WHEN found.prosecdef THEN ', security definer' ELSE ', invoker' END = wanted.is_to_be
        THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES (
    'match_accommodations_public', 'plpgsql, security definer',
    to_regprocedure('public.match_accommodations_public(public.vector, uuid, double precision, integer)')
)) AS wanted (name, is_to_be, oid)
LEFT JOIN pg_catalog.pg_proc AS found ON found.oid = wanted.oid
LEFT JOIN pg_catalog.pg_language AS language ON language.oid = found.prolang;

SELECT 'privilege' AS kind, wanted.role AS name, wanted.may AS wanted, found.may AS found,
    CASE WHEN found.may = wanted.may THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES ('anon', 'execute'), ('authenticated', 'execute'), ('public', 'nothing')) AS wanted (role, may)
CROSS JOIN LATERAL (
    SELECT CASE WHEN has_function_privilege(
        wanted.role, to_regprocedure(
            'public.match_accommodations_public(public.vector, uuid, double precision, integer)'
        ), 'EXECUTE'
    ) THEN 'execute' ELSE 'nothing' END AS may
) AS found
ORDER BY wanted.role;

-- A search by what is there: every unit is nearest to itself. Without units, there is nothing to find.
SELECT 'search' AS kind, 'a unit finds itself' AS name, 'yes' AS wanted,
    CASE WHEN best.similarity > 0.999 THEN 'yes' WHEN unit.unit_id IS NULL THEN 'no unit yet' ELSE 'no' END AS found,
    CASE WHEN best.similarity > 0.999 OR unit.unit_id IS NULL THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (SELECT) AS always
LEFT JOIN (
    SELECT unit_id, tenant_id, embedding_fast
    FROM public.accommodation_units_public
    WHERE is_active AND is_bookable AND embedding_fast IS NOT NULL
    ORDER BY unit_id
    LIMIT 1
) AS unit ON true
LEFT JOIN LATERAL public.match_accommodations_public(unit.embedding_fast, unit.tenant_id, 0.3, 1) AS best ON true;
