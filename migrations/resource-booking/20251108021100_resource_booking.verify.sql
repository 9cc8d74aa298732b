-- What the migration promises, each promise a row that ends in ok or DIFFERS; then how many there are of each kind.

SELECT 'table' AS kind, wanted.name, wanted.columns AS wanted_columns, count(found.attname) AS found_columns,
    CASE WHEN count(found.attname) = wanted.columns THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('resource', 9), ('resource_capacity', 7), ('resource_blackout', 7), ('resource_hold', 10),
    ('resource_allocation', 7)
) AS wanted (name, columns)
LEFT JOIN pg_catalog.pg_attribute AS found
    ON found.attrelid = to_regclass('public.' || wanted.name) AND found.attnum > 0 AND NOT found.attisdropped
GROUP BY wanted.name, wanted.columns
ORDER BY wanted.name;

SELECT 'index' AS kind, wanted.name, wanted.relation AS wanted_on,
    coalesce(relation.relname || CASE WHEN found.indisvalid THEN '' ELSE ', invalid' END, 'missing') AS found_on,
    CASE WHEN relation.relname = wanted.relation AND found.indisvalid THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('idx_resource_type', 'resource'),
    ('idx_resource_active', 'resource'),
    ('idx_capacity_date', 'resource_capacity'),
    ('idx_capacity_resource_date', 'resource_capacity'),
    ('idx_blackout_resource_dates', 'resource_blackout'),
    ('idx_hold_idempotency', 'resource_hold'),
    ('idx_hold_resource_date_status', 'resource_hold'),
    ('idx_hold_expires', 'resource_hold'),
    ('idx_hold_customer', 'resource_hold'),
    ('idx_allocation_resource_date', 'resource_allocation'),
    ('idx_allocation_order', 'resource_allocation'),
    ('idx_allocation_line_item', 'resource_allocation')
) AS wanted (name, relation)
LEFT JOIN pg_catalog.pg_index AS found ON found.indexrelid = to_regclass('public.' || wanted.name)
LEFT JOIN pg_catalog.pg_class AS relation ON relation.oid = found.indrelid
ORDER BY wanted.relation, wanted.name;

SELECT 'trigger' AS kind, wanted.relation || '_updated_at' AS name, 'enabled' AS wanted,
    CASE WHEN found.tgenabled IN ('O', 'A') THEN 'enabled' WHEN found.tgenabled IS NULL THEN 'missing'
        ELSE 'disabled' END AS found,
    CASE WHEN found.tgenabled IN ('O', 'A') THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES ('resource'), ('resource_capacity'), ('resource_blackout'), ('resource_hold')) AS wanted (relation)
LEFT JOIN pg_catalog.pg_trigger AS found
    ON found.tgrelid = to_regclass('public.' || wanted.relation)
    AND found.tgname = wanted.relation || '_updated_at'
    AND found.tgfoid = to_regprocedure('public.update_updated_at_column()')
ORDER BY wanted.relation;

SELECT 'function' AS kind, 'update_updated_at_column' AS name, 'there' AS wanted,
    CASE WHEN to_regprocedure('public.update_updated_at_column()') IS NULL THEN 'missing' ELSE 'there' END AS found,
    CASE WHEN to_regprocedure('public.update_updated_at_column()') IS NULL THEN 'DIFFERS' ELSE 'ok' END AS result;

-- By name, so that a lost constraint is told from another that came instead.
SELECT 'constraint' AS kind, wanted.name, wanted.relation AS wanted_on,
    coalesce(relation.relname || CASE WHEN found.convalidated THEN '' ELSE ', not valid' END, 'missing') AS found_on,
    CASE WHEN found.convalidated AND found.contype::text = wanted.contype THEN 'ok' ELSE 'DIFFERS' END AS result
