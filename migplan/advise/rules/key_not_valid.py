"""MP102: a key that was never checked promises nothing about the rows that are there."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level
from migplan.catalog.model import Catalog
from migplan.graph import ForeignKeyGraph
from migplan.names import quoted

CODE = "MP102"
TITLE = "foreign key not validated"


def find(catalog: Catalog, _: ForeignKeyGraph) -> Iterator[Finding]:
    """A finding a key that is NOT VALID or NOT ENFORCED."""
    for key in catalog.foreign_keys:
        what = f"{key.table}.{quoted(key.name)}"
        if not key.enforced:
            yield Finding(CODE, Level.WARNING, TITLE, what, "NOT ENFORCED: the server never checks it")
        elif not key.validated:
            yield Finding(
                CODE,
                Level.WARNING,
                TITLE,
                what,
                "NOT VALID: rows from before it was made may refer to nothing",
                f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {quoted(key.name)};",
            )
