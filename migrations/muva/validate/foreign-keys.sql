-- Foreign keys of the bundle muva, to be run by hand when all of its files have run:
--
--     psql -X -v ON_ERROR_STOP=1 -f validate/foreign-keys.sql "$TARGET"
--
-- Expected: 46 foreign keys, 46 of them validated, and no orphans:
-- rows that refer to nothing. Only keys that are not validated in the source, too, may have orphans.
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL search_path = pg_catalog, public;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;

-- Is every key there? MISSING: it is not. DIFFERS: it refers to another table. NOT VALIDATED: nobody has
-- looked yet whether its rows keep to it, which in the source was done.
WITH expected (place, table_name, key_name, refers_to, validated) AS (
    VALUES
        (1,  'public.accommodation_units',               'accommodation_units_hotel_fkey',                'public.hotels',                     true),
        (2,  'public.accommodation_units_manual',        'accommodation_units_manual_hotel_fkey',         'public.hotels',                     true),
        (3,  'public.accommodation_units_manual',        'fk_tenant',                                     'public.tenant_registry',            true),
        (4,  'public.accommodation_units_manual_chunks', 'accommodation_units_manual_chunks_manual_fkey', 'public.accommodation_units_manual', true),
        (5,  'public.accommodation_units_public',        'accommodation_units_public_hotel_fkey',         'public.hotels',                     true),
        (6,  'public.accommodation_units_public',        'fk_tenant',                                     'public.tenant_registry',            true),
        (7,  'public.airbnb_motopress_comparison',       'airbnb_motopress_comparison_ics_fkey',          'public.ics_feed_configurations',    true),
        (8,  'public.airbnb_mphb_imported_reservations', 'airbnb_mphb_imported_reservations_unit_fkey',   'public.accommodation_units',        true),
        (9,  'public.calendar_event_conflicts',          'calendar_event_conflicts_losing_fkey',          'public.calendar_events',            true),
        (10, 'public.calendar_event_conflicts',          'calendar_event_conflicts_winning_fkey',         'public.calendar_events',            true),
        (11, 'public.calendar_events',                   'calendar_events_merged_into_fkey',              'public.calendar_events',            true),
        (12, 'public.calendar_events',                   'calendar_events_parent_fkey',                   'public.calendar_events',            true),
        (13, 'public.calendar_events',                   'calendar_events_unit_fkey',                     'public.accommodation_units',        true),
        (14, 'public.calendar_events',                   'fk_tenant',                                     'public.tenant_registry',            true),
        (15, 'public.chat_conversations',                'chat_conversations_reservation_fkey',           'public.guest_reservations',         true),
        (16, 'public.chat_conversations',                'fk_tenant',                                     'public.tenant_registry',            true),
        (17, 'public.chat_messages',                     'chat_messages_conversation_fkey',               'public.guest_conversations',        true),
        (18, 'public.compliance_submissions',            'compliance_submissions_reservation_fkey',       'public.guest_reservations',         true),
        (19, 'public.conversation_attachments',          'conversation_attachments_conversation_fkey',    'public.guest_conversations',        true),
        (20, 'public.conversation_memory',               'conversation_memory_session_fkey',              'public.prospective_sessions',       true),
        (21, 'public.guest_conversations',               'fk_tenant',                                     'public.tenant_registry',            true),
        (22, 'public.guest_conversations',               'guest_conversations_reservation_fkey',          'public.guest_reservations',         true),
        (23, 'public.guest_feedback',                    'guest_feedback_reservation_fkey',               'public.guest_reservations',         true),
        (24, 'public.guest_reservations',                'fk_tenant',                                     'public.tenant_registry',            true),
        (25, 'public.guest_reservations',                'guest_reservations_unit_fkey',                  'public.accommodation_units',        true),
        (26, 'public.hotel_operations',                  'fk_tenant',                                     'public.tenant_registry',            true),
        (27, 'public.hotel_operations',                  'hotel_operations_created_by_fkey',              'public.staff_users',                true),
        (28, 'public.hotel_operations',                  'hotel_operations_hotel_id_fkey',                'public.hotels',                     true),
        (29, 'public.hotels',                            'fk_tenant',                                     'public.tenant_registry',            true),
        (30, 'public.ics_feed_configurations',           'fk_tenant',                                     'public.tenant_registry',            true),
        (31, 'public.ics_feed_configurations',           'ics_feed_configurations_unit_fkey',             'public.accommodation_units',        true),
        (32, 'public.integration_configs',               'fk_tenant',                                     'public.tenant_registry',            true),
        (33, 'public.job_logs',                          'fk_tenant',                                     'public.tenant_registry',            true),
        (34, 'public.policies',                          'fk_tenant',                                     'public.tenant_registry',            true),
        (35, 'public.prospective_sessions',              'fk_tenant',                                     'public.tenant_registry',            true),
        (36, 'public.prospective_sessions',              'prospective_sessions_reservation_fkey',         'public.guest_reservations',         true),
        (37, 'public.reservation_accommodations',        'reservation_accommodations_reservation_fkey',   'public.guest_reservations',         true),
        (38, 'public.reservation_accommodations',        'reservation_accommodations_unit_fkey',          'public.accommodation_units',        true),
        (39, 'public.staff_conversations',               'fk_tenant',                                     'public.tenant_registry',            true),
        (40, 'public.staff_conversations',               'staff_conversations_staff_id_fkey',             'public.staff_users',                true),
        (41, 'public.staff_messages',                    'staff_messages_conversation_id_fkey',           'public.staff_conversations',        true),
        (42, 'public.staff_users',                       'fk_tenant',                                     'public.tenant_registry',            true),
        (43, 'public.staff_users',                       'staff_users_created_by_fkey',                   'public.staff_users',                true),
        (44, 'public.user_tenant_permissions',           'fk_tenant',                                     'public.tenant_registry',            true),
        (45, 'public.user_tenant_permissions',           'user_tenant_permissions_granted_by_fkey',       'public.staff_users',                true),
        (46, 'public.whatsapp_message_templates',        'fk_tenant',                                     'public.tenant_registry',            true)
), found AS (
    SELECT e.*,
           CASE WHEN c.oid IS NULL THEN 'MISSING'
                WHEN c.confrelid IS DISTINCT FROM pg_catalog.to_regclass(e.refers_to) THEN 'DIFFERS'
                WHEN e.validated AND NOT c.convalidated THEN 'NOT VALIDATED'
                ELSE 'ok'
           END AS status
    FROM expected e
    LEFT JOIN pg_catalog.pg_constraint c
           ON c.contype = 'f'
          AND c.conname = e.key_name
          AND c.conrelid = pg_catalog.to_regclass(e.table_name)
)
SELECT table_name AS "table", key_name AS "foreign key", refers_to AS "refers to", status
FROM (
    SELECT place, table_name, key_name, refers_to, status FROM found
    UNION ALL
    SELECT 1 + max(place), 'in all', count(*) || ' expected',
           count(*) FILTER (WHERE status = 'ok') || ' as expected',
           CASE WHEN bool_and(status = 'ok') THEN 'ok' ELSE 'DIFFERS' END
    FROM found
) AS every_line
ORDER BY place;

