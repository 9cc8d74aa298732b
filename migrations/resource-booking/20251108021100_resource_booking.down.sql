-- Takes the booking away, with everything held and sold, in reverse order of the keys. Without CASCADE on purpose:
-- what came to depend on it since, such as another module's trigger on the shared function, is named by the error.

SET lock_timeout = '5s';

DROP TABLE public.resource_allocation;
DROP TABLE public.resource_hold;
DROP TABLE public.resource_blackout;
DROP TABLE public.resource_capacity;
DROP TABLE public.resource;
DROP FUNCTION public.update_updated_at_column();
