-- What ALTER can change of the objects of every_kind.sql, and a few things that only another CREATE can: one
-- statement, or a few, a paragraph. Each is to be seen. "--[ since 17 ]" before one: older servers know it not.

ALTER SCHEMA shop OWNER TO pg_monitor

COMMENT ON SCHEMA shop IS NULL

ALTER COLLATION shop.plain OWNER TO pg_monitor

COMMENT ON COLLATION shop.plain IS 'plain'

DROP COLLATION shop.plain; CREATE COLLATION shop.plain (locale = 'POSIX')

ALTER TYPE shop.state ADD VALUE 'lost'

ALTER TYPE shop.state RENAME VALUE 'open' TO 'opened'

ALTER TYPE shop.state OWNER TO pg_monitor

COMMENT ON TYPE shop.state IS 'of a customer'

ALTER TYPE shop.place ADD ATTRIBUTE country text CASCADE

ALTER TYPE shop.place ALTER ATTRIBUTE town TYPE text COLLATE "POSIX" CASCADE

ALTER TYPE shop.place RENAME ATTRIBUTE town TO city CASCADE

COMMENT ON COLUMN shop.place.town IS 'a city'

ALTER TYPE shop.whole SET (SEND = NONE)

ALTER TYPE shop.whole OWNER TO pg_monitor

COMMENT ON TYPE shop.whole IS 'a whole number'

DROP TYPE shop.span; CREATE TYPE shop.span AS RANGE (subtype = float8, subtype_diff = float8mi)

ALTER DOMAIN shop.amount SET DEFAULT 1

ALTER DOMAIN shop.amount DROP DEFAULT

ALTER DOMAIN shop.amount SET NOT NULL

ALTER DOMAIN shop.amount ADD CONSTRAINT small CHECK (VALUE < 10)

ALTER DOMAIN shop.amount ADD CONSTRAINT small CHECK (VALUE < 10) NOT VALID

ALTER DOMAIN shop.amount DROP CONSTRAINT not_negative

ALTER DOMAIN shop.amount RENAME CONSTRAINT not_negative TO positive

ALTER DOMAIN shop.amount OWNER TO pg_monitor

COMMENT ON CONSTRAINT not_negative ON DOMAIN shop.amount IS NULL

ALTER FUNCTION shop.twice(int) STABLE

ALTER FUNCTION shop.twice(int) STRICT

ALTER FUNCTION shop.twice(int) SECURITY DEFINER

ALTER FUNCTION shop.twice(int) LEAKPROOF

ALTER FUNCTION shop.twice(int) PARALLEL SAFE

ALTER FUNCTION shop.twice(int) COST 7

ALTER FUNCTION shop.rows_of(int) ROWS 7

ALTER FUNCTION shop.rows_of(int) SUPPORT pg_catalog.generate_series_int4_support

ALTER FUNCTION shop.twice(int) SET search_path = shop

ALTER FUNCTION shop.twice(int) OWNER TO pg_monitor

ALTER FUNCTION shop.twice(int) DEPENDS ON EXTENSION plpgsql

COMMENT ON FUNCTION shop.twice(int) IS 'two times'

CREATE OR REPLACE FUNCTION shop.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n'

CREATE OR REPLACE FUNCTION shop.twice(n int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'

GRANT EXECUTE ON FUNCTION shop.twice(int) TO pg_monitor

REVOKE EXECUTE ON FUNCTION shop.twice(int) FROM PUBLIC

ALTER PROCEDURE shop.nothing() SECURITY DEFINER

ALTER AGGREGATE shop.product(numeric) OWNER TO pg_monitor

CREATE OR REPLACE AGGREGATE shop.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1', PARALLEL = safe)

CREATE OR REPLACE AGGREGATE shop.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1', SSPACE = 9)

CREATE OR REPLACE AGGREGATE shop.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1',
    MSFUNC = numeric_mul, MINVFUNC = numeric_div, MSTYPE = numeric, MINITCOND = '1')

COMMENT ON AGGREGATE shop.product(numeric) IS 'all times each other'

DROP CAST (text AS shop.place)

DROP CAST (text AS shop.place); CREATE CAST (text AS shop.place) WITH FUNCTION shop.place_of(text) AS IMPLICIT

