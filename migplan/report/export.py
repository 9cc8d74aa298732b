"""A bundle for people: what was written, or would be, and what stayed behind."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from migplan.bundle.data.orphan_keys import OrphansError
from migplan.bundle.manifest import LeftObject, Manifest
from migplan.bundle.schema.provided import REASON
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName, parse
from migplan.plan.model import Plan
from migplan.postgres.archive import TABLES
from migplan.report.section import section
from migplan.run.bundle.receipt import Uses
from migplan.text.wording import amount, counted, listed

_SHOWN, _NAMED = 12, 3
_ABOUT_A_TABLE = re.compile(r"table (?P<table>.*) is (?P<how>not selected|excluded)", re.DOTALL)
_KEY = "FK CONSTRAINT"

# What goes with its table, which is named.
_PARTS = frozenset(
    {
        *("CHECK CONSTRAINT", "CONSTRAINT", "DEFAULT", "FK CONSTRAINT", "INDEX", "INDEX ATTACH", "POLICY"),
        *("ROW SECURITY", "RULE", "SEQUENCE OWNED BY", "STATISTICS", "TABLE ATTACH", "TRIGGER"),
    }
)

# What `migplan advise` says, too.
_ADVICE = re.compile(r"(note|warning|error) MP\d{3}, ")

# Left out of every bundle, because each file or the target has its own.
_MATTERS_TO_NOBODY = frozenset({"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE"})

# These go with their object, which is named.
_GO_WITH_OTHERS = frozenset({"COMMENT", "ACL", "SECURITY LABEL"})


def written(folder: Path, manifest: Manifest, *, stays: bool = True) -> Iterator[Text]:
    """The files, then what people have to know, and where to go on if the bundle stays."""
    size = sum(file.bytes for file in manifest.files)
    yield Text(
        f"{folder}: {counted(len(manifest.files), 'file')}, {manifest.about(manifest.rows)}, {amount(size)}; "
        f"{manifest.database} as it was at {manifest.origin.snapshot_at}"
        + (", and its rows as they are when the bundle runs" if manifest.is_live else ""),
        style="bold",
    )
    width = max((len(file.file) for file in manifest.files), default=0)
    objects = Counter(moved.file for moved in manifest.objects)
    for file in manifest.files:
        if file.large_objects:
            holds = counted(len(file.large_objects), "large object")
        elif file.phase == "data":
            holds = manifest.about(file.rows)
        else:
            holds = counted(objects[file.file], "role" if file.phase == "roles" else "object")
        yield Text(f"  {file.file:{width}}  {holds:>14}  {amount(file.bytes):>9}")
    yield from to_know(manifest)
    if stays:
        yield Text()
        yield Text(f"Read it with: migplan check {folder}")
        if manifest.is_live:
            yield Text(f"Run it with: migplan apply {folder} --source SOURCE --target TARGET")


def to_know(manifest: Manifest, *, advice: bool = True) -> Iterator[Text]:
    """What people have to know of a bundle: what it lacks, or has beside, and why; and ``advice``."""
    shown = _MATTERS_TO_NOBODY | _GO_WITH_OTHERS
    left = [each for each in manifest.left_out if each.kind not in shown]
    keys = [
        each for each in left if each.kind == _KEY and each.why != REASON and not _goes_with_its_table(each)
    ]
    more = ", all in the manifest"
    yield from section("Taken along", _taken_along(manifest), _SHOWN, more)
    yield from section("Keys left out", (f"{each.name}: {each.why}" for each in keys), _SHOWN, more)
    others = [each for each in left if each not in keys]
    reasons = _reasons(others) if manifest.contents != "data" else _beside_rows(others)
    yield from section("Left out", reasons, _SHOWN, more)
    yield from section("Rows that stay behind", _staying(manifest), _SHOWN, more)
    yield from section("Sequences", _sequences(manifest), _SHOWN, more)
    notes = [each for each in manifest.notes if advice or not _ADVICE.match(each)]
    yield from section("To know", notes, _SHOWN, ", all in the manifest")


def _goes_with_its_table(key: LeftObject) -> bool:
    """Whether a key is left out because its own table is, and not the one that it refers to."""
    about = _ABOUT_A_TABLE.fullmatch(key.why)
    table = parse(about["table"]) if about else None
    return table is not None and table.schema == key.in_schema and key.name.startswith(f"{table.name} ")


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


def unchanged(folder: Path, digest: str, uses: Uses, *, signed: bool) -> Text:
    """That the bundle which stood in the folder is the new one, too, with all that is known of it."""
    known = [
        *([f"applied to {', '.join(uses.targets)}"] if uses.targets else []),
        *([counted(uses.rehearsals, "rehearsal")] if uses.rehearsals else []),
        *(["its signature"] if signed else []),
    ]
    return Text(
        f"Nothing has changed since {folder} was exported: it stays as it is, digest {digest[:16]}"
        + (f" ({', '.join(known)})" if known else ""),
        style="green",
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
    plan: Plan, graph: ForeignKeyGraph, folder: Path, beside: Sequence[str], contents: str, *, live: bool
) -> Iterator[Text]:
    """What an export would write, by the planner's estimates."""
    names = graph.by_text
    yield Text(f"{folder} would {'bring' if live else 'hold'}, by estimate:", style="bold")
    for group in plan.groups:
        size = sum(
            graph.tables[names[table.table]].table_bytes or 0 for table in group.tables if table.brings_rows
        )
        if contents != "data":
            yield Text(f"  {group.schema_file}: {counted(len(group.tables), 'table')}")
        if contents != "schema":
            come = ", live from the source" if live else ""
            yield Text(f"  {group.data_file}: {counted(group.rows, 'row')}, about {amount(size)}{come}")
        if contents != "data" and group.constraints_file:
            yield Text(f"  {group.constraints_file}: keys, indexes, triggers")
    for line in beside:
        yield Text(f"  {line}")
    yield Text("Nothing was written.")


