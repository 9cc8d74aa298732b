"""Selecting part of a database: schemas and tables by pattern, and what that leaves out."""

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from migplan.catalog.attributes import WITHOUT_SCHEMA, Attributes, Thing
from migplan.catalog.model import Catalog, ForeignKey, Grant, Table, View
from migplan.catalog.provided import Provided, people_made
from migplan.errors import SelectionError
from migplan.names import Pattern, QualifiedName, by_any_name, part_matches, quoted
from migplan.text.wording import did_you_mean, listed, nearest


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns as people write them. Nothing said means everything."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    provided: Provided = Provided()


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
    provided: tuple[QualifiedName, ...] = ()  # tables that the target brings by itself
    provides: Provided = Provided()


def select(catalog: Catalog, selection: Selection, also: Collection[QualifiedName] = frozenset()) -> Selected:
    """The part of the catalog that the selection means, and the tables ``also``.

    A partitioned table goes with its partitions, in whatever schemas they are: its own name decides.
    What the target provides is no part of it, but for the columns that keys refer to, and for triggers and
    policies of people's own on it (``Catalog.provided``). A pattern that matches nothing is a SelectionError:
    it is a mistake far more often than a wish.
    """
    provided = _with_partitions(selection.provided, catalog)
    selection = replace(selection, provided=provided)
    _refuse_unknown(catalog, provided)
    for pattern in selection.schemas:
        if not any(part_matches(pattern, schema.name) for schema in catalog.schemas):
            raise _nothing("schema", pattern, {each.name: quoted(each.name) for each in catalog.schemas})
    for text in (*selection.tables, *selection.exclude):
        pattern_ = _pattern(text)
        if not any(pattern_.matches(table.name) for table in catalog.tables):
            raise _no_table(pattern_, catalog)
        _refuse_to_divide(pattern_, catalog)
    for text in selection.tables:
        _refuse_provided(Pattern(text), catalog, provided)
    theirs = {table.name for table in catalog.tables if provided.relation(catalog.tops[table.name])}
    tops = chosen_tops(catalog, selection) | set(also)
    inside = {name for name, top in catalog.tops.items() if name not in theirs and top in tops}
    known = inside | theirs
    return Selected(
        catalog=_restricted(catalog, inside, selection),
        left_out=_left_out(catalog, inside, theirs),
        arriving=tuple(
            key for key in catalog.foreign_keys if key.table not in known and key.referenced in inside
        ),
        provided=tuple(sorted(theirs)),
        provides=provided,
    )


def chosen_tops(catalog: Catalog, selection: Selection) -> set[QualifiedName]:
    """The tables that the selection means, whatever the target provides; each with its partitions."""
    tables, exclude = ([Pattern(text) for text in texts] for texts in (selection.tables, selection.exclude))
    return {
        top
        for top in set(catalog.tops.values())
        if (not selection.schemas or any(part_matches(text, top.schema) for text in selection.schemas))
        and (not tables or any(pattern.matches(top) for pattern in tables))
        and not any(pattern.matches(top) for pattern in exclude)
    }


def excluded(catalog: Catalog, selection: Selection) -> frozenset[QualifiedName]:
    """The tables that the selection leaves out by name, with their partitions."""
    patterns = [Pattern(text) for text in selection.exclude]
    return frozenset(
        name for name, top in catalog.tops.items() if any(pattern.matches(top) for pattern in patterns)
    )


def schemas_of(catalog: Catalog, selection: Selection) -> frozenset[str] | None:
    """The schemas that the selection means, with all that is in them; None where it names none."""
    if not selection.schemas:
        return None
    return frozenset(
        schema.name
        for schema in catalog.schemas
        if any(part_matches(pattern, schema.name) for pattern in selection.schemas)
    )


def _with_partitions(provided: Provided, catalog: Catalog) -> Provided:
    """Return patterns that mean the partitions of provided tables as well, in whatever schemas they are."""
    names = tuple(
        str(name)
        for name, top in catalog.tops.items()
        if provided.relation(top) and not provided.relation(name)
    )
    return replace(provided, objects=(*provided.objects, *names)) if names else provided


def _refuse_unknown(catalog: Catalog, provided: Provided) -> None:
    """Refuse patterns of what is provided that people wrote, and that mean nothing in the database."""
    schemas = [schema.name for schema in catalog.schemas]
    extensions = [extension.name for extension in catalog.extensions]
    for kind, patterns, names in (
        ("schema", provided.schemas, schemas),
        ("extension", provided.extensions, extensions),
        (
            "schema, extension or role",
            provided.names,
            [*schemas, *extensions, *catalog.signs.roles, *catalog.signs.others],
        ),
    ):
        for text in patterns:
            if text not in provided.optional and not any(part_matches(text, name) for name in names):
                raise _nothing(kind, text, {name: quoted(name) for name in names})
    objects = [name for name, _ in _named(catalog)]
    in_schemas = [text for text in provided.objects if len(Pattern(text).pieces) == 2]
    for text in (*in_schemas, *provided.policies):
        if text not in provided.optional and not any(map(Pattern(text).matches, objects)):
            raise _nothing("object", text, by_any_name(objects))


