-- Functions and triggers. They come after the data, so that building the database sets them off nowhere.

CREATE FUNCTION public.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION public.set_updated_at() IS 'Stamps a changed row; shared by every table that has updated_at.';

CREATE TRIGGER tenant_registry_updated_at BEFORE UPDATE ON public.tenant_registry
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER muva_content_updated_at BEFORE UPDATE ON public.muva_content
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER hotels_updated_at BEFORE UPDATE ON public.hotels
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER staff_users_updated_at BEFORE UPDATE ON public.staff_users
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER accommodation_units_updated_at BEFORE UPDATE ON public.accommodation_units
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER accommodation_units_public_updated_at BEFORE UPDATE ON public.accommodation_units_public
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER guest_reservations_updated_at BEFORE UPDATE ON public.guest_reservations
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER guest_conversations_updated_at BEFORE UPDATE ON public.guest_conversations
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
CREATE TRIGGER calendar_events_updated_at BEFORE UPDATE ON public.calendar_events
    FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
-- A feed is stamped only when its settings change, not at every sync.
CREATE TRIGGER ics_feed_configurations_updated_at
    BEFORE UPDATE OF feed_url, sync_every, is_active ON public.ics_feed_configurations
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION public.set_updated_at();

CREATE FUNCTION public.count_chat_message() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    UPDATE public.guest_conversations
    SET message_count = message_count + 1,
        last_message_at = greatest(last_message_at, NEW.created_at)
    WHERE id = NEW.conversation_id;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION public.count_chat_message() IS 'Keeps the number and the time of the last message in guest_conversations.';

CREATE TRIGGER chat_messages_count AFTER INSERT ON public.chat_messages
    FOR EACH ROW EXECUTE FUNCTION public.count_chat_message();

-- The assistant stores several messages at a time, so this one counts a whole statement at once.
CREATE FUNCTION public.count_staff_messages() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    UPDATE public.staff_conversations AS talk
    SET message_count = talk.message_count + added.messages,
        last_message_at = greatest(talk.last_message_at, added.last_at)
    FROM (
        SELECT conversation_id, count(*) AS messages, max(created_at) AS last_at
        FROM added_messages
        GROUP BY conversation_id
    ) AS added
    WHERE talk.id = added.conversation_id;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION public.count_staff_messages() IS 'Keeps the number and the time of the last message in staff_conversations.';

CREATE TRIGGER staff_messages_count AFTER INSERT ON public.staff_messages
    REFERENCING NEW TABLE AS added_messages
    FOR EACH STATEMENT EXECUTE FUNCTION public.count_staff_messages();

CREATE FUNCTION public.trim_conversation_history() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    WHILE jsonb_array_length(NEW.conversation_history) > 20 LOOP
        NEW.conversation_history := NEW.conversation_history - 0;
    END LOOP;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION public.trim_conversation_history() IS 'Keeps the last twenty messages of a visitor and drops older ones.';

CREATE TRIGGER prospective_sessions_trim BEFORE INSERT OR UPDATE OF conversation_history ON public.prospective_sessions
    FOR EACH ROW WHEN (jsonb_typeof(NEW.conversation_history) = 'array')
    EXECUTE FUNCTION public.trim_conversation_history();

CREATE FUNCTION public.is_tenant_row(p_tenant_id uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = ''
    AS $$ SELECT p_tenant_id = public.current_tenant_id() $$;
COMMENT ON FUNCTION public.is_tenant_row(uuid) IS 'Whether a row belongs to the tenant on whose behalf the session works; used by policies.';

-- Written before anybody pinned the search path of functions, and never changed since.
CREATE FUNCTION public.guest_label(reservation public.guest_reservations) RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT '#' || reservation.booking_number || ' ' || reservation.guest_name $$;
COMMENT ON FUNCTION public.guest_label(public.guest_reservations) IS 'How the staff calls a reservation: its number and its guest.';

CREATE FUNCTION public.free_nights(p_unit_id uuid, p_from date, p_until date) RETURNS SETOF date
    LANGUAGE sql STABLE
    SET search_path = ''
    AS $$
    SELECT night::date
    FROM generate_series(p_from::timestamp, p_until - interval '1 day', interval '1 day') AS night
    WHERE NOT EXISTS (
        SELECT FROM public.calendar_events AS event
        WHERE event.accommodation_unit_id = p_unit_id
            AND event.merged_into_id IS NULL
            AND event.event_type <> 'maintenance'
            AND NOT event.is_cancelled
            AND night::date >= event.starts_on AND night::date < event.ends_on
    )
    ORDER BY night
$$;
COMMENT ON FUNCTION public.free_nights(uuid, date, date) IS 'Nights on which a unit can still be booked.';

CREATE PROCEDURE public.purge_expired_sessions(as_of timestamptz)
    LANGUAGE sql
    SET search_path = ''
    AS $$
    DELETE FROM public.prospective_sessions WHERE status <> 'converted' AND expires_at < as_of
$$;
COMMENT ON PROCEDURE public.purge_expired_sessions(timestamptz) IS 'Deletes sessions of visitors who did not book; runs every night at three.';
REVOKE EXECUTE ON PROCEDURE public.purge_expired_sessions(timestamptz) FROM PUBLIC;
