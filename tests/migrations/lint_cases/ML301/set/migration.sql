SET lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';
ALTER TABLE public.t ADD x int;
