"""Run recurring SQL of a folder once; the journal keeps what it returned, when and by whom."""

from dataclasses import dataclass, replace

from migplan.errors import RefusedError
from migplan.migrations.analysis import Analysis
from migplan.migrations.file_analysis import FileAnalysis
from migplan.migrations.model import Migration
from migplan.migrations.source_files import reopened
from migplan.postgres.address import Address
from migplan.run.engine.events import Began, Event
from migplan.run.engine.options import RunOptions
from migplan.run.engine.steps import Step
from migplan.run.engine.target import locked
from migplan.run.engine.worker import ROWS_SHOWN
from migplan.run.migrations.steps import run_steps, steps_of
from migplan.sql.text import literal


@dataclass(frozen=True, slots=True)
class MaintenanceResult:
    """The result of a maintenance."""

    name: str
    run: int
    seconds: float
    said: tuple[str, ...]  # the rows that it returned, the first of them


def upkeep(analysis: Analysis, name: str) -> FileAnalysis:
    """Return the recurring SQL of that name; raise RefusedError with the names that there are."""
    found = {
        each.migration.name: each for each in analysis.file_analyses if each.migration.kind == "maintenance"
    }
    if name not in found:
        known = ", ".join(found) or "none"
        raise RefusedError(
            f"{analysis.folder.path} has no maintenance called {name}", do=f"there is: {known}"
        )
    return found[name]


def maintain(analysis: Analysis, name: str, address: Address, options: RunOptions) -> MaintenanceResult:
    """Run it, in one transaction with its entry in the journal as far as it can be in one."""
    analysed = upkeep(analysis, name)
    steps = steps_of(analysis.folder, analysed)
    heard: dict[int, list[str]] = {}  # of each step, in its last try

    def on_event(event: Event) -> None:
        if isinstance(event, Began):
            heard[event.step.number] = []

    def answered(step: Step, text: str) -> None:
        heard[step.number].append(text)

    with locked(address, replace(options, jobs=1), on_event) as target:
        digests = {name: analysed.migration.digest}
        done = run_steps(target, "maintain", analysis.folder, digests, steps, answered=answered)
        said = tuple(text for number in sorted(heard) for text in heard[number])[:ROWS_SHOWN]
        if said:
            target.journal.note(done.run.run, said)
        return MaintenanceResult(name, done.run.run, done.seconds, said)


def pg_cron(migration: Migration) -> str:
    """Return the statement that schedules it in pg_cron."""
    _refuse_unscheduled(migration)
    text = reopened(migration.up).read().decode().strip()
    tag = "$maintain$"
    while tag in text:
        tag = f"${tag.strip('$')}_$"
    name, schedule = literal(migration.name), literal(migration.schedule)
    return f"SELECT cron.schedule({name}, {schedule}, {tag}\n{text}\n{tag});"


def crontab(migration: Migration, folder: str, target: str) -> str:
    """Return the line of a crontab that runs it."""
    _refuse_unscheduled(migration)
    return f"{migration.schedule} migplan maintain {migration.name} --folder {folder} --target {target}"


def _refuse_unscheduled(migration: Migration) -> None:
    if not migration.schedule:
        raise RefusedError(
            f"{migration.name} says no schedule",
            do="write -- migplan: maintenance 0 3 * * * on top of its file",
        )
