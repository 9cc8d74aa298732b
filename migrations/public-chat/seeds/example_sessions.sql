-- An example for each tenant, to try the chat with: a visitor of today who has asked one thing.
-- The id comes from the tenant's, so that running this again, whenever, finds the session and leaves it alone.

INSERT INTO public.prospective_sessions (session_id, tenant_id, cookie_id, conversation_history, travel_intent, utm_tracking)
SELECT md5('example session of ' || tenant.tenant_id)::uuid, tenant.tenant_id, 'pv_example_' || tenant.subdomain,
    '[{"role": "user", "text": "¿Tienen habitación para el puente?"},
      {"role": "assistant", "text": "Sí, nos quedan dos."}]',
    '{"guests": 2}', '{"source": "example"}'
FROM public.tenant_registry AS tenant
ORDER BY tenant.subdomain
ON CONFLICT ON CONSTRAINT prospective_sessions_pkey DO NOTHING;
