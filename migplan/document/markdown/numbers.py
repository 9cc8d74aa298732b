"""How the pages say numbers and sizes, known or not."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from migplan.catalog.model import Table
from migplan.document.model import TableDocument
from migplan.graph.graph import RowCount
from migplan.text.wording import amount


def rows(found: TableDocument | Table) -> Markup:
    """``104``, ``~4,300``, ``?``."""
    return Markup(str(RowCount(found.rows, found.rows_exact)))


def rows_in_all(documents: Sequence[TableDocument]) -> str:
    """The rows of several tables: ``about`` where one is an estimate, ``at least`` where one is not known."""
    known = [document for document in documents if document.rows is not None]
    if not known:
        return "unknown"
    exact = all(document.rows_exact for document in known)
    about = "at least " if len(known) < len(documents) else "" if exact else "about "
    return f"{about}{sum(document.rows or 0 for document in known):,}"


def size(value: int | None) -> str:
    """``1.2 MB``, ``unknown``. Two digits of it: what comes after them changes with every vacuum."""
    if value is None:
        return "unknown"
    return amount(int(float(f"{value:.2g}"))).replace(".0 ", " ")


def bytes_of(document: TableDocument) -> tuple[int | None, int | None]:
    """The bytes of a table and of its indexes, partitions included; None where one of them is not known."""
    family = (document.table, *document.partitions)
    parts = ([table.table_bytes for table in family], [table.index_bytes for table in family])
    table, indexes = (None if None in each else sum(part or 0 for part in each) for each in parts)
    return table, indexes


def size_in_all(documents: Sequence[TableDocument]) -> str:
    """The size of several tables with their indexes, likewise."""
    parts = [part for document in documents for part in bytes_of(document)]
    known = [part for part in parts if part is not None]
    if not known:
        return "unknown"
    return f"{'at least ' if len(known) < len(parts) else ''}{size(sum(known))}"


def depths(documents: Iterable[TableDocument]) -> str:
    """``2``, ``1 to 4``."""
    found = sorted({document.depth for document in documents})
    if not found:
        return "none"
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"
