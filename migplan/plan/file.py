"""The plan as a YAML file, laid out for people who read and edit it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from migplan import yamlfile
from migplan.errors import FileError
from migplan.files import write_whole
from migplan.plan.model import FORMAT, Plan
from migplan.text.printable import printable
from migplan.text.wording import counted
from migplan.yamlfile import Marks

_HEADER = """\
# How {database} will be moved: {tables} in {groups}, {rows:,} rows expected.
#
# Made by migplan; meant to be read, changed and committed. You may move tables between groups, rename groups
# and files, and choose another strategy: planning again keeps what you set, and says what else has changed.
# `migplan plan --check` compares it with the live database.
"""

# What YAML takes as text without quotes, said narrowly: everything else is written as JSON has it.
_PLAIN = re.compile(r"[A-Za-z_/(][A-Za-z0-9_ ./()>,;+-]*|\d+-[a-z][a-z0-9.-]*|(?!\d+(?:e\d+)?$)[0-9a-f]{12,}")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def dumps(plan: Plan) -> str:
    """Return the plan as YAML; the same plan gives the same text."""
    content = plan.model_dump(exclude_defaults=True)
    # A name with a line end in it must not lead out of the comment.
    header = _HEADER.format(
        database=printable(" ".join(plan.database.split())),
        tables=counted(sum(len(group.tables) for group in plan.groups), "table"),
        groups=counted(len(plan.groups), "group"),
        rows=plan.rows,
    )
    return header + "\n" + "\n".join(_lines({"migplan_plan": FORMAT, **content}, "")) + "\n"


def save(plan: Plan, file: Path) -> None:
    """Write the plan; the file is replaced whole or not at all."""
    write_whole(file, dumps(plan))


def load(file: Path) -> tuple[Plan, Marks]:
    """Return the plan of a file, and the positions of its values."""
    if file.is_dir():
        raise FileError(
            f"{file} is a folder, and a plan is a file",
            do="name the plan's file, such as plans/NAME.yaml; a bundle and a folder of migrations are "
            "run with: migplan rehearse, or apply",
            file=file,
        )
    if not file.is_file():
        raise FileError(f"there is no plan {file}", do=f"make one with: migplan plan --out {file}", file=file)
    plan, marks = yamlfile.load(file, Plan)
    _refuse_twice(plan, marks)
    return plan, marks


def _refuse_twice(plan: Plan, marks: Marks) -> None:
    seen: dict[str, str] = {}
    files: dict[str, str] = {}
    for at, group in enumerate(plan.groups):
        if group.name in {other.name for other in plan.groups[:at]}:
            raise marks.error(("groups", at, "name"), f"there are two groups called {group.name}")
        for field in ("schema_file", "data_file", "constraints_file"):
            name = getattr(group, field)
            if name in files:
                what = f"{name} is the file of two: {files[name]} and {group.name}"
                raise marks.error(("groups", at, field), what, "every file has a name of its own")
            if name:
                files[name] = group.name
        for number, table in enumerate(group.tables):
            if table.table in seen:
                where = (
                    f"is in two groups: {seen[table.table]} and {group.name}"
                    if seen[table.table] != group.name
                    else f"stands twice in group {group.name}"
                )
                raise marks.error(
                    ("groups", at, "tables", number, "table"),
                    f"{table.table} {where}",
                    "leave it in one place",
                )
            seen[table.table] = group.name


def _lines(value: Any, indent: str) -> Iterator[str]:
    """A mapping as block YAML. Lists of plain values stay on one line, lists of mappings get a dash each."""
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield f"{indent}{key}:"
            yield from _lines(item, indent + "  ")
        elif isinstance(item, Sequence) and not isinstance(item, str):
            yield from _list(key, item, indent)
        else:
            yield f"{indent}{key}: {_scalar(item)}"


def _list(key: str, items: Sequence[Any], indent: str) -> Iterator[str]:
    if not any(isinstance(item, Mapping) for item in items):
        yield f"{indent}{key}: [{', '.join(_in_brackets(item) for item in items)}]"
        return
    yield f"{indent}{key}:"
    for item in items:
        first, *rest = _lines(item, indent + "    ")
        if key == "groups":
            yield ""
        yield f"{indent}  - {first.lstrip()}"
        yield from rest


def _scalar(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not value.endswith(" ") and value.lower() not in _NOT_TEXT
        return value if plain else _in_quotes(value)
    return json.dumps(value)


def _in_brackets(value: Any) -> str:
    text = _scalar(value)
    return _in_quotes(value) if isinstance(value, str) and "," in text and text[0] != '"' else text


def _in_quotes(text: str) -> str:
    """Return a JSON string, with escapes for what YAML does not allow or takes for the end of a line."""
    return printable(json.dumps(text, ensure_ascii=False), spell=_spelled)


def _spelled(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
