-- More of what real databases hold, with rows everywhere: nasty.sql is about structure, this is about rows and
-- what happens to them on the way. rich.py cuts it to the server's measure: "--[ since 17 ]",
-- "--[ with hstore ]", "--[ superuser ]" and "--[ xml ]" begin a part for some, "--[ all ]" ends it.

CREATE SCHEMA lib;
CREATE SCHEMA app;
CREATE SCHEMA later;
CREATE SCHEMA trees;
CREATE SCHEMA circles;
CREATE SCHEMA "Other Circles";
CREATE SCHEMA parts;
CREATE SCHEMA vals;
COMMENT ON SCHEMA app IS E'one\n\\! touch /tmp/migplan_was_here\n*/ -- on and on; ''quoted'' $$ \n/* open\n\\.\n\\q';
SET search_path = app, lib, public;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, lib, public', current_database()); END $$;

--[ with hstore ]
CREATE EXTENSION hstore SCHEMA lib;
CREATE TABLE vals.stored (id int PRIMARY KEY, h lib.hstore);
INSERT INTO vals.stored VALUES (1, ''), (2, 'a=>1, "b c"=>NULL, "q\"\\"=>"\\N"'), (3, NULL);
--[ all ]

-- What stands by itself --------------------------------------------------------------------------------

