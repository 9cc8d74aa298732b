SET lock_timeout = '5s';
SET statement_timeout = '60s';
SET search_path = public;

UPDATE t SET x = 1 WHERE x IS NULL;
