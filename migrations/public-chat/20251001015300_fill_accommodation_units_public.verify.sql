-- Every unit has its public description, with both embeddings, and none is longer than a badge may be.

SELECT 'units described' AS promise, count(*) AS units, count(described.source_unit_id) AS described,
    CASE WHEN count(*) = count(described.source_unit_id) THEN 'ok' ELSE 'DIFFERS' END AS result
FROM public.accommodation_units AS unit
LEFT JOIN public.accommodation_units_public AS described ON described.source_unit_id = unit.id;

SELECT 'whole descriptions' AS promise, count(*) AS units,
    count(*) FILTER (WHERE length(short_description) BETWEEN 1 AND 150 AND embedding_fast IS NOT NULL) AS whole,
    CASE WHEN bool_and(length(short_description) BETWEEN 1 AND 150 AND embedding_fast IS NOT NULL) IS NOT FALSE
        THEN 'ok' ELSE 'DIFFERS' END AS result
FROM public.accommodation_units_public
WHERE source_unit_id IS NOT NULL;
