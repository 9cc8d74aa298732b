-- What tells a managed host from others: roles beside PostgreSQL's own, and settings that are not its own; and
-- what else people may name of what such a host brings.
SELECT 'role' AS kind,
       r.rolname::text AS name
FROM pg_catalog.pg_roles r
WHERE r.rolname NOT LIKE 'pg\_%'
UNION ALL
SELECT 'setting',
       s.name
FROM pg_catalog.pg_settings s
WHERE s.name LIKE '%.%'
UNION ALL
SELECT 'event trigger',
       e.evtname::text
FROM pg_catalog.pg_event_trigger e
UNION ALL
SELECT 'publication',
       p.pubname::text
FROM pg_catalog.pg_publication p
