"""Foreign keys: no row that refers to nothing, and hierarchies of the same shape."""

from collections.abc import Iterable, Iterator

from migplan.bundle.data.self_references import Shape, own_keys, shapes
from migplan.bundle.manifest import LoadedTable, SelfReference
from migplan.catalog.model import ForeignKey
from migplan.catalog.orphans import Orphans, find_orphans
from migplan.progress import Progress
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference, Hierarchy

_LEVELS = 4  # of a hierarchy, that a message has one by one


def without_orphans(
    expectation: Expectation, target: Moment, on_progress: Progress, *, trusted: bool = False
) -> tuple[Check, tuple[str, ...]]:
    """Every key of the bundle that the target has, valid or not, looked at row by row.

    ``trusted``: but for those that the server calls valid, which it has just looked at itself.
    """
    here = {(key.table, key.name): key for key in target.catalog.foreign_keys}
    expected = [key for key in _keys(expectation) if (key.table, key.name) in here]
    found = find_orphans(
        target.session,
        [
            each
            for each in (here[key.table, key.name] for key in expected)
            if not (trusted and each.validated)
        ],
        lambda *at: on_progress("looking for orphans", *at),
    )
    broken = {(orphans.key.table, orphans.key.name): orphans for orphans in found}
    carried = {each.key: each.rows for each in expectation.manifest.carried}
    differences, notes = [], []
    for key in expected:
        orphans = broken.get((key.table, key.name))
        if orphans is None:
            continue
        if orphans.unread:
            notes.append(f"orphans of {key.name}: {orphans.unread}")
        elif not key.validated and orphans.rows <= carried.get(key.label, orphans.rows):
            rows = "row breaks" if orphans.rows == 1 else "rows break"
            state = "NOT VALID" if key.enforced else "NOT ENFORCED"
            notes.append(f"{orphans.rows:,} {rows} {key.name}, which is {state}, as in the bundle")
        else:
            differences.append(_difference(orphans))
    check = Check("Orphans", len(expected) - len(differences), len(expected), tuple(differences))
    return check, tuple(notes)


def _keys(expectation: Expectation) -> Iterable[ForeignKey]:
    """The keys that the bundle makes, or that its rows must keep to."""
    if expectation.with_schema:
        return expectation.catalog.foreign_keys
    families = {name for family in expectation.families.values() for name in family}
    return (key for key in expectation.catalog.foreign_keys if key.table in families)


def _difference(orphans: Orphans) -> Difference:
    rows = "row refers" if orphans.rows == 1 else "rows refer"
    values = tuple(f"({', '.join(sample)})" for sample in orphans.samples)
    return Difference(orphans.key.label, f"{orphans.rows:,} {rows} to nothing", values)


def hierarchies(
    expectation: Expectation, target: Moment, source: Moment | None
) -> tuple[Check, tuple[Hierarchy, ...]]:
    """Roots, linked rows, and how deep they stand, of tables that refer to themselves."""
    catalog = expectation.catalog
    loaded = expectation.loaded
    live = expectation.manifest.is_live  # then the source alone says how the rows are to hang together
    edited = expectation.manifest.edited_tables
    names = [name for name in own_keys(catalog) if name in loaded and str(name) not in edited]
    names = names if source is not None or not live else []
    here = shapes(target.session, catalog, names)
    there = shapes(source.session, catalog, names) if source is not None else {}
    differences = []
    for name in names:
        what = f"self-references of {name}"
        found = here.get(name)
        if found is None:
            differences.append(Difference(what, "not read in the target", known=False))
            continue
        then = there.get(name) or _promised(loaded[name])
        if then is not None:
            differences += [Difference(what, each) for each in _shape_differs(then, found)]
        elif live:
            differences.append(Difference(what, "not read in the source", known=False))
        elif found.roots + found.linked != loaded[name].rows:
            differences.append(Difference(what, f"{_shown(found)}, not {loaded[name].rows:,} in all"))
    wrong = len({each.what for each in differences})
    check = Check("Self-references", len(names) - wrong, len(names), tuple(differences))
    return check, tuple(Hierarchy(str(name), each.roots, each.linked) for name, each in here.items())


def _promised(table: LoadedTable) -> Shape | None:
    """What the export counted; None in bundles of an earlier migplan."""
    if table.roots is None:
        return None
    return Shape(table.roots, table.rows - table.roots, table.self_references)


def _shape_differs(then: Shape, found: Shape) -> Iterator[str]:
    """Yield the keys whose hierarchies differ; if none does, a difference of all roots together."""
    before = {(each.table, each.key): each for each in then.references}
    changed = [
        (before[each.table, each.key], each)
        for each in found.references
        if (each.table, each.key) in before and each != before[each.table, each.key]
    ]
    for one, other in changed:
        yield f"by {other.key}: {_levels(other)}, not {_levels(one)}"
    if not changed and (then.roots, then.linked) != (found.roots, found.linked):
        yield f"{_shown(found)}, not {_shown(then)}"


def _levels(reference: SelfReference) -> str:
    """``3 roots, 6 and 12 below``; of deep hierarchies the first levels."""
    roots, *below = reference.levels or (0,)
    said = " and ".join(f"{number:,}" for number in below[:_LEVELS]) or "none"
    more = f" and {sum(below[_LEVELS:]):,} further down" if len(below) > _LEVELS else ""
    loops = f", {reference.unreached:,} in loops" if reference.unreached else ""
    return f"{_roots(roots)}, {said} below{more}{loops}"


def _shown(shape: Shape) -> str:
    return f"{_roots(shape.roots)}, {shape.linked:,} linked, {shape.roots + shape.linked:,} in all"


def _roots(number: int) -> str:
    return f"{number:,} root{'' if number == 1 else 's'}"