CREATE FUNCTION lib.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION lib.length_of(text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT length($1)';
-- These find the ones above by the search path alone.
CREATE FUNCTION lib.fourfold(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN twice(twice(n)); END';
CREATE FUNCTION lib.plausible(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
    AS 'BEGIN RETURN length_of(t) < 100; END';
CREATE FUNCTION lib.shy(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT twice(n) + 1';
COMMENT ON FUNCTION lib.twice(int) IS E'two\nlines -- and \\! more\n*/';

CREATE FUNCTION lib.same_word(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT lower($1) = lower($2)';
CREATE OPERATOR lib.=~= (FUNCTION = lib.same_word, LEFTARG = text, RIGHTARG = text, COMMUTATOR = OPERATOR(lib.=~=));
COMMENT ON OPERATOR lib.=~= (text, text) IS 'the same word';
CREATE AGGREGATE lib.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
CREATE PROCEDURE lib.nothing(n int) LANGUAGE sql AS 'SELECT $1';
--[ since 14 ]
CREATE FUNCTION lib.standard(n int) RETURNS int IMMUTABLE BEGIN ATOMIC SELECT lib.twice(n); SELECT lib.twice(n) + 1; END;
--[ all ]
CREATE COLLATION lib.raw (locale = 'C');
CREATE TEXT SEARCH DICTIONARY lib.plain (TEMPLATE = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION lib.words (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION lib.words ALTER MAPPING FOR word, asciiword WITH lib.plain;
CREATE TYPE lib.celsius AS (degrees numeric);
CREATE FUNCTION lib.celsius_of(numeric) RETURNS lib.celsius LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::lib.celsius';
CREATE CAST (numeric AS lib.celsius) WITH FUNCTION lib.celsius_of(numeric) AS ASSIGNMENT;
COMMENT ON CAST (numeric AS lib.celsius) IS 'degrees';
--[ superuser ]
CREATE FUNCTION lib.backwards(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp($2, $1)';
CREATE OPERATOR CLASS lib.backwards_ops FOR TYPE int USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 lib.backwards(int, int);
--[ all ]

-- Functions by unqualified names ------------------------------------------------------------------------

CREATE TABLE app.measured (
    id int PRIMARY KEY,
    n int NOT NULL,
    four int GENERATED ALWAYS AS (lib.fourfold(n)) STORED,
    note text COLLATE lib.raw CONSTRAINT plausible CHECK (lib.plausible(note)),
    warmth lib.celsius,
    only_later int DEFAULT lib.fourfold(1)
);
INSERT INTO app.measured (id, n, note, warmth) VALUES (3, 30, 'three', 36.6), (1, 10, E'one\ttab', NULL), (2, 20, NULL, 0.0);
CREATE INDEX measured_words ON app.measured USING gin (to_tsvector('lib.words', note));
CREATE INDEX measured_note ON app.measured (note) WHERE note OPERATOR(lib.=~=) 'THREE';
CREATE STATISTICS app.measured_stats (ndistinct, dependencies, mcv) ON n, note FROM app.measured;
COMMENT ON STATISTICS app.measured_stats IS 'n and note';
--[ since 14 ]
CREATE STATISTICS app.measured_expression ON (n % 2), (id % 2) FROM app.measured;
CREATE INDEX measured_standard ON app.measured (lib.standard(n));
--[ superuser ]
CREATE INDEX measured_backwards ON app.measured (n lib.backwards_ops);
--[ all ]

-- Policies, privileges ----------------------------------------------------------------------------------

CREATE TABLE app.tenant (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE later.membership (
    tenant int REFERENCES app.tenant, member text, PRIMARY KEY (tenant, member)
);
CREATE TABLE later.badge (id int PRIMARY KEY, tenant int, member text,
    FOREIGN KEY (tenant, member) REFERENCES later.membership);
CREATE FUNCTION lib.belongs(wanted int) RETURNS boolean LANGUAGE sql STABLE
    AS 'SELECT EXISTS (SELECT FROM later.badge b WHERE b.tenant = wanted AND b.member = current_user)';
ALTER TABLE app.tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.tenant FORCE ROW LEVEL SECURITY;
CREATE POLICY members ON app.tenant USING (lib.belongs(id)) WITH CHECK (id > 0);
CREATE POLICY nobody ON app.tenant AS RESTRICTIVE FOR DELETE TO migplan_rich_reader USING (false);
COMMENT ON POLICY members ON app.tenant IS E'\\copy nothing\n-- "members"';
INSERT INTO app.tenant SELECT n, 'tenant ' || n FROM generate_series(3, 1, -1) n;
INSERT INTO later.membership VALUES (2, 'b'), (1, 'a'), (1, 'B');
INSERT INTO later.badge VALUES (2, 1, 'a'), (1, NULL, 'nobody'), (3, 2, 'b');

GRANT USAGE ON SCHEMA app, later TO migplan_rich_reader;
GRANT SELECT ON app.tenant TO migplan_rich_reader WITH GRANT OPTION;
GRANT SELECT (id), UPDATE (note, n) ON app.measured TO migplan_rich_reader, migplan_rich_writer;
GRANT CREATE ON SCHEMA public TO migplan_rich_writer;
REVOKE ALL ON FUNCTION lib.twice(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lib.twice(int) TO migplan_rich_writer;
GRANT USAGE ON TYPE lib.celsius TO migplan_rich_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA later GRANT SELECT ON TABLES TO migplan_rich_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO migplan_rich_writer;

-- Triggers and rules that interfere ----------------------------------------------------------------------

CREATE TABLE app.log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, said text, at timestamptz DEFAULT now());
CREATE TABLE app.watched (id int PRIMARY KEY, name text, updated_at timestamptz DEFAULT '2001-01-01');
CREATE TABLE app.shut (id int PRIMARY KEY);
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no more rows'; END$$;
CREATE FUNCTION app.rewrite() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN NEW.name := upper(NEW.name); NEW.updated_at := now(); RETURN NEW; END$$;
CREATE FUNCTION app.tell() RETURNS trigger LANGUAGE plpgsql
    AS $$BEGIN INSERT INTO app.log (said) VALUES (TG_OP || ' ' || TG_NAME); RETURN NULL; END$$;
INSERT INTO app.shut SELECT generate_series(1, 5);
INSERT INTO app.watched VALUES (1, 'lower', '2002-02-02'), (2, NULL, NULL);
INSERT INTO app.log (said, at) VALUES ('the only one', '2003-03-03');
CREATE TRIGGER shut BEFORE INSERT OR DELETE ON app.shut FOR EACH ROW EXECUTE FUNCTION app.refuse();
CREATE TRIGGER never BEFORE TRUNCATE ON app.shut EXECUTE FUNCTION app.refuse();
ALTER TABLE app.shut ENABLE ALWAYS TRIGGER shut;
CREATE TRIGGER rewrite BEFORE INSERT OR UPDATE ON app.watched FOR EACH ROW EXECUTE FUNCTION app.rewrite();
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON app.watched FOR EACH STATEMENT EXECUTE FUNCTION app.tell();
CREATE TRIGGER off BEFORE INSERT ON app.watched FOR EACH ROW EXECUTE FUNCTION app.refuse();
ALTER TABLE app.watched DISABLE TRIGGER off;
CREATE TRIGGER replica BEFORE INSERT ON app.watched FOR EACH ROW EXECUTE FUNCTION app.refuse();
ALTER TABLE app.watched ENABLE REPLICA TRIGGER replica;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.watched DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION app.tell();

CREATE TABLE app.ruled (id int PRIMARY KEY, note text);
INSERT INTO app.ruled VALUES (7, 'seven'), (8, 'eight');
CREATE RULE elsewhere AS ON INSERT TO app.ruled WHERE NEW.id = 7 DO INSTEAD INSERT INTO app.log (said) VALUES (NEW.note);
CREATE RULE also AS ON INSERT TO app.ruled DO ALSO INSERT INTO app.log (said) VALUES ('a row');
CREATE TABLE app.swallowed (id int);
INSERT INTO app.swallowed VALUES (1), (1);
CREATE RULE swallow AS ON INSERT TO app.swallowed DO INSTEAD NOTHING;
COMMENT ON RULE swallow ON app.swallowed IS 'gone';

-- Views --------------------------------------------------------------------------------------------------

CREATE VIEW app.across AS
    SELECT t.id, t.name, b.id AS badge, m.four FROM app.tenant t JOIN later.badge b ON b.tenant = t.id
    LEFT JOIN app.measured m ON m.id = t.id;
CREATE VIEW app.by_key AS SELECT t.id, t.name, count(*) AS members
    FROM app.tenant t JOIN later.membership m ON m.tenant = t.id GROUP BY t.id;
CREATE VIEW app.of_views AS SELECT * FROM app.by_key NATURAL JOIN app.across;
CREATE VIEW app.open_door AS SELECT id, note FROM app.measured WHERE n > 0 WITH LOCAL CHECK OPTION;
CREATE RULE door AS ON INSERT TO app.by_key DO INSTEAD INSERT INTO app.log (said) VALUES (NEW.name);
CREATE FUNCTION lib.first_of(app.across) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1.name';
CREATE VIEW later.through AS SELECT lib.first_of(a) AS first FROM app.across a;
CREATE RECURSIVE VIEW later.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 3;
CREATE MATERIALIZED VIEW later.of_members AS SELECT tenant, array_agg(member ORDER BY member) FROM later.membership GROUP BY tenant;
--[ superuser ]
-- Policies that are forced upon the owner hide from him what he refreshes this with.
CREATE MATERIALIZED VIEW app.filled AS SELECT id, name, members FROM app.by_key;
CREATE UNIQUE INDEX filled_id ON app.filled (id);
CREATE MATERIALIZED VIEW app.a_reads_filled AS SELECT sum(members) AS all_members FROM app.filled;
CREATE MATERIALIZED VIEW later.unfilled AS SELECT * FROM later.badge WITH NO DATA;
CREATE INDEX unfilled_id ON later.unfilled (id);
CREATE VIEW later.over_filled AS SELECT * FROM app.filled WHERE members > 1;
COMMENT ON MATERIALIZED VIEW app.filled IS E'filled\nonce';
--[ all ]

-- Constraints ---------------------------------------------------------------------------------------------

CREATE TABLE app.booking (room int4, during int4range,
    CONSTRAINT apart EXCLUDE USING gist (during WITH &&) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO app.booking VALUES (1, '[1,3)'), (1, '[5,7)'), (2, 'empty'), (2, '[3,5)');
CREATE TABLE app.no_columns ();
INSERT INTO app.no_columns SELECT FROM generate_series(1, 3);
CREATE TABLE app.all_made (a int GENERATED ALWAYS AS (1) STORED);
INSERT INTO app.all_made SELECT FROM generate_series(1, 2);
CREATE TABLE app.unproven (id int PRIMARY KEY, tenant int, n int);
INSERT INTO app.unproven VALUES (1, 1, 1), (2, 99, -5), (3, NULL, NULL);
ALTER TABLE app.unproven ADD CONSTRAINT unproven_tenant FOREIGN KEY (tenant) REFERENCES app.tenant NOT VALID;
ALTER TABLE app.unproven ADD CONSTRAINT unproven_n CHECK (n > 0) NOT VALID;
COMMENT ON CONSTRAINT unproven_n ON app.unproven IS 'not yet';
COMMENT ON CONSTRAINT unproven_tenant ON app.unproven IS 'not yet, either';
CREATE TABLE app.lone_tree (id int PRIMARY KEY, parent int);
INSERT INTO app.lone_tree VALUES (1, 2), (2, NULL), (3, 77);
ALTER TABLE app.lone_tree ADD CONSTRAINT lone_parent FOREIGN KEY (parent) REFERENCES app.lone_tree NOT VALID;
--[ since 18 ]
ALTER TABLE app.unproven ADD CONSTRAINT unproven_set NOT NULL n NOT VALID;
CREATE TABLE app.lax (id int CONSTRAINT lax_positive CHECK (id > 0) NOT ENFORCED,
    tenant int REFERENCES app.tenant NOT ENFORCED, lazy int GENERATED ALWAYS AS (id * 2) VIRTUAL);
INSERT INTO app.lax VALUES (-1, 1), (-2, 4711);
CREATE TABLE app.stay (room int4range, during daterange, PRIMARY KEY (room, during WITHOUT OVERLAPS));
CREATE TABLE app.guest (room int4range, during daterange,
    FOREIGN KEY (room, PERIOD during) REFERENCES app.stay (room, PERIOD during));
INSERT INTO app.stay VALUES ('[1,2)', '[2024-01-01,2024-02-01)'), ('[1,2)', '[2024-02-01,2024-03-01)');
INSERT INTO app.guest VALUES ('[1,2)', '[2024-01-15,2024-02-15)');
--[ all ]

-- Sequences ----------------------------------------------------------------------------------------------

CREATE SEQUENCE app.unowned START 100;
CREATE TABLE app.numbered (
    id int DEFAULT nextval('app.unowned') PRIMARY KEY,
    always int GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT BY -7 MAXVALUE 1000 MINVALUE -1000 CYCLE),
    by_default bigint GENERATED BY DEFAULT AS IDENTITY,
    serial smallserial
);
INSERT INTO app.numbered (by_default) SELECT generate_series(10, 12);
SELECT setval('app.numbered_by_default_seq', 12);
CREATE SEQUENCE lib.hidden MINVALUE -5 MAXVALUE 5 INCREMENT -1 START 0 CYCLE;
CREATE FUNCTION lib.ticket() RETURNS bigint LANGUAGE sql AS $$SELECT nextval('lib.hidden')$$;
SELECT lib.ticket(), lib.ticket();
CREATE SEQUENCE lib.untouched START 42;
CREATE SEQUENCE lib.exhausted MAXVALUE 2;
SELECT nextval('lib.exhausted'), nextval('lib.exhausted');

-- Hierarchies --------------------------------------------------------------------------------------------

CREATE TABLE trees.deep (id int PRIMARY KEY, parent int REFERENCES trees.deep, name text);
INSERT INTO trees.deep VALUES
    (1, NULL, 'self'), (40, NULL, 'root'), (30, 40, 'child'), (35, 40, 'child'), (20, 30, 'grandchild'),
    (10, 20, 'great-grandchild'), (5, 10, 'and on'), (50, 35, E'odd\\one');
UPDATE trees.deep SET parent = 1 WHERE id = 1;
CREATE TABLE trees.ring (id int PRIMARY KEY, next int NOT NULL REFERENCES trees.ring, twin int REFERENCES trees.ring);
INSERT INTO trees.ring VALUES (1, 2, NULL), (2, 3, 1), (3, 1, 3), (4, 4, NULL), (5, 1, 4);
CREATE TABLE trees.composite (tenant int, id int, parent int, PRIMARY KEY (tenant, id),
    CONSTRAINT composite_parent FOREIGN KEY (tenant, parent) REFERENCES trees.composite (tenant, id));
INSERT INTO trees.composite VALUES (1, 2, NULL), (2, 1, NULL), (1, 1, 2), (2, 2, 1), (2, 0, 2), (1, 0, 0);
CREATE TABLE trees.late (id int PRIMARY KEY, parent int REFERENCES trees.late DEFERRABLE INITIALLY DEFERRED, t text);
INSERT INTO trees.late VALUES (1, 3, 'x'), (2, NULL, 'y'), (3, 2, 'z');
CREATE TRIGGER late_rewrite BEFORE INSERT ON trees.late FOR EACH ROW EXECUTE FUNCTION app.refuse();

-- Circles ------------------------------------------------------------------------------------------------

CREATE TABLE circles.hen (id int PRIMARY KEY, egg int NOT NULL, updated_at timestamptz DEFAULT '2001-01-01', name text);
CREATE TABLE circles.egg (id int PRIMARY KEY, hen int NOT NULL CONSTRAINT egg_hen REFERENCES circles.hen);
INSERT INTO circles.hen VALUES (1, 1, DEFAULT, 'lower'), (2, 2, NULL, NULL);
INSERT INTO circles.egg VALUES (1, 2), (2, 1), (3, 1);
ALTER TABLE circles.hen ADD CONSTRAINT hen_egg FOREIGN KEY (egg) REFERENCES circles.egg DEFERRABLE;
CREATE TRIGGER rewrite BEFORE INSERT OR UPDATE ON circles.hen FOR EACH ROW EXECUTE FUNCTION app.rewrite();

CREATE TABLE circles.stubborn (id int PRIMARY KEY, other int NOT NULL);
CREATE TABLE "Other Circles"."Mule" (id int PRIMARY KEY, "Other" int NOT NULL CONSTRAINT "Mule s" REFERENCES circles.stubborn);
INSERT INTO circles.stubborn VALUES (1, 2), (2, 1), (3, 1);
INSERT INTO "Other Circles"."Mule" VALUES (1, 1), (2, 2);
ALTER TABLE circles.stubborn ADD CONSTRAINT stubborn_mule FOREIGN KEY (other) REFERENCES "Other Circles"."Mule";
COMMENT ON CONSTRAINT stubborn_mule ON circles.stubborn IS E'closes\nthe circle';
COMMENT ON CONSTRAINT "Mule s" ON "Other Circles"."Mule" IS 'opens it';

CREATE TABLE circles.author (id int PRIMARY KEY, name text, favourite int, updated_at timestamptz DEFAULT '2001-01-01');
CREATE TABLE "Other Circles".book (id int PRIMARY KEY, author int NOT NULL REFERENCES circles.author, sequel int,
    updated_at timestamptz DEFAULT '2001-01-01', name text);
INSERT INTO circles.author VALUES (1, 'lower case', NULL), (2, 'without', NULL), (3, 'third', NULL);
INSERT INTO "Other Circles".book VALUES (10, 1, 11), (11, 1, NULL), (12, 3, 10);
UPDATE circles.author SET favourite = 12 WHERE id = 1;
UPDATE circles.author SET favourite = 11 WHERE id = 3;
ALTER TABLE circles.author ADD CONSTRAINT author_favourite FOREIGN KEY (favourite) REFERENCES "Other Circles".book;
ALTER TABLE "Other Circles".book ADD CONSTRAINT book_sequel FOREIGN KEY (sequel) REFERENCES "Other Circles".book;
CREATE TABLE circles.poet (verses int) INHERITS (circles.author);
INSERT INTO circles.poet VALUES (1, 'has the id of an author', NULL, '2002-02-02', 4), (9, 'own', 4711, NULL, NULL);
CREATE TRIGGER rewrite BEFORE INSERT OR UPDATE ON circles.author FOR EACH ROW EXECUTE FUNCTION app.rewrite();
CREATE TRIGGER rewrite BEFORE INSERT OR UPDATE ON "Other Circles".book FOR EACH ROW EXECUTE FUNCTION app.rewrite();
ALTER TABLE "Other Circles".book ENABLE ALWAYS TRIGGER rewrite;

CREATE TABLE circles.one (id int PRIMARY KEY, two int);
CREATE TABLE circles.two (id int PRIMARY KEY, three int NOT NULL);
CREATE TABLE circles.three (id int PRIMARY KEY, one int NOT NULL REFERENCES circles.one, one_again int REFERENCES circles.one);
INSERT INTO circles.one VALUES (1, 1), (2, NULL), (3, 2);
INSERT INTO circles.two VALUES (1, 2), (2, 1);
INSERT INTO circles.three VALUES (1, 3, NULL), (2, 1, 2);
ALTER TABLE circles.two ADD FOREIGN KEY (three) REFERENCES circles.three;
ALTER TABLE circles.one ADD FOREIGN KEY (two) REFERENCES circles.two;

-- Partitions and inheritance ------------------------------------------------------------------------------

CREATE TABLE parts.visitor (id int PRIMARY KEY, last_visit int, last_day date);
CREATE TABLE parts.visit (
    id int, day date, visitor int REFERENCES parts.visitor, before int, before_day date, note text,
    PRIMARY KEY (id, day),
    CONSTRAINT visit_before FOREIGN KEY (before, before_day) REFERENCES parts.visit
) PARTITION BY RANGE (day);
CREATE TABLE parts.visit_2024 PARTITION OF parts.visit FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE app.visit_2025 (note text, extra int, before_day date, before int, visitor int, day date NOT NULL, id int NOT NULL);
ALTER TABLE app.visit_2025 DROP COLUMN extra;
ALTER TABLE parts.visit ATTACH PARTITION app.visit_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE parts.visit_rest PARTITION OF parts.visit DEFAULT PARTITION BY HASH (id);
CREATE TABLE parts.visit_rest_0 PARTITION OF parts.visit_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE "Other Circles".visit_rest_1 PARTITION OF parts.visit_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TRIGGER refuse BEFORE INSERT ON parts.visit FOR EACH ROW EXECUTE FUNCTION app.refuse();
CREATE TRIGGER tell AFTER UPDATE ON parts.visit FOR EACH ROW EXECUTE FUNCTION app.tell();
ALTER TABLE parts.visit_2024 DISABLE TRIGGER tell;
ALTER TABLE app.visit_2025 ENABLE ALWAYS TRIGGER refuse;
ALTER TABLE parts.visit DISABLE TRIGGER refuse;
INSERT INTO parts.visitor VALUES (1), (2), (3);
INSERT INTO parts.visit VALUES
    (1, '2024-05-05', 1, NULL, NULL, 'first'), (2, '2025-01-01', 2, 1, '2024-05-05', 'second'),
    (9, '2031-01-01', 1, NULL, NULL, E'far\toff'), (8, '2030-01-01', 1, 9, '2031-01-01', NULL),
    (7, '2024-05-05', 3, 8, '2030-01-01', 'seven'), (6, '2019-01-01', NULL, 6, '2019-01-01', 'itself');
ALTER TABLE parts.visit ENABLE TRIGGER refuse;
ALTER TABLE parts.visit_2024 DISABLE TRIGGER refuse;
UPDATE parts.visitor SET last_visit = 9, last_day = '2031-01-01' WHERE id = 1;
ALTER TABLE parts.visitor ADD CONSTRAINT visitor_last FOREIGN KEY (last_visit, last_day) REFERENCES parts.visit;
CREATE TABLE parts.receipt (visit int, day date, kind text, PRIMARY KEY (visit, day, kind),
    FOREIGN KEY (visit, day) REFERENCES parts.visit) PARTITION BY LIST (kind);
CREATE TABLE parts.receipt_a PARTITION OF parts.receipt FOR VALUES IN ('a');
CREATE TABLE parts.receipt_b PARTITION OF parts.receipt FOR VALUES IN ('b');
INSERT INTO parts.receipt VALUES (1, '2024-05-05', 'a'), (9, '2031-01-01', 'b');

CREATE TABLE parts.animal (id int PRIMARY KEY, name text, eats int REFERENCES parts.animal);
CREATE TABLE parts.cat (lives int DEFAULT 9, owner int REFERENCES parts.visitor) INHERITS (parts.animal);
INSERT INTO parts.animal VALUES (2, 'fly', NULL), (1, 'spider', 2);
INSERT INTO parts.cat VALUES (1, 'Tom', 1, 7, 2), (3, 'Felix', 77, DEFAULT, NULL);
CREATE UNLOGGED TABLE parts.fleeting (id int PRIMARY KEY, owner int REFERENCES parts.visitor);
INSERT INTO parts.fleeting VALUES (1, 3), (2, NULL);

-- Values ---------------------------------------------------------------------------------------------------

CREATE TYPE vals.mood AS ENUM ('sad', 'it''s ok', E'back\\slash', '');
CREATE TYPE vals.place AS (street text, "zip code" varchar(10), at point, moods vals.mood[]);
CREATE DOMAIN vals.even AS int CHECK (VALUE % 2 = 0);
CREATE DOMAIN vals.places AS vals.place[];
CREATE TYPE vals.span AS RANGE (subtype = float8);
CREATE TABLE vals.numbers (id int PRIMARY KEY, f4 real, f8 double precision, n numeric, n2 numeric(40, 20), cash money,
    big bigint, small smallint, flag boolean);
INSERT INTO vals.numbers VALUES
    (1, 'NaN', 'NaN', 'NaN', NULL, '-92233720368547758.08', '-9223372036854775808', -32768, true),
    (2, '-0', '-0', '-0.000', 0.00000000000000000001, '92233720368547758.07', '9223372036854775807', 32767, false),
    (3, '1e-45', '5e-324', '1e-300', NULL, 0, 0, 0, NULL),
    (4, '3.4028235e38', '1.7976931348623157e308', 1e300, NULL, NULL, NULL, NULL, NULL),
    (5, '0.1', '0.1', 3.14159265358979323846264338327950288419716939937510582097494459230781640628620899, NULL, NULL, NULL, NULL, NULL),
    (6, '-Infinity', 'Infinity', 100.000, 12345678901234567890.12345678901234567890, NULL, NULL, NULL, NULL),
    (7, '16777217', '0.30000000000000004', 1.10, NULL, NULL, NULL, NULL, NULL);
--[ since 14 ]
INSERT INTO vals.numbers (id, n) VALUES (8, 'Infinity'), (9, '-Infinity');
CREATE TABLE vals.multi (a int4multirange, b datemultirange);
INSERT INTO vals.multi VALUES ('{[1,2), [5,9)}', '{}'), (NULL, '{(,2020-01-01),[2021-01-01,)}');
--[ all ]
CREATE TABLE vals.times (id int PRIMARY KEY, d date, t time, tz timetz, ts timestamp, tstz timestamptz, i interval);
INSERT INTO vals.times VALUES
    (1, 'infinity', '24:00', '24:00:00-15:59', 'infinity', '-infinity', '178000000 years'),
    (2, '4713-01-01 BC', '00:00', '00:00:00.000001+14:30:15', '4713-01-01 00:00 BC', '0001-01-01 00:00:00.5+00 BC', '-178000000 years'),
    (3, '5874897-12-31', '23:59:59.999999', '12:00+00', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00',
     '1 mon -1 day 00:00:00.000001'),
    (4, '1582-10-10', '12:34:56.7', NULL, '1900-01-01', '1800-01-01 00:00:00+00', '-00:00:00.000001'),
    (5, 'epoch', NULL, NULL, '1999-12-31 23:59:59.999999', '2024-03-31 02:30:00+02', '-1 year 3 days -04:05:06.789');
--[ since 17 ]
INSERT INTO vals.times (id, i) VALUES (6, 'infinity'), (7, '-infinity');
--[ all ]
CREATE TABLE vals.texts (id int PRIMARY KEY, t text, c char(6), v varchar(9), q "char", n name, b bytea);
INSERT INTO vals.texts VALUES
    (1, E'tab\tnew\nline\rreturn\\backslash\b\f\v\x01\x7f', 'ab', 'x  ', 'a', 'name', '\x00ff5c0a27'),
    (2, E'\\.', '', '', '', '', ''),
    (3, E'\\N', '  lead', E'\\N', E'\\', 'N', '\x'),
    (4, E'before\n\\.\nafter', NULL, NULL, NULL, NULL, NULL),
    (5, '𝄞 🦊 e' || U&'\0301' || U&'\200B\FEFF', '🦊', '''"`$$', ' ', 'ünï', NULL),
    (6, '', E'\\', E'\t', E'\t', NULL, decode(repeat('5c27090a0d', 50), 'hex')),
    (7, 'NULL', 'null', E'a\\nb', 'N', 'NULL', '\x5c4e'),
    (8, E'); DROP TABLE vals.texts; --\n\\! true\n\\q\nCOPY x FROM stdin;\n;', '$1', ':v', ':', ':"v"', 'BEGIN;');
CREATE TABLE vals.large (id int PRIMARY KEY, t text, b bytea);
INSERT INTO vals.large SELECT n, repeat(md5(n::text) || E'\t\n\\', 40000), decode(repeat(md5(n::text), 10000), 'hex')
    FROM generate_series(1, 2) n;
CREATE TABLE vals.shapes (p point, l line, s lseg, b box, path path, poly polygon, c circle);
INSERT INTO vals.shapes VALUES
    ('(1e-300,-0)', '{1,-1,0.1}', '[(0,0),(1,1)]', '((2,2),(0.1,0.2))', '[(0,0),(1,2)]', '((0,0),(1,1),(1,0))', '<(1,2),3>'),
    ('(NaN,Infinity)', NULL, NULL, NULL, '((0,0),(1,2))', NULL, NULL);
CREATE TABLE vals.nets (i inet, c cidr, m macaddr, m8 macaddr8, b bit(5), vb varbit, u uuid);
INSERT INTO vals.nets VALUES
    ('10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'', gen_random_uuid()),
    ('::1', '2001:db8::/32', NULL, NULL, NULL, B'1', '00000000-0000-0000-0000-000000000000');
CREATE TABLE vals.documents (id int PRIMARY KEY, j json, jb jsonb, jp jsonpath, v tsvector, q tsquery);
INSERT INTO vals.documents VALUES
    (1, '{"a":  1, "a": 2 , "s": "\u00e9\\n\ud834\udd1e"}', '{"b": 1e400, "a": [null, 1.10, "\\", "\""]}', '$.a[*] ? (@ > 1)',
     '''a b'':1A,2 ''it''''s'':3B ''back\\\\slash''', '''a b'' & !c <-> d:*A'),
    (2, 'null', 'null', '$', '', ''),
    (3, E'\n[\n1\t]\n', '[]', NULL, NULL, NULL);
CREATE TABLE vals.arrays (id int PRIMARY KEY, t text[], n int[], m vals.mood[], p vals.place[], d timestamptz[], j jsonb[], b bytea[]);
INSERT INTO vals.arrays VALUES
    (1, ARRAY[NULL, 'NULL', '', 'a,b', '{c}', 'q"', E'b\\', E'n\nt\t', '🦊'], '[0:2]={1,NULL,3}', ARRAY['sad', E'back\\slash', '']::vals.mood[],
     ARRAY[ROW('a "b" (c), d\', NULL, '(1,2)', '{sad}')::vals.place, NULL, ROW(NULL, '', NULL, '{}')::vals.place],
     ARRAY['infinity', '2000-01-01 00:00:00+00']::timestamptz[], ARRAY['{"a": "\""}', NULL]::jsonb[], ARRAY['\x5c', '\x']::bytea[]),
    (2, '{{a,b},{c,NULL}}', '[-1:0][5:6]={{1,2},{3,4}}', '{}', NULL, '{}', NULL, NULL),
    (3, '{}', '{}', NULL, '{}', NULL, NULL, NULL);
CREATE TABLE vals.mixed (id int PRIMARY KEY, mood vals.mood, place vals.place, even vals.even, places vals.places, span vals.span,
    r tsrange, i4 int4range, nr numrange);
INSERT INTO vals.mixed VALUES
    (1, 'it''s ok', ROW(E'x\ny\\', 'z ', '(0,0)', NULL), 2, ARRAY[ROW('a', 'b', NULL, NULL)::vals.place], '[-Infinity,0.1)', '[,infinity]', '(1,5]', 'empty'),
    (2, '', ROW(NULL, NULL, NULL, NULL), NULL, NULL, 'empty', '(,)', NULL, '[1.10,1.1000]');
CREATE TABLE vals.catalog (id int PRIMARY KEY, o oid, rel regclass, typ regtype, proc regprocedure, role regrole, ns regnamespace,
    lsn pg_lsn, x xid, tid tid, snapshot txid_snapshot, v int2vector, ov oidvector);
INSERT INTO vals.catalog VALUES
    (1, 4294967295, '"Other Circles"."Mule"', 'vals.place[]', 'lib.twice(int)', 'migplan_rich_reader', 'app', 'FFFFFFFF/FFFFFFFF', '4294967295',
     '(4294967295,65535)', '10:20:10,14', '1 2 3', '1 2'),
    (2, 0, 'pg_class', 'int', 'pg_catalog.lower(text)', 'pg_monitor', 'pg_catalog', '0/0', '0', '(0,0)', '1:1:', '', '');
--[ xml ]
CREATE TABLE vals.xmls (id int PRIMARY KEY, x xml);
INSERT INTO vals.xmls VALUES (1, '<?xml version="1.0"?><a b="1">&lt;ü</a>'), (2, 'no <b>root</b>'), (3, NULL);
--[ all ]
CREATE TABLE vals.many AS SELECT n AS id, md5(n::text) AS t, CASE WHEN n % 3 = 0 THEN n END AS third FROM generate_series(1, 20000) n;
DELETE FROM vals.many WHERE id % 7 = 0;
ALTER TABLE vals.many ADD PRIMARY KEY (id);

-- What watches everything ----------------------------------------------------------------------------------

CREATE PUBLICATION chosen FOR TABLE app.tenant, ONLY parts.animal WITH (publish = 'insert, delete');
COMMENT ON PUBLICATION chosen IS 'some of it';
--[ since 15 ]
CREATE PUBLICATION narrow FOR TABLE app.watched (id, name) WHERE (id > 1);
--[ superuser ]
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql
    AS $$BEGIN INSERT INTO app.log (said) VALUES ('DDL: ' || tg_tag); END$$;
CREATE EVENT TRIGGER migplan_rich_ddl ON ddl_command_end EXECUTE FUNCTION app.on_ddl();
COMMENT ON EVENT TRIGGER migplan_rich_ddl IS 'writes it down';
CREATE FUNCTION app.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no DDL here'; END$$;
CREATE EVENT TRIGGER migplan_rich_never ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'DROP TABLE') EXECUTE FUNCTION app.no_ddl();
ALTER EVENT TRIGGER migplan_rich_ddl ENABLE ALWAYS;
