CREATE SCHEMA fresh

CREATE SCHEMA IF NOT EXISTS other

ALTER SCHEMA other RENAME TO another

DROP SCHEMA other CASCADE

CREATE SCHEMA fresh; CREATE TABLE fresh.t (a int); ALTER TABLE bare SET SCHEMA fresh

COMMENT ON SCHEMA other IS 'x'; GRANT CREATE ON SCHEMA other TO back_reader; REVOKE USAGE ON SCHEMA other FROM back_writer

ALTER SCHEMA other OWNER TO back_writer

CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'x'); INSERT INTO t VALUES (1); COMMENT ON TABLE t IS 'x'; GRANT SELECT ON t TO back_reader

CREATE TABLE IF NOT EXISTS people (a int)

CREATE TABLE a1 (id int PRIMARY KEY, b int); CREATE TABLE b1 (id int PRIMARY KEY, a int REFERENCES a1); ALTER TABLE a1 ADD FOREIGN KEY (b) REFERENCES b1

CREATE TABLE t (id serial PRIMARY KEY, p bigint REFERENCES people); CREATE INDEX ON t (p)

CREATE TABLE t AS SELECT * FROM people

CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (a int DEFAULT f()); CREATE FUNCTION g(r t) RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE t ADD CHECK (g(t) > 0)

CREATE TABLE t (LIKE people INCLUDING ALL)

CREATE UNLOGGED TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (true)

CREATE TABLE parted_three PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')

CREATE TABLE more (a int) INHERITS (family)

CREATE TABLE t (k int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t DEFAULT; CREATE INDEX ON t (k); INSERT INTO t VALUES (1), (2)

ALTER TABLE parted DETACH PARTITION parted_one

CREATE TABLE extra (id int NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)); ALTER TABLE parted ATTACH PARTITION extra FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')

DROP TABLE parted_one

DROP TABLE parted

DROP TABLE bare

-- cannot: table public.people: it held rows, which are gone
DROP TABLE people CASCADE

-- cannot: table public.visits: it held rows, which are gone
DROP TABLE visits

DROP TABLE family, child

DROP TABLE other.things

-- cannot: table public.people: its rows are gone, and they are not kept
TRUNCATE people CASCADE

TRUNCATE bare

-- cannot: rows of table public.people were deleted (1), and what they were before is not kept
DELETE FROM people WHERE id = 1

-- cannot: rows of table public.people were updated (2), and what they were before is not kept
UPDATE people SET age = 1

INSERT INTO people (name, age) VALUES ('Noah', 3), ('Sem', 4)

INSERT INTO people (name) VALUES ('Noah'); INSERT INTO visits (person) SELECT max(id) FROM people

INSERT INTO bare VALUES (1, 'x')

INSERT INTO bare VALUES (1, 'x'); ALTER TABLE bare RENAME TO naked; ALTER TABLE naked ADD COLUMN c int

-- cannot: rows of table public.bare were updated (1), and what they were before is not kept
INSERT INTO bare VALUES (1, 'x'); UPDATE bare SET b = 'y'

INSERT INTO parted VALUES (1, '2024-05-05')

DO $$ BEGIN INSERT INTO bare VALUES (7, 'x'); EXCEPTION WHEN OTHERS THEN NULL; END $$

ALTER TABLE people RENAME TO persons

ALTER TABLE people RENAME TO persons; ALTER TABLE persons RENAME COLUMN name TO called; ALTER TABLE persons ADD COLUMN extra int

ALTER TABLE people RENAME COLUMN name TO called; ALTER TABLE people RENAME COLUMN mail TO name; ALTER TABLE people RENAME COLUMN called TO mail

ALTER TABLE bare RENAME TO x; ALTER TABLE visits RENAME TO bare; ALTER TABLE x RENAME TO visits

ALTER TABLE people RENAME TO people_old; CREATE TABLE people (id int PRIMARY KEY);

ALTER TABLE bare SET SCHEMA other; ALTER TABLE other.bare RENAME TO naked

CREATE TABLE bare_new (a int, b text, c int); INSERT INTO bare_new SELECT a, b, 1 FROM bare; DROP TABLE bare; ALTER TABLE bare_new RENAME TO bare

