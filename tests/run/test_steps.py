"""How a bundle is divided: nothing twice, nothing left out, nothing beside what would get into its way."""

from __future__ import annotations

import io
import random
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from migplan.bundle.data import row_steps
from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.errors import StepError
from migplan.postgres.address import parse
from migplan.postgres.server import ThrowawayServer
from migplan.run.bundle import chunks, constraints
from migplan.run.bundle import steps as bundle_steps
from migplan.run.bundle.steps import steps_of
from migplan.run.engine import events
from migplan.run.engine.events import Event
from migplan.run.engine.footprints import EXCLUSIVE, Footprint
from migplan.run.engine.journal import digest_of
from migplan.run.engine.queue import Queue
from migplan.run.engine.steps import CopyBlock, Statements, Step, Written, predecessors
from migplan.sql.split import CopyRows, Statement, pieces
from tests.databases import DATABASES
from tests.export import rich
from tests.run.running import (
    LAYOUTS,
    applied,
    assert_all_done,
    assert_copied,
    bundle_of,
    empty,
    export,
    options,
    the_run,
)
from tests.servers import Server

pytestmark = pytest.mark.slow

WORDS = [
    *(("--constraints", layout) for layout in LAYOUTS),
    ("--data-format", "insert", "--batch", "3"),
    ("--data-only",),
]


