"""Selecting part of a database: schemas and tables by pattern, and what that leaves out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from migplan.catalog.model import Catalog, ForeignKey, Grant
from migplan.errors import SelectionError
from migplan.names import Pattern, QualifiedName, part_matches, quoted, split
from migplan.text.wording import listed


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns as people write them. Nothing said means everything."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Tables of a schema that were not selected."""

    schema: str
    tables: int
    of: int

    def __str__(self) -> str:
        how_many = f"all {self.tables}" if self.tables == self.of else f"{self.tables} of {self.of}"
        return f"schema {self.schema}: {how_many} table{'s' if self.of != 1 else ''}"


@dataclass(frozen=True)
class Selected:
    """The selected part, as a catalog of its own, and what stays outside of it."""

    catalog: Catalog
    left_out: tuple[LeftOut, ...] = ()
    arriving: tuple[ForeignKey, ...] = ()  # keys of tables outside that refer to tables inside


def select(catalog: Catalog, selection: Selection) -> Selected:
    """The part of the catalog that the selection means.

    A partitioned table goes with its partitions, in whatever schemas they are: its own name decides.
    A pattern that matches nothing is a SelectionError: it is a mistake far more often than a wish.
    """
    for pattern in selection.schemas:
        if not any(part_matches(pattern, schema.name) for schema in catalog.schemas):
            raise _nothing("schema", pattern, (quoted(schema.name) for schema in catalog.schemas))
    for text in (*selection.tables, *selection.exclude):
        pattern_ = _pattern(text)
        if not any(pattern_.matches(table.name) for table in catalog.tables):
            raise _nothing("table", text, (str(table.name) for table in catalog.tables))
        _refuse_to_divide(pattern_, catalog)
    inside = {table.name for table in catalog.tables if _chosen(catalog.tops[table.name], selection)}
    return Selected(
        catalog=_restricted(catalog, inside, selection),
        left_out=_left_out(catalog, inside),
        arriving=tuple(
            key for key in catalog.foreign_keys if key.table not in inside and key.referenced in inside
        ),
    )


def _refuse_to_divide(pattern: Pattern, catalog: Catalog) -> None:
    """A pattern that means partitions alone cannot be followed, since these go with their table."""
    tops = {catalog.tops[table.name] for table in catalog.tables if pattern.matches(table.name)}
    if not any(pattern.matches(top) for top in tops):
        raise SelectionError(
            f"{pattern.text!r} means partitions alone, and they go with their table",
            do=f"name the whole of it: {', '.join(map(str, sorted(tops)))}",
        )


def _chosen(top: QualifiedName, selection: Selection) -> bool:
    if selection.schemas and not any(part_matches(pattern, top.schema) for pattern in selection.schemas):
        return False
    if selection.tables and not any(Pattern(text).matches(top) for text in selection.tables):
        return False
    return not any(Pattern(text).matches(top) for text in selection.exclude)


def _restricted(catalog: Catalog, inside: set[QualifiedName], selection: Selection) -> Catalog:
    if len(inside) == len(catalog.tables) and not selection.schemas:
        return catalog
    schemas = {name.schema for name in inside}
    if selection.schemas and not selection.tables:
        schemas |= {
            schema.name
            for schema in catalog.schemas
            if any(part_matches(pattern, schema.name) for pattern in selection.schemas)
        }
    return replace(
        catalog,
        schemas=tuple(schema for schema in catalog.schemas if schema.name in schemas),
        tables=tuple(table for table in catalog.tables if table.name in inside),
        sequences=tuple(
            sequence
            for sequence in catalog.sequences
            if (sequence.owned_by in inside if sequence.owned_by else sequence.name.schema in schemas)
        ),
        views=tuple(view for view in catalog.views if view.name.schema in schemas),
        functions=tuple(function for function in catalog.functions if function.name.schema in schemas),
        types=tuple(type_ for type_ in catalog.types if type_.name.schema in schemas),
        grants=tuple(grant for grant in catalog.grants if _stays(grant, inside, schemas)),
    )


def _stays(grant: Grant, inside: set[QualifiedName], schemas: set[str]) -> bool:
    """Whether a privilege is one on what is selected. Default ones for every schema are nobody's own."""
    if grant.kind in ("table", "column") and QualifiedName(grant.schema, grant.object) not in inside:
        return False
    return not grant.schema or grant.schema in schemas


def _left_out(catalog: Catalog, inside: set[QualifiedName]) -> tuple[LeftOut, ...]:
    of = Counter(table.name.schema for table in catalog.tables)
    kept = Counter(name.schema for name in inside)
    return tuple(
        LeftOut(schema, of[schema] - kept[schema], of[schema])
        for schema in sorted(of)
        if kept[schema] < of[schema]
    )


def _pattern(text: str) -> Pattern:
    try:
        pattern = Pattern(text)
        _ = pattern.pieces
    except ValueError as error:
        raise SelectionError(str(error)) from None
    return pattern


def _nothing(kind: str, text: str, names: Iterable[str]) -> SelectionError:
    known = sorted(names)
    bare = {split(name)[-1]: name for name in known}
    near = get_close_matches(text, [*known, *bare], n=1, cutoff=0.6)
    if near:
        advice = f"did you mean {bare.get(near[0], near[0])}?"
    elif not known:
        advice = f"the database has no {kind} that this role can see"
    else:
        advice = f"there are: {listed(known, 8)}"
    return SelectionError(f"no {kind} matches {text!r}", do=advice)