FROM (VALUES
    ('resource_type_check', 'resource', 'c'),
    ('resource_capacity_max_check', 'resource_capacity', 'c'),
    ('resource_capacity_available_check', 'resource_capacity', 'c'),
    ('resource_blackout_dates_check', 'resource_blackout', 'c'),
    ('resource_hold_quantity_check', 'resource_hold', 'c'),
    ('resource_hold_status_check', 'resource_hold', 'c'),
    ('resource_allocation_quantity_check', 'resource_allocation', 'c'),
    ('resource_capacity_resource_fkey', 'resource_capacity', 'f'),
    ('resource_blackout_resource_fkey', 'resource_blackout', 'f'),
    ('resource_hold_resource_fkey', 'resource_hold', 'f'),
    ('resource_allocation_resource_fkey', 'resource_allocation', 'f'),
    ('uq_resource_date', 'resource_capacity', 'u'),
    ('idx_hold_idempotency', 'resource_hold', 'u'),
    ('resource_pkey', 'resource', 'p'),
    ('resource_capacity_pkey', 'resource_capacity', 'p'),
    ('resource_blackout_pkey', 'resource_blackout', 'p'),
    ('resource_hold_pkey', 'resource_hold', 'p'),
    ('resource_allocation_pkey', 'resource_allocation', 'p')
) AS wanted (name, relation, contype)
LEFT JOIN pg_catalog.pg_constraint AS found
    ON found.conrelid = to_regclass('public.' || wanted.relation) AND found.conname = wanted.name
LEFT JOIN pg_catalog.pg_class AS relation ON relation.oid = found.conrelid
ORDER BY wanted.contype, wanted.name;

-- The totals. NOT NULL is a constraint of its own since PostgreSQL 18 (contype n) and none before: it is left out of
-- the constraints and counted by columns, so that every version says the same.
WITH booking AS (
    SELECT class.oid
    FROM pg_catalog.pg_class AS class
    WHERE class.oid IN (
        to_regclass('public.resource'), to_regclass('public.resource_capacity'),
        to_regclass('public.resource_blackout'), to_regclass('public.resource_hold'),
        to_regclass('public.resource_allocation')
    )
),
constraints AS (
    SELECT contype::text AS contype
    FROM pg_catalog.pg_constraint
    WHERE conrelid IN (SELECT oid FROM booking) AND contype IN ('c', 'f', 'u', 'p')
),
columns AS (
    SELECT attnotnull
    FROM pg_catalog.pg_attribute
    WHERE attrelid IN (SELECT oid FROM booking) AND attnum > 0 AND NOT attisdropped
),
totals (place, name, wanted, found) AS (
    SELECT 1, 'tables', 5, count(*) FROM booking
    UNION ALL SELECT 2, 'columns', 40, count(*) FROM columns
    UNION ALL SELECT 3, 'columns not null', 36, count(*) FROM columns WHERE attnotnull
    UNION ALL SELECT 4, 'indexes', 12, (
        SELECT count(*)
        FROM pg_catalog.pg_index AS index
        JOIN pg_catalog.pg_class AS class ON class.oid = index.indexrelid
        WHERE index.indrelid IN (SELECT oid FROM booking) AND class.relname LIKE 'idx\_%'
    )
    UNION ALL SELECT 5, 'triggers', 4, (
        SELECT count(*)
        FROM pg_catalog.pg_trigger
        WHERE tgrelid IN (SELECT oid FROM booking) AND NOT tgisinternal
    )
    UNION ALL SELECT 6, 'check constraints', 7, count(*) FROM constraints WHERE contype = 'c'
    UNION ALL SELECT 7, 'foreign keys', 4, count(*) FROM constraints WHERE contype = 'f'
    UNION ALL SELECT 8, 'unique constraints', 2, count(*) FROM constraints WHERE contype = 'u'
    UNION ALL SELECT 9, 'primary keys', 5, count(*) FROM constraints WHERE contype = 'p'
    UNION ALL SELECT 10, 'constraints', 18, count(*) FROM constraints
)
SELECT 'total' AS kind, name, wanted, found, CASE WHEN found = wanted THEN 'ok' ELSE 'DIFFERS' END AS result
FROM totals
ORDER BY place;

SELECT 'rows' AS kind, name, NULL AS wanted, number AS found, 'ok' AS result
FROM (
    SELECT 'resource' AS name, count(*) AS number FROM public.resource
    UNION ALL SELECT 'resource_capacity', count(*) FROM public.resource_capacity
    UNION ALL SELECT 'resource_blackout', count(*) FROM public.resource_blackout
    UNION ALL SELECT 'resource_hold', count(*) FROM public.resource_hold
    UNION ALL SELECT 'resource_allocation', count(*) FROM public.resource_allocation
) AS counted
ORDER BY name;
