"""Which history in a target's journal is a folder's: that of its id, or the one that has the same files.

A set of migrations is known by what was applied of it, names and digests; the folder's name only proposes a
history. A folder that was moved or renamed goes on with the history of its files; of two folders of one name
each has its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from migplan.errors import RefusedError
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import ID_FILE, Folder
from migplan.run.engine.journal import Journal
from migplan.text.wording import counted, listed

_SHOWN = 5

Applied = Mapping[str, str]
"""Of a history, the migrations that are applied, and the digest of each."""


@dataclass(frozen=True, slots=True)
class _Alike:
    """How much of a history is in a folder."""

    name: str
    same: int  # migrations that are there as they were applied
    gone: tuple[str, ...]  # that are not there at all
    applied: int

    @property
    def is_it(self) -> bool:
        """Whether the folder is that of the history, as far as the files tell."""
        return self.same > 0 and self.same >= len(self.gone)


def recognised(analysis: Analysis, journal: Journal) -> tuple[Analysis, str]:
    """Return the folder under the name that its history has in a journal, and what people should know of it.

    RefusedError when files do not tell which history it is.
    """
    folder = analysis.folder
    histories = _histories(journal)
    name, note = _history_of(folder, histories)
    return replace(analysis, folder=replace(folder, known_as=name)), note


def _histories(journal: Journal) -> dict[str, Applied]:
    """The histories of which anything is applied."""
    if not journal.exists:
        return {}
    names = dict.fromkeys(run.bundle for run in journal.runs() if run.kind == "migrate")
    found: dict[str, Applied] = {}
    for name in names:
        done: dict[str, str] = {}
        for each in journal.migrated(name):
            if each.state == "done":
                done[each.name] = each.digest
        if done:
            found[name] = done
    return found


def _history_of(folder: Folder, histories: Mapping[str, Applied]) -> tuple[str, str]:
    own = folder.id or folder.base_name
    if own in histories and (folder.id or _belongs(folder, own, histories[own])):
        return own, ""
    alike = [_alike(folder, name, applied) for name, applied in histories.items() if name != own]
    # Who gives a set a new id may want it told from another one that has a part of its files.
    others = [each for each in alike if each.is_it and (not folder.id or each.same == each.applied)]
    if len(others) > 1:
        raise RefusedError(
            f"the files of {folder.path} were applied under more than one name: "
            f"{', '.join(each.name for each in others)}; nothing was changed",
            do=f"write the one whose history it is to go on with into {folder.path / ID_FILE}",
        )
    if others:
        (other,) = others
        return other.name, (
            f"{folder.path} goes on with the history {other.name}: {other.same:,} of the "
            f"{counted(other.applied, 'migration')} applied under that name are in it"
        )
    if own in histories:
        raise _ambiguous(folder, _alike(folder, own, histories[own]))
    # A folder that was renamed, and all of whose applied files were changed, must not run them again.
    if twins := [each for each in alike if not each.gone] if not folder.id else []:
        raise _ambiguous(folder, twins[0])
    return own, ""


def _belongs(folder: Folder, name: str, applied: Applied) -> bool:
    """Whether a history under the folder's own name is its own: also where each applied file was changed."""
    alike = _alike(folder, name, applied)
    return alike.is_it or not alike.gone


def _alike(folder: Folder, name: str, applied: Applied) -> _Alike:
    here = {each.name: each.digests for each in folder.migrations}
    same = sum(digest in here.get(each, ()) for each, digest in applied.items())
    return _Alike(name, same, tuple(each for each in applied if each not in here), len(applied))


def _ambiguous(folder: Folder, alike: _Alike) -> RefusedError:
    file = folder.path / ID_FILE
    of = f"of its {counted(alike.applied, 'applied migration')}"
    gone = f"{len(alike.gone):,} are not there ({listed(alike.gone, _SHOWN)})"
    return RefusedError(
        f"the journal has a history called {alike.name}, and {folder.path} has other files: {of} "
        f"{gone if alike.gone else 'each is there by name, with other statements'}; nothing was changed",
        do=f"if this is another set of migrations, give it an id of its own: echo NAME > {file}; "
        f"if it is the same one, say so: echo {alike.name} > {file}",
    )