-- cannot: table public.visits: it held rows, which are gone
CREATE TABLE visits_new (LIKE visits); DROP TABLE visits; ALTER TABLE visits_new RENAME TO visits

ALTER TABLE people RENAME CONSTRAINT people_age_check TO grown

ALTER INDEX people_name RENAME TO by_name; COMMENT ON INDEX by_name IS 'z'

ALTER INDEX people_pkey RENAME TO people_key

ALTER SEQUENCE numbers RENAME TO counts

ALTER VIEW adults RENAME TO grown; CREATE VIEW adults AS SELECT 1 AS x

ALTER VIEW adults RENAME COLUMN name TO called

ALTER FUNCTION twice(int) RENAME TO doubled; COMMENT ON FUNCTION doubled(int) IS NULL

ALTER FUNCTION twice(int) SET SCHEMA other

ALTER TYPE mood RENAME TO temper; CREATE FUNCTION tempers(t temper) RETURNS int LANGUAGE sql AS 'SELECT 1'

ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE mood RENAME VALUE 'glad' TO 'sad'

ALTER TRIGGER people_touched ON people RENAME TO touched

ALTER POLICY people_see ON people RENAME TO seen

ALTER TABLE people ADD COLUMN extra text NOT NULL DEFAULT 'x', ADD COLUMN more int REFERENCES people (id)

ALTER TABLE people ADD COLUMN IF NOT EXISTS name text; ALTER TABLE people ADD COLUMN IF NOT EXISTS extra text

ALTER TABLE family ADD COLUMN c int

ALTER TABLE parted ADD COLUMN c int DEFAULT 3

ALTER TABLE far ADD COLUMN c int

ALTER TABLE people DROP COLUMN empty

ALTER TABLE people DROP COLUMN note

-- cannot: column public.people.mail: it held values, which are gone
ALTER TABLE people DROP COLUMN mail

ALTER TABLE people DROP COLUMN half

ALTER TABLE people DROP COLUMN settings; ALTER TABLE people ADD COLUMN settings text

-- cannot: column public.people.empty: it may have held values, which are gone
DO $$ BEGIN EXECUTE 'ALTER TABLE people DROP COLUMN ' || 'em' || 'pty'; END $$

ALTER TABLE bare DROP COLUMN b

ALTER TABLE bare DROP COLUMN a, DROP COLUMN b

-- cannot: column public.visits.id: it held values, which are gone
ALTER TABLE visits DROP COLUMN id

ALTER TABLE visits DROP COLUMN spot

DROP VIEW names; DROP VIEW adults; DROP POLICY people_all ON people; ALTER TABLE people ALTER COLUMN name TYPE text; CREATE POLICY people_all ON people USING (name = CURRENT_USER) WITH CHECK (true); CREATE VIEW adults AS SELECT id, name FROM people WHERE age > 17; CREATE VIEW names AS SELECT name FROM adults

DROP VIEW names, adults; DROP POLICY people_all ON people; DROP STATISTICS people_stats; DROP INDEX people_name; ALTER TABLE people ALTER COLUMN name TYPE varchar(90)

ALTER TABLE people ALTER COLUMN mail TYPE varchar(200)

ALTER TABLE people ALTER COLUMN mail TYPE text USING upper(mail)

ALTER TABLE people ALTER COLUMN feels TYPE text

ALTER TABLE people ALTER COLUMN feels DROP DEFAULT, ALTER COLUMN feels TYPE text USING feels::text, ALTER COLUMN feels SET DEFAULT 'blue'

ALTER TABLE visits ALTER COLUMN id TYPE bigint

-- cannot: column public.visits.at: its values were converted from timestamp with time zone to date, and what they were before is not kept
ALTER TABLE visits ALTER COLUMN at TYPE date

ALTER TABLE people ALTER COLUMN born TYPE timestamptz

ALTER TABLE people ALTER COLUMN settings TYPE text

ALTER TABLE bare ALTER COLUMN a TYPE text USING a::text || 'x'

ALTER TABLE bare ALTER COLUMN a TYPE bigint