DROP CAST (text AS shop.place); CREATE CAST (text AS shop.place) WITH INOUT AS ASSIGNMENT

COMMENT ON CAST (text AS shop.place) IS NULL

ALTER OPERATOR shop.=~= (text, text) SET (RESTRICT = eqsel)

ALTER OPERATOR shop.=~= (text, text) SET (JOIN = eqjoinsel)

ALTER OPERATOR shop.=~= (text, text) OWNER TO pg_monitor

--[ since 17 ]
ALTER OPERATOR shop.=~= (text, text) SET (COMMUTATOR = OPERATOR(shop.=~=))

--[ since 17 ]
ALTER OPERATOR shop.=~= (text, text) SET (HASHES)

COMMENT ON OPERATOR shop.=~= (text, text) IS NULL

DROP OPERATOR shop.=~= (text, text)

ALTER OPERATOR CLASS shop.backwards_ops USING btree OWNER TO pg_monitor

ALTER OPERATOR FAMILY shop.backwards_ops USING btree OWNER TO pg_monitor

ALTER OPERATOR FAMILY shop.backwards_ops USING btree ADD OPERATOR 1 > (int, int8)

ALTER OPERATOR FAMILY shop.backwards_ops USING btree ADD FUNCTION 4 (int, int) btequalimage(oid)

ALTER CONVERSION shop.latin OWNER TO pg_monitor

COMMENT ON CONVERSION shop.latin IS 'western'

ALTER LANGUAGE shop_language OWNER TO pg_monitor

COMMENT ON LANGUAGE shop_language IS 'another'

GRANT USAGE ON LANGUAGE shop_language TO pg_read_all_stats

REVOKE USAGE ON LANGUAGE shop_language FROM pg_monitor

DROP TRANSFORM FOR point LANGUAGE shop_language

DROP ACCESS METHOD shop_heap

COMMENT ON ACCESS METHOD shop_heap IS 'like heap'

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR asciiword WITH shop.words

ALTER TEXT SEARCH CONFIGURATION shop.search ALTER MAPPING FOR word WITH pg_catalog.simple

ALTER TEXT SEARCH CONFIGURATION shop.search ALTER MAPPING FOR word WITH shop.words, pg_catalog.simple

ALTER TEXT SEARCH CONFIGURATION shop.search DROP MAPPING FOR word

ALTER TEXT SEARCH CONFIGURATION shop.search OWNER TO pg_monitor

COMMENT ON TEXT SEARCH CONFIGURATION shop.search IS 'for customers'

ALTER TEXT SEARCH DICTIONARY shop.words (accept = false)

ALTER TEXT SEARCH DICTIONARY shop.words OWNER TO pg_monitor

ALTER FOREIGN DATA WRAPPER shop_wrapper OPTIONS (SET debug 'false')

ALTER FOREIGN DATA WRAPPER shop_wrapper VALIDATOR postgresql_fdw_validator

GRANT USAGE ON FOREIGN DATA WRAPPER shop_wrapper TO pg_monitor

ALTER SERVER shop_server OPTIONS (SET password 'another')

ALTER SERVER shop_server OPTIONS (DROP host)

ALTER SERVER shop_server VERSION '2'

GRANT USAGE ON FOREIGN SERVER shop_server TO pg_monitor

COMMENT ON SERVER shop_server IS 'far away'

ALTER FOREIGN TABLE shop.far OPTIONS (SET token 'another')

ALTER FOREIGN TABLE shop.far ALTER id OPTIONS (SET name 'number')

ALTER SEQUENCE shop.numbers INCREMENT 2

ALTER SEQUENCE shop.numbers MAXVALUE 1000000

ALTER SEQUENCE shop.numbers MINVALUE 0

ALTER SEQUENCE shop.numbers START 200

ALTER SEQUENCE shop.numbers CACHE 20

ALTER SEQUENCE shop.numbers CYCLE

ALTER SEQUENCE shop.numbers AS int

ALTER SEQUENCE shop.numbers OWNED BY shop.orders.id

ALTER SEQUENCE shop.numbers SET UNLOGGED

ALTER SEQUENCE shop.numbers OWNER TO pg_monitor

