-- The server, the database and the role: one row. read_at is the snapshot's moment.
SELECT current_database() AS database,
       current_setting('server_version_num')::int AS version,
       current_setting('server_version') AS version_text,
       pg_catalog.pg_encoding_to_char(d.encoding) AS encoding,
       d.datcollate AS collation,
       current_user::text AS role,
       coalesce((SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user), false) AS superuser,
       to_char(transaction_timestamp() AT TIME ZONE 'GMT', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS read_at
FROM pg_catalog.pg_database d
WHERE d.datname = current_database()
