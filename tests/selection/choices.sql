-- Every way in which an object can need another one, spread over schemas so that selections divide them.
CREATE SCHEMA base;
CREATE SCHEMA shop;
CREATE SCHEMA report;
CREATE TYPE base.status AS ENUM ('new', 'paid');
CREATE TYPE base.address AS (street text, city text);
CREATE DOMAIN base.email AS text CHECK (VALUE LIKE '%@%');
CREATE COLLATION base.plain FROM "C";
CREATE SEQUENCE base.numbers START 100;
CREATE FUNCTION base.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.note := 'touched'; RETURN NEW; END$$;
CREATE FUNCTION base.tidy(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT lower(t)$$;
CREATE FUNCTION base.me() RETURNS text LANGUAGE sql STABLE AS $$SELECT current_user::text$$;
CREATE TABLE base.countries (code text COLLATE base.plain PRIMARY KEY, name text);
CREATE TABLE base.people (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email base.email, home base.address,
    country text REFERENCES base.countries, note text);
CREATE TABLE shop.products (
    id serial PRIMARY KEY, name text NOT NULL, state base.status DEFAULT 'new',
    tidy text GENERATED ALWAYS AS (base.tidy(name)) STORED, parent int REFERENCES shop.products);
CREATE TABLE shop.orders (
    id int DEFAULT nextval('base.numbers') PRIMARY KEY, buyer int REFERENCES base.people,
    state base.status, note text, CHECK (base.tidy(note) <> 'never'));
CREATE TABLE shop.items (
    order_id int REFERENCES shop.orders, product int REFERENCES shop.products, amount int,
    number int DEFAULT nextval('shop.products_id_seq'), PRIMARY KEY (order_id, product));
CREATE INDEX items_tidy ON shop.items (base.tidy(amount::text));
CREATE TABLE shop.events (id int, at date, kind base.status[]) PARTITION BY RANGE (at);
CREATE TABLE shop.events_old PARTITION OF shop.events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE report.events_new PARTITION OF shop.events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE report.totals (day date, amount int);
CREATE TABLE report.totals_more (extra text) INHERITS (report.totals);
CREATE TABLE report.typed (product shop.products, day date);
CREATE TRIGGER touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION base.touch();
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop.orders USING (note = base.me() OR EXISTS (SELECT FROM base.people p WHERE p.id = buyer));
CREATE VIEW report.open_orders AS SELECT o.id, p.email FROM shop.orders o JOIN base.people p ON p.id = o.buyer;
CREATE VIEW report.few AS SELECT * FROM report.open_orders WHERE id < 10;
CREATE MATERIALIZED VIEW report.sums AS SELECT product, sum(amount) AS amount FROM shop.items GROUP BY product;
CREATE INDEX sums_product ON report.sums (product);
CREATE RULE quiet AS ON DELETE TO report.totals DO ALSO INSERT INTO report.totals_more DEFAULT VALUES;
CREATE STATISTICS shop.together ON product, amount FROM shop.items;
CREATE FUNCTION report.count_orders() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM shop.orders$$;
CREATE FUNCTION report.any_order() RETURNS void LANGUAGE plpgsql
    AS $$DECLARE o shop.orders%ROWTYPE; BEGIN SELECT * INTO o FROM shop.orders LIMIT 1; END$$;
CREATE FUNCTION report.of_product(p shop.products) RETURNS text LANGUAGE sql AS $$SELECT p.name$$;
CREATE OPERATOR base.<~> (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
CREATE VIEW report.same AS SELECT code FROM base.countries WHERE code OPERATOR(base.<~>) name;
CREATE PUBLICATION few FOR TABLE shop.orders, base.people;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO PUBLIC;
GRANT SELECT ON shop.orders, report.few TO PUBLIC;
COMMENT ON TABLE shop.orders IS 'what people bought';
COMMENT ON VIEW report.few IS 'a few of them';
INSERT INTO base.countries VALUES ('FR', 'France'), ('PE', 'Peru');
INSERT INTO base.people (email, home, country) VALUES ('a@b', ('x', 'y'), 'FR'), ('c@d', NULL, 'PE');
INSERT INTO shop.products (name, parent) VALUES ('Bread', NULL), ('Roll', 1);
INSERT INTO shop.orders (buyer, state, note) VALUES (1, 'new', 'a'), (2, 'paid', 'b');
INSERT INTO shop.items VALUES (100, 1, 3), (101, 2, 1);
INSERT INTO shop.events VALUES (1, '2020-05-05', '{new}'), (2, '2021-05-05', '{new,paid}');
INSERT INTO report.totals VALUES ('2020-01-01', 3);
INSERT INTO report.typed VALUES (NULL, '2020-01-01');
REFRESH MATERIALIZED VIEW report.sums;
