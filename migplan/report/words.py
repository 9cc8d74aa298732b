"""Numbers and names the way reports say them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from migplan.names import QualifiedName

if TYPE_CHECKING:
    from migplan.graph.graph import RowCount


def rows(value: RowCount) -> str:
    """``104``, ``~4,300`` where it is an estimate, ``?`` where nobody knows."""
    if value.count is None:
        return "?"
    return f"{'' if value.exact else '~'}{value.count:,}"


def amount(size: int) -> str:
    """``812 B``, ``1.2 MB``."""
    number, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.0f} {units[0]}" if units[0] == "B" else f"{number:.1f} {units[0]}"


class Naming:
    """Names without their schema, where all that is shown is in one schema."""

    def __init__(self, names: Iterable[QualifiedName]) -> None:
        schemas = {name.schema for name in names}
        self._home = schemas.pop() if len(schemas) == 1 else None

    def __call__(self, name: QualifiedName) -> str:
        return name.seen_from(self._home) if self._home is not None else str(name)
