SET lock_timeout = '5s';
SET statement_timeout = '60s';
SET search_path = public;

ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES u NOT VALID, ADD CHECK (x > 0) NOT VALID;
