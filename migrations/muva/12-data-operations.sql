-- 12-data-operations.sql: rows of group operations
--
-- From the database muva, PostgreSQL 18.
-- Part of the bundle muva, made by migplan. psql -v ON_ERROR_STOP=1 -f runs it, too.
--
-- Staff, what they may do, and what they tell each other.
--
-- Expected after it:
--   public.staff_users                              6 rows  depth 1   levels
--   public.whatsapp_message_templates              18 rows  depth 1   copy
--   public.hotel_operations                        10 rows  depth 2   copy
--   public.staff_conversations                     43 rows  depth 2   copy
--   public.user_tenant_permissions                 11 rows  depth 2   copy
--   public.staff_messages                          58 rows  depth 3   copy
--   in all                                        146 rows
-- Must have run before: 01-schema-foundation.sql, 02-schema-catalog.sql, 03-schema-operations.sql, 04-schema-reservations.sql, 06-schema-integrations.sql, 10-data-foundation.sql, 11-data-catalog.sql

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

-- public.staff_users, levels: rows refer to other rows of the table by 1 key (created_by -> staff_id): first those that refer to none, then the others, parents before children
BEGIN;
ALTER TABLE public.staff_users DISABLE TRIGGER USER;
COPY public.staff_users (staff_id, tenant_id, created_by, full_name, email, phone, role, permissions, hired_on, last_login_at, last_login_ip, is_active, created_at, updated_at) FROM stdin;
2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	ec590289-dbcf-da72-7237-939da2218222	\N	Marcela Archbold Bryan	marcela@brisamar.example.com	+1 202 555 0121	owner	{"sire": true, "staff": true, "billing": true}	2024-10-01	2025-10-21 12:31:00+00	203.0.113.1	t	2024-10-01 14:01:00+00	2025-06-10 15:01:00+00
\.
COPY public.staff_users (staff_id, tenant_id, created_by, full_name, email, phone, role, permissions, hired_on, last_login_at, last_login_ip, is_active, created_at, updated_at) FROM stdin;
155262a3-28d3-0b7b-eb28-19c1dd8725e1	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	Julián Robinson	julian@brisamar.example.com	+1 202 555 0122	manager	{"sire": true, "staff": true}	2024-10-15	2025-10-22 13:02:00+00	203.0.113.2	t	2024-10-15 14:02:00+00	2025-06-19 15:02:00+00
592b1a97-da1d-fffb-f5b2-b5d1a6e48239	9d2dbd28-809b-1fe4-9973-460f0d5bef67	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	Esther Newball	esther@casacoral.example.com	+1 202 555 0123	manager	{"sire": true, "staff": true}	2024-10-20	2025-10-23 13:33:00+00	2001:db8:77::3	t	2024-10-20 14:03:00+00	2025-06-28 15:03:00+00
1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	3922e3f8-3426-1ad9-ab60-91814de593b1	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	Rosa Inés Cassiani	rosa@getsemani.example.com	+1 202 555 0126	reception	{}	2025-03-10	2025-10-26 15:06:00+00	203.0.113.6	f	2025-03-10 14:06:00+00	2025-07-25 15:06:00+00
6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	Yuliana Pérez	yuliana@brisamar.example.com	+1 202 555 0124	reception	{}	2024-12-02	2025-10-24 14:04:00+00	203.0.113.4	t	2024-12-02 14:04:00+00	2025-07-07 15:04:00+00
f4067cb3-1ee6-2863-1c4a-f08f9b13b707	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	Kevin Hudgson	kevin@brisamar.example.com	+1 202 555 0125	housekeeping	{}	2025-02-17	\N	\N	t	2025-02-17 14:05:00+00	2025-07-16 15:05:00+00
\.
ALTER TABLE public.staff_users ENABLE TRIGGER staff_users_updated_at;
COMMIT;

