-- Rolls back 10-data-foundation.sql, group foundation of the bundle muva.
--
-- Empties 9 tables. Lost: the 5,201 rows that the file brought, and any that came since.
-- Must have run before, in this order: rollback/15-data-integrations.sql, rollback/13-data-reservations.sql, rollback/12-data-operations.sql, rollback/11-data-catalog.sql
-- Where something outside of the bundle needs what is to go, it stops with an error.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);

-- Tables of later files that refer to these must be named as well, and must be empty.
DO $undo$
BEGIN
    LOCK TABLE
        ONLY public.policies,
        ONLY public.job_logs,
        ONLY public.integration_configs,
        ONLY public.conversation_memory,
        ONLY public.conversation_attachments,
        ONLY public.chat_messages,
        ONLY public.reservation_accommodations,
        ONLY public.prospective_sessions,
        ONLY public.guest_feedback,
        ONLY public.guest_conversations,
        ONLY public.compliance_submissions,
        ONLY public.chat_conversations,
        ONLY public.calendar_event_conflicts,
        ONLY public.airbnb_motopress_comparison,
        ONLY public.ics_feed_configurations,
        ONLY public.guest_reservations,
        ONLY public.calendar_events,
        ONLY public.airbnb_mphb_imported_reservations,
        ONLY public.staff_messages,
        ONLY public.user_tenant_permissions,
        ONLY public.staff_conversations,
        ONLY public.hotel_operations,
        ONLY public.whatsapp_message_templates,
        ONLY public.staff_users,
        ONLY public.accommodation_units_manual_chunks,
        ONLY public.accommodation_units_public,
        ONLY public.accommodation_units_manual,
        ONLY public.accommodation_units,
        ONLY public.hotels
    IN ACCESS EXCLUSIVE MODE;
    ALTER TABLE public.integration_configs NO FORCE ROW LEVEL SECURITY;
    IF EXISTS (SELECT FROM ONLY public.policies) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.policies';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.job_logs) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.job_logs';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.integration_configs) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.integration_configs';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.conversation_memory) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.conversation_memory';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.conversation_attachments) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.conversation_attachments';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.chat_messages) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.chat_messages';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.reservation_accommodations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.reservation_accommodations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.prospective_sessions) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.prospective_sessions';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.guest_feedback) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.guest_feedback';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.guest_conversations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.guest_conversations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.compliance_submissions) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.compliance_submissions';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.chat_conversations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.chat_conversations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.calendar_event_conflicts) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.calendar_event_conflicts';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.airbnb_motopress_comparison) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.airbnb_motopress_comparison';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.ics_feed_configurations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.ics_feed_configurations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.guest_reservations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.guest_reservations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.calendar_events) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.calendar_events';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.airbnb_mphb_imported_reservations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.airbnb_mphb_imported_reservations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.staff_messages) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.staff_messages';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.user_tenant_permissions) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.user_tenant_permissions';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.staff_conversations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.staff_conversations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.hotel_operations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.hotel_operations';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.whatsapp_message_templates) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.whatsapp_message_templates';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.staff_users) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.staff_users';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.accommodation_units_manual_chunks) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.accommodation_units_manual_chunks';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.accommodation_units_public) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.accommodation_units_public';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.accommodation_units_manual) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.accommodation_units_manual';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.accommodation_units) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.accommodation_units';
    END IF;
    IF EXISTS (SELECT FROM ONLY public.hotels) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.hotels';
    END IF;
    TRUNCATE TABLE
        ONLY public.policies,
        ONLY public.job_logs,
        ONLY public.integration_configs,
        ONLY public.conversation_memory,
        ONLY public.conversation_attachments,
        ONLY public.chat_messages,
        ONLY public.reservation_accommodations,
        ONLY public.prospective_sessions,
        ONLY public.guest_feedback,
        ONLY public.guest_conversations,
        ONLY public.compliance_submissions,
        ONLY public.chat_conversations,
        ONLY public.calendar_event_conflicts,
        ONLY public.airbnb_motopress_comparison,
        ONLY public.ics_feed_configurations,
        ONLY public.guest_reservations,
        ONLY public.calendar_events,
        ONLY public.airbnb_mphb_imported_reservations,
        ONLY public.staff_messages,
        ONLY public.user_tenant_permissions,
        ONLY public.staff_conversations,
        ONLY public.hotel_operations,
        ONLY public.whatsapp_message_templates,
        ONLY public.staff_users,
        ONLY public.accommodation_units_manual_chunks,
        ONLY public.accommodation_units_public,
        ONLY public.accommodation_units_manual,
        ONLY public.accommodation_units,
        ONLY public.hotels,
        ONLY public.tenant_registry,
        ONLY public.sire_export_logs,
        ONLY public.sire_document_types,
        ONLY public.sire_countries,
        ONLY public.sire_content,
        ONLY public.sire_cities,
        ONLY public.muva_content,
        ONLY public.exchange_rates,
        ONLY public.code_embeddings;
    ALTER TABLE public.integration_configs FORCE ROW LEVEL SECURITY;
END
$undo$;
-- Sequences keep their values, as after any deletion. To let them begin anew:
--   ALTER SEQUENCE public.code_embeddings_id_seq RESTART;
--   ALTER SEQUENCE public.exchange_rates_id_seq RESTART;
