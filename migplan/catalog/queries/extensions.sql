-- Installed extensions.
SELECT x.extname AS name, x.extversion AS version, n.nspname AS schema
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