-- public.whatsapp_message_templates, copy: what it refers to is loaded before it: public.tenant_registry
BEGIN;
COPY public.whatsapp_message_templates (id, tenant_id, name, language, body, placeholders, is_approved, created_at, updated_at) FROM stdin;
59b6bb5d-0e2c-eb40-0044-6a899c2536f1	ec590289-dbcf-da72-7237-939da2218222	booking_confirmed	es	Hola {{1}}, su reserva {{2}} está confirmada. ¡Lo esperamos!	{guest_name,booking_number}	t	2025-01-21 13:21:00+00	2025-02-13 16:40:00+00
3f08bd4c-cab0-7c0a-dc24-dabcaec72946	ec590289-dbcf-da72-7237-939da2218222	booking_confirmed	en	Hello {{1}}, your booking {{2}} is confirmed. See you soon!	{guest_name,booking_number}	t	2025-01-21 13:22:00+00	2025-02-14 16:40:00+00
7994ac41-e03e-dadc-5f38-c0e8cb5e7032	ec590289-dbcf-da72-7237-939da2218222	arrival_tomorrow	es	{{1}}, mañana lo recibimos desde las {{2}}.\n¿A qué hora llega su vuelo?	{guest_name,check_in_time}	t	2025-01-21 13:23:00+00	2025-02-15 16:40:00+00
d1abea33-bfb9-91a5-8089-cc2377249ef6	ec590289-dbcf-da72-7237-939da2218222	arrival_tomorrow	en	{{1}}, we expect you tomorrow from {{2}}.\nWhen does your flight land?	{guest_name,check_in_time}	f	2025-01-21 13:24:00+00	2025-02-16 16:40:00+00
1235bc3c-dcbb-b7e4-8d84-451cf6edf6da	ec590289-dbcf-da72-7237-939da2218222	farewell	es	Gracias por su visita 🌴 Del 1 al 10, ¿cómo estuvo todo?	{}	t	2025-01-21 13:25:00+00	2025-02-17 16:40:00+00
e546793f-d812-9b6f-1a4e-ea1575a2b671	ec590289-dbcf-da72-7237-939da2218222	farewell	en	Thank you for staying with us 🌴 From 1 to 10, how was it?	{}	t	2025-01-21 13:26:00+00	2025-02-18 16:40:00+00
a24c9f0d-e00c-7f61-3104-33dc932c9ab3	9d2dbd28-809b-1fe4-9973-460f0d5bef67	booking_confirmed	es	Hola {{1}}, su reserva {{2}} está confirmada. ¡Lo esperamos!	{guest_name,booking_number}	t	2025-01-22 13:21:00+00	2025-02-14 16:40:00+00
27db8fb0-555d-9d3a-e2d0-030b3130ec4d	9d2dbd28-809b-1fe4-9973-460f0d5bef67	booking_confirmed	en	Hello {{1}}, your booking {{2}} is confirmed. See you soon!	{guest_name,booking_number}	t	2025-01-22 13:22:00+00	2025-02-15 16:40:00+00
fea52cff-3f6d-c052-6ba9-898d2f117a51	9d2dbd28-809b-1fe4-9973-460f0d5bef67	arrival_tomorrow	es	{{1}}, mañana lo recibimos desde las {{2}}.\n¿A qué hora llega su vuelo?	{guest_name,check_in_time}	f	2025-01-22 13:23:00+00	2025-02-16 16:40:00+00
dd4fe60b-8867-45f1-d0b2-d267abf98ad9	9d2dbd28-809b-1fe4-9973-460f0d5bef67	arrival_tomorrow	en	{{1}}, we expect you tomorrow from {{2}}.\nWhen does your flight land?	{guest_name,check_in_time}	t	2025-01-22 13:24:00+00	2025-02-17 16:40:00+00
a31000c1-3297-3700-4623-6b5d56b42a7e	9d2dbd28-809b-1fe4-9973-460f0d5bef67	farewell	es	Gracias por su visita 🌴 Del 1 al 10, ¿cómo estuvo todo?	{}	t	2025-01-22 13:25:00+00	2025-02-18 16:40:00+00
01be883c-264e-d6a1-fdd7-4dcca6bfedab	9d2dbd28-809b-1fe4-9973-460f0d5bef67	farewell	en	Thank you for staying with us 🌴 From 1 to 10, how was it?	{}	t	2025-01-22 13:26:00+00	2025-02-19 16:40:00+00
03d8af1f-d56f-9825-77e1-879012b16a93	3922e3f8-3426-1ad9-ab60-91814de593b1	booking_confirmed	es	Hola {{1}}, su reserva {{2}} está confirmada. ¡Lo esperamos!	{guest_name,booking_number}	t	2025-01-23 13:21:00+00	2025-02-15 16:40:00+00
b8ef365e-3963-50f5-042e-3749080b65b4	3922e3f8-3426-1ad9-ab60-91814de593b1	booking_confirmed	en	Hello {{1}}, your booking {{2}} is confirmed. See you soon!	{guest_name,booking_number}	f	2025-01-23 13:22:00+00	2025-02-16 16:40:00+00
000beb8f-f2fd-20fe-7692-b58081e8fe1a	3922e3f8-3426-1ad9-ab60-91814de593b1	arrival_tomorrow	es	{{1}}, mañana lo recibimos desde las {{2}}.\n¿A qué hora llega su vuelo?	{guest_name,check_in_time}	t	2025-01-23 13:23:00+00	2025-02-17 16:40:00+00
6863a32f-b656-a648-15dc-6aa880feec05	3922e3f8-3426-1ad9-ab60-91814de593b1	arrival_tomorrow	en	{{1}}, we expect you tomorrow from {{2}}.\nWhen does your flight land?	{guest_name,check_in_time}	t	2025-01-23 13:24:00+00	2025-02-18 16:40:00+00
35567ca5-32a0-a44d-2a17-8715b30d0a3d	3922e3f8-3426-1ad9-ab60-91814de593b1	farewell	es	Gracias por su visita 🌴 Del 1 al 10, ¿cómo estuvo todo?	{}	t	2025-01-23 13:25:00+00	2025-02-19 16:40:00+00
2bd4791c-16c0-5f31-bada-50f8c9b74e86	3922e3f8-3426-1ad9-ab60-91814de593b1	farewell	en	Thank you for staying with us 🌴 From 1 to 10, how was it?	{}	t	2025-01-23 13:26:00+00	2025-02-20 16:40:00+00
\.
COMMIT;

