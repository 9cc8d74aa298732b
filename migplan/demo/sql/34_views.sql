-- Views over the tables, and one that keeps its rows.

CREATE VIEW public.arrivals WITH (security_invoker = true) AS
SELECT reservation.id, reservation.tenant_id, public.guest_label(reservation.*) AS label, reservation.check_in_date,
    reservation.nights, reservation.adults + reservation.children AS guests, unit.name AS unit_name, house.check_in_time
FROM public.guest_reservations AS reservation
LEFT JOIN public.accommodation_units AS unit ON unit.id = reservation.accommodation_unit_id
LEFT JOIN public.hotels AS house ON house.id = unit.hotel_id
WHERE reservation.status IN ('confirmed', 'checked_in');
COMMENT ON VIEW public.arrivals IS 'Guests who are expected or just arrived, for the list at the desk.';

CREATE VIEW public.waiting_arrivals WITH (security_invoker = true) AS
SELECT arrivals.label, arrivals.check_in_date, talk.channel, talk.subject, talk.last_message_at
FROM public.arrivals
JOIN public.guest_conversations AS talk ON talk.reservation_id = arrivals.id
WHERE talk.status <> 'closed';
COMMENT ON VIEW public.waiting_arrivals IS 'Arriving guests who still wait for an answer.';

CREATE MATERIALIZED VIEW public.tenant_activity AS
SELECT tenant.tenant_id, tenant.subdomain,
    (SELECT count(*) FROM public.guest_reservations AS r WHERE r.tenant_id = tenant.tenant_id) AS reservations,
    (SELECT sum(r.nights) FROM public.guest_reservations AS r
     WHERE r.tenant_id = tenant.tenant_id AND r.status = 'completed') AS nights_slept,
    (SELECT count(*) FROM public.prospective_sessions AS s WHERE s.tenant_id = tenant.tenant_id) AS visitors,
    (SELECT max(c.last_message_at) FROM public.guest_conversations AS c
     WHERE c.tenant_id = tenant.tenant_id) AS last_talk_at
FROM public.tenant_registry AS tenant
WITH DATA;
CREATE UNIQUE INDEX tenant_activity_tenant_key ON public.tenant_activity (tenant_id);
COMMENT ON MATERIALIZED VIEW public.tenant_activity IS 'Figures of each tenant for the front page of the administration, refreshed every night.';
