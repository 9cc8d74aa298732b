-- Reservations, and every talk that belongs to one.

CREATE TABLE public.guest_reservations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    accommodation_unit_id uuid,
    legacy_room_code text,
    booking_number bigint NOT NULL DEFAULT nextval('public.booking_number_seq'),
    guest_name text NOT NULL,
    guest_email public.email_address,
    guest_phone text,
    nationality_code text,
    document_type_code text,
    document_number text,
    check_in_date date NOT NULL,
    check_out_date date NOT NULL,
    nights integer GENERATED ALWAYS AS (check_out_date - check_in_date) STORED,
    adults smallint NOT NULL DEFAULT 1,
    children smallint NOT NULL DEFAULT 0,
    total_amount numeric(12, 2) NOT NULL,
    currency public.currency_code NOT NULL DEFAULT 'COP',
    status public.reservation_status NOT NULL DEFAULT 'pending',
    booked_through public.calendar_source NOT NULL DEFAULT 'direct',
    special_requests text,
    tags text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT guest_reservations_pkey PRIMARY KEY (id),
    CONSTRAINT guest_reservations_booking_number_key UNIQUE (booking_number),
    CONSTRAINT guest_reservations_dates_check CHECK (check_out_date > check_in_date),
    CONSTRAINT guest_reservations_party_check CHECK (adults >= 1 AND children >= 0),
    CONSTRAINT guest_reservations_amount_check CHECK (total_amount >= 0),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT guest_reservations_unit_fkey FOREIGN KEY (accommodation_unit_id)
        REFERENCES public.accommodation_units (id) ON DELETE SET NULL
);
-- The old room codes are gone, as columns go in a database that lives: their place in the table stays empty.
ALTER TABLE public.guest_reservations DROP COLUMN legacy_room_code;
COMMENT ON TABLE public.guest_reservations IS 'Reservations with the guest who made them; most of what happens to a guest hangs on one of these.';
COMMENT ON COLUMN public.guest_reservations.accommodation_unit_id IS 'Unit whose calendar the stay fills; null where another system keeps the calendar.';
COMMENT ON COLUMN public.guest_reservations.booking_number IS 'Number the guest knows, one series for all tenants.';
COMMENT ON COLUMN public.guest_reservations.nationality_code IS 'Country by its number in SIRE; not held by a key, as guests type it in.';
COMMENT ON COLUMN public.guest_reservations.nights IS 'Number of nights, always what the two dates say.';
COMMENT ON COLUMN public.guest_reservations.special_requests IS 'Wishes in the guest''s own words; null where never asked, empty where the guest had none.';

CREATE TABLE public.reservation_accommodations (
    reservation_id uuid NOT NULL,
    line_number smallint NOT NULL,
    accommodation_unit_id uuid,
    unit_label text NOT NULL,
    guests smallint NOT NULL DEFAULT 1,
    price numeric(12, 2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reservation_accommodations_pkey PRIMARY KEY (reservation_id, line_number),
    CONSTRAINT reservation_accommodations_price_check CHECK (price >= 0),
    CONSTRAINT reservation_accommodations_reservation_fkey FOREIGN KEY (reservation_id)
        REFERENCES public.guest_reservations (id) ON DELETE CASCADE,
    CONSTRAINT reservation_accommodations_unit_fkey FOREIGN KEY (accommodation_unit_id)
        REFERENCES public.accommodation_units (id) ON DELETE SET NULL
);
COMMENT ON TABLE public.reservation_accommodations IS 'Units of a reservation, one line each, with the price agreed for it.';
COMMENT ON COLUMN public.reservation_accommodations.unit_label IS 'Name of the unit at the time of booking.';

CREATE TABLE public.prospective_sessions (
    session_id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    cookie_id text NOT NULL DEFAULT public.new_cookie_id(),
    status public.session_status NOT NULL DEFAULT 'active',
    conversation_history jsonb NOT NULL DEFAULT '[]',
    travel_intent jsonb NOT NULL DEFAULT '{}',
    utm_tracking jsonb,
    visitor_ip inet,
    converted_to_reservation_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '168 hours',
    CONSTRAINT prospective_sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT prospective_sessions_history_check
        CHECK (jsonb_typeof(conversation_history) = 'array' AND jsonb_array_length(conversation_history) <= 20),
    CONSTRAINT prospective_sessions_expiry_check CHECK (expires_at > created_at),
    CONSTRAINT prospective_sessions_converted_check
        CHECK (converted_to_reservation_id IS NULL OR status = 'converted'),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT prospective_sessions_reservation_fkey FOREIGN KEY (converted_to_reservation_id)
        REFERENCES public.guest_reservations (id) ON DELETE SET NULL
);
COMMENT ON TABLE public.prospective_sessions IS 'Chats of visitors who have not booked, known only by a cookie, and kept for seven days.';
COMMENT ON COLUMN public.prospective_sessions.conversation_history IS 'The last messages, twenty at most, oldest first.';
COMMENT ON COLUMN public.prospective_sessions.travel_intent IS 'What the assistant understood of dates, party and wishes.';
COMMENT ON COLUMN public.prospective_sessions.utm_tracking IS 'Campaign that brought the visitor, if any.';
COMMENT ON COLUMN public.prospective_sessions.converted_to_reservation_id IS 'Reservation the visitor made in the end.';

CREATE TABLE public.guest_conversations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    reservation_id uuid,
    channel public.message_channel NOT NULL DEFAULT 'web',
    status public.conversation_status NOT NULL DEFAULT 'open',
    subject text NOT NULL,
    language text NOT NULL DEFAULT 'es',
    message_count integer NOT NULL DEFAULT 0,
    last_message_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT guest_conversations_pkey PRIMARY KEY (id),
    CONSTRAINT guest_conversations_message_count_check CHECK (message_count >= 0),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT guest_conversations_reservation_fkey FOREIGN KEY (reservation_id)
        REFERENCES public.guest_reservations (id) ON DELETE SET NULL
);
COMMENT ON TABLE public.guest_conversations IS 'Talks with guests, over whatever channel they write.';
COMMENT ON COLUMN public.guest_conversations.message_count IS 'Number of messages, kept by a trigger of chat_messages.';
COMMENT ON COLUMN public.guest_conversations.last_message_at IS 'Time of the last message, kept by the same trigger.';

