"""A state is not read twice where nothing came in between, and always where something did."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from migplan.catalog import state
from migplan.catalog.state import StateReader, read_state
from migplan.postgres.session import Session, connect
from tests.servers import Server


@pytest.fixture
def session(newest: Server) -> Iterator[Session]:
    name = newest.create_database("CREATE TABLE t (n int)")
    with connect(newest.address(name)) as session:
        session.autocommit = True
        yield session
    newest.drop_database(name)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that the whole state is read."""
    found: list[int] = []

    def counted(session: Session) -> state.State:
        found.append(1)
        return read_state(session)

    monkeypatch.setattr(state, "read_state", counted)
    return found


def _migrated(session: Session, states: StateReader, *statements: str) -> None:
    """Do in one transaction what a migration does: claim, look, run, look."""
    with session.transaction():
        session.execute("SELECT pg_current_xact_id()")
        with session.transaction(force_rollback=True):
            states.read(session)
        for statement in statements:
            session.execute(statement.encode())
        with session.transaction(force_rollback=True):
            states.keep(session, read_state(session))


def _read(session: Session, states: StateReader) -> state.State:
    with session.transaction(force_rollback=True):
        found = states.read(session)
        assert found.described() == read_state(session).described()
    return found


def test_what_a_migration_left_is_what_the_next_one_finds(session: Session, reads: list[int]) -> None:
    states = StateReader()
    _read(session, states)
    for column in "abc":
        _migrated(session, states, f"ALTER TABLE t ADD {column} int")
        assert _read(session, states).named(f"column public.t.{column}")
    assert len(reads) == 1
    with session.transaction(force_rollback=True):  # a way back that is tried
        session.execute("ALTER TABLE t DROP c")
        states.given_up(session)
    _read(session, states)
    assert len(reads) == 1


def _other(session: Session, statement: str) -> None:
    with psycopg.connect(session.info.dsn, password=session.info.password) as other:
        other.execute(statement.encode())


BETWEEN: dict[str, Callable[[Session, StateReader], None]] = {
    "another session": lambda session, _: _other(session, "CREATE TABLE other (n int)"),
    "oneself": lambda session, _: (session.execute("CREATE TABLE other (n int)"), None)[1],
    "a trigger at the end": lambda session, states: _migrated(
        session,
        states,
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN EXECUTE 'CREATE TABLE other (n int)'; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "EXECUTE FUNCTION late()",
        "INSERT INTO t VALUES (1)",
    ),
}


@pytest.mark.parametrize("between", BETWEEN)
def test_what_came_in_between_is_seen(session: Session, between: str) -> None:
    states = StateReader()
    _migrated(session, states, "ALTER TABLE t ADD a int")
    BETWEEN[between](session, states)
    assert _read(session, states).named("table public.other")


def test_what_goes_on_beside_is_seen_when_it_is_committed(session: Session) -> None:
    states = StateReader()
    with psycopg.connect(session.info.dsn, password=session.info.password) as other:
        other.execute("CREATE TABLE beside (n int)")
        _migrated(session, states, "ALTER TABLE t ADD a int")
        assert _read(session, states).named("table public.beside") is None
        other.commit()
        assert _read(session, states).named("table public.beside")


def test_savepoints_of_a_migration_are_no_harm(session: Session) -> None:
    states = StateReader()
    _migrated(session, states, "SAVEPOINT a", "CREATE TABLE a (n int)", "ROLLBACK TO a", "CREATE TABLE b ()")
    found = _read(session, states)
    assert found.named("table public.b")
    assert found.named("table public.a") is None