def _named(catalog: Catalog) -> Iterator[tuple[QualifiedName, str]]:
    """The names of everything that has a schema, and what each is."""
    yield from ((name, "table") for name in catalog.by_name)
    yield from ((view.name, f"{'materialized ' if view.materialized else ''}view") for view in catalog.views)
    yield from ((sequence.name, "sequence") for sequence in catalog.sequences)
    yield from ((each.name, each.kind.removeprefix("window ")) for each in catalog.functions)
    yield from ((each.name, "domain" if each.kind == "domain" else "type") for each in catalog.types)


def _refuse_provided(pattern: Pattern, catalog: Catalog, provided: Provided) -> None:
    """Refuse tables that are chosen by name, and that the target brings."""
    meant = {catalog.tops[name] for name in catalog.by_name if pattern.matches(name)}
    if meant and all(provided.relation(name) for name in meant):
        shown = listed(sorted(meant))
        raise SelectionError(
            f"{pattern.text!r} means what the target provides: {shown}",
            do=f"a bundle of their rows alone is written by: migplan export --rows-of {pattern.text}",
        )


def narrowed(selected: Selected, selection: Selection) -> Selected:
    """Return the part of what is selected that other patterns mean; what the target provides stays said."""
    exclude = tuple(  # a pattern of provided tables alone has nothing left to leave out
        text
        for text in selection.exclude
        if any(map(_pattern(text).matches, selected.catalog.by_name))
        or not any(map(_pattern(text).matches, selected.provided))
    )
    part = select(selected.catalog, replace(selection, exclude=exclude))
    return replace(
        part,
        catalog=replace(part.catalog, provided=selected.catalog.provided),
        left_out=(*selected.left_out, *part.left_out),
        provided=selected.provided,
        provides=selected.provides,
    )


def only(selected: Selected, tables: Collection[QualifiedName]) -> Selected:
    """Return the part of what is selected that consists of these tables, their partitions and schemas."""
    catalog = selected.catalog
    part = part_of(catalog, tables)
    inside = set(part.by_name)
    return Selected(
        catalog=part,
        left_out=(*selected.left_out, *_left_out(catalog, inside, set())),
        arriving=tuple(
            key for key in catalog.foreign_keys if key.table not in inside and key.referenced in inside
        ),
        provided=selected.provided,
        provides=selected.provides,
    )


def part_of(catalog: Catalog, tables: Collection[QualifiedName]) -> Catalog:
    """Return the catalog of these tables, their partitions, and what else is in their schemas."""
    inside = {table.name for table in catalog.tables if catalog.tops[table.name] in tables}
    return replace(_restricted(catalog, inside, Selection(tables=("*",))), provided=catalog.provided)


def without(catalog: Catalog, provided: Provided) -> Catalog:
    """Return the catalog without what the target provides, as :func:`select` would have left it."""
    inside = {table.name for table in catalog.tables if not provided.relation(catalog.tops[table.name])}
    part = _restricted(catalog, inside, Selection(provided=provided))
    found = {table.name: table for table in (*catalog.provided, *part.provided)}
    return replace(part, provided=tuple(found[name] for name in sorted(found)))


def _refuse_to_divide(pattern: Pattern, catalog: Catalog) -> None:
    """A pattern that means partitions alone cannot be followed, since these go with their table."""
    tops = {catalog.tops[table.name] for table in catalog.tables if pattern.matches(table.name)}
    if not any(pattern.matches(top) for top in tops):
        raise SelectionError(
            f"{pattern.text!r} means partitions alone, and they go with their table",
            do=f"name the whole of it: {', '.join(map(str, sorted(tops)))}",
        )


def _restricted(catalog: Catalog, inside: set[QualifiedName], selection: Selection) -> Catalog:
    provided = selection.provided
    if len(inside) == len(catalog.tables) and not selection.schemas and not provided:
        return catalog
    everything = not (selection.schemas or selection.tables or selection.exclude)
    schemas = {schema.name for schema in catalog.schemas} if everything else {name.schema for name in inside}
    schemas = {name for name in schemas if not provided.schema(name)}
    if selection.schemas and not selection.tables:
        named = schemas_of(catalog, selection) or ()
        schemas |= {name for name in named if not provided.schema(name)}

    def ours(thing: object) -> bool:
        name: QualifiedName = getattr(thing, "name")  # noqa: B009 - each of several kinds has it
        return name.schema in schemas and not provided.relation(name)

    owners = {table.owner for table in catalog.tables if table.name in inside}
    chosen = replace(
        catalog,
        schemas=tuple(schema for schema in catalog.schemas if schema.name in schemas),
        tables=tuple(table for table in catalog.tables if table.name in inside),
        sequences=tuple(
            sequence
            for sequence in catalog.sequences
            if (sequence.owned_by in inside if sequence.owned_by else ours(sequence))
        ),
        views=tuple(filter(ours, catalog.views)),
        functions=tuple(filter(ours, catalog.functions)),
        types=tuple(filter(ours, catalog.types)),
        extensions=tuple(each for each in catalog.extensions if not provided.extension(each.name)),
        grants=tuple(
            grant
            for grant in catalog.grants
            if _stays(grant, inside, schemas) and not _is_provided(grant, provided, owners)
        ),
        provided=tuple(_provided_tables(catalog, inside, provided)),
    )
    if catalog.attributes is None:
        return chosen
    return replace(chosen, attributes=_attributes(catalog.attributes, chosen, schemas, provided))