ALTER TABLE people ALTER COLUMN mail SET NOT NULL

ALTER TABLE people ALTER COLUMN name DROP NOT NULL

ALTER TABLE people ALTER COLUMN name DROP DEFAULT; ALTER TABLE people ALTER COLUMN mail SET DEFAULT 'x'; ALTER TABLE people ALTER COLUMN feels SET DEFAULT 'glad'

CREATE FUNCTION word() RETURNS text LANGUAGE sql AS 'SELECT 1::text'; ALTER TABLE people ALTER COLUMN name SET DEFAULT word()

ALTER TABLE people ALTER COLUMN id DROP IDENTITY

ALTER TABLE people ALTER COLUMN id SET GENERATED BY DEFAULT

ALTER TABLE people ALTER COLUMN id SET INCREMENT BY 7

ALTER TABLE bare ALTER COLUMN a SET NOT NULL, ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY

-- cannot: column public.people.half: a column cannot be made generated again, or otherwise generated
ALTER TABLE people ALTER COLUMN half DROP EXPRESSION

ALTER TABLE people ALTER COLUMN mail SET STORAGE MAIN, ALTER COLUMN note SET STATISTICS -1, ALTER COLUMN note SET (n_distinct = 5)

ALTER TABLE people ALTER COLUMN mail SET COMPRESSION pglz

ALTER TABLE people ADD CONSTRAINT named CHECK (length(name) > 1) NOT VALID

ALTER TABLE people ADD CONSTRAINT named CHECK (length(name) > 1) NOT VALID; ALTER TABLE people VALIDATE CONSTRAINT named

ALTER TABLE people DROP CONSTRAINT people_age_check

ALTER TABLE people DROP CONSTRAINT people_age_check, ADD CONSTRAINT people_age_check CHECK (age > 1)

ALTER TABLE people DROP CONSTRAINT people_pkey CASCADE

ALTER TABLE people DROP CONSTRAINT people_mail_key

ALTER TABLE visits DROP CONSTRAINT visits_person_fkey; ALTER TABLE visits ADD CONSTRAINT visits_person_fkey FOREIGN KEY (person) REFERENCES people ON DELETE SET NULL

ALTER TABLE visits ALTER CONSTRAINT visits_person_fkey DEFERRABLE INITIALLY DEFERRED

ALTER TABLE bare ADD PRIMARY KEY (a)

ALTER TABLE bare ADD CONSTRAINT bare_key UNIQUE (b), ADD EXCLUDE USING btree (a WITH =)

CREATE UNIQUE INDEX bare_b ON bare (b); ALTER TABLE bare ADD CONSTRAINT bare_bk UNIQUE USING INDEX bare_b

ALTER TABLE bare ADD CONSTRAINT bare_ak UNIQUE USING INDEX bare_a

DROP INDEX bare_a; CREATE UNIQUE INDEX bare_a ON bare (a); ALTER TABLE bare ADD CONSTRAINT bare_a UNIQUE USING INDEX bare_a

ALTER TABLE parted DROP CONSTRAINT parted_pkey

ALTER TABLE parted ADD CONSTRAINT parted_check CHECK (id > 0)

ALTER TABLE family ADD CONSTRAINT family_check CHECK (a > 0)

ALTER TABLE child NO INHERIT family

ALTER TABLE bare INHERIT family

ALTER DOMAIN short ADD CONSTRAINT more CHECK (VALUE <> 'x'); ALTER DOMAIN short SET DEFAULT 'y'; ALTER DOMAIN short SET NOT NULL

ALTER DOMAIN short DROP CONSTRAINT short_check; ALTER DOMAIN short DROP DEFAULT; ALTER DOMAIN short RENAME TO tiny

CREATE INDEX visits_at ON visits (at)

CREATE INDEX IF NOT EXISTS people_name ON people (age)

DROP INDEX people_name

DROP INDEX people_name; CREATE INDEX people_name ON people (name)

DROP INDEX bare_a

DROP INDEX parted_at

CREATE INDEX parted_id ON parted (id)

CREATE INDEX one_id ON parted_one (id); CREATE INDEX parted_id ON parted (id)

