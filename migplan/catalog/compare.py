"""The differences between two catalogs, object by object; counts and sizes do not count as differences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from migplan.catalog.attributes import OWNERS, PRIVILEGES, SECRET, Attributes, Things
from migplan.catalog.model import Catalog, Grant

_SHOWN = 60  # characters of a value
_LEAD = 12  # of these, before the first that differs

# Fields that hold objects with names of their own, and what one of these is called.
_PARTS = {
    "schemas": "schema",
    "tables": "table",
    "provided": "provided table",
    "sequences": "sequence",
    "views": "view",
    "functions": "function",
    "types": "type",
    "extensions": "extension",
    "grants": "grant",
    "columns": "column",
    "primary_key": "primary key",
    "unique_keys": "unique key",
    "foreign_keys": "foreign key",
    "checks": "check",
    "exclusions": "exclusion constraint",
    "indexes": "index",
    "policies": "policy",
    "triggers": "trigger",
    "rules": "rule",
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


def between(what: str, before: Any, after: Any) -> tuple[Difference, ...]:
    """Every difference of two objects of the same kind, called ``what``."""
    return tuple(_within(what, before, after))


def _within(owner: str, before: Any, after: Any) -> Iterator[Difference]:
    """The differences of two objects of the same kind and name."""
    changed: list[str] = []
    for field in fields(before):
        if field.metadata.get("observed"):
            continue
        then, now = getattr(before, field.name), getattr(after, field.name)
        if then == now:
            continue
        name = field.name.replace("_", " ")
        if field.name in _PARTS and _holds_objects(then, now):
            yield from _among(_PARTS[field.name], owner, _objects(then), _objects(now))
            if _reordered(then, now):
                changed.append(f"order of {name}: {_names(then)} -> {_names(now)}")
        else:
            changed.append(f"{name}: {_contrast(shown(then), shown(now))}")
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
            yield Difference("dropped", what, _rights(then[name]))
        elif name not in then:
            yield Difference("added", what, _rights(now[name]))
        elif then[name] != now[name]:
            yield from _within(what, then[name], now[name])


def _rights(thing: Any) -> str:
    """Return what a grant gives or takes; other objects need no detail."""
    if not isinstance(thing, Grant):
        return ""
    return ", ".join((*thing.privileges, *(f"not {privilege}" for privilege in thing.withheld)))


def _identity(thing: Any) -> str:
    arguments = getattr(thing, "arguments", None)
    return f"{thing.name}({arguments})" if arguments is not None else str(thing.name)


def _holds_objects(*values: Any) -> bool:
    return any(hasattr(thing, "name") for value in values for thing in _objects(value))


def _objects(value: Any) -> tuple[Any, ...]:
    """A field's objects: those of a tuple, the one that there is, or none."""
    if isinstance(value, tuple):
        return value
    return () if value is None else (value,)


def _reordered(before: Any, after: Any) -> bool:
    """Whether what both have comes in another order: columns keep theirs, all else is sorted by name."""
    then, now = (
        [_identity(thing) for thing in _objects(before)],
        [_identity(thing) for thing in _objects(after)],
    )
    return [name for name in then if name in now] != [name for name in now if name in then]


def _names(things: tuple[Any, ...]) -> str:
    return ", ".join(_identity(thing) for thing in things)


def shown(value: Any) -> str:
    """A value as people read it, on one line."""
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return " ".join(str(value).split())


def _contrast(then: str, now: str) -> str:
    """Both texts; of long ones the beginning that they share is cut, so that the difference can be seen."""
    pairs = enumerate(zip(then, now, strict=False))
    shared = next((at for at, (one, other) in pairs if one != other), min(len(then), len(now)))
    if max(len(then), len(now)) > _SHOWN and shared > _LEAD:
        start = shared - _LEAD
        then, now = f"...{then[start:]}", f"...{now[start:]}"
    return f"{_cut(then)} -> {_cut(now)}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


# --- attributes

