"""From a folder of hand-written migrations to a target, the proof, and back."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from migplan.config import Config, Platform
from migplan.errors import RefusedError, SelectionError, StepError
from migplan.level import Level
from migplan.migrations.analysis import Analysis, analysis_of
from migplan.migrations.folder import read
from migplan.migrations.levels import ORDER_LEVELS
from migplan.migrations.lint import RULES
from migplan.migrations.model import Thing, ThingKind
from migplan.names import QualifiedName
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
from migplan.text.wording import CODE, did_you_mean
from migplan.verify.parts import look

_SIZES = """
    SELECT nspname, relname, pg_catalog.pg_total_relation_size(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'm') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
"""
_PATH = """
    SELECT pg_catalog.current_setting('search_path'), user::text,
           EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = user)
"""
_SHOWN = 10


def analyze_folder(
    path: Path,
    config: Config,
    target: Address | None = None,
    platform: Platform | None = None,
    *,
    weighed: bool = False,
) -> Analysis:
    """What stands in a folder; names without a schema mean what they mean in the target.

    ``platform`` is the managed host of the target: what that does not allow is a risk. If ``weighed``, the
    risks are weighed by the size of the target's tables.
    """
    sizes = _sizes(target) if weighed and target is not None else None
    names = _search_path(target) if target is not None else ("public",)
    _refuse_unknown(config.lint)
    levels = {code: "off" if said == "off" else Level(said) for code, said in config.lint.items()}
    return analysis_of(read(path), sizes=sizes, levels=levels, platform=platform, path=names)  # type: ignore[arg-type]  # 'off' is one, too


def _refuse_unknown(codes: Iterable[str]) -> None:
    known = [*(rule.CODE for rule in RULES), *ORDER_LEVELS]
    for code in codes:
        if code not in known:
            raise SelectionError(
                f"lint in migplan.yaml speaks of {code}, and no rule has that code",
                do=did_you_mean(code, known, f"there are: {', '.join(known)}", CODE),
            )


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


def _search_path(address: Address) -> tuple[str, ...]:
    """The schemas in which a database looks for names, whether they are there yet or not."""
    with closing(connect(address)) as session:
        ((said, user, is_schema),) = session.ask(_PATH, during="reading the search path")
    every = [user if part == "$user" and is_schema else part for part in _parts_of_path(said)]
    return tuple(part for part in every if part and not part.startswith(("$", "pg_"))) or ("public",)


def _parts_of_path(said: str) -> Iterator[str]:
    """The names of a setting's list, without their quotes."""
    for quoted_, plain in re.findall(r'"((?:[^"]|"")*)"|([^\s,"]+)', said):
        yield quoted_.replace('""', '"') or plain


def _sizes(address: Address) -> dict[str, int]:
    with closing(connect(address)) as session:
        rows = session.ask(_SIZES, during="reading the sizes of tables")
    return {str(QualifiedName(schema, name)): size for schema, name, size in rows}


def digest_of(analysis: Analysis) -> str:
    """What tells this set of migrations from another: any of them changed, or one more, is another set."""
    return steps.digest_of(
        {
            name: each.migration.digest
            for name, each in sorted(analysis.by_name.items())
            if each.migration.kind in {"sql", "python"}
        }
    )