ALTER INDEX people_name SET (fillfactor = 50); ALTER INDEX people_name ALTER COLUMN 1 SET STATISTICS 300

ALTER TABLE people CLUSTER ON people_mail_key; ALTER TABLE visits SET WITHOUT CLUSTER

ALTER TABLE bare REPLICA IDENTITY NOTHING; ALTER TABLE people REPLICA IDENTITY USING INDEX people_pkey

ALTER TABLE bare RESET (fillfactor), SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)

ALTER TABLE bare SET UNLOGGED

ALTER TABLE visits SET LOGGED

CREATE VIEW v AS SELECT * FROM adults; CREATE VIEW w AS SELECT * FROM v; GRANT SELECT ON v TO back_reader

CREATE OR REPLACE VIEW adults AS SELECT id, name FROM people WHERE age > 18

CREATE OR REPLACE VIEW adults AS SELECT id, name, age FROM people

CREATE OR REPLACE VIEW names AS SELECT name, 1 AS more FROM adults

DROP VIEW names; DROP VIEW adults

DROP VIEW adults CASCADE

DROP VIEW names; CREATE VIEW names AS SELECT id AS name FROM people

ALTER VIEW adults SET (security_barrier = true); ALTER VIEW adults ALTER COLUMN name SET DEFAULT 'x'

ALTER VIEW adults OWNER TO back_writer; REVOKE ALL ON adults FROM back_reader; COMMENT ON VIEW adults IS 'y'; COMMENT ON COLUMN adults.name IS 'z'

DROP MATERIALIZED VIEW counted

CREATE MATERIALIZED VIEW m AS SELECT * FROM people WITH NO DATA

REFRESH MATERIALIZED VIEW counted

REFRESH MATERIALIZED VIEW counted WITH NO DATA

DROP MATERIALIZED VIEW counted; CREATE MATERIALIZED VIEW counted AS SELECT count(*) + 1 AS n FROM people; CREATE UNIQUE INDEX counted_n ON counted (n)

CREATE FUNCTION f(a int, OUT b text, OUT c int) LANGUAGE sql AS 'SELECT 1::text, 2'

CREATE FUNCTION twice(n text) RETURNS text LANGUAGE sql AS 'SELECT n || n'

CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql STABLE COST 50 AS 'SELECT n + n'

DROP FUNCTION twice(int)

DROP FUNCTION twice(int); CREATE FUNCTION twice(m int) RETURNS bigint LANGUAGE sql AS 'SELECT m * 2::bigint'

DROP FUNCTION feeling(mood); CREATE FUNCTION feeling(m mood) RETURNS text LANGUAGE sql AS 'SELECT 1::text'

CREATE OR REPLACE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS 'BEGIN RETURN NULL; END'

ALTER FUNCTION twice(int) SECURITY DEFINER; ALTER FUNCTION twice(int) OWNER TO back_writer; REVOKE ALL ON FUNCTION twice(int) FROM PUBLIC, back_reader

DROP FUNCTION touched() CASCADE

CREATE OR REPLACE PROCEDURE tidy() LANGUAGE sql AS 'SELECT 2'

DROP PROCEDURE tidy()

DROP AGGREGATE product(int)

CREATE AGGREGATE largest (int) (sfunc = int4larger, stype = int)

CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT age FROM people; END

CREATE TRIGGER t BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION touched()

CREATE CONSTRAINT TRIGGER t AFTER INSERT ON people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION touched()

DROP TRIGGER IF EXISTS people_touched ON people; CREATE TRIGGER people_touched BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touched()

DROP TRIGGER people_touched ON people; CREATE TRIGGER people_touched BEFORE INSERT OR UPDATE OF name ON people FOR EACH ROW WHEN (NEW.age > 3) EXECUTE FUNCTION touched()

DROP TRIGGER people_touched ON people

ALTER TABLE people DISABLE TRIGGER people_touched; ALTER TABLE visits ENABLE ALWAYS TRIGGER visits_touched

ALTER TABLE people DISABLE TRIGGER ALL

CREATE TRIGGER t AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION touched()

DROP RULE bare_quiet ON bare

