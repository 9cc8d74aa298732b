-- A secret in every kind of column, and in every text that a catalog holds. PLANTED marks what must not be seen.
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS ltree;
CREATE TYPE mood AS ENUM ('sunny', 'rosalind@planted.example', 'sk_live_planted51Habc');
CREATE TYPE contact AS (full_name text, e_mail text, remark text, phones text[]);
CREATE TYPE wrapped AS (inside contact, meta jsonb);
CREATE TYPE text_range AS RANGE (subtype = text);
CREATE DOMAIN email_address AS text CHECK (VALUE <> 'planted.check@planted.example');
CREATE DOMAIN plain AS text DEFAULT 'rosalind@planted.example';
CREATE DOMAIN with_a_word AS text DEFAULT 'plantedword';
COMMENT ON TYPE contact IS 'ask rosalind@planted.example or +57 300 555 0142';
CREATE TABLE people (
    id bigint PRIMARY KEY,
    full_name text, nombre varchar(80), email text UNIQUE, correo citext, phone text, telefono bigint, mobile numeric,
    direccion text, documento text, cedula integer, birth date, password text, api_token uuid, clave char(12),
    notes text, unknown_thing text, "Odd ""Name" text, status text, type varchar, reference_code text, slug text,
    home point, salary numeric(12,2), card bigint, visits integer, mystery bigint,
    avatar bytea, avatar_url text, feed text, last_ip inet, mac macaddr, last_seen timestamptz, ident name,
    contact contact, many contact[], deep wrapped, tags text[], grid text[][], numbers bigint[], things jsonb[],
    data jsonb, raw json, bag hstore, page xml, span text_range, days daterange, nums int8range,
    mail_domain email_address, any_domain plain, mood mood, path ltree, search tsvector, wait interval, cash money,
    bits bit varying, one "char", flag boolean, state_of_it text CHECK (state_of_it IN ('New', 'In Use')),
    made text GENERATED ALWAYS AS ('made of ' || 'planted.made@planted.example') STORED
);
INSERT INTO people VALUES (
    1, 'Rosalind Planted', 'Rosalind Planted', 'Rosalind@planted.example', 'rosalind@planted.example',
    '+57 300 555 0142', 573005550142, 573005550142, 'Calle Planted 12', 'PLANTED77', 77123499, '1977-08-19',
    'planted-password', '77777777-aaaa-bbbb-cccc-77777777cafe', 'plantedclave',
    E'line one\nRosalind Planted called', 'Rosalind Planted', 'Rosalind Planted', 'Rosalind Planted',
    'rosalind@planted.example', 'MOTO_PLANTED77', 'rosalind-planted', '(4.7112233,-74.0722233)', 98765.43,
    4539578763621486, 3, 573005550142, 'planted bytes', 'https://planted.example/u/rosalind.png',
    'https://cal.planted.example/ical/a8Kd93kQz1LmPLANTED.ics?s=planted', '203.0.113.77', '08:00:2b:01:77:03',
    '2025-01-02 03:04:05+00', 'rosalind_planted',
    ROW('Rosalind Planted', 'rosalind@planted.example', 'a "quoted" planted, remark', '{+57 300 555 0142}'),
    ARRAY[ROW('Rosalind Planted', 'rosalind@planted.example', NULL, NULL)::contact],
    ROW(ROW('Rosalind Planted', NULL, NULL, NULL)::contact, '{"who": "Rosalind Planted"}'),
    ARRAY['Rosalind Planted', 'rosalind@planted.example'], ARRAY[['Rosalind Planted', 'x'], ['y', 'planted']],
    ARRAY[573005550142], ARRAY['{"name": "Rosalind Planted"}'::jsonb],
    '{"email": "rosalind@planted.example", "rosalind@planted.example": 1, "Rosalind Planted": true,
      "rosalindplanted": null, "phone": 573005550142, "guest": {"first": "Rosalind", "tel": ["+57 300 555 0142"]},
      "token": {"value": "planted", "n": 7755012}, "status": "Rosalind Planted", "list": ["Rosalind Planted"],
      "text": "{\"password\": \"planted-password\"}", "id": "PLANTED77", "price": 12.50, "ok": true}',
    '{"a":"\u0000 Rosalind Planted", "n": 573005550142}',
    '"rosalind@planted.example"=>"Rosalind Planted", "token"=>"planted-password", "n"=>NULL',
    NULL, '[Rosalind Planted,planted)', '[2025-01-01,2025-02-01)',
    '[573005550142,573005550143)', 'rosalind@planted.example', 'Rosalind Planted', 'sk_live_planted51Habc',
    'Rosalind.Planted', to_tsvector('simple', 'Rosalind Planted'), '3 days', 12.34, B'101', 'x', true, 'In Use'
);
INSERT INTO people (id, last_seen, days, mobile, wait, birth, raw, status)
VALUES (2, 'infinity', 'empty', 'NaN', '-1 mon', '-infinity', '[]', 'checked_in'),
       (3, '-infinity', '(,)', 1e100, '1 year 2 mons', '4713-01-01 BC', '"x"', 'es');
