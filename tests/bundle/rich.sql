-- A small database with one of nearly everything, none of it needing an extension.
CREATE SCHEMA app;
CREATE SCHEMA "o'Dd.schema";
COMMENT ON SCHEMA app IS 'The application''s own';

CREATE TYPE public.mood AS ENUM ('calm', 'loud');
CREATE DOMAIN app.code AS text CONSTRAINT short CHECK (length(VALUE) < 20);
ALTER DOMAIN app.code ADD CONSTRAINT upper CHECK (VALUE = upper(VALUE)) NOT VALID;
CREATE TYPE public.bt;
CREATE FUNCTION public.bt_in(cstring) RETURNS public.bt IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION public.bt_out(public.bt) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out';
CREATE TYPE public.bt (INPUT = public.bt_in, OUTPUT = public.bt_out, LIKE = int);

-- Two tables that need each other, and one that refers to itself.
CREATE TABLE public.a (id int PRIMARY KEY, b_id int, code app.code, touched timestamptz);
CREATE TABLE public.b (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a_id int NOT NULL REFERENCES public.a);
ALTER TABLE public.a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES public.b;
ALTER TABLE public.a ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
CREATE TABLE app.staff (id serial PRIMARY KEY, mood public.mood, boss int REFERENCES app.staff, a_id int REFERENCES public.a);
-- It takes its numbers from the sequence of another table.
CREATE TABLE app."a t" (id int DEFAULT nextval('app.staff_id_seq'), note text);
CREATE SEQUENCE app.loose START 7;

CREATE TABLE app.p (id int, k text, parent_id int, PRIMARY KEY (id), FOREIGN KEY (parent_id) REFERENCES app.p)
    PARTITION BY RANGE (id);
CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM (0) TO (10);
CREATE TABLE app.p2 PARTITION OF app.p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE app.p21 PARTITION OF app.p2 FOR VALUES FROM (10) TO (20);
CREATE INDEX p_k ON app.p (k);
CREATE TABLE public.refers_p (id int PRIMARY KEY, p_id int REFERENCES app.p);
CREATE TABLE public.elder (id int, note text CHECK (note <> ''));
CREATE TABLE public.younger (more int) INHERITS (public.elder);
CREATE TABLE "o'Dd.schema"."t"" DROP CONSTRAINT x" ("sel ect" int PRIMARY KEY, "önd'er" int);
ALTER TABLE "o'Dd.schema"."t"" DROP CONSTRAINT x"
    ADD CONSTRAINT "k"" IS 'x'" FOREIGN KEY ("önd'er") REFERENCES "o'Dd.schema"."t"" DROP CONSTRAINT x";
COMMENT ON CONSTRAINT "k"" IS 'x'" ON "o'Dd.schema"."t"" DROP CONSTRAINT x" IS 'it IS ''so''';

-- A view that leans on a primary key, one on top of it, one that is materialised.
CREATE VIEW app.v WITH (security_barrier) AS SELECT s.id, s.mood, count(*) FROM app.staff s GROUP BY s.id;
CREATE VIEW app.w AS SELECT * FROM app.v;
CREATE MATERIALIZED VIEW app.mv AS SELECT * FROM public.a;
CREATE UNIQUE INDEX mv_i ON app.mv (id);

CREATE FUNCTION app.of_a(r public.a) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE INDEX a_of_a ON public.a (app.of_a(a));
CREATE FUNCTION app.plus(public.mood, public.mood) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR app.+ (LEFTARG = public.mood, RIGHTARG = public.mood, FUNCTION = app.plus);
CREATE AGGREGATE app.agg (int) (SFUNC = int4pl, STYPE = int);
CREATE PROCEDURE app.proc(n int) LANGUAGE plpgsql AS 'BEGIN END';
CREATE CAST (app.staff AS public.mood) WITH INOUT;
CREATE TEXT SEARCH CONFIGURATION app.ts (COPY = simple);
CREATE COLLATION app.coll FROM "C";
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER away FOREIGN DATA WRAPPER wrapper;
CREATE FOREIGN TABLE app.far (id int) SERVER away;

CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := now(); RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON public.a FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE TRIGGER "instead" INSTEAD OF INSERT ON app.w FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE RULE kept AS ON DELETE TO app."a t" DO INSTEAD NOTHING;
CREATE STATISTICS public.st ON id, b_id FROM public.a;
ALTER TABLE public.a ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.b ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.b FORCE ROW LEVEL SECURITY;
CREATE POLICY among_staff ON public.a USING (EXISTS (SELECT FROM app.staff s WHERE s.id = a.id));
CREATE POLICY by_function ON public.a USING (app.of_a(a) > 0);

COMMENT ON TABLE public.a IS 'it''s; IS ''x''';
COMMENT ON COLUMN public.a.code IS E'two\nlines';
COMMENT ON SCHEMA public IS 'mine';
GRANT ALL ON SCHEMA public TO PUBLIC;
ALTER SCHEMA public OWNER TO CURRENT_USER;
GRANT USAGE ON SCHEMA app TO PUBLIC;
GRANT SELECT ON public.a TO PUBLIC;
GRANT SELECT (id) ON public.b TO PUBLIC;
REVOKE ALL ON FUNCTION public.touch() FROM PUBLIC;
REVOKE ALL ON FUNCTION pg_catalog.pg_relation_size(regclass) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO pg_monitor WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;

CREATE FUNCTION public.ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER ev ON ddl_command_start EXECUTE FUNCTION public.ev();
CREATE PUBLICATION pub FOR TABLE app.staff;

INSERT INTO public.a (id, code) SELECT n, 'C' || n FROM generate_series(1, 5) n;
INSERT INTO public.b (a_id) SELECT n FROM generate_series(1, 5) n;
UPDATE public.a SET b_id = id WHERE id < 3;
INSERT INTO app.staff (mood, boss) VALUES ('calm', NULL), ('loud', 1), ('calm', 2), ('calm', NULL), ('loud', 5);
INSERT INTO app."a t" (note) VALUES ('one'), ('two');
INSERT INTO app.p SELECT n, 'k' || n, nullif(n - 1, 0) FROM generate_series(1, 15) n;
INSERT INTO public.refers_p VALUES (1, 1), (2, 15);
INSERT INTO public.elder VALUES (1, 'x');
INSERT INTO public.younger VALUES (2, 'y', 3), (3, 'z', 3);
INSERT INTO "o'Dd.schema"."t"" DROP CONSTRAINT x" VALUES (1, NULL), (2, 1);
REFRESH MATERIALIZED VIEW app.mv;
