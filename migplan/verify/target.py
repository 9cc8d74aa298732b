"""The whole of a verification: one moment of the target, and of the source where one is named."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from migplan.bundle.schema.expectation import attributes_in_target, catalog_in_target, left_out
from migplan.bundle.schema.roles import Owners
from migplan.catalog.attributes import WITHOUT_SCHEMA, Attributes, Thing
from migplan.catalog.model import Catalog
from migplan.catalog.provided import Provided, people_made
from migplan.catalog.read_attributes import read_attributes
from migplan.catalog.selection import Selection, select
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.read_again import retry_if_disturbed
from migplan.progress import Progress, no_progress
from migplan.verify import (
    attributes,
    content,
    keys,
    large_objects,
    materialized,
    provided,
    roles,
    sequence_values,
    structure,
)
from migplan.verify.expectation import Expectation, load
from migplan.verify.moment import Moment, moment
from migplan.verify.proved import Proofs
from migplan.verify.rebuilt import Rebuilt, rebuilt
from migplan.verify.spelling import Spelling
from migplan.verify.verification import Check, Hierarchy, Verification, not_compared


def verify_target(
    address: Address,
    folder: Path,
    source: Address | None = None,
    jobs: int = 2,
    on_progress: Progress = no_progress,
    scratch: Address | None = None,
    proofs: Proofs | None = None,
) -> Verification:
    """Compare a target with the bundle in a folder, and with the live source if there is one to ask.

    ``proofs`` is what a run proved of rows that came live, and no file has.

    ``scratch`` is a server of the target's version on which a database may be made, and dropped again;
    without one, a throwaway server is started where only a server can tell definitions apart.
    """
    expectation = load(folder)
    return retry_if_disturbed(
        lambda _: _verified(address, expectation, source, jobs, on_progress, scratch, proofs), on_progress
    )


def _verified(
    address: Address,
    expectation: Expectation,
    source: Address | None,
    jobs: int,
    on_progress: Progress,
    scratch: Address | None,
    proofs: Proofs | None,
) -> Verification:
    with ExitStack() as stack:
        on_progress("reading the target", 0, 0)
        target = stack.enter_context(moment(address, jobs))
        origin = stack.enter_context(moment(source, jobs)) if source is not None else None
        expectation = roles.with_owners(expectation, target)
        checks, notes = structure_of(expectation, target, origin, on_progress, scratch)
        rows = content.Content((), (), ())
        hierarchies: tuple[Check, ...] = ()
        found: tuple[Hierarchy, ...] = ()
        trusted = proofs is not None and proofs.fresh
        if expectation.with_rows:
            rows = content.compared(expectation, target, origin, on_progress, proofs)
            itself, found = keys.hierarchies(expectation, target, origin)
            filled, unknown = materialized.compared(expectation, target)
            large, bare = large_objects.compared(
                expectation, target, origin, on_progress, just_proved=trusted
            )
            hierarchies = (itself, sequence_values.compared(expectation, target, origin), filled, large)
            notes = (*notes, *unknown, *bare)
        made, lacking = roles.compared(expectation, target)
        notes = (*notes, *lacking)
        orphans, said = keys.without_orphans(expectation, target, on_progress, trusted=trusted)
        server = target.catalog.server
        every = (made, *checks, orphans, *hierarchies, *rows.checks)
        return Verification(
            bundle=expectation.manifest.name,
            target=address.in_short,
            source=source.in_short if source is not None else "",
            read_at=server.read_at,
            server=server.version_text,
            checks=tuple(check for check in every if check.of or check.differences),
            tables=rows.tables,
            hierarchies=found,
            notes=(*notes, *said, *rows.notes),
            not_compared=not_compared(roles=bool(made.of), large_objects=bool(expectation.large_objects)),
        )


def structure_of(
    expectation: Expectation,
    target: Moment,
    source: Moment | None,
    on_progress: Progress,
    scratch: Address | None,
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Objects against the bundle's, and against the source's of today where there is a source."""
    if not expectation.with_schema:
        return (), ("definitions were not compared: the bundle holds rows only",)

    @cache
    def rebuild() -> Rebuilt:
        on_progress("building the definitions on a scratch server", 0, 0)
        return rebuilt(expectation, target.catalog.server.major, scratch)

    spelling = Spelling(expectation.catalog, rebuild)
    versions = (expectation.manifest.postgresql, target.catalog.server.major)
    found = less_provided(target.catalog, expectation)
    checks, notes = structure.compared(expectation, expectation.catalog, found, versions, spelling)
    if source is not None:
        versions = (source.catalog.server.major, target.catalog.server.major)
        today = _today(expectation, less_provided(source.catalog, expectation))
        again, _ = structure.compared(expectation, today, found, versions, spelling)
        checks = _joined(checks, again)
    more, beyond = _attributes(expectation, target, source, rebuild)
    brought = provided.compared(expectation, target)
    return (*checks, brought, *more), (
        *notes,
        *beyond,
        *(_undecided(rebuild()) if spelling.undecided else ()),
    )


