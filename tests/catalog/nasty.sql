-- A database that holds what real ones hold and tools trip over. nasty.py cuts it to the server's measure:
-- a line "--[ since 15 ]" or "--[ with hstore ]" begins a part for some servers, "--[ all ]" ends it.

CREATE SCHEMA keys;
CREATE SCHEMA parts;
CREATE SCHEMA code;
CREATE SCHEMA kinds;
CREATE SCHEMA "My Schema";
CREATE SCHEMA "my schema";
CREATE SCHEMA "order";
COMMENT ON SCHEMA "My Schema" IS E'two\nlines, a ''quote'' and a \\';
CREATE SCHEMA contrib;

--[ with hstore ]
CREATE EXTENSION hstore SCHEMA contrib;
--[ with pg_trgm ]
CREATE EXTENSION pg_trgm SCHEMA contrib;
--[ with citext ]
CREATE EXTENSION citext SCHEMA contrib;
--[ all ]

-- Names -----------------------------------------------------------------------------------------------

CREATE TABLE "My Schema"."a ""quoted"" name" ("the ""id""" int PRIMARY KEY, "a.b" text, "c/d" text);
CREATE TABLE "My Schema"."dots.and/slashes" (" both ends " int PRIMARY KEY REFERENCES "My Schema"."a ""quoted"" name");
CREATE TABLE "My Schema"." padded " ("do$llar$s" int, "hy-phen" int, "select" int, "CamelCase" int, camelcase int);
CREATE TABLE "My Schema"."Twin" (id int);
CREATE TABLE "My Schema".twin (id int);
CREATE TABLE "my schema".twin (id int);
CREATE TABLE "order"."user" ("table" int, "end" text);
CREATE TABLE "order"."فنادق" ("اسم" text PRIMARY KEY);
CREATE TABLE "order"."гостиницы" ("имя" text REFERENCES "order"."فنادق");
CREATE TABLE "order"."гостиницы_с_очень_длинным_именем_которое_будет_обрезано" (id int PRIMARY KEY);
CREATE TABLE "order".a23456789_123456789_123456789_123456789_123456789_123456789_cut_here (
    b23456789_123456789_123456789_123456789_123456789_123456789_cut_here int UNIQUE
);
CREATE TABLE "order"."new
line" ("tab	in it" int);

-- Keys ------------------------------------------------------------------------------------------------

