"""Reading the vitals. A question that the role may not ask is reported, and the others are still answered."""

from collections.abc import Iterable, Sequence
from typing import Any

from migplan.catalog.model import Catalog
from migplan.catalog.positions import read_positions
from migplan.catalog.questions import Questions
from migplan.catalog.vitals import ROLES, Available, Bloat, Role, Vitals, Width
from migplan.errors import DatabaseError
from migplan.names import QualifiedName
from migplan.postgres.session import Session


def read_vitals(session: Session, catalog: Catalog) -> Vitals:
    """Return the vitals at the moment at which the same session read the catalog."""
    ask = _Asking(session)
    since = [row.since for row in ask.all("vitals_statistics", "the age of the statistics")]
    bloat, unknown = _bloat(
        (
            *ask.all("vitals_table_bloat", "bloat of tables"),
            *ask.all("vitals_index_bloat", "bloat of indexes"),
        )
    )
    return Vitals(
        statistics_since=since[0] if since else None,
        roles=tuple(sorted(map(_role, ask.all("vitals_roles", ROLES)), key=lambda role: role.name)),
        bloat=bloat,
        positions=read_positions(session, catalog),
        widths=tuple(
            sorted(map(_width, ask.all("vitals_widths", "widths of texts in keys")), key=_by_table_and_column)
        ),
        available=tuple(
            sorted(
                (Available(**row._asdict()) for row in ask.all("vitals_available", "extensions on offer")),
                key=lambda each: each.extension,
            )
        ),
        unread=(*ask.unread, *unknown),
    )


class _Asking:
    """Questions, each in a sub-transaction of its own."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._questions = Questions(session)
        self.unread: list[tuple[str, str]] = []

    def all(self, question: str, about: str) -> Sequence[Any]:
        """Every row of the answer; none where the server will not tell, and why stands in ``unread``."""
        try:
            with self._session.transaction():
                return self._questions.all(question)
        except DatabaseError as error:
            if self._session.closed:
                raise
            self.unread.append((about, error.what))
            return ()


def _role(row: Any) -> Role:
    return Role(row.name, row.superuser, row.bypasses_row_security, tuple(sorted(row.inherits)))


def _width(row: Any) -> Width:
    return Width(QualifiedName(row.schema, row.name), row.column, row.average)


def _by_table_and_column(width: Width) -> tuple[QualifiedName, str]:
    return (width.table, width.column)


def _bloat(rows: Iterable[Any]) -> tuple[tuple[Bloat, ...], tuple[tuple[str, str], ...]]:
    """The estimates, and what could not be estimated."""
    known, unknown = [], []
    for row in rows:
        table, index = QualifiedName(row.schema, row.name), getattr(row, "index_name", None)
        if row.needed is not None:
            known.append(Bloat(table, row.bytes, max(row.bytes - row.needed, 0), index))
            continue
        why = "statistics of its columns are missing, or hidden from the role"
        what = f"bloat of {table}" if index is None else f"bloat of {QualifiedName(table.schema, index)}"
        unknown.append((what, why if row.analysed else "it was never analysed"))
    return tuple(sorted(known, key=lambda each: (each.table, each.index or ""))), tuple(sorted(unknown))
