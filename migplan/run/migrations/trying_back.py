"""Trying the way back of each migration on a scratch server, right after it: does the state come back?"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from migplan.catalog.state import State, differences, read_state
from migplan.errors import DatabaseError, FileError
from migplan.migrations.source_files import statements_of
from migplan.migrations.transactions import non_transactional
from migplan.postgres.session import Session
from migplan.run.engine.journal import kept_last
from migplan.run.migrations.down_migrations import DownMigration, unpacked

_DURING = "trying the way back"


class TryingBack:
    """Takes each migration back when all of it is committed, compares, and gives that up again."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._before: State | None = None
        self.wrong: dict[str, tuple[str, ...]] = {}  # by migration: what does not come back, or what fails
        self.without: dict[str, tuple[str, ...]] = {}  # those that have no way back, and why

    def before(self, name: str, session: Session) -> None:
        """Read the state before a migration."""
        if name in self._names:
            with session.transaction(force_rollback=True):
                self._before = read_state(session)

    def after(self, name: str, session: Session) -> None:
        """Try its way back."""
        content = kept_last(session, name) if name in self._names else None
        if content is None or self._before is None:
            return
        with tempfile.TemporaryDirectory(prefix="migplan-way-back-") as place:
            way = unpacked(name, content, "tried", Path(place))
            self.without.pop(name, None)
            self.wrong.pop(name, None)
            if way.cannot and way.down is None:
                self.without[name] = way.cannot
            elif wrong := tuple(self._tried(way, session)):
                self.wrong[name] = wrong

    def _tried(self, way: DownMigration, session: Session) -> Iterator[str]:
        try:
            statements = _statements(way)
        except FileError as error:
            yield error.what
            return
        statement = ""
        try:
            with session.transaction(force_rollback=True):
                session.ask("SET LOCAL check_function_bodies = off", during=_DURING)
                for statement in statements:
                    session.ask(statement.encode(), during=_DURING)
                assert self._before is not None
                yield from differences(self._before, read_state(session))
        except DatabaseError as error:
            yield f"it fails: {error.what}: {' '.join(statement.split())[:200]}"


def _statements(way: DownMigration) -> list[str]:
    """Return the statements of a way back that can be in one transaction; what cannot is run otherwise."""
    if way.down is None:
        return [each.replace("DROP INDEX CONCURRENTLY ", "DROP INDEX ", 1) for each in way.derived or ()]
    found = [each for each in statements_of(way.down) if each.kind != "transaction_stmt"]
    outside = {each.line for each in non_transactional(tuple(found))}
    return [_in_a_transaction(each.text) if each.line in outside else each.text for each in found]


def _in_a_transaction(text: str) -> str:
    return text.replace(" CONCURRENTLY", "").replace(" concurrently", "")
