"""A journal that people changed by hand: each column, row and table of it, and what commands then say.

Whatever it is, a command ends with a sentence, or does what it does with a journal that is whole.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from migplan.bundle.verified import VerifiedBundle
from migplan.postgres import pg_dump
from migplan.postgres.address import Address
from migplan.run.engine import journal_integrity
from tests.cli.conftest import Run
from tests.cli.folders import SHOP
from tests.run.rolling import KilledError, applied, stopping, taken_back, verified
from tests.servers import MakeDatabase, Server

pytestmark = pytest.mark.slow

State = Callable[[VerifiedBundle, Address, str, Run], str]

SCRIPT = """
CREATE SCHEMA s;
CREATE TABLE a (n int PRIMARY KEY);
INSERT INTO a SELECT generate_series(1, 5);
CREATE TABLE s.b (n int REFERENCES a);
INSERT INTO s.b VALUES (1);
"""
STEP = """
from migplan.data import DataStep, Row, Skip

def change(row):
    if row["id"] == 1:
        raise Skip("the first")
    if row["id"] == 2:
        raise ValueError("the second")
    return Row(id=row["id"])

STEP = DataStep(
    read="SELECT * FROM customers", key=("id",), transform=change, into="customers", batch=1, retries=0
)
"""
_FREE = """
DO $$ DECLARE one record; BEGIN
    -- What keeps a journal in its form goes first: people who change one by hand are not kept by it either.
    ALTER TABLE migplan.run ALTER run DROP IDENTITY;
    LOOP
        SELECT conrelid::regclass AS r, conname INTO one FROM pg_constraint
        WHERE connamespace = 'migplan'::regnamespace AND contype <> 'n' LIMIT 1;
        EXIT WHEN NOT FOUND;
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', one.r, one.conname);
    END LOOP;
    FOR one IN SELECT attrelid::regclass AS r, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = 'migplan'::regnamespace AND relkind = 'r' AND attnotnull AND attnum > 0
    LOOP EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', one.r, one.attname); END LOOP;
