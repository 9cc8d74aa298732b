-- Reservations. Each tenant's stays follow one another, so that no unit is taken twice.

CREATE TABLE demo_data.stays AS
WITH placed AS (
    SELECT n, CASE WHEN n % 7 < 3 THEN 1 WHEN n % 7 < 5 THEN 2 ELSE 3 END AS tenant,
        2 + demo_data.num('nights ' || n, 4) AS nights
    FROM generate_series(1, 104) AS n
), dated AS (
    SELECT *, date '2024-12-02' + demo_data.num('arrival ' || n, 3)
        + CASE tenant WHEN 1 THEN 8 ELSE 12 END * (row_number() OVER (PARTITION BY tenant ORDER BY n) - 1)::integer
        AS arrives
    FROM placed
), booked AS (
    SELECT *, arrives + nights AS leaves,
        least(arrives - 6 - demo_data.num('lead ' || n, 50), date '2025-10-29') AS booked_on
    FROM dated
)
SELECT booked.n, demo_data.uid('reservation', booked.n) AS id, tenant, tenants.id AS tenant_id,
    -- The third tenant keeps its calendar in another system.
    CASE WHEN tenant < 3 THEN demo_data.uid('unit', tenant) END AS unit_id,
    arrives, leaves, nights, booked_on,
    (CASE
        WHEN booked.n % 17 = 0 THEN 'cancelled'
        WHEN leaves <= date '2025-11-01' THEN CASE WHEN booked.n % 23 = 0 THEN 'no_show' ELSE 'completed' END
        WHEN arrives <= date '2025-11-01' THEN 'checked_in'
        WHEN booked.n % 2 = 0 THEN 'pending'
        ELSE 'confirmed'
    END)::public.reservation_status AS status
FROM booked
JOIN demo_data.tenants AS tenants ON tenants.n = booked.tenant
ORDER BY booked.n;

INSERT INTO public.guest_reservations
    (id, tenant_id, accommodation_unit_id, booking_number, guest_name, guest_email, guest_phone, nationality_code,
     document_type_code, document_number, check_in_date, check_out_date, adults, children, total_amount, currency,
     status, booked_through, special_requests, tags, created_at, updated_at)
SELECT s.id, s.tenant_id, s.unit_id, 20000 + row_number() OVER (ORDER BY s.booked_on, s.n), g.name,
    CASE WHEN s.n % 13 <> 0 THEN g.mailbox || (ARRAY['@example.com', '@example.org', '@example.net'])[1 + s.n % 3] END,
    CASE WHEN s.n % 9 <> 0 THEN '+1 202 555 01' || lpad((s.n % 100)::text, 2, '0') END,
    g.country, CASE WHEN g.country <> '169' THEN '3' END,
    CASE WHEN g.country <> '169' THEN 'DEMO' || upper(substr(md5('document ' || s.n), 1, 6)) END,
    s.arrives, s.leaves, 1 + s.n % 3, CASE WHEN s.n % 5 = 0 THEN 2 ELSE 0 END,
    CASE WHEN s.n % 4 = 1 THEN s.nights * 98.75 ELSE s.nights * (250000 + 5000 * (s.n % 40)) END,
    CASE WHEN s.n % 4 = 1 THEN 'USD' ELSE 'COP' END,
    s.status,
    (ARRAY['direct', 'airbnb', 'booking', 'direct', 'motopress', 'vrbo'])[1 + s.n % 6]::public.calendar_source,
    CASE s.n % 12
        WHEN 0 THEN '' WHEN 1 THEN 'Cuna para bebé, por favor 🙏'
        WHEN 2 THEN E'Late arrival (23:40).\nPlease leave the key.'
        WHEN 3 THEN 'Vegetariana; alérgica al maní' WHEN 4 THEN E'Room away from the bar.\tThanks!'
        WHEN 5 THEN 'Aniversario: ¿flores?' WHEN 6 THEN E'Our photos are in C:\\new\\trip, shall I print them?'
    END,
    CASE s.n % 8 WHEN 0 THEN ARRAY['vip', 'repeat guest'] WHEN 3 THEN ARRAY['honeymoon']
        WHEN 5 THEN ARRAY['say "hola", twice'] ELSE '{}' END,
    demo_data.moment(s.booked_on, 400 + demo_data.num('booked ' || s.n, 900)),
    demo_data.moment(s.booked_on + 1, 480 + s.n)
