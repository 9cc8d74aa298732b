-- Rolls back 11-data-catalog.sql, group catalog of the bundle muva.
--
-- Empties 5 tables. Lost: the 383 rows that the file brought, and any that came since.
-- Must have run before, in this order: rollback/15-data-integrations.sql, rollback/13-data-reservations.sql, rollback/12-data-operations.sql
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
        ONLY public.hotel_operations
    IN ACCESS EXCLUSIVE MODE;
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
    IF EXISTS (SELECT FROM ONLY public.hotel_operations) THEN
        RAISE EXCEPTION '% still has rows: run its rollback first', 'public.hotel_operations';
    END IF;
    TRUNCATE TABLE
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
        ONLY public.hotel_operations,
        ONLY public.accommodation_units_manual_chunks,
        ONLY public.accommodation_units_public,
        ONLY public.accommodation_units_manual,
        ONLY public.accommodation_units,
        ONLY public.hotels;
END
$undo$;
-- Sequences keep their values, as after any deletion. To let them begin anew:
--   ALTER SEQUENCE public.accommodation_units_manual_chunks_id_seq RESTART;
