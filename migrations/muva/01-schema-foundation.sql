-- 01-schema-foundation.sql: definitions of group foundation
--
-- From the database muva, PostgreSQL 18.
-- Part of the bundle muva, made by migplan. psql -v ON_ERROR_STOP=1 -f runs it, too.
--
-- Tenants, knowledge and catalogues of the authorities; they need no other table.
--
-- Tables: public.code_embeddings, public.exchange_rates, public.muva_content, public.sire_cities, public.sire_content, public.sire_countries, public.sire_document_types, public.sire_export_logs, public.tenant_registry
-- Nothing must have run before.

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


-- extension vector
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
DO $undo$
BEGIN
    COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the extension keeps its own comment: only its owner may change it';
END
$undo$;

-- type calendar_event_type
CREATE TYPE public.calendar_event_type AS ENUM (
    'reservation',
    'maintenance',
    'owner_stay',
    'blocked'
);
ALTER TYPE public.calendar_event_type OWNER TO postgres;

-- type calendar_source
CREATE TYPE public.calendar_source AS ENUM (
    'direct',
    'airbnb',
    'booking',
    'vrbo',
    'motopress'
);
ALTER TYPE public.calendar_source OWNER TO postgres;

-- type conversation_status
CREATE TYPE public.conversation_status AS ENUM (
    'open',
    'waiting',
    'closed'
);
ALTER TYPE public.conversation_status OWNER TO postgres;

-- domain currency_code
CREATE DOMAIN public.currency_code AS text
	CONSTRAINT currency_code_shape CHECK ((VALUE ~ '^[A-Z]{3}$'::text));
ALTER DOMAIN public.currency_code OWNER TO postgres;
COMMENT ON DOMAIN public.currency_code IS 'ISO 4217 code of a currency, such as COP or USD.';

