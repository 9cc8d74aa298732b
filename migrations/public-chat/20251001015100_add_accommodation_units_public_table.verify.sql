-- What the migration promises, each promise a row: kind, name, wanted, found, and ok or DIFFERS.

-- Types lose the schema public here, as whether it is shown depends on the search path.
SELECT 'column' AS kind, wanted.name, wanted.type AS wanted, coalesce(found.type, 'missing') AS found,
    CASE WHEN found.type = wanted.type THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('unit_id', 'uuid not null'),
    ('tenant_id', 'uuid not null'),
    ('hotel_id', 'uuid not null'),
    ('source_unit_id', 'uuid'),
    ('slug', 'text not null'),
    ('name', 'text not null'),
    ('unit_type', 'unit_kind not null'),
    ('short_description', 'text not null'),
    ('description', 'text not null'),
    ('highlights', 'text[] not null'),
    ('amenities', 'jsonb not null'),
    ('base_price_night', 'numeric(12,2) not null'),
    ('pricing', 'jsonb not null'),
    ('photos', 'jsonb not null'),
    ('virtual_tour_url', 'text'),
    ('metadata', 'jsonb not null'),
    ('embedding_fast', 'vector(1024)'),
    ('embedding_precise', 'vector(3072)'),
    ('is_active', 'boolean not null'),
    ('is_bookable', 'boolean not null'),
    ('created_at', 'timestamp with time zone not null'),
    ('updated_at', 'timestamp with time zone not null')
) AS wanted (name, type)
LEFT JOIN (
    SELECT attname,
        regexp_replace(format_type(atttypid, atttypmod), '^public\.', '')
            || CASE WHEN attnotnull THEN ' not null' ELSE '' END AS type
    FROM pg_catalog.pg_attribute
    WHERE attrelid = to_regclass('public.accommodation_units_public') AND attnum > 0 AND NOT attisdropped
) AS found ON found.attname = wanted.name
ORDER BY wanted.name;

SELECT 'index' AS kind, wanted.name, 'valid, ' || wanted.method AS wanted,
    coalesce(CASE WHEN index.indisvalid THEN 'valid, ' ELSE 'invalid, ' END || method.amname, 'missing') AS found,
    CASE WHEN index.indisvalid AND method.amname = wanted.method
        AND index.indrelid = to_regclass('public.accommodation_units_public') THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('idx_accommodation_public_tenant', 'btree'),
    ('idx_accommodation_public_type', 'btree'),
    ('idx_accommodation_public_embedding_fast_hnsw', 'hnsw')
) AS wanted (name, method)
LEFT JOIN pg_catalog.pg_class AS class ON class.oid = to_regclass('public.' || wanted.name)
LEFT JOIN pg_catalog.pg_index AS index ON index.indexrelid = class.oid
LEFT JOIN pg_catalog.pg_am AS method ON method.oid = class.relam
ORDER BY wanted.name;

-- Constraints by kind. Since PostgreSQL 18 the list holds NOT NULL, too, which the columns above have told already.
SELECT 'constraints' AS kind, wanted.name, wanted.number::text AS wanted, count(found.oid)::text AS found,
    CASE WHEN count(found.oid) = wanted.number THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES ('check', 'c', 5), ('foreign key', 'f', 3), ('primary key', 'p', 1), ('unique', 'u', 2))
    AS wanted (name, contype, number)
LEFT JOIN pg_catalog.pg_constraint AS found
    ON found.conrelid = to_regclass('public.accommodation_units_public')
    AND found.contype::text = wanted.contype AND found.convalidated
GROUP BY wanted.name, wanted.number
ORDER BY wanted.name;

SELECT 'trigger' AS kind, wanted.name, 'enabled' AS wanted,
    CASE WHEN found.tgenabled IN ('O', 'A') THEN 'enabled' WHEN found.tgenabled IS NULL THEN 'missing'
        ELSE 'disabled' END AS found,
    CASE WHEN found.tgenabled IN ('O', 'A') THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES ('trigger_accommodation_units_public_updated_at')) AS wanted (name)
LEFT JOIN pg_catalog.pg_trigger AS found
    ON found.tgrelid = to_regclass('public.accommodation_units_public') AND found.tgname = wanted.name;

SELECT 'row security' AS kind, 'accommodation_units_public' AS name, 'on' AS wanted,
    CASE WHEN bool_or(relrowsecurity) THEN 'on' ELSE 'off' END AS found,
    CASE WHEN bool_or(relrowsecurity) THEN 'ok' ELSE 'DIFFERS' END AS result
FROM pg_catalog.pg_class
WHERE oid = to_regclass('public.accommodation_units_public');

SELECT 'policy' AS kind, wanted.name, wanted.command || ' to ' || array_to_string(wanted.roles, ', ') AS wanted,
    coalesce(found.cmd || ' to ' || array_to_string(found.roles, ', '), 'missing') AS found,
    CASE WHEN found.cmd = wanted.command AND found.roles = wanted.roles::name[] THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('accommodation_units_public_read', 'SELECT', ARRAY['anon', 'authenticated']),
    ('accommodation_units_public_staff', 'ALL', ARRAY['authenticated'])
) AS wanted (name, command, roles)
LEFT JOIN pg_catalog.pg_policies AS found
    ON found.schemaname = 'public' AND found.tablename = 'accommodation_units_public'
    AND found.policyname = wanted.name
ORDER BY wanted.name;

SELECT 'rows' AS kind, 'accommodation_units_public' AS name, NULL AS wanted, count(*)::text AS found, 'ok' AS result
FROM public.accommodation_units_public;