GRANT USAGE ON SEQUENCE shop.numbers TO pg_monitor

COMMENT ON SEQUENCE shop.numbers IS 'of tickets'

ALTER TABLE shop.customer ALTER id SET GENERATED ALWAYS

ALTER TABLE shop.customer ALTER id DROP IDENTITY

ALTER TABLE shop.customer ALTER id SET INCREMENT 5

ALTER TABLE shop.customer ALTER note SET DEFAULT 'nothing'

ALTER TABLE shop.customer ALTER note DROP DEFAULT

ALTER TABLE shop.customer ALTER name DROP NOT NULL

DROP VIEW shop.dear; DROP MATERIALIZED VIEW shop.sums; ALTER PUBLICATION shop_tables DROP TABLE shop.orders;
    ALTER TABLE shop.orders ALTER price TYPE numeric(12, 2)

ALTER TABLE shop.customer ALTER note TYPE varchar(100)

ALTER TABLE shop.customer ALTER note TYPE text COLLATE "C"

ALTER TABLE shop.customer ALTER note SET STORAGE EXTERNAL

ALTER TABLE shop.customer ALTER note SET COMPRESSION pglz

ALTER TABLE shop.customer ALTER note SET STATISTICS 7

ALTER TABLE shop.customer ALTER note SET (n_distinct = 7)

ALTER TABLE shop.customer ALTER shouted DROP EXPRESSION

ALTER TABLE shop.customer ADD more int

ALTER TABLE shop.customer DROP note CASCADE

ALTER TABLE shop.customer RENAME note TO remark

COMMENT ON COLUMN shop.customer.name IS 'in short'

ALTER TABLE shop.customer DISABLE TRIGGER customer_touch

ALTER TABLE shop.customer ENABLE ALWAYS TRIGGER customer_touch

ALTER TRIGGER customer_touch ON shop.customer RENAME TO touch

ALTER TABLE shop.customer DISABLE TRIGGER ALL

ALTER TABLE shop.orders DISABLE TRIGGER ALL

ALTER TABLE shop.event_1 DISABLE TRIGGER ALL

ALTER TABLE shop.event_1 DISABLE TRIGGER event_seen

ALTER TABLE shop.event DISABLE TRIGGER event_seen

ALTER TABLE ONLY shop.event DISABLE TRIGGER event_seen

COMMENT ON TRIGGER customer_touch ON shop.customer IS NULL

CREATE OR REPLACE TRIGGER customer_touch AFTER UPDATE ON shop.customer FOR EACH ROW EXECUTE FUNCTION shop.touch()

CREATE TRIGGER more BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.seen()

DROP TRIGGER customer_touch ON shop.customer

ALTER TABLE shop.customer DROP CONSTRAINT named

ALTER TABLE shop.customer RENAME CONSTRAINT named TO has_name

COMMENT ON CONSTRAINT named ON shop.customer IS NULL

ALTER TABLE shop.customer DROP CONSTRAINT named; ALTER TABLE shop.customer ADD CONSTRAINT named CHECK (name <> '') NOT VALID

ALTER TABLE shop.customer DROP CONSTRAINT named; ALTER TABLE shop.customer ADD CONSTRAINT named CHECK (name <> '') NO INHERIT

--[ since 18 ]
ALTER TABLE shop.customer RENAME CONSTRAINT customer_name_not_null TO must_have_name

--[ since 18 ]
COMMENT ON CONSTRAINT customer_name_not_null ON shop.customer IS 'nobody is nameless'

--[ since 18 ]
ALTER TABLE shop.orders ALTER CONSTRAINT orders_customer NOT ENFORCED

ALTER TABLE shop.orders ALTER CONSTRAINT orders_customer DEFERRABLE

ALTER TABLE shop.orders ALTER CONSTRAINT orders_customer DEFERRABLE INITIALLY DEFERRED

ALTER TABLE shop.orders DROP CONSTRAINT orders_customer

ALTER TABLE shop.orders DROP CONSTRAINT orders_customer; ALTER TABLE shop.orders ADD CONSTRAINT orders_customer
    FOREIGN KEY (customer) REFERENCES shop.customer