CREATE OR REPLACE RULE bare_quiet AS ON DELETE TO bare DO ALSO NOTHING; ALTER TABLE bare DISABLE RULE bare_quiet

CREATE RULE more AS ON UPDATE TO names DO INSTEAD UPDATE bare SET b = NEW.name

ALTER TABLE people DISABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE bare ENABLE ROW LEVEL SECURITY

DROP POLICY people_see ON people; CREATE POLICY people_see ON people FOR SELECT TO back_reader USING (age > 17)

DROP POLICY IF EXISTS people_see ON people; CREATE POLICY people_see ON people AS RESTRICTIVE FOR UPDATE TO back_writer USING (age > 18) WITH CHECK (false)

ALTER POLICY people_all ON people TO back_reader, back_writer USING (false)

DROP POLICY people_all ON people

CREATE POLICY p ON visits FOR INSERT WITH CHECK (EXISTS (SELECT FROM people WHERE id = person))

CREATE TYPE status AS ENUM ('on', 'off'); CREATE TABLE t (s status DEFAULT 'on'); ALTER TABLE bare ADD COLUMN s status

-- cannot: enum public.mood: a value cannot be taken from an enum, and it has got 'angry'
ALTER TYPE mood ADD VALUE 'angry'

-- cannot: enum public.unused: a value cannot be taken from an enum, and it has got 'three'
ALTER TYPE unused ADD VALUE 'three' BEFORE 'one'

DROP TYPE unused

DROP TYPE unused; CREATE TYPE unused AS ENUM ('x')

CREATE TYPE mood_new AS ENUM ('sad', 'glad', 'fine'); ALTER TABLE people ALTER COLUMN feels DROP DEFAULT; ALTER TABLE people ALTER COLUMN feels TYPE mood_new USING feels::text::mood_new; DROP FUNCTION feeling(mood); DROP TYPE mood; ALTER TYPE mood_new RENAME TO mood; ALTER TABLE people ALTER COLUMN feels SET DEFAULT 'glad'

CREATE TYPE pair AS (a int, b place); CREATE TABLE t (p pair)

ALTER TYPE place ADD ATTRIBUTE z int

ALTER TYPE place RENAME ATTRIBUTE x TO xx

ALTER TYPE place DROP ATTRIBUTE y

CREATE DOMAIN d AS int CHECK (VALUE > 0); ALTER TABLE bare ADD COLUMN d d

-- cannot: column other.things.what: it may have held values, which are gone
DROP DOMAIN short CASCADE

CREATE TYPE r AS RANGE (subtype = int)

DROP TYPE spans

COMMENT ON TYPE mood IS NULL; ALTER TYPE mood OWNER TO back_reader; GRANT USAGE ON TYPE mood TO back_writer; REVOKE USAGE ON TYPE mood FROM PUBLIC

CREATE SEQUENCE s OWNED BY bare.a; ALTER TABLE bare ALTER COLUMN a SET DEFAULT nextval('s')

ALTER SEQUENCE numbers INCREMENT 3 MAXVALUE 1000 CYCLE OWNED BY bare.a

ALTER SEQUENCE visits_id_seq OWNED BY NONE

ALTER SEQUENCE numbers AS int RESTART 20

DROP SEQUENCE numbers

DROP SEQUENCE visits_id_seq CASCADE

CREATE STATISTICS s ON a, b FROM bare; ALTER STATISTICS people_stats SET STATISTICS 50

DROP STATISTICS people_stats

CREATE EXTENSION citext

CREATE EXTENSION IF NOT EXISTS citext; ALTER TABLE bare ADD COLUMN c citext; CREATE TABLE t (c citext UNIQUE)

CREATE EXTENSION hstore SCHEMA other; CREATE EXTENSION btree_gist

-- cannot: what it did could not be read
DROP EXTENSION plpgsql CASCADE; INSERT INTO bare VALUES (1)

