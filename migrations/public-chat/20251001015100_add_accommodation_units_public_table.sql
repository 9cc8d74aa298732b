-- What visitors may read of a unit before they book: texts, prices, pictures, and embeddings to find it by.
-- The extension pgvector, 0.5 or newer, is in the schema public.

-- The foreign keys lock tenant_registry, hotels and accommodation_units against writes, for an instant once they
-- have them. Rather give up than queue behind a long transaction, with everybody else queueing behind us.
SET lock_timeout = '5s';

CREATE TABLE public.accommodation_units_public (
    unit_id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    hotel_id uuid NOT NULL,
    source_unit_id uuid,
    slug text NOT NULL,
    name text NOT NULL,
    unit_type public.unit_kind NOT NULL,
    short_description text NOT NULL,
    description text NOT NULL,
    highlights text[] NOT NULL DEFAULT '{}',
    amenities jsonb NOT NULL DEFAULT '{}',
    base_price_night numeric(12, 2) NOT NULL,
    pricing jsonb NOT NULL DEFAULT '{}',
    photos jsonb NOT NULL DEFAULT '[]',
    virtual_tour_url text,
    metadata jsonb NOT NULL DEFAULT '{}',
    embedding_fast public.vector(1024),
    embedding_precise public.vector(3072),
    is_active boolean NOT NULL DEFAULT true,
    is_bookable boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT accommodation_units_public_pkey PRIMARY KEY (unit_id),
    CONSTRAINT accommodation_units_public_slug_key UNIQUE (tenant_id, slug),
    -- Filling the table again finds each unit by this one. Units without a source do not exclude each other.
    CONSTRAINT accommodation_units_public_source_key UNIQUE (source_unit_id),
    CONSTRAINT accommodation_units_public_price_check CHECK (base_price_night > 0),
    CONSTRAINT accommodation_units_public_short_check CHECK (char_length(short_description) <= 150),
    CONSTRAINT accommodation_units_public_amenities_check CHECK (jsonb_typeof(amenities) = 'object'),
    CONSTRAINT accommodation_units_public_pricing_check CHECK (jsonb_typeof(pricing) = 'object'),
    CONSTRAINT accommodation_units_public_photos_check CHECK (jsonb_typeof(photos) = 'array'),
    CONSTRAINT accommodation_units_public_tenant_fkey FOREIGN KEY (tenant_id)
        REFERENCES public.tenant_registry (tenant_id) ON DELETE CASCADE,
    -- Both columns together, so that no unit can stand in a house of another tenant.
    CONSTRAINT accommodation_units_public_hotel_fkey FOREIGN KEY (tenant_id, hotel_id)
        REFERENCES public.hotels (tenant_id, id) ON UPDATE CASCADE ON DELETE RESTRICT,
    CONSTRAINT accommodation_units_public_source_fkey FOREIGN KEY (source_unit_id)
        REFERENCES public.accommodation_units (id) ON DELETE SET NULL
);

COMMENT ON TABLE public.accommodation_units_public IS
    'What visitors may read of a unit before they book: texts, prices, pictures, and embeddings to find it by.';
COMMENT ON COLUMN public.accommodation_units_public.unit_id IS 'Identifies the unit towards the public.';
COMMENT ON COLUMN public.accommodation_units_public.tenant_id IS 'Tenant who offers the unit.';
COMMENT ON COLUMN public.accommodation_units_public.hotel_id IS 'House of the unit, which belongs to the same tenant.';
COMMENT ON COLUMN public.accommodation_units_public.source_unit_id IS
    'Unit of the application''s own calendar that this row shows; null for units whose calendar another system keeps.';
