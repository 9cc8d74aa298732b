-- 02-schema-catalog.sql: definitions of group catalog
--
-- From the database muva, PostgreSQL 18.
-- Part of the bundle muva, made by migplan. psql -v ON_ERROR_STOP=1 -f runs it, too.
--
-- Hotels and what they offer.
--
-- Tables: public.hotels, public.accommodation_units, public.accommodation_units_manual, public.accommodation_units_public, public.accommodation_units_manual_chunks
-- Must have run before: 01-schema-foundation.sql

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
-- public.hotels
--

CREATE TABLE public.hotels (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    address public.postal_address NOT NULL,
    star_rating smallint,
    check_in_time time without time zone DEFAULT '15:00:00'::time without time zone NOT NULL,
    check_out_time time without time zone DEFAULT '11:00:00'::time without time zone NOT NULL,
    contact_email public.email_address,
    contact_phone text,
    amenities text[] DEFAULT '{}'::text[] NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT hotels_star_rating_check CHECK (((star_rating >= 1) AND (star_rating <= 5)))
);
ALTER TABLE public.hotels OWNER TO postgres;
COMMENT ON TABLE public.hotels IS 'The houses of the tenants, each with its address and its hours.';
COMMENT ON COLUMN public.hotels.slug IS 'Name of the house in addresses of web pages.';
COMMENT ON COLUMN public.hotels.check_in_time IS 'Earliest hour at which a guest may take the room, in local time.';
GRANT SELECT(id) ON TABLE public.hotels TO PUBLIC;
GRANT SELECT(name) ON TABLE public.hotels TO PUBLIC;
GRANT SELECT(slug) ON TABLE public.hotels TO PUBLIC;
GRANT SELECT(check_in_time) ON TABLE public.hotels TO PUBLIC;
GRANT SELECT(check_out_time) ON TABLE public.hotels TO PUBLIC;
ALTER TABLE ONLY public.hotels
    ADD CONSTRAINT hotels_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.hotels
    ADD CONSTRAINT hotels_slug_key UNIQUE (tenant_id, slug);
ALTER TABLE ONLY public.hotels
    ADD CONSTRAINT hotels_tenant_id_key UNIQUE (tenant_id, id);
ALTER TABLE ONLY public.hotels
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
CREATE TRIGGER hotels_updated_at BEFORE UPDATE ON public.hotels FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
ALTER TABLE public.hotels ENABLE ROW LEVEL SECURITY;
CREATE POLICY hotels_read ON public.hotels FOR SELECT USING (is_active);
CREATE POLICY hotels_update ON public.hotels FOR UPDATE USING (public.is_tenant_row(tenant_id)) WITH CHECK (public.is_tenant_row(tenant_id));

--
-- public.accommodation_units
--

CREATE TABLE public.accommodation_units (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    hotel_id uuid NOT NULL,
    unit_number text NOT NULL,
    name text NOT NULL,
    unit_type public.unit_kind NOT NULL,
    max_guests smallint NOT NULL,
    base_price numeric(12,2) NOT NULL,
    currency public.currency_code DEFAULT 'COP'::text NOT NULL,
    floor_plan_version real DEFAULT 1 NOT NULL,
    amenities jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT accommodation_units_max_guests_check CHECK (((max_guests >= 1) AND (max_guests <= 20)))
);
ALTER TABLE public.accommodation_units OWNER TO postgres;
COMMENT ON TABLE public.accommodation_units IS 'Units whose calendar the application itself keeps.';
COMMENT ON COLUMN public.accommodation_units.hotel_id IS 'House of the unit, which belongs to the same tenant.';
COMMENT ON COLUMN public.accommodation_units.base_price IS 'Price of a night outside every season.';
ALTER TABLE ONLY public.accommodation_units
    ADD CONSTRAINT accommodation_units_number_key UNIQUE (tenant_id, unit_number);
ALTER TABLE ONLY public.accommodation_units
    ADD CONSTRAINT accommodation_units_pkey PRIMARY KEY (id);