ALTER TABLE shop.orders DROP CONSTRAINT orders_customer; ALTER TABLE shop.orders ADD CONSTRAINT orders_customer
    FOREIGN KEY (customer) REFERENCES shop.customer ON DELETE CASCADE NOT VALID

ALTER TABLE shop.customer DROP CONSTRAINT code_once; ALTER TABLE shop.customer ADD CONSTRAINT code_once UNIQUE (code)

ALTER TABLE shop.customer DROP CONSTRAINT code_once; ALTER TABLE shop.customer ADD CONSTRAINT code_once
    UNIQUE (code) DEFERRABLE INITIALLY DEFERRED

ALTER TABLE shop.customer DROP CONSTRAINT name_once; ALTER TABLE shop.customer ADD CONSTRAINT name_once
    UNIQUE NULLS NOT DISTINCT (name)

ALTER TABLE shop.orders DROP CONSTRAINT apart

ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY

ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY

ALTER TABLE shop.orders REPLICA IDENTITY FULL

ALTER TABLE shop.orders REPLICA IDENTITY USING INDEX orders_pkey

ALTER TABLE shop.orders CLUSTER ON orders_pkey

ALTER TABLE shop.orders SET (fillfactor = 80)

ALTER TABLE shop.orders SET (toast.autovacuum_enabled = false, autovacuum_enabled = false); ALTER TABLE shop.orders RESET (autovacuum_enabled)

ALTER TABLE shop.customer SET (toast.autovacuum_enabled = false)

ALTER TABLE shop.placed SET UNLOGGED

--[ since 15 ]
ALTER TABLE shop.animal SET ACCESS METHOD shop_heap

ALTER TABLE shop.dog NO INHERIT shop.animal

ALTER TABLE shop.placed NOT OF

ALTER TABLE shop.orders OWNER TO pg_monitor

ALTER TABLE shop.event DETACH PARTITION shop.event_2

ALTER TABLE shop.orders SET SCHEMA other

ALTER TABLE shop.orders RENAME TO purchases

COMMENT ON TABLE shop.customer IS NULL

GRANT UPDATE ON shop.customer TO pg_monitor

GRANT UPDATE (note) ON shop.customer TO pg_monitor

REVOKE SELECT ON shop.customer FROM pg_monitor

ALTER INDEX shop.orders_price SET (fillfactor = 70)

ALTER INDEX shop.orders_price RENAME TO orders_by_price

ALTER INDEX shop.orders_twice ALTER COLUMN 1 SET STATISTICS 7

COMMENT ON INDEX shop.orders_price IS NULL

DROP INDEX shop.orders_price

DROP INDEX shop.orders_price; CREATE INDEX orders_price ON shop.orders (price) WHERE price > 11

ALTER STATISTICS shop.orders_statistics SET STATISTICS 7

ALTER STATISTICS shop.orders_statistics OWNER TO pg_monitor

DROP STATISTICS shop.orders_statistics; CREATE STATISTICS shop.orders_statistics (mcv) ON customer, price FROM shop.orders

DROP STATISTICS shop.orders_statistics

COMMENT ON STATISTICS shop.orders_statistics IS NULL

ALTER TABLE shop.placed DISABLE RULE quiet

ALTER TABLE shop.placed ENABLE REPLICA RULE quiet

ALTER RULE quiet ON shop.placed RENAME TO silent

COMMENT ON RULE quiet ON shop.placed IS NULL

ALTER VIEW shop.dear SET (security_barrier = true)

ALTER VIEW shop.dear ALTER price SET DEFAULT 70

ALTER VIEW shop.dear ALTER price DROP DEFAULT

ALTER VIEW shop.dear OWNER TO pg_monitor

ALTER VIEW shop.dear RENAME price TO cost

COMMENT ON COLUMN shop.dear.price IS NULL

COMMENT ON VIEW shop.dear IS 'dear ones'

CREATE OR REPLACE VIEW shop.dear AS SELECT id, price FROM shop.orders WHERE price > 60

GRANT SELECT ON shop.dear TO pg_monitor

REFRESH MATERIALIZED VIEW shop.sums WITH NO DATA

ALTER MATERIALIZED VIEW shop.sums SET (fillfactor = 70)

ALTER MATERIALIZED VIEW shop.sums ALTER paid SET STATISTICS 7