-- public.hotel_operations, copy: what it refers to is loaded before it: public.hotels, public.staff_users, public.tenant_registry
BEGIN;
COPY public.hotel_operations (id, tenant_id, hotel_id, created_by, operation_type, title, schedule, usual_duration, next_due_at, cost, created_at, updated_at) FROM stdin;
1	ec590289-dbcf-da72-7237-939da2218222	818ad83d-c1a3-7e14-be70-8126d7da8823	155262a3-28d3-0b7b-eb28-19c1dd8725e1	housekeeping	Cambio de sábanas, pisos 1 y 2	{"weekdays": [1, 3, 5]}	02:30:00	2025-10-11 13:00:00+00	\N	2025-01-18 15:00:00+00	2025-06-04 16:00:00+00
2	ec590289-dbcf-da72-7237-939da2218222	818ad83d-c1a3-7e14-be70-8126d7da8823	155262a3-28d3-0b7b-eb28-19c1dd8725e1	maintenance	Filtro de la piscina	{"every_days": 14}	01:15:00	2025-10-12 13:00:00+00	85000.00	2025-01-29 15:00:00+00	2025-06-05 16:00:00+00
3	ec590289-dbcf-da72-7237-939da2218222	818ad83d-c1a3-7e14-be70-8126d7da8823	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	supplies	Pedido de agua potable (carrotanque)	{"weekdays": [2]}	00:45:00	2025-10-13 13:00:00+00	320000.50	2025-02-09 15:00:00+00	2025-06-06 16:00:00+00
4	ec590289-dbcf-da72-7237-939da2218222	818ad83d-c1a3-7e14-be70-8126d7da8823	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	safety	Revisión de extintores	{"every_months": 12}	03:00:00	2025-10-14 13:00:00+00	410000.00	2025-02-20 15:00:00+00	2025-06-07 16:00:00+00
5	9d2dbd28-809b-1fe4-9973-460f0d5bef67	cf836ca5-92d2-8c97-2229-207dfd9c5746	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	housekeeping	Limpieza de cabañas	{"weekdays": [1, 2, 3, 4, 5, 6, 7]}	04:00:00	2025-10-15 13:00:00+00	\N	2025-03-03 15:00:00+00	2025-06-08 16:00:00+00
6	9d2dbd28-809b-1fe4-9973-460f0d5bef67	cf836ca5-92d2-8c97-2229-207dfd9c5746	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	maintenance	Planta eléctrica: prueba con carga	{"every_days": 30}	00:40:00	2025-10-16 13:00:00+00	60000.00	2025-03-14 15:00:00+00	2025-06-09 16:00:00+00
8	9d2dbd28-809b-1fe4-9973-460f0d5bef67	cf836ca5-92d2-8c97-2229-207dfd9c5746	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	safety	Chalecos y boyas de los kayaks	{"every_days": 7}	00:20:00	2025-10-18 13:00:00+00	\N	2025-04-05 15:00:00+00	2025-06-11 16:00:00+00
9	3922e3f8-3426-1ad9-ab60-91814de593b1	c526c3ab-3f0b-ccc6-e8b8-fc71ed893a51	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	housekeeping	Terraza y áreas comunes	{"weekdays": [1, 4]}	01:30:00	2025-10-19 13:00:00+00	\N	2025-04-16 15:00:00+00	2025-06-12 16:00:00+00
11	3922e3f8-3426-1ad9-ab60-91814de593b1	c526c3ab-3f0b-ccc6-e8b8-fc71ed893a51	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	supplies	Café, azúcar y papel	{"weekdays": [5]}	\N	2025-10-21 13:00:00+00	145000.75	2025-05-08 15:00:00+00	2025-06-14 16:00:00+00
12	3922e3f8-3426-1ad9-ab60-91814de593b1	c526c3ab-3f0b-ccc6-e8b8-fc71ed893a51	\N	maintenance	Aire acondicionado: limpieza de filtros	{"every_days": 45}	06:00:00	2025-10-22 13:00:00+00	230000.00	2025-05-19 15:00:00+00	2025-06-15 16:00:00+00
\.
COMMIT;