CREATE INDEX idx_accommodation_units_tenant_hotel_fk ON public.accommodation_units USING btree (tenant_id, hotel_id);
ALTER TABLE ONLY public.accommodation_units
    ADD CONSTRAINT accommodation_units_hotel_fkey FOREIGN KEY (tenant_id, hotel_id) REFERENCES public.hotels(tenant_id, id) ON UPDATE CASCADE ON DELETE RESTRICT;
CREATE TRIGGER accommodation_units_updated_at BEFORE UPDATE ON public.accommodation_units FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
ALTER TABLE public.accommodation_units ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_tenant ON public.accommodation_units USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.accommodation_units_manual
--

CREATE TABLE public.accommodation_units_manual (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    hotel_id uuid NOT NULL,
    title text NOT NULL,
    language text DEFAULT 'es'::text NOT NULL,
    source_file text NOT NULL,
    page_numbers integer[] DEFAULT '{}'::integer[] NOT NULL,
    wifi jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.accommodation_units_manual OWNER TO postgres;
COMMENT ON TABLE public.accommodation_units_manual IS 'Manuals of units for guests who have arrived: keys, machines, rules of the house.';
COMMENT ON COLUMN public.accommodation_units_manual.wifi IS 'Name and password of the network; only guests of the unit may read them.';
ALTER TABLE ONLY public.accommodation_units_manual
    ADD CONSTRAINT accommodation_units_manual_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.accommodation_units_manual
    ADD CONSTRAINT accommodation_units_manual_source_key UNIQUE (tenant_id, source_file);
CREATE INDEX idx_accommodation_manual_hotel ON public.accommodation_units_manual USING btree (hotel_id);
ALTER TABLE ONLY public.accommodation_units_manual
    ADD CONSTRAINT accommodation_units_manual_hotel_fkey FOREIGN KEY (hotel_id) REFERENCES public.hotels(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.accommodation_units_manual
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
ALTER TABLE public.accommodation_units_manual ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_manual_tenant ON public.accommodation_units_manual USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));

--
-- public.accommodation_units_public
--

CREATE TABLE public.accommodation_units_public (
    unit_id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id uuid NOT NULL,
    hotel_id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    unit_type public.unit_kind NOT NULL,
    short_description text NOT NULL,
    description text NOT NULL,
    highlights text[] DEFAULT '{}'::text[] NOT NULL,
    amenities jsonb DEFAULT '{}'::jsonb NOT NULL,
    base_price_night numeric(12,2) NOT NULL,
    pricing jsonb DEFAULT '{}'::jsonb NOT NULL,
    photos jsonb DEFAULT '[]'::jsonb NOT NULL,
    embedding_fast public.vector(1024),
    embedding_precise public.vector(3072),
    is_active boolean DEFAULT true NOT NULL,
    is_bookable boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT accommodation_units_public_price_check CHECK ((base_price_night > (0)::numeric)),
    CONSTRAINT accommodation_units_public_short_check CHECK ((char_length(short_description) <= 150))
);
ALTER TABLE public.accommodation_units_public OWNER TO postgres;
COMMENT ON TABLE public.accommodation_units_public IS 'What visitors may read of a unit before they book: texts, prices, pictures, and embeddings to find it by.';
COMMENT ON COLUMN public.accommodation_units_public.pricing IS 'Prices of a night by season, in Colombian pesos.';
COMMENT ON COLUMN public.accommodation_units_public.embedding_fast IS 'The first 1,024 numbers of the embedding, which carry most of its meaning; the chat searches these.';
COMMENT ON COLUMN public.accommodation_units_public.embedding_precise IS 'The whole embedding of 3,072 numbers, so far for few units.';
GRANT SELECT ON TABLE public.accommodation_units_public TO PUBLIC;
ALTER TABLE ONLY public.accommodation_units_public
    ADD CONSTRAINT accommodation_units_public_pkey PRIMARY KEY (unit_id);
ALTER TABLE ONLY public.accommodation_units_public
    ADD CONSTRAINT accommodation_units_public_slug_key UNIQUE (tenant_id, slug);
