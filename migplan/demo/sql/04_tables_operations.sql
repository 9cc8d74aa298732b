-- Operations: the houses, the people who work in them, and what these people talk about.
-- Several keys are all called fk_tenant. PostgreSQL allows one name in many tables, and real databases do it.

CREATE TABLE public.hotels (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    address public.postal_address NOT NULL,
    star_rating smallint,
    check_in_time time NOT NULL DEFAULT '15:00',
    check_out_time time NOT NULL DEFAULT '11:00',
    contact_email public.email_address,
    contact_phone text,
    amenities text[] NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hotels_pkey PRIMARY KEY (id),
    CONSTRAINT hotels_tenant_id_key UNIQUE (tenant_id, id),
    CONSTRAINT hotels_slug_key UNIQUE (tenant_id, slug),
    CONSTRAINT hotels_star_rating_check CHECK (star_rating BETWEEN 1 AND 5),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE
);
COMMENT ON TABLE public.hotels IS 'The houses of the tenants, each with its address and its hours.';
COMMENT ON COLUMN public.hotels.slug IS 'Name of the house in addresses of web pages.';
COMMENT ON COLUMN public.hotels.check_in_time IS 'Earliest hour at which a guest may take the room, in local time.';

CREATE TABLE public.staff_users (
    staff_id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    created_by uuid,
    full_name text NOT NULL,
    email public.email_address NOT NULL,
    phone text,
    role public.staff_role NOT NULL DEFAULT 'reception',
    permissions jsonb NOT NULL DEFAULT '{}',
    hired_on date,
    last_login_at timestamptz,
    last_login_ip inet,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT staff_users_pkey PRIMARY KEY (staff_id),
    CONSTRAINT staff_users_email_key UNIQUE (tenant_id, email),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT staff_users_created_by_fkey FOREIGN KEY (created_by)
        REFERENCES public.staff_users (staff_id) ON DELETE SET NULL
);
COMMENT ON TABLE public.staff_users IS 'People who work for a tenant and may sign in.';
COMMENT ON COLUMN public.staff_users.created_by IS 'Colleague who opened the account; null for the first account of the platform.';
COMMENT ON COLUMN public.staff_users.permissions IS 'What the person may do beyond what the role allows.';

CREATE TABLE public.user_tenant_permissions (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    granted_by uuid,
    permissions text[] NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT 'infinity',
    CONSTRAINT user_tenant_permissions_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT user_tenant_permissions_some_check CHECK (cardinality(permissions) > 0),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT user_tenant_permissions_granted_by_fkey FOREIGN KEY (granted_by)
        REFERENCES public.staff_users (staff_id) ON DELETE SET NULL
);
COMMENT ON TABLE public.user_tenant_permissions IS 'What users of the external auth platform may do for a tenant.';
COMMENT ON COLUMN public.user_tenant_permissions.user_id IS 'User of the external auth platform; no table of this database knows it.';
COMMENT ON COLUMN public.user_tenant_permissions.expires_at IS 'When the permission ends; infinity where it does not.';

CREATE TABLE public.whatsapp_message_templates (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    body text NOT NULL,
    placeholders text[] NOT NULL DEFAULT '{}',
    is_approved boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT whatsapp_message_templates_pkey PRIMARY KEY (id),
    CONSTRAINT whatsapp_message_templates_name_key UNIQUE (tenant_id, name, language),
    CONSTRAINT whatsapp_message_templates_language_check CHECK (language IN ('es', 'en', 'pt', 'fr')),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE
);
COMMENT ON TABLE public.whatsapp_message_templates IS 'Texts that WhatsApp has approved for messages a guest did not ask for.';
COMMENT ON COLUMN public.whatsapp_message_templates.placeholders IS 'Names of the values that {{1}}, {{2}} and so on stand for.';

CREATE TABLE public.hotel_operations (
    id serial NOT NULL,
    tenant_id uuid NOT NULL,
    hotel_id uuid NOT NULL,
    created_by uuid,
    operation_type text NOT NULL,
    title text NOT NULL,
    schedule jsonb NOT NULL DEFAULT '{}',
    usual_duration interval,
    next_due_at timestamptz,
    cost numeric(12, 2),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hotel_operations_pkey PRIMARY KEY (id),
    CONSTRAINT hotel_operations_type_check
        CHECK (operation_type IN ('housekeeping', 'maintenance', 'supplies', 'safety')),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT hotel_operations_hotel_id_fkey FOREIGN KEY (hotel_id) REFERENCES public.hotels (id) ON DELETE CASCADE,
    CONSTRAINT hotel_operations_created_by_fkey FOREIGN KEY (created_by)
        REFERENCES public.staff_users (staff_id) ON DELETE SET NULL
);
COMMENT ON TABLE public.hotel_operations IS 'Work that returns in a house: cleaning, upkeep, supplies and safety checks.';
COMMENT ON COLUMN public.hotel_operations.schedule IS 'When the work is due: weekdays, or an interval.';

CREATE TABLE public.staff_conversations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    title text NOT NULL,
    category text NOT NULL DEFAULT 'general',
    status public.conversation_status NOT NULL DEFAULT 'open',
    message_count integer NOT NULL DEFAULT 0,
    last_message_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT staff_conversations_pkey PRIMARY KEY (id),
    CONSTRAINT staff_conversations_message_count_check CHECK (message_count >= 0),
    CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    CONSTRAINT staff_conversations_staff_id_fkey FOREIGN KEY (staff_id)
        REFERENCES public.staff_users (staff_id) ON DELETE CASCADE
);
COMMENT ON TABLE public.staff_conversations IS 'Talks of the staff with the assistant about work in the house.';
COMMENT ON COLUMN public.staff_conversations.message_count IS 'Number of messages, kept by a trigger of staff_messages.';

CREATE TABLE public.staff_messages (
    id bigint GENERATED ALWAYS AS IDENTITY,
    conversation_id uuid NOT NULL,
    sender public.message_sender NOT NULL,
    content text NOT NULL,
    sources text[] NOT NULL DEFAULT '{}',
    confidence double precision,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT staff_messages_pkey PRIMARY KEY (id),
    CONSTRAINT staff_messages_sender_check CHECK (sender <> 'guest'),
    CONSTRAINT staff_messages_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT staff_messages_conversation_id_fkey FOREIGN KEY (conversation_id)
        REFERENCES public.staff_conversations (id) ON DELETE CASCADE
);
COMMENT ON TABLE public.staff_messages IS 'Single messages of the staff''s talks with the assistant.';
COMMENT ON COLUMN public.staff_messages.sources IS 'Tables the assistant drew its answer from.';
COMMENT ON COLUMN public.staff_messages.confidence IS 'How sure the assistant was, from 0 to 1; null for people.';
