-- Row counts of the bundle muva, to be run by hand when all of its files have run:
--
--     psql -X -v ON_ERROR_STOP=1 -f validate/row-counts.sql "$TARGET"
--
-- Expected: 38 tables with 6,943 rows, as in the files.
-- A partitioned table is counted with its partitions; ONLY leaves out tables that inherit from one.
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;

WITH counted (place, group_name, table_name, expected, actual) AS (
    VALUES
        (1,  'foundation',   'public.code_embeddings',                   4333, (SELECT count(*) FROM ONLY public.code_embeddings)),
        (2,  'foundation',   'public.exchange_rates',                    24,   (SELECT count(*) FROM ONLY public.exchange_rates)),
        (3,  'foundation',   'public.muva_content',                      742,  (SELECT count(*) FROM ONLY public.muva_content)),
        (4,  'foundation',   'public.sire_cities',                       42,   (SELECT count(*) FROM ONLY public.sire_cities)),
        (5,  'foundation',   'public.sire_content',                      8,    (SELECT count(*) FROM ONLY public.sire_content)),
        (6,  'foundation',   'public.sire_countries',                    45,   (SELECT count(*) FROM ONLY public.sire_countries)),
        (7,  'foundation',   'public.sire_document_types',               4,    (SELECT count(*) FROM ONLY public.sire_document_types)),
        (8,  'foundation',   'public.sire_export_logs',                  0,    (SELECT count(*) FROM ONLY public.sire_export_logs)),
        (9,  'foundation',   'public.tenant_registry',                   3,    (SELECT count(*) FROM ONLY public.tenant_registry)),
        (10, 'catalog',      'public.hotels',                            3,    (SELECT count(*) FROM ONLY public.hotels)),
        (11, 'catalog',      'public.accommodation_units',               2,    (SELECT count(*) FROM ONLY public.accommodation_units)),
        (12, 'catalog',      'public.accommodation_units_manual',        8,    (SELECT count(*) FROM ONLY public.accommodation_units_manual)),
        (13, 'catalog',      'public.accommodation_units_public',        151,  (SELECT count(*) FROM ONLY public.accommodation_units_public)),
        (14, 'catalog',      'public.accommodation_units_manual_chunks', 219,  (SELECT count(*) FROM ONLY public.accommodation_units_manual_chunks)),
        (15, 'operations',   'public.staff_users',                       6,    (SELECT count(*) FROM ONLY public.staff_users)),
        (16, 'operations',   'public.whatsapp_message_templates',        18,   (SELECT count(*) FROM ONLY public.whatsapp_message_templates)),
        (17, 'operations',   'public.hotel_operations',                  10,   (SELECT count(*) FROM ONLY public.hotel_operations)),
        (18, 'operations',   'public.staff_conversations',               43,   (SELECT count(*) FROM ONLY public.staff_conversations)),
        (19, 'operations',   'public.user_tenant_permissions',           11,   (SELECT count(*) FROM ONLY public.user_tenant_permissions)),
        (20, 'operations',   'public.staff_messages',                    58,   (SELECT count(*) FROM ONLY public.staff_messages)),
        (21, 'reservations', 'public.airbnb_mphb_imported_reservations', 0,    (SELECT count(*) FROM ONLY public.airbnb_mphb_imported_reservations)),
        (22, 'reservations', 'public.calendar_events',                   74,   (SELECT count(*) FROM ONLY public.calendar_events)),
        (23, 'reservations', 'public.guest_reservations',                104,  (SELECT count(*) FROM ONLY public.guest_reservations)),
        (24, 'reservations', 'public.ics_feed_configurations',           9,    (SELECT count(*) FROM ONLY public.ics_feed_configurations)),
        (25, 'reservations', 'public.airbnb_motopress_comparison',       0,    (SELECT count(*) FROM ONLY public.airbnb_motopress_comparison)),
        (26, 'reservations', 'public.calendar_event_conflicts',          0,    (SELECT count(*) FROM ONLY public.calendar_event_conflicts)),
        (27, 'reservations', 'public.chat_conversations',                2,    (SELECT count(*) FROM ONLY public.chat_conversations)),
        (28, 'reservations', 'public.compliance_submissions',            0,    (SELECT count(*) FROM ONLY public.compliance_submissions)),
        (29, 'reservations', 'public.guest_conversations',               112,  (SELECT count(*) FROM ONLY public.guest_conversations)),
        (30, 'reservations', 'public.guest_feedback',                    15,   (SELECT count(*) FROM ONLY public.guest_feedback)),
        (31, 'reservations', 'public.prospective_sessions',              412,  (SELECT count(*) FROM ONLY public.prospective_sessions)),
        (32, 'reservations', 'public.reservation_accommodations',        93,   (SELECT count(*) FROM ONLY public.reservation_accommodations)),
        (33, 'reservations', 'public.chat_messages',                     321,  (SELECT count(*) FROM ONLY public.chat_messages)),
        (34, 'reservations', 'public.conversation_attachments',          8,    (SELECT count(*) FROM ONLY public.conversation_attachments)),
        (35, 'reservations', 'public.conversation_memory',               21,   (SELECT count(*) FROM ONLY public.conversation_memory)),
        (36, 'integrations', 'public.integration_configs',               3,    (SELECT count(*) FROM ONLY public.integration_configs)),
        (37, 'integrations', 'public.job_logs',                          39,   (SELECT count(*) FROM ONLY public.job_logs)),
        (38, 'integrations', 'public.policies',                          0,    (SELECT count(*) FROM ONLY public.policies))
)
SELECT group_name AS "group", table_name AS "table", expected, actual,
       CASE WHEN actual = expected THEN 'ok' ELSE 'DIFFERS' END AS status
FROM (
    SELECT place, group_name, table_name, expected::numeric, actual::numeric FROM counted
    UNION ALL
    SELECT 1 + max(place), 'in all', count(*) || ' tables', sum(expected), sum(actual) FROM counted
) AS every_line
ORDER BY place;

COMMIT;