def _taken_along(manifest: Manifest) -> Iterator[str]:
    """What others need: tables with their rows, and by kind whatever else has a name of its own."""
    rows = {table.table: table.rows for table in manifest.tables}
    others: dict[str, list[str]] = {}
    for each in manifest.taken_along:
        table = str(QualifiedName(each.in_schema, each.name))
        if each.kind in TABLES:
            yield f"{each}: {manifest.about(rows[table])}" if table in rows else str(each)
        elif each.kind not in _PARTS | _GO_WITH_OTHERS:
            others.setdefault(each.kind, []).append(
                f"{each.in_schema}.{each.name}" if each.in_schema else each.name
            )
    for kind, names in others.items():
        yield f"{kind}: {listed(names, _NAMED)}"


def _reasons(left: Sequence[LeftObject]) -> Iterator[str]:
    """What was left out by reason; many for the same reason on one line, counted."""
    tables: dict[str, dict[str, None]] = {}
    by_reason: dict[str, list[str]] = {}
    for each in left:
        if about := _ABOUT_A_TABLE.fullmatch(each.why):
            tables.setdefault(about["how"], {})[about["table"]] = None
        else:
            by_reason.setdefault(each.why, []).append(str(each))
    for how, names in tables.items():
        them = "it" if len(names) == 1 else "them"
        yield f"{counted(len(names), 'table')} {how}, and what belongs to {them}: {listed(names, _NAMED)}"
    for why, found in by_reason.items():
        many = f"{len(found):,} objects, {why}" if len(found) > _NAMED else why
        yield f"{many}: {listed(found, _NAMED)}"


def _beside_rows(left: Sequence[LeftObject]) -> Iterator[str]:
    """What a bundle of rows alone leaves out: definitions, as is said of it, and other tables, counted."""
    found = Counter(
        about["how"] for each in left if each.kind in TABLES and (about := _ABOUT_A_TABLE.fullmatch(each.why))
    )
    tables = (f"{counted(number, 'table')} {how}" for how, number in found.items())
    yield ", ".join(["all definitions", *tables])


def _staying(manifest: Manifest) -> Iterator[str]:
    """Tables that are made and stay empty, with the reason that the plan gives."""
    for table in manifest.tables:
        if not table.brings_rows:
            yield f"{table.table}: {table.reason}" if table.reason else table.table


def _sequences(manifest: Manifest) -> Iterator[str]:
    if manifest.sequences:
        names = listed((sequence.sequence for sequence in manifest.sequences), _NAMED)
        yield f"{counted(len(manifest.sequences), 'sequence')} set to the value of the source: {names}"
    at_start = [str(each) for each in manifest.objects if each.kind == "SEQUENCE"]
    if manifest.contents == "schema" and at_start:
        names = listed(at_start, _NAMED)
        yield f"{counted(len(at_start), 'sequence')} not set, for no rows are brought: {names}"
