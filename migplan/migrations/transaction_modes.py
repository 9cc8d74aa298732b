"""The transactions that a file begins itself: their isolation level, READ ONLY, DEFERRABLE.

A file is one transaction with its entry in the journal, and the journal's own statement comes first in it. So
BEGIN and COMMIT are left out, and what a file says of its transactions has to stand in front, where
the server still accepts it: of several isolation levels that is the strictest. READ ONLY holds for the file's
statements and not for the journal's: they run in a savepoint that is read only, which ends before the journal
writes (the server gives the transaction around a savepoint its own state back). See
https://www.postgresql.org/docs/current/sql-set-transaction.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Part
from migplan.migrations.source_files import reopened
from migplan.sql.split import CopyRows, Piece, Statement, parse, pieces

_FRAME = frozenset({"begin", "start", "commit", "end", "rollback", "abort"})
_BEGINS = frozenset({pg.TRANS_STMT_BEGIN, pg.TRANS_STMT_START})
_ENDS = frozenset({pg.TRANS_STMT_COMMIT, pg.TRANS_STMT_ROLLBACK})
_LEVELS = ("", "read uncommitted", "read committed", "repeatable read", "serializable")
_ONE_SNAPSHOT = _LEVELS[3:]
_ON = frozenset({"on", "t", "tr", "tru", "true", "y", "ye", "yes", "1"})
_NO_SNAPSHOT = frozenset({"set", "reset", "show", "lock"})
"""Statements that the server runs without a snapshot: the level may still be set after them."""

READ_ONLY = "SAVEPOINT migplan_read_only; SET TRANSACTION READ ONLY;"
READ_ONLY_ENDS = "RELEASE SAVEPOINT migplan_read_only;"


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of a transaction; None and '' are those of the session."""

    isolation: str = ""
    read_only: bool | None = None
    deferrable: bool | None = None

    def changed(self, said: Modes) -> Modes:
        """Return these modes, but for what is said."""
        return Modes(
            said.isolation or self.isolation,
            self.read_only if said.read_only is None else said.read_only,
            self.deferrable if said.deferrable is None else said.deferrable,
        )

    @property
    def opening(self) -> str:
        """What a transaction begins with in which they hold, but for READ ONLY."""
        words = [f"ISOLATION LEVEL {self.isolation.upper()}"] if self.isolation else []
        words += ["READ WRITE"] if self.read_only is False else []
        words += [] if self.deferrable is None else ["DEFERRABLE" if self.deferrable else "NOT DEFERRABLE"]
        return f"SET TRANSACTION {', '.join(words)};" if words else ""


_DEFAULTS = {
    "default_transaction_isolation": Modes("read committed"),
    "default_transaction_read_only": Modes(read_only=False),
    "default_transaction_deferrable": Modes(deferrable=False),
}


@dataclass(frozen=True, slots=True)
class InTransaction:
    """A statement or the rows of a COPY, and the modes of the transaction for which the file wrote it."""

    piece: Piece
    modes: Modes
    without_snapshot: bool = False  # nothing before it in that transaction has taken one, nor does it


@dataclass(frozen=True, slots=True)
class OneTransaction:
    """A part as one transaction: what is sent, text of ours where it is none of the file's."""

    opening: str
    sent: Sequence[Piece | str] = field(default=())


def as_one_transaction(part: Part) -> OneTransaction:
    """Return a part as one transaction, in which all that it says of transactions holds.

    Where all statements see one snapshot, tables that the file locks first are locked before it is taken.
    """
    found = list(statements_in_transactions(part))
    modes = _together(each.modes for each in found)
    opening = [modes.opening] if modes.opening else []
    early = _early(found) if modes.isolation in _ONE_SNAPSHOT else []
    if any(each.word == "lock" for each in early):
        opening += [each.text for each in early]
        found = [each for each in found if each.piece not in early or _word(each.piece) != "lock"]
    return OneTransaction("\n".join(opening), list(_with_savepoints(found)))


def statements_in_transactions(part: Part) -> Iterator[InTransaction]:
    """Yield what a part sends, without BEGIN, COMMIT, ROLLBACK and what sets the modes of a transaction.

    What would set them too late stays: the server refuses it.
    """
    walk = _Walk()
    for piece in pieces(reopened(part), part.file):
        if isinstance(piece, CopyRows):
            for _ in piece:
                pass
        if not (isinstance(piece, Statement) and walk.takes(piece, part)):
            yield walk.of(piece)