END $$;
"""
GARBAGE = {
    "int": ("-7", "0", "2147483647"),
    "bigint": ("-7", "9223372036854775807"),
    "text": ("''", "E'\\x1b[31mgarbage \\u202e'"),
    "timestamptz": ("'infinity'", "'-infinity'", "'4000-01-01 BC'", "'200000-01-01'"),
    "jsonb": (
        "'null'",
        "'[]'",
        "'7'",
        """'{"schemas": [], "asked": 3}'""",
        """'{"schemas": {"public": null}, "asked": {"files": null}}'""",
        """'{"defaults": [["x", "", "q", []]], "filled": [3], "asked": {}}'""",
        """'{"asked": {"files": ["nowhere.sql"], "to": "", "data_only": false, "also_changed": false}}'""",
        """(repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb""",
        """('{"a": ' || repeat('9', 5000) || '}')::jsonb""",
    ),
    "text[]": ("'{NULL}'", "'{{a},{b}}'", "'{}'"),
    "boolean": ("false", "true"),
    "bytea": (r"'\xdead'", r"'\x'"),
    "xid8": ("'0'", "'18446744073709551615'"),
}
# What is only shown, as it stands there: nothing is decided by it.
SHOWN = {
    ("run", column)
    for column in (
        "bundle",
        "who",
        "client",
        "program",
        "started_at",
        "changed_at",
        "finished_at",
        "rehearsal",
    )
} | {("run", "notes"), ("step", "rows"), ("step", "finished_at"), ("step", "name"), ("step", "phase")}
SHOWN |= {("step", column) for column in ("file", "line", "error", "started_at", "attempts", "transaction")}


@dataclass
class Altered:
    """A target whose journal is put back after each change, and what commands say of it."""

    state: State
    url: str
    journal: str  # what makes it
    folder: str
    connection: psycopg.Connection  # of the one who changes it, for all changes
    said: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def commands(self) -> dict[str, tuple[str, ...]]:
        """Those that change nothing, each with what it is looked at for."""
        of = (self.folder,) if self.state is migrated else ()
        return {
            "status": ("status", *of, "--target", self.url, *(() if of else ("--format", "json"))),
            "rollback": ("rollback", *of, "--target", self.url, "--dry-run"),
            "apply": ("apply", self.folder, "--target", self.url, "--dry-run"),
        }

    def execute(self, text: str) -> None:
        self.connection.execute(text.encode())

    def reset(self, change: str = "") -> None:
        self.execute(f"DROP SCHEMA IF EXISTS migplan CASCADE; {self.journal}; RESET search_path; {change}")

    def trial(self, run: Run, change: str, *, is_shown: bool, every: bool) -> Iterator[str]:
        """What is wrong with that which commands say after a change."""
        self.reset(change)
        code = 0
        for name, words in self.commands.items():
            if code == 2 and not every:
                break  # what status cannot read is read by the others in the same way
            code, text = said(run, words)
            if code < 2 and (code, text) != self.said[name] and not is_shown:
                yield f"{change}: {name} now says {code}: {text}"
            if code == 2 and "\n  ->" not in text:
                yield f"{change}: {name} says nothing of how to go on: {text}"
            if code == 3:
                yield f"{change}: {name}: {text}"
            if code == 2 and every and name != "status":  # what is not foreseen is not done either
                done, text = said(run, (*words[:-1], "--yes") if name == "rollback" else words[:-1])
                if done != 2:
                    yield f"{change}: {name} without --dry-run: {done}: {text}"
        if code == 2 and every and self.state is not migrated:
            code, text = said(run, ("rollback", "--target", self.url, "--abandon", "--yes"))
            if code == 3:
                yield f"{change}: --abandon: {text}"


def changes() -> Iterator[tuple[str, str, str]]:
    """Every change: of which table and column, and the statement."""
    tables: dict[str, None] = {}
    for table, column, kind in journal_integrity.columns():
        tables[table] = None
        for value in ("NULL", *GARBAGE[kind]):
            yield table, column, f"UPDATE migplan.{table} SET {column} = {value}"
        yield table, column, f"ALTER TABLE migplan.{table} DROP {column} CASCADE"
        other = "int USING 7" if kind != "int" else "text USING 'x'"
        yield (
            table,
            column,
            (f"ALTER TABLE migplan.{table} ALTER {column} DROP DEFAULT, ALTER {column} TYPE {other}"),
        )
        yield table, column, f'ALTER TABLE migplan.{table} RENAME {column} TO "{column.title()}"'
    for table in tables:
        yield table, "", f"DELETE FROM migplan.{table}"
        yield table, "", f"DELETE FROM migplan.{table} WHERE ctid = (SELECT max(ctid) FROM migplan.{table})"
        yield table, "", f"INSERT INTO migplan.{table} SELECT * FROM migplan.{table}"
        yield table, "", f"DROP TABLE migplan.{table} CASCADE"
        yield (
            table,
            "",
            (
                f"ALTER TABLE migplan.{table} RENAME TO was; "
                f"CREATE VIEW migplan.{table} AS SELECT * FROM migplan.was"
            ),
        )


def applied_whole(bundle: VerifiedBundle, address: Address, _url: str, _run: Run) -> str:
    applied(bundle, address)
    return str(bundle.paths.folder)


def applied_in_part(bundle: VerifiedBundle, address: Address, _url: str, _run: Run) -> str:
    applied(bundle, address, until=3)
    return str(bundle.paths.folder)


def taken_back_in_part(bundle: VerifiedBundle, address: Address, _url: str, _run: Run) -> str:
    applied(bundle, address)
    with stopping(2, "rollback"), pytest.raises(KilledError):
        taken_back(bundle, address)
    return str(bundle.paths.folder)


def migrated(_bundle: VerifiedBundle, _address: Address, url: str, run: Run) -> str:
    """A folder of migrations: the last is a data step that left one row out, and stopped at the next."""
    folder = Path("m")
    folder.mkdir()
    for name, text in SHOP.items():
        (folder / f"{name[1:]}.sql").write_text(text)
    (folder / "004_copy.py").write_text(STEP)
    run("apply", "m", "--target", url, exit_code=2)
    return str(folder.resolve())


STATES = (applied_whole, applied_in_part, taken_back_in_part, migrated)


@pytest.fixture
def target(
    newest: Server, newest_database: MakeDatabase, request: pytest.FixtureRequest, run: Run
) -> Iterator[Altered]:
    """A target in one of these states, whose journal has no constraint that is in the way of a change."""
    bundle = verified(newest, newest_database(SCRIPT).params["dbname"])
    address = newest_database("")
    url = newest.url(address.params["dbname"])
    folder = request.param(bundle, address, url, run)
    with psycopg.connect(url, autocommit=True) as connection:
        target = Altered(request.param, url, "", folder, connection)
        target.execute(_FREE)
        target.journal = dumped(newest, url)
        target.reset()
        target.said |= {name: said(run, words) for name, words in target.commands.items()}
        assert {code for code, _ in target.said.values()} <= {0, 1}, target.said
        yield target


def dumped(server: Server, url: str) -> str:
    """The journal, as statements that make it."""
    program = pg_dump.suitable(server.major * 10000, encrypted=False).program("pg_dump")
    words = [str(program), "--schema=migplan", "--inserts", "--no-comments", "-d", url]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in text.splitlines() if not line.startswith("\\"))


def said(run: Run, words: tuple[str, ...]) -> tuple[int, str]:
    """The exit code, and what goes with it."""
    result = run(*words, exit_code=None)
    assert "\x1b" not in result.output
    return result.exit_code, result.stdout if result.exit_code < 2 else result.stderr


@pytest.mark.parametrize("target", [*STATES], indirect=True)
def test_every_change(target: Altered, run: Run) -> None:
    """Each in one of the states; by hand, with MIGPLAN_TEST_WIDE, in each of them."""
    every = bool(os.environ.get("MIGPLAN_TEST_WIDE"))
    wrong: list[str] = []
    for place, (table, column, change) in enumerate(changes()):
        renamed = column and "RENAME" in change  # nothing else than to drop it
        if every or (place % len(STATES) == STATES.index(target.state) and not renamed):
            wrong += target.trial(run, change, is_shown=(table, column) in SHOWN, every=every)
    assert not wrong, "\n".join(wrong)