-- domain email_address
CREATE DOMAIN public.email_address AS text
	CONSTRAINT email_address_shape CHECK ((VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+\.[a-z]+$'::text));
ALTER DOMAIN public.email_address OWNER TO postgres;

-- type job_status
CREATE TYPE public.job_status AS ENUM (
    'running',
    'succeeded',
    'failed'
);
ALTER TYPE public.job_status OWNER TO postgres;

-- type message_channel
CREATE TYPE public.message_channel AS ENUM (
    'web',
    'whatsapp',
    'airbnb',
    'email'
);
ALTER TYPE public.message_channel OWNER TO postgres;

-- type message_sender
CREATE TYPE public.message_sender AS ENUM (
    'guest',
    'staff',
    'assistant'
);
ALTER TYPE public.message_sender OWNER TO postgres;
COMMENT ON TYPE public.message_sender IS 'Who wrote a message: a person outside, a person inside, or the chat assistant.';

-- type postal_address
CREATE TYPE public.postal_address AS (
	street text,
	city text,
	department text,
	country_code text
);
ALTER TYPE public.postal_address OWNER TO postgres;
COMMENT ON TYPE public.postal_address IS 'Address of a house, with the ISO 3166 code of its country.';

-- type reservation_status
CREATE TYPE public.reservation_status AS ENUM (
    'pending',
    'confirmed',
    'checked_in',
    'completed',
    'cancelled',
    'no_show'
);
ALTER TYPE public.reservation_status OWNER TO postgres;
COMMENT ON TYPE public.reservation_status IS 'Life of a reservation, in the order in which it usually passes.';

-- type session_status
CREATE TYPE public.session_status AS ENUM (
    'active',
    'converted',
    'expired'
);
ALTER TYPE public.session_status OWNER TO postgres;

-- type staff_role
CREATE TYPE public.staff_role AS ENUM (
    'owner',
    'manager',
    'reception',
    'housekeeping'
);
ALTER TYPE public.staff_role OWNER TO postgres;

-- type subscription_plan
CREATE TYPE public.subscription_plan AS ENUM (
    'trial',
    'basic',
    'pro',
    'enterprise'
);
ALTER TYPE public.subscription_plan OWNER TO postgres;

-- type unit_kind
CREATE TYPE public.unit_kind AS ENUM (
    'room',
    'suite',
    'apartment',
    'cabin',
    'hostel_bed'
);
ALTER TYPE public.unit_kind OWNER TO postgres;

-- function count_chat_message()
CREATE FUNCTION public.count_chat_message() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    UPDATE public.guest_conversations
    SET message_count = message_count + 1,
        last_message_at = greatest(last_message_at, NEW.created_at)
    WHERE id = NEW.conversation_id;
    RETURN NULL;
END;
$$;
ALTER FUNCTION public.count_chat_message() OWNER TO postgres;
COMMENT ON FUNCTION public.count_chat_message() IS 'Keeps the number and the time of the last message in guest_conversations.';

-- function count_staff_messages()
CREATE FUNCTION public.count_staff_messages() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
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
ALTER FUNCTION public.count_staff_messages() OWNER TO postgres;
COMMENT ON FUNCTION public.count_staff_messages() IS 'Keeps the number and the time of the last message in staff_conversations.';

-- function current_tenant_id()
CREATE FUNCTION public.current_tenant_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;
ALTER FUNCTION public.current_tenant_id() OWNER TO postgres;
COMMENT ON FUNCTION public.current_tenant_id() IS 'Tenant on whose behalf the session works, from the setting app.tenant_id; null when there is none.';

-- function free_nights(uuid, date, date)
CREATE FUNCTION public.free_nights(p_unit_id uuid, p_from date, p_until date) RETURNS SETOF date
    LANGUAGE sql STABLE
    SET search_path TO ''
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
ALTER FUNCTION public.free_nights(p_unit_id uuid, p_from date, p_until date) OWNER TO postgres;
COMMENT ON FUNCTION public.free_nights(p_unit_id uuid, p_from date, p_until date) IS 'Nights on which a unit can still be booked.';

-- sequence booking_number_seq
CREATE SEQUENCE public.booking_number_seq
    START WITH 20001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.booking_number_seq OWNER TO postgres;
COMMENT ON SEQUENCE public.booking_number_seq IS 'Booking numbers as guests see them, one series for all tenants.';

-- function is_tenant_row(uuid)
CREATE FUNCTION public.is_tenant_row(p_tenant_id uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO ''
    AS $$ SELECT p_tenant_id = public.current_tenant_id() $$;
ALTER FUNCTION public.is_tenant_row(p_tenant_id uuid) OWNER TO postgres;
COMMENT ON FUNCTION public.is_tenant_row(p_tenant_id uuid) IS 'Whether a row belongs to the tenant on whose behalf the session works; used by policies.';

-- function match_accommodations_public(public.vector, uuid, double precision, integer)
CREATE FUNCTION public.match_accommodations_public(query_embedding public.vector, p_tenant_id uuid, match_threshold double precision DEFAULT 0.3, match_count integer DEFAULT 4) RETURNS TABLE(id uuid, content text, similarity double precision, source_file text, pricing jsonb, photos jsonb, metadata jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    SELECT unit.unit_id,
        unit.name || E'\n' || unit.description,
        1 - (unit.embedding_fast <=> query_embedding),
        'accommodation_units_public/' || unit.slug,
        unit.pricing,
        unit.photos,
        jsonb_build_object('unit_type', unit.unit_type, 'amenities', unit.amenities, 'highlights', unit.highlights)
    FROM accommodation_units_public AS unit
    WHERE unit.tenant_id = p_tenant_id
        AND unit.is_active
        AND unit.is_bookable
        AND unit.embedding_fast IS NOT NULL
        AND 1 - (unit.embedding_fast <=> query_embedding) > match_threshold
    ORDER BY unit.embedding_fast <=> query_embedding
    LIMIT match_count;
END;
$$;
ALTER FUNCTION public.match_accommodations_public(query_embedding public.vector, p_tenant_id uuid, match_threshold double precision, match_count integer) OWNER TO postgres;
COMMENT ON FUNCTION public.match_accommodations_public(query_embedding public.vector, p_tenant_id uuid, match_threshold double precision, match_count integer) IS 'Units of a tenant that come closest to what a visitor asked for, best first. Visitors may call it, so it shows only what may be booked.';

-- function new_cookie_id()
CREATE FUNCTION public.new_cookie_id() RETURNS text
    LANGUAGE sql
    SET search_path TO ''
    AS $$ SELECT 'pv_' || replace(gen_random_uuid()::text, '-', '') $$;
ALTER FUNCTION public.new_cookie_id() OWNER TO postgres;
COMMENT ON FUNCTION public.new_cookie_id() IS 'Name of the cookie of a new visitor.';

-- procedure purge_expired_sessions(timestamp with time zone)
CREATE PROCEDURE public.purge_expired_sessions(IN as_of timestamp with time zone)
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    DELETE FROM public.prospective_sessions WHERE status <> 'converted' AND expires_at < as_of
$$;
ALTER PROCEDURE public.purge_expired_sessions(IN as_of timestamp with time zone) OWNER TO postgres;
COMMENT ON PROCEDURE public.purge_expired_sessions(IN as_of timestamp with time zone) IS 'Deletes sessions of visitors who did not book; runs every night at three.';
REVOKE ALL ON PROCEDURE public.purge_expired_sessions(IN as_of timestamp with time zone) FROM PUBLIC;

-- function set_updated_at()
CREATE FUNCTION public.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
ALTER FUNCTION public.set_updated_at() OWNER TO postgres;
COMMENT ON FUNCTION public.set_updated_at() IS 'Stamps a changed row; shared by every table that has updated_at.';

-- function trim_conversation_history()
CREATE FUNCTION public.trim_conversation_history() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    WHILE jsonb_array_length(NEW.conversation_history) > 20 LOOP
        NEW.conversation_history := NEW.conversation_history - 0;
    END LOOP;
    RETURN NEW;
END;
$$;
ALTER FUNCTION public.trim_conversation_history() OWNER TO postgres;
COMMENT ON FUNCTION public.trim_conversation_history() IS 'Keeps the last twenty messages of a visitor and drops older ones.';

--
-- public.code_embeddings
--

CREATE TABLE public.code_embeddings (
    id bigint NOT NULL,
    file_path text NOT NULL,
    chunk_index smallint NOT NULL,
    symbol text NOT NULL,
    content text NOT NULL,
    token_count smallint NOT NULL,
    embedding public.vector(32) NOT NULL,
    CONSTRAINT code_embeddings_token_count_check CHECK ((token_count > 0))
);
ALTER TABLE public.code_embeddings OWNER TO postgres;
ALTER TABLE public.code_embeddings ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.code_embeddings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
COMMENT ON TABLE public.code_embeddings IS 'Pieces of the application''s own source code with their embeddings, for the assistant of its developers.';
COMMENT ON COLUMN public.code_embeddings.chunk_index IS 'Place of the piece in its file, counted from 0.';
ALTER TABLE ONLY public.code_embeddings
    ADD CONSTRAINT code_embeddings_file_chunk_key UNIQUE (file_path, chunk_index);
ALTER TABLE ONLY public.code_embeddings
    ADD CONSTRAINT code_embeddings_pkey PRIMARY KEY (id);

--
-- public.exchange_rates
--

CREATE TABLE public.exchange_rates (
    id smallint NOT NULL,
    currency public.currency_code NOT NULL,
    valid_during daterange NOT NULL,
    pesos numeric(10,2) NOT NULL,
    per_thousand_pesos numeric(10,6) GENERATED ALWAYS AS (round(((1000)::numeric / pesos), 6)) STORED,
    CONSTRAINT exchange_rates_pesos_check CHECK ((pesos > (0)::numeric))
);
ALTER TABLE public.exchange_rates OWNER TO postgres;
ALTER TABLE public.exchange_rates ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.exchange_rates_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
COMMENT ON TABLE public.exchange_rates IS 'Monthly rates at which prices in pesos are shown in foreign money.';
COMMENT ON COLUMN public.exchange_rates.valid_during IS 'Days on which the rate is used; two rates of one currency never overlap.';
COMMENT ON COLUMN public.exchange_rates.pesos IS 'Colombian pesos for one unit of the currency.';
ALTER TABLE ONLY public.exchange_rates
    ADD CONSTRAINT exchange_rates_eur_once EXCLUDE USING gist (valid_during WITH &&) WHERE (((currency)::text = 'EUR'::text));
ALTER TABLE ONLY public.exchange_rates
    ADD CONSTRAINT exchange_rates_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.exchange_rates
    ADD CONSTRAINT exchange_rates_usd_once EXCLUDE USING gist (valid_during WITH &&) WHERE (((currency)::text = 'USD'::text));

--
-- public.muva_content
--

CREATE TABLE public.muva_content (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    category text NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    city text NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    embedding public.vector(32),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.muva_content OWNER TO postgres;
COMMENT ON TABLE public.muva_content IS 'What the assistant knows of beaches, food and trips around the hotels, shared by all tenants.';
COMMENT ON COLUMN public.muva_content.city IS 'Town the text is about, or the nearest one.';
COMMENT ON COLUMN public.muva_content.embedding IS 'Embedding of title and content together.';
ALTER TABLE ONLY public.muva_content
    ADD CONSTRAINT muva_content_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.muva_content
    ADD CONSTRAINT muva_content_title_key UNIQUE (title);
CREATE INDEX idx_muva_content_category ON public.muva_content USING btree (category, city);
CREATE INDEX idx_muva_content_hnsw ON public.muva_content USING hnsw (embedding public.vector_cosine_ops) WITH (m='12', ef_construction='64');
CREATE INDEX idx_muva_content_not_embedded ON public.muva_content USING btree (created_at) WHERE (embedding IS NULL);
CREATE INDEX idx_muva_content_tags ON public.muva_content USING gin (tags);
CREATE TRIGGER muva_content_updated_at BEFORE UPDATE ON public.muva_content FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

--
-- public.sire_cities
--

CREATE TABLE public.sire_cities (
    code text NOT NULL,
    name text NOT NULL,
    department text NOT NULL,
    CONSTRAINT sire_cities_code_check CHECK ((code ~ '^[0-9]{5}$'::text))
);
ALTER TABLE public.sire_cities OWNER TO postgres;
COMMENT ON TABLE public.sire_cities IS 'Colombian towns by their DIVIPOLA number, as SIRE asks for origin and destination of a guest.';
COMMENT ON COLUMN public.sire_cities.code IS 'DIVIPOLA number: two digits of the department, three of the town.';
GRANT SELECT ON TABLE public.sire_cities TO PUBLIC;
ALTER TABLE ONLY public.sire_cities
    ADD CONSTRAINT sire_cities_pkey PRIMARY KEY (code);
CREATE INDEX idx_sire_cities_name ON public.sire_cities USING btree (lower(name));

--
-- public.sire_content
--

CREATE TABLE public.sire_content (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "order" smallint NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    source_url text,
    embedding public.vector(32),
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.sire_content OWNER TO postgres;
COMMENT ON TABLE public.sire_content IS 'Explanations of the duties towards SIRE, from which the assistant answers the staff.';
COMMENT ON COLUMN public.sire_content."order" IS 'Place of the text on the help page.';
ALTER TABLE ONLY public.sire_content
    ADD CONSTRAINT sire_content_order_key UNIQUE ("order");
ALTER TABLE ONLY public.sire_content
    ADD CONSTRAINT sire_content_pkey PRIMARY KEY (id);

--
-- public.sire_countries
--

CREATE TABLE public.sire_countries (
    code text NOT NULL,
    name_es text NOT NULL,
    iso_code text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    CONSTRAINT sire_countries_code_check CHECK ((code ~ '^[0-9]{1,3}$'::text))
);
ALTER TABLE public.sire_countries OWNER TO postgres;
COMMENT ON TABLE public.sire_countries IS 'Countries by the number that SIRE, the Colombian registry of foreigners, gives them.';
COMMENT ON COLUMN public.sire_countries.code IS 'Number of the country in SIRE, which is not its ISO number.';
COMMENT ON COLUMN public.sire_countries.iso_code IS 'ISO 3166 code of three letters.';
GRANT SELECT ON TABLE public.sire_countries TO PUBLIC;
ALTER TABLE ONLY public.sire_countries
    ADD CONSTRAINT sire_countries_iso_code_key UNIQUE (iso_code);
ALTER TABLE ONLY public.sire_countries
    ADD CONSTRAINT sire_countries_pkey PRIMARY KEY (code);

--
-- public.sire_document_types
--

CREATE TABLE public.sire_document_types (
    code text NOT NULL,
    name_es text NOT NULL,
    name_en text NOT NULL,
    is_active boolean DEFAULT true NOT NULL
);
ALTER TABLE public.sire_document_types OWNER TO postgres;
COMMENT ON TABLE public.sire_document_types IS 'Kinds of identity document that SIRE accepts from foreigners.';
GRANT SELECT ON TABLE public.sire_document_types TO PUBLIC;
ALTER TABLE ONLY public.sire_document_types
    ADD CONSTRAINT sire_document_types_pkey PRIMARY KEY (code);

--
-- public.sire_export_logs
--

CREATE TABLE public.sire_export_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    file_name text NOT NULL,
    guest_count integer DEFAULT 0 NOT NULL,
    exported_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sire_export_logs_guest_count_check CHECK ((guest_count >= 0))
);
ALTER TABLE public.sire_export_logs OWNER TO postgres;
COMMENT ON TABLE public.sire_export_logs IS 'Files of guests handed to SIRE; user_id names a user of the external auth platform, so no key of this database can hold it.';
COMMENT ON COLUMN public.sire_export_logs.user_id IS 'User of the external auth platform who asked for the file; indexed like a key, though it is none.';
ALTER TABLE ONLY public.sire_export_logs
    ADD CONSTRAINT sire_export_logs_pkey PRIMARY KEY (id);
CREATE INDEX idx_sire_export_logs_user_fk ON public.sire_export_logs USING btree (user_id);
COMMENT ON INDEX public.idx_sire_export_logs_user_fk IS 'Named like the index of a key, though user_id refers to no table here.';
ALTER TABLE public.sire_export_logs ENABLE ROW LEVEL SECURITY;

--
-- public.tenant_registry
--

CREATE TABLE public.tenant_registry (
    tenant_id uuid DEFAULT gen_random_uuid() NOT NULL,
    subdomain text NOT NULL,
    legal_name text NOT NULL,
    tax_number text,
    plan public.subscription_plan DEFAULT 'trial'::public.subscription_plan NOT NULL,
    features jsonb DEFAULT '{}'::jsonb NOT NULL,
    primary_language text DEFAULT 'es'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenant_registry_subdomain_check CHECK ((subdomain ~ '^[a-z][a-z0-9-]{2,30}$'::text))
);
ALTER TABLE public.tenant_registry OWNER TO postgres;
COMMENT ON TABLE public.tenant_registry IS 'The businesses that use the application; every tenant-bound row belongs to one of them.';
COMMENT ON COLUMN public.tenant_registry.subdomain IS 'First label of the host name under which the tenant''s guests reach the chat.';
COMMENT ON COLUMN public.tenant_registry.tax_number IS 'NIT, the Colombian tax number of the legal person.';
COMMENT ON COLUMN public.tenant_registry.features IS 'Switches of the application, by name.';
ALTER TABLE ONLY public.tenant_registry
    ADD CONSTRAINT tenant_registry_pkey PRIMARY KEY (tenant_id);
ALTER TABLE ONLY public.tenant_registry
    ADD CONSTRAINT tenant_registry_subdomain_key UNIQUE (subdomain);
CREATE INDEX idx_tenant_registry_features ON public.tenant_registry USING gin (features);
CREATE TRIGGER tenant_registry_updated_at BEFORE UPDATE ON public.tenant_registry FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
ALTER TABLE public.tenant_registry ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_registry_own ON public.tenant_registry FOR SELECT USING (public.is_tenant_row(tenant_id));
