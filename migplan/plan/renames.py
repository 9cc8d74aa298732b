"""Tables that were renamed: recognised by columns and keys, and never guessed where two are equally alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from migplan.catalog.model import Catalog, Check, ForeignKey, Index, Policy, Table, Trigger
from migplan.names import QualifiedName

Value = TypeVar("Value")

ALIKE = 0.6
"""The share of columns, keys and names that a table must still have where its structure has changed too."""

_TYPE_OF_SCHEMA = re.compile(r'^(?:"[^"]+"|\w+)\.')


def recognised(
    then: Catalog, now: Catalog, gone: Collection[QualifiedName], new: Collection[QualifiedName]
) -> dict[QualifiedName, QualifiedName]:
    """Return, of tables that are gone, those that are there under another name, and which.

    Two tables that were renamed and refer to each other are alike only once one of them is recognised, so it
    is looked for until no more are found.
    """
    names: dict[QualifiedName, QualifiedName] = {}
    while True:
        found = _matches(
            _Side(then, [name for name in gone if name not in names], names),
            _Side(now, [name for name in new if name not in names.values()], {}),
        )
        if not found:
            return names
        names |= found


class _Side:
    """Tables of one moment, and what tells them from others."""

    def __init__(
        self,
        catalog: Catalog,
        names: Collection[QualifiedName],
        renamed: Mapping[QualifiedName, QualifiedName],
    ) -> None:
        self.tables = {name: catalog.by_name[name] for name in sorted(names) if name in catalog.by_name}
        self._renamed = renamed
        self._arriving: dict[QualifiedName, list[ForeignKey]] = defaultdict(list)
        for key in catalog.foreign_keys:
            self._arriving[key.referenced].append(key)
        self.traits = {name: dict(self._traits(table)) for name, table in self.tables.items()}

    def _today(self, name: QualifiedName, of: QualifiedName) -> QualifiedName | None:
        return None if name == of else self._renamed.get(name, name)

    def _traits(self, table: Table) -> Iterator[tuple[Hashable, int]]:
        """Yield what a table has, and how much it tells."""
        yield ("kind", table.kind), 0
        yield ("called", table.name.name), 2
        for column in table.columns:
            yield ("column", column.name, _TYPE_OF_SCHEMA.sub("", column.type)), 1
        for key in table.keys:
            yield ("key", key.primary, key.columns), 1
            yield ("name", key.name), 1
        for foreign in table.foreign_keys:
            yield ("refers", foreign.columns, self._today(foreign.referenced, table.name)), 2
            yield ("name", foreign.name), 1
        for foreign in self._arriving[table.name]:
            yield ("referred", foreign.columns, self._today(foreign.table, table.name)), 2
        parts: tuple[Check | Index | Trigger | Policy, ...]
        parts = (*table.checks, *table.exclusions, *table.indexes, *table.triggers, *table.policies)
        for other in parts:
            yield ("name", other.name), 1

    @cached_property
    def with_trait(self) -> Mapping[Hashable, list[QualifiedName]]:
        """The tables that have each trait."""
        found: dict[Hashable, list[QualifiedName]] = defaultdict(list)
        for name, traits in self.traits.items():
            for trait in traits:
                found[trait].append(name)
        return found

    def structure(self, name: QualifiedName) -> Hashable:
        """Return columns and keys, and nothing of names but those of columns."""
        traits = self.traits[name]
        return frozenset(trait for trait in traits if trait[0] in ("kind", "column", "key", "refers"))  # type: ignore[index]


def _matches(then: _Side, now: _Side) -> dict[QualifiedName, QualifiedName]:
    """Return the pairs of which each is the other's best, and none is as good."""
    scores: dict[QualifiedName, dict[QualifiedName, float]] = {name: {} for name in then.tables}
    for old, traits in then.traits.items():
        common: dict[QualifiedName, int] = defaultdict(int)
        for trait, weight in traits.items():
            for new in now.with_trait.get(trait, ()):
                common[new] += weight
        for new, shared in common.items():
            whole = max(sum(traits.values()), sum(now.traits[new].values()))
            if _is_alike(then, old, now, new, shared / whole):
                scores[old][new] = shared / whole
    turned: dict[QualifiedName, dict[QualifiedName, float]] = defaultdict(dict)
    for old, found in scores.items():
        for new, score in found.items():
            turned[new][old] = score
    best = {old: _only_best(found) for old, found in scores.items()}
    return {old: new for old, new in best.items() if new is not None and _only_best(turned[new]) == old}


def _is_alike(then: _Side, old: QualifiedName, now: _Side, new: QualifiedName, score: float) -> bool:
    if then.tables[old].kind is not now.tables[new].kind:
        return False
    shared = then.traits[old].keys() & now.traits[new].keys()
    columns = sum(trait[0] == "column" for trait in shared)  # type: ignore[index]
    if columns * 2 < max(len(then.tables[old].columns), len(now.tables[new].columns)):
        return False
    named = any(trait[0] in ("name", "called", "referred") for trait in shared)  # type: ignore[index]
    if then.structure(old) == now.structure(new):
        return named or columns > 1  # every table with nothing but an id looks like every other
    return named and score >= ALIKE


