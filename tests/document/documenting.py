"""Documentation for tests: of a database on a server, or of a catalog that can be seen at a glance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from migplan.advise import Advice, advise
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog, Column, Index, Key, Table
from migplan.catalog.read import read
from migplan.catalog.selection import Selected
from migplan.config import Layout
from migplan.document.derive.documentation import documented
from migplan.document.derive.facts import Facts
from migplan.document.model import Documentation, Pattern, TableDocument
from migplan.graph import build
from migplan.plan.make import Request, make
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from tests.catalogs import SERVER, name


def seen(address: Address, exactness: Exactness = Exactness.EXACT) -> Documentation:
    """A database as documents would have it."""
    with reading(address) as connection:
        catalog = read(connection, Counting(exactness))
    return of(catalog)


def of(catalog: Catalog, advice: Advice | None = None) -> Documentation:
    """A catalog as documents would have it."""
    graph = build(catalog)
    plan = make(Selected(catalog), graph, Request(name="test", layout=Layout.AFTER_DATA))
    return documented(catalog, graph, plan, advise(catalog, graph) if advice is None else advice)


def section(documentation: Documentation, table: str) -> TableDocument:
    """One table's section."""
    return next(each for each in documentation.tables if each.name == name(table))


def queries(found: TableDocument) -> tuple[Pattern, ...]:
    """Every query that is drafted for a table."""
    return (*found.patterns, *(found.integration.queries if found.integration else ()))


def table(
    called: str,
    *columns: str,
    indexes: Iterable[Index] = (),
    key: tuple[str, ...] = ("id",),
    **fields: object,
) -> Table:
    """A table from ``name type`` texts, with its primary key's index and those that are given."""
    wanted = [Column(text.split(" ", 1)[0], text.split(" ", 1)[1]) for text in columns]
    wanted = [replace(each, not_null=each.name in key) for each in wanted]
    if key == ("id",) and not any(each.name == "id" for each in wanted):
        wanted.insert(0, Column("id", "uuid", not_null=True))
    own = f"{name(called).name}_pkey"
    primary = (Index(own, None, key, unique=True, constraint=own),) if key else ()
    return Table(
        name(called),
        columns=tuple(wanted),
        primary_key=Key(own, key, primary=True) if key else None,
        indexes=tuple(sorted((*primary, *indexes), key=lambda each: each.name)),
        **fields,  # type: ignore[arg-type]
    )


def database(*tables: Table, **fields: object) -> Catalog:
    """A catalog of these tables."""
    ordered = tuple(sorted(tables, key=lambda each: each.name))
    return Catalog(server=SERVER, tables=ordered, **fields)  # type: ignore[arg-type]


def facts(catalog: Catalog, advice: Advice | None = None) -> Facts:
    """What sections ask of a database."""
    return Facts(catalog, build(catalog), advice or Advice())
