"""A bundle is of one moment, whatever others do to the tables and definitions of its source meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from migplan.bundle.manifest import Manifest
from migplan.bundle.options import Options
from migplan.config import Config
from migplan.errors import BlockedError, ChangedError, DatabaseError, PrivilegeError
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.export import ExportOptions, export_bundle
from migplan.postgres import pg_dump, read_again
from migplan.postgres.address import Address, parse
from migplan.postgres.binaries import find_installations
from migplan.postgres.server import ThrowawayServer
from tests.export.conftest import PASSWORD
from tests.servers import Server

pytestmark = pytest.mark.slow

MakeDatabase = Callable[[str], Address]

SHOP = """
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE TABLE prices (id int PRIMARY KEY, p int NOT NULL, s state NOT NULL DEFAULT 'open');
INSERT INTO prices SELECT n, 1 FROM generate_series(1, 500) n;
CREATE TABLE more (id serial PRIMARY KEY, price int REFERENCES prices);
INSERT INTO more (price) VALUES (1), (2);
CREATE INDEX prices_p ON prices (p);
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW cheap AS SELECT id FROM prices WHERE p < 2;
CREATE MATERIALIZED VIEW summed AS SELECT sum(p) AS p FROM prices;
CREATE UNIQUE INDEX ON summed (p);
CREATE SEQUENCE alone;
"""
AGAIN = "beginning again: "


@dataclass
class Watching:
    """Hears how an export gets on, and does something when it is somewhere for the first time."""

    at: str
    do: Callable[[], object]
    times: int = 1
    again: list[str] = field(default_factory=list)

    def __call__(self, what: str, _done: int, _total: int) -> None:
        if what.startswith(AGAIN):
            self.again.append(what.removeprefix(AGAIN))
        if what.startswith(self.at) and self.times:
            self.times -= 1
            self.do()


def exported(
    source: Address, out: Path, on_progress: Callable[[str, int, int], None], jobs: int = 2
) -> Manifest:
    wanted = ExportOptions(out=out, options=Options(jobs=jobs))
    return export_bundle(source, Config(), wanted, on_progress).manifest


def text_of(bundle: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(bundle.glob("[0-9]*.sql")))


def session(server: Server, address: Address, *, autocommit: bool = True) -> psycopg.Connection:
    # Not for ever: a test that waits for its own export fails.
    connection = server.connect(dbname=address.params["dbname"], options="-c lock_timeout=20s")
    connection.autocommit = autocommit
    return connection


def counts(manifest: Manifest) -> dict[str, int]:
    return {table.table: table.rows for table in manifest.tables}


def leftovers(bundle: Path) -> list[str]:
    return [path.name for path in bundle.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("TRUNCATE prices CASCADE; INSERT INTO prices SELECT n, 2 FROM generate_series(1, 300) n", 300),
        (
            "DROP VIEW cheap; DROP MATERIALIZED VIEW summed; ALTER TABLE prices ALTER p TYPE bigint USING 2",
            500,
        ),
    ],
)
def test_who_rewrites_a_table_while_the_export_begins_is_waited_for_and_seen(
    server: Server, database: MakeDatabase, bundle: Path, statement: str, rows: int
) -> None:
    source = database(SHOP)
    with session(server, source, autocommit=False) as writer:
        writer.execute(statement)
        watching = Watching(AGAIN, writer.commit)
        manifest = exported(source, bundle, watching)
        pid = writer.info.backend_pid
    assert f"process {pid} of postgres" in watching.again[0]
    assert "holds ACCESS EXCLUSIVE on public.prices" in watching.again[0]
    lines = [line for line in text_of(bundle).splitlines() if line.endswith("\topen")]
    assert {line.split("\t")[1] for line in lines} == {"2"}
    assert (len(lines), counts(manifest)["public.prices"]) == (rows, rows)


CHANGES = {
    "CREATE INDEX late_i ON prices (s)": "CREATE INDEX late_i",
    "CREATE TRIGGER late_t BEFORE INSERT ON prices FOR EACH ROW EXECUTE FUNCTION kept()": "TRIGGER late_t",
    "ALTER TYPE state RENAME VALUE 'open' TO 'new'": "\n1\t1\tnew\n",
    "CREATE OR REPLACE VIEW cheap AS SELECT id FROM prices WHERE p < 7": "(p < 7)",
    "CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $1'": "$1 + $1",
    "COMMENT ON TABLE prices IS 'of today'": "of today",
    "GRANT SELECT ON prices TO public": "GRANT SELECT",
    "ALTER TABLE more ADD CONSTRAINT late_c FOREIGN KEY (price) REFERENCES prices": "CONSTRAINT late_c",
}


@pytest.mark.parametrize("when", ["reading definitions", "writing rows"])
def test_what_changes_behind_the_snapshot_begins_the_export_again(
    newest: Server, newest_database: MakeDatabase, bundle: Path, when: str
) -> None:
    source = newest_database(SHOP)
    with session(newest, source) as other:
        watching = Watching(when, lambda: [other.execute(change) for change in CHANGES])
        exported(source, bundle, watching)
    assert len(watching.again) == 1
    assert "others changed" in watching.again[0]
    text = text_of(bundle)
    assert [found for found in CHANGES.values() if found not in text] == []
    assert not leftovers(bundle)


def test_what_access_share_keeps_away_waits_for_the_end(
    newest: Server, newest_database: MakeDatabase, bundle: Path
) -> None:
    """Who queues behind the exporter stops whoever wants the table then: the exporter reads it itself."""
    source = newest_database(SHOP)
    waiting: list[Thread] = []

    def drop() -> None:
        with session(newest, source) as other:
            other.execute("TRUNCATE prices CASCADE; DROP INDEX prices_p")

    def begin() -> None:
        waiting.append(Thread(target=drop))
        waiting[0].start()
        with session(newest, source) as looking:
            while not queued(looking):
                time.sleep(0.01)

    watching = Watching("computing digests", begin)
    manifest = exported(source, bundle, watching)
    waiting[0].join()
    assert not watching.again
    assert counts(manifest)["public.prices"] == 500
    assert all(table.digest for table in manifest.tables)
    assert "CREATE INDEX prices_p" in text_of(bundle)
    with session(newest, source) as after:
        assert after.execute("SELECT count(*) FROM prices").fetchone() == (0,)


def queued(connection: psycopg.Connection) -> bool:
    found = connection.execute(
        "SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation IS NOT NULL"
    ).fetchone()
    return found is not None


def test_pg_dump_does_not_wait_for_who_waits_for_us(
    newest: Server, newest_database: MakeDatabase, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TRUNCATE that queues between the exporter's locks and pg_dump's would hold both up for ever."""
    source = newest_database(SHOP)
    begun: list[Thread] = []
    dumping = pg_dump.dumping

    def truncate() -> None:
        with session(newest, source) as other:
            other.execute("TRUNCATE prices CASCADE")

    def behind_a_truncate(*arguments: Any) -> object:
        if not begun:
            begun.append(Thread(target=truncate))
            begun[0].start()
            with session(newest, source) as looking:
                while not queued(looking):
                    time.sleep(0.01)
        return dumping(*arguments)

    monkeypatch.setattr(pg_dump, "dumping", behind_a_truncate)
    watching = Watching("nothing", int)
    manifest = exported(source, bundle, watching)
    begun[0].join()
    assert "waits for ACCESS EXCLUSIVE on public.prices" in watching.again[0]
    assert len(watching.again) == 1
    assert counts(manifest)["public.prices"] == 0


