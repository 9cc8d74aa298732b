SET lock_timeout = '5s';
SET statement_timeout = '60s';
SET search_path = public;

ALTER TABLE t ADD x int REFERENCES u;
