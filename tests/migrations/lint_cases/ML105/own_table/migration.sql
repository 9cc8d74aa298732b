SET lock_timeout = '5s';
SET statement_timeout = '60s';
SET search_path = public;

CREATE TABLE n (x int);
CREATE INDEX ON n (x);
ALTER TABLE n ADD y int NOT NULL, ADD UNIQUE (x);
