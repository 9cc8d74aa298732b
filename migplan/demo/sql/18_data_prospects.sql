-- Visitors who asked before booking. Every thirteenth booked in the end.

CREATE TABLE demo_data.visits AS
SELECT number AS n, demo_data.uid('session', number) AS id, t.n AS tenant, t.id AS tenant_id, t.hotel_name,
    demo_data.moment(date '2024-10-12' + number * 384 / 412, demo_data.num('visit ' || number, 1200)) AS began_at,
    date '2024-10-12' + number * 384 / 412 + 10 + demo_data.num('wish ' || number, 60) AS wants_from,
    1 + demo_data.num('party ' || number, 5) AS party,
    number % 13 = 0 AS converted,
    ask.question, ask.answer
FROM generate_series(1, 412) AS number
JOIN demo_data.tenants AS t ON t.n = (ARRAY[1, 1, 2, 3])[1 + number % 4]
JOIN (VALUES
    (0, '¿Tienen habitación para el puente?', 'Sí, nos quedan dos.'),
    (1, 'Is breakfast included?', 'Yes, from 7 to 10.'),
    (2, '¿Aceptan mascotas?', 'Pequeñas, sí.'),
    (3, 'How far is the beach?', 'Six minutes on foot.'),
    (4, 'Vocês têm piscina?', 'Sim, até as 21h.'),
    (5, '¿Cuánto vale la noche para cuatro?', 'Desde 420.000 pesos.'),
    (6, 'Gibt es WLAN?', 'Ja, kostenlos.'),
    (7, 'Do I need a tourist card for the island?', 'Yes, you buy it at the airport.'),
    (8, '¿Hay parqueadero?', 'Para motos y mulas.'),
    (9, 'シュノーケルはできますか', 'はい、毎朝あります。'),
    (10, 'Peut-on arriver à minuit ?', 'Oui, la clé vous attend.')
) AS ask (n, question, answer) ON ask.n = number % 11
ORDER BY number;

INSERT INTO public.prospective_sessions
    (session_id, tenant_id, cookie_id, status, conversation_history, travel_intent, utm_tracking, visitor_ip,
     converted_to_reservation_id, created_at, last_activity_at, expires_at)
SELECT v.id, v.tenant_id, 'pv_' || substr(md5('cookie ' || v.n), 1, 12),
    (CASE WHEN v.converted THEN 'converted' WHEN v.began_at < timestamptz '2025-10-25 00:00:00+00' THEN 'expired'
          ELSE 'active' END)::public.session_status,
    CASE WHEN v.n % 29 = 0 THEN '[]'::jsonb ELSE jsonb_build_array(
        jsonb_build_object('role', 'user', 'text', v.question), jsonb_build_object('role', 'bot', 'text', v.answer)) END,
    CASE v.n % 4
        WHEN 0 THEN '{}'::jsonb
        WHEN 1 THEN jsonb_build_object('guests', v.party)
        ELSE jsonb_build_object('guests', v.party, 'check_in', v.wants_from)
    END,
    CASE v.n % 5
        WHEN 0 THEN '{"source": "instagram"}'::jsonb WHEN 1 THEN '{"source": "google", "medium": "cpc"}'
    END,
    CASE WHEN v.n % 10 = 0 THEN inet '2001:db8::' + v.n
         WHEN v.n % 10 < 8 THEN inet '198.51.100.0' + v.n % 256 END,
    -- The next reservation of the tenant after the visit; a few were erased since.
    CASE WHEN v.converted THEN (
        SELECT r.id FROM public.guest_reservations AS r
        WHERE r.tenant_id = v.tenant_id AND r.created_at > v.began_at
        ORDER BY r.created_at, r.booking_number LIMIT 1
    ) END,
    v.began_at, v.began_at + (1 + demo_data.num('stayed ' || v.n, 90)) * interval '1 minute',
    v.began_at + interval '168 hours'
FROM demo_data.visits AS v
ORDER BY v.n;

INSERT INTO public.conversation_memory (id, session_id, summary, key_facts, covers_messages, created_at)
SELECT demo_data.uid('memory', number), v.id,
    format('Pregunta: %s Viaja%s; le interesa %s.', v.question,
        CASE WHEN v.party = 1 THEN ' solo' ELSE 'n ' || v.party || ' personas' END, v.hotel_name),
    jsonb_build_object('party', v.party, 'month', extract(month FROM v.wants_from)::integer),
    int4range(1, 3), v.began_at + interval '95 minutes'
FROM generate_series(1, 21) AS number
JOIN demo_data.visits AS v ON v.n = 19 * number
ORDER BY number;
