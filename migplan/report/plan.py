"""The plan for people: groups and files, what is not loaded by a plain copy and why, and what changed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from migplan.config import Layout, Strategy
from migplan.plan.model import Plan
from migplan.report.section import section
from migplan.text.wording import counted, listed

SHOWN = 12

_LAYOUTS = {
    Layout.AFTER_DATA: "keys and indexes are created after the rows",
    Layout.WITH_SCHEMA: "keys and indexes are live while the rows come in",
}


def as_text(
    plan: Plan,
    file: Path,
    *,
    again: bool = False,
    kept: Sequence[str] = (),
    changed: Sequence[str] = (),
) -> Iterator[Text]:
    """What was decided, and where it was written."""
    tables = list(plan.tables)
    yield Text(
        f"Plan for {plan.database}: {counted(len(tables), 'table')} in {counted(len(plan.groups), 'group')}, "
        f"{counted(plan.rows, 'row')} expected; constraints {plan.constraints.value}",
        style="bold",
    )
    yield Text(f"({_LAYOUTS[plan.constraints]})", style="dim")
    yield Text()
    yield from _groups(plan)
    yield from _shown(
        "Cycles are cut at", [f"{cut.key} ({cut.how.value}): {cut.reason}" for cut in plan.breaks]
    )
    special = [table for table in tables if table.strategy is not Strategy.COPY]
    yield from _shown(
        "Not by a plain copy",
        [f"{table.table}, {table.strategy.value}: {table.reason}" for table in special],
    )
    yield from _shown("Left out", plan.left_out)
    yield from _shown("Set by hand", kept)
    if again:
        yield from _shown("Changed since the last plan", changed or ["nothing"])
    yield Text()
    yield Text(f"Written to {file}", style="bold")


def again(changed: Sequence[str]) -> Iterator[Text]:
    """What planning again has changed, for a command that goes on with it."""
    if not changed:
        yield Text("Planned again: nothing has changed")
    yield from _shown("Planned again", changed)
    yield Text()


def _shown(title: str, lines: Sequence[str]) -> Iterator[Text]:
    return section(title, lines, SHOWN, ", all in the file")


def _groups(plan: Plan) -> Iterator[Text]:
    width = max(len(group.name) for group in plan.groups)
    for group in plan.groups:
        depths = [table.depth for table in group.tables]
        depth = str(min(depths)) if min(depths) == max(depths) else f"{min(depths)}-{max(depths)}"
        files = ", ".join(
            file for file in (group.schema_file, group.data_file, group.constraints_file) if file
        )
        ways = Counter(table.strategy.value for table in group.tables)
        by = ", ".join(f"{number} by {way}" for way, number in sorted(ways.items()) if way != "copy")
        line = Text(f"{group.name:{width}}", style="bold")
        line.append(
            f"  {counted(len(group.tables), 'table'):>10}  depth {depth:<5} {counted(group.rows, 'row'):>12}"
            + (f"  ({by})" if by else ""),
            style="not bold",
        )
        yield line
        yield Text(f"{'':{width}}  {files}", style="dim")
        if len(plan.groups) <= SHOWN:
            yield Text(f"{'':{width}}  {listed((table.table for table in group.tables), 4)}", style="dim")
