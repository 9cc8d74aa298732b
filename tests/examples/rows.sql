-- The least that the public chat leans on: two tenants, each with a house and a unit, and a reservation of one of them.

INSERT INTO public.tenant_registry (tenant_id, subdomain, legal_name) VALUES
    ('00000000-0000-4000-8000-00000000000a', 'arrecife', 'Hotel Arrecife S.A.S.'),
    ('00000000-0000-4000-8000-00000000000b', 'manzanillo', 'Posada Manzanillo');

INSERT INTO public.hotels (id, tenant_id, name, slug, address) VALUES
    ('00000000-0000-4000-8000-0000000000a1', '00000000-0000-4000-8000-00000000000a', 'Arrecife', 'arrecife',
        ROW('Avenida Colón 1', 'San Andrés', 'San Andrés', 'CO')),
    ('00000000-0000-4000-8000-0000000000b1', '00000000-0000-4000-8000-00000000000b', 'Manzanillo', 'manzanillo',
        ROW('Bahía Suroeste', 'Providencia', 'San Andrés', 'CO'));

INSERT INTO public.accommodation_units
    (id, tenant_id, hotel_id, unit_number, name, unit_type, max_guests, base_price, amenities)
VALUES
    ('00000000-0000-4000-8000-0000000000a2', '00000000-0000-4000-8000-00000000000a',
        '00000000-0000-4000-8000-0000000000a1', 'A-101', 'Apartamento Arrecife', 'apartment', 4, 420000,
        '["cocina", "balcón"]'),
    ('00000000-0000-4000-8000-0000000000b2', '00000000-0000-4000-8000-00000000000b',
        '00000000-0000-4000-8000-0000000000b1', 'C-4', 'Cabaña Manzanillo', 'cabin', 2, 315000.50, '["hamaca"]');

INSERT INTO public.guest_reservations
    (id, tenant_id, accommodation_unit_id, guest_name, check_in_date, check_out_date, total_amount)
VALUES
    ('00000000-0000-4000-8000-0000000000a3', '00000000-0000-4000-8000-00000000000a',
        '00000000-0000-4000-8000-0000000000a2', 'Ana Archbold', '2026-01-10', '2026-01-13', 1260000);
