-- Units, what the public sees of them, and their manuals.

INSERT INTO public.accommodation_units
    (id, tenant_id, hotel_id, unit_number, name, unit_type, max_guests, base_price, currency, floor_plan_version,
     amenities, created_at, updated_at)
SELECT demo_data.uid('unit', t.n), t.id, t.hotel_id, v.number, v.name, v.kind::public.unit_kind, v.guests, v.price,
    'COP', v.version, v.amenities::jsonb, v.created_at, v.updated_at
FROM demo_data.tenants AS t
JOIN (VALUES
    (1, 'A-101', 'Apartamento Arrecife', 'apartment', 4, 420000.00, 1.5, '["cocina", "aire acondicionado", "balcón"]',
        timestamptz '2024-10-02 13:00:00+00', timestamptz '2025-03-21 15:20:00+00'),
    (2, 'C-4', 'Cabaña Manzanillo', 'cabin', 2, 315000.50, 0.1, '["hamaca", "mosquitero", "ducha al aire libre"]',
        timestamptz '2024-10-10 13:00:00+00', timestamptz '2025-03-22 15:20:00+00')
) AS v (n, number, name, kind, guests, price, version, amenities, created_at, updated_at) USING (n)
ORDER BY t.n;

-- 60 units in San Andrés, 51 in Providencia, 40 in Cartagena.
CREATE TABLE demo_data.public_units AS
SELECT number AS n, t.n AS tenant, t.id AS tenant_id, t.hotel_id, t.hotel_name, kind.kind, kind.word, kind.guests,
    nick, scene,
    90000 + 1000 * (kind.base + demo_data.num('base ' || number, 90)) AS price,
    1 + number % 3 AS beds
FROM generate_series(1, 151) AS number
JOIN demo_data.tenants AS t ON t.n = CASE WHEN number <= 60 THEN 1 WHEN number <= 111 THEN 2 ELSE 3 END
JOIN (VALUES
    (0, 'room', 'Habitación', 2, 60), (1, 'suite', 'Suite', 3, 180), (2, 'apartment', 'Apartamento', 5, 240),
    (3, 'cabin', 'Cabaña', 4, 150), (4, 'hostel_bed', 'Cama', 1, 0)
) AS kind (n, kind, word, guests, base) ON kind.n = number % 5
CROSS JOIN LATERAL (
    SELECT demo_data.pick(ARRAY['Coral', 'Manglar', 'Caracol', 'Almendro', 'Iguana', 'Pelícano', 'Marea', 'Cayena',
                                'Delfín', 'Brisa', 'Palma', 'Cangrejo', 'Estrella', 'Balandro'], 'nick ' || number) AS nick,
        demo_data.pick(ARRAY['al mar', 'al jardín', 'a la ciudad vieja', 'a la piscina', 'al manglar', 'al patio'],
                       'scene ' || number) AS scene
) AS words
ORDER BY number;

INSERT INTO public.accommodation_units_public
    (unit_id, tenant_id, hotel_id, slug, name, unit_type, short_description, description, highlights, amenities,
     base_price_night, pricing, photos, embedding_fast, embedding_precise, is_active, is_bookable,
     created_at, updated_at)
SELECT demo_data.uid('public unit', n), tenant_id, hotel_id, replace(kind, '_', '-') || '-' || n,
    word || ' ' || nick || ' ' || n, kind::public.unit_kind,
    format('%s para %s con vista %s.', word, guests, scene),
    format(E'%s %s de %s mira %s.\n%s cama(s), ropa blanca y ventilador; %s minutos a pie hasta el agua.',
        word, nick, hotel_name, scene, beds, 1 + demo_data.num('walk ' || n, 25)),
    CASE n % 4 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY['Vista ' || scene] ELSE ARRAY['Vista ' || scene, 'Desayuno'] END,
    jsonb_build_object('beds', beds, 'wifi', n % 6 <> 0, 'ac', n % 2 = 0),
    price,
    jsonb_build_object('base', price, 'high', price + price * 4 / 10, 'currency', 'COP'),
    jsonb_build_array('u/' || n || '/1.jpg', 'u/' || n || '/2.jpg'),
    demo_data.embedding(kind || tenant, 'unit ' || n, 1024, 5, 100)::vector(1024),
    CASE WHEN n IN (1, 2, 61, 112) THEN demo_data.embedding(kind || tenant, 'unit ' || n, 3072, 5, 100)::vector(3072) END,
    n % 19 <> 0, n % 7 <> 0,
    demo_data.moment(date '2025-10-01', 90 + n), demo_data.moment(date '2025-10-02', 360 + n)
FROM demo_data.public_units
ORDER BY n;

CREATE TABLE demo_data.manuals AS
SELECT v.n, demo_data.uid('manual', v.n) AS id, t.id AS tenant_id, t.hotel_id, v.title,
    27 + (v.n <= 3)::integer AS sections