CREATE TABLE keys.country (
    code char(2), edition smallint, name text NOT NULL, iso text,
    CONSTRAINT country_pk PRIMARY KEY (code, edition),
    CONSTRAINT country_name_uq UNIQUE (name) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX country_iso_idx ON keys.country (iso);
COMMENT ON TABLE keys.country IS E'first\n\nthird';
COMMENT ON COLUMN keys.country.name IS E'in the\ncountry''s own language';
COMMENT ON CONSTRAINT country_pk ON keys.country IS 'composite';
COMMENT ON CONSTRAINT country_name_uq ON keys.country IS 'late';
COMMENT ON INDEX keys.country_iso_idx IS 'not a constraint';

CREATE TABLE keys.city (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    edition smallint, code char(2), birth_edition smallint, birth_code char(2), iso text,
    dropped_before int,
    twin int, mother bigint,
    CONSTRAINT city_country FOREIGN KEY (code, edition) REFERENCES keys.country (code, edition)
        ON DELETE CASCADE ON UPDATE RESTRICT,
    CONSTRAINT city_birth FOREIGN KEY (birth_edition, birth_code) REFERENCES keys.country (edition, code)
        MATCH FULL ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT city_iso FOREIGN KEY (iso) REFERENCES keys.country (iso) DEFERRABLE
);
ALTER TABLE keys.city DROP COLUMN dropped_before;
ALTER TABLE keys.city ADD CONSTRAINT city_twin FOREIGN KEY (twin) REFERENCES keys.city NOT VALID;
ALTER TABLE keys.city ADD CONSTRAINT city_mother FOREIGN KEY (mother) REFERENCES keys.city ON DELETE SET NULL;
COMMENT ON CONSTRAINT city_twin ON keys.city IS E'int4 refers\nto int8';

CREATE TABLE keys.node (
    tenant int, id int, parent int, note text,
    PRIMARY KEY (tenant, id)
);
--[ since 15 ]
ALTER TABLE keys.node ADD CONSTRAINT node_parent FOREIGN KEY (tenant, parent) REFERENCES keys.node (tenant, id)
    ON DELETE SET NULL (parent);
--[ all ]

CREATE TABLE keys.egg (id int PRIMARY KEY, hen int NOT NULL);
CREATE TABLE "My Schema".hen (id int PRIMARY KEY, egg int NOT NULL REFERENCES keys.egg);
ALTER TABLE keys.egg ADD CONSTRAINT egg_hen FOREIGN KEY (hen) REFERENCES "My Schema".hen DEFERRABLE;

CREATE TABLE keys.wide_key (a int, b int, c int, d int, UNIQUE (d, c, b, a));
CREATE TABLE keys.wide_ref (w int, x int, y int, z int,
    CONSTRAINT wide_ref_fk FOREIGN KEY (w, x, y, z) REFERENCES keys.wide_key (a, b, c, d));

--[ since 15 ]
CREATE TABLE keys.nulls (a int, b int, CONSTRAINT nulls_uq UNIQUE NULLS NOT DISTINCT (a, b));
CREATE UNIQUE INDEX nulls_idx ON keys.nulls (b) NULLS NOT DISTINCT;
--[ since 18 ]
CREATE TABLE keys.loose (
    id int, other bigint,
    CONSTRAINT loose_fk FOREIGN KEY (other) REFERENCES keys.city NOT ENFORCED,
    CONSTRAINT loose_check CHECK (id > 0) NOT ENFORCED
);
ALTER TABLE keys.loose ADD CONSTRAINT loose_not_null NOT NULL id NOT VALID;
CREATE TABLE keys.stay (room int4range, during daterange, CONSTRAINT stay_pk PRIMARY KEY (room, during WITHOUT OVERLAPS));
CREATE TABLE keys.guest (room int4range, during daterange,
    CONSTRAINT guest_stay FOREIGN KEY (room, PERIOD during) REFERENCES keys.stay (room, PERIOD during));
--[ all ]

-- Partitions and inheritance ----------------------------------------------------------------------------

CREATE TABLE parts.event (
    id int, day date, kind text, city bigint, parent_id int, parent_day date,
    CONSTRAINT event_pk PRIMARY KEY (id, day),
    CONSTRAINT event_city FOREIGN KEY (city) REFERENCES keys.city,
    CONSTRAINT event_parent FOREIGN KEY (parent_id, parent_day) REFERENCES parts.event
) PARTITION BY RANGE (day);
CREATE TABLE parts.event_2024 PARTITION OF parts.event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parts.event_2025 PARTITION OF parts.event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
    PARTITION BY LIST (id);
CREATE TABLE "My Schema"."event 2025 a" PARTITION OF parts.event_2025 FOR VALUES IN (1, 2);
CREATE TABLE parts.event_2025_other PARTITION OF parts.event_2025 DEFAULT;
CREATE TABLE parts.event_default PARTITION OF parts.event DEFAULT;
CREATE INDEX event_kind_idx ON parts.event (kind);
CREATE INDEX event_only_idx ON ONLY parts.event (city);
CREATE TABLE parts.listed (kind text) PARTITION BY LIST (kind);
CREATE TABLE parts.listed_some PARTITION OF parts.listed FOR VALUES IN ('a', 'it''s', NULL);
CREATE TABLE parts.hashed (k int, v int) PARTITION BY HASH (k, (v + 1));
CREATE TABLE parts.hashed_0 PARTITION OF parts.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts.hashed_1 PARTITION OF parts.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE parts.hashed_1 ADD CONSTRAINT hashed_1_leaf FOREIGN KEY (v) REFERENCES keys.egg;
CREATE TABLE parts.ticket (id int PRIMARY KEY, event int, day date,
    CONSTRAINT ticket_event FOREIGN KEY (event, day) REFERENCES parts.event);
CREATE TABLE parts.childless (id int) PARTITION BY RANGE (id);

CREATE TABLE parts.animal (name text NOT NULL, CONSTRAINT animal_named CHECK (name <> ''));
CREATE TABLE parts.vehicle (wheels int DEFAULT 4);
CREATE TABLE parts.horse_cart (price numeric(10, 2)) INHERITS (parts.vehicle, parts.animal);

-- Kinds of tables and columns ---------------------------------------------------------------------------

CREATE TYPE kinds.mood AS ENUM ('sad', 'it''s ok', 'happy');
ALTER TYPE kinds.mood ADD VALUE 'meh' BEFORE 'happy';
CREATE DOMAIN kinds.email AS text NOT NULL DEFAULT 'a@b' CONSTRAINT email_at CHECK (VALUE LIKE '%@%');
CREATE TYPE kinds.address AS (street text, "zip code" varchar(10));
CREATE TYPE kinds.span AS RANGE (subtype = float8);
CREATE TYPE kinds.row_type AS (id int, label text);
CREATE COLLATION kinds.bytewise (locale = 'C');
COMMENT ON TYPE kinds.mood IS E'how\none feels';

CREATE TABLE kinds.typed OF kinds.row_type (id WITH OPTIONS PRIMARY KEY);
CREATE UNLOGGED TABLE kinds.fleeting (id int) WITH (fillfactor = 70, autovacuum_enabled = false);
CREATE TABLE kinds.no_columns ();
INSERT INTO kinds.no_columns DEFAULT VALUES;
INSERT INTO kinds.no_columns DEFAULT VALUES;
CREATE TABLE kinds.column_zoo (
    gone_first int,
    id int GENERATED BY DEFAULT AS IDENTITY (START 10 INCREMENT 5),
    big bigserial,
    label varchar(20) COLLATE kinds.bytewise DEFAULT E'it''s\nnew',
    plain text COLLATE "C",
    amount numeric(12, 3) NOT NULL DEFAULT 0,
    stamps timestamp(3) with time zone[] DEFAULT ARRAY[]::timestamptz[],
    mood kinds.mood DEFAULT 'sad',
    email kinds.email,
    home kinds.address,
    during kinds.span,
    gone int,
    doubled numeric GENERATED ALWAYS AS (amount * 2) STORED,
    spell interval day to second(2),
    bits bit varying(5),
    "char" "char"
);
ALTER TABLE kinds.column_zoo DROP COLUMN gone, DROP COLUMN gone_first;
--[ since 18 ]
CREATE TABLE kinds.virtual (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL);
--[ all ]
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER far FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE kinds.far_away (id int NOT NULL, note text DEFAULT 'far') SERVER far;

CREATE TABLE kinds.booking (
    room int, during tsrange, canceled bool DEFAULT false,
    CONSTRAINT booking_apart EXCLUDE USING gist (during WITH &&) WHERE (NOT canceled) DEFERRABLE,
    CONSTRAINT booking_room CHECK (room > 0)
);
ALTER TABLE kinds.booking ADD CONSTRAINT booking_later CHECK (room < 1000) NOT VALID;
COMMENT ON CONSTRAINT booking_apart ON kinds.booking IS E'no\noverlap';

CREATE TABLE kinds.indexed (id int PRIMARY KEY, "Odd Name" text, note text, tags text[], n int);
CREATE INDEX ix_partial ON kinds.indexed (n) WHERE note IS NOT NULL;
CREATE INDEX ix_expression ON kinds.indexed ("Odd Name", lower(note), n DESC);
CREATE INDEX ix_covering ON kinds.indexed (n) INCLUDE (note);
CREATE INDEX ix_pattern ON kinds.indexed (note text_pattern_ops);
CREATE INDEX ix_gin ON kinds.indexed USING gin (tags);
CREATE INDEX ix_hash ON kinds.indexed USING hash (note);
CREATE INDEX ix_plain ON kinds.indexed (n, "Odd Name");
CREATE INDEX ix_fill ON kinds.indexed (n) WITH (fillfactor = 50);
CREATE UNIQUE INDEX ix_identity ON kinds.indexed (n, id);
CREATE INDEX ix_collated ON kinds.indexed (note COLLATE kinds.bytewise);
INSERT INTO kinds.indexed VALUES (1, 'x', 'same', '{}', 1), (2, 'y', 'same', '{}', 2), (3, NULL, NULL, NULL, 3);

-- Row-level security ------------------------------------------------------------------------------------

CREATE TABLE code.secret (id int PRIMARY KEY, owner text);
ALTER TABLE code.secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE code.secret FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone ON code.secret;
CREATE POLICY "own rows" ON code.secret AS RESTRICTIVE FOR UPDATE TO migplan_nasty_writer, migplan_nasty_reader
    USING (owner = current_user) WITH CHECK (id > 0);
COMMENT ON POLICY everyone ON code.secret IS E'a\npolicy';
INSERT INTO code.secret VALUES (1, 'somebody');
CREATE TABLE code.half_secret (id int);
ALTER TABLE code.half_secret ENABLE ROW LEVEL SECURITY;

-- Functions, triggers, rules, views -------------------------------------------------------------------

CREATE FUNCTION code.noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION code.area(w int, h int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT w * h';
CREATE FUNCTION code.area(r numeric) RETURNS numeric LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog SET work_mem = '8MB' AS 'SELECT r * r * 3';
CREATE FUNCTION code."Odd.Name"(INOUT a int, OUT b text, VARIADIC rest text[]) LANGUAGE sql AS $$SELECT a, 'b'$$;
CREATE FUNCTION code.many(n int) RETURNS TABLE (x int, y text) LANGUAGE sql AS $$SELECT 1, 'a'$$;
CREATE PROCEDURE code.work(INOUT n int) LANGUAGE plpgsql AS 'BEGIN n := n + 1; END';
CREATE AGGREGATE code.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
COMMENT ON FUNCTION code.area(int, int) IS E'w times\nh';
--[ since 14 ]
CREATE FUNCTION code.standard(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT a + 1; END;
--[ all ]

CREATE TABLE code.watched (id int PRIMARY KEY, name text, n int);
CREATE TRIGGER plain BEFORE INSERT OR UPDATE OF name, n ON code.watched FOR EACH ROW
    WHEN (NEW.n > 0) EXECUTE FUNCTION code.noop();
CREATE TRIGGER off AFTER DELETE ON code.watched FOR EACH STATEMENT EXECUTE FUNCTION code.noop();
ALTER TABLE code.watched DISABLE TRIGGER off;
CREATE TRIGGER stay_on AFTER TRUNCATE ON code.watched EXECUTE FUNCTION code.noop();
ALTER TABLE code.watched ENABLE ALWAYS TRIGGER stay_on;
CREATE TRIGGER copy_only BEFORE DELETE ON code.watched FOR EACH ROW EXECUTE FUNCTION code.noop();
ALTER TABLE code.watched ENABLE REPLICA TRIGGER copy_only;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON code.watched DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION code.noop();
CREATE TRIGGER transition AFTER UPDATE ON code.watched REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION code.noop();
COMMENT ON TRIGGER plain ON code.watched IS E'comment\non a trigger';
CREATE TRIGGER on_event AFTER INSERT ON parts.event FOR EACH ROW EXECUTE FUNCTION code.noop();
CREATE RULE shadow AS ON INSERT TO code.watched WHERE NEW.n = 7 DO INSTEAD NOTHING;
COMMENT ON RULE shadow ON code.watched IS 'seven is lost';
ALTER TABLE code.watched REPLICA IDENTITY FULL;

CREATE VIEW code.seen WITH (security_barrier) AS SELECT id, name FROM code.watched WHERE n > 0;
CREATE TRIGGER instead INSTEAD OF INSERT ON code.seen FOR EACH ROW EXECUTE FUNCTION code.noop();
CREATE VIEW "My Schema"."View" AS SELECT s.id, c.name FROM code.seen s, keys.country c;
CREATE MATERIALIZED VIEW code.frozen AS SELECT id AS "Odd Id", name FROM code.watched WITH NO DATA;
CREATE UNIQUE INDEX frozen_idx ON code.frozen ("Odd Id");
CREATE MATERIALIZED VIEW code.thawed AS SELECT count(*) AS n FROM kinds.indexed;
COMMENT ON VIEW code.seen IS E'a\nview';

-- Sequences ------------------------------------------------------------------------------------------------

CREATE SEQUENCE code.lonely AS smallint INCREMENT -2 MINVALUE -100 MAXVALUE 0 START 0 CYCLE CACHE 5;
CREATE SEQUENCE code.from_zero MINVALUE 0;
CREATE SEQUENCE "order"."Owned Elsewhere";
ALTER SEQUENCE "order"."Owned Elsewhere" OWNED BY "order"."user"."table";
SELECT setval('code.from_zero', 0);
COMMENT ON SEQUENCE code.lonely IS E'no\none owns it';

-- Objects of extensions' types ------------------------------------------------------------------------------

--[ with hstore ]
CREATE TABLE kinds.stored (h contrib.hstore);
--[ with pg_trgm ]
CREATE INDEX ix_trigrams ON kinds.indexed USING gin (note contrib.gin_trgm_ops);
--[ with citext ]
CREATE TABLE kinds.nickname (nick contrib.citext PRIMARY KEY);
CREATE TABLE kinds.calls (nick contrib.citext REFERENCES kinds.nickname);
--[ all ]
