"""What came of a folder of migrations on a scratch server, for people and for programs."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from migplan.migrations.model import Folder
from migplan.run.migrations.base import Base
from migplan.run.migrations.trial import Failure, HeldLock, TriedFile
from migplan.text.wording import counted

_STYLES = {
    "ok": "green",
    "failed": "bold red",
    "not judged": "yellow",
    "not tried": "yellow",
    "left out": "dim",
}
_WORDS = {"failed": "fails"}
_QUIET = "AccessShareLock"
_SHOWN = 20


def heading(server: str, base: Base, notes: Sequence[str]) -> Iterator[Text]:
    """Where it was tried, and on what; what people should know of that."""
    yield Text(f"Tried on {server}, on {base.said}:", style="bold")
    for note in notes:
        yield Text(f"  note: {note}", style="yellow")


def inference(notes: Sequence[str], said: str) -> Iterator[Text]:
    """That there was no server to judge, and what that means."""
    yield Text(f"{said[:1].upper()}{said[1:]}.", style="yellow")
    for note in notes:
        yield Text(f"  {note}", style="dim")


def in_short(
    server: str, base: Base, notes: Sequence[str], files: Sequence[TriedFile], remembered: str
) -> Iterator[Text]:
    """Return a line that says that it was tried, and what could not be judged."""
    if remembered:
        yield Text(f"Tried before, {remembered}: the same files on the same schema run.", style="dim")
        return
    yield Text(f"Tried on {server}, on {base.said}: {counts(files)}.", style="dim")
    for note in notes:
        yield Text(f"  note: {note}", style="yellow")
    for each in files:
        if each.state == "not judged" and each.failure:
            yield Text(f"  {each.name} could not be judged there: {each.why}", style="yellow")
            yield Text(f"      {each.failure.place}: {each.failure.what}")
        yield from _back(each)


def table(files: Sequence[TriedFile]) -> Iterator[Text]:
    """A line for each file: whether it runs, how long it takes, what it locks and writes anew."""
    width = max((len(each.name) for each in files), default=0)
    for each in files:
        line = Text(f"  {each.name:{width}}  ").append(
            f"{_WORDS.get(each.state, each.state):<10}", style=_STYLES[each.state]
        )
        line.append(f"{each.seconds:>8.2f} s" if each.state == "ok" else f"  {each.why}")
        yield line
        yield from _failure(each.failure) if each.failure else ()
        for lock in each.locks:
            if lock.mode != _QUIET:
                yield Text(f"      locks {lock.relation}: {mode(lock)}, which {lock.blocks}", style="dim")
        for name in each.rewritten:
            yield Text(f"      writes {name} anew, row by row", style="dim")
        for name in each.emptied:
            yield Text(f"      empties {name}", style="dim")
        yield from _back(each)
        for why in each.no_way_back[:_SHOWN]:
            yield Text(f"      no way back: {why}", style="dim")
    yield Text(f"{counted(len(files), 'migration')}: {counts(files)}", style="bold")


def _back(tried: TriedFile) -> Iterator[Text]:
    """What is wrong with the way back of a file."""
    if tried.back:
        yield Text(
            f"      the way back of {tried.name} does not lead to what was there before:", style="yellow"
        )
    for line in tried.back[:_SHOWN]:
        yield Text(f"        {line}", style="yellow")
    if (more := len(tried.back) - _SHOWN) > 0:
        yield Text(f"        and {more:,} more", style="yellow")
    for line in tried.out_of_place[:_SHOWN]:
        yield Text(f"      on the way back, {line}", style="dim")


def counts(files: Sequence[TriedFile]) -> str:
    """How many came out how, in words."""
    found = Counter(each.state for each in files)
    words = {"ok": "run", "failed": "fails" if found["failed"] == 1 else "fail"}
    return ", ".join(f"{found[each]:,} {words.get(each, each)}" for each in _STYLES if found[each]) or "none"


def _failure(failure: Failure) -> Iterator[Text]:
    yield Text(f"      {failure.place}: {failure.what}", style="red")
    for line in filter(None, (failure.statement, failure.detail, failure.hint)):
        yield Text(f"        {line}")


def mode(lock: HeldLock) -> str:
    """``ACCESS EXCLUSIVE``, as the manual has it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", lock.mode.removesuffix("Lock")).upper()


def other_order(names: Sequence[str], failed: TriedFile | None, found: Sequence[object]) -> Iterator[Text]:
    """What came of the files in the other order, where that of the names is not the one that works."""
    yield Text(
        f"In the order {', '.join(names[:_SHOWN])}{' …' if len(names) > _SHOWN else ''}:", style="bold"
    )
    if failed is not None:
        yield Text(f"  {failed.name} {_WORDS.get(failed.state, failed.state)}")
        yield from _failure(failed.failure) if failed.failure else ()
    elif found:
        yield Text("  all run, but what comes out is not the same:", style="yellow")
        for each in found[:_SHOWN]:
            yield Text(f"    {each}")
        if len(found) > _SHOWN:
            yield Text(f"    and {len(found) - _SHOWN:,} more")
    else:
        yield Text("  all run, with the same result but for the order of columns", style="green")


def as_json(
    folder: Folder,
    server: str,
    base: Base,
    notes: Sequence[str],
    files: Sequence[TriedFile],
    other: tuple[Sequence[str], TriedFile | None, Sequence[object]] | None = None,
) -> str:
    """All of it, for programs."""
    said: dict[str, Any] = {
        "folder": folder.path.as_posix(),
        "server": server,
        "base": base.said,
        "notes": list(notes),
        "files": [_file(each) for each in files],
    }
    if other is not None:
        names, failed, found = other
        said["other_order"] = {
            "names": list(names),
            "failed": _file(failed) if failed else None,
            "differences": [str(each) for each in found],
        }
    return json.dumps(said, indent=1, ensure_ascii=False)


def stages_as_json(
    said: str, stages: Sequence[tuple[str, float, bool, str, Sequence[str]]], receipt: Path | None
) -> str:
    """What :func:`as_json` says, with the stages of a rehearsal, and its receipt."""
    found = json.loads(said)
    found["stages"] = [
        {"name": name, "seconds": round(seconds, 3), "holds": holds, "said": text, "details": list(details)}
        for name, seconds, holds, text, details in stages
    ]
    found["receipt"] = receipt.as_posix() if receipt else None
    return json.dumps(found, indent=1, ensure_ascii=False)


def _file(tried: TriedFile) -> dict[str, Any]:
    failure = tried.failure
    return {
        "name": tried.name,
        "state": tried.state,
        "why": tried.why,
        "seconds": round(tried.seconds, 3),
        "failure": {
            "sqlstate": failure.sqlstate,
            "message": failure.what,
            "file": failure.file,
            "line": failure.line,
            "statement": failure.statement,
            "detail": failure.detail,
            "hint": failure.hint,
        }
        if failure
        else None,
        "locks": [
            {"relation": str(each.relation), "mode": mode(each), "blocks": each.blocks}
            for each in tried.locks
        ],
        "rewritten": list(map(str, tried.rewritten)),
        "emptied": list(map(str, tried.emptied)),
        "way_back": {
            "wrong": list(tried.back),
            "none": list(tried.no_way_back),
            "out_of_place": list(tried.out_of_place),
        },
    }