COMMENT ON TABLE people IS NULL; COMMENT ON TABLE bare IS 'it''s'; COMMENT ON COLUMN people.name IS 'x'; COMMENT ON CONSTRAINT visits_person_fkey ON visits IS 'y'; COMMENT ON POLICY people_see ON people IS 'y'; COMMENT ON TRIGGER people_touched ON people IS NULL; COMMENT ON INDEX people_name IS NULL; COMMENT ON FUNCTION twice(int) IS 'y'; COMMENT ON STATISTICS people_stats IS 'y'; COMMENT ON RULE bare_quiet ON bare IS 'y'; COMMENT ON CONSTRAINT short_check ON DOMAIN short IS 'y'

GRANT ALL ON people TO back_reader; REVOKE INSERT ON people FROM back_reader; GRANT DELETE ON visits TO PUBLIC

REVOKE SELECT (mail) ON people FROM back_writer; GRANT SELECT (name) ON people TO back_reader

REVOKE GRANT OPTION FOR SELECT ON adults FROM back_reader; GRANT INSERT ON people TO back_reader WITH GRANT OPTION

GRANT SELECT ON ALL TABLES IN SCHEMA public TO back_writer; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO back_writer; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO back_reader

REVOKE ALL ON people FROM postgres

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC

ALTER TABLE people OWNER TO back_writer; ALTER TABLE other.things OWNER TO back_reader; ALTER SEQUENCE numbers OWNER TO back_writer

ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO back_reader; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC

ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT INSERT ON TABLES TO back_writer; ALTER DEFAULT PRIVILEGES IN SCHEMA other REVOKE SELECT ON TABLES FROM back_reader

ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT SELECT ON TABLES TO back_reader WITH GRANT OPTION; CREATE TABLE other.fresh (a int)

ALTER DEFAULT PRIVILEGES IN SCHEMA other REVOKE SELECT ON TABLES FROM back_reader

CREATE ROLE back_made NOLOGIN; GRANT back_reader TO back_made; GRANT SELECT ON people TO back_made; ALTER TABLE bare OWNER TO back_made

GRANT back_reader TO back_writer

ALTER ROLE back_reader CREATEDB; ALTER ROLE back_reader SET work_mem = '5MB'; ALTER ROLE back_reader SET search_path = other, public

-- cannot: the password of a role was changed, and the former one cannot be read
ALTER ROLE back_reader PASSWORD 'secret'

DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database()); END $$

CREATE PUBLICATION p FOR TABLE bare

ALTER PUBLICATION changes ADD TABLE bare; ALTER PUBLICATION changes SET (publish = 'insert')

ALTER PUBLICATION changes DROP TABLE people

DROP PUBLICATION changes

CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION ev()

CREATE CAST (mood AS int) WITH INOUT AS ASSIGNMENT

CREATE OPERATOR !== (leftarg = int, rightarg = int, function = int4ne)

DROP OPERATOR === (int, int)

CREATE COLLATION mine FROM "C"; DROP COLLATION plain

CREATE TEXT SEARCH CONFIGURATION mine (COPY = english); ALTER TEXT SEARCH CONFIGURATION ours ALTER MAPPING FOR word WITH words

ALTER TEXT SEARCH CONFIGURATION ours DROP MAPPING FOR email; ALTER TEXT SEARCH CONFIGURATION ours RENAME TO theirs

DROP TEXT SEARCH CONFIGURATION ours; DROP TEXT SEARCH DICTIONARY words

ALTER TEXT SEARCH DICTIONARY words (stopwords = german)

CREATE SERVER s FOREIGN DATA WRAPPER wrapper OPTIONS (password 'hush'); CREATE FOREIGN TABLE ft (a int) SERVER s

-- cannot: user mappings were changed, and how they were before was not read
CREATE USER MAPPING FOR back_reader SERVER away OPTIONS (password 'hush')

-- cannot: server away: it was altered, and its options, which may hold secrets, were not read
ALTER SERVER away OPTIONS (ADD host 'x')

DROP FOREIGN TABLE far

-- cannot: large objects were changed, and how they were before was not read
SELECT lo_create(4711)

-- cannot: large objects were changed, and how they were before was not read
SELECT lo_from_bytea(0, 'x')

DO $$ DECLARE n text; BEGIN FOR n IN SELECT relname FROM pg_class WHERE relname LIKE 'bar_' LOOP EXECUTE format('ALTER TABLE %I ADD COLUMN added int', n); EXECUTE format('CREATE INDEX ON %I (added)', n); END LOOP; END $$