def _attributes(attributes: Attributes, chosen: Catalog, schemas: set[str], provided: Provided) -> Attributes:
    """Return the attributes of what was selected, and of all that is in no schema."""
    relations: tuple[Table | View, ...] = (*chosen.tables, *chosen.views)
    known = {(each.name.schema, each.name.name) for each in (*relations, *chosen.sequences)}
    known |= {(each.name.schema, index.name) for each in relations for index in each.indexes}
    published = {".".join(address) for address in known}

    def stays(thing: Thing) -> bool:
        if thing.kind == "publication" and thing.part_kind in ("table", "schema"):
            return thing.part in (published if thing.part_kind == "table" else schemas)
        if thing.kind in WITHOUT_SCHEMA - {"schema"}:
            return not provided.entry(thing.kind.upper(), "", " ".join(thing.address))
        if thing.kind == "schema" or len(thing.address) < 2:
            return thing.address[0] in schemas
        if provided.relation(QualifiedName(*thing.address[:2])):
            return False
        return thing.address in known if thing.kind in _RELATIONS else thing.address[0] in schemas

    things = {thing: values for thing, values in attributes.things.items() if stays(thing)}
    return replace(attributes, things=things)


_RELATIONS = frozenset({"table", "view", "materialized view", "index", "sequence"})


def _provided_tables(catalog: Catalog, inside: set[QualifiedName], provided: Provided) -> Iterable[Table]:
    """Provided tables, as far as something of ours is on them or refers to them."""
    referred: dict[QualifiedName, set[str]] = {}
    for key in catalog.foreign_keys:
        if key.table in inside:
            referred.setdefault(key.referenced, set()).update(key.referenced_columns)
    for table in catalog.tables:
        if provided.relation(catalog.tops[table.name]):
            reduced = people_made(table, provided, referred.get(table.name, set()))
            if reduced.columns or reduced.triggers or reduced.policies:
                yield reduced


def _is_provided(grant: Grant, provided: Provided, owners: set[str]) -> bool:
    """Whether a privilege is the target's own: on what it provides, or one that its roles give by default."""
    if grant.kind == "schema":
        return provided.schema(grant.schema)
    if grant.kind == "default privileges":
        its_own = provided.role(grant.of_role) and grant.of_role not in owners
        return its_own or (bool(grant.schema) and provided.schema(grant.schema))
    return provided.relation(QualifiedName(grant.schema, grant.object))


def _stays(grant: Grant, inside: set[QualifiedName], schemas: set[str]) -> bool:
    """Whether a privilege is one on what is selected. Default ones for every schema are nobody's own."""
    if grant.kind in ("table", "column") and QualifiedName(grant.schema, grant.object) not in inside:
        return False
    return not grant.schema or grant.schema in schemas


def _left_out(
    catalog: Catalog, inside: set[QualifiedName], provided: set[QualifiedName]
) -> tuple[LeftOut, ...]:
    of = Counter(table.name.schema for table in catalog.tables if table.name not in provided)
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
        raise SelectionError(
            str(error),
            do="put double quotes around a part that has dots or quotes in it, as in: '\"my.schema\".orders'",
        ) from None
    return pattern


def _no_table(pattern: Pattern, catalog: Catalog) -> SelectionError:
    """A pattern that means no table; it may mean something else, which does not come by that way."""
    text, tables = pattern.text, by_any_name(catalog.by_name)
    kinds = {name: kind for name, kind in _named(catalog) if kind != "table"}
    for name, kind in kinds.items():
        if pattern.matches(name):
            schema, without = shlex.quote(quoted(name.schema)), shlex.quote(kind.upper())
            return SelectionError(
                f"no table matches {text!r}: {name} is a {kind}, and tables alone are chosen by name",
                do=f"--schema {schema} brings all of its schema, and migplan export --with-needed what "
                f"tables need; migplan export --without {without} leaves out all of its kind",
            )
    others = by_any_name(kinds)
    if (near := nearest(text, others)) and not nearest(text, tables):
        return SelectionError(f"no table matches {text!r}", do=f"did you mean {others[near]}? It is no table")
    return _nothing("table", text, tables)


def _nothing(kind: str, text: str, known: Mapping[str, str]) -> SelectionError:
    """A pattern that means nothing; ``known`` is how each thing is shown, by each way to write it."""
    none = f"the database has no {kind} that this role can see"
    return SelectionError(f"no {kind} matches {text!r}", do=did_you_mean(text, known) if known else none)
