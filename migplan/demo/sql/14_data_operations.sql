-- Houses, staff, permissions, templates and the work that returns.

INSERT INTO public.hotels
    (id, tenant_id, name, slug, address, star_rating, check_in_time, check_out_time, contact_email, contact_phone,
     amenities, is_active, created_at, updated_at)
SELECT t.hotel_id, t.id, t.hotel_name, v.slug, ROW(v.street, v.city, v.department, 'CO')::public.postal_address,
    v.stars, v.check_in::time, v.check_out::time, 'reservas@' || t.subdomain || '.example.com',
    '+1 202 555 01' || (10 + t.n), v.amenities, true, v.created_at, v.updated_at
FROM demo_data.tenants AS t
JOIN (VALUES
    (1, 'posada-brisa-del-mar', 'Av. Colombia 2-77, "El Cove"', 'San Andrés', 'San Andrés y Providencia', 3::smallint,
        '15:00', '11:00', ARRAY['piscina', 'wifi', 'desayuno', 'alquiler de bicicletas'],
        timestamptz '2024-10-01 14:10:00+00', timestamptz '2025-07-14 12:00:00+00'),
    (2, 'casa-coral', 'Bahía Suroeste, lote 4', 'Providencia', 'San Andrés y Providencia', NULL,
        '14:00', '10:30', ARRAY['wifi', 'kayak'],
        timestamptz '2024-10-09 17:00:00+00', timestamptz '2025-05-03 09:30:00+00'),
    (3, 'mirador-getsemani', 'Calle de la Sierpe 29-140', 'Cartagena de Indias', 'Bolívar', 4::smallint,
        '15:30', '12:00', '{}',
        timestamptz '2024-11-21 16:00:00+00', timestamptz '2025-01-15 18:45:00+00')
) AS v (n, slug, street, city, department, stars, check_in, check_out, amenities, created_at, updated_at) USING (n)
ORDER BY t.n;

-- One owner, two managers whom she created, three colleagues whom they created. The identifiers come from digests and
-- rows are stored in their order, so that a copy in this order meets colleagues before those who created them.
CREATE TABLE demo_data.staff AS
SELECT v.*, demo_data.uid('staff', v.n) AS id, demo_data.uid('staff', v.boss) AS boss_id, t.id AS tenant_id, t.subdomain
FROM (VALUES
    (1, 1, NULL, 'Marcela Archbold Bryan', 'marcela', 'owner', date '2024-10-01'),
    (2, 1, 1, 'Julián Robinson', 'julian', 'manager', date '2024-10-15'),
    (3, 2, 1, 'Esther Newball', 'esther', 'manager', date '2024-10-20'),
    (4, 1, 2, 'Yuliana Pérez', 'yuliana', 'reception', date '2024-12-02'),
    (5, 1, 2, 'Kevin Hudgson', 'kevin', 'housekeeping', date '2025-02-17'),
    (6, 3, 3, 'Rosa Inés Cassiani', 'rosa', 'reception', date '2025-03-10')
) AS v (n, tenant, boss, name, mailbox, role, hired_on)
JOIN demo_data.tenants AS t ON t.n = v.tenant;

INSERT INTO public.staff_users
    (staff_id, tenant_id, created_by, full_name, email, phone, role, permissions, hired_on, last_login_at,
     last_login_ip, is_active, created_at, updated_at)
SELECT id, tenant_id, boss_id, name, mailbox || '@' || subdomain || '.example.com', '+1 202 555 01' || (20 + n),
    role::public.staff_role,
    CASE role
        WHEN 'owner' THEN '{"billing": true, "staff": true, "sire": true}'::jsonb
        WHEN 'manager' THEN '{"staff": true, "sire": true}'
        ELSE '{}'
    END,
    hired_on,
    CASE WHEN n <> 5 THEN demo_data.moment(date '2025-10-20' + n, 420 + n * 31) END,
    CASE WHEN n = 3 THEN inet '2001:db8:77::3' WHEN n <> 5 THEN inet '203.0.113.0' + n END,
    n <> 6, demo_data.moment(hired_on, 540 + n), demo_data.moment(date '2025-06-01' + n * 9, 600 + n)
FROM demo_data.staff
ORDER BY id;

