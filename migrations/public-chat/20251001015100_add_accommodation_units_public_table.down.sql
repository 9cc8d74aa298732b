-- Takes the public units away, with their texts and embeddings. Without CASCADE on purpose: what came to depend on
-- the table since is named by the error, not dropped unseen.

SET lock_timeout = '5s';

DROP TABLE public.accommodation_units_public;
DROP FUNCTION public.update_accommodation_units_public_updated_at();
