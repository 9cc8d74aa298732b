"""Comparing attributes, which are not in a Catalog: casts, publications, how columns are stored.

The names of attributes are those of the server's own catalogs, which its manual explains.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migplan.bundle.manifest import Manifest
from migplan.catalog.attributes import OWNERS, PRIVILEGES, SECRET, SETTING, Attributes, Thing, Things
from migplan.catalog.compare import shown
from migplan.sql.definitions import same
from migplan.text.wording import listed
from migplan.verify.verification import Check, Difference, Tally

# SQL that two servers may print in other words, by the syntax that it has.
_PRINTED = {"definition": "statement", "where": "expression", "view_default": "expression"}
_SHOWN = 8  # things of a kind that the bundle does not know
_DATABASE = "database"
_NEW_DATABASE: Things = {Thing(_DATABASE, ("",), PRIVILEGES, "public"): {"granted": ["CONNECT", "TEMPORARY"]}}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a bundle decides of its target's attributes."""

    owners: bool = True
    comments: bool = True
    privileges: bool = True

    def columns(self, expected: Attributes, found: Attributes) -> frozenset[str]:
        """The attributes that are compared: of two versions, what both have."""
        columns = expected.columns & found.columns
        if not self.owners:
            columns -= OWNERS
        return columns - (
            {"own_comment"} if self.comments else {"own_comment", "comment", "not_null_comment"}
        )


def scope_of(manifest: Manifest) -> Scope:
    """Return what a bundle decides, by its choices."""
    left = [each.why for each in manifest.left_out if "by choice" in each.why]
    return Scope(
        owners=manifest.keeps_owners,
        comments="COMMENT is left out by choice" not in left,
        privileges="privileges are left out by choice" not in left,
    )


Built = Callable[[], Attributes | None]
"""The attributes of the bundle's definitions on a scratch server, asked for where texts do not tell."""


def compared(
    expected: Attributes,
    found: Attributes,
    scope: Scope,
    built: Built,
    unknown: str = "not in the bundle",
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """Return a check of the catalog's own objects, one of all other objects, and notes.

    ``unknown`` is said of parts of these objects that are not expected.
    """
    columns = scope.columns(expected, found)
    then, now = (compared_things(each, scope) for each in (expected, found))
    known, others = Tally(), Tally()
    kept: list[str] = []
    for thing, values in then.items():
        if _is_of_database(thing):
            continue
        there = now.get(thing)
        if there is None and not thing.is_of_its_own:
            continue  # that it is missing is said where the structure is compared
        tally = others if thing.is_of_its_own else known
        tally.of += 1
        if there is None:
            tally.differences.append(Difference(str(thing), "missing"))
        elif keeps_own_comment(values, there):
            kept.append(thing.name)
        elif changed := [said for _, said in changes(thing, values, there, columns, built)]:
            tally.differences.append(Difference(str(thing), "; ".join(changed)))
    others.differences += [
        Difference(str(thing), unknown)
        for thing in sorted(now.keys() - then.keys())
        if thing.is_of_its_own and thing.part_kind and Thing(thing.kind, thing.address) in expected.things
    ]
    database, notes = _database(then, now)
    others.differences += database
    if kept and scope.comments:
        notes.append(f"only their owner may change the comments of extensions: {', '.join(kept)}")
    for tally in (known, others):
        tally.right = max(0, tally.of - len(tally.differences))
    return (known.check("Attributes"), others.check("Others")), (*notes, *_more(then, now))


def compared_things(found: Attributes, scope: Scope) -> Things:
    """Return one side's objects; the database has no name here, since the target's differs."""
    return {
        thing: values
        for thing, values in found.of_any_database.items()
        if scope.privileges or thing.part_kind != PRIVILEGES
    }


def _is_of_database(thing: Thing) -> bool:
    return thing.kind == _DATABASE and thing.part_kind == PRIVILEGES


def _database(expected: Things, found: Things) -> tuple[list[Difference], list[str]]:
    """Privileges of the database, which no file carries: they are the source's, or those of a new one."""
    then, now = (
        {thing: values for thing, values in things.items() if _is_of_database(thing)}
        for things in (expected, found)
    )
    if now == then:
        return [], []
    if now == _NEW_DATABASE:
        return [], ["the privileges of the database are those of a new one, and no file carries the source's"]
    return [
        Difference(
            f"privileges of {thing.part} on the database",
            f"{_shown(then.get(thing, {}).get('granted'))} -> {_shown(now.get(thing, {}).get('granted'))}",
        )
        for thing in sorted(then.keys() | now.keys())
        if then.get(thing) != now.get(thing)
    ], []


def changes(
    thing: Thing,
    expected: Mapping[str, Any],
    found: Mapping[str, Any],
    columns: frozenset[str],
    built: Built,
) -> Iterator[tuple[str, str]]:
    """Yield each attribute of an object that differs, and how."""
    for name in sorted((expected.keys() | found.keys()) & columns):
        then, now = expected.get(name), found.get(name)
        if then == now or (name in _PRINTED and then and now and _alike(thing, name, (then, now), built)):
            continue
        yield name, f"{name} differs" if name in SECRET else f"{name}: {_shown(then)} -> {_shown(now)}"


def _alike(thing: Thing, name: str, texts: tuple[str, str], built: Built) -> bool:
    """Whether both texts are one definition: by the grammar, else by what a scratch server makes of it."""
    if same(_PRINTED[name], *texts):
        return True
    there = built()
    printed = there.things.get(thing, {}).get(name) if there else None
    return printed is not None and same(_PRINTED[name], printed, texts[1])


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else shown(value)


def keeps_own_comment(expected: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether it is an extension that still has its own comment, which only its owner may change."""
    own = found.get("own_comment")
    return own is not None and found.get("comment") == own != expected.get("comment")


def _more(expected: Things, found: Things) -> Iterator[str]:
    """Yield notes about objects that only the target has, which is allowed."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for thing in sorted(found.keys() - expected.keys()):
        if not thing.part_kind and thing.is_of_its_own:
            by_kind[thing.kind].append(thing.name)
    settings = [thing.part for thing in sorted(found.keys() - expected.keys()) if thing.part_kind == SETTING]
    if settings:
        yield f"the target's database has settings of its own: {', '.join(settings)}"
    for kind, names in by_kind.items():
        yield (f"the target has of the kind {kind} what the bundle does not know: {listed(names, _SHOWN)}")