_STATES = {"O": "enabled", "D": "disabled", "R": "replica", "A": "always"}
_WORDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "attstorage": ("storage", {"p": "plain", "e": "external", "m": "main", "x": "extended"}),
    "attcompression": ("compression", {"": "default", "p": "pglz", "l": "lz4"}),
    "attstattarget": ("statistics target", {}),
    "stxstattarget": ("statistics target", {}),
    "attoptions": ("options", {}),
    "attnotnull": ("not null", {}),
    "not_null_constraint": ("NOT NULL constraint", {}),
    "not_null_comment": ("comment of its NOT NULL constraint", {}),
    "view_default": ("default", {}),
    "indisclustered": ("used by CLUSTER", {}),
    "indisreplident": ("replica identity", {}),
    "reltablespace": ("tablespace", {}),
    "relpersistence": ("persistence", {"p": "permanent", "u": "unlogged"}),
    "toast_options": ("TOAST options", {}),
    "tgenabled": ("state", _STATES),
    "evtenabled": ("state", _STATES),
    "ev_enabled": ("state", _STATES),
    "evtevent": ("event", {}),
    "evttags": ("tags", {}),
    "evtfoid": ("function", {}),
    "prosupport": ("support function", {}),
    "puballtables": ("for all tables", {}),
    "pubinsert": ("publishes INSERT", {}),
    "pubupdate": ("publishes UPDATE", {}),
    "pubdelete": ("publishes DELETE", {}),
    "pubtruncate": ("publishes TRUNCATE", {}),
    "pubviaroot": ("published via the partition root", {}),
    "pubgencols": ("publishes generated columns", {"n": "none", "s": "stored"}),
    "granted": ("privileges", {}),
    "own_comment": ("comment of the installed script", {}),
    "depends_on_extensions": ("depends on extensions", {}),
    "fdwoptions": ("options", {}),
    "srvoptions": ("options", {}),
    "ftoptions": ("options", {}),
    "attfdwoptions": ("options", {}),
    "setting": ("value", {}),
    "mapdict": ("dictionary", {}),
    "dictinitoption": ("options", {}),
    **{column: ("owner", {}) for column in OWNERS},
}
"""What people call columns of the system catalogs, and values of them; others go by their own names."""

_FOLLOWING = frozenset({"inhdetachpending"})  # false, or none where the table is no child any more


def differences_of_attributes(before: Attributes, after: Attributes) -> tuple[Difference, ...]:
    """Every difference of attributes between two moments that a comparison of the catalogs does not tell.

    What only one of two versions of PostgreSQL has is not compared. Of what may hold a password only
    that it differs is said.
    """
    return tuple(_of_things(before.of_any_database, after.of_any_database, before.columns & after.columns))


def _of_things(then: Things, now: Things, columns: frozenset[str]) -> Iterator[Difference]:
    # Of schemas and databases only parts are attributes.
    both = {thing.whole for thing in then} & {thing.whole for thing in now}
    both |= {thing.whole for thing in (*then, *now) if thing.kind in ("schema", "database")}
    for thing in sorted(then.keys() | now.keys()):
        if thing in then and thing in now:
            changed = [*_changed_attributes(then[thing], now[thing], columns)]
            if changed:
                yield Difference("changed", str(thing), "; ".join(changed))
        elif thing.is_of_its_own and (not thing.part_kind or thing.whole in both):
            detail = [*_changed_attributes(then.get(thing, {}), now.get(thing, {}), columns)]
            said = "; ".join(detail) if thing.part_kind == PRIVILEGES else ""
            yield Difference("added" if thing in now else "dropped", str(thing), said)


def _changed_attributes(
    then: Mapping[str, Any], now: Mapping[str, Any], columns: frozenset[str]
) -> Iterator[str]:
    for name in sorted((then.keys() | now.keys()) & columns):
        old, new = then.get(name), now.get(name)
        if old == new or (name in _FOLLOWING and not (old or new)):
            continue
        word, values = _WORDS.get(name, (name, {}))
        if name in SECRET:
            yield f"{word}: not the same any more; may hold secrets, and is not shown"
        else:
            yield f"{word}: {_contrast(_shown_attribute(old, values), _shown_attribute(new, values))}"


def _shown_attribute(value: Any, words: Mapping[str, str]) -> str:
    if isinstance(value, str) and value in words:
        return words[value]
    return shown(tuple(value)) if isinstance(value, list) else shown(value)
