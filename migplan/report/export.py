"""A bundle for people: what was written, or would be, and what stayed behind."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from migplan.bundle.data.orphan_keys import OrphansError
from migplan.bundle.manifest import LeftObject, Manifest
from migplan.graph import ForeignKeyGraph
from migplan.plan.model import Plan
from migplan.report.section import section
from migplan.run.bundle.receipt import Uses
from migplan.text.wording import amount, counted, listed

_SHOWN = 12

# Left out of every bundle, because each file or the target has its own.
_MATTERS_TO_NOBODY = frozenset({"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE"})

# These go with their object, which is named.
_GO_WITH_OTHERS = frozenset({"COMMENT", "ACL", "SECURITY LABEL"})


def written(folder: Path, manifest: Manifest, *, stays: bool = True) -> Iterator[Text]:
    """The files, then what people have to know, and where to go on if the bundle stays."""
    size = sum(file.bytes for file in manifest.files)
    yield Text(
        f"{folder}: {counted(len(manifest.files), 'file')}, {counted(manifest.rows, 'row')}, {amount(size)}; "
        f"{manifest.database} as it was at {manifest.origin.snapshot_at}",
        style="bold",
    )
    width = max((len(file.file) for file in manifest.files), default=0)
    objects = Counter(moved.file for moved in manifest.objects)
    for file in manifest.files:
        if file.large_objects:
            holds = counted(len(file.large_objects), "large object")
        elif file.phase == "data":
            holds = counted(file.rows, "row")
        else:
            holds = counted(objects[file.file], "role" if file.phase == "roles" else "object")
        yield Text(f"  {file.file:{width}}  {holds:>14}  {amount(file.bytes):>9}")
    left = [each for each in manifest.left_out if each.kind not in _MATTERS_TO_NOBODY | _GO_WITH_OTHERS]
    yield from section("Left out", _reasons(left), _SHOWN, ", all in the manifest")
    yield from section("To know", manifest.notes, _SHOWN, ", all in the manifest")
    if stays:
        yield Text()
        yield Text(f"Read it with: migplan check {folder}")


def replaced(digest: str, uses: Uses, kept: Path | None) -> Iterator[Text]:
    """What became of the bundle that stood in the folder before, and that somebody needs."""
    if kept is not None:
        yield Text(
            f"The bundle that stood here ({digest[:8]}) was applied to {', '.join(uses.targets)}. "
            f"It is kept as {kept}: remove it when no target needs it any more.",
            style="yellow",
        )
    else:
        rehearsed = counted(uses.rehearsals, "rehearsal")
        yield Text(
            f"The bundle that stood here ({digest[:8]}) is overwritten: {rehearsed} of it, and no run on a "
            "target that is still there. Its receipts do not count for this one.",
            style="yellow",
        )


def orphaned(error: OrphansError) -> Iterator[Text]:
    """The keys that rows break, how to find the rows, and what can be done; nothing was written."""
    yield Text(error.what, style="bold")
    for found in error.orphans:
        samples = "; ".join(", ".join(values) for values in found.orphans.samples)
        rows = counted(found.orphans.rows, "row")
        yield Text(f"  {found.orphans.key.label}: {rows}, such as {samples}")
        yield Text(f"    {found.query}", style="dim")
    yield Text("Nothing was written.")
    yield Text(f"  -> {error.do}", style="dim")


def foreseen(
    plan: Plan, graph: ForeignKeyGraph, folder: Path, beside: Sequence[str], contents: str
) -> Iterator[Text]:
    """What an export would write, by the planner's estimates."""
    names = graph.by_text
    yield Text(f"{folder} would hold, by estimate:", style="bold")
    for group in plan.groups:
        size = sum(
            graph.tables[names[table.table]].table_bytes or 0 for table in group.tables if table.brings_rows
        )
        if contents != "data":
            yield Text(f"  {group.schema_file}: {counted(len(group.tables), 'table')}")
        if contents != "schema":
            yield Text(f"  {group.data_file}: {counted(group.rows, 'row')}, about {amount(size)}")
        if contents != "data" and group.constraints_file:
            yield Text(f"  {group.constraints_file}: keys, indexes, triggers")
    for line in beside:
        yield Text(f"  {line}")
    yield Text("Nothing was written.")


def _reasons(left: Sequence[LeftObject]) -> Iterator[str]:
    """What was left out by reason; many for the same reason on one line."""
    by_reason: dict[str, list[str]] = {}
    for each in left:
        by_reason.setdefault(each.why, []).append(str(each))
    for why, names in by_reason.items():
        yield f"{listed(names, 3)}: {why}"
