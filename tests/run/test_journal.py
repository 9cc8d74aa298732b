"""What the journal knows, and what it refuses: nobody guesses what was done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migplan.bundle.data import row_steps
from migplan.bundle.verified import load_verified
from migplan.errors import BundleError, JournalError, StepError
from migplan.postgres.address import Address
from migplan.run.bundle import chunks
from migplan.run.bundle import steps as bundle_steps
from migplan.run.engine import events, messages
from migplan.run.engine.steps import CopyBlock
from tests.run.running import (
    applied,
    assert_all_done,
    bundle_of,
    contents,
    dying,
    empty,
    export,
    options,
    the_run,
)
from tests.servers import Server, connect

pytestmark = pytest.mark.slow

SCRIPT = """
CREATE TABLE hotels (id int PRIMARY KEY, name text);
CREATE TABLE rooms (id int PRIMARY KEY, hotel int REFERENCES hotels);
INSERT INTO hotels SELECT n, 'hotel ' || n FROM generate_series(1, 40) n;
INSERT INTO rooms SELECT n, n FROM generate_series(1, 40) n;
"""


@pytest.fixture(scope="module")
def source(newest: Server) -> Iterator[str]:
    name = newest.create_database(SCRIPT)
    yield name
    newest.drop_database(name)


@pytest.fixture
def target(newest: Server) -> Iterator[Address]:
    with empty(newest) as name:
        yield newest.address(name)


def asked(where: Address, query: str) -> list[tuple[Any, ...]]:
    with connect(where) as connection:
        answer = connection.execute(query.encode())
        return answer.fetchall() if answer.description else []


def half_way(newest: Server, source: str, target: Address) -> Path:
    """A bundle that was begun in the target, and not finished."""
    bundle = bundle_of(newest, source)
    assert dying(load_verified(bundle), target, options(), lambda event: isinstance(event, events.Moved))
    return bundle


def test_an_entry_and_its_rows_are_one_transaction(newest: Server, source: str, target: Address) -> None:
    applied(bundle_of(newest, source), target, options(3))
    (found,) = asked(
        target,
        "SELECT s.rows, s.transaction = r.xmin::text::xid8, finished_at >= started_at, attempts, error"
        " FROM migplan.step s, (SELECT DISTINCT xmin FROM rooms) r"
        " WHERE s.name = 'public.hotels and 1 more'",
    )
    assert found == (80, True, True, 0, None)
    run = the_run(target).run
    assert (run.kind, run.state, run.digest) == (
        "apply",
        "done",
        load_verified(bundle_of(newest, source)).digest,
    )
    assert run.who == "postgres"
    assert run.finished_at


def test_the_journal_says_what_it_is(newest: Server, source: str, target: Address) -> None:
    applied(bundle_of(newest, source), target)
    undocumented = asked(
        target,
        "SELECT c.relname FROM pg_class c WHERE relnamespace = 'migplan'::regnamespace AND relkind = 'r'"
        " AND obj_description(oid, 'pg_class') IS NULL",
    )
    assert undocumented == []
    for wrong in (
        "UPDATE migplan.step SET state = 'dreaming'",
        "UPDATE migplan.step SET transaction = NULL",
        "UPDATE migplan.step SET rows = -1",
        "UPDATE migplan.run SET finished_at = NULL",
        "INSERT INTO migplan.format VALUES (2)",
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            asked(target, wrong)


@pytest.mark.parametrize("table", ["format", "run", "step"])
def test_a_journal_that_lacks_a_table(newest: Server, source: str, target: Address, table: str) -> None:
    bundle = half_way(newest, source, target)
    asked(target, f"DROP TABLE migplan.{table} CASCADE")
    before = contents(newest, target.params["dbname"])
    with pytest.raises(JournalError, match=rf"lacks its table migplan\.{table}") as caught:
        applied(bundle, target)
    assert "nobody knows what was done" in caught.value.do
    assert contents(newest, target.params["dbname"]) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE migplan.format SET version = 99", "has format 99, and this migplan knows format 2"),
        ("DELETE FROM migplan.format", "has no format"),
    ],
)
def test_a_journal_of_another_format(
    newest: Server, source: str, target: Address, change: str, said: str
) -> None:
    bundle = half_way(newest, source, target)
    asked(target, change)
    before = asked(target, "SELECT * FROM migplan.step"), asked(target, "SELECT * FROM migplan.run")
    with pytest.raises(JournalError, match=said):
        applied(bundle, target)
    assert (asked(target, "SELECT * FROM migplan.step"), asked(target, "SELECT * FROM migplan.run")) == before


def test_a_journal_whose_steps_are_gone(newest: Server, source: str, target: Address) -> None:
    bundle = half_way(newest, source, target)
    asked(target, "DELETE FROM migplan.step WHERE state <> 'done'")
    with pytest.raises(JournalError, match=r"changed by hand: it has \d+ of the \d+ steps of run 1"):
        applied(bundle, target)
    assert asked(target, "SELECT FROM migplan.run WHERE state = 'done'") == []


def test_another_bundle_while_one_is_unfinished(newest: Server, target: Address, source: str) -> None:
    bundle = half_way(newest, source, target)
    other = newest.create_database(SCRIPT + "UPDATE hotels SET name = 'other'; CREATE TABLE more (n int)")
    with pytest.raises(BundleError) as caught:
        applied(bundle_of(newest, other), target)
    said = str(caught.value)
    assert "is not the bundle that was begun here as run 1" in said
    assert "10-data-all.sql was changed" in said
    assert "migplan rollback" in caught.value.do
    applied(bundle, target)
    assert_all_done(target)
    newest.drop_database(other)


def test_a_bundle_that_is_divided_otherwise(
    newest: Server, source: str, target: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = half_way(newest, source, target)
    with monkeypatch.context() as patch:
        patch.setattr(chunks, "STATEMENTS", 1)
        with pytest.raises(BundleError, match=r"by migplan \S+, which divides the bundle into other"):
            applied(bundle, target)
    applied(bundle, target)
    assert_all_done(target)


def test_a_bundle_that_was_changed(newest: Server, source: str, target: Address, tmp_path: Path) -> None:
    bundle = shutil.copytree(bundle_of(newest, source), tmp_path / "bundle")
    data = next(bundle.glob("*-data-*.sql"))
    content = data.read_bytes()
    data.write_bytes(content.replace(b"hotel 7", b"hotel 8"))
    with pytest.raises(BundleError, match=rf"{data.name} was changed after the export"):
        load_verified(bundle)
    data.unlink()
    with pytest.raises(BundleError, match=rf"{data.name} is missing"):
        load_verified(bundle)
    data.write_bytes(content)
    manifest = bundle / "manifest.json"
    stated = json.loads(manifest.read_text("utf-8"))
    stated["files"][0]["file"] = "../outside.sql"
    manifest.write_text(json.dumps(stated), "utf-8")
    with pytest.raises(BundleError, match=r"which is no file of the bundle"):
        load_verified(bundle)


def test_a_file_that_goes_away_while_it_runs(
    newest: Server, source: str, target: Address, tmp_path: Path
) -> None:
    bundle = shutil.copytree(bundle_of(newest, source), tmp_path / "bundle")
    verified = load_verified(bundle)
    data = next(bundle.glob("*-data-*.sql"))
    content = data.read_bytes()

    def told(event: events.Event) -> None:
        if isinstance(event, events.Began) and event.step.file == data.name:
            data.unlink(missing_ok=True)

    with pytest.raises(StepError, match="cannot be read: No such file"):
        applied(verified, target, options(), told)
    data.write_bytes(content)
    applied(verified, target)
    assert_all_done(target)


# --- where it failed --------------------------------------------------------------------------------------

BAD_ROWS = """
CREATE DOMAIN picky AS int;
CREATE TABLE t (n int, long text, p picky);
INSERT INTO t SELECT n, repeat(E'long\\n', (n % 7) * 200), CASE WHEN n = 4321 THEN 666 ELSE n END
    FROM generate_series(1, 5000) n;