def less_provided(catalog: Catalog, expectation: Expectation) -> Catalog:
    """A catalog without what its database brings by itself, but for what is needed of that, or put on it."""
    brings = Provided.of(expectation.manifest.provides).as_preset()
    if not brings:
        return catalog
    needed = {table.name: {column.name for column in table.columns} for table in expectation.catalog.provided}
    selected = select(catalog, Selection(provided=brings)).catalog
    tables = (
        people_made(table, brings, needed[table.name]) for table in catalog.tables if table.name in needed
    )
    return replace(selected, provided=tuple(tables))


def _undecided(attempt: Rebuilt) -> tuple[str, ...]:
    """What would let the texts be told apart that could not be."""
    return (f"definitions could not all be compared: {attempt.why}; {attempt.do}",) if attempt.do else ()


def _attributes(
    expectation: Expectation, target: Moment, source: Moment | None, rebuild: Callable[[], Rebuilt]
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """What a catalog does not hold, likewise."""
    if expectation.attributes is None:
        return (), ("not compared: whatever no catalog holds, for an earlier migplan wrote the bundle",)
    manifest = expectation.manifest
    scope = attributes.scope_of(manifest)
    found = _of_others(read_attributes(target.session), expectation)
    checks, notes = attributes.compared(expectation.attributes, found, scope, lambda: rebuild().attributes)
    if source is not None:
        now = attributes_in_target(
            read_attributes(source.session),
            _today(expectation, source.catalog),
            [moved.named for moved in manifest.objects],
            Owners(kept=manifest.keeps_owners, roles=manifest.roles),
        )
        again, _ = attributes.compared(now, found, scope, lambda: rebuild().attributes)
        checks = _joined(checks, again)
    return checks, notes


def _of_others(found: Attributes, expectation: Expectation) -> Attributes:
    """The attributes of all that the target does not bring by itself."""
    brings = Provided.of(expectation.manifest.provides)

    def theirs(thing: Thing) -> bool:
        if thing.kind in WITHOUT_SCHEMA:
            return brings.entry(thing.kind.upper(), "", thing.address[0])
        return brings.relation(QualifiedName(thing.address[0], thing.address[1]))

    if not brings:
        return found
    return replace(found, things={thing: each for thing, each in found.things.items() if not theirs(thing)})


def _today(expectation: Expectation, catalog: Catalog) -> Catalog:
    """The source as it is now, as the bundle's choices would have it in the target."""
    then = expectation.catalog
    manifest = expectation.manifest
    owners = Owners(kept=manifest.keeps_owners, roles=manifest.roles)
    now = catalog_in_target(catalog, left_out(manifest), owners)
    same: dict[str, Any] = {name: _known(getattr(then, name), getattr(now, name)) for name in _NAMED}
    ours = {grant.on for grant in then.grants}
    return replace(now, grants=tuple(grant for grant in now.grants if grant.on in ours), **same)


_NAMED = ("provided", "schemas", "tables", "sequences", "views", "functions", "types", "extensions")


def _known(then: Iterable[Any], now: Iterable[Any]) -> tuple[Any, ...]:
    """Of what there is now, what the bundle has; what went since then stands as it was."""
    here = {_identity(thing): thing for thing in now}
    return tuple(here.get(_identity(thing), thing) for thing in then)


def _identity(thing: object) -> tuple[object, object]:
    return getattr(thing, "name"), getattr(thing, "arguments", "")  # noqa: B009


def _joined(checks: tuple[Check, ...], more: tuple[Check, ...]) -> tuple[Check, ...]:
    """Both comparisons as one: what differs from the source alone is said so."""
    others = {check.name: check for check in more}
    joined = []
    for check in checks:
        said = {str(each) for each in check.differences}
        other = others.get(check.name, check)
        new = tuple(
            replace(each, detail=f"{each.detail} (source of today)".strip())
            for each in other.differences
            if str(each) not in said
        )
        joined.append(
            replace(check, right=min(check.right, other.right), differences=check.differences + new)
        )
    return tuple(joined)
