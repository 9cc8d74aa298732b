"""Adopting a target that others have migrated: the journal learns of it, and nothing runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from migplan.errors import RefusedError
from migplan.migrations.analysis import Analysis
from migplan.run.engine.journal import Beginning
from migplan.run.engine.target import LockedTarget
from migplan.run.migrations.base import KEPT_AS, Base
from migplan.run.migrations.base import packed as packed_base
from migplan.run.migrations.down_migrations import down_migrations_of, packed
from migplan.run.migrations.repair import texts_of
from migplan.run.migrations.status import MigrationStatus, State
from migplan.run.migrations.steps import digest_of, numbered, steps_of
from migplan.text.wording import did_you_mean

_UNSEEN = "it was adopted, so migplan has not seen what it did"


def to_adopt(analysis: Analysis, known: Sequence[MigrationStatus], to: str) -> list[str]:
    """Return the pending migrations up to one, all of them where none is named."""
    order = analysis.order.order
    if to and to not in order:
        raise RefusedError(
            f"there is no migration {to} in {analysis.folder.path}",
            do=did_you_mean(to, order, "migplan analyze FOLDER shows their names"),
        )
    wanted = order[: order.index(to) + 1] if to else order
    found = [each for each in known if each.name in wanted and not each.is_seed]
    if half := [each.name for each in found if each.state is State.HALF]:
        raise RefusedError(
            f"{', '.join(half)}: only its first statements are done; nothing was changed",
            do="run the rest of it: migplan apply FOLDER --target TARGET",
        )
    return [each.name for each in found if each.state is State.PENDING]


def adopt(target: LockedTarget, analysis: Analysis, names: Sequence[str], base: Base | None) -> int:
    """Write into the journal that migrations are applied, and return the number of the run.

    ``base`` is on what they were run when they were compared with the target: what stands before them.
    """
    steps = numbered([step for name in names for step in steps_of(analysis.folder, analysis.by_name[name])])
    digests = {name: analysis.by_name[name].migration.digest for name in names}
    files = {step.file: digests[step.name] for step in steps}
    journal = target.journal
    with journal.together():
        note = f"adopted by {journal.caller}: nothing of it ran"
        beginning = Beginning(
            "migrate", analysis.folder.name, digest_of(digests), steps, files, notes=(note,)
        )
        run = target.begin(beginning, _kept(analysis, names, base)).run
        journal.take_as_done(run)
        journal.end(run, "done")
    return run


def _kept(analysis: Analysis, names: Sequence[str], base: Base | None) -> Mapping[str, bytes]:
    found = dict(texts_of([analysis.by_name[name].migration for name in names]))
    for name, way in down_migrations_of(analysis, names).items():
        found[name] = packed(way if way.down or way.cannot else replace(way, cannot=(_UNSEEN,)))
    return found | ({KEPT_AS: packed_base(base)} if base else {})