COMMENT ON COLUMN public.accommodation_units_public.slug IS 'Name of the unit in addresses of web pages.';
COMMENT ON COLUMN public.accommodation_units_public.name IS 'Name of the unit as visitors read it.';
COMMENT ON COLUMN public.accommodation_units_public.unit_type IS 'Kind of unit, for the filter of the search.';
COMMENT ON COLUMN public.accommodation_units_public.short_description IS 'One line for lists, 150 characters at most.';
COMMENT ON COLUMN public.accommodation_units_public.description IS 'The text that is to make visitors want to stay here.';
COMMENT ON COLUMN public.accommodation_units_public.highlights IS 'Few words each, shown as badges, the best first.';
COMMENT ON COLUMN public.accommodation_units_public.amenities IS 'Bedrooms, bathrooms and features, by name.';
COMMENT ON COLUMN public.accommodation_units_public.base_price_night IS 'Price of a night outside every season, in Colombian pesos.';
COMMENT ON COLUMN public.accommodation_units_public.pricing IS 'Prices of a night by season, in Colombian pesos.';
COMMENT ON COLUMN public.accommodation_units_public.photos IS 'Pictures in the order in which they are shown, each with what belongs to it.';
COMMENT ON COLUMN public.accommodation_units_public.virtual_tour_url IS 'Where visitors can walk through the unit; null where nobody filmed it.';
COMMENT ON COLUMN public.accommodation_units_public.metadata IS
    'What else the source knew of the unit. Visitors can read it, like everything here.';
COMMENT ON COLUMN public.accommodation_units_public.embedding_fast IS
    'The first 1,024 numbers of the embedding, which carry most of its meaning; the chat searches these.';
COMMENT ON COLUMN public.accommodation_units_public.embedding_precise IS
    'The whole embedding of 3,072 numbers, for when precision matters more than time; not indexed.';
COMMENT ON COLUMN public.accommodation_units_public.is_active IS 'Whether the unit is offered at all.';
COMMENT ON COLUMN public.accommodation_units_public.is_bookable IS 'Whether it can be booked now; visitors see only what can.';
COMMENT ON COLUMN public.accommodation_units_public.created_at IS 'When the unit was first shown.';
COMMENT ON COLUMN public.accommodation_units_public.updated_at IS 'Time of the last change, kept by a trigger.';

-- The table is empty, so its indexes need no CONCURRENTLY.
CREATE INDEX idx_accommodation_public_tenant ON public.accommodation_units_public (tenant_id) WHERE is_active;
CREATE INDEX idx_accommodation_public_type ON public.accommodation_units_public (unit_type);
-- pgvector indexes a vector of up to 2,000 dimensions, so embedding_precise, with 3,072, can have no such index.
-- Should it need one: halfvec goes up to 4,000, and an index may be built on the cast to halfvec(3072).
CREATE INDEX idx_accommodation_public_embedding_fast_hnsw ON public.accommodation_units_public
    USING hnsw (embedding_fast public.vector_cosine_ops) WITH (m = 16, ef_construction = 64);

COMMENT ON INDEX public.idx_accommodation_public_tenant IS 'What a tenant offers.';
COMMENT ON INDEX public.idx_accommodation_public_type IS 'Units of one kind.';
COMMENT ON INDEX public.idx_accommodation_public_embedding_fast_hnsw IS 'Nearest neighbours by cosine distance.';

CREATE FUNCTION public.update_accommodation_units_public_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION public.update_accommodation_units_public_updated_at() IS 'Stamps a changed row.';
-- Only the trigger calls it, and a trigger asks for no privilege.
REVOKE EXECUTE ON FUNCTION public.update_accommodation_units_public_updated_at() FROM PUBLIC;

CREATE TRIGGER trigger_accommodation_units_public_updated_at
    BEFORE UPDATE ON public.accommodation_units_public
    FOR EACH ROW EXECUTE FUNCTION public.update_accommodation_units_public_updated_at();

ALTER TABLE public.accommodation_units_public ENABLE ROW LEVEL SECURITY;

CREATE POLICY accommodation_units_public_read ON public.accommodation_units_public FOR SELECT
    TO anon, authenticated
    USING (is_active AND is_bookable);
-- The sub-select is asked once a query; without it the function would be called for every row.
CREATE POLICY accommodation_units_public_staff ON public.accommodation_units_public TO authenticated
    USING (tenant_id = (SELECT public.current_tenant_id()))
    WITH CHECK (tenant_id = (SELECT public.current_tenant_id()));

COMMENT ON POLICY accommodation_units_public_read ON public.accommodation_units_public IS
    'Everybody sees what can be booked, of every tenant.';
COMMENT ON POLICY accommodation_units_public_staff ON public.accommodation_units_public IS
    'Staff may do everything with the units of their own tenant, bookable or not.';

GRANT SELECT ON public.accommodation_units_public TO anon;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.accommodation_units_public TO authenticated;