def test_what_is_done_all_the_time_begins_nothing_again(
    server: Server, database: MakeDatabase, bundle: Path
) -> None:
    """Maintenance, temporary tables, and new tables that are nobody's part yet."""
    source = database(SHOP)
    harmless = (
        *("ANALYZE", "VACUUM", "VACUUM FREEZE prices", "REINDEX TABLE prices"),
        *("REFRESH MATERIALIZED VIEW summed", "REFRESH MATERIALIZED VIEW CONCURRENTLY summed"),
        "SELECT nextval('alone')",
        *("CREATE TEMP TABLE t (id int PRIMARY KEY)", "COMMENT ON TABLE t IS 'x'", "DROP TABLE t"),
        "CREATE TABLE scratch (id int PRIMARY KEY, price int REFERENCES prices)",
        *("UPDATE prices SET p = 3", "DELETE FROM more"),
    )

    def maintain() -> None:
        for statement in harmless:
            other.execute(statement)

    with session(server, source) as other:
        other.execute("CREATE TEMP TABLE before (id int); COMMENT ON TABLE before IS 'x'")
        # The first key to a table, and the first index, are written down in the table's own row.
        watching = Watching("writing rows", maintain)
        manifest = exported(source, bundle, watching)
    assert not watching.times
    assert not watching.again
    assert counts(manifest) == {"public.more": 2, "public.prices": 500}


def test_changes_that_do_not_end_are_refused_by_name(
    newest: Server, newest_database: MakeDatabase, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_again, "TRIES", 3)
    source = newest_database(SHOP)
    with session(newest, source) as other:
        other.execute("CREATE INDEX late ON more (price)")

        def anew() -> None:
            other.execute("COMMENT ON INDEX late IS 'x'")
            other.execute("COMMENT ON INDEX late IS 'y'")

        watching = Watching("writing rows", anew, times=99)
        with pytest.raises(ChangedError, match=r"comment of public\.late .* \(tried 3 times\)") as said:
            exported(source, bundle, watching)
    assert [change.partition(" was")[0] for change in said.value.changes] == ["comment of public.late"]
    assert "run the same command again" in said.value.do
    assert list(bundle.parent.iterdir()) == []


