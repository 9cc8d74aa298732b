-- 15-data-integrations.sql: rows of group integrations
--
-- From the database muva, PostgreSQL 18.
-- Part of the bundle muva, made by migplan. psql -v ON_ERROR_STOP=1 -f runs it, too.
--
-- Connections to other systems, and the log of their jobs.
--
-- Expected after it:
--   public.integration_configs               3 rows  depth 1   copy
--   public.job_logs                         39 rows  depth 1   copy
--   public.policies                          0 rows  depth 1   copy
--   in all                                  42 rows
-- Must have run before: 01-schema-foundation.sql, 02-schema-catalog.sql, 03-schema-operations.sql, 04-schema-reservations.sql, 06-schema-integrations.sql, 10-data-foundation.sql, 11-data-catalog.sql, 12-data-operations.sql, 13-data-reservations.sql

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET lc_monetary = 'C';
SET xmloption = content;
SET array_nulls = on;
SET search_path = "$user", public;

-- public.integration_configs, copy: what it refers to is loaded before it: public.tenant_registry
BEGIN;
ALTER TABLE public.integration_configs NO FORCE ROW LEVEL SECURITY;
COPY public.integration_configs (id, tenant_id, provider, settings, is_enabled, created_at, updated_at) FROM stdin;
dd971952-de10-8030-fa0b-6f28eeb1acfc	ec590289-dbcf-da72-7237-939da2218222	motopress	{"url": "https://brisamar.example.com/wp-json/mphb/v1", "rooms": {"101": "A-101"}, "token": "demo-token-motopress"}	t	2025-01-16 15:40:00+00	2025-08-02 15:45:00+00
638284b6-d14d-bb0d-e88b-c3b69be5459c	ec590289-dbcf-da72-7237-939da2218222	whatsapp	{"phone": "+1 202 555 0111", "retry": [1, 5, 25], "token": "demo-token-whatsapp"}	t	2025-01-17 15:40:00+00	2025-08-03 15:45:00+00
9b297b56-2108-0ee1-1812-be7d3e415317	9d2dbd28-809b-1fe4-9973-460f0d5bef67	airbnb	{"token": null, "listing": "900000000000000002"}	f	2025-01-18 15:40:00+00	2025-08-04 15:45:00+00
\.
ALTER TABLE public.integration_configs FORCE ROW LEVEL SECURITY;
COMMIT;

