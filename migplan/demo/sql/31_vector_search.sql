-- Searching by vector. All of this needs operators of the extension, so it is left out where there is none.

CREATE INDEX idx_accommodation_public_embedding_fast_hnsw ON public.accommodation_units_public
    USING hnsw (embedding_fast vector_cosine_ops) WITH (m = 16, ef_construction = 64);
-- With so many links a node its graph takes the same pages each time, and documents of this database the same sizes.
CREATE INDEX idx_muva_content_hnsw ON public.muva_content
    USING hnsw (embedding vector_cosine_ops) WITH (m = 12, ef_construction = 64);

CREATE FUNCTION public.match_accommodations_public(
    query_embedding vector(1024),
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
    SET search_path = public, pg_temp
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

COMMENT ON FUNCTION public.match_accommodations_public(vector, uuid, double precision, integer) IS
    'Units of a tenant that come closest to what a visitor asked for, best first. Visitors may call it, so it shows only what may be booked.';

CREATE FUNCTION public.match_manual_sections(query_embedding vector(32), p_manual_id uuid, match_count integer DEFAULT 3)
    RETURNS SETOF public.accommodation_units_manual_chunks
    LANGUAGE sql STABLE
    SET search_path = public, pg_temp
    AS $$
    SELECT * FROM accommodation_units_manual_chunks
    WHERE manual_id = p_manual_id
    ORDER BY embedding <=> query_embedding
    LIMIT match_count
$$;

COMMENT ON FUNCTION public.match_manual_sections(vector, uuid, integer) IS 'Sections of one manual that come closest to a guest''s question.';
