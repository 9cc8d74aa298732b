-- Tenants, the catalogues of SIRE, and exchange rates.

INSERT INTO public.tenant_registry
    (tenant_id, subdomain, legal_name, tax_number, plan, features, primary_language, is_active, created_at, updated_at)
SELECT t.id, t.subdomain, v.legal_name, v.tax_number, v.plan::public.subscription_plan, v.features::jsonb,
    'es', true, v.created_at, v.updated_at
FROM demo_data.tenants AS t
JOIN (VALUES
    (1, 'Posada Brisa del Mar S.A.S.', 'DEMO-900100101-1', 'enterprise',
        '{"public_chat": true, "sire": true, "calendar_sync": true, "max_staff": 25}',
        timestamptz '2024-10-01 14:02:11+00', timestamptz '2025-09-18 20:41:05+00'),
    (2, 'Inversiones Casa Coral Ltda.', 'DEMO-900100102-8', 'pro',
        '{"public_chat": true, "sire": true, "calendar_sync": true, "max_staff": 8}',
        timestamptz '2024-10-09 16:30:00+00', timestamptz '2025-08-02 13:15:47+00'),
    (3, 'Mirador de Getsemaní & Cía. S. en C.', NULL, 'basic',
        '{"public_chat": true, "sire": false, "calendar_sync": false, "max_staff": 3}',
        timestamptz '2024-11-21 15:45:30+00', timestamptz '2025-06-30 22:09:59+00')
) AS v (n, legal_name, tax_number, plan, features, created_at, updated_at) USING (n)
ORDER BY t.n;

INSERT INTO public.sire_countries (code, name_es, iso_code) VALUES
    ('169', 'Colombia', 'COL'), ('249', 'Estados Unidos', 'USA'), ('149', 'Canadá', 'CAN'), ('493', 'México', 'MEX'),
    ('63', 'Argentina', 'ARG'), ('105', 'Brasil', 'BRA'), ('211', 'Chile', 'CHL'), ('589', 'Perú', 'PER'),
    ('239', 'Ecuador', 'ECU'), ('245', 'España', 'ESP'), ('275', 'Francia', 'FRA'), ('23', 'Alemania', 'DEU'),
    ('628', 'Reino Unido', 'GBR'), ('386', 'Italia', 'ITA'), ('573', 'Países Bajos', 'NLD'), ('767', 'Suiza', 'CHE'),
    ('72', 'Austria', 'AUT'), ('764', 'Suecia', 'SWE'), ('538', 'Noruega', 'NOR'), ('232', 'Dinamarca', 'DNK'),
    ('271', 'Finlandia', 'FIN'), ('603', 'Polonia', 'POL'), ('644', 'República Checa', 'CZE'),
    ('607', 'Portugal', 'PRT'), ('301', 'Grecia', 'GRC'), ('676', 'Rusia', 'RUS'), ('830', 'Ucrania', 'UKR'),
    ('827', 'Turquía', 'TUR'), ('383', 'Israel', 'ISR'), ('399', 'Japón', 'JPN'), ('190', 'Corea del Sur', 'KOR'),
    ('215', 'China', 'CHN'), ('361', 'India', 'IND'), ('69', 'Australia', 'AUS'), ('548', 'Nueva Zelanda', 'NZL'),
    ('756', 'Sudáfrica', 'ZAF'), ('580', 'Panamá', 'PAN'), ('196', 'Costa Rica', 'CRI'), ('845', 'Uruguay', 'URY'),
    ('97', 'Bolivia', 'BOL'), ('586', 'Paraguay', 'PRY'), ('850', 'Venezuela', 'VEN'),
    ('647', 'República Dominicana', 'DOM'), ('87', 'Bélgica', 'BEL'), ('375', 'Irlanda', 'IRL');