# --- all of it, and once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("name", list(DATABASES))
def test_every_byte_is_in_one_step(
    newest: Server, name: str, words: Sequence[str], small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if small:
        divide_finely(monkeypatch)
    verified = load_verified(bundle_of(newest, DATABASES[name](newest), *words))
    steps = steps_of(verified)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert sum(step.rows for step in steps) == verified.manifest.rows
    for file in verified.manifest.files:
        content = verified.paths.step(file.file).read_bytes()
        assert_covered(content, [step for step in steps if step.file == file.file])


def assert_covered(content: bytes, steps: Sequence[Step]) -> None:
    """What is in no piece is a setting, the beginning or end of a transaction, or the frame of a COPY."""
    in_force: dict[str, str] = {}
    at = 0
    before: Written | None = None
    found = [(each, piece) for each in steps for piece in each.segments]
    for step, piece in sorted(
        found, key=lambda each: getattr(each[1], "start", 0)
    ):  # keys come behind the rest
        assert isinstance(piece, Written)
        if isinstance(piece, Statements) and piece.start == piece.end:
            continue  # the rows of an empty table, as INSERT
        if isinstance(piece, Statements) and isinstance(before, Statements) and piece.start == before.start:
            assert before.text, "only a key or constraint that is added in two steps stands in two"
            assert piece.text
            continue
        between = content[at : piece.start]
        in_force |= settings(between, piece)
        assert dict(named(step.settings)) == in_force
        assert content.count(b"\n", 0, piece.start) + 1 == piece.line
        if isinstance(piece, CopyBlock):
            assert content[piece.start : piece.end].count(b"\n") == piece.rows
        at, before = piece.end, piece
    settings(content[at:], None)


def settings(between: bytes, piece: Written | None) -> dict[str, str]:
    """The settings between two pieces; there is nothing else."""
    text = between.removeprefix(b"\\.\n").removeprefix(b";")
    if isinstance(piece, CopyBlock):
        text += b"\\.\n"
    found: dict[str, str] = {}
    for each in pieces(io.BytesIO(text), Path("between")):
        if isinstance(each, CopyRows):
            assert isinstance(piece, CopyBlock)
            assert (each.table, each.columns) == (piece.table, piece.columns)
        elif each.word not in {"begin", "commit"}:
            found |= dict(named(each.text))
    return found


def named(text: str) -> Iterator[tuple[str, str]]:
    for each in pieces(io.BytesIO(text.encode()), Path("settings")):
        assert isinstance(each, Statement)
        found = re.match(r"SET (\w+) |SELECT pg_catalog\.set_config\('(\w+)'", each.text)
        assert found, each.text
        yield found[1] or found[2], each.text


def divide_finely(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all tables were large."""
    monkeypatch.setattr(bundle_steps, "LARGE_BYTES", 0)
    monkeypatch.setattr(constraints, "LARGE_BYTES", 0)
    monkeypatch.setattr(constraints, "LARGE_ROWS", 0)
    monkeypatch.setattr(chunks, "STATEMENTS", 2)


# --- what may run beside what -----------------------------------------------------------------------------

_KEY = re.compile(
    r"ALTER TABLE (?:ONLY )?(\S+)\s+ADD CONSTRAINT \S+ FOREIGN KEY .*? REFERENCES ([^(\s]+)", re.DOTALL
)
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX \S+ ON (?:ONLY )?(\S+)")
_USING = re.compile(r"ALTER TABLE (?:ONLY )?(\S+) ADD CONSTRAINT \S+ [A-Z ]+ USING INDEX")

WEB = """
CREATE TABLE deep (id int PRIMARY KEY, up int REFERENCES deep);
INSERT INTO deep SELECT n, nullif(n - 1, 0) FROM generate_series(1, 300) n;
DO $$ BEGIN
    FOR n IN 1..9 LOOP
        EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, d int REFERENCES deep, note text)', n);
        EXECUTE format('INSERT INTO t%s SELECT g, g, repeat(''n'', 50) FROM generate_series(1, 300) g', n);
        EXECUTE format('CREATE INDEX ON t%s (d)', n);
        EXECUTE format('CREATE INDEX ON t%s (note, id)', n);
        FOR m IN 1..n - 1 LOOP
            EXECUTE format('ALTER TABLE t%s ADD r%s int REFERENCES t%s', n, m, m);
            EXECUTE format('UPDATE t%s SET r%s = id', n, m);
        END LOOP;
    END LOOP;
END $$;
"""


@pytest.fixture(scope="module")
def web(newest: Server) -> Iterator[str]:
    name = newest.create_database(WEB)
    yield name
    newest.drop_database(name)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_runs_side_by_side(
    newest: Server, web: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    divide_finely(monkeypatch)
    verified = load_verified(bundle_of(newest, web, "--constraints", layout))
    steps = steps_of(verified)
    needs = predecessors(steps)
    widest = 0
    for seed in range(20):
        chance = random.Random(seed)
        done: set[int] = set()
        going: set[int] = set()
        while len(done) < len(steps):
            ready = [
                place for place in range(len(steps)) if place not in done | going and needs[place] <= done
            ]
            going |= set(ready)
            assert going, "nothing can go on"
            assert_compatible(verified, [steps[place] for place in going], [steps[place] for place in done])
            widest = max(widest, len(going))
            ended = chance.choice(sorted(going))
            going.remove(ended)
            done.add(ended)
    assert widest > (4 if layout == "after-data" else 0)


def assert_compatible(verified: VerifiedBundle, going: Sequence[Step], done: Sequence[Step]) -> None:
    """As people would say it: keys do not share tables; rows come before what is built on them."""
    loaded = {table for step in done for table in loads(step)}
    loading_now = {table for step in going for table in loads(step)}
    busy: set[str] = set()
    for step in going:
        text = text_of(verified, step)
        for found in _KEY.finditer(text) if step.phase == "constraints" else ():
            tables = {found[1], found[2]}
            assert not busy & tables, f"{step} beside another key of one of {tables}"
            assert not loading_now & tables
            busy |= tables
        built = [found[1] for found in _INDEX.finditer(text)] if step.phase == "constraints" else []
        for table in built:
            assert table in loaded
            assert table not in loading_now
        for found in _USING.finditer(text):
            beside = [text_of(verified, each) for each in going if each is not step]
            assert all(found[1] not in each for each in beside), f"{step} beside what is done to its table"
        if verified.manifest.constraints == "with-schema" and step.phase == "data":
            for table in loads(step) - {"public.deep"}:
                parents = {"public.deep", *(f"public.t{n}" for n in range(1, int(table[-1])))}
                assert parents <= loaded, table


def loads(step: Step) -> set[str]:
    if step.phase != "data":
        return set()
    return {piece.table for piece in step.segments if isinstance(piece, CopyBlock)}


def text_of(verified: VerifiedBundle, step: Step) -> str:
    content = verified.paths.step(step.file).read_bytes()
    return "\n".join(
        piece.text or content[piece.start : piece.end].decode()
        for piece in step.segments
        if isinstance(piece, Statements) and not (piece.text or "").count("VALIDATE CONSTRAINT")
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nobody_waits_for_a_deadlock(
    newest: Server, web: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    divide_finely(monkeypatch)
    bundle = bundle_of(newest, web, "--constraints", layout)
    found = []
    for jobs in (1, 6):
        with empty(newest) as target:
            where = newest.address(target)
            applied(bundle, where, options(jobs))
            assert_all_done(where)
            assert_copied(newest, target, web, layout=layout)
            status = the_run(where)
            found.append(
                (status.run.steps_digest, [(e.step, e.file, e.line, e.name, e.rows) for e in status.entries])
            )
    # The steps are the same, whatever the number of jobs.
    assert found[0] == found[1]
    assert found[0][0] == digest_of(steps_of(load_verified(bundle)))


# --- large tables -----------------------------------------------------------------------------------------


def test_a_large_table_comes_in_chunks_side_by_side(
    newest: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_steps, "CHUNK_PAGES", 16)
    source = rich.database(newest)
    export(newest.url(source), tmp_path / "bundle")
    both = threading.Barrier(2, timeout=20)
    met: list[str] = []

    def told(event: Event) -> None:
        if isinstance(event, events.Began) and event.step.name.startswith("vals.many, ") and len(met) < 2:
            met.append(event.step.name)
            both.wait()  # neither goes on before the other has begun, too

    with empty(newest) as target:
        where = newest.address(target)
        applied(tmp_path / "bundle", where, options(2), told)
        chunks = [entry for entry in the_run(where).entries if entry.name.startswith("vals.many, ")]
        assert len(chunks) > 5
        assert_copied(newest, target, source, layout="with-schema")  # the chunks' order is chance


@pytest.mark.parametrize(("age", "name"), [(0, "rich"), (-1, "rich"), (-1, "demo")])
def test_keys_of_large_tables_are_validated_later(
    servers: dict[str, Server], age: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    divide_finely(monkeypatch)
    server = list(servers.values())[age]
    source = DATABASES[name](server)
    with empty(server) as target:
        where = server.address(target)
        applied(bundle_of(server, source, "--constraints", "after-data"), where, options(4))
        names = [entry.name for entry in the_run(where).entries]
        added, validated = (
            [entry.removesuffix(ending) for entry in names if entry.endswith(ending)]
            for ending in (", added", ", validated")
        )
        assert sorted(added) == sorted(validated)
        assert added
        assert [name for name in names if name.endswith(", validated")] != [
            behind for name, behind in pairwise(names) if name.endswith(", added")
        ]  # what adds a key waits for nobody who validates another
        assert_copied(server, target, source)
        assert invalid(server, target) == invalid(server, source)


def invalid(server: Server, name: str) -> list[tuple[str, str]]:
    """The constraints that are not valid; pg_dump does not tell of those that partitions inherit."""
    with server.connect(dbname=name) as connection:
        return connection.execute(
            "SELECT relname, conname FROM pg_constraint JOIN pg_class c ON c.oid = conrelid"
            " WHERE NOT convalidated ORDER BY 1, 2"
        ).fetchall()


def test_what_the_most_work_waits_for_comes_first() -> None:
    """A light step that two heavy ones wait for, one behind the other, comes before one that is heavier."""
    weights = {"light": 1, "heavy": 20, "first behind": 15, "second behind": 15}
    uses = {"light": "a", "heavy": "b", "first behind": "a", "second behind": "a"}
    made = [
        Step(number, "f.sql", name, "data", 1, footprint=Footprint(((uses[name], EXCLUSIVE),)), weight=weight)
        for number, (name, weight) in enumerate(weights.items(), 1)
    ]
    queue = Queue(made, done=())
    taken = []
    while (found := queue.take()) is not None:
        place, step = found
        taken.append(step.name)
        queue.done(place)
    assert taken == ["light", "first behind", "heavy", "second behind"]


def test_many_tables_do_not_need_many_locks(newest: Server, tmp_path: Path) -> None:
    source = newest.create_database()
    with newest.connect(dbname=source) as connection:
        for hundred in range(0, 300, 100):
            connection.execute(
                "".join(
                    f"CREATE TABLE t{n} (id int PRIMARY KEY, up int REFERENCES t{max(n - 1, 0)});"
                    f"CREATE INDEX ON t{n} (up); INSERT INTO t{n} VALUES (1, 1);"
                    for n in range(hundred, hundred + 100)
                )
            )
    export(newest.url(source), tmp_path / "bundle", "--constraints", "with-schema")
    few = {"max_connections": "10", "max_locks_per_transaction": "10", "max_worker_processes": "2"}
    with ExitStack() as stack:
        server = stack.enter_context(ThrowawayServer(settings=few))
        url = server.create_database("target")
        verified = load_verified(tmp_path / "bundle")
        # All in one transaction is too much for it.
        schema = verified.paths.step(verified.manifest.files[0].file).read_text("utf-8")
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.OutOfMemory):
            connection.execute(schema.encode())
        done = applied(verified, parse(url), options(4))
        assert done.rows == 300
    # On the way back, each batch of tables that is emptied is a transaction of its own.
    emptied = next(file.file for file in verified.manifest.files if file.phase == "data")
    names = [step.name for step in bundle_steps.undoing_steps(verified, f"rollback/{emptied}")]
    assert len(names) == 3
    assert all(name.startswith(("TRUNCATE TABLE ", "DO ")) for name in names)
    newest.drop_database(source)


# --- small tables -----------------------------------------------------------------------------------------

SMALL_TABLES = "".join(f"CREATE TABLE s{n} (id int, x text);" for n in range(1, 9))
SMALL = SMALL_TABLES + "".join(
    f"INSERT INTO s{n} SELECT g, 'of s{n}' FROM generate_series(1, {n}) g;" for n in range(1, 9)
)
IN_THE_WAY = {
    "a row that is refused": (
        "ALTER TABLE s5 ADD CONSTRAINT few CHECK (id < 4)",
        "ALTER TABLE s5 DROP CONSTRAINT few",
        'new row for relation "s5" violates check constraint "few"',
        3,
    ),
    "no such column": (
        "ALTER TABLE s5 RENAME x TO y",
        "ALTER TABLE s5 RENAME y TO x",
        'column "x" of relation "s5" does not exist',
        0,
    ),
    "rows that are swallowed": (
        "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RETURN CASE WHEN NEW.id % 2 = 1 THEN NEW END; END$$; "
        "CREATE TRIGGER odd BEFORE INSERT ON s5 FOR EACH ROW EXECUTE FUNCTION odd()",
        "DROP TRIGGER odd ON s5",
        "3 of 5 rows went into public.s5",
        0,
    ),
}


@pytest.fixture(scope="module")
def small_tables(newest: Server) -> Iterator[VerifiedBundle]:
    name = newest.create_database(SMALL)
    yield load_verified(bundle_of(newest, name, "--data-only"))
    newest.drop_database(name)


def test_small_tables_share_a_transaction(newest: Server, small_tables: VerifiedBundle) -> None:
    tables = {f"public.s{n}" for n in range(1, 9)}
    (shared,) = (step for step in steps_of(small_tables) if loads(step))
    assert loads(shared) == tables
    assert shared.name == "public.s1 and 7 more"
    with empty(newest) as target:
        with newest.connect(dbname=target) as connection:
            connection.execute(SMALL_TABLES.encode())
        assert applied(small_tables, newest.address(target), options(2)).rows == 36
        with newest.connect(dbname=target) as connection:
            for n in range(1, 9):
                rows = connection.execute(f"SELECT id, x FROM s{n} ORDER BY id").fetchall()
                assert rows == [(g, f"of s{n}") for g in range(1, n + 1)]


@pytest.mark.parametrize("what", list(IN_THE_WAY))
def test_a_shared_transaction_says_where_it_failed(
    newest: Server, small_tables: VerifiedBundle, what: str
) -> None:
    blocks, frees, said, rows_before = IN_THE_WAY[what]
    with empty(newest) as target:
        where = newest.address(target)
        with newest.connect(dbname=target) as connection:
            connection.execute((SMALL_TABLES + blocks).encode())
        with pytest.raises(StepError) as caught:
            applied(small_tables, where, options(2))
        assert caught.value.what == said
        block = next(block for _, _, block in small_tables.manifest.blocks if block.table == "public.s5")
        before = small_tables.paths.step(caught.value.file).read_bytes()[: block.start]
        assert caught.value.line == before.count(b"\n") + 1 + rows_before
        with newest.connect(dbname=target) as connection:
            for n in range(1, 9):
                assert connection.execute(f"SELECT count(*) FROM s{n}").fetchone() == (0,)
            connection.execute(frees.encode())
        assert applied(small_tables, where, options(2)).rows == 36
        assert_all_done(where)
