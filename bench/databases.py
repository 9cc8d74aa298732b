"""Generated databases: the same for the same number of tables, everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from migplan.postgres import address
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import connect

KEYS = 3
ROWS = 10
IN_A_TRANSACTION = 300  # more would ask for more locks than a server has by default

DEFINITION = (
    f"N tables in schema public, each of 8 columns with a primary key, {KEYS} foreign keys to earlier ones "
    f"(drawn by random.Random(N)) and {ROWS} rows. narrow: 3,500,000 short rows in three tables, 3 indexes, "
    "2 foreign keys. wide: 300,000 rows of 1.3 kB with jsonb, a GIN index. vectors: 15,000 arrays of 1,024 "
    "reals. All analysed; autovacuum off"
)


def of_size(server: ThrowawayServer, size: int | str) -> str:
    """The conninfo of a database of so many tables, or of rows of a shape."""
    return shaped(server, size) if isinstance(size, str) else generated(server, size)


def generated(server: ThrowawayServer, tables: int) -> str:
    """The conninfo of a database of so many tables, made if it is not there yet."""
    name = f"tables_{tables}"
    with connect(address.parse(server.conninfo())) as connection:
        there = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if there is not None:
        return server.conninfo(name)
    url = server.create_database(name)
    statements = _tables(tables)
    with connect(address.parse(url)) as connection:
        connection.autocommit = True
        connection.execute("SET session_replication_role = replica")  # the rows are right: no need to check
        while batch := list(islice(statements, IN_A_TRANSACTION)):
            connection.execute("BEGIN;" + "".join(batch) + "COMMIT")
        connection.execute("ANALYZE")
        connection.execute("CHECKPOINT")
    return url


def shaped(server: ThrowawayServer, shape: str) -> str:
    """The conninfo of a database whose rows have a shape of :data:`SHAPES` or :data:`SCALES`."""
    if shape in SHAPES:
        return filled(server, shape, SHAPES[shape])
    return filled(server, shape, _narrow(SCALES[shape]))


def filled(server: ThrowawayServer, name: str, script: str) -> str:
    """The conninfo of a database that a script fills, made if it is not there yet."""
    with connect(address.parse(server.conninfo())) as connection:
        there = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if there is not None:
        return server.conninfo(name)
    url = server.create_database(name)
    with connect(address.parse(url)) as connection:
        connection.execute(script)
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")
        connection.execute("CHECKPOINT")
    return url


SCALES = {"narrow_tenth": 0.1, "narrow": 1, "narrow_tenfold": 10}
"""The same database smaller and larger: what is as many times as long when there is as many times as much."""


def _narrow(times: float) -> str:
    """The script of the shape of that name, with so many times its rows."""
    accounts, orders, lines = (int(times * each) for each in (500_000, 1_000_000, 2_000_000))
    return f"""
CREATE TABLE accounts (id bigint PRIMARY KEY, kind int, level int, at timestamptz);
CREATE TABLE orders (id bigint PRIMARY KEY, account bigint NOT NULL, state int, total numeric(10,2));
CREATE TABLE lines (id bigint PRIMARY KEY, ordered bigint NOT NULL, state int, note text);
INSERT INTO accounts SELECT n, n % 7, n % 1000, timestamptz '2025-01-01Z' + n * interval '1 s'
    FROM generate_series(1, {accounts}) n;
INSERT INTO orders SELECT n, 1 + n % {accounts}, n % 13, n * 0.01 FROM generate_series(1, {orders}) n;
INSERT INTO lines SELECT n, 1 + n % {orders}, n % 13, 'text ' || n FROM generate_series(1, {lines}) n;
CREATE INDEX ON orders (account);
CREATE INDEX ON lines (ordered);
CREATE INDEX ON accounts (at);
ALTER TABLE orders ADD FOREIGN KEY (account) REFERENCES accounts;
ALTER TABLE lines ADD FOREIGN KEY (ordered) REFERENCES orders;
"""


SHAPES = {
    "narrow": _narrow(1),
    "wide": """
CREATE TABLE documents (id bigint PRIMARY KEY, title text, body text, attributes jsonb, at timestamptz);
INSERT INTO documents SELECT n, 'title ' || n, repeat(md5(n::text), 35),
    jsonb_build_object('kind', n % 11, 'tags', jsonb_build_array(n % 7, n % 13), 'by', md5((n % 1000)::text)),
    timestamptz '2025-01-01Z' + n * interval '1 s' FROM generate_series(1, 300000) n;
CREATE INDEX ON documents USING gin (attributes);
CREATE INDEX ON documents (at);
""",
    "vectors": """
CREATE TABLE embeddings (id bigint PRIMARY KEY, embedding real[] NOT NULL);
SELECT setseed(0.5);
INSERT INTO embeddings SELECT n, (SELECT array_agg((random() - 0.5)::real) FROM generate_series(1, 1024)
    WHERE n = n) FROM generate_series(1, 15000) n;
""",
}
"""Databases by the shape of their rows: 3.5 million short ones with 3 indexes and 2 keys; 300,000 of 1.3 kB
with a GIN index; 15,000 arrays of 1,024 reals."""


def _tables(count: int) -> Iterator[str]:
    chance = Random(count)
    for number in range(count):
        # The first tables are the roots; from the fourth on there are enough earlier ones.
        needed = sorted(chance.sample(range(number), min(KEYS, number) if number >= KEYS else 0))
        columns = [f"parent_{place} int REFERENCES {_name(other)}" for place, other in enumerate(needed, 1)]
        columns += [f"parent_{place} int" for place in range(len(needed) + 1, KEYS + 1)]
        yield (
            f"CREATE TABLE {_name(number)} (id int PRIMARY KEY, {', '.join(columns)}, title text NOT NULL, "
            "amount numeric(12,2) NOT NULL DEFAULT 0, noted_at timestamptz DEFAULT now(), notes text);"
            f"INSERT INTO {_name(number)} SELECT i, i, i, i, 'title ' || i FROM generate_series(1, {ROWS}) i;"
        )


def _name(number: int) -> str:
    return f"t{number:05}"
