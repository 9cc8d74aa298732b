-- What the migration promises, each promise a row: kind, name, wanted, found, and ok or DIFFERS.

SELECT 'column' AS kind, wanted.name, wanted.type AS wanted, coalesce(found.type, 'missing') AS found,
    CASE WHEN found.type = wanted.type THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('session_id', 'uuid not null'),
    ('tenant_id', 'uuid not null'),
    ('cookie_id', 'text not null'),
    ('status', 'text not null'),
    ('conversation_history', 'jsonb not null'),
    ('travel_intent', 'jsonb not null'),
    ('utm_tracking', 'jsonb'),
    ('converted_to_reservation_id', 'uuid'),
    ('created_at', 'timestamp with time zone not null'),
    ('last_activity_at', 'timestamp with time zone not null'),
    ('expires_at', 'timestamp with time zone not null')
) AS wanted (name, type)
LEFT JOIN (
    SELECT attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END AS type
    FROM pg_catalog.pg_attribute
    WHERE attrelid = to_regclass('public.prospective_sessions') AND attnum > 0 AND NOT attisdropped
) AS found ON found.attname = wanted.name
ORDER BY wanted.name;

SELECT 'index' AS kind, wanted.name, 'valid, ' || wanted.method AS wanted,
    coalesce(CASE WHEN index.indisvalid THEN 'valid, ' ELSE 'invalid, ' END || method.amname, 'missing') AS found,
    CASE WHEN index.indisvalid AND method.amname = wanted.method
        AND index.indrelid = to_regclass('public.prospective_sessions') THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('idx_prospective_sessions_cookie', 'btree'),
    ('idx_prospective_sessions_tenant', 'btree'),
    ('idx_prospective_sessions_expires', 'btree'),
    ('idx_prospective_sessions_intent_gin', 'gin')
) AS wanted (name, method)
LEFT JOIN pg_catalog.pg_class AS class ON class.oid = to_regclass('public.' || wanted.name)
LEFT JOIN pg_catalog.pg_index AS index ON index.indexrelid = class.oid
LEFT JOIN pg_catalog.pg_am AS method ON method.oid = class.relam
ORDER BY wanted.name;

-- Constraints by kind. Since PostgreSQL 18 the list holds NOT NULL, too, which the columns above have told already.
SELECT 'constraints' AS kind, wanted.name, wanted.number::text AS wanted, count(found.oid)::text AS found,
    CASE WHEN count(found.oid) = wanted.number THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES ('check', 'c', 5), ('foreign key', 'f', 2), ('primary key', 'p', 1)) AS wanted (name, contype, number)
LEFT JOIN pg_catalog.pg_constraint AS found
    ON found.conrelid = to_regclass('public.prospective_sessions')
    AND found.contype::text = wanted.contype AND found.convalidated
GROUP BY wanted.name, wanted.number
ORDER BY wanted.name;

SELECT 'trigger' AS kind, wanted.name, 'enabled' AS wanted,
    CASE WHEN found.tgenabled IN ('O', 'A') THEN 'enabled' WHEN found.tgenabled IS NULL THEN 'missing'
        ELSE 'disabled' END AS found,
    CASE WHEN found.tgenabled IN ('O', 'A') THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES ('prospective_sessions_trim')) AS wanted (name)
LEFT JOIN pg_catalog.pg_trigger AS found
    ON found.tgrelid = to_regclass('public.prospective_sessions') AND found.tgname = wanted.name;

SELECT 'row security' AS kind, 'prospective_sessions' AS name, 'on' AS wanted,
    CASE WHEN bool_or(relrowsecurity) THEN 'on' ELSE 'off' END AS found,
    CASE WHEN bool_or(relrowsecurity) THEN 'ok' ELSE 'DIFFERS' END AS result
FROM pg_catalog.pg_class
WHERE oid = to_regclass('public.prospective_sessions');

SELECT 'policy' AS kind, wanted.name, wanted.command || ' to ' || wanted.role AS wanted,
    coalesce(found.cmd || ' to ' || array_to_string(found.roles, ', '), 'missing') AS found,
    CASE WHEN found.cmd = wanted.command AND found.roles = ARRAY[wanted.role]::name[] THEN 'ok' ELSE 'DIFFERS' END
        AS result
FROM (VALUES
    ('prospective_sessions_visitor', 'ALL', 'anon'),
    ('prospective_sessions_staff', 'ALL', 'authenticated')
) AS wanted (name, command, role)
LEFT JOIN pg_catalog.pg_policies AS found
    ON found.schemaname = 'public' AND found.tablename = 'prospective_sessions' AND found.policyname = wanted.name
ORDER BY wanted.name;

SELECT 'rows' AS kind, 'prospective_sessions' AS name, NULL AS wanted, count(*)::text AS found, 'ok' AS result
FROM public.prospective_sessions;
