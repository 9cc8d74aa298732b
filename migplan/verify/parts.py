"""The verify parts of migrations: SQL that people write to look at what a file did.

A part holds when it runs without an error, in a transaction that may only read, and no row that it returns
ends in ``false`` or ``DIFFERS``; of sqitch's, when it runs without an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from migplan.migrations.model import Migration, Style
from migplan.migrations.transaction_modes import READ_ONLY, as_one_transaction
from migplan.postgres.session import Session, connect
from migplan.sql.split import Piece, Statement

_WRONG = ("false", "DIFFERS")


@dataclass(frozen=True, slots=True)
class Complaint:
    """A row that ends in false or DIFFERS, or an error of the server's, and the statement that it is of."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Looked:
    """What the verify part of a migration said."""

    name: str
    rows: int = 0
    wrong: tuple[Complaint, ...] = ()
    exists: bool = True  # whether there is such a part, and it is to hold
    reworked_as: str = ""  # an applied migration that does it anew: that one's part is to hold
    undone: bool = False  # it does not hold, for a later migration undid what it looks for

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong with the target."""
        return not self.wrong or self.undone

    @property
    def answer(self) -> str:
        """What it says, in a word."""
        return "ok" if not self.wrong else "undone" if self.undone else "DIFFERS"


def look_alone(migration: Migration, session: Session, style: Style) -> Looked:
    """Run the verify part of a migration that is committed, in a transaction such as the part asks for."""
    if migration.verify is None or not as_one_transaction(migration.verify).opening:
        return look(migration, session, style)
    with connect(session.address) as own:
        return look(migration, own, style)


def look(migration: Migration, session: Session, style: Style) -> Looked:
    """Run the verify part of a migration; nothing of it stays, also where a transaction is open.

    It sees what an open transaction sees, whose isolation level holds; else it has the one that it names. In
    a folder of sqitch's a part says by an error alone that something is wrong, and what it writes is rolled
    back.
    """
    part = migration.verify
    if part is None:
        return Looked(migration.name, exists=False)
    rows, wrong = 0, []
    one, is_alone = as_one_transaction(part), session.info.transaction_status is TransactionStatus.IDLE
    with (
        session.translate_errors(f"running the verify part of {migration.name}"),
        session.transaction(force_rollback=True),
    ):
        if one.opening and is_alone:
            session.execute(one.opening.encode())
        if style is not Style.SQITCH or READ_ONLY in one.sent:
            session.execute("SET TRANSACTION READ ONLY")
        for statement in _statements(one.sent):
            try:
                with session.transaction():
                    found = _asked(session, statement.text)
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                said = error.diag.message_primary or str(error)
                wrong.append(Complaint(part.file.name, statement.line, said))
                continue
            rows += len(found)
            wrong += [
                Complaint(part.file.name, statement.line, ", ".join(map(str, row)))
                for row in found
                if row
                and style is not Style.SQITCH
                and (row[-1] is False or row[-1] in _WRONG)  # a number 0 says nothing
            ]
    return Looked(migration.name, rows, tuple(wrong))


def _statements(sent: Sequence[Piece | str]) -> Sequence[Statement]:
    found = (each for each in sent if isinstance(each, Statement))
    return [each for each in found if each.word != "rollback"]  # to a savepoint: each has one of its own


def _asked(session: Session, text: str) -> Sequence[tuple[Any, ...]]:
    cursor = session.execute(text.encode())
    return cursor.fetchall() if cursor.description else ()
