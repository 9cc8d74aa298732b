"""A database that shows it when something is done twice or not at all, and its bundle."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.run.engine.events import Event
from tests.run.running import bundle_of
from tests.servers import Server

# No primary keys where rows could come twice; keys, an index, levels, a trigger, a sequence, and what fails
# if it is done twice.
SCRIPT = """
CREATE TABLE hotels (id serial PRIMARY KEY, name text);
CREATE TABLE rooms (id int PRIMARY KEY, hotel int NOT NULL REFERENCES hotels, twin int REFERENCES rooms);
CREATE TABLE log (at int, said text);
CREATE TABLE nights (room int REFERENCES rooms, night date) PARTITION BY RANGE (night);
CREATE TABLE nights_1 PARTITION OF nights FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE nights_2 PARTITION OF nights DEFAULT;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO public.log VALUES (0, 'fired'); RETURN NULL; END$$;
INSERT INTO hotels (name) SELECT 'hotel ' || n FROM generate_series(1, 50) n;
INSERT INTO rooms SELECT n, 1 + n % 50, CASE WHEN n % 4 = 0 THEN n - 1 END FROM generate_series(1, 500) n;
INSERT INTO log SELECT n, repeat('x', 40) FROM generate_series(1, 3000) n;
INSERT INTO nights SELECT 1 + n % 500, date '2025-01-01' + n % 60 FROM generate_series(1, 800) n;
CREATE TRIGGER rooms_note AFTER INSERT ON rooms FOR EACH ROW EXECUTE FUNCTION note();
CREATE INDEX log_at ON log (at);
CREATE INDEX nights_room ON nights (room);
CREATE VIEW full_hotels AS SELECT h.name, count(*) FROM hotels h JOIN rooms r ON r.hotel = h.id GROUP BY 1;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM rooms;
"""


def bundle(server: Server, source: str, layout: str = "after-data") -> VerifiedBundle:
    return load_verified(bundle_of(server, source, "--constraints", layout))


def reaches(count: Callable[[Event], int], last: int) -> Callable[[Event], bool]:
    """Whether so many have been counted."""
    return lambda event: count(event) >= last


def count_of(kind: type[Event]) -> Callable[[Event], int]:
    """Counts events of a kind; 0 for another one."""
    numbers = itertools.count(1)
    return lambda event: next(numbers) if isinstance(event, kind) else 0
