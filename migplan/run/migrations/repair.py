"""Taking over files that were changed after they were applied: the journal learns of it, nothing runs."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from migplan.errors import RefusedError
from migplan.migrations.analysis import Analysis
from migplan.migrations.masked import masked
from migplan.migrations.model import Migration
from migplan.run.engine.journal import Journal
from migplan.run.engine.target import LockedTarget
from migplan.run.migrations.status import MigrationStatus, State
from migplan.text.wording import counted


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that is another one than was applied, and how it differs as far as the journal keeps that."""

    status: MigrationStatus
    difference: tuple[str, ...]  # lines of a unified diff, values as digits of their digest
    why: str = ""  # there is none


def kept_as(name: str) -> str:
    """Return the name under which the journal keeps the text of a migration, without values."""
    return f"{name} (as applied)"


def texts_of(migrations: Sequence[Migration]) -> Mapping[str, bytes]:
    """Return what the journal is to keep of files, so that a later change can be shown."""
    texts = {each.name: masked(each.up) for each in migrations if each.kind != "python"}
    return {kept_as(name): text.encode() for name, text in texts.items() if text}


def changed_files(known: Sequence[MigrationStatus], journal: Journal) -> tuple[ChangedFile, ...]:
    """Return the files that were changed; RefusedError if what is done of one is only a part of it."""
    refuse_changed_halves(known)
    found = [each for each in known if each.state is State.CHANGED]
    return tuple(_changed(each, journal) for each in found)


def refuse_changed_halves(known: Sequence[MigrationStatus]) -> None:
    """Raise RefusedError if of a half-done migration the statements were changed that are done."""
    half = [each for each in known if each.state is State.CHANGED and not each.is_whole]
    if half:
        lines = [f"{each.name}, {counted(len(each.done), 'statement')} done by {each.by}" for each in half]
        raise RefusedError(
            "of these files only the first statements are done, and these are not any more as they were run; "
            "nothing was changed:\n  " + "\n  ".join(lines),
            do="put them back as they were: what comes after them may be another thing, and the same command "
            "goes on there; or take back what is done: migplan rollback FOLDER --target TARGET",
        )


def go_on_with(target: LockedTarget, folder: str, halves: Sequence[MigrationStatus]) -> None:
    """Write into the journal on which lines of a changed file the statements stand that are done."""
    for each in halves:
        assert each.migration is not None
        target.journal.go_on_with(folder, each.name, each.digest, each.migration.digest, each.moved)


def _changed(status: MigrationStatus, journal: Journal) -> ChangedFile:
    migration, run = status.migration, status.run
    then = journal.kept(run).get(kept_as(status.name)) if run is not None else None
    now = masked(migration.up) if migration and migration.kind != "python" else ""
    if then is None or not now:
        return ChangedFile(status, (), "the journal keeps no text of what was applied")
    lines = difflib.unified_diff(
        then.decode().splitlines(), now.splitlines(), "as applied", "as it is now", lineterm="", n=2
    )
    return ChangedFile(status, tuple(lines))


def as_taken_over(known: Sequence[MigrationStatus]) -> tuple[MigrationStatus, ...]:
    """Return how migrations stand when the changed ones are taken over."""
    return tuple(
        replace(each, state=State.APPLIED) if each.state is State.CHANGED and each.is_whole else each
        for each in known
    )


def take_over(target: LockedTarget, analysis: Analysis, files: Sequence[ChangedFile]) -> None:
    """Write the digests of changed files into a target's journal, and who did that; nothing runs."""
    journal = target.journal
    with journal.together():
        for each in files:
            assert each.status.migration is not None
            journal.take_over(
                analysis.folder.name, each.status.name, each.status.digest, each.status.migration.digest
            )
            if each.status.run is not None:
                note = f"{each.status.name}: its changed file was taken over by {journal.caller}"
                journal.note(each.status.run, [note])
                journal.keep_anew(each.status.run, texts_of([each.status.migration]))
