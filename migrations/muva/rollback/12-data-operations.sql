-- Rolls back 12-data-operations.sql, group operations of the bundle muva.
--
-- Empties 6 tables. Lost: the 146 rows that the file brought, and any that came since.
-- Must have run before, in this order: rollback/15-data-integrations.sql, rollback/13-data-reservations.sql
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
    ONLY public.staff_messages,
    ONLY public.user_tenant_permissions,
    ONLY public.staff_conversations,
    ONLY public.hotel_operations,
    ONLY public.whatsapp_message_templates,
    ONLY public.staff_users;
-- Sequences keep their values, as after any deletion. To let them begin anew:
--   ALTER SEQUENCE public.hotel_operations_id_seq RESTART;
--   ALTER SEQUENCE public.staff_messages_id_seq RESTART;
