-- Sequences stand where the data ends, the helpers go, and the planner learns what there is.

SELECT setval('public.booking_number_seq', (SELECT max(booking_number) FROM public.guest_reservations));
SELECT setval(pg_get_serial_sequence('public.code_embeddings', 'id'), 4333);
SELECT setval(pg_get_serial_sequence('public.hotel_operations', 'id'), 12);
SELECT setval(pg_get_serial_sequence('public.staff_messages', 'id'), (SELECT max(id) FROM public.staff_messages));
SELECT setval(pg_get_serial_sequence('public.accommodation_units_manual_chunks', 'id'),
    (SELECT max(id) FROM public.accommodation_units_manual_chunks));
-- One number was drawn by a run that never came to write its row.
SELECT setval(pg_get_serial_sequence('public.job_logs', 'id'), (SELECT max(id) + 1 FROM public.job_logs));
SELECT setval(pg_get_serial_sequence('hotels.tenant_knowledge_embeddings', 'id'),
    (SELECT max(id) FROM hotels.tenant_knowledge_embeddings));
SELECT setval(pg_get_serial_sequence('hotels.tenant_muva_content', 'id'), (SELECT max(id) FROM hotels.tenant_muva_content));

-- A CASCADE here would say a notice for each object that goes with the schema.
SET client_min_messages = warning;
DROP SCHEMA demo_data CASCADE;
RESET client_min_messages;

ANALYZE;