-- public.job_logs, copy: what it refers to is loaded before it: public.tenant_registry
BEGIN;
COPY public.job_logs (id, tenant_id, job_name, status, started_at, finished_at, details) FROM stdin;
1	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-12 08:15:00+00	2025-10-12 08:15:10.269+00	{"feeds": 3, "changed": 1}
2	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-13 08:00:00+00	2025-10-13 08:00:44.473+00	{"feeds": 2, "changed": 4}
3	\N	purge_expired_sessions	succeeded	2025-10-13 08:15:00+00	2025-10-13 08:15:39.885+00	{"deleted": 3}
4	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-14 08:00:00+00	2025-10-14 08:00:31.286+00	{"feeds": 3, "changed": 3}
5	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	failed	2025-10-14 08:15:00+00	2025-10-14 08:15:28.722+00	{"error": "HTTP 503", "attempts": 3}
7	\N	purge_expired_sessions	succeeded	2025-10-15 08:00:00+00	2025-10-15 08:00:40.254+00	{"deleted": 3}
8	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-15 08:15:00+00	2025-10-15 08:15:50.197+00	{"feeds": 3, "changed": 1}
9	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-16 08:00:00+00	2025-10-16 08:01:21.538+00	{"feeds": 2, "changed": 3}
10	\N	purge_expired_sessions	succeeded	2025-10-16 08:15:00+00	2025-10-16 08:16:08.157+00	{"deleted": 1}
11	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-17 08:00:00+00	2025-10-17 08:01:07.432+00	{"feeds": 3, "changed": 0}
12	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-17 08:15:00+00	2025-10-17 08:15:44.906+00	{"feeds": 2, "changed": 3}
14	\N	purge_expired_sessions	succeeded	2025-10-18 08:00:00+00	2025-10-18 08:00:14.325+00	{"deleted": 1}
15	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-18 08:15:00+00	2025-10-18 08:16:27.834+00	{"feeds": 3, "changed": 1}
16	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-19 08:00:00+00	2025-10-19 08:00:43.562+00	{"feeds": 2, "changed": 3}
17	\N	purge_expired_sessions	succeeded	2025-10-19 08:15:00+00	2025-10-19 08:15:06.194+00	{"deleted": 5}
18	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	failed	2025-10-20 08:00:00+00	2025-10-20 08:01:12.521+00	{"error": "HTTP 503", "attempts": 3}
19	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-20 08:15:00+00	2025-10-20 08:16:15.241+00	{"feeds": 2, "changed": 1}
21	\N	purge_expired_sessions	succeeded	2025-10-21 08:00:00+00	2025-10-21 08:00:42.537+00	{"deleted": 4}
22	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-21 08:15:00+00	2025-10-21 08:16:25.796+00	{"feeds": 3, "changed": 0}
23	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-22 08:00:00+00	2025-10-22 08:01:02.824+00	{"feeds": 2, "changed": 0}
24	\N	purge_expired_sessions	succeeded	2025-10-22 08:15:00+00	2025-10-22 08:15:42.986+00	{"deleted": 6}
25	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-23 08:00:00+00	2025-10-23 08:00:23.466+00	{"feeds": 3, "changed": 1}
26	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-23 08:15:00+00	2025-10-23 08:15:42.795+00	{"feeds": 2, "changed": 0}
28	\N	purge_expired_sessions	succeeded	2025-10-24 08:00:00+00	2025-10-24 08:01:14.125+00	{"deleted": 8}
29	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-24 08:15:00+00	2025-10-24 08:16:04.215+00	{"feeds": 3, "changed": 3}
30	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-25 08:00:00+00	2025-10-25 08:00:50.186+00	{"feeds": 2, "changed": 2}
31	\N	purge_expired_sessions	failed	2025-10-25 08:15:00+00	2025-10-25 08:15:51.782+00	{"error": "HTTP 503", "attempts": 3}
32	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-26 08:00:00+00	2025-10-26 08:00:06.586+00	{"feeds": 3, "changed": 2}
33	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-26 08:15:00+00	2025-10-26 08:15:35.887+00	{"feeds": 2, "changed": 1}
35	\N	purge_expired_sessions	succeeded	2025-10-27 08:00:00+00	2025-10-27 08:01:18.36+00	{"deleted": 2}
36	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-27 08:15:00+00	2025-10-27 08:16:16.495+00	{"feeds": 3, "changed": 3}
37	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-28 08:00:00+00	2025-10-28 08:00:09.569+00	{"feeds": 2, "changed": 2}
38	\N	purge_expired_sessions	succeeded	2025-10-28 08:15:00+00	2025-10-28 08:16:18.625+00	{"deleted": 7}
39	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-29 08:00:00+00	2025-10-29 08:01:03.759+00	{"feeds": 3, "changed": 0}
40	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	succeeded	2025-10-29 08:15:00+00	2025-10-29 08:15:27.918+00	{"feeds": 2, "changed": 0}
42	\N	purge_expired_sessions	succeeded	2025-10-30 08:00:00+00	2025-10-30 08:00:48.9+00	{"deleted": 2}
43	ec590289-dbcf-da72-7237-939da2218222	sync_calendars	succeeded	2025-10-30 08:15:00+00	2025-10-30 08:15:16.162+00	{"feeds": 3, "changed": 3}
44	9d2dbd28-809b-1fe4-9973-460f0d5bef67	sync_calendars	failed	2025-10-31 08:00:00+00	2025-10-31 08:01:24.125+00	{"error": "HTTP 503", "attempts": 3}
45	\N	purge_expired_sessions	running	2025-10-31 08:15:00+00	\N	{}
\.
COMMIT;

-- public.policies, copy: what it refers to is loaded before it: public.tenant_registry
BEGIN;
COPY public.policies (id, tenant_id, policy_type, title, body, effective_from, created_at) FROM stdin;
\.
COMMIT;

-- sequences
BEGIN;
SELECT pg_catalog.setval('public.booking_number_seq', 20104, true);
SELECT pg_catalog.setval('public.job_logs_id_seq', 46, true);
COMMIT;

-- materialised views
BEGIN;
REFRESH MATERIALIZED VIEW public.tenant_activity;
COMMIT;
