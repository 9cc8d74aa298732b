-- Rolls back 13-data-reservations.sql, group reservations of the bundle muva.
--
-- Empties 15 tables. Lost: the 1,171 rows that the file brought, and any that came since.
-- Must have run before, in this order: rollback/15-data-integrations.sql
-- Where something outside of the bundle needs what is to go, it stops with an error.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);

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
    ONLY public.airbnb_mphb_imported_reservations;
-- Sequences keep their values, as after any deletion. To let them begin anew:
--   ALTER SEQUENCE public.airbnb_motopress_comparison_id_seq RESTART;
--   ALTER SEQUENCE public.airbnb_mphb_imported_reservations_id_seq RESTART;
--   ALTER SEQUENCE public.calendar_event_conflicts_id_seq RESTART;