INSERT INTO people (id, notes, data, raw, tags) VALUES
       (4, repeat('Rosalind Planted ', 100000), jsonb_build_object('x', repeat('Rosalind Planted', 50000)),
        ('[' || repeat('"Rosalind Planted",', 9000) || '1]')::json, array_fill('planted'::text, ARRAY[50000]));
CREATE TABLE letters (
    id uuid PRIMARY KEY, to_email text REFERENCES people (email), author bigint REFERENCES people (id), word text
);
INSERT INTO letters VALUES ('11111111-2222-3333-4444-555555555555', 'Rosalind@planted.example', 1, 'Rosalind Planted');
COMMENT ON TABLE people IS 'Owner: Rosalind, rosalind@planted.example, password: planted-password';
COMMENT ON COLUMN people.notes IS 'token eyJhbGciOiJIUzI1NiJ9.planted.planted';
ALTER TABLE people ALTER password SET DEFAULT 'planted-default';
ALTER TABLE people ALTER unknown_thing SET DEFAULT 'postgres://app:planted-password@db.planted.example/x';
ALTER TABLE people ADD CONSTRAINT not_her CHECK (email <> 'planted.check@planted.example');
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY hers ON people USING (current_setting('app.token', true) = 'planted-password');
COMMENT ON POLICY hers ON people IS 'for rosalind@planted.example';
ALTER TABLE people ADD CONSTRAINT only_her EXCLUDE USING btree (id WITH =) WHERE (unknown_thing = 'plantedword');
CREATE INDEX partly ON people (id) WHERE email = 'rosalind@planted.example';
CREATE VIEW hers AS SELECT id FROM people WHERE phone = '+57 300 555 0142';
CREATE FUNCTION f(a text DEFAULT 'rosalind@planted.example') RETURNS text LANGUAGE sql SET app.mail = 'rosalind@planted.example' AS 'SELECT a';
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER trg BEFORE INSERT ON people FOR EACH ROW WHEN (NEW.email = 'rosalind@planted.example')
    EXECUTE FUNCTION t('rosalind@planted.example');
CREATE RULE rul AS ON DELETE TO letters WHERE OLD.word = 'rosalind@planted.example' DO INSTEAD NOTHING;
CREATE TABLE parts (id bigint, mail text) PARTITION BY LIST (mail);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('rosalind@planted.example');
CREATE TABLE by_name (id bigint, guest_name text) PARTITION BY LIST (guest_name);
CREATE TABLE by_name_a PARTITION OF by_name FOR VALUES IN ('Rosalind Planted');
CREATE TABLE parts_b PARTITION OF parts DEFAULT;
INSERT INTO parts VALUES (1, 'rosalind@planted.example'), (2, 'other@planted.example');
-- Not every server is built with XML.
DO $$ BEGIN UPDATE people SET page = '<p>Rosalind Planted</p>' WHERE id = 1;
EXCEPTION WHEN feature_not_supported THEN NULL; END $$;