FROM demo_data.stays AS s
JOIN demo_data.guests AS g USING (n)
ORDER BY s.n;

-- 85 reservations have lines, eight of them a second one: 93.
INSERT INTO public.reservation_accommodations
    (reservation_id, line_number, accommodation_unit_id, unit_label, guests, price, created_at)
SELECT s.id, line, CASE line WHEN 1 THEN s.unit_id END,
    CASE line WHEN 1 THEN (ARRAY['Apartamento Arrecife', 'Cabaña Manzanillo', 'Suite Getsemaní'])[s.tenant]
        ELSE 'Cama extra' END,
    CASE line WHEN 1 THEN 1 + s.n % 3 ELSE 1 END,
    CASE line WHEN 1 THEN s.nights * (250000 + 5000 * (s.n % 40)) ELSE s.nights * 45000 END,
    demo_data.moment(s.booked_on, 400 + demo_data.num('booked ' || s.n, 900))
FROM demo_data.stays AS s
CROSS JOIN generate_series(1, 2) AS line
WHERE s.n <= 85 AND (line = 1 OR s.n % 10 = 6)
ORDER BY s.n, line;

INSERT INTO public.chat_conversations (id, tenant_id, reservation_id, title, transcript, created_at, updated_at)
SELECT demo_data.uid('old chat', v.n), s.tenant_id, CASE v.n WHEN 1 THEN s.id END, v.title, v.transcript::jsonb,
    demo_data.moment(s.booked_on, 700), demo_data.moment(s.booked_on, 731)
FROM (VALUES
    (1, 1, 'Consulta sobre el traslado',
        '[{"from": "guest", "text": "¿Hay traslado desde el aeropuerto?"}, {"from": "staff", "text": "Sí, 25.000 pesos."}]'),
    (2, 4, 'Prueba del chat', '[]')
) AS v (n, stay, title, transcript)
JOIN demo_data.stays AS s ON s.n = v.stay
ORDER BY v.n;

INSERT INTO public.guest_feedback (reservation_id, score, comment, reply, submitted_at)
SELECT s.id, v.score, v.comment, v.reply, demo_data.moment(s.leaves + 1, 590 + v.place * 13)
FROM (VALUES
    (1, 10, 'Todo perfecto. Volveremos con los abuelos.', '¡Los esperamos!'),
    (2, 9, 'Lovely hosts, the reef is right there.', NULL),
    (3, 7, 'Sehr schön, aber das Bett war etwas weich.', 'Danke! Die Matratze ist inzwischen neu.'),
    (4, 10, NULL, NULL),
    (5, 8, 'とても楽しかったです。朝ごはんが最高でした。', NULL),
    (6, 4, E'Dwa dni bez ciepłej wody.\nMiła obsługa.', 'Perdón por el calentador; le devolvimos una noche.'),
    (7, 10, 'El desayuno con johnny cake 😍', NULL),
    (8, 6, 'Calme le jour, moins la nuit.', NULL),
    (9, 9, 'Прекрасный вид на море!', 'Gracias, Olga.'),
    (10, 10, 'Sure it''s paradise.', NULL),
    (11, 8, 'Buen precio, wifi lento.', 'Ya hay fibra.'),
    (12, 9, 'Amei! O café é ótimo.', NULL),
    (13, 3, 'Flyet var forsinket, og ingen var i resepsjonen.', NULL),
    (14, 10, 'Υπέροχα!', NULL),
    (15, 1, '', 'Escríbanos, por favor: queremos entender qué pasó.')
) AS v (place, score, comment, reply)
JOIN demo_data.stays AS s ON s.n = v.place
ORDER BY v.place;
