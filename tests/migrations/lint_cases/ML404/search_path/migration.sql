SET lock_timeout = '5s';
SET statement_timeout = '60s';
SET search_path = public;

CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';
