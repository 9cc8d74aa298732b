"""sqitch: ``sqitch.plan`` says what there is, in which order, and what needs what.

A line of the plan is ``name [needs !conflicts] date person # note``, or ``@tag ...``. A change that was
reworked stands there twice; the earlier one's files bear a tag between them: ``deploy/users@v1.0.sql``. Of
several tags it is the first one that such a file bears.
"""

import configparser
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from migplan.errors import FileError
from migplan.migrations.model import Migration, Part, Style
from migplan.migrations.source_files import SourceFile
from migplan.migrations.styles.building import Listing

STYLE = Style.SQITCH
PLAN = "sqitch.plan"
_CHANGE = re.compile(r"(?P<name>[^\s\[@#%:][^\s\[:#]*)(?:\s+\[(?P<needs>[^\]]*)\])?(?:\s+\d{4}-.*|\s*)")


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the plan."""

    name: str
    needs: tuple[str, ...]
    conflicts: tuple[str, ...]
    line: int
    tags: tuple[str, ...] = ()  # of a version that was reworked later: those between it and the rework


def recognises(listing: Listing) -> bool:
    """By its plan."""
    return PLAN in listing.names


def read(listing: Listing) -> Iterator[Migration]:
    """The migrations in the order of the plan."""
    plan = listing.source(listing.path / PLAN)
    home, folders = _folders(listing.path)
    changes = _changes(plan)
    full = [_full(change, home / folders["deploy"]) for change in changes]
    names: dict[str, str] = {}  # so far: what was reworked later is meant as it was then
    for place, (change, name) in enumerate(zip(changes, full, strict=True)):
        files = {word: home / folder / f"{name}.sql" for word, folder in folders.items()}
        if not files["deploy"].is_file():
            at = _offset(plan, change.line)
            raise plan.error(f"there is no {files['deploy']}", at, "sqitch deploys every change of its plan")
        source = listing.source(files["deploy"])
        needs = [need for each in change.needs if (need := _need(listing, plan, change, each, names))]
        names[change.name] = name
        migration = listing.migration(
            source,
            name,
            down=_part(listing, files["revert"]),
            verify=_part(listing, files["verify"]),
            requires=needs,
            conflicts=tuple(each.lstrip("!") for each in change.conflicts),
        )
        later = zip(changes[place + 1 :], full[place + 1 :], strict=True)
        rework = next((other for each, other in later if each.name == change.name), "")
        yield replace(migration, reworked_as=rework)


def _part(listing: Listing, file: Path) -> Part | None:
    return listing.whole(file) if file.is_file() else None


def _full(change: Change, deploy: Path) -> str:
    names = [change.name + tag for tag in change.tags] or [change.name]
    return next((name for name in names if (deploy / f"{name}.sql").is_file()), names[0])


def _need(listing: Listing, plan: SourceFile, change: Change, need: str, names: dict[str, str]) -> str | None:
    """The name of a change that is needed; one of another project is said, and left to people."""
    if ":" in need:
        listing.note(plan.file, f"{change.name} needs {need}, of another project", change.line)
        return None
    bare = need.partition("@")[0]
    if need in names.values():
        return need
    if bare not in names:
        at = _offset(plan, change.line)
        raise plan.error(f"{change.name} needs {need}, which the plan does not have before it", at)
    return names[bare]


def _changes(plan: SourceFile) -> list[Change]:
    changes: list[Change] = []
    tags: list[tuple[int, str]] = []  # each with the number of changes before it
    for line, raw in enumerate(plan.data[plan.begin :].decode().splitlines(), 1):
        said = raw.partition("#")[0].strip()
        if not said or said.startswith("%"):
            continue
        if said.startswith("@"):
            tags.append((len(changes), said.split()[0]))
            continue
        found = _CHANGE.fullmatch(said)
        if found is None:
            raise plan.error(f"{said!r} is no line of a plan", _offset(plan, line))
        words = (found["needs"] or "").split()
        needs = tuple(word for word in words if not word.startswith("!"))
        conflicts = tuple(word for word in words if word.startswith("!"))
        changes.append(Change(found["name"], needs, conflicts, line))
    next_one: dict[str, int] = {}
    for place in reversed(range(len(changes))):
        change = changes[place]
        if (rework := next_one.get(change.name)) is not None:
            between = tuple(tag for before, tag in tags if place < before <= rework)
            changes[place] = replace(change, tags=between)
        next_one[change.name] = place
    return changes


def _folders(path: Path) -> tuple[Path, dict[str, str]]:
    """Where the scripts are: as sqitch.conf says."""
    folders = {"deploy": "deploy", "revert": "revert", "verify": "verify"}
    file = path / "sqitch.conf"
    if not file.is_file():
        return path, folders
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        settings.read_string("\n".join(line.strip() for line in file.read_text("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, configparser.Error):
        raise FileError(f"{file} cannot be understood", file=file) from None
    core = dict(settings["core"]) if settings.has_section("core") else {}
    return path / core.get("top_dir", "."), {
        word: core.get(f"{word}_dir", folder) for word, folder in folders.items()
    }


def _offset(plan: SourceFile, line: int) -> int:
    """The beginning of a line."""
    return sum(len(each) for each in plan.data.splitlines(keepends=True)[: line - 1])
