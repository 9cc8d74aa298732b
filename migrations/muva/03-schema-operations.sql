-- 03-schema-operations.sql: definitions of group operations
--
-- From the database muva, PostgreSQL 18.
-- Part of the bundle muva, made by migplan. psql -v ON_ERROR_STOP=1 -f runs it, too.
--
-- Staff, what they may do, and what they tell each other.
--
-- Tables: public.staff_users, public.whatsapp_message_templates, public.hotel_operations, public.staff_conversations, public.user_tenant_permissions, public.staff_messages
-- Must have run before: 01-schema-foundation.sql, 02-schema-catalog.sql

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;


--
-- public.staff_users
--

CREATE TABLE public.staff_users (
    staff_id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    created_by uuid,
    full_name text NOT NULL,
    email public.email_address NOT NULL,
    phone text,
    role public.staff_role DEFAULT 'reception'::public.staff_role NOT NULL,
    permissions jsonb DEFAULT '{}'::jsonb NOT NULL,
    hired_on date,
    last_login_at timestamp with time zone,
    last_login_ip inet,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.staff_users OWNER TO postgres;
COMMENT ON TABLE public.staff_users IS 'People who work for a tenant and may sign in.';
COMMENT ON COLUMN public.staff_users.created_by IS 'Colleague who opened the account; null for the first account of the platform.';
COMMENT ON COLUMN public.staff_users.permissions IS 'What the person may do beyond what the role allows.';
ALTER TABLE ONLY public.staff_users
    ADD CONSTRAINT staff_users_email_key UNIQUE (tenant_id, email);
ALTER TABLE ONLY public.staff_users
    ADD CONSTRAINT staff_users_pkey PRIMARY KEY (staff_id);
CREATE INDEX idx_staff_users_active ON public.staff_users USING btree (tenant_id, role) INCLUDE (full_name) WHERE is_active;
CREATE INDEX idx_staff_users_created_by_fk ON public.staff_users USING btree (created_by);
CREATE UNIQUE INDEX idx_staff_users_email_lower ON public.staff_users USING btree (lower((email)::text));
ALTER TABLE ONLY public.staff_users
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.staff_users
    ADD CONSTRAINT staff_users_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.staff_users(staff_id) ON DELETE SET NULL;
CREATE TRIGGER staff_users_updated_at BEFORE UPDATE ON public.staff_users FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
ALTER TABLE public.staff_users ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_users_tenant ON public.staff_users USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.whatsapp_message_templates
--

CREATE TABLE public.whatsapp_message_templates (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    body text NOT NULL,
    placeholders text[] DEFAULT '{}'::text[] NOT NULL,
    is_approved boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT whatsapp_message_templates_language_check CHECK ((language = ANY (ARRAY['es'::text, 'en'::text, 'pt'::text, 'fr'::text])))
);
ALTER TABLE public.whatsapp_message_templates OWNER TO postgres;
COMMENT ON TABLE public.whatsapp_message_templates IS 'Texts that WhatsApp has approved for messages a guest did not ask for.';
COMMENT ON COLUMN public.whatsapp_message_templates.placeholders IS 'Names of the values that {{1}}, {{2}} and so on stand for.';
ALTER TABLE ONLY public.whatsapp_message_templates
    ADD CONSTRAINT whatsapp_message_templates_name_key UNIQUE (tenant_id, name, language);
ALTER TABLE ONLY public.whatsapp_message_templates
    ADD CONSTRAINT whatsapp_message_templates_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.whatsapp_message_templates
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE public.whatsapp_message_templates ENABLE ROW LEVEL SECURITY;
CREATE POLICY whatsapp_message_templates_tenant ON public.whatsapp_message_templates USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.hotel_operations
--

CREATE TABLE public.hotel_operations (
    id integer NOT NULL,
    tenant_id uuid NOT NULL,
    hotel_id uuid NOT NULL,
    created_by uuid,
    operation_type text NOT NULL,
    title text NOT NULL,
    schedule jsonb DEFAULT '{}'::jsonb NOT NULL,
    usual_duration interval,
    next_due_at timestamp with time zone,
    cost numeric(12,2),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT hotel_operations_type_check CHECK ((operation_type = ANY (ARRAY['housekeeping'::text, 'maintenance'::text, 'supplies'::text, 'safety'::text])))
);
ALTER TABLE public.hotel_operations OWNER TO postgres;
CREATE SEQUENCE public.hotel_operations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.hotel_operations_id_seq OWNER TO postgres;
ALTER SEQUENCE public.hotel_operations_id_seq OWNED BY public.hotel_operations.id;
COMMENT ON TABLE public.hotel_operations IS 'Work that returns in a house: cleaning, upkeep, supplies and safety checks.';
COMMENT ON COLUMN public.hotel_operations.schedule IS 'When the work is due: weekdays, or an interval.';
ALTER TABLE ONLY public.hotel_operations ALTER COLUMN id SET DEFAULT nextval('public.hotel_operations_id_seq'::regclass);
ALTER TABLE ONLY public.hotel_operations
    ADD CONSTRAINT hotel_operations_pkey PRIMARY KEY (id);
CREATE INDEX idx_hotel_operations_created_by_fk ON public.hotel_operations USING btree (created_by);
CREATE INDEX idx_hotel_operations_due ON public.hotel_operations USING btree (tenant_id, next_due_at);
ALTER TABLE ONLY public.hotel_operations
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.hotel_operations
    ADD CONSTRAINT hotel_operations_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.staff_users(staff_id) ON DELETE SET NULL;
ALTER TABLE ONLY public.hotel_operations
    ADD CONSTRAINT hotel_operations_hotel_id_fkey FOREIGN KEY (hotel_id) REFERENCES public.hotels(id) ON DELETE CASCADE;
ALTER TABLE public.hotel_operations ENABLE ROW LEVEL SECURITY;
CREATE POLICY hotel_operations_tenant ON public.hotel_operations USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.staff_conversations
--

CREATE TABLE public.staff_conversations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    staff_id uuid NOT NULL,
    title text NOT NULL,
    category text DEFAULT 'general'::text NOT NULL,
    status public.conversation_status DEFAULT 'open'::public.conversation_status NOT NULL,
    message_count integer DEFAULT 0 NOT NULL,
    last_message_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT staff_conversations_message_count_check CHECK ((message_count >= 0))
);
ALTER TABLE public.staff_conversations OWNER TO postgres;
COMMENT ON TABLE public.staff_conversations IS 'Talks of the staff with the assistant about work in the house.';
COMMENT ON COLUMN public.staff_conversations.message_count IS 'Number of messages, kept by a trigger of staff_messages.';
ALTER TABLE ONLY public.staff_conversations
    ADD CONSTRAINT staff_conversations_pkey PRIMARY KEY (id);