CREATE INDEX idx_accommodation_public_amenities ON public.accommodation_units_public USING gin (amenities jsonb_path_ops);
CREATE INDEX idx_accommodation_public_embedding_fast_hnsw ON public.accommodation_units_public USING hnsw (embedding_fast public.vector_cosine_ops) WITH (m='16', ef_construction='64');
CREATE INDEX idx_accommodation_public_tenant ON public.accommodation_units_public USING btree (tenant_id) WHERE is_active;
CREATE INDEX idx_accommodation_public_type ON public.accommodation_units_public USING btree (unit_type) WHERE (is_active AND is_bookable);
ALTER TABLE ONLY public.accommodation_units_public
    ADD CONSTRAINT accommodation_units_public_hotel_fkey FOREIGN KEY (hotel_id) REFERENCES public.hotels(id);
ALTER TABLE ONLY public.accommodation_units_public
    ADD CONSTRAINT fk_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenant_registry(tenant_id) ON DELETE CASCADE;
CREATE TRIGGER accommodation_units_public_updated_at BEFORE UPDATE ON public.accommodation_units_public FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();
ALTER TABLE public.accommodation_units_public ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_public_read ON public.accommodation_units_public FOR SELECT USING ((is_active AND is_bookable));
COMMENT ON POLICY accommodation_units_public_read ON public.accommodation_units_public IS 'Visitors see what they can book, of every tenant.';
CREATE POLICY accommodation_units_public_staff ON public.accommodation_units_public USING (public.is_tenant_row(tenant_id)) WITH CHECK (public.is_tenant_row(tenant_id));

--
-- public.accommodation_units_manual_chunks
--

CREATE TABLE public.accommodation_units_manual_chunks (
    id bigint NOT NULL,
    manual_id uuid NOT NULL,
    chunk_index smallint NOT NULL,
    section_title text NOT NULL,
    content text NOT NULL,
    embedding public.vector(32),
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.accommodation_units_manual_chunks OWNER TO postgres;
ALTER TABLE public.accommodation_units_manual_chunks ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.accommodation_units_manual_chunks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
COMMENT ON TABLE public.accommodation_units_manual_chunks IS 'Sections of the manuals with their embeddings, from which the assistant answers guests.';
COMMENT ON COLUMN public.accommodation_units_manual_chunks.chunk_index IS 'Place of the section in its manual, counted from 0.';
ALTER TABLE ONLY public.accommodation_units_manual_chunks
    ADD CONSTRAINT accommodation_units_manual_chunks_index_key UNIQUE (manual_id, chunk_index);
ALTER TABLE ONLY public.accommodation_units_manual_chunks
    ADD CONSTRAINT accommodation_units_manual_chunks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.accommodation_units_manual_chunks
    ADD CONSTRAINT accommodation_units_manual_chunks_manual_fkey FOREIGN KEY (manual_id) REFERENCES public.accommodation_units_manual(id) ON DELETE CASCADE;
ALTER TABLE public.accommodation_units_manual_chunks ENABLE ROW LEVEL SECURITY;
CREATE POLICY accommodation_units_manual_chunks_tenant ON public.accommodation_units_manual_chunks FOR SELECT USING ((manual_id IN ( SELECT manual.id
   FROM public.accommodation_units_manual manual)));

-- function match_manual_sections(public.vector, uuid, integer)
CREATE FUNCTION public.match_manual_sections(query_embedding public.vector, p_manual_id uuid, match_count integer DEFAULT 3) RETURNS SETOF public.accommodation_units_manual_chunks
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT * FROM accommodation_units_manual_chunks
    WHERE manual_id = p_manual_id
    ORDER BY embedding <=> query_embedding
    LIMIT match_count
$$;
ALTER FUNCTION public.match_manual_sections(query_embedding public.vector, p_manual_id uuid, match_count integer) OWNER TO postgres;
COMMENT ON FUNCTION public.match_manual_sections(query_embedding public.vector, p_manual_id uuid, match_count integer) IS 'Sections of one manual that come closest to a guest''s question.';
