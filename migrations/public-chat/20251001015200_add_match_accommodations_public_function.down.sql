-- The part that can be taken back by itself: the tables and their rows stay.

DROP FUNCTION public.match_accommodations_public(public.vector, uuid, double precision, integer);
