-- Takes back the rows that were filled in from units, and no others.

SET lock_timeout = '5s';

DELETE FROM public.accommodation_units_public WHERE source_unit_id IS NOT NULL;
