"""The way back of what migrations do, on a database with objects of all kinds.

The state before comes back, or the reason is said why it cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migplan.catalog.state import StateReader, differences, displaced, read_moment, read_state
from migplan.postgres.session import Session, connect
from migplan.run.migrations.recording import Before, Written, derive, look_before
from migplan.run.migrations.way_back import WayBack
from tests.servers import Server

HERE = Path(__file__).parent
CASES = (HERE / "way_back_cases.sql").read_text().strip().split("\n\n")
CANNOT = "-- cannot: "
PAIRS = (HERE / "way_back_pairs.sql").read_text().strip().split("\n\n")
MIGRATION = "\n-- migration\n"
TOGETHER = 5


@pytest.fixture(scope="module")
def session(newest: Server) -> Iterator[Session]:
    """A session with the database of objects of all kinds."""
    newest.make_roles(["back_reader", "back_writer"])
    name = newest.create_database((HERE / "way_back.sql").read_text())
    with connect(newest.address(name)) as session:
        session.autocommit = False
        yield session
    newest.drop_database(name)


def _done(session: Session, text: str) -> tuple[Before, WayBack]:
    """Run a migration in a new transaction, and return its way back."""
    session.rollback()
    before = look_before(session, text, StateReader())
    session.execute("RESET search_path")
    base = read_moment(session).counters
    session.execute(text.encode())
    session.execute("SET CONSTRAINTS ALL IMMEDIATE")
    written = Written()
    written.add(base, read_moment(session))
    return before, derive(session, before, written, text)[0]


def _back(session: Session, before: Before, way: WayBack) -> list[str]:
    """Return what is otherwise than before the migration, once its way back has run."""
    session.execute("RESET search_path")
    for statement in way.statements:
        try:
            session.execute(statement.encode())
        except psycopg.Error as error:
            return [f"{error}\n  in {statement}"]
    return list(map(str, differences(before.state, read_state(session))))


def _failures(session: Session, text: str) -> list[str]:
    before, way = _done(session, text)
    found = list(way.cannot) or _back(session, before, way)
    return [f"{text}\n  {each}" for each in found]


def test_each_migration_has_a_way_back(session: Session) -> None:
    """Several are run as one file, which is quicker and harder; one by one where they do not go together."""
    cases = [case for case in CASES if not case.startswith(CANNOT)]
    failures = []
    stride = -(-len(cases) // TOGETHER)
    for start in range(stride):
        group = cases[start::stride]
        try:
            found = _failures(session, ";\n".join(group))
        except psycopg.Error:
            found = ["they do not go together"]
        if found:
            for case in group:
                failures += _failures(session, case)
    session.rollback()
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith(CANNOT)])
def test_what_cannot_come_back_is_said(session: Session, case: str) -> None:
    reason, _, text = case.removeprefix(CANNOT).partition("\n")
    assert reason in _done(session, text)[1].cannot


def test_a_column_that_does_not_get_its_place_back_says_so(session: Session) -> None:
    before, way = _done(session, "ALTER TABLE bare DROP COLUMN a; ALTER TYPE place DROP ATTRIBUTE y")
    assert not _back(session, before, way)
    last = [each for each in way.statements if each.endswith(" */")]
    assert last == [
        "ALTER TABLE public.bare ADD COLUMN a integer "
        "/* it comes back as the last column, which it was not before */"
    ]
    assert displaced(before.state, read_state(session)) == ["column public.bare.a"]


@pytest.fixture(scope="module")
def paired(newest: Server) -> Iterator[Session]:
    """A session with a database of pairs, each in a schema of its own: one object uses the other."""
    made = (pair.partition(MIGRATION)[0] for pair in PAIRS)
    name = newest.create_database(
        "\n".join(f"CREATE SCHEMA s{at}; SET search_path = s{at};\n{each}" for at, each in enumerate(made))
    )
    with connect(newest.address(name)) as session:
        session.autocommit = False
        yield session
    newest.drop_database(name)


@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_what_uses_another_comes_back_after_it(paired: Session, number: int) -> None:
    migration = PAIRS[number].partition(MIGRATION)[2]
    found = _failures(paired, f"SET LOCAL search_path = s{number};\n{migration}")
    assert not found, "\n".join(found)