ALTER MATERIALIZED VIEW shop.sums ALTER paid SET STORAGE EXTERNAL

ALTER MATERIALIZED VIEW shop.sums CLUSTER ON sums_customer

ALTER MATERIALIZED VIEW shop.sums OWNER TO pg_monitor

--[ since 15 ]
ALTER MATERIALIZED VIEW shop.sums SET ACCESS METHOD shop_heap

COMMENT ON COLUMN shop.sums.paid IS 'all of it'

ALTER POLICY mine ON shop.orders USING (customer > 1)

ALTER POLICY mine ON shop.orders TO PUBLIC

ALTER POLICY new ON shop.orders WITH CHECK (customer > 1)

ALTER POLICY mine ON shop.orders RENAME TO ours

COMMENT ON POLICY mine ON shop.orders IS NULL

DROP POLICY mine ON shop.orders; CREATE POLICY mine ON shop.orders AS RESTRICTIVE FOR SELECT TO pg_monitor USING (customer > 0);
    COMMENT ON POLICY mine ON shop.orders IS 'one''s own'

DROP POLICY mine ON shop.orders; CREATE POLICY mine ON shop.orders FOR UPDATE TO pg_monitor USING (customer > 0);
    COMMENT ON POLICY mine ON shop.orders IS 'one''s own'

CREATE POLICY more ON shop.orders USING (true)

ALTER PUBLICATION shop_tables SET (publish = 'insert')

ALTER PUBLICATION shop_tables SET (publish_via_partition_root = true)

--[ since 18 ]
ALTER PUBLICATION shop_tables SET (publish_generated_columns = stored)

ALTER PUBLICATION shop_tables ADD TABLE shop.placed

ALTER PUBLICATION shop_tables DROP TABLE shop.animal

ALTER PUBLICATION shop_tables SET TABLE shop.orders (id) WHERE (id > 10), TABLE shop.animal

ALTER PUBLICATION shop_tables SET TABLE shop.orders (id, price) WHERE (id > 11), TABLE shop.animal

ALTER PUBLICATION shop_tables SET TABLE shop.orders WHERE (id > 10), TABLE shop.animal

ALTER PUBLICATION shop_schema ADD TABLES IN SCHEMA shop

ALTER PUBLICATION shop_tables OWNER TO pg_monitor

ALTER PUBLICATION shop_tables RENAME TO shop_some

ALTER PUBLICATION shop_schema DROP TABLES IN SCHEMA other

COMMENT ON PUBLICATION shop_tables IS NULL

ALTER EVENT TRIGGER shop_ddl DISABLE

ALTER EVENT TRIGGER shop_ddl ENABLE

DROP EVENT TRIGGER shop_ddl; CREATE EVENT TRIGGER shop_ddl ON ddl_command_end EXECUTE FUNCTION shop.on_ddl(); ALTER EVENT TRIGGER shop_ddl ENABLE REPLICA

DROP EVENT TRIGGER shop_ddl; CREATE EVENT TRIGGER shop_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION shop.on_other(); ALTER EVENT TRIGGER shop_ddl ENABLE REPLICA

COMMENT ON EVENT TRIGGER shop_ddl IS 'watches'

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT INSERT ON TABLES TO pg_monitor

ALTER DEFAULT PRIVILEGES IN SCHEMA shop REVOKE SELECT ON TABLES FROM pg_monitor

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT USAGE ON SEQUENCES TO pg_monitor

ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor

GRANT USAGE ON SCHEMA shop TO pg_monitor

GRANT USAGE ON TYPE shop.state TO pg_monitor

REVOKE USAGE ON TYPE shop.state FROM PUBLIC

DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO pg_monitor', current_database()); END $$

DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$

DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$

COMMENT ON EXTENSION plpgsql IS 'a language'

COMMENT ON EXTENSION hstore IS NULL

ALTER EXTENSION hstore SET SCHEMA shop

INSERT INTO pg_seclabel VALUES ('shop.orders'::regclass, 'pg_class'::regclass, 0, 'none', 'secret')

UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.orders_price'::regclass

UPDATE pg_index SET indisready = false WHERE indexrelid = 'shop.orders_price'::regclass