FROM (VALUES
    (1, 1, 'Apartamento Arrecife'), (2, 1, 'Suite Delfín'), (3, 1, 'Habitación Almendro'), (4, 2, 'Cabaña Manzanillo'),
    (5, 2, 'Cabaña Cayena'), (6, 2, 'Cabaña Balandro'), (7, 3, 'Suite Getsemaní'), (8, 3, 'Dormitorio Sierpe')
) AS v (n, tenant, title)
JOIN demo_data.tenants AS t ON t.n = v.tenant;

INSERT INTO public.accommodation_units_manual
    (id, tenant_id, hotel_id, title, language, source_file, page_numbers, wifi, created_at, updated_at)
SELECT id, tenant_id, hotel_id, 'Manual: ' || title, 'es', 'manuals/unit-' || n || '.md', ARRAY[1, 1 + n, 9 + n],
    CASE WHEN n <> 8 THEN jsonb_build_object('network', 'Huespedes-' || n, 'password', 'demo-wifi-' || n) END,
    demo_data.moment(date '2025-02-03' + n, 610), demo_data.moment(date '2025-05-19' + n, 615)
FROM demo_data.manuals
ORDER BY n;

-- 28 sections in three manuals, 27 in the other five: 219.
INSERT INTO public.accommodation_units_manual_chunks
    (id, manual_id, chunk_index, section_title, content, embedding, created_at)
SELECT row_number() OVER (ORDER BY manual.n, section.place), manual.id, section.place, section.title,
    replace(replace(section.body, '{unit}', manual.title), '{n}', manual.n::text),
    demo_data.embedding('section ' || section.place, 'chunk ' || manual.n || '/' || section.place,
        32, 40, 100)::vector(32),
    demo_data.moment(date '2025-02-03' + manual.n, 612)
FROM demo_data.manuals AS manual
JOIN (VALUES
    (0, 'Bienvenida', '¡Bienvenidos a {unit}! Este manual responde casi todo; el chat responde el resto.'),
    (1, 'Llaves', 'La caja de llaves está a la derecha de la puerta. El código llega por mensaje el día del ingreso.'),
    (2, 'Wifi', 'Red Huespedes-{n}. La contraseña está en la tarjeta junto al televisor.'),
    (3, 'Agua', 'El agua de la isla es escasa. La del grifo no se bebe; hay un botellón en la cocina.'),
    (4, 'Agua caliente', 'El calentador de {unit} tarda diez minutos. Apáguelo después de la ducha.'),
    (5, 'Aire acondicionado', 'Control en la mesa de noche. Con puertas abiertas se detiene solo.'),
    (6, 'Ventilador', 'El interruptor de la pared lo enciende; la cadena cambia la velocidad.'),
    (7, 'Cocina', 'Gas: abra la llave roja bajo el mesón y gire la perilla apretándola tres segundos.'),
    (8, 'Nevera', 'No ponga el control en más de 4: se congela la puerta.'),
    (9, 'Cafetera', 'Filtros en el segundo cajón. El café de bienvenida alcanza para dos días.'),
    (10, 'Basura', 'Orgánicos en la bolsa verde, botellas en la blanca. Se recoge martes y viernes a las 6 h.'),
    (11, 'Lavandería', 'Deje la ropa en la cesta antes de las 9 h; vuelve doblada al día siguiente.'),
    (12, 'Toallas', 'Las azules son de playa; las blancas se quedan en {unit}.'),
    (13, 'Piscina', 'Abierta de 8 a 21 h. Los niños, siempre con un adulto.'),
    (14, 'Silencio', 'De 22 a 7 h guardamos silencio. "La isla duerme temprano".'),
    (15, 'Fumar', 'Solo en la terraza. Las colillas no van al mar ni a la maceta.'),
    (16, 'Visitas', 'Anuncie sus visitas en recepción; la noche de más se cobra aparte.'),
    (17, 'Mascotas', 'Bienvenidas si caben en un bolso; no suben a las camas.'),
    (18, 'Luz', 'Si se va la luz, la planta entra en un minuto. Desconecte el computador.'),
    (19, 'Caja fuerte', 'Elija cuatro cifras, oprima # y cierre. Si la olvida, recepción la abre con un acta.'),
    (20, 'Mosquitos', 'El mosquitero se ata con la cinta. Hay repelente en la repisa del baño.'),
    (21, 'Médico', 'El hospital está a {n}5 minutos. Emergencias: 123. Dígale al chat y llamamos un taxi.'),
    (22, 'Huracanes', 'Temporada de junio a noviembre. Si suena la sirena, baje a recepción con documentos.'),
    (23, 'Taxi y mula', 'El carrito de golf se llama mula. Tarifa por día; la gasolina va aparte.'),
    (24, 'Salida', 'Antes de la hora de salida deje la llave en la caja y las ventanas cerradas.'),
    (25, 'Salida tarde', E'Según disponibilidad:\n- hasta las 14 h: media noche\n- después: una noche entera'),
    (26, 'Objetos olvidados', 'Los guardamos noventa días. Escriba con el número de su reserva.'),
    (27, 'Balcón', 'La baranda de {unit} es antigua: no se siente en ella.')
) AS section (place, title, body) ON section.place < manual.sections
ORDER BY manual.n, section.place;
