-- What tells a managed host from others: roles beside PostgreSQL's own, and settings that are not its own.
SELECT 'role' AS kind,
       r.rolname::text AS name
FROM pg_catalog.pg_roles r
WHERE r.rolname NOT LIKE 'pg\_%'
UNION ALL
SELECT 'setting',
       s.name
FROM pg_catalog.pg_settings s
WHERE s.name LIKE '%.%'