CREATE FUNCTION migrate() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE inner_made (a int); ALTER TABLE people ADD COLUMN deep int; END $$; SELECT migrate(); DROP FUNCTION migrate()

SELECT set_config('search_path', 'other', true); CREATE TABLE there (a int)

CREATE TEMP TABLE scratch (a int); INSERT INTO scratch VALUES (1); CREATE TABLE t AS SELECT * FROM scratch

SELECT nextval('numbers')

ANALYZE people

LOCK TABLE people; SET LOCAL work_mem = '5MB'

CREATE OPERATOR FAMILY fam USING btree

CREATE OPERATOR CLASS cls FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)

CREATE FUNCTION is_ok(p people) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'; CREATE POLICY ok ON people FOR DELETE USING (is_ok(people)); ALTER TABLE people ADD CHECK (is_ok(people))

DROP POLICY people_see ON people; DROP POLICY people_all ON people; DROP TRIGGER people_touched ON people; DROP FUNCTION touched() CASCADE; CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; CREATE TRIGGER people_touched BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touched()

ALTER TABLE visits ADD COLUMN person2 bigint; ALTER TABLE visits ADD CONSTRAINT p2 FOREIGN KEY (person2) REFERENCES people (id); CREATE INDEX CONCURRENTLY_ ON visits (person2); CREATE OR REPLACE VIEW names AS SELECT name FROM adults WHERE id IN (SELECT person2 FROM visits)

CREATE TABLE one (id int PRIMARY KEY); CREATE TABLE two (one int REFERENCES one); COMMENT ON TABLE two IS 'x'

CREATE TABLE keyed (id int PRIMARY KEY); DROP TABLE keyed; ALTER TABLE refers DROP CONSTRAINT refers_to_fkey; ALTER TABLE referred ALTER COLUMN id TYPE text; ALTER TABLE refers ALTER COLUMN "to" TYPE text; ALTER TABLE refers ADD CONSTRAINT refers_to_fkey FOREIGN KEY ("to") REFERENCES referred

CREATE PUBLICATION passing; DROP PUBLICATION passing; CREATE TABLE sold (a int); DROP PUBLICATION changes; CREATE PUBLICATION changes FOR TABLE sold, people

CREATE TABLE sold (a int); ALTER PUBLICATION nothing ADD TABLE sold, bare

ALTER TABLE referred RENAME TO base; ALTER TABLE refers RENAME COLUMN "to" TO base; ALTER TABLE refers RENAME CONSTRAINT refers_to_fkey TO refers_base_fkey; ALTER TABLE base RENAME CONSTRAINT referred_pkey TO base_pkey

CREATE EXTENSION intarray; CREATE TABLE numbers_in (n int[]); CREATE INDEX ON numbers_in USING gin (n gin__int_ops)

CREATE SCHEMA fresh; ALTER DEFAULT PRIVILEGES IN SCHEMA fresh GRANT SELECT ON TABLES TO back_reader

CREATE TABLE team (id int PRIMARY KEY); CREATE TABLE member (team int REFERENCES team); CREATE POLICY p ON team USING (EXISTS (SELECT FROM member)); CREATE POLICY q ON team FOR UPDATE USING (EXISTS (SELECT FROM member))

CREATE TABLE team (id int PRIMARY KEY); CREATE TABLE member (team int REFERENCES team); CREATE TABLE badge (team int REFERENCES team, of int); CREATE POLICY p ON team USING (EXISTS (SELECT FROM member, badge)); CREATE POLICY q ON member USING (EXISTS (SELECT FROM team)); CREATE RULE r AS ON INSERT TO team DO ALSO INSERT INTO badge VALUES (NEW.id); CREATE RULE s AS ON DELETE TO team DO ALSO DELETE FROM badge

CREATE TABLE team (id int PRIMARY KEY); CREATE FUNCTION size() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT count(*)::int FROM team; END; ALTER TABLE team ADD COLUMN was int DEFAULT size(), ADD COLUMN is_now int DEFAULT size(), ADD CHECK (was < size())
