-- Names that a later version took for its own words, and quotes.
CREATE SCHEMA s;
CREATE TYPE s.merge_action AS ENUM ('a', 'b');
CREATE TYPE s.json_object AS (json_scalar int, "a" s.merge_action, "Quoted" s.merge_action[]);
CREATE DOMAIN s.json_query AS s.merge_action DEFAULT 'a' CHECK (VALUE <> 'b');
CREATE TABLE s.audit (id int PRIMARY KEY, system_user text NOT NULL DEFAULT 'me' CHECK (system_user <> ''), kind s.merge_action, json_table s.json_query, kinds s.merge_action[]);
CREATE FUNCTION s.fits(json json, merge_action s.merge_action, OUT json_scalar int) LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION s.json_value(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1 || $2';
CREATE FUNCTION s.made(system_user text) RETURNS s.merge_action LANGUAGE sql BEGIN ATOMIC SELECT kind FROM s.audit a WHERE a.system_user = made.system_user; END;
CREATE INDEX ON s.audit (s.json_value(system_user, 'x')) WHERE system_user > 'a';
CREATE VIEW s.seen AS SELECT id, system_user, s.json_value(system_user, 'y') AS json FROM s.audit;
GRANT EXECUTE ON FUNCTION s.fits TO pg_monitor; REVOKE EXECUTE ON FUNCTION s.made FROM PUBLIC; GRANT USAGE ON TYPE s.merge_action TO pg_monitor;
ALTER TABLE s.audit ALTER system_user SET NOT NULL, REPLICA IDENTITY USING INDEX audit_pkey;
COMMENT ON COLUMN s.audit.system_user IS 'x'; COMMENT ON FUNCTION s.fits IS 'y';
CREATE TABLE s.json_exists (json_array int) PARTITION BY LIST (json_array); CREATE TABLE s.merge_support PARTITION OF s.json_exists FOR VALUES IN (1);