CREATE TABLE public.chat_messages (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL,
    sender public.message_sender NOT NULL,
    content text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chat_messages_pkey PRIMARY KEY (id),
    CONSTRAINT chat_messages_content_check CHECK (content <> ''),
    CONSTRAINT chat_messages_conversation_fkey FOREIGN KEY (conversation_id)
        REFERENCES public.guest_conversations (id) ON DELETE CASCADE
);
COMMENT ON TABLE public.chat_messages IS 'Single messages of the talks with guests.';
COMMENT ON COLUMN public.chat_messages.sender IS 'Who wrote it.';

CREATE TABLE public.chat_conversations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    reservation_id uuid,
    title text NOT NULL,
    transcript jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chat_conversations_pkey PRIMARY KEY (id),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT chat_conversations_reservation_fkey FOREIGN KEY (reservation_id)
        REFERENCES public.guest_reservations (id) ON DELETE SET NULL
);
COMMENT ON TABLE public.chat_conversations IS 'Chats from before guest_conversations existed, each with its messages inside.';

CREATE TABLE public.conversation_memory (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL,
    summary text NOT NULL,
    key_facts jsonb NOT NULL DEFAULT '{}',
    covers_messages int4range NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT conversation_memory_pkey PRIMARY KEY (id),
    CONSTRAINT conversation_memory_range_key UNIQUE (session_id, covers_messages),
    CONSTRAINT conversation_memory_range_check CHECK (NOT isempty(covers_messages)),
    CONSTRAINT conversation_memory_session_fkey FOREIGN KEY (session_id)
        REFERENCES public.prospective_sessions (session_id) ON DELETE CASCADE
);
COMMENT ON TABLE public.conversation_memory IS 'Summaries of what a visitor said, for when the messages themselves no longer fit.';
COMMENT ON COLUMN public.conversation_memory.covers_messages IS 'Which messages of the session the summary stands for.';

CREATE TABLE public.conversation_attachments (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL,
    file_name text NOT NULL,
    media_type text NOT NULL,
    byte_size bigint NOT NULL,
    sha256 bytea NOT NULL,
    extracted_text text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT conversation_attachments_pkey PRIMARY KEY (id),
    CONSTRAINT conversation_attachments_size_check CHECK (byte_size > 0),
    CONSTRAINT conversation_attachments_sha256_check CHECK (octet_length(sha256) = 32),
    CONSTRAINT conversation_attachments_conversation_fkey FOREIGN KEY (conversation_id)
        REFERENCES public.guest_conversations (id) ON DELETE CASCADE
);
COMMENT ON TABLE public.conversation_attachments IS 'Files that guests or staff sent in a talk; the bytes lie in the object store.';
COMMENT ON COLUMN public.conversation_attachments.sha256 IS 'Digest of the file, by which the object store finds it.';

CREATE TABLE public.guest_feedback (
    reservation_id uuid NOT NULL,
    score smallint NOT NULL,
    comment text,
    reply text,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT guest_feedback_pkey PRIMARY KEY (reservation_id),
    CONSTRAINT guest_feedback_score_check CHECK (score BETWEEN 1 AND 10),
    CONSTRAINT guest_feedback_reservation_fkey FOREIGN KEY (reservation_id)
        REFERENCES public.guest_reservations (id) ON DELETE RESTRICT
);
COMMENT ON TABLE public.guest_feedback IS 'What guests say after the stay, once for each reservation at most.';
COMMENT ON COLUMN public.guest_feedback.score IS 'From 1 to 10, as asked in the message of farewell.';
