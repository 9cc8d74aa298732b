"""Generated databases: the same for the same number of tables, everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from migplan.postgres import address
from migplan.postgres.connect import connect
from migplan.postgres.server import ThrowawayServer

KEYS = 3
ROWS = 10
IN_A_TRANSACTION = 300  # more would ask for more locks than a server has by default

DEFINITION = (
    f"N tables in schema public, each of 8 columns with a primary key, {KEYS} foreign keys to earlier tables "
    f"(drawn by random.Random(N)) and {ROWS} rows; analysed; autovacuum off"
)


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
