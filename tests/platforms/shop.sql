-- What `master`, a plain role, has made in a database of a host like Amazon RDS.

CREATE EXTENSION pg_trgm;
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE INDEX customers_name ON shop.customers USING gin (name public.gin_trgm_ops);
CREATE TABLE public.orders (
    id bigserial PRIMARY KEY,
    customer bigint NOT NULL REFERENCES shop.customers,
    placed timestamptz NOT NULL DEFAULT now()
);
CREATE VIEW shop.latest AS SELECT customer, max(placed) AS placed FROM public.orders GROUP BY customer;
GRANT SELECT ON shop.customers TO rds_superuser;
CREATE PUBLICATION changes FOR TABLE public.orders;
INSERT INTO shop.customers (name) SELECT format('customer %s', n) FROM generate_series(1, 20) AS n;
INSERT INTO public.orders (customer) SELECT id FROM shop.customers, generate_series(1, 3);
