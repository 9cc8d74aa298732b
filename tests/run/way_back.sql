-- A database with an object of each kind, for tests of the way back.
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE unused AS ENUM ('one', 'two');
CREATE TYPE place AS (x int, y text);
CREATE DOMAIN short AS text DEFAULT 'none' CONSTRAINT short_check CHECK (length(VALUE) < 20);
CREATE TYPE spans AS RANGE (subtype = float8);
CREATE SEQUENCE numbers START 5 INCREMENT 5;
SELECT nextval('numbers');
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(40) NOT NULL DEFAULT 'nobody',
    mail text UNIQUE,
    feels mood DEFAULT 'sad',
    note text COLLATE "C",
    empty text,
    age int CHECK (age > 0),
    half numeric(6, 2) GENERATED ALWAYS AS (age / 2.0) STORED,
    born timestamp,
    settings jsonb
);
INSERT INTO people (name, mail, age) VALUES ('Eva', 'eva@example.com', 30), ('Adam', 'adam@example.com', 40);
CREATE TABLE visits (
    id serial PRIMARY KEY,
    person bigint REFERENCES people ON DELETE CASCADE,
    at timestamptz DEFAULT now(),
    spot place
);
INSERT INTO visits (person) VALUES (1), (1), (2);
CREATE TABLE bare (a int, b text);
CREATE TABLE referred (id int PRIMARY KEY);
CREATE TABLE refers ("to" int REFERENCES referred);
CREATE TABLE other.things (id int PRIMARY KEY, what short, CONSTRAINT things_what UNIQUE (what));
CREATE TABLE parted (id int NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parted_one PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parted_two PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX parted_at ON parted (at);
CREATE TABLE family (a int);
CREATE TABLE child (b int) INHERITS (family);
CREATE INDEX people_name ON people (lower(name)) WHERE age > 3;
CREATE UNIQUE INDEX bare_a ON bare (a) INCLUDE (b);
CREATE VIEW adults AS SELECT id, name FROM people WHERE age > 17;
CREATE VIEW names AS SELECT name FROM adults;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM people;
CREATE UNIQUE INDEX counted_n ON counted (n);
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION feeling(m mood DEFAULT 'sad') RETURNS text LANGUAGE sql AS 'SELECT m::text';
CREATE PROCEDURE tidy() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE product (int) (sfunc = int4mul, stype = int, initcond = '1');
CREATE TRIGGER people_touched BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TRIGGER visits_touched AFTER INSERT OR DELETE ON visits FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TABLE visits DISABLE TRIGGER visits_touched;
CREATE RULE bare_quiet AS ON DELETE TO bare DO INSTEAD NOTHING;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY people_see ON people FOR SELECT TO back_reader USING (age > 17);
CREATE POLICY people_all ON people USING (name = CURRENT_USER) WITH CHECK (true);
CREATE STATISTICS people_stats ON name, age FROM people;
CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq, commutator = ===);
CREATE COLLATION plain (provider = libc, locale = 'C');
CREATE TEXT SEARCH CONFIGURATION ours (COPY = simple);
CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple, stopwords = english);
CREATE PUBLICATION changes FOR TABLE people, visits;
CREATE PUBLICATION nothing;
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER away FOREIGN DATA WRAPPER wrapper;
CREATE FOREIGN TABLE far (a int, b text) SERVER away;
COMMENT ON TABLE people IS 'Who comes';
COMMENT ON COLUMN people.name IS 'What they are called';
COMMENT ON FUNCTION twice(int) IS 'Doubles';
COMMENT ON INDEX people_name IS 'For search';
COMMENT ON CONSTRAINT visits_person_fkey ON visits IS 'Whose visit';
COMMENT ON POLICY people_see ON people IS 'Grown-ups';
COMMENT ON TRIGGER people_touched ON people IS 'Keeps the time';
COMMENT ON VIEW adults IS 'Grown-ups';
COMMENT ON TYPE mood IS 'How they feel';
GRANT SELECT, INSERT ON people TO back_reader;
GRANT SELECT (mail), UPDATE (mail) ON people TO back_writer;
GRANT SELECT ON adults TO back_reader WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION twice(int) TO back_reader;
REVOKE EXECUTE ON FUNCTION feeling(mood) FROM PUBLIC;
GRANT USAGE ON SCHEMA other TO back_writer;
GRANT USAGE ON SEQUENCE numbers TO back_writer;
ALTER TABLE other.things OWNER TO back_writer;
ALTER FUNCTION twice(int) OWNER TO back_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT SELECT ON TABLES TO back_reader;
ALTER TABLE people ALTER COLUMN note SET STATISTICS 200;
ALTER TABLE people ALTER COLUMN mail SET STORAGE EXTERNAL;
ALTER TABLE bare SET (fillfactor = 70);
ALTER TABLE bare REPLICA IDENTITY FULL;
ALTER TABLE visits CLUSTER ON visits_pkey;
