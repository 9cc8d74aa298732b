"""What a folder of migrations is to be judged by: of two catalogs, that with which its files have to do.

The files ran on a scratch server. What is there now and was not there before, or was otherwise, they made or
changed, and a target must have it just so. Of a table that they made, all parts count; of one that was there
before, the parts that they added, changed or dropped. Everything else is none of their business.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from migplan.catalog.attributes import OWNERS, Attributes, Thing
from migplan.catalog.compare import between
from migplan.catalog.model import Catalog, Grant, Table, View
from migplan.verify.spelling import identity
from migplan.verify.structure import bare, given_by_default, named, privileged
from migplan.verify.verification import Difference

_DROPPED = "an applied migration drops it, and it is there"
_WHOLE = {"Schemas": "schemas", "Types": "types", "Functions": "functions", "Sequences": "sequences"}
_PARTS = {
    "Columns": "columns",
    "Unique keys": "unique_keys",
    "Foreign keys": "foreign_keys",
    "Checks": "checks",
    "Exclusions": "exclusions",
    "Policies": "policies",
}
_COMMON_PARTS = {"Indexes": "indexes", "Triggers": "triggers", "Rules": "rules"}
_DEFAULTS = "default privileges"


@dataclass(frozen=True)
class State:
    """A database as far as it is compared."""

    catalog: Catalog
    attributes: Attributes


@dataclass(frozen=True)
class Roles:
    """Who applies: what is made belongs to whoever makes it, unless a file says otherwise."""

    on_scratch: str
    on_target: tuple[str, ...]  # all who have applied migrations there


@dataclass
class Concern:
    """What is expected of a target, what is found of that, and what is there although it was dropped."""

    expected: State
    found: State
    made: Catalog  # of what is expected, that which was not there before in any form
    dropped: dict[str, list[Difference]] = field(default_factory=dict)  # by kind


def concern_of(
    before: State, after: State, target: State, roles: Roles, *, everything: bool = False
) -> Concern:
    """Return what the files between two states of a scratch server have to do with, there and in a target.

    ``everything``: whatever is in the target is of concern.
    """
    judged = _Concern(before, after, target, roles, everything)
    found = judged.catalogs()
    expected_attributes, found_attributes = judged.attributes()
    return Concern(
        State(found[0], expected_attributes), State(found[1], found_attributes), found[2], judged.dropped
    )


class _Concern:
    def __init__(self, before: State, after: State, target: State, roles: Roles, everything: bool) -> None:
        self._before = before
        self._after = after
        self._target = target
        self._roles = roles
        self._everything = everything
        self.dropped: dict[str, list[Difference]] = {}

    def catalogs(self) -> tuple[Catalog, Catalog, Catalog]:
        """Return the expected, the found, and of the expected what is new."""
        before, after, target = (each.catalog for each in (self._before, self._after, self._target))
        wanted: dict[str, Any] = {}
        found: dict[str, Any] = {}
        for kind, name in (*_WHOLE.items(), ("Extensions", "extensions")):
            three = [getattr(each, name) for each in (before, after, target)]
            wanted[name], found[name] = self._among(kind, three)
        for kind, name in (("Tables", "tables"), ("Views", "views")):
            three = [getattr(each, name) for each in (before, after, target)]
            wanted[name], found[name] = self._relations(kind, *three)
        made = self._made(wanted)
        wanted["grants"], found["grants"] = self._grants(made)
        return (
            replace(after, **wanted, provided=()),
            replace(target, **found, provided=()),
            replace(after, **made, grants=(), provided=()),
        )

    def _made(self, wanted: dict[str, Any]) -> dict[str, Any]:
        made = {}
        for name, things in wanted.items():
            there = {identity(thing) for thing in getattr(self._before.catalog, name)}
            made[name] = tuple(thing for thing in things if identity(thing) not in there)
        return made

    def _among(
        self,
        kind: str,
        three: Sequence[Iterable[Any]],
        owner: str = "",
        *,
        whole: bool = False,
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Of things of a kind, the expected and the found; ``whole``: of an owner that is new, all."""
        before, after, target = three
        then = {identity(thing): thing for thing in before}
        there = {identity(thing): thing for thing in target}
        wanted, found = [], []
        for thing in after:
            name = identity(thing)
            other = there.pop(name, None)
            if name in then and not _differ(then[name], thing):
                continue
            wanted.append(self._of_concern(then.get(name), thing, other))
            if other is not None:
                found.append(other)
        if whole or self._everything:
            found += there.values()
        of = f" of {owner}" if owner else ""
        for name in () if whole else sorted(there.keys() & then.keys()):
            said = Difference(f"{named(kind, there[name])}{of}", _DROPPED)
            self.dropped.setdefault(kind, []).append(said)
        return tuple(wanted), tuple(found)

    def _of_concern(self, before: Any, after: Any, target: Any) -> Any:
        """The expected thing; fields that the files did not change are as they are found."""
        if target is None:
            return after
        changes = {}
        for each in fields(after):
            now, there = getattr(after, each.name), getattr(target, each.name)
            kept = before is not None and getattr(before, each.name) == now
            owner = each.name == "owner" and now == self._roles.on_scratch
            if now != there and (kept or owner or each.name == "populated"):
                changes[each.name] = there
        return replace(after, **changes) if changes else after

    def _relations(
        self, kind: str, before: Sequence[Any], after: Sequence[Any], target: Sequence[Any]
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        then, there = ({each.name: each for each in every} for every in (before, target))
        names = {each.name for each in after}
        wanted, found = [], []
        for each in after:
            old, now = then.get(each.name), there.get(each.name)
            one, other = self._relation(old, each, now)
            if one is not None:
                wanted.append(one)
                found += [other] if other is not None else []
        if self._everything:
            found += (each for name, each in there.items() if name not in names)
        for name in sorted((then.keys() & there.keys()) - names):
            said = Difference(f"{kind.lower().removesuffix('s')} {name}", _DROPPED)
            self.dropped.setdefault(kind, []).append(said)
        return tuple(wanted), tuple(found)

    def _relation(self, before: Any, after: Any, target: Any) -> tuple[Any, Any]:
        """A table or view with the parts that are of concern; two times nothing, if nothing is."""
        parts = dict(_COMMON_PARTS)
        if isinstance(after, Table):
            parts |= _PARTS
        wanted: dict[str, Any] = {}
        found: dict[str, Any] = {}
        for kind, name in parts.items():
            three = [getattr(each, name) if each is not None else () for each in (before, after, target)]
            wanted[name], found[name] = self._among(kind, three, str(after.name), whole=before is None)
        if isinstance(after, Table):
            keys = [_as_tuple(each.primary_key if each else None) for each in (before, after, target)]
            one, other = self._among("Primary keys", keys, str(after.name), whole=before is None)
            wanted["primary_key"], found["primary_key"] = (next(iter(each), None) for each in (one, other))
        old, new, now = (_bare(each) for each in (before, after, target))
        same = before is not None and not _differ(old, new)
        if same and not any(wanted.values()):
            return None, None
        expected = replace(self._of_concern(old, new, now), **wanted)
        return expected, replace(now, **found) if now is not None else None

    def _grants(self, made: dict[str, Any]) -> tuple[tuple[Grant, ...], tuple[Grant, ...]]:
        """Privileges that files gave or took; on what they made all, but for those given by default."""
        before, after, target = (each.catalog for each in (self._before, self._after, self._target))
        mine = set(privileged(replace(after, **made)))
        then = {identity(each): each for each in before.grants}
        there = {identity(each): each for each in target.grants}
        revoked = then.keys() - {identity(each) for each in after.grants}
        wanted, found = [], []
        for grant in after.grants:
            if then.get(identity(grant)) == grant:
                continue
            expected = self._of_who_applies(grant, there)
            other = there.pop(identity(expected), None)
            if other is None and self._differs_by_default(grant):
                continue
            wanted.append(expected)
            found += [other] if other is not None else []
        for grant in there.values():
            if grant.on in mine and not self._differs_by_default(grant):
                found.append(grant)
            elif grant.privileges and identity(grant) in revoked:
                said = Difference(f"grant {grant.name}", "an applied migration revokes it, and it is there")
                self.dropped.setdefault("Grants", []).append(said)
        return tuple(wanted), tuple(found)

    def _differs_by_default(self, grant: Grant) -> bool:
        """Whether who runs the files gives this to every new object on one of the servers alone."""
        if grant.kind == _DEFAULTS:
            return False
        sides = (
            (self._after.catalog, (self._roles.on_scratch,)),
            (self._target.catalog, self._roles.on_target),
        )
        given = [
            given_by_default(grant, [each for each in side.grants if each.of_role in roles])
            for side, roles in sides
        ]
        return given[0] != given[1]

    def _of_who_applies(self, grant: Grant, there: Collection[str]) -> Grant:
        """Default privileges of who runs the files are those of whoever applied them in the target."""
        if grant.kind != _DEFAULTS or grant.of_role != self._roles.on_scratch:
            return grant
        likely = [replace(grant, of_role=role) for role in self._roles.on_target]
        return next((each for each in likely if identity(each) in there), grant)

    def attributes(self) -> tuple[Attributes, Attributes]:
        """What no catalog holds, likewise."""
        before, after, target = (
            each.attributes.of_any_database for each in (self._before, self._after, self._target)
        )
        columns = self._after.attributes.columns & self._target.attributes.columns
        wanted: dict[Thing, Mapping[str, Any]] = {}
        found: dict[Thing, Mapping[str, Any]] = {}
        for thing, values in after.items():
            then, other = before.get(thing), target.get(thing)
            if then == values:
                continue
            if other is None:
                wanted[thing] = values
            else:
                wanted[thing], found[thing] = self._values(then, values, other)
        wholes = {thing.whole for thing in before}
        for thing in sorted(target.keys() - after.keys()):
            if not thing.is_of_its_own:
                continue
            if thing in before:
                self.dropped.setdefault("Others", []).append(Difference(str(thing), _DROPPED))
            elif thing.part_kind and thing.whole not in wholes and _whole(thing) in after:
                found[thing] = target[thing]
        return Attributes(columns, wanted), Attributes(columns, found)

    def _values(self, then: Any, values: Any, other: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Both sides' values of a thing, less those that the files did not change."""
        one, two = dict(values), dict(other)
        for name in values.keys() | other.keys():
            kept = then is not None and then.get(name) == values.get(name)
            if kept or (name in OWNERS and values.get(name) == self._roles.on_scratch):
                one.pop(name, None)
                two.pop(name, None)
        return one, two


def _whole(thing: Thing) -> Thing:
    return Thing(thing.kind, thing.address)


def _differ(one: Any, other: Any) -> bool:
    """Whether two things differ in their structure."""
    return one != other and bool(between("", one, other))


def _as_tuple(thing: Any) -> tuple[Any, ...]:
    return () if thing is None else (thing,)


def _bare(thing: Any) -> Any:
    if isinstance(thing, Table):
        return bare(thing)
    return replace(thing, indexes=(), triggers=(), rules=(), reads=()) if isinstance(thing, View) else thing
