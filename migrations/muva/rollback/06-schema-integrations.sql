-- Rolls back 06-schema-integrations.sql, group integrations of the bundle muva.
--
-- Drops 3 tables, and what is a part of them.
-- Lost with the tables: every row that is still in them. The bundle brought 42 rows.
-- Must have run before, in this order: rollback/15-data-integrations.sql, rollback/13-data-reservations.sql, rollback/12-data-operations.sql, rollback/11-data-catalog.sql, rollback/10-data-foundation.sql
-- Where something outside of the bundle needs what is to go, it stops with an error.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);

DROP TABLE IF EXISTS public.policies;
DROP TABLE IF EXISTS public.job_logs;
DROP SEQUENCE IF EXISTS public.job_logs_id_seq;
DROP TABLE IF EXISTS public.integration_configs;