-- public.staff_conversations, copy: what it refers to is loaded before it: public.staff_users, public.tenant_registry
BEGIN;
COPY public.staff_conversations (id, tenant_id, staff_id, title, category, status, message_count, last_message_at, created_at) FROM stdin;
0a031db6-3532-b439-eb6e-2a5fdb2fe182	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	¿Quién llega mañana y a qué hora?	arrivals	waiting	1	2025-03-17 18:52:00+00	2025-03-17 18:52:00+00
18844178-0899-8b1f-f8ce-11f28c19c903	9d2dbd28-809b-1fe4-9973-460f0d5bef67	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	Faltan toallas de playa en la lavandería, ¿pedimos más?	housekeeping	waiting	1	2025-03-22 13:46:00+00	2025-03-22 13:46:00+00
a322f7f1-25ee-0ab7-9314-08ea5c766f80	ec590289-dbcf-da72-7237-939da2218222	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	calendar	closed	2	2025-03-27 17:43:19+00	2025-03-27 17:43:00+00
399a1c25-9020-e063-3246-165ba57c1b28	ec590289-dbcf-da72-7237-939da2218222	f4067cb3-1ee6-2863-1c4a-f08f9b13b707	La bomba de agua hace ruido otra vez.	maintenance	waiting	1	2025-04-01 21:24:00+00	2025-04-01 21:24:00+00
7277f4f3-3f97-1705-6304-8b6ea797c850	3922e3f8-3426-1ad9-ab60-91814de593b1	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	How do I tell a guest politely that the pool closes at 9 pm?	guests	waiting	1	2025-04-06 12:53:00+00	2025-04-06 12:53:00+00
3403b38a-4e0d-a141-a187-21963c7713c3	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	sire	closed	2	2025-04-11 20:07:19+00	2025-04-11 20:07:00+00
83dd21cf-fb0c-658a-f525-b18702dd8701	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	¿Cuánto cuesta la cabaña en Semana Santa?	pricing	waiting	1	2025-04-16 17:49:00+00	2025-04-16 17:49:00+00
dc607c58-6e50-4146-253c-4217055b89a4	9d2dbd28-809b-1fe4-9973-460f0d5bef67	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	¿Cuándo tengo que reportar la salida de la habitación A-101?	sire	waiting	1	2025-04-21 18:57:00+00	2025-04-21 18:57:00+00
4b98142c-f051-4874-9d37-3204f8c5fe41	ec590289-dbcf-da72-7237-939da2218222	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	¿Quién llega mañana y a qué hora?	arrivals	closed	2	2025-04-26 14:10:19+00	2025-04-26 14:10:00+00
762fd09f-6706-4e49-ad1c-b0e24238ca3a	ec590289-dbcf-da72-7237-939da2218222	f4067cb3-1ee6-2863-1c4a-f08f9b13b707	Faltan toallas de playa en la lavandería, ¿pedimos más?	housekeeping	waiting	1	2025-05-01 13:06:00+00	2025-05-01 13:06:00+00
9035b156-caa0-76e0-a662-2718c29070ed	3922e3f8-3426-1ad9-ab60-91814de593b1	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	calendar	waiting	1	2025-05-06 15:15:00+00	2025-05-06 15:15:00+00
261865bf-0688-5c4d-76c5-1c178e2482e9	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	La bomba de agua hace ruido otra vez.	maintenance	closed	2	2025-05-11 12:26:19+00	2025-05-11 12:26:00+00
0738088d-f51b-95c4-6e9a-74f746e2606c	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	How do I tell a guest politely that the pool closes at 9 pm?	guests	waiting	1	2025-05-16 21:40:00+00	2025-05-16 21:40:00+00
70ce7241-806f-4cb2-e46e-5b59a03efe93	9d2dbd28-809b-1fe4-9973-460f0d5bef67	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	sire	waiting	1	2025-05-21 15:06:00+00	2025-05-21 15:06:00+00
91414fdd-1797-4478-332c-203726f5b34a	ec590289-dbcf-da72-7237-939da2218222	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	¿Cuánto cuesta la cabaña en Semana Santa?	pricing	closed	2	2025-05-26 18:35:19+00	2025-05-26 18:35:00+00
b9d74520-b78d-458d-83a0-345b8fa7b5a6	ec590289-dbcf-da72-7237-939da2218222	f4067cb3-1ee6-2863-1c4a-f08f9b13b707	¿Cuándo tengo que reportar la salida de la habitación A-101?	sire	waiting	1	2025-05-31 16:53:00+00	2025-05-31 16:53:00+00
63288f26-492c-8148-df71-aeeb67a90e55	3922e3f8-3426-1ad9-ab60-91814de593b1	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	¿Quién llega mañana y a qué hora?	arrivals	waiting	1	2025-06-05 14:28:00+00	2025-06-05 14:28:00+00
3e7ddf7e-a40b-bcd8-264e-345d546e5f97	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	Faltan toallas de playa en la lavandería, ¿pedimos más?	housekeeping	closed	2	2025-06-10 16:09:19+00	2025-06-10 16:09:00+00
c3bdfdc5-9ec4-44ba-ddcd-d780e134d2cd	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	calendar	waiting	1	2025-06-15 19:29:00+00	2025-06-15 19:29:00+00
65a2cba9-0ba7-f0f6-3dff-f79883ac0650	9d2dbd28-809b-1fe4-9973-460f0d5bef67	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	La bomba de agua hace ruido otra vez.	maintenance	waiting	1	2025-06-20 21:42:00+00	2025-06-20 21:42:00+00
81454e3b-3381-0d27-8931-f79968f3e28d	ec590289-dbcf-da72-7237-939da2218222	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	How do I tell a guest politely that the pool closes at 9 pm?	guests	closed	2	2025-06-25 12:12:19+00	2025-06-25 12:12:00+00
83beba62-2095-a7d2-2000-b9f9b33b30ae	ec590289-dbcf-da72-7237-939da2218222	f4067cb3-1ee6-2863-1c4a-f08f9b13b707	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	sire	waiting	1	2025-06-30 17:43:00+00	2025-06-30 17:43:00+00
2a9be01a-3b11-c254-1426-0cf808b2a34c	3922e3f8-3426-1ad9-ab60-91814de593b1	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	¿Cuánto cuesta la cabaña en Semana Santa?	pricing	waiting	1	2025-07-05 20:04:00+00	2025-07-05 20:04:00+00
4b063d68-6e6e-062d-7f32-21c1e7a97f75	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	¿Cuándo tengo que reportar la salida de la habitación A-101?	sire	closed	2	2025-07-10 12:51:19+00	2025-07-10 12:51:00+00
98b0e368-36a9-f621-2c20-59b5437a6489	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	¿Quién llega mañana y a qué hora?	arrivals	waiting	1	2025-07-15 13:17:00+00	2025-07-15 13:17:00+00
8be11fe2-236f-68dd-4824-83b496babe50	9d2dbd28-809b-1fe4-9973-460f0d5bef67	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	Faltan toallas de playa en la lavandería, ¿pedimos más?	housekeeping	waiting	1	2025-07-20 12:49:00+00	2025-07-20 12:49:00+00
6f3961bf-3354-f8ab-bead-2753dda21be4	ec590289-dbcf-da72-7237-939da2218222	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	calendar	closed	2	2025-07-25 14:09:19+00	2025-07-25 14:09:00+00
863834ac-7f0d-d426-1278-e3111ff8eb55	ec590289-dbcf-da72-7237-939da2218222	f4067cb3-1ee6-2863-1c4a-f08f9b13b707	La bomba de agua hace ruido otra vez.	maintenance	waiting	1	2025-07-30 14:26:00+00	2025-07-30 14:26:00+00
c2afe7ca-5b75-fcc9-199a-1aa0351f21d7	3922e3f8-3426-1ad9-ab60-91814de593b1	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	How do I tell a guest politely that the pool closes at 9 pm?	guests	waiting	1	2025-08-04 18:08:00+00	2025-08-04 18:08:00+00
f5f822a4-89a0-e0f1-66ba-705fa6bff32f	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	sire	closed	2	2025-08-09 13:01:19+00	2025-08-09 13:01:00+00
0dca8999-9c3d-1cc3-67b8-e9e5418abcca	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	¿Cuánto cuesta la cabaña en Semana Santa?	pricing	waiting	1	2025-08-14 15:20:00+00	2025-08-14 15:20:00+00
a28bbcda-d7a9-c656-62df-08a9c47ffa88	9d2dbd28-809b-1fe4-9973-460f0d5bef67	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	¿Cuándo tengo que reportar la salida de la habitación A-101?	sire	waiting	1	2025-08-19 17:36:00+00	2025-08-19 17:36:00+00
50a03291-4b5a-8cc3-9091-20be0d5f15f2	ec590289-dbcf-da72-7237-939da2218222	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	¿Quién llega mañana y a qué hora?	arrivals	closed	2	2025-08-24 14:07:19+00	2025-08-24 14:07:00+00
0c243026-ca1f-1577-fadb-eabfe89a2a36	ec590289-dbcf-da72-7237-939da2218222	f4067cb3-1ee6-2863-1c4a-f08f9b13b707	Faltan toallas de playa en la lavandería, ¿pedimos más?	housekeeping	waiting	1	2025-08-29 13:09:00+00	2025-08-29 13:09:00+00
64cea5a1-9b39-d959-9937-b744717728ca	3922e3f8-3426-1ad9-ab60-91814de593b1	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	calendar	waiting	1	2025-09-03 15:14:00+00	2025-09-03 15:14:00+00
b1653c5c-de42-e415-dbe0-b77e35d7a634	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	La bomba de agua hace ruido otra vez.	maintenance	closed	2	2025-09-08 12:59:19+00	2025-09-08 12:59:00+00
30957694-407c-f9ac-99b8-bd1f2266997a	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	How do I tell a guest politely that the pool closes at 9 pm?	guests	waiting	1	2025-09-13 18:23:00+00	2025-09-13 18:23:00+00
1362c9f6-4caf-4a8a-74fa-a1710bb2ff92	9d2dbd28-809b-1fe4-9973-460f0d5bef67	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	sire	waiting	1	2025-09-18 19:03:00+00	2025-09-18 19:03:00+00
924901c8-ac4e-cb3e-754f-8c8c419eac94	ec590289-dbcf-da72-7237-939da2218222	6fb9696e-53d0-9ee5-74a3-f57c6bc27df2	¿Cuánto cuesta la cabaña en Semana Santa?	pricing	closed	2	2025-09-23 15:58:19+00	2025-09-23 15:58:00+00
cc5774cd-963d-8cb2-4b40-d15538fbc18a	ec590289-dbcf-da72-7237-939da2218222	f4067cb3-1ee6-2863-1c4a-f08f9b13b707	¿Cuándo tengo que reportar la salida de la habitación A-101?	sire	open	1	2025-09-28 17:10:00+00	2025-09-28 17:10:00+00
dd71ec72-ea9c-f5b9-dc8c-f3673eb582d0	3922e3f8-3426-1ad9-ab60-91814de593b1	1b871e75-359b-ea8b-0a8a-bdc5d61e6eeb	¿Quién llega mañana y a qué hora?	arrivals	open	1	2025-10-03 21:48:00+00	2025-10-03 21:48:00+00
f0a1f6c7-e512-944b-7c8c-d1f0bed7c5d1	ec590289-dbcf-da72-7237-939da2218222	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	Faltan toallas de playa en la lavandería, ¿pedimos más?	housekeeping	closed	2	2025-10-08 13:57:19+00	2025-10-08 13:57:00+00
06286382-c8b8-db3f-41a5-dc30209829d9	ec590289-dbcf-da72-7237-939da2218222	155262a3-28d3-0b7b-eb28-19c1dd8725e1	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	calendar	closed	2	2025-10-13 17:09:19+00	2025-10-13 17:09:00+00
\.
COMMIT;

