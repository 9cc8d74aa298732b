"""Trying the way back of each migration on a scratch server, right after it: does the state come back?"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from migplan.catalog.state import Difference, State, StateReader, differences, displaced, read_state
from migplan.errors import DatabaseError, FileError
from migplan.migrations.source_files import reopened, statements_of
from migplan.migrations.transaction_modes import as_one_transaction
from migplan.migrations.transactions import may_commit, non_transactional
from migplan.postgres.session import Session
from migplan.run.engine.journal import kept_last
from migplan.run.migrations.down_migrations import DownMigration, unpacked
from migplan.run.migrations.way_back import Facts, way_back
from migplan.sql.split import CopyRows

log = logging.getLogger(__name__)

_DURING = "trying the way back"


class TryingBack:
    """Takes each migration back when all of it is committed, compares, and gives that up again."""

    def __init__(self, names: Collection[str], states: StateReader) -> None:
        self._names = names
        self._states = states
        self._before: State | None = None
        self.wrong: dict[str, tuple[str, ...]] = {}  # by migration: what does not come back, or what fails
        self.without: dict[str, tuple[str, ...]] = {}  # those that have no way back, and why
        self.out_of_place: dict[str, tuple[str, ...]] = {}  # columns that come back behind others

    def before(self, name: str, session: Session) -> None:
        """Read the state before a migration."""
        if name in self._names:
            with session.given_up(_DURING):
                self._before = self._states.read(session)

    def after(self, name: str, session: Session) -> None:
        """Try its way back."""
        content = kept_last(session, name) if name in self._names else None
        if content is None or self._before is None:
            return
        with tempfile.TemporaryDirectory(prefix="migplan-way-back-") as place:
            way = unpacked(name, content, "tried", Path(place))
            self.without.pop(name, None)
            self.wrong.pop(name, None)
            self.out_of_place.pop(name, None)
            if way.cannot and way.down is None:
                self.without[name] = way.cannot
            elif wrong := tuple(self._tried(way, session)):
                self.wrong[name] = wrong

    def _tried(self, way: DownMigration, session: Session) -> Iterator[str]:
        if way.down is not None and not way.together and any(map(may_commit, statements_of(way.down))):
            return  # it would end the transaction in which it is tried: a rehearsal runs it
        try:
            statements = _statements(way)
        except FileError as error:
            yield error.what
            return
        statement = ""
        try:
            with session.given_up(_DURING):
                session.ask("SET LOCAL check_function_bodies = off", during=_DURING)
                for statement, rows in statements:
                    _run(session, statement, rows)
                assert self._before is not None
                there = read_state(session)
                found = what_differs(session, self._before, there)
                if columns := out_of_place(self._before, there):
                    self.out_of_place[way.name] = columns
                self._states.given_up(session)
            yield from map(str, found)
        except DatabaseError as error:
            yield f"it fails: {error.what}: {' '.join(statement.split())[:200]}"


def out_of_place(expected: State, found: State) -> tuple[str, ...]:
    """Return which columns are not in their places any more: to no statement that is a difference."""
    names = displaced(expected, found)
    return tuple(f"{name} comes back behind columns that it stood before" for name in names)


def what_differs(session: Session, expected: State, found: State) -> list[Difference]:
    """Return in what a database, as it was found, differs from a state: other words for a definition do not.

    What the grammar cannot tell, the server does: it makes the definition again of the expected text, and if
    it prints that as it prints what is there, both are the same. Nothing of it stays; the session is in a
    transaction, whose search_path is changed.
    """
    every = list(differences(expected, found))
    if not any(each.is_printed for each in every):
        return every
    again = _made_again(session, expected, found)
    return [each for each in every if not (each.is_printed and _is_reprinted(each, found, again))]


def _made_again(session: Session, expected: State, found: State) -> State:
    """Return the state in which what differs is made again as it is expected; what is found, if it cannot."""
    way = way_back(expected, found, Facts())
    try:
        with session.given_up(_DURING):
            session.ask("SET LOCAL check_function_bodies = off", during=_DURING)
            for statement in way.statements:
                session.ask(statement.encode(), during=_DURING)
            return read_state(session)
    except DatabaseError as error:
        log.debug("definitions cannot be made again to compare them: %s", error)
        return found


def _is_reprinted(different: Difference, found: State, again: State) -> bool:
    """Whether an object was written anew of the expected text, and is printed as the one that was found."""
    there, anew = found.named(different.name), again.named(different.name)
    if there is None or anew is None or (there.key, there.version) == (anew.key, anew.version):
        return False
    return bool(there.get(different.part) == anew.get(different.part))


def _statements(way: DownMigration) -> list[tuple[str, bytes | None]]:
    """Return the statements of a way back, those of COPY with their rows, as one transaction.

    What cannot be in one is run otherwise.
    """
    if way.down is None:
        texts = (each.replace("DROP INDEX CONCURRENTLY ", "DROP INDEX ", 1) for each in way.derived or ())
        return [(text, None) for text in texts]
    outside = {each.line for each in non_transactional(tuple(statements_of(way.down)))}
    one, data = as_one_transaction(way.down), reopened(way.down).getvalue()
    found: list[tuple[str, bytes | None]] = [(one.opening, None)] if one.opening else []
    for piece in one.sent:
        if isinstance(piece, CopyRows):
            found.append((piece.statement.text, data[piece.start : piece.end]))
            continue
        text = piece if isinstance(piece, str) else piece.text
        is_outside = not isinstance(piece, str) and piece.line in outside
        found.append((_in_a_transaction(text) if is_outside else text, None))
    return found


def _run(session: Session, statement: str, rows: bytes | None) -> None:
    if rows is None:
        session.ask(statement.encode(), during=_DURING)
        return
    with session.translate_errors(_DURING), session.cursor().copy(statement.encode()) as copy:
        copy.write(rows)


def _in_a_transaction(text: str) -> str:
    return text.replace(" CONCURRENTLY", "").replace(" concurrently", "")
