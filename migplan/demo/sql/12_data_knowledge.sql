-- What the assistants search: the application's own source code, and what there is around the hotels.

-- 482 files of nine pieces each, the last file cut short: together 4,333 pieces.
INSERT INTO public.code_embeddings (id, file_path, chunk_index, symbol, content, token_count, embedding)
SELECT n, place.folder || '/' || place.subject || CASE WHEN place.file % 16 < 4 THEN '.tsx' ELSE '.ts' END,
    (n - 1) % 9, v.verb || place.pascal,
    CASE n % 3
        WHEN 0 THEN 'export async function ' || v.verb || place.pascal || '(id: string)'
        WHEN 1 THEN 'const ' || v.verb || place.pascal || ' = (rows) => rows'
        ELSE 'if (!' || place.subject || ') throw new ' || place.pascal || 'Missing()'
    END,
    40 + demo_data.num('tokens ' || n, 360),
    demo_data.embedding('code ' || place.subject, 'piece ' || n, 32, 4, 10)::vector(32)
FROM generate_series(1, 4333) AS n
CROSS JOIN LATERAL (
    SELECT (n - 1) / 9 AS file,
        (ARRAY['src/app/chat', 'src/app/admin', 'src/components/ui', 'src/components/calendar', 'src/lib/sire',
               'src/lib/tenant', 'src/lib/search', 'src/lib/ics', 'src/lib/auth', 'src/api/guest', 'src/api/staff',
               'src/api/public', 'src/jobs', 'src/sync/airbnb', 'src/sync/motopress', 'scripts'])[1 + (n - 1) / 9 % 16]
            AS folder,
        (ARRAY['booking', 'guest', 'session', 'message', 'memory', 'unit', 'price', 'photo', 'season', 'event', 'feed',
               'conflict', 'policy', 'staff', 'role', 'tenant', 'cookie', 'intent', 'country', 'city', 'document',
               'export', 'manual', 'chunk', 'vector', 'upload', 'template', 'webhook', 'receipt', 'holiday', 'currency'
              ])[1 + (n - 1) / 144] AS subject,
        (ARRAY['Booking', 'Guest', 'Session', 'Message', 'Memory', 'Unit', 'Price', 'Photo', 'Season', 'Event', 'Feed',
               'Conflict', 'Policy', 'Staff', 'Role', 'Tenant', 'Cookie', 'Intent', 'Country', 'City', 'Document',
               'Export', 'Manual', 'Chunk', 'Vector', 'Upload', 'Template', 'Webhook', 'Receipt', 'Holiday', 'Currency'
              ])[1 + (n - 1) / 144] AS pascal
) AS place
CROSS JOIN LATERAL (
    SELECT (ARRAY['load', 'save', 'list', 'parse', 'format', 'check', 'merge', 'watch', 'drop'])[1 + (n - 1) % 9] AS verb
) AS v
ORDER BY n;

-- 53 places and 14 things to know of each: 742 texts.
INSERT INTO public.muva_content
    (id, category, title, content, city, tags, metadata, embedding, created_at, updated_at)
SELECT demo_data.uid('muva content', n), topic.category,
    topic.title || ': ' || place.name,
    format(topic.body, place.name, place.town,
        demo_data.pick(ARRAY['el malecón', 'el muelle', 'la plaza', 'la iglesia', 'el mercado'], 'mark ' || n),
        5 + 5 * demo_data.num('cost ' || n, 12)),
    place.town,
    ARRAY[topic.category, place.kind],
    jsonb_build_object('minutes', 5 + 5 * demo_data.num('minutes ' || n, 18), 'verified', n % 5 <> 0),
    -- A few texts still wait for their embedding.
    CASE WHEN n % 97 <> 0 THEN demo_data.embedding('muva ' || topic.category, 'text ' || n, 32, 40, 100)::vector(32) END,
    demo_data.moment(date '2024-10-03' + n / 4, 480 + n % 500),
    demo_data.moment(date '2025-04-10' + n % 120, 600 + n % 300)
