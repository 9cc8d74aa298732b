-- Rolls back 02-schema-catalog.sql, group catalog of the bundle muva.
--
-- Drops 1 function, 5 tables, and what is a part of them.
-- Lost with the tables: every row that is still in them. The bundle brought 383 rows.
-- Must have run before, in this order: rollback/15-data-integrations.sql, rollback/13-data-reservations.sql, rollback/12-data-operations.sql, rollback/11-data-catalog.sql, rollback/10-data-foundation.sql, rollback/06-schema-integrations.sql, rollback/04-schema-reservations.sql, rollback/03-schema-operations.sql
-- Where something outside of the bundle needs what is to go, it stops with an error.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);

DROP FUNCTION IF EXISTS public.match_manual_sections(query_embedding public.vector, p_manual_id uuid, match_count integer);
DROP TABLE IF EXISTS public.accommodation_units_manual_chunks;
DROP TABLE IF EXISTS public.accommodation_units_public;
DROP TABLE IF EXISTS public.accommodation_units_manual;
DROP TABLE IF EXISTS public.accommodation_units;
DROP TABLE IF EXISTS public.hotels;