-- public.user_tenant_permissions, copy: what it refers to is loaded before it: public.staff_users, public.tenant_registry
BEGIN;
COPY public.user_tenant_permissions (tenant_id, user_id, granted_by, permissions, granted_at, expires_at) FROM stdin;
9d2dbd28-809b-1fe4-9973-460f0d5bef67	9198a9cb-3bbd-da56-c959-2f16d9dc835a	155262a3-28d3-0b7b-eb28-19c1dd8725e1	{read,chat}	2024-12-22 14:15:00+00	infinity
3922e3f8-3426-1ad9-ab60-91814de593b1	15802615-2f9c-4f72-ccff-2b3a0f756ba9	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	{read,chat,export}	2025-01-12 14:15:00+00	infinity
ec590289-dbcf-da72-7237-939da2218222	a6d67cf6-a62e-85a4-2ba4-28fa1bf5fc5b	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	{read}	2025-02-02 14:15:00+00	infinity
9d2dbd28-809b-1fe4-9973-460f0d5bef67	2ba10b82-c169-09e2-1d63-377e7a0586b2	\N	{read,chat}	2025-02-23 14:15:00+00	infinity
3922e3f8-3426-1ad9-ab60-91814de593b1	1bfa1e33-b303-e2c3-2744-66efbc5f18ba	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	{read,chat,export}	2025-03-16 14:15:00+00	2025-12-31 00:00:00+00
ec590289-dbcf-da72-7237-939da2218222	c34e31d3-2889-8694-26c6-b235f8f0a439	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	{read}	2025-04-06 14:15:00+00	infinity
9d2dbd28-809b-1fe4-9973-460f0d5bef67	ee6182a0-29b6-1ac1-e076-cc0313cfa25f	155262a3-28d3-0b7b-eb28-19c1dd8725e1	{read,chat}	2025-04-27 14:15:00+00	infinity
3922e3f8-3426-1ad9-ab60-91814de593b1	25cb27a7-e593-04c6-cd20-e925757259cb	\N	{read,chat,export}	2025-05-18 14:15:00+00	infinity
ec590289-dbcf-da72-7237-939da2218222	ce798eb1-f592-0aa2-b481-3a7125889e09	2216d85e-3e3f-7b36-0c45-b9cdc1a01dad	{read}	2025-06-08 14:15:00+00	infinity
9d2dbd28-809b-1fe4-9973-460f0d5bef67	cd24848d-9514-530a-b5a3-7e259190d272	155262a3-28d3-0b7b-eb28-19c1dd8725e1	{read,chat}	2025-06-29 14:15:00+00	2025-12-31 00:00:00+00
3922e3f8-3426-1ad9-ab60-91814de593b1	07ceb7dc-cce8-c197-4a27-f7609203a47c	592b1a97-da1d-fffb-f5b2-b5d1a6e48239	{read,chat,export}	2025-07-20 14:15:00+00	infinity
\.
COMMIT;

