-- Of each installed extension, the version that this server would install today.
SELECT x.extname AS extension, a.default_version AS version
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_available_extensions a ON a.name = x.extname
WHERE a.default_version IS NOT NULL
