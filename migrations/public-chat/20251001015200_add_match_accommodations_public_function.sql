-- The search of the chat: units of a tenant that come closest to what a visitor asked for.

-- A security definer runs past row-level security, as visitors have none of the rights of the table's owner; so the
-- function itself asks for the tenant and for what may be shown. Its search path is empty: nothing that a caller
-- creates can stand in for what it names.
CREATE FUNCTION public.match_accommodations_public(
    query_embedding public.vector(1024),
    p_tenant_id uuid,
    match_threshold double precision DEFAULT 0.3,
    match_count integer DEFAULT 4
)
    RETURNS TABLE (
        id uuid,
        content text,
        similarity double precision,
        source_file text,
        pricing jsonb,
        photos jsonb,
        metadata jsonb
    )
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = ''
    -- HNSW looks up the nearest units of all tenants, and the conditions are applied to what it found. A small tenant
    -- among large ones would get fewer units than there are; scanning on until there are enough needs pgvector 0.8.
    SET hnsw.iterative_scan = 'strict_order'
    AS $$
BEGIN
    RETURN QUERY
    SELECT unit.unit_id,
        unit.name || E'\n' || unit.description,
        1 - (unit.embedding_fast OPERATOR(public.<=>) query_embedding),
        'accommodation_units_public/' || unit.slug,
        unit.pricing || jsonb_build_object('base_price_night', unit.base_price_night),
        unit.photos,
        unit.metadata || jsonb_build_object(
            'name', unit.name,
            'unit_type', unit.unit_type,
            'short_description', unit.short_description,
            'highlights', unit.highlights,
            'amenities', unit.amenities,
            'virtual_tour_url', unit.virtual_tour_url
        )
    FROM public.accommodation_units_public AS unit
    WHERE unit.tenant_id = p_tenant_id
        AND unit.is_active
        AND unit.is_bookable
        AND unit.embedding_fast OPERATOR(public.<=>) query_embedding < 1 - match_threshold
    ORDER BY unit.embedding_fast OPERATOR(public.<=>) query_embedding
    LIMIT match_count;
END;
$$;

COMMENT ON FUNCTION public.match_accommodations_public(public.vector, uuid, double precision, integer) IS
    'Units of a tenant that come closest to what a visitor asked for, best first. Visitors may call it, so it shows only what may be booked.';

-- Functions are everybody's until somebody says otherwise.
REVOKE EXECUTE ON FUNCTION public.match_accommodations_public(public.vector, uuid, double precision, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.match_accommodations_public(public.vector, uuid, double precision, integer)
    TO anon, authenticated;