INSERT INTO public.sire_cities (code, name, department) VALUES
    ('88001', 'San Andrés', 'San Andrés y Providencia'), ('88564', 'Providencia', 'San Andrés y Providencia'),
    ('11001', 'Bogotá, D.C.', 'Bogotá, D.C.'), ('05001', 'Medellín', 'Antioquia'),
    ('05321', 'Guatapé', 'Antioquia'), ('05615', 'Rionegro', 'Antioquia'),
    ('76001', 'Cali', 'Valle del Cauca'), ('76109', 'Buenaventura', 'Valle del Cauca'),
    ('76520', 'Palmira', 'Valle del Cauca'), ('08001', 'Barranquilla', 'Atlántico'),
    ('13001', 'Cartagena de Indias', 'Bolívar'), ('47001', 'Santa Marta', 'Magdalena'),
    ('44001', 'Riohacha', 'La Guajira'), ('20001', 'Valledupar', 'Cesar'),
    ('70001', 'Sincelejo', 'Sucre'), ('23001', 'Montería', 'Córdoba'),
    ('54001', 'Cúcuta', 'Norte de Santander'), ('68001', 'Bucaramanga', 'Santander'),
    ('68079', 'Barichara', 'Santander'), ('15001', 'Tunja', 'Boyacá'),
    ('15407', 'Villa de Leyva', 'Boyacá'), ('25307', 'Girardot', 'Cundinamarca'),
    ('66001', 'Pereira', 'Risaralda'), ('17001', 'Manizales', 'Caldas'),
    ('63001', 'Armenia', 'Quindío'), ('63690', 'Salento', 'Quindío'),
    ('73001', 'Ibagué', 'Tolima'), ('41001', 'Neiva', 'Huila'),
    ('19001', 'Popayán', 'Cauca'), ('52001', 'Pasto', 'Nariño'),
    ('52356', 'Ipiales', 'Nariño'), ('50001', 'Villavicencio', 'Meta'),
    ('85001', 'Yopal', 'Casanare'), ('81001', 'Arauca', 'Arauca'),
    ('99001', 'Puerto Carreño', 'Vichada'), ('94001', 'Inírida', 'Guainía'),
    ('95001', 'San José del Guaviare', 'Guaviare'), ('97001', 'Mitú', 'Vaupés'),
    ('91001', 'Leticia', 'Amazonas'), ('86001', 'Mocoa', 'Putumayo'),
    ('18001', 'Florencia', 'Caquetá'), ('27001', 'Quibdó', 'Chocó');

INSERT INTO public.sire_document_types (code, name_es, name_en, is_active) VALUES
    ('3', 'Pasaporte', 'Passport', true),
    ('5', 'Cédula de extranjería', 'Foreigner identity card', true),
    ('10', 'Permiso especial de permanencia', 'Special stay permit', false),
    ('46', 'Carné diplomático', 'Diplomatic card', true);

INSERT INTO public.sire_content (id, "order", title, content, source_url, embedding, updated_at)
SELECT demo_data.uid('sire content', v.place), v.place, v.title, v.content,
    CASE WHEN v.place % 2 = 1 THEN 'https://example.org/sire/' || v.place END,
    demo_data.embedding('sire', 'sire ' || v.place, 32, 40, 100)::vector(32),
    demo_data.moment(date '2025-03-01' + v.place * 3, 540 + v.place * 7)
FROM (VALUES
    (1, '¿Qué es SIRE?', 'SIRE es el sistema en el que los alojamientos reportan a los huéspedes extranjeros.'),
    (2, '¿Quién debe reportar?', 'Todo establecimiento que hospede extranjeros, sin importar cuántas habitaciones tenga.'),
    (3, 'Plazo del reporte', 'El ingreso y la salida se reportan dentro de las 24 horas siguientes.'),
    (4, 'Documentos válidos', 'Pasaporte, cédula de extranjería, permiso de permanencia o carné diplomático.'),
    (5, 'Códigos de país', E'SIRE usa números propios.\nColombia es 169 y Estados Unidos 249; no son los números ISO.'),
    (6, 'Formato del archivo', E'Texto plano, una línea por huésped, campos separados por tabulador (\\t), sin encabezado.'),
    (7, 'Ciudades de origen y destino', 'Dentro de Colombia se usa el código DIVIPOLA de cinco cifras: San Andrés es 88001.'),
    (8, 'Errores frecuentes', 'Nombres con dos apellidos en un solo campo, fechas en formato americano y líneas vacías al final.')
) AS v (place, title, content)
ORDER BY v.place;

-- Rounded averages; good enough to show a price, not to settle a bill.
INSERT INTO public.exchange_rates (currency, valid_during, pesos)
SELECT v.currency, daterange(
    (date '2024-11-01' + v.month * interval '1 month')::date, (date '2024-12-01' + v.month * interval '1 month')::date),
    v.pesos
FROM (VALUES
    ('USD', 0, 4406), ('USD', 1, 4386), ('USD', 2, 4310), ('USD', 3, 4140), ('USD', 4, 4135), ('USD', 5, 4260),
    ('USD', 6, 4215), ('USD', 7, 4115), ('USD', 8, 4030), ('USD', 9, 4045), ('USD', 10, 3945), ('USD', 11, 3880),
    ('EUR', 0, 4690), ('EUR', 1, 4600), ('EUR', 2, 4465), ('EUR', 3, 4310), ('EUR', 4, 4470), ('EUR', 5, 4780),
    ('EUR', 6, 4750), ('EUR', 7, 4740), ('EUR', 8, 4710), ('EUR', 9, 4710), ('EUR', 10, 4630), ('EUR', 11, 4520)
) AS v (currency, month, pesos);