FROM (VALUES
    (1, 'Johnny Cay', 'San Andrés', 'isla'), (2, 'Spratt Bight', 'San Andrés', 'playa'),
    (3, 'Hoyo Soplador', 'San Andrés', 'naturaleza'), (4, 'La Piscinita', 'San Andrés', 'playa'),
    (5, 'West View', 'San Andrés', 'buceo'), (6, 'Cueva de Morgan', 'San Andrés', 'cultura'),
    (7, 'Rocky Cay', 'San Andrés', 'playa'), (8, 'El Acuario', 'San Andrés', 'isla'),
    (9, 'Haynes Cay', 'San Andrés', 'isla'), (10, 'San Luis', 'San Andrés', 'playa'),
    (11, 'La Loma', 'San Andrés', 'cultura'), (12, 'Big Pond', 'San Andrés', 'naturaleza'),
    (13, 'Jardín Botánico', 'San Andrés', 'naturaleza'), (14, 'Primera Iglesia Bautista', 'San Andrés', 'cultura'),
    (15, 'Cotton Cay', 'San Andrés', 'isla'), (16, 'Sound Bay', 'San Andrés', 'playa'),
    (17, 'Old Point', 'San Andrés', 'naturaleza'), (18, 'Cayo Bolívar', 'San Andrés', 'isla'),
    (19, 'Cayo Cangrejo', 'Providencia', 'isla'), (20, 'The Peak', 'Providencia', 'naturaleza'),
    (21, 'Bahía Suroeste', 'Providencia', 'playa'), (22, 'Bahía Manzanillo', 'Providencia', 'playa'),
    (23, 'Santa Catalina', 'Providencia', 'isla'), (24, 'Morgan''s Head', 'Providencia', 'cultura'),
    (25, 'Almond Bay', 'Providencia', 'playa'), (26, 'Lazy Hill', 'Providencia', 'cultura'),
    (27, 'Fort Warwick', 'Providencia', 'cultura'), (28, 'McBean Lagoon', 'Providencia', 'naturaleza'),
    (29, 'Felipe''s Place', 'Providencia', 'buceo'), (30, 'Three Brothers', 'Providencia', 'isla'),
    (31, 'Puente de los Enamorados', 'Providencia', 'cultura'), (32, 'Bahía Aguadulce', 'Providencia', 'playa'),
    (33, 'Castillo de San Felipe', 'Cartagena', 'cultura'), (34, 'Plaza de la Trinidad', 'Cartagena', 'cultura'),
    (35, 'Torre del Reloj', 'Cartagena', 'cultura'), (36, 'Las Bóvedas', 'Cartagena', 'cultura'),
    (37, 'Convento de la Popa', 'Cartagena', 'cultura'), (38, 'Café del Mar', 'Cartagena', 'cultura'),
    (39, 'Bocagrande', 'Cartagena', 'playa'), (40, 'Playa Blanca', 'Cartagena', 'playa'),
    (41, 'Islas del Rosario', 'Cartagena', 'isla'), (42, 'Tierra Bomba', 'Cartagena', 'isla'),
    (43, 'La Boquilla', 'Cartagena', 'playa'), (44, 'Mercado de Bazurto', 'Cartagena', 'cultura'),
    (45, 'Calle de la Sierpe', 'Cartagena', 'cultura'), (46, 'Parque del Centenario', 'Cartagena', 'naturaleza'),
    (47, 'Museo del Oro Zenú', 'Cartagena', 'cultura'), (48, 'Palacio de la Inquisición', 'Cartagena', 'cultura'),
    (49, 'Portal de los Dulces', 'Cartagena', 'cultura'), (50, 'Volcán del Totumo', 'Cartagena', 'naturaleza'),
    (51, 'Manzanillo del Mar', 'Cartagena', 'playa'), (52, 'Isla Barú', 'Cartagena', 'isla'),
    (53, 'Ciénaga de la Virgen', 'Cartagena', 'naturaleza')
) AS place (number, name, town, kind)
CROSS JOIN (VALUES
    (1, 'llegar', 'Cómo llegar', 'A %1$s se llega desde %3$s de %2$s; el transporte cuesta unos %4$s.000 pesos.'),
    (2, 'horario', 'Horario', '%1$s se visita mejor de 8 a 16 h. En %2$s anochece poco después de las seis.'),
    (3, 'precio', 'Precios', 'La entrada a %1$s cuesta %4$s.000 pesos; los niños pagan la mitad.'),
    (4, 'comida', 'Dónde comer', 'Cerca de %1$s, junto a %3$s, sirven rondón y pescado frito por %4$s.000 pesos.'),
    (5, 'buceo', 'Bajo el agua', 'Las escuelas de %2$s ofrecen inmersiones cerca de %1$s, con equipo incluido.'),
    (6, 'familia', 'Con niños', '%1$s es apto para niños; lleve agua, sombrero y zapatos que puedan mojarse.'),
    (7, 'noche', 'De noche', 'Al caer el sol, quienes vuelven de %1$s se reúnen en %3$s de %2$s.'),
    (8, 'lluvia', 'Si llueve', 'Con lluvia, %1$s cierra a veces. Pregunte antes de salir de %2$s.'),
    (9, 'historia', 'Historia', 'Los mayores de %2$s cuentan de %1$s historias de piratas y de pescadores.'),
    (10, 'seguridad', 'Seguridad', 'En %1$s respete las banderas; la roja significa que nadie entra al agua.'),
    (11, 'foto', 'La mejor foto', 'La mejor luz sobre %1$s cae una hora antes del ocaso, vista desde %3$s.'),
    (12, 'accesible', 'Accesibilidad', 'El camino de %3$s a %1$s es llano en su mayor parte; hay tres escalones.'),
    (13, 'compras', 'Qué comprar', 'Los artesanos de %2$s venden junto a %1$s tejidos y dulces de coco.'),
    (14, 'eco', 'Cuidar el lugar', 'No toque el coral ni lleve arena de %1$s; la reserva de %2$s es de todos.')
) AS topic (number, category, title, body)
CROSS JOIN LATERAL (SELECT (place.number - 1) * 14 + topic.number AS n) AS pair
ORDER BY n;