def _only_best(scores: Mapping[QualifiedName, float]) -> QualifiedName | None:
    best = max(scores.values(), default=0.0)
    found = [name for name, score in scores.items() if score == best]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Renames:
    """Tables, and schemas, that have other names now."""

    tables: Mapping[QualifiedName, QualifiedName]
    schemas: Mapping[str, str]

    @classmethod
    def of(cls, tables: Mapping[QualifiedName, QualifiedName], then: Catalog, now: Catalog) -> Renames:
        """Return these, and schemas that only changed their name: all of their tables are in a new one."""
        before = {schema.name for schema in then.schemas}
        after = {schema.name for schema in now.schemas}
        found = {}
        for schema in before - after:
            homes = {tables.get(name, name).schema for name in then.by_name if name.schema == schema}
            if len(homes) == 1 and not homes & before:
                found[schema] = homes.pop()
        return cls(tables, found)

    def __bool__(self) -> bool:
        return bool(self.tables)

    def name(self, name: QualifiedName) -> QualifiedName:
        """Return what an object is called now."""
        return self.tables.get(name) or QualifiedName(self.schemas.get(name.schema, name.schema), name.name)

    def text(self, text: str) -> str:
        """Return a text with the names that tables have now, as it names them with their schemas."""
        return self._spelling()(text)

    def lines(self) -> Iterator[str]:
        """Yield a sentence for each."""
        for old, new in sorted(self.schemas.items()):
            yield f"renamed: schema {old} is {new} now"
        for old_name, new_name in sorted(self.tables.items()):
            if self.schemas.get(old_name.schema) != new_name.schema or old_name.name != new_name.name:
                yield f"renamed: {old_name} is {new_name} now"

    def catalog(self, catalog: Catalog) -> Catalog:
        """Return a catalog of before under the names of now."""
        if not self:
            return catalog
        spell = self._spelling()
        by_name = {
            field.name: tuple(
                sorted((self._value(each, spell) for each in value), key=lambda each: each.name)
            )
            for field in fields(catalog)
            if isinstance(value := getattr(catalog, field.name), tuple) and field.name in _NAMED
        }
        if catalog.attributes is not None:
            things = {
                self._value(thing, spell): self._value(values, spell)
                for thing, values in catalog.attributes.things.items()
            }
            by_name["attributes"] = replace(catalog.attributes, things=things)  # type: ignore[assignment]
        return replace(catalog, **by_name)  # type: ignore[arg-type]

    def _spelling(self) -> Callable[[str], str]:
        """Return what spells the new names in definitions: qualified ones, as the server prints them."""
        texts = {str(old): str(new) for old, new in self.tables.items()}
        texts |= {f"{old.schema}.{old.name}": f"{new.schema}.{new.name}" for old, new in self.tables.items()}
        prefixes = {f"{old}.": f"{new}." for old, new in self.schemas.items()}
        names = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
        schemas = "|".join(map(re.escape, sorted(prefixes, key=len, reverse=True))) or "(?!)"
        pattern = re.compile(rf'(?<![\w".])(?:({names})(?![\w"])|({schemas}))')
        return lambda text: pattern.sub(lambda hit: texts.get(hit[1] or "") or prefixes[hit[2]], text)

    def _value(self, value: Value, spell: Callable[[str], str]) -> Any:
        if isinstance(value, QualifiedName):
            return self.name(value)
        if isinstance(value, str):
            return spell(value) if "." in value else value
        if isinstance(value, tuple | list):
            return type(value)(self._value(each, spell) for each in value)
        if isinstance(value, Mapping):
            return {key: self._value(each, spell) for key, each in value.items()}
        if not is_dataclass(value) or isinstance(value, type):
            return value
        changed = {
            field.name: self._value(getattr(value, field.name), spell)
            for field in fields(value)
            if field.name != "comment"
        }
        if "address" in changed and len(changed["address"]) > 1:  # of an attribute
            first = self.name(QualifiedName(*changed["address"][:2]))
            changed["address"] = (first.schema, first.name, *changed["address"][2:])
        elif "object" in changed:  # of a privilege
            named = self.name(QualifiedName(changed["schema"], changed["object"]))
            changed |= {"schema": named.schema, "object": named.name}
        elif isinstance(changed.get("schema"), str) or type(value).__name__ == "Schema":
            field_of_schema = "schema" if "schema" in changed else "name"
            changed[field_of_schema] = self.schemas.get(changed[field_of_schema], changed[field_of_schema])
        return replace(value, **changed)


def renames_between(then: Catalog, now: Catalog) -> Renames:
    """Return the tables, and schemas, of one moment that are there under other names at a later one."""
    before, after = (
        {name for name, table in each.by_name.items() if table.partition_of is None} for each in (then, now)
    )
    return Renames.of(recognised(then, now, before - after, after - before), then, now)


_NAMED = frozenset({"schemas", "tables", "sequences", "views", "functions", "types", "extensions", "grants"})
