"""Rollbacks for people: what would be lost, before it is; what was done; what a dry run would do."""

import shlex
from collections.abc import Iterator, Sequence

from rich.text import Text

from migplan.run.engine.records import Run
from migplan.run.engine.steps import Step
from migplan.run.undo.losses import Losses, TableRows
from migplan.run.undo.rollback import Abandoned, RollbackResult
from migplan.text.wording import counted

_SHOWN = 60


def losses(found: Losses) -> Iterator[Text]:
    """Return what would be lost, with numbers, and what stays."""
    run = found.run
    what = "the rows of" if found.data_only else "a part of" if not found.everything else "the whole of"
    yield Text(
        f"This rolls back {what} run {run.run}, {run.bundle}, begun {run.started_at:%Y-%m-%d %H:%M:%S %Z} "
        f"by {run.who}, on {found.address}",
        style="bold",
    )
    if found.differs:
        yield Text(
            f"{found.differs}\n  What was applied is rolled back, as the journal keeps it.", style="yellow"
        )
    yield from _tables(found)
    if found.objects:
        kinds = ", ".join(
            counted(number, *_KINDS.get(kind, (kind,))) for kind, number in found.objects.items()
        )
        yield Text(f"Dropped, as far as the run came to make them: {kinds}")
    if found.large_objects:
        number = counted(found.large_objects, "large object")
        yield Text(f"Unlinked: {number} that the run made, with whatever was written to them since")
    if found.preexisting:
        yield Text(f"Stays, because it was there before: {', '.join(found.preexisting)}")
    yield Text(f"Rolled back, in this order: {', '.join(found.files) or 'nothing'}")
    if found.stay:
        yield Text(f"Stays: {', '.join(found.stay)}")
    yield _sum(found)


_KINDS = {
    "fk constraint": ("foreign key",),
    "index": ("index", "indexes"),
    "index attach": ("attached index", "attached indexes"),
    "table attach": ("attached partition",),
    "policy": ("policy", "policies"),
    "statistics": ("statistics object",),
    "row security": ("table's row security", "tables' row security"),
    "default": ("default",),
    "sequence owned by": ("owned sequence",),
}


def _sum(found: Losses) -> Text:
    lost = (
        f"Lost: {counted(found.rows, 'row')}, {found.own:,} of them brought by the run and not changed since."
    )
    if found.others and not found.others_go:
        others = counted(found.others, "row")
        lost += f" {others} that the run did not bring, or that were changed since, stay."
    return Text(lost, style="bold red" if found.loses_others else "bold")


def _tables(found: Losses) -> Iterator[Text]:
    tables = [table for table in found.tables if table.rows != 0]
    empty = len(found.tables) - len(tables)
    tables.sort(key=lambda table: (-table.others, -(table.rows or 0)))
    if tables:
        width = max(len(_name(table)) for table in tables[:_SHOWN])
        yield Text(f"  {'table':{width}} {'rows now':>14} {'from the run':>14} {'before, or since':>17}")
    for table in tables[:_SHOWN]:
        if table.rows is None:
            yield Text(f"  {_name(table):{width}} {'not readable':>14}", style="red")
            continue
        style = "red" if table.others else ""
        others = f"{table.others:,}" if table.others else ""
        yield Text(f"  {_name(table):{width}} {table.rows:>14,} {table.own:>14,} {others:>17}", style=style)
    if len(tables) > _SHOWN:
        yield Text(f"  and {counted(len(tables) - _SHOWN, 'table')} more")
    if empty:
        yield Text(f"  {counted(empty, 'table')} without rows")


def _name(table: TableRows) -> str:
    return " ".join(table.table.split())


def foreseen(steps: Sequence[Step]) -> Iterator[Text]:
    """The steps that a rollback would do."""
    yield Text(f"{counted(len(steps), 'step')}:", style="bold")
    for step in steps:
        yield Text(f"  {step.number:>5}  {step.file}: {step.name}")
    yield Text("Nothing was changed.")


def to_abandon(run: Run, stays: str) -> Iterator[Text]:
    """Return what it means to abandon a run."""
    yield Text(
        f"This ends run {run.run}, {run.bundle}, {run.state}, begun {run.started_at:%Y-%m-%d %H:%M:%S %Z} "
        f"by {run.who}, as it stands. Nobody can go on with it, nor roll it back, after that.",
        style="bold",
    )
    yield Text(f"Stays: {stays}")


def abandoned(result: Abandoned | None, address: object) -> Iterator[Text]:
    """How a run was ended by hand."""
    if result is None:
        yield Text(f"{address}: there is no run that has come to no end", style="bold")
        return
    yield Text(f"run {result.run.run}, {result.run.bundle}, is abandoned", style="bold")
    yield Text(f"Stays: {result.stays}")
    yield Text("Another bundle can be applied now, or the same one again; what is in its way is said before.")


def done(result: RollbackResult, address: object, apply: str, rollback: str) -> Iterator[Text]:
    """How a rollback ended, and the commands to go on with."""
    if result.run is None:
        yield Text(f"{address}: there is no run to roll back in its journal", style="bold")
    else:
        rest = " that were left" if result.resumed else ""
        what = "is rolled back" if result.whole else "is rolled back in part"
        how = f"{counted(result.steps, 'step')}{rest}, {result.seconds:.1f} s"
        if not result.steps and not result.resumed:
            how = "nothing of it was done"
        yield Text(f"run {result.run.run}, {result.run.bundle}, {what}: {how}", style="bold")
        if result.losses and not result.whole:
            stay = result.losses.stay
            yield Text(f"Stays: {', '.join(stay)}" if stay else "Nothing of it stays.")
            if result.losses.before_rows:
                yield Text(
                    "Before rows can come again, the keys that came after them must go: "
                    f"{rollback} --to {result.losses.before_rows}"
                )
            source = result.run.before.get("source", {}).get("at")  # of rows that came live
            live = f" --source {shlex.quote(source)}" if source else ""
            yield Text(f"Do it again with: {apply}{live}")
            yield Text(f"Roll back the rest with: {rollback}")
        elif not result.journal_dropped:
            yield Text("The journal (schema migplan) stays, and tells of it; --drop-journal takes it away.")
    if result.journal_dropped:
        yield Text("The journal (schema migplan) is dropped.")