-- public.staff_messages, copy: what it refers to is loaded before it: public.staff_conversations
BEGIN;
ALTER TABLE public.staff_messages DISABLE TRIGGER USER;
COPY public.staff_messages (id, conversation_id, sender, content, sources, confidence, created_at) FROM stdin;
1	0a031db6-3532-b439-eb6e-2a5fdb2fe182	staff	¿Quién llega mañana y a qué hora?	{}	\N	2025-03-17 18:52:00+00
2	18844178-0899-8b1f-f8ce-11f28c19c903	staff	Faltan toallas de playa en la lavandería, ¿pedimos más?	{}	\N	2025-03-22 13:46:00+00
3	a322f7f1-25ee-0ab7-9314-08ea5c766f80	staff	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	{}	\N	2025-03-27 17:43:00+00
4	a322f7f1-25ee-0ab7-9314-08ea5c766f80	assistant	Vale la reserva de Airbnb: el calendario de MotoPress no se ha sincronizado desde ayer.	{calendar_events}	0.78	2025-03-27 17:43:19+00
5	399a1c25-9020-e063-3246-165ba57c1b28	staff	La bomba de agua hace ruido otra vez.\n¿A quién llamé la última vez?	{}	\N	2025-04-01 21:24:00+00
6	7277f4f3-3f97-1705-6304-8b6ea797c850	staff	How do I tell a guest politely that the pool closes at 9 pm?	{}	\N	2025-04-06 12:53:00+00
7	3403b38a-4e0d-a141-a187-21963c7713c3	staff	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	{}	\N	2025-04-11 20:07:00+00
8	3403b38a-4e0d-a141-a187-21963c7713c3	assistant	No para el reporte. Anote la fecha tal como está en el documento.	{sire_document_types}	0.56	2025-04-11 20:07:19+00
9	83dd21cf-fb0c-658a-f525-b18702dd8701	staff	¿Cuánto cuesta la cabaña en Semana Santa?	{}	\N	2025-04-16 17:49:00+00
10	dc607c58-6e50-4146-253c-4217055b89a4	staff	¿Cuándo tengo que reportar la salida de la habitación A-101?	{}	\N	2025-04-21 18:57:00+00
11	4b98142c-f051-4874-9d37-3204f8c5fe41	staff	¿Quién llega mañana y a qué hora?	{}	\N	2025-04-26 14:10:00+00
12	4b98142c-f051-4874-9d37-3204f8c5fe41	assistant	Dos reservas: una a las 13:40 en vuelo desde Bogotá y otra sin hora informada.	{guest_reservations}	0.81	2025-04-26 14:10:19+00
13	762fd09f-6706-4e49-ad1c-b0e24238ca3a	staff	Faltan toallas de playa en la lavandería, ¿pedimos más?	{}	\N	2025-05-01 13:06:00+00
14	9035b156-caa0-76e0-a662-2718c29070ed	staff	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	{}	\N	2025-05-06 15:15:00+00
15	261865bf-0688-5c4d-76c5-1c178e2482e9	staff	La bomba de agua hace ruido otra vez.\n¿A quién llamé la última vez?	{}	\N	2025-05-11 12:26:00+00
16	261865bf-0688-5c4d-76c5-1c178e2482e9	assistant	En febrero vino el técnico de la planta; el número está en la carpeta C:\\Mantenimiento\\2025.	{hotel_operations}	0.75	2025-05-11 12:26:19+00
17	0738088d-f51b-95c4-6e9a-74f746e2606c	staff	How do I tell a guest politely that the pool closes at 9 pm?	{}	\N	2025-05-16 21:40:00+00
18	70ce7241-806f-4cb2-e46e-5b59a03efe93	staff	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	{}	\N	2025-05-21 15:06:00+00
19	91414fdd-1797-4478-332c-203726f5b34a	staff	¿Cuánto cuesta la cabaña en Semana Santa?	{}	\N	2025-05-26 18:35:00+00
20	91414fdd-1797-4478-332c-203726f5b34a	assistant	Temporada alta: 40 % más que el precio base, mínimo cuatro noches.	{accommodation_units_public}	0.78	2025-05-26 18:35:19+00
21	b9d74520-b78d-458d-83a0-345b8fa7b5a6	staff	¿Cuándo tengo que reportar la salida de la habitación A-101?	{}	\N	2025-05-31 16:53:00+00
22	63288f26-492c-8148-df71-aeeb67a90e55	staff	¿Quién llega mañana y a qué hora?	{}	\N	2025-06-05 14:28:00+00
23	3e7ddf7e-a40b-bcd8-264e-345d546e5f97	staff	Faltan toallas de playa en la lavandería, ¿pedimos más?	{}	\N	2025-06-10 16:09:00+00
24	3e7ddf7e-a40b-bcd8-264e-345d546e5f97	assistant	Quedan 14 y hay 9 huéspedes. El proveedor entrega los martes.	{hotel_operations}	0.74	2025-06-10 16:09:19+00
25	c3bdfdc5-9ec4-44ba-ddcd-d780e134d2cd	staff	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	{}	\N	2025-06-15 19:29:00+00
26	65a2cba9-0ba7-f0f6-3dff-f79883ac0650	staff	La bomba de agua hace ruido otra vez.\n¿A quién llamé la última vez?	{}	\N	2025-06-20 21:42:00+00
27	81454e3b-3381-0d27-8931-f79968f3e28d	staff	How do I tell a guest politely that the pool closes at 9 pm?	{}	\N	2025-06-25 12:12:00+00
28	81454e3b-3381-0d27-8931-f79968f3e28d	assistant	Try: "The pool rests from nine in the evening, so that all our guests can sleep well."	{policies}	0.94	2025-06-25 12:12:19+00
29	83beba62-2095-a7d2-2000-b9f9b33b30ae	staff	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	{}	\N	2025-06-30 17:43:00+00
30	2a9be01a-3b11-c254-1426-0cf808b2a34c	staff	¿Cuánto cuesta la cabaña en Semana Santa?	{}	\N	2025-07-05 20:04:00+00
31	4b063d68-6e6e-062d-7f32-21c1e7a97f75	staff	¿Cuándo tengo que reportar la salida de la habitación A-101?	{}	\N	2025-07-10 12:51:00+00
32	4b063d68-6e6e-062d-7f32-21c1e7a97f75	assistant	Dentro de las 24 horas siguientes a la salida. El huésped sigue registrado.	{sire_content}	0.98	2025-07-10 12:51:19+00
33	98b0e368-36a9-f621-2c20-59b5437a6489	staff	¿Quién llega mañana y a qué hora?	{}	\N	2025-07-15 13:17:00+00
34	8be11fe2-236f-68dd-4824-83b496babe50	staff	Faltan toallas de playa en la lavandería, ¿pedimos más?	{}	\N	2025-07-20 12:49:00+00
35	6f3961bf-3354-f8ab-bead-2753dda21be4	staff	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	{}	\N	2025-07-25 14:09:00+00
36	6f3961bf-3354-f8ab-bead-2753dda21be4	assistant	Vale la reserva de Airbnb: el calendario de MotoPress no se ha sincronizado desde ayer.	{calendar_events}	0.7	2025-07-25 14:09:19+00
37	863834ac-7f0d-d426-1278-e3111ff8eb55	staff	La bomba de agua hace ruido otra vez.\n¿A quién llamé la última vez?	{}	\N	2025-07-30 14:26:00+00
38	c2afe7ca-5b75-fcc9-199a-1aa0351f21d7	staff	How do I tell a guest politely that the pool closes at 9 pm?	{}	\N	2025-08-04 18:08:00+00
39	f5f822a4-89a0-e0f1-66ba-705fa6bff32f	staff	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	{}	\N	2025-08-09 13:01:00+00
40	f5f822a4-89a0-e0f1-66ba-705fa6bff32f	assistant	No para el reporte. Anote la fecha tal como está en el documento.	{sire_document_types}	0.93	2025-08-09 13:01:19+00
41	0dca8999-9c3d-1cc3-67b8-e9e5418abcca	staff	¿Cuánto cuesta la cabaña en Semana Santa?	{}	\N	2025-08-14 15:20:00+00
42	a28bbcda-d7a9-c656-62df-08a9c47ffa88	staff	¿Cuándo tengo que reportar la salida de la habitación A-101?	{}	\N	2025-08-19 17:36:00+00
43	50a03291-4b5a-8cc3-9091-20be0d5f15f2	staff	¿Quién llega mañana y a qué hora?	{}	\N	2025-08-24 14:07:00+00
44	50a03291-4b5a-8cc3-9091-20be0d5f15f2	assistant	Dos reservas: una a las 13:40 en vuelo desde Bogotá y otra sin hora informada.	{guest_reservations}	0.7	2025-08-24 14:07:19+00
45	0c243026-ca1f-1577-fadb-eabfe89a2a36	staff	Faltan toallas de playa en la lavandería, ¿pedimos más?	{}	\N	2025-08-29 13:09:00+00
46	64cea5a1-9b39-d959-9937-b744717728ca	staff	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	{}	\N	2025-09-03 15:14:00+00
47	b1653c5c-de42-e415-dbe0-b77e35d7a634	staff	La bomba de agua hace ruido otra vez.\n¿A quién llamé la última vez?	{}	\N	2025-09-08 12:59:00+00
48	b1653c5c-de42-e415-dbe0-b77e35d7a634	assistant	En febrero vino el técnico de la planta; el número está en la carpeta C:\\Mantenimiento\\2025.	{hotel_operations}	0.87	2025-09-08 12:59:19+00
49	30957694-407c-f9ac-99b8-bd1f2266997a	staff	How do I tell a guest politely that the pool closes at 9 pm?	{}	\N	2025-09-13 18:23:00+00
50	1362c9f6-4caf-4a8a-74fa-a1710bb2ff92	staff	El pasaporte del señor del 204 vence en una semana, ¿es un problema?	{}	\N	2025-09-18 19:03:00+00
51	924901c8-ac4e-cb3e-754f-8c8c419eac94	staff	¿Cuánto cuesta la cabaña en Semana Santa?	{}	\N	2025-09-23 15:58:00+00
52	924901c8-ac4e-cb3e-754f-8c8c419eac94	assistant	Temporada alta: 40 % más que el precio base, mínimo cuatro noches.	{accommodation_units_public}	0.78	2025-09-23 15:58:19+00
53	cc5774cd-963d-8cb2-4b40-d15538fbc18a	staff	¿Cuándo tengo que reportar la salida de la habitación A-101?	{}	\N	2025-09-28 17:10:00+00
54	dd71ec72-ea9c-f5b9-dc8c-f3673eb582d0	staff	¿Quién llega mañana y a qué hora?	{}	\N	2025-10-03 21:48:00+00
55	f0a1f6c7-e512-944b-7c8c-d1f0bed7c5d1	staff	Faltan toallas de playa en la lavandería, ¿pedimos más?	{}	\N	2025-10-08 13:57:00+00
56	f0a1f6c7-e512-944b-7c8c-d1f0bed7c5d1	assistant	Quedan 14 y hay 9 huéspedes. El proveedor entrega los martes.	{hotel_operations}	0.79	2025-10-08 13:57:19+00
57	06286382-c8b8-db3f-41a5-dc30209829d9	staff	Airbnb muestra ocupado el 14, pero aquí está libre. ¿Cuál vale?	{}	\N	2025-10-13 17:09:00+00
58	06286382-c8b8-db3f-41a5-dc30209829d9	assistant	Vale la reserva de Airbnb: el calendario de MotoPress no se ha sincronizado desde ayer.	{calendar_events}	0.94	2025-10-13 17:09:19+00
\.
ALTER TABLE public.staff_messages ENABLE TRIGGER staff_messages_count;
COMMIT;

-- sequences
BEGIN;
SELECT pg_catalog.setval('public.hotel_operations_id_seq', 12, true);
SELECT pg_catalog.setval('public.staff_messages_id_seq', 58, true);
COMMIT;
