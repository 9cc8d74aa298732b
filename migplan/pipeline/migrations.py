"""From a folder of hand-written migrations to a target, the proof, and back."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from migplan.errors import RefusedError, StepError
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import Thing, ThingKind
from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect
from migplan.run.engine.events import OnEvent, Warned, ignore
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.options import RunOptions
from migplan.run.engine.steps import Step
from migplan.run.engine.target import LockedTarget, locked
from migplan.run.engine.worker import Observer
from migplan.run.migrations import steps
from migplan.run.migrations.adopting import adopt
from migplan.run.migrations.apply import MigrateOptions, MigrateResult, migrate
from migplan.run.migrations.base import Base
from migplan.run.migrations.history import recognised
from migplan.run.migrations.objects import present
from migplan.run.migrations.repair import ChangedFile, changed_files, take_over
from migplan.run.migrations.status import MigrationStatus
from migplan.run.migrations.trial import before_first
from migplan.verify.parts import look

_SHOWN = 10


def recognised_in(analysis: Analysis, address: Address) -> tuple[Analysis, str]:
    """Return the folder under the name of its history in a target's journal, and what to say of that."""
    with journal_reader(address) as reader:
        return recognised(analysis, reader.journal)


def as_the_target_lacks(analysis: Analysis, address: Address, known: Sequence[MigrationStatus]) -> Analysis:
    """Return the analysis for a target that may lack what is dropped before a file makes it."""
    left = {each.name for each in known if each.state.is_left}
    early = frozenset(each.thing for each in analysis.order.made_later if each.migration in left)
    return analysis.lacking(early - things_in(address)) if early else analysis


def changed_in(address: Address, known: Sequence[MigrationStatus]) -> tuple[ChangedFile, ...]:
    """Return the files that were changed after they were applied, each with its difference."""
    with journal_reader(address) as reader:
        return changed_files(known, reader.journal)


def repair(analysis: Analysis, address: Address, files: Sequence[ChangedFile], options: RunOptions) -> None:
    """Take over changed files: the journal learns of their content, and nothing of them runs."""
    with locked(address, options) as target:
        take_over(target, analysis, files)


def adopt_migrations(
    analysis: Analysis, address: Address, names: Sequence[str], base: Base | None, options: RunOptions
) -> int:
    """Write into a target's journal that migrations are applied, and return the run; nothing of them runs."""
    with locked(address, options) as target:
        return adopt(target, analysis, names, base)


def apply_migrations(
    analysis: Analysis,
    address: Address,
    wanted: MigrateOptions,
    on_event: OnEvent = ignore,
    base: Base | None = None,
    observer: Observer | None = None,
) -> MigrateResult:
    """Apply what is pending, if the target has what it needs.

    ``base`` is what the target had before the first of these migrations, where that was read already.
    """

    def before() -> Base:
        found = base or before_first(analysis, address)
        for note in () if found.is_whole else found.notes:
            on_event(Warned(f"what is there before the first migration is not kept in the journal: {note}"))
        return found

    def preflight(target: LockedTarget, names: Sequence[str]) -> None:
        refuse_missing(analysis, target.session, names)

    if wanted.verify:
        observer = _Verifying(analysis)
    return migrate(analysis, address, wanted, on_event, preflight, observer, before)


@dataclass(frozen=True)
class _Verifying:
    """Runs the verify part of each migration before it is committed, or after what is not one transaction."""

    analysis: Analysis

    def begun(self, step: Step, session: Session) -> None:
        """Nothing is there to be looked at yet."""

    def ending(self, step: Step, session: Session) -> None:
        """Raise StepError, which rolls the migration back, if its verify part says that something differs."""
        analysed = self.analysis.by_name[step.name]
        together = steps.is_one_transaction(analysed)
        if not (together or step.phase == steps.VERIFY):
            return
        found = look(analysed.migration, session, self.analysis.folder.style)
        if found.holds:
            return
        first, *others = found.wrong
        more = "".join(f"\n  {each}" for each in others[:_SHOWN])
        raise StepError(
            f"the verify part of {step.name} says that it differs: {first.what}{more}",
            address=str(session.address),
            during=f"running the verify part of {step.name}",
            step=step.name,
            file=first.file,
            line=first.line,
            left="" if together else f"{step.name} could not be one transaction: it stays applied",
        )


def refuse_missing(analysis: Analysis, session: Session, names: Sequence[str]) -> None:
    """What nobody in the folder makes has to be in the target; RefusedError lists what is not."""
    wanted = [each for each in analysis.order.missing if each.is_sure and each.migration in names]
    if not wanted:
        return
    there = present(session)
    missing = [each for each in wanted if each.thing.kind is not ThingKind.OTHER and each.thing not in there]
    if missing:
        lines = [
            f"{each.thing}, which {each.migration} needs in line {each.need.line}: {each.need.statement}"
            for each in missing
        ]
        raise RefusedError(
            f"{session.address} lacks what these migrations need and none of them makes; "
            "nothing was changed:\n  " + "\n  ".join(lines[:_SHOWN]),
            do="apply first what makes it, or check the name and its schema",
        )


def things_in(address: Address) -> frozenset[Thing]:
    """Return what a target has, by name."""
    with closing(connect(address)) as session:
        return present(session)


def digest_of(analysis: Analysis) -> str:
    """What tells this set of migrations from another: any of them changed, or one more, is another set."""
    return steps.digest_of(
        {
            name: each.migration.digest
            for name, each in sorted(analysis.by_name.items())
            if each.migration.kind in {"sql", "python"}
        }
    )
