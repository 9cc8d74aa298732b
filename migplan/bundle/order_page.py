"""``MIGRATION_ORDER.md``: what to run in which order, what to expect of it, and how to go back."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from migplan.bundle.manifest import BundleFile, Manifest
from migplan.config import Layout
from migplan.plan.model import Plan, PlannedGroup
from migplan.sql.text import one_line
from migplan.text.printable import printable
from migplan.text.wording import counted

_LAYOUTS = {
    Layout.AFTER_DATA: "Keys, indexes, triggers and policies are created after the rows.",
    Layout.WITH_SCHEMA: "Keys, indexes, triggers and policies are live while the rows come in.",
}
_WHAT = {
    "roles": "roles that are missing",
    "schema": "definitions",
    "data": "rows",
    "constraints": "indexes, keys, triggers, policies",
}
_ROLLBACKS = {
    "all": "What the files made is dropped, and every row in it is lost, also those that came later.",
    "schema": "What the files made is dropped, and every row that came since is lost.",
    "data": "The tables that the files filled are emptied, of rows that were there before, too.",
}
_SHOWN = 20

# Left out of every bundle, because each file or the target has its own.
_MATTERS_TO_NOBODY = frozenset({"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE"})


def order_page(manifest: Manifest, plan: Plan, tree: Sequence[str] = ()) -> str:
    """Return the page as Markdown; ``tree`` has the lines of the dependency tree, if it is to be shown."""
    sections: Sequence[tuple[str, Callable[[], Iterator[str]]]] = (
        ("Run", lambda: _run(manifest)),
        ("Files", lambda: _files(manifest)),
        ("Groups", lambda: _groups(manifest, plan)),
        ("What needs what", lambda: _block("text", tree)),
        ("Cycles", lambda: _cycles(plan)),
        ("Validate", lambda: _validate(manifest)),
        ("Roll back", lambda: _roll_back(manifest)),
        ("Taken along", lambda: (f"- {_text(str(each))}" for each in manifest.taken_along)),
        ("Left out", lambda: _left_out(manifest, plan)),
        ("Rows that stay behind", lambda: _staying(manifest)),
        ("Sequences", lambda: _sequences(manifest)),
        ("Notes", lambda: (f"- {_text(note)}" for note in manifest.notes)),
    )
    lines = list(_opening(manifest, plan))
    for title, content in sections:
        found = list(content())
        if found:
            lines += ["", f"## {title}", "", *found]
    return "\n".join(lines) + "\n"


def _opening(manifest: Manifest, plan: Plan) -> Iterator[str]:
    size = sum(file.bytes for file in manifest.files)
    tables = sum(len(group.tables) for group in _written(manifest, plan))
    yield f"# Migration order of {_text(manifest.name)}"
    yield ""
    rows = "" if manifest.is_live else f"{counted(manifest.rows, 'row')} of "
    then = "The rows come live from that database when the bundle runs. " if manifest.is_live else ""
    yield (
        f"From the database {_text(manifest.database)} on PostgreSQL {manifest.postgresql}, at the moment "
        f"that stands in manifest.json: {rows}"
        f"{counted(tables, 'table')} in {counted(len(manifest.files), 'file')}, "
        f"{counted(size, 'byte')}. {then}{_LAYOUTS[plan.constraints]} "
        f"The target must be PostgreSQL {manifest.needs_postgresql} or newer."
    )


def _run(manifest: Manifest) -> Iterator[str]:
    yield "In the folder of the bundle. First whether its files are as they were written:"
    yield ""
    yield from _block("sh", ["migplan check ."])
    yield ""
    if manifest.is_live:
        yield "Then all of it, with the source at hand; psql alone stops at the first file of rows:"
        yield ""
        yield from _block("sh", ["migplan apply . --source SOURCE --target TARGET"])
        return
    yield "Then each file in turn, up to the first error:"
    yield ""
    yield from _block("sh", _loop([file.file for file in manifest.files]))
    if manifest.tables:
        yield ""
        yield (
            'Last `psql -X -c ANALYZE "$TARGET"`, so that queries are planned well at once; `migplan apply` '
            "does that by itself."
        )


def _files(manifest: Manifest) -> Iterator[str]:
    tables = Counter(moved.file for moved in manifest.objects if moved.kind == "TABLE")
    objects = Counter(moved.file for moved in manifest.objects)
    loaded = Counter(table.group for table in manifest.tables if table.brings_rows)
    yield "| # | File | What | Group | Tables | Rows | Bytes | SHA-256 | Must have run before | It brings |"
    yield "|---:|---|---|---|---:|---:|---:|---|---|---|"
    for number, file in enumerate(manifest.files, 1):
        data = file.phase == "data"
        what = "large objects" if file.large_objects else _WHAT[file.phase]
        shown = loaded[file.group] if data else tables[file.file]
        after = (
            f"{counted(len(file.large_objects), 'large object')} more"
            if file.large_objects
            else "the rows of the source"
            if data and manifest.is_live
            else counted(file.rows, "row") + " more"
            if data
            else counted(objects[file.file], "role" if file.phase == "roles" else "object") + " more"
        )
        rows = _live_or(manifest, file.rows, data)
        before = f"1 to {number - 1}" if number > 2 else "1" if number == 2 else "nothing"
        yield (
            f"| {number} | {_text(file.file)} | {what} | {_text(file.group)} | {shown:,} "
            f"| {rows} | {file.bytes:,} | {file.sha256[:12]} | {before} | {after} |"
        )
    size = sum(file.bytes for file in manifest.files)
    rows = _live_or(manifest, sum(file.rows for file in manifest.files), bool(manifest.tables))
    yield f"| | in all | | | | {rows} | {size:,} | | | |"


def _live_or(manifest: Manifest, rows: int, brought: bool) -> str:
    """Return a number of rows, if any are brought; of those that come live none is known beforehand."""
    return "live" if manifest.is_live and brought else f"{rows:,}"


def _groups(manifest: Manifest, plan: Plan) -> Iterator[str]:
    """The groups that are in the bundle; the rows are those in the files, where there are any."""
    rows = {table.table: _live_or(manifest, table.rows, table.brings_rows) for table in manifest.tables}
    for number, group in enumerate(_written(manifest, plan)):
        if number:
            yield ""
        yield f"### {_text(group.name)}"
        yield ""
        if group.purpose:
            yield _text(group.purpose)
            yield ""
        yield f"Files: {', '.join(_text(file.file) for file in _of_group(manifest, group))}."
        yield ""
        yield "| Depth | Table | Rows | Strategy | Why |"
        yield "|---:|---|---:|---|---|"
        for table in group.tables:
            count = rows.get(table.table, "not in this bundle")
            yield (
                f"| {table.depth} | {_text(table.table)} | {count} | {table.strategy.value} "
                f"| {_text(table.reason)} |"
            )


def _cycles(plan: Plan) -> Iterator[str]:
    for cut in plan.breaks:
        yield f"- {_text(cut.key)} of {_text(cut.table)}, {cut.how.value}: {_text(cut.reason)}"


def _validate(manifest: Manifest) -> Iterator[str]:
    rows = "" if manifest.is_live else f"{counted(manifest.rows, 'row')}, "
    yield (
        f"After all of them: {rows}{counted(len(manifest.foreign_keys), 'foreign key')}. "
        "Each line of these answers says ok, or what is wrong; they change nothing."
        + (" Rows are only counted: run the same file on the source, and compare." * manifest.is_live)
    )
    yield ""
    names = ["row-counts.sql", "foreign-keys.sql", "self-references.sql"]
    names += ["large-objects.sql"] if manifest.large_objects else []
    yield from _block("sh", _loop([f"validate/{name}" for name in names]))


def _roll_back(manifest: Manifest) -> Iterator[str]:
    yield (
        "Each file has one that rolls it back, and these run in the opposite order, up to the first error. "
        f"{_ROLLBACKS[manifest.contents]} What something outside of the bundle needs is left, with an error."
    )
    yield ""
    yield from _block("sh", _loop([f"rollback/{file.file}" for file in reversed(manifest.files)]))


def _left_out(manifest: Manifest, plan: Plan) -> Iterator[str]:
    yield from (f"- {_text(left)}" for left in plan.left_out)
    by_reason: dict[str, list[str]] = {}
    for left in manifest.left_out:
        if left.kind in _MATTERS_TO_NOBODY:
            continue
        by_reason.setdefault(left.why, []).append(str(left))
    for why, names in by_reason.items():
        more = f" and {len(names) - _SHOWN:,} more, all in the manifest" if len(names) > _SHOWN else ""
        yield f"- {_text(why)}: {_text(', '.join(names[:_SHOWN]))}{more}"


def _staying(manifest: Manifest) -> Iterator[str]:
    for table in manifest.tables:
        if not table.brings_rows:
            yield f"- {_text(table.table)}: {_text(table.reason)}"


def _sequences(manifest: Manifest) -> Iterator[str]:
    """What each sequence is set to behind the rows."""
    for each in manifest.sequences:
        if each.value is None:
            yield f"- {_text(each.sequence)}: as the source has it then, in {_text(each.file)}"
            continue
        given = "given out" if each.called else "the next one"
        yield f"- {_text(each.sequence)}: {each.value}, {given}, in {_text(each.file)}"


def _written(manifest: Manifest, plan: Plan) -> list[PlannedGroup]:
    """The groups of the plan that the bundle holds."""
    written = {file.group for file in manifest.files}
    return [group for group in plan.groups if group.name in written]


def _of_group(manifest: Manifest, group: PlannedGroup) -> Iterator[BundleFile]:
    return (file for file in manifest.files if file.group == group.name)


def _loop(files: Sequence[str]) -> Iterator[str]:
    """Shell that runs the files against the database in ``$TARGET``, for people to paste."""
    yield "TARGET='postgresql://user@host/database'"
    yield "for file in \\"
    yield from (f"    {shlex.quote(file)} \\" for file in files[:-1])
    yield from (f"    {shlex.quote(file)}" for file in files[-1:])
    yield "do"
    yield '    psql -X -v ON_ERROR_STOP=1 -f "$file" "$TARGET" || break'
    yield "done"


def _block(language: str, lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    """Return lines within a fence that none of them can close."""
    inside = list(lines)
    if not inside:
        return
    fence = "```"
    while any(fence in line for line in inside):
        fence += "`"
    yield f"{fence}{language}"
    yield from (printable(line) for line in inside)
    yield fence


def _text(text: str) -> str:
    """Return text escaped so that Markdown shows it unchanged, in tables as well."""
    for special in "\\`*_{}[]<>|#~":
        text = text.replace(special, f"\\{special}")
    return one_line(text)