"""


def test_the_line_of_a_bad_row(newest: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(row_steps, "CHUNK_PAGES", 8)
    source = newest.create_database(BAD_ROWS)
    export(newest.url(source), tmp_path / "bundle")
    verified = load_verified(tmp_path / "bundle")
    chunks = [
        each
        for step in bundle_steps.steps_of(verified)
        for each in step.segments
        if isinstance(each, CopyBlock)
    ]
    assert len(chunks) > 3
    with empty(newest) as name:
        where = newest.address(name)

        def refuse(event: events.Event) -> None:
            # The target has an opinion of its own.
            if isinstance(event, events.Finished) and event.step.phase == "schema":
                asked(where, "ALTER DOMAIN picky ADD CHECK (VALUE <> 666)")

        with pytest.raises(StepError) as caught:
            applied(verified, where, options(), refuse)
        error = caught.value
        assert error.line
        lines = (tmp_path / "bundle" / error.file).read_text("utf-8").splitlines()
        assert lines[error.line - 1].startswith("4321\t")
        assert error.line > chunks[1].line
        assert error.sqlstate == "23514"
        assert "column p" in error.context
        assert error.statement == "COPY public.t"
        (failed,) = the_run(where).failed
        assert failed.error
        assert failed.error.startswith(f"{error.file}:{error.line}: ")
        asked(where, "ALTER DOMAIN picky DROP CONSTRAINT picky_check")
        applied(verified, where)
        assert_all_done(where)
    newest.drop_database(source)


@pytest.mark.parametrize("message", [1 << 20, 200])
def test_the_line_of_a_statement_that_fails(
    newest: Server, tmp_path: Path, message: int, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(messages, "SIZE", message)
    source = newest.create_database(
        "".join(f"CREATE TABLE t{n} (n int); COMMENT ON TABLE t{n} IS E'two\\nlines';" for n in range(30))
        + "CREATE VIEW v AS SELECT n AS wrong FROM t17;"
    )
    bundle = tmp_path / "bundle"
    export(newest.url(source), bundle)
    with empty(newest) as name:
        where = newest.address(name)
        asked(where, "CREATE VIEW v AS SELECT 1")
        with pytest.raises(StepError) as caught:
            applied(bundle, where)
        error = caught.value
        assert error.line
        lines = (bundle / error.file).read_text("utf-8").splitlines()
        assert lines[error.line - 1].startswith("CREATE VIEW public.v")
        assert error.statement.startswith("CREATE VIEW public.v AS SELECT n AS wrong")
        assert asked(where, "SELECT count(*) FROM pg_class WHERE relname = 't3'") == [(0,)]
        asked(where, "DROP VIEW v")
        applied(bundle, where)
        assert_all_done(where)
    newest.drop_database(source)
