-- What a plan is to notice of the objects of tests/verify/every_kind.sql: a statement, or a few, a paragraph, beside
-- those of tests/verify/alterations.sql.

CREATE PUBLICATION everything FOR ALL TABLES

DROP PUBLICATION shop_schema

ALTER PUBLICATION shop_tables SET (publish = 'insert')

ALTER PUBLICATION shop_tables DROP TABLE shop.animal

ALTER PUBLICATION shop_tables ADD TABLE shop.customer

CREATE STATISTICS shop.more (dependencies) ON id, price FROM shop.orders

DROP STATISTICS shop.orders_statistics

CREATE EVENT TRIGGER also ON sql_drop EXECUTE FUNCTION shop.on_ddl()

DROP EVENT TRIGGER shop_ddl

CREATE OPERATOR shop.<<| (FUNCTION = shop.same, LEFTARG = text, RIGHTARG = text)

DROP OPERATOR shop.=~= (text, text)

DROP OPERATOR CLASS shop.backwards_ops USING btree

DROP OPERATOR FAMILY shop.backwards_ops USING btree

CREATE OPERATOR FAMILY shop.fam USING hash

CREATE CAST (shop.place AS text) WITH INOUT

DROP CAST (text AS shop.place)

CREATE DEFAULT CONVERSION shop.latin2 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8

DROP CONVERSION shop.latin

CREATE TEXT SEARCH CONFIGURATION shop.other (COPY = pg_catalog.english)

DROP TEXT SEARCH CONFIGURATION shop.search

CREATE TEXT SEARCH DICTIONARY shop.others (TEMPLATE = pg_catalog.simple)

ALTER TEXT SEARCH CONFIGURATION shop.search DROP MAPPING FOR word

CREATE COLLATION shop.posix (locale = 'POSIX')

DROP COLLATION shop.plain

CREATE ACCESS METHOD second_heap TYPE TABLE HANDLER heap_tableam_handler

DROP ACCESS METHOD shop_heap

CREATE TRUSTED LANGUAGE second HANDLER shop.handler

DROP TRANSFORM FOR point LANGUAGE shop_language

CREATE FOREIGN DATA WRAPPER w2

DROP SERVER shop_other_server

CREATE SERVER s2 FOREIGN DATA WRAPPER shop_wrapper

ALTER SERVER shop_server OPTIONS (SET password 'other-secret')

ALTER FOREIGN TABLE shop.far OPTIONS (SET token 'other-secret')

ALTER TABLE shop.orders ALTER price SET STORAGE EXTERNAL

ALTER TABLE shop.customer ALTER note SET STORAGE EXTERNAL

ALTER TABLE shop.customer ALTER note SET COMPRESSION pglz

ALTER TABLE shop.orders CLUSTER ON orders_pkey

ALTER TABLE shop.orders ALTER price SET STATISTICS 500

ALTER TABLE shop.customer REPLICA IDENTITY FULL

ALTER TABLE shop.customer SET (fillfactor = 70)

ALTER TABLE shop.customer SET (toast.autovacuum_enabled = off)

ALTER TABLE shop.event DETACH PARTITION shop.event_2

CREATE TABLE shop.event_3 PARTITION OF shop.event FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')

ALTER TABLE shop.dog NO INHERIT shop.animal

ALTER TABLE shop.customer DISABLE TRIGGER customer_touch

ALTER TABLE shop.placed DISABLE RULE quiet

ALTER TABLE shop.placed SET UNLOGGED

ALTER SEQUENCE shop.numbers INCREMENT 5

ALTER TABLE shop.customer ALTER id SET INCREMENT BY 7

ALTER TABLE shop.customer ALTER id SET GENERATED ALWAYS

ALTER FUNCTION shop.twice(int) COST 7

ALTER FUNCTION shop.twice(int) SET work_mem = '1MB'

ALTER FUNCTION shop.twice(int) OWNER TO pg_monitor

CREATE AGGREGATE shop.product2 (numeric) (SFUNC = numeric_mul, STYPE = numeric)

DROP AGGREGATE shop.product (numeric)

REFRESH MATERIALIZED VIEW shop.sums WITH NO DATA

CREATE TYPE shop.span2 AS RANGE (subtype = float8)

ALTER EXTENSION hstore SET SCHEMA shop

CREATE EXTENSION citext SCHEMA other

COMMENT ON EXTENSION hstore IS 'ours'

COMMENT ON PUBLICATION shop_tables IS NULL

COMMENT ON EVENT TRIGGER shop_ddl IS 'hm'

COMMENT ON SERVER shop_server IS 'hm'

COMMENT ON LANGUAGE shop_language IS 'hm'

COMMENT ON COLUMN shop.dear.price IS NULL

GRANT USAGE ON SCHEMA shop TO pg_monitor

GRANT USAGE ON FOREIGN SERVER shop_server TO pg_monitor

GRANT EXECUTE ON FUNCTION shop.twice(int) TO pg_monitor

GRANT UPDATE (name) ON shop.customer TO pg_monitor

GRANT USAGE ON SEQUENCE shop.numbers TO pg_monitor

GRANT USAGE ON TYPE shop.state TO pg_monitor

REVOKE EXECUTE ON FUNCTION shop.twice(int) FROM PUBLIC

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT EXECUTE ON FUNCTIONS TO pg_monitor

DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.key = ''a-secret''', current_database()); END $$

DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET app.key = ''a-secret''', current_database()); END $$

DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO pg_monitor', current_database()); END $$

ALTER INDEX shop.orders_twice SET (fillfactor = 60)

ALTER INDEX shop.orders_twice ALTER COLUMN 1 SET STATISTICS 300

ALTER VIEW shop.dear SET (security_barrier)

ALTER VIEW shop.dear ALTER price SET DEFAULT 61

ALTER TABLE shop.customer RENAME TO client

ALTER SCHEMA shop RENAME TO store

ALTER TABLE shop.orders RENAME CONSTRAINT orders_customer TO o_c

CREATE TRIGGER also AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.seen()

ALTER TABLE shop.event_1 DISABLE TRIGGER event_seen

CREATE SCHEMA third