CREATE INDEX idx_staff_conversations_staff ON public.staff_conversations USING btree (staff_id);
CREATE INDEX idx_staff_conversations_tenant ON public.staff_conversations USING btree (tenant_id, last_message_at DESC NULLS LAST);
ALTER TABLE ONLY public.staff_conversations
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.staff_conversations
    ADD CONSTRAINT staff_conversations_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES public.staff_users(staff_id) ON DELETE CASCADE;
ALTER TABLE public.staff_conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_conversations_tenant ON public.staff_conversations USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.user_tenant_permissions
--

CREATE TABLE public.user_tenant_permissions (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    granted_by uuid,
    permissions text[] NOT NULL,
    granted_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT user_tenant_permissions_some_check CHECK ((cardinality(permissions) > 0))
);
ALTER TABLE public.user_tenant_permissions OWNER TO postgres;
COMMENT ON TABLE public.user_tenant_permissions IS 'What users of the external auth platform may do for a tenant.';
COMMENT ON COLUMN public.user_tenant_permissions.user_id IS 'User of the external auth platform; no table of this database knows it.';
COMMENT ON COLUMN public.user_tenant_permissions.expires_at IS 'When the permission ends; infinity where it does not.';
ALTER TABLE ONLY public.user_tenant_permissions
    ADD CONSTRAINT user_tenant_permissions_pkey PRIMARY KEY (tenant_id, user_id);
CREATE INDEX idx_user_tenant_permissions_granted_by_fk ON public.user_tenant_permissions USING btree (granted_by);
ALTER TABLE ONLY public.user_tenant_permissions
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.user_tenant_permissions
    ADD CONSTRAINT user_tenant_permissions_granted_by_fkey FOREIGN KEY (granted_by) REFERENCES public.staff_users(staff_id) ON DELETE SET NULL;
ALTER TABLE public.user_tenant_permissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY user_tenant_permissions_tenant ON public.user_tenant_permissions FOR SELECT USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.staff_messages
--

CREATE TABLE public.staff_messages (
    id bigint NOT NULL,
    conversation_id uuid NOT NULL,
    sender public.message_sender NOT NULL,
    content text NOT NULL,
    sources text[] DEFAULT '{}'::text[] NOT NULL,
    confidence double precision,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT staff_messages_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CONSTRAINT staff_messages_sender_check CHECK ((sender <> 'guest'::public.message_sender))
);
ALTER TABLE public.staff_messages OWNER TO postgres;
ALTER TABLE public.staff_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.staff_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
COMMENT ON TABLE public.staff_messages IS 'Single messages of the staff''s talks with the assistant.';
COMMENT ON COLUMN public.staff_messages.sources IS 'Tables the assistant drew its answer from.';
COMMENT ON COLUMN public.staff_messages.confidence IS 'How sure the assistant was, from 0 to 1; null for people.';
ALTER TABLE ONLY public.staff_messages
    ADD CONSTRAINT staff_messages_pkey PRIMARY KEY (id);
CREATE INDEX idx_staff_messages_conversation ON public.staff_messages USING btree (conversation_id, created_at);
ALTER TABLE ONLY public.staff_messages
    ADD CONSTRAINT staff_messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES public.staff_conversations(id) ON DELETE CASCADE;
CREATE TRIGGER staff_messages_count AFTER INSERT ON public.staff_messages REFERENCING NEW TABLE AS added_messages FOR EACH STATEMENT EXECUTE FUNCTION public.count_staff_messages();
ALTER TABLE public.staff_messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_messages_tenant ON public.staff_messages USING ((EXISTS ( SELECT
   FROM public.staff_conversations talk
  WHERE ((talk.id = staff_messages.conversation_id) AND public.is_tenant_row(talk.tenant_id)))));
