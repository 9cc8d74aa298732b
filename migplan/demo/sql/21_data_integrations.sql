-- Connections to other platforms, and the runs of the jobs. The tokens are words, not secrets.

INSERT INTO public.integration_configs (id, tenant_id, provider, settings, is_enabled, created_at, updated_at)
SELECT demo_data.uid('integration', v.n), t.id, v.provider, v.settings::jsonb, v.enabled,
    demo_data.moment(date '2025-01-15' + v.n, 640), demo_data.moment(date '2025-08-01' + v.n, 645)
FROM (VALUES
    (1, 1, 'motopress', '{"url": "https://brisamar.example.com/wp-json/mphb/v1",
        "token": "demo-token-motopress", "rooms": {"101": "A-101"}}', true),
    (2, 1, 'whatsapp', '{"phone": "+1 202 555 0111", "token": "demo-token-whatsapp", "retry": [1, 5, 25]}', true),
    (3, 2, 'airbnb', '{"listing": "900000000000000002", "token": null}', false)
) AS v (n, tenant, provider, settings, enabled)
JOIN demo_data.tenants AS t ON t.n = v.tenant
ORDER BY v.n;

-- Numbers skip the runs that were deleted, as serial numbers do.
INSERT INTO public.job_logs (id, tenant_id, job_name, status, started_at, finished_at, details)
SELECT n + n / 6, CASE WHEN n % 3 <> 0 THEN demo_data.uid('tenant', n % 3) END,
    CASE WHEN n % 3 = 0 THEN 'purge_expired_sessions' ELSE 'sync_calendars' END,
    (CASE WHEN n = 39 THEN 'running' WHEN n % 11 = 5 THEN 'failed' ELSE 'succeeded' END)::public.job_status,
    began_at,
    CASE WHEN n <> 39 THEN began_at + (400 + demo_data.num('lasted ' || n, 90000)) * interval '1 millisecond' END,
    CASE WHEN n = 39 THEN '{}'::jsonb
         WHEN n % 11 = 5 THEN '{"error": "HTTP 503", "attempts": 3}'
         WHEN n % 3 = 0 THEN jsonb_build_object('deleted', demo_data.num('deleted ' || n, 9))
         ELSE jsonb_build_object('feeds', 4 - n % 3, 'changed', demo_data.num('changed ' || n, 5)) END
FROM (
    SELECT n, demo_data.moment(date '2025-10-12' + n / 2, CASE n % 2 WHEN 0 THEN 180 ELSE 195 END) AS began_at
    FROM generate_series(1, 39) AS n
) AS runs
ORDER BY n;

-- What the website publishes lies in the schema hotels.
INSERT INTO hotels.accommodation_units (id, tenant_id, name, capacity, view_type, images, display_order, created_at)
SELECT demo_data.uid('website unit', number), t.id,
    (ARRAY['Suite', 'Cabaña', 'Habitación'])[t.n] || ' ' || (ARRAY['Aurora', 'Simón', 'Jade', 'Ñandú'])[1 + (number - 1) % 4],
    2 + number % 3, CASE WHEN number % 4 <> 0 THEN (ARRAY['mar', 'jardín', 'calle'])[1 + number % 3] END,
    ARRAY['site/' || number || '.webp'], 1 + (number - 1) % 4, demo_data.moment(date '2025-01-30' + number, 720)
FROM generate_series(1, 12) AS number
JOIN demo_data.tenants AS t ON t.n = 1 + (number - 1) / 4
ORDER BY number;

INSERT INTO hotels.policies (id, accommodation_unit_id, policy_type, body)
SELECT demo_data.uid('website policy', (n - 1) * 2 + rule.place), demo_data.uid('website unit', n),
    rule.policy_type, rule.body
FROM generate_series(1, 9) AS n
CROSS JOIN (VALUES
    (1, 'cancellation', 'Sin costo hasta siete días antes; después, una noche.'),
    (2, 'pets', 'Mascotas pequeñas, con aviso previo.')
) AS rule (place, policy_type, body)
ORDER BY n, rule.place;

INSERT INTO hotels.tenant_knowledge_embeddings (id, tenant_id, question, answer, embedding, created_at)
SELECT (t.n - 1) * 8 + faq.place, t.id, faq.question, replace(faq.answer, '{hotel}', t.hotel_name),
    demo_data.embedding('faq ' || faq.place, t.subdomain || faq.place, 32, 40, 100)::vector(32),
    demo_data.moment(date '2025-04-01' + t.n, 500 + faq.place)
FROM demo_data.tenants AS t
CROSS JOIN (VALUES
    (1, '¿Hay desayuno?', 'En {hotel} se sirve de 7 a 10.'),
    (2, '¿Se puede pagar con tarjeta?', 'Sí, también en dólares.'),
    (3, '¿Hay ascensor?', 'No; la planta baja no tiene escalones.'),
    (4, 'Is there a crib?', 'Yes, free of charge, if you tell {hotel} before.'),
    (5, 'Can I store my bags?', 'Yes, all day.'),
    (6, '¿Venden la tarjeta de turismo?', 'Se compra en el aeropuerto de salida.'),
    (7, '¿Dónde se cambia dinero?', 'En el banco de la plaza, por la mañana.'),
    (8, 'Do you speak English?', 'Everybody at {hotel} does, and Creole too.')
) AS faq (place, question, answer)
ORDER BY t.n, faq.place;

INSERT INTO hotels.tenant_muva_content (id, subdomain, title, content, embedding)
SELECT (t.n - 1) * 5 + tip.place, t.subdomain, tip.title, tip.content,
    demo_data.embedding('tip ' || tip.place, t.subdomain || ' tip ' || tip.place, 32, 40, 100)::vector(32)
FROM demo_data.tenants AS t
CROSS JOIN (VALUES
    (1, 'La panadería de la esquina', 'Abre a las 5:30; el pan de coco se acaba a las 8.'),
    (2, 'Para correr', 'Por el borde del agua, antes de las 7, tres kilómetros sin carros.'),
    (3, 'La tienda de siempre', 'Fían una vez. La segunda hay que pagar.'),
    (4, 'Un buen café', 'Donde doña Mirna: tinto, arepa de huevo y noticias.'),
    (5, 'Si hay que esperar', 'La biblioteca tiene ventilador y wifi gratis.')
) AS tip (place, title, content)
ORDER BY t.n, tip.place;
