-- Feeds, and calendar events in three layers: 48 stays, 12 reports of the same stays, 14 events of maintenance.

INSERT INTO public.ics_feed_configurations
    (id, tenant_id, accommodation_unit_id, source, feed_url, sync_every, is_active, last_synced_at, last_error,
     created_at, updated_at)
SELECT demo_data.uid('feed', v.n), t.id, CASE WHEN v.tenant < 3 THEN demo_data.uid('unit', v.tenant) END,
    v.source::public.calendar_source,
    'https://calendar.example.net/' || v.source || '/' || v.n || '.ics?token=demo-token-feed-' || v.n,
    v.every::interval, v.active,
    CASE WHEN v.tenant < 3 THEN demo_data.moment(date '2025-10-31', 60 + v.n * 17) END, v.error,
    demo_data.moment(date '2024-12-03' + v.n, 600), demo_data.moment(date '2025-07-21' + v.n, 630)
FROM (VALUES
    (1, 1, 'airbnb', '01:00:00', true, NULL), (2, 1, 'booking', '01:00:00', true, NULL),
    (3, 1, 'motopress', '00:15:00', true, 'HTTP 503, tried 3 times'), (4, 1, 'vrbo', '06:00:00', false, NULL),
    (5, 2, 'airbnb', '01:00:00', true, NULL), (6, 2, 'booking', '02:00:00', true, NULL),
    (7, 2, 'motopress', '1 day', true, ''), (8, 3, 'airbnb', '01:00:00', false, NULL),
    (9, 3, 'booking', '01:00:00', false, 'Never connected')
) AS v (n, tenant, source, every, active, error)
JOIN demo_data.tenants AS t ON t.n = v.tenant
ORDER BY v.n;

CREATE TABLE demo_data.events (
    n integer PRIMARY KEY,
    unit integer NOT NULL,
    parent integer,
    merged_into integer,
    event_type text NOT NULL,
    source text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    summary text NOT NULL
);

INSERT INTO demo_data.events
SELECT row_number() OVER (ORDER BY s.n), s.tenant, NULL, NULL, 'reservation', 'direct', s.arrives, s.leaves,
    'Reserva: ' || g.name
FROM demo_data.stays AS s
JOIN demo_data.guests AS g USING (n)
WHERE s.tenant < 3 AND s.status <> 'cancelled'
ORDER BY s.n
LIMIT 48;

-- Airbnb reports eight of these stays again; MotoPress repeats four of the reports. Each is merged into what it repeats.
INSERT INTO demo_data.events
SELECT 48 + k, e.unit, NULL, e.n, 'reservation', 'airbnb', e.starts_on, e.ends_on, 'Reserved'
FROM generate_series(1, 8) AS k
JOIN demo_data.events AS e ON e.n = k * 5;
INSERT INTO demo_data.events
SELECT 56 + k, e.unit, NULL, e.n, 'reservation', 'motopress', e.starts_on, e.ends_on, 'MPHB #' || 3100 + k
FROM generate_series(1, 4) AS k
JOIN demo_data.events AS e ON e.n = 48 + k * 2;

-- A programme for each unit, two campaigns in each programme, two visits in each campaign.
INSERT INTO demo_data.events
SELECT 60 + unit, unit, NULL, NULL, 'maintenance', 'direct', date '2025-01-01', date '2026-01-01',
    'Programa de mantenimiento 2025'
FROM generate_series(1, 2) AS unit;
INSERT INTO demo_data.events
SELECT 62 + (unit - 1) * 2 + half, unit, 60 + unit, NULL, 'maintenance', 'direct',
    date '2025-02-01' + (half - 1) * 181, date '2025-03-01' + (half - 1) * 181,
    CASE half WHEN 1 THEN 'Campaña de verano' ELSE 'Campaña antes de las lluvias' END
FROM generate_series(1, 2) AS unit, generate_series(1, 2) AS half;
INSERT INTO demo_data.events
SELECT 66 + (e.n - 63) * 2 + visit, e.unit, e.n, NULL, 'blocked', 'direct',
    e.starts_on + visit * 9, e.starts_on + visit * 9 + 1,
    CASE visit WHEN 1 THEN 'Visita: pintura y madera' ELSE 'Visita: bomba y calentador' END
FROM demo_data.events AS e, generate_series(1, 2) AS visit
WHERE e.n BETWEEN 63 AND 66;

-- Stored in the order of their identifiers, which is no order of parents and children.
INSERT INTO public.calendar_events
    (id, tenant_id, accommodation_unit_id, parent_event_id, merged_into_id, event_type, source, external_uid,
     starts_on, ends_on, summary, raw, is_cancelled, created_at, updated_at)
SELECT demo_data.uid('event', e.n), t.id, demo_data.uid('unit', e.unit), demo_data.uid('event', e.parent),
    demo_data.uid('event', e.merged_into), e.event_type::public.calendar_event_type, e.source::public.calendar_source,
    CASE WHEN e.source <> 'direct' THEN substr(md5('uid ' || e.n), 1, 16) || '@' || e.source || '.example' END,
    e.starts_on, e.ends_on, e.summary,
    CASE e.source WHEN 'airbnb' THEN jsonb_build_object('SUMMARY', 'Reserved', 'SEQUENCE', e.n % 3)
                  WHEN 'motopress' THEN '{"SUMMARY": "Booking", "X-MPHB": true}'::jsonb ELSE '{}' END,
    e.n % 37 = 0,
    demo_data.moment(least(e.starts_on - 20, date '2025-10-20'), 300 + e.n),
    demo_data.moment(least(e.starts_on - 12, date '2025-10-25'), 330 + e.n)
FROM demo_data.events AS e
JOIN demo_data.tenants AS t ON t.n = e.unit
ORDER BY demo_data.uid('event', e.n);