INSERT INTO public.user_tenant_permissions (tenant_id, user_id, granted_by, permissions, granted_at, expires_at)
SELECT t.id, demo_data.uid('auth user', number),
    CASE WHEN number % 4 <> 0 THEN demo_data.uid('staff', 1 + number % 3) END,
    CASE number % 3 WHEN 0 THEN ARRAY['read'] WHEN 1 THEN ARRAY['read', 'chat'] ELSE ARRAY['read', 'chat', 'export'] END,
    demo_data.moment(date '2024-12-01' + number * 21, 555),
    CASE WHEN number % 5 = 0 THEN timestamptz '2025-12-31 00:00:00+00' ELSE 'infinity' END
FROM generate_series(1, 11) AS number
JOIN demo_data.tenants AS t ON t.n = 1 + number % 3
ORDER BY number;

INSERT INTO public.whatsapp_message_templates
    (id, tenant_id, name, language, body, placeholders, is_approved, created_at, updated_at)
SELECT demo_data.uid('template', (t.n - 1) * 6 + v.n), t.id, v.name, v.language, v.body, v.placeholders,
    (t.n + v.n) % 5 <> 0, demo_data.moment(date '2025-01-20' + t.n, 500 + v.n),
    demo_data.moment(date '2025-02-11' + t.n + v.n, 700)
FROM demo_data.tenants AS t
CROSS JOIN (VALUES
    (1, 'booking_confirmed', 'es', 'Hola {{1}}, su reserva {{2}} está confirmada. ¡Lo esperamos!',
        ARRAY['guest_name', 'booking_number']),
    (2, 'booking_confirmed', 'en', 'Hello {{1}}, your booking {{2}} is confirmed. See you soon!',
        ARRAY['guest_name', 'booking_number']),
    (3, 'arrival_tomorrow', 'es', E'{{1}}, mañana lo recibimos desde las {{2}}.\n¿A qué hora llega su vuelo?',
        ARRAY['guest_name', 'check_in_time']),
    (4, 'arrival_tomorrow', 'en', E'{{1}}, we expect you tomorrow from {{2}}.\nWhen does your flight land?',
        ARRAY['guest_name', 'check_in_time']),
    (5, 'farewell', 'es', 'Gracias por su visita 🌴 Del 1 al 10, ¿cómo estuvo todo?', '{}'),
    (6, 'farewell', 'en', 'Thank you for staying with us 🌴 From 1 to 10, how was it?', '{}')
) AS v (n, name, language, body, placeholders)
ORDER BY t.n, v.n;

INSERT INTO public.hotel_operations
    (id, tenant_id, hotel_id, created_by, operation_type, title, schedule, usual_duration, next_due_at, cost,
     created_at, updated_at)
SELECT v.id, t.id, t.hotel_id, demo_data.uid('staff', v.staff), v.kind, v.title, v.schedule::jsonb, v.lasts::interval,
    demo_data.moment(date '2025-10-10' + v.id, 480), v.cost,
    demo_data.moment(date '2025-01-07' + v.id * 11, 600), demo_data.moment(date '2025-06-03' + v.id, 660)
FROM (VALUES
    (1, 1, 2, 'housekeeping', 'Cambio de sábanas, pisos 1 y 2', '{"weekdays": [1, 3, 5]}', '02:30:00', NULL),
    (2, 1, 2, 'maintenance', 'Filtro de la piscina', '{"every_days": 14}', '01:15:00', 85000.00),
    (3, 1, 4, 'supplies', 'Pedido de agua potable (carrotanque)', '{"weekdays": [2]}', '00:45:00', 320000.50),
    (4, 1, 1, 'safety', 'Revisión de extintores', '{"every_months": 12}', '03:00:00', 410000.00),
    (5, 2, 3, 'housekeeping', 'Limpieza de cabañas', '{"weekdays": [1, 2, 3, 4, 5, 6, 7]}', '04:00:00', NULL),
    (6, 2, 3, 'maintenance', 'Planta eléctrica: prueba con carga', '{"every_days": 30}', '00:40:00', 60000.00),
    (8, 2, 3, 'safety', 'Chalecos y boyas de los kayaks', '{"every_days": 7}', '00:20:00', NULL),
    (9, 3, 6, 'housekeeping', 'Terraza y áreas comunes', '{"weekdays": [1, 4]}', '01:30:00', NULL),
    (11, 3, 6, 'supplies', 'Café, azúcar y papel', '{"weekdays": [5]}', NULL, 145000.75),
    (12, 3, NULL, 'maintenance', 'Aire acondicionado: limpieza de filtros', '{"every_days": 45}', '06:00:00', 230000.00)
) AS v (id, tenant, staff, kind, title, schedule, lasts, cost)
JOIN demo_data.tenants AS t ON t.n = v.tenant
ORDER BY v.id;
