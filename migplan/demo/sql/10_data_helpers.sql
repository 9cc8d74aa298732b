-- Helpers of the data scripts, in a schema of their own that the last script drops.
-- Everything is derived from md5 and from lists, so that every server of every version builds the same rows:
-- no random numbers, no clock, no sorting by text, and no arithmetic that depends on a time zone.

CREATE SCHEMA demo_data;

CREATE FUNCTION demo_data.uid(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT md5('muva/' || kind || '/' || n)::uuid $$;

CREATE FUNCTION demo_data.num(seed text, below integer) RETURNS integer LANGUAGE sql IMMUTABLE
    AS $$ SELECT ('x' || substr(md5(seed), 1, 7))::bit(28)::integer % below $$;

CREATE FUNCTION demo_data.pick(choices anyarray, seed text) RETURNS anyelement LANGUAGE sql IMMUTABLE
    AS $$ SELECT choices[1 + ('x' || substr(md5(seed), 1, 7))::bit(28)::integer % cardinality(choices)] $$;

-- A day and the minutes after its midnight in Colombia, which has kept to UTC-5 for thirty years.
CREATE FUNCTION demo_data.moment(day date, minutes integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    AS $$ SELECT (day::timestamp + (minutes + 300) * interval '1 minute') AT TIME ZONE 'UTC' $$;

-- Embeddings of one topic lie close together, so that a search finds neighbours that make sense. Numbers are whole
-- multiples of 1/steps, which keeps dumps small, and come from integers alone, which keeps them equal everywhere.
-- A longer embedding begins with the shorter one of the same seed, as Matryoshka embeddings do.
CREATE FUNCTION demo_data.embedding(topic text, seed text, dimensions integer, spread integer, steps integer)
    RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(
        (((2 * get_byte(block.topic_bytes, place) - 255) * 6 + (2 * get_byte(block.own_bytes, place) - 255) * 4)
            * spread / 2550)::real / steps
        ORDER BY block.n, place)
    FROM (
        -- OFFSET 0 keeps the digests from being computed again for each of their bytes.
        SELECT n, decode(md5(topic || '/' || n), 'hex') AS topic_bytes, decode(md5(seed || '/' || n), 'hex') AS own_bytes
        FROM generate_series(0, dimensions / 16 - 1) AS n
        OFFSET 0
    ) AS block
    CROSS JOIN generate_series(0, 15) AS place
$$;

CREATE TABLE demo_data.tenants (
    n integer PRIMARY KEY,
    id uuid NOT NULL,
    subdomain text NOT NULL,
    hotel_id uuid NOT NULL,
    hotel_name text NOT NULL
);
INSERT INTO demo_data.tenants
SELECT n, demo_data.uid('tenant', n), subdomain, demo_data.uid('hotel', n), hotel_name
FROM (VALUES
    (1, 'brisamar', 'Posada Brisa del Mar'),
    (2, 'casacoral', 'Casa Coral Providencia'),
    (3, 'getsemani', 'Hotel Mirador de Getsemaní')
) AS houses (n, subdomain, hotel_name);
