-- Chats of visitors who have not booked: known by a cookie only, kept for seven days.

-- The foreign keys lock tenant_registry and guest_reservations against writes, for an instant once they have them.
-- Rather give up than queue behind a long transaction, with everybody else queueing behind us.
SET lock_timeout = '5s';

CREATE TABLE public.prospective_sessions (
    session_id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    cookie_id text NOT NULL DEFAULT 'pv_' || replace(gen_random_uuid()::text, '-', ''),
    -- Text with a check, not an enumerated type: a further state is then one constraint exchanged for another.
    status text NOT NULL DEFAULT 'active',
    conversation_history jsonb NOT NULL DEFAULT '[]',
    travel_intent jsonb NOT NULL DEFAULT '{}',
    utm_tracking jsonb,
    converted_to_reservation_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    -- Hours, because the length of '7 days' depends on the time zone of whoever inserts.
    expires_at timestamptz NOT NULL DEFAULT now() + interval '168 hours',
    CONSTRAINT prospective_sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT prospective_sessions_status_check CHECK (status IN ('active', 'converted', 'expired')),
    -- CASE settles which test comes first: the length of what is no array is an error.
    CONSTRAINT prospective_sessions_history_check CHECK (
        CASE jsonb_typeof(conversation_history)
            WHEN 'array' THEN jsonb_array_length(conversation_history) <= 20
            ELSE false
        END
    ),
    CONSTRAINT prospective_sessions_intent_check CHECK (jsonb_typeof(travel_intent) = 'object'),
    CONSTRAINT prospective_sessions_expiry_check CHECK (expires_at > created_at),
    CONSTRAINT prospective_sessions_converted_check
        CHECK (converted_to_reservation_id IS NULL OR status = 'converted'),
    CONSTRAINT prospective_sessions_tenant_fkey FOREIGN KEY (tenant_id)
        REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT prospective_sessions_reservation_fkey FOREIGN KEY (converted_to_reservation_id)
        REFERENCES public.guest_reservations (id) ON DELETE SET NULL
);

COMMENT ON TABLE public.prospective_sessions IS
    'Chats of visitors who have not booked, known only by a cookie, and kept for seven days.';
COMMENT ON COLUMN public.prospective_sessions.session_id IS 'Identifies the chat inside of the application; the visitor never sees it.';
COMMENT ON COLUMN public.prospective_sessions.tenant_id IS 'Tenant on whose site the visitor is.';
COMMENT ON COLUMN public.prospective_sessions.cookie_id IS 'Value of the visitor''s cookie. Whoever knows it may read the chat, so it is random.';
COMMENT ON COLUMN public.prospective_sessions.status IS 'active while the visitor may go on; converted after booking; expired when left.';
COMMENT ON COLUMN public.prospective_sessions.conversation_history IS 'The last messages, twenty at most, oldest first.';
COMMENT ON COLUMN public.prospective_sessions.travel_intent IS 'What the assistant understood of dates, party and wishes.';
COMMENT ON COLUMN public.prospective_sessions.utm_tracking IS 'Campaign that brought the visitor, if any.';
COMMENT ON COLUMN public.prospective_sessions.converted_to_reservation_id IS 'Reservation the visitor made in the end.';
COMMENT ON COLUMN public.prospective_sessions.created_at IS 'Time of the first message.';
COMMENT ON COLUMN public.prospective_sessions.last_activity_at IS 'Time of the last message, kept by the application.';
COMMENT ON COLUMN public.prospective_sessions.expires_at IS 'When an active session ends: seven days after it began.';

-- The table is empty, so its indexes need no CONCURRENTLY.
CREATE INDEX idx_prospective_sessions_cookie ON public.prospective_sessions (cookie_id) WHERE status = 'active';
CREATE INDEX idx_prospective_sessions_tenant ON public.prospective_sessions (tenant_id, created_at DESC);
CREATE INDEX idx_prospective_sessions_expires ON public.prospective_sessions (expires_at) WHERE status = 'active';
CREATE INDEX idx_prospective_sessions_intent_gin ON public.prospective_sessions USING gin (travel_intent);

COMMENT ON INDEX public.idx_prospective_sessions_cookie IS 'Finds the session of a returning visitor.';
COMMENT ON INDEX public.idx_prospective_sessions_tenant IS 'A tenant''s sessions, newest first.';
COMMENT ON INDEX public.idx_prospective_sessions_expires IS 'Finds what the nightly clean-up deletes.';
COMMENT ON INDEX public.idx_prospective_sessions_intent_gin IS 'Searches by what visitors want, with @>.';

CREATE FUNCTION public.trim_conversation_history() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    NEW.conversation_history := jsonb_path_query_array(NEW.conversation_history, '$[last - 19 to last]');
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION public.trim_conversation_history() IS 'Keeps the last twenty messages of a visitor and drops older ones.';
-- Only the trigger calls it, and a trigger asks for no privilege.
REVOKE EXECUTE ON FUNCTION public.trim_conversation_history() FROM PUBLIC;

-- What is no array is left to the check: a path expression would quietly make an array of it.
CREATE TRIGGER prospective_sessions_trim
    BEFORE INSERT OR UPDATE OF conversation_history ON public.prospective_sessions
    FOR EACH ROW WHEN (jsonb_typeof(NEW.conversation_history) = 'array')
    EXECUTE FUNCTION public.trim_conversation_history();

ALTER TABLE public.prospective_sessions ENABLE ROW LEVEL SECURITY;

-- In both policies the sub-select is asked once a query; without it the function would be called for every row.
CREATE POLICY prospective_sessions_visitor ON public.prospective_sessions TO anon
    USING (
        cookie_id = (SELECT current_setting('app.cookie_id', true))
        AND status = 'active'
        AND expires_at > now()
    );
CREATE POLICY prospective_sessions_staff ON public.prospective_sessions TO authenticated
    USING (tenant_id = (SELECT public.current_tenant_id()))
    WITH CHECK (tenant_id = (SELECT public.current_tenant_id()));

COMMENT ON POLICY prospective_sessions_visitor ON public.prospective_sessions IS
    'Visitors need not log in; they see the chat whose cookie they bring, and no other.';
COMMENT ON POLICY prospective_sessions_staff ON public.prospective_sessions IS
    'Staff may do everything with the sessions of their own tenant.';

-- Columns one by one: a visitor may chat, but not prolong the session, move it to another tenant or call it converted.
GRANT SELECT ON public.prospective_sessions TO anon;
GRANT INSERT (tenant_id, cookie_id, conversation_history, travel_intent, utm_tracking)
    ON public.prospective_sessions TO anon;
GRANT UPDATE (conversation_history, travel_intent, last_activity_at) ON public.prospective_sessions TO anon;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.prospective_sessions TO authenticated;
