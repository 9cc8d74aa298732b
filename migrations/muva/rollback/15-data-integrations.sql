-- Rolls back 15-data-integrations.sql, group integrations of the bundle muva.
--
-- Empties 3 tables. Lost: the 42 rows that the file brought, and any that came since.
-- It is the first to run of all rollbacks.
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
    ONLY public.policies,
    ONLY public.job_logs,
    ONLY public.integration_configs;
-- Sequences keep their values, as after any deletion. To let them begin anew:
--   ALTER SEQUENCE public.booking_number_seq RESTART;
--   ALTER SEQUENCE public.job_logs_id_seq RESTART;
-- Materialised views still show the rows, until they are refreshed or dropped.