-- Orphans: rows that refer to nothing.
WITH orphans (place, table_name, key_name, validated, number) AS (
    VALUES
        (1,  'public.accommodation_units',               'accommodation_units_hotel_fkey',                true,
         (SELECT count(*) FROM ONLY public.accommodation_units o
          WHERE (o.tenant_id IS NOT NULL AND o.hotel_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.hotels r WHERE r.tenant_id = o.tenant_id AND r.id = o.hotel_id))),
        (2,  'public.accommodation_units_manual',        'accommodation_units_manual_hotel_fkey',         true,
         (SELECT count(*) FROM ONLY public.accommodation_units_manual o
          WHERE (o.hotel_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.hotels r WHERE r.id = o.hotel_id))),
        (3,  'public.accommodation_units_manual',        'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.accommodation_units_manual o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (4,  'public.accommodation_units_manual_chunks', 'accommodation_units_manual_chunks_manual_fkey', true,
         (SELECT count(*) FROM ONLY public.accommodation_units_manual_chunks o
          WHERE (o.manual_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.accommodation_units_manual r WHERE r.id = o.manual_id))),
        (5,  'public.accommodation_units_public',        'accommodation_units_public_hotel_fkey',         true,
         (SELECT count(*) FROM ONLY public.accommodation_units_public o
          WHERE (o.hotel_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.hotels r WHERE r.id = o.hotel_id))),
        (6,  'public.accommodation_units_public',        'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.accommodation_units_public o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (7,  'public.airbnb_motopress_comparison',       'airbnb_motopress_comparison_ics_fkey',          true,
         (SELECT count(*) FROM ONLY public.airbnb_motopress_comparison o
          WHERE (o.ics_feed_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.ics_feed_configurations r WHERE r.id = o.ics_feed_id))),
        (8,  'public.airbnb_mphb_imported_reservations', 'airbnb_mphb_imported_reservations_unit_fkey',   true,
         (SELECT count(*) FROM ONLY public.airbnb_mphb_imported_reservations o
          WHERE (o.accommodation_unit_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.accommodation_units r WHERE r.id = o.accommodation_unit_id))),
        (9,  'public.calendar_event_conflicts',          'calendar_event_conflicts_losing_fkey',          true,
         (SELECT count(*) FROM ONLY public.calendar_event_conflicts o
          WHERE (o.losing_event_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.calendar_events r WHERE r.id = o.losing_event_id))),
        (10, 'public.calendar_event_conflicts',          'calendar_event_conflicts_winning_fkey',         true,
         (SELECT count(*) FROM ONLY public.calendar_event_conflicts o
          WHERE (o.winning_event_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.calendar_events r WHERE r.id = o.winning_event_id))),
        (11, 'public.calendar_events',                   'calendar_events_merged_into_fkey',              true,
         (SELECT count(*) FROM ONLY public.calendar_events o
          WHERE (o.merged_into_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.calendar_events r WHERE r.id = o.merged_into_id))),
        (12, 'public.calendar_events',                   'calendar_events_parent_fkey',                   true,
         (SELECT count(*) FROM ONLY public.calendar_events o
          WHERE (o.parent_event_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.calendar_events r WHERE r.id = o.parent_event_id))),
        (13, 'public.calendar_events',                   'calendar_events_unit_fkey',                     true,
         (SELECT count(*) FROM ONLY public.calendar_events o
          WHERE (o.accommodation_unit_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.accommodation_units r WHERE r.id = o.accommodation_unit_id))),
        (14, 'public.calendar_events',                   'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.calendar_events o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (15, 'public.chat_conversations',                'chat_conversations_reservation_fkey',           true,
         (SELECT count(*) FROM ONLY public.chat_conversations o
          WHERE (o.reservation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_reservations r WHERE r.id = o.reservation_id))),
        (16, 'public.chat_conversations',                'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.chat_conversations o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (17, 'public.chat_messages',                     'chat_messages_conversation_fkey',               true,
         (SELECT count(*) FROM ONLY public.chat_messages o
          WHERE (o.conversation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_conversations r WHERE r.id = o.conversation_id))),
        (18, 'public.compliance_submissions',            'compliance_submissions_reservation_fkey',       true,
         (SELECT count(*) FROM ONLY public.compliance_submissions o
          WHERE (o.reservation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_reservations r WHERE r.id = o.reservation_id))),
        (19, 'public.conversation_attachments',          'conversation_attachments_conversation_fkey',    true,
         (SELECT count(*) FROM ONLY public.conversation_attachments o
          WHERE (o.conversation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_conversations r WHERE r.id = o.conversation_id))),
        (20, 'public.conversation_memory',               'conversation_memory_session_fkey',              true,
         (SELECT count(*) FROM ONLY public.conversation_memory o
          WHERE (o.session_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.prospective_sessions r WHERE r.session_id = o.session_id))),
        (21, 'public.guest_conversations',               'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.guest_conversations o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (22, 'public.guest_conversations',               'guest_conversations_reservation_fkey',          true,
         (SELECT count(*) FROM ONLY public.guest_conversations o
          WHERE (o.reservation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_reservations r WHERE r.id = o.reservation_id))),
        (23, 'public.guest_feedback',                    'guest_feedback_reservation_fkey',               true,
         (SELECT count(*) FROM ONLY public.guest_feedback o
          WHERE (o.reservation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_reservations r WHERE r.id = o.reservation_id))),
        (24, 'public.guest_reservations',                'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.guest_reservations o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (25, 'public.guest_reservations',                'guest_reservations_unit_fkey',                  true,
         (SELECT count(*) FROM ONLY public.guest_reservations o
          WHERE (o.accommodation_unit_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.accommodation_units r WHERE r.id = o.accommodation_unit_id))),
        (26, 'public.hotel_operations',                  'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.hotel_operations o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (27, 'public.hotel_operations',                  'hotel_operations_created_by_fkey',              true,
         (SELECT count(*) FROM ONLY public.hotel_operations o
          WHERE (o.created_by IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.staff_users r WHERE r.staff_id = o.created_by))),
        (28, 'public.hotel_operations',                  'hotel_operations_hotel_id_fkey',                true,
         (SELECT count(*) FROM ONLY public.hotel_operations o
          WHERE (o.hotel_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.hotels r WHERE r.id = o.hotel_id))),
        (29, 'public.hotels',                            'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.hotels o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (30, 'public.ics_feed_configurations',           'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.ics_feed_configurations o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (31, 'public.ics_feed_configurations',           'ics_feed_configurations_unit_fkey',             true,
         (SELECT count(*) FROM ONLY public.ics_feed_configurations o
          WHERE (o.accommodation_unit_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.accommodation_units r WHERE r.id = o.accommodation_unit_id))),
        (32, 'public.integration_configs',               'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.integration_configs o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (33, 'public.job_logs',                          'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.job_logs o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (34, 'public.policies',                          'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.policies o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (35, 'public.prospective_sessions',              'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.prospective_sessions o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (36, 'public.prospective_sessions',              'prospective_sessions_reservation_fkey',         true,
         (SELECT count(*) FROM ONLY public.prospective_sessions o
          WHERE (o.converted_to_reservation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_reservations r WHERE r.id = o.converted_to_reservation_id))),
        (37, 'public.reservation_accommodations',        'reservation_accommodations_reservation_fkey',   true,
         (SELECT count(*) FROM ONLY public.reservation_accommodations o
          WHERE (o.reservation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.guest_reservations r WHERE r.id = o.reservation_id))),
        (38, 'public.reservation_accommodations',        'reservation_accommodations_unit_fkey',          true,
         (SELECT count(*) FROM ONLY public.reservation_accommodations o
          WHERE (o.accommodation_unit_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.accommodation_units r WHERE r.id = o.accommodation_unit_id))),
        (39, 'public.staff_conversations',               'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.staff_conversations o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (40, 'public.staff_conversations',               'staff_conversations_staff_id_fkey',             true,
         (SELECT count(*) FROM ONLY public.staff_conversations o
          WHERE (o.staff_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.staff_users r WHERE r.staff_id = o.staff_id))),
        (41, 'public.staff_messages',                    'staff_messages_conversation_id_fkey',           true,
         (SELECT count(*) FROM ONLY public.staff_messages o
          WHERE (o.conversation_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.staff_conversations r WHERE r.id = o.conversation_id))),
        (42, 'public.staff_users',                       'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.staff_users o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (43, 'public.staff_users',                       'staff_users_created_by_fkey',                   true,
         (SELECT count(*) FROM ONLY public.staff_users o
          WHERE (o.created_by IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.staff_users r WHERE r.staff_id = o.created_by))),
        (44, 'public.user_tenant_permissions',           'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.user_tenant_permissions o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id))),
        (45, 'public.user_tenant_permissions',           'user_tenant_permissions_granted_by_fkey',       true,
         (SELECT count(*) FROM ONLY public.user_tenant_permissions o
          WHERE (o.granted_by IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.staff_users r WHERE r.staff_id = o.granted_by))),
        (46, 'public.whatsapp_message_templates',        'fk_tenant',                                     true,
         (SELECT count(*) FROM ONLY public.whatsapp_message_templates o
          WHERE (o.tenant_id IS NOT NULL)
            AND NOT EXISTS (SELECT FROM ONLY public.tenant_registry r WHERE r.tenant_id = o.tenant_id)))
)
SELECT table_name AS "table", key_name AS "foreign key", number AS orphans,
       CASE WHEN number = 0 THEN 'ok'
            WHEN validated THEN 'ORPHANS'
            ELSE 'ORPHANS, and not validated in the source'
       END AS status
FROM (
    SELECT place, table_name, key_name, validated, number::numeric FROM orphans
    UNION ALL
    SELECT 1 + max(place), 'in all', count(*) || ' keys', bool_or(validated AND number > 0), sum(number)
    FROM orphans
) AS every_line
ORDER BY place;

COMMIT;
