-- Three vehicles, each with ninety days of capacity from the day on which it was entered. Running this again finds
-- all of it there, on whatever day; a vehicle that was renamed or taken out of service meanwhile is left as it is.

INSERT INTO public.resource (id, type, name, description, metadata) VALUES
    ('4d000000-0000-4000-8000-000000000001', 'VEHICLE', '4WD Cruiser 1', 'For the beach and the tracks inland.',
        '{"seats": 5, "transmission": "automatic"}'),
    ('4d000000-0000-4000-8000-000000000002', 'VEHICLE', '4WD Cruiser 2', 'For the beach and the tracks inland.',
        '{"seats": 5, "transmission": "manual"}'),
    ('4d000000-0000-4000-8000-000000000003', 'VEHICLE', '4WD Cruiser 3', 'With a third row, for families.',
        '{"seats": 8, "transmission": "automatic"}')
ON CONFLICT ON CONSTRAINT resource_pkey DO NOTHING;

-- A vehicle can be given to one customer a day. UTC, so that the days do not depend on who runs this.
INSERT INTO public.resource_capacity (resource_id, date, max_capacity, available_capacity)
SELECT vehicle.id, (vehicle.created_at AT TIME ZONE 'UTC')::date + day.number, 1, 1
FROM public.resource AS vehicle
CROSS JOIN generate_series(0, 89) AS day (number)
WHERE vehicle.id IN (
    '4d000000-0000-4000-8000-000000000001',
    '4d000000-0000-4000-8000-000000000002',
    '4d000000-0000-4000-8000-000000000003'
)
ORDER BY vehicle.id, day.number
ON CONFLICT ON CONSTRAINT uq_resource_date DO NOTHING;