@dataclass
class _Walk:
    """Where in its transactions a file is."""

    session: Modes = field(default_factory=Modes)
    now: Modes = field(default_factory=Modes)
    begun: bool = False
    first: bool = True  # nothing has taken a snapshot yet

    def takes(self, statement: Statement, part: Part) -> bool:
        """Whether a statement only frames a transaction, or sets its modes, and is not to be sent."""
        if statement.word in _FRAME:
            return self._frames(parse(statement, part.file).stmts[0].stmt.transaction_stmt)
        if statement.word not in {"set", "reset"} or "transaction" not in statement.text.lower():
            return False
        said = parse(statement, part.file).stmts[0].stmt.variable_set_stmt
        modes = _set(said)
        if modes == Modes():
            return False
        if said.name.lower().startswith(("session", "default")):
            self.session = self.session.changed(modes)
            self.now = self.now if self.begun else self.now.changed(modes)
            return False
        late = bool(modes.isolation) or modes.deferrable is not None or modes.read_only is False
        if late and not self.first:
            return False
        self.now = self.now.changed(modes)
        return True

    def of(self, piece: Piece) -> InTransaction:
        """Return a piece that is sent with the modes that hold for it."""
        self.first = self.first and _word(piece) in _NO_SNAPSHOT
        return InTransaction(piece, self.now, self.first)

    def _frames(self, said: pg.TransactionStmt) -> bool:
        if said.kind in _BEGINS:
            self.now, self.begun = self.session.changed(_modes(said.options)), True
        elif said.kind in _ENDS:
            self.now = self.now if said.chain else self.session
            self.begun = said.chain
        else:  # ROLLBACK TO SAVEPOINT
            return False
        self.first = True
        return True


def _set(said: pg.VariableSetStmt) -> Modes:
    """Return what a SET says of the modes of transactions; nothing, if it is about something else."""
    name = said.name.lower()
    if said.kind == pg.VAR_SET_MULTI:
        return _modes(said.args) if name in {"transaction", "session characteristics"} else Modes()
    is_default = name.startswith("default_")
    if is_default and said.is_local:  # no transaction begins before it is gone
        return Modes()
    if said.kind == pg.VAR_SET_VALUE:
        return _mode(name.removeprefix("default_"), said.args[0].a_const)
    return _DEFAULTS.get(name, Modes())


def _modes(options: Iterable[Any]) -> Modes:
    found = Modes()
    for node in options:
        found = found.changed(_mode(node.def_elem.defname, node.def_elem.arg.a_const))
    return found


def _mode(name: str, value: pg.A_Const) -> Modes:
    word = value.sval.sval.lower()
    is_on = bool(value.ival.ival) or word in _ON
    match name:
        case "transaction_isolation":
            return Modes(isolation=word if word in _LEVELS else "")
        case "transaction_read_only":
            return Modes(read_only=is_on)
        case "transaction_deferrable":
            return Modes(deferrable=is_on)
    return Modes()


def _together(modes: Iterable[Modes]) -> Modes:
    """Return the modes of one transaction for statements that were written for several."""
    every = set(modes)
    isolation = max((each.isolation for each in every), key=_LEVELS.index, default="")
    writes = any(each.read_only is False for each in every)
    deferrable = {each.deferrable for each in every} - {None}
    return Modes(isolation, False if writes else None, any(deferrable) if deferrable else None)


def _early(found: Sequence[InTransaction]) -> list[Statement]:
    """Return the statements before the first that takes a snapshot."""
    early: list[Statement] = []
    for each in found:
        if not each.without_snapshot or not isinstance(each.piece, Statement):
            break
        early.append(each.piece)
    return early


def _with_savepoints(found: Iterable[InTransaction]) -> Iterator[Piece | str]:
    is_open = False
    for each in found:
        if bool(each.modes.read_only) is not is_open:
            is_open = not is_open
            yield READ_ONLY if is_open else READ_ONLY_ENDS
        yield each.piece
    if is_open:
        yield READ_ONLY_ENDS


def _word(piece: Piece) -> str:
    return piece.word if isinstance(piece, Statement) else "copy"
