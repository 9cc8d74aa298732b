"""What is different between two catalogs, object by object; what is merely observed does not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from migplan.catalog.model import Catalog, Key

# Fields that hold objects with names of their own, and what one of these is called.
_PARTS = {
    "schemas": "schema",
    "tables": "table",
    "sequences": "sequence",
    "views": "view",
    "functions": "function",
    "types": "type",
    "extensions": "extension",
    "columns": "column",
    "unique_keys": "unique key",
    "foreign_keys": "foreign key",
    "checks": "check",
    "exclusions": "exclusion constraint",
    "indexes": "index",
    "policies": "policy",
    "triggers": "trigger",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was added, dropped or changed."""

    change: str  # 'added', 'dropped' or 'changed'
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.change}: {self.what}" + (f" ({self.detail})" if self.detail else "")


def differences(before: Catalog, after: Catalog) -> tuple[Difference, ...]:
    """Every difference of structure, in the order of the catalog."""
    return tuple(_within("", before, after))


def _within(owner: str, before: Any, after: Any) -> Iterator[Difference]:
    """The differences of two objects of the same kind and name."""
    changed: list[str] = []
    for field in fields(before):
        if field.metadata.get("observed"):
            continue
        then, now = getattr(before, field.name), getattr(after, field.name)
        if then == now:
            continue
        if field.name in _PARTS and _holds_objects(then, now):
            yield from _among(_PARTS[field.name], owner, then, now)
        else:
            changed.append(f"{field.name.replace('_', ' ')}: {_shown(then)} -> {_shown(now)}")
    if changed:
        yield Difference("changed", owner, "; ".join(changed))


def _among(kind: str, owner: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[Difference]:
    """The differences of two collections of named objects."""
    then = {_identity(thing): thing for thing in before}
    now = {_identity(thing): thing for thing in after}
    of = f" of {owner}" if owner else ""
    for name in sorted(then.keys() | now.keys()):
        what = f"{kind} {name}{of}"
        if name not in now:
            yield Difference("dropped", what)
        elif name not in then:
            yield Difference("added", what)
        elif then[name] != now[name]:
            yield from _within(what, then[name], now[name])


def _identity(thing: Any) -> str:
    arguments = getattr(thing, "arguments", None)
    return f"{thing.name}({arguments})" if arguments is not None else str(thing.name)


def _holds_objects(*values: Any) -> bool:
    return any(isinstance(value, tuple) and value and hasattr(value[0], "name") for value in values)


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, Key):
        return f"{value.name} ({', '.join(value.columns)})"
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