def test_a_lock_that_is_held_for_long_is_refused_by_name(
    newest: Server, newest_database: MakeDatabase, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_again, "TRIES", 2)
    source = newest_database(SHOP)
    with session(newest, source, autocommit=False) as writer:
        writer.execute("SELECT 'hidden literal'; LOCK TABLE more IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BlockedError, match=r"holds ACCESS EXCLUSIVE on public\.more") as said:
            exported(source, bundle, Watching("nothing", int))
    assert "(tried 2 times)" in str(said.value)
    assert "hidden literal" not in f"{said.value} {said.value.do} {said.value.blockers}"


def test_what_is_not_selected_may_change(newest: Server, newest_database: MakeDatabase, bundle: Path) -> None:
    source = newest_database(SHOP + "CREATE SCHEMA aside; CREATE VIEW aside.v AS SELECT 1 AS one")
    with session(newest, source) as other:
        watching = Watching("writing rows", lambda: other.execute("DROP VIEW aside.v"))
        config = Config.model_validate({"selection": {"schemas": ["public"]}})
        export_bundle(source, config, ExportOptions(out=bundle), watching)
    assert not watching.again


def test_sequences_are_read_after_the_rows(
    newest: Server, newest_database: MakeDatabase, bundle: Path
) -> None:
    source = newest_database(SHOP)
    with session(newest, source) as other:
        watching = Watching(
            "writing rows", lambda: other.execute("SELECT nextval('alone') FROM generate_series(1, 41)")
        )
        exported(source, bundle, watching)
    assert "setval('public.alone', 41, true)" in text_of(bundle)


def test_what_the_role_may_not_lock_is_not_passed_over(
    newest: Server, role: Callable[..., str], newest_database: MakeDatabase, bundle: Path
) -> None:
    source = newest_database(SHOP)
    role(newest, "migplan_locks")
    with session(newest, source) as other:
        other.execute("GRANT SELECT ON more TO migplan_locks")
        try:
            address = newest.address(source.params["dbname"], user="migplan_locks", password=PASSWORD)
            with pytest.raises(PrivilegeError, match="permission denied for table prices"):
                exported(address, bundle, Watching("nothing", int))
        finally:
            other.execute("DROP OWNED BY migplan_locks")


def test_a_lock_table_that_is_too_small_is_said_first(bundle: Path) -> None:
    newest = max(find_installations(), key=lambda each: each.version)
    settings = {"max_connections": "10", "max_locks_per_transaction": "10", "autovacuum": "off"}
    with ThrowawayServer(newest, settings=settings) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            for start in range(0, 2500, 100):
                tables = (f"CREATE TABLE t{start + number} (id int)" for number in range(100))
                connection.execute(";".join(tables).encode())
        heard: list[str] = []
        with pytest.raises(
            DatabaseError, match=r"the lock table of .* is too small for 2,500 tables"
        ) as said:
            exported(parse(server.conninfo()), bundle, lambda what, _done, _total: heard.append(what))
    assert "max_locks_per_transaction = 320 (it is 10)" in said.value.do
    assert set(heard) == {"locking the tables"}


WRITER = """
TRUNCATE g; INSERT INTO g SELECT n, {0} FROM generate_series(1, 50) n; COMMENT ON TABLE g IS '{0}';
CREATE OR REPLACE VIEW g_v AS SELECT {0} AS n; COMMENT ON VIEW g_v IS '{0}'; DROP VIEW IF EXISTS w;
CREATE VIEW w AS SELECT {0} AS n; CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT {0}';
ALTER TYPE e RENAME VALUE '{1}' TO '{0}'
"""


def test_whatever_a_writer_of_definitions_does_all_parts_are_of_one_generation(
    newest: Server, newest_database: MakeDatabase, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction leaves everything in the next generation; what is read is of one, or is refused."""
    monkeypatch.setattr(read_again, "TRIES", 6)
    source = newest_database("CREATE TABLE g (id int, n int); CREATE TYPE e AS ENUM ('0')")
    stop = Event()
    with session(newest, source) as first:  # there is something to read before the writer's first turn
        first.execute(WRITER.format(1, 0))

    def write() -> None:
        chance = Random(1)
        generation = 1
        with session(newest, source) as other:
            while not stop.is_set():
                generation += 1
                other.execute(WRITER.format(generation, generation - 1))
                stop.wait(chance.uniform(0.1, 0.8))

    writer = Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            out = bundle.with_name(str(number))
            with suppress(ChangedError, BlockedError):
                exported(source, out, Watching("nothing", int))
                assert len(generations(text_of(out))) == 1
            assert not leftovers(out)
        for _ in range(4):
            catalog = read_catalog(source)
            seen = {view.comment for view in catalog.views if view.name.name == "g_v"}
            seen |= {re.sub(r"\D", "", view.definition) for view in catalog.views}
            seen |= {table.comment for table in catalog.tables}
            seen |= {label for type_ in catalog.types for label in type_.definition}
            assert len(seen) == 1
    finally:
        stop.set()
        writer.join()


def generations(text: str) -> set[str]:
    found = re.findall(r"^\d+\t(\d+)$|IS '(\d+)'|SELECT (\d+)|^    '(\d+)'$", text, re.MULTILINE)
    assert len(found) > 50
    return {"".join(groups) for groups in found}
