"""Which columns a sequence fills. Pure: it looks at a Catalog."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from migplan.catalog.model import Catalog, Sequence, Table
from migplan.names import QualifiedName, split

_NEXTVAL = re.compile(r"nextval\('((?:[^']|'')+)'::regclass\)")


def filled_columns(catalog: Catalog) -> Mapping[QualifiedName, tuple[tuple[Table, str], ...]]:
    """Of each sequence, the columns that it fills: the one that owns it, and those whose default it is."""
    found: dict[QualifiedName, set[tuple[QualifiedName, str]]] = defaultdict(set)
    for sequence in catalog.sequences:
        if sequence.owned_by in catalog.by_name and sequence.owned_column:
            found[sequence.name].add((sequence.owned_by, sequence.owned_column))
    for table in catalog.tables:
        for column in table.columns if table.partition_of is None else ():
            for text in _NEXTVAL.findall(column.default or ""):
                parts = split(text.replace("''", "'"))
                if len(parts) == 2:
                    found[QualifiedName(*parts)].add((table.name, column.name))
    return {
        name: tuple((catalog.by_name[table], column) for table, column in sorted(columns))
        for name, columns in found.items()
    }


def is_hidden(sequence: Sequence, catalog: Catalog) -> bool:
    """Whether a sequence has no value here only because the role may not see it."""
    return any(gap.what == f"value of sequence {sequence.name}" for gap in catalog.unread)
