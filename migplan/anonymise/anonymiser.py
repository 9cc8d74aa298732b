"""The Anonymiser: what each column of a catalog holds, and rows of it that may be shown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from migplan import names
from migplan.anonymise import texts
from migplan.anonymise.decisions import Decision, Place, Shape, decide
from migplan.anonymise.stand_ins import StandIns
from migplan.anonymise.types import Sort, Types, listed
from migplan.anonymise.values import NULL, Showing
from migplan.anonymise.words import builtin_vocabulary, words_of
from migplan.catalog.model import Catalog, Column, Table
from migplan.config import AnonymiseSection, ColumnKind
from migplan.names import QualifiedName
from migplan.text.wording import did_you_mean

_Where = tuple[QualifiedName, str]
_ANY = AnonymiseSection()
_MOMENT = re.compile(
    r"-?\d{1,6}|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[+-]\d\d(?::\d\d)*)?)?"
    r"|\d\d:\d\d(?::\d\d)?|now|today|infinity|-infinity|epoch"
)
_CAST_TO_NAME = re.compile(r"\)*::\"?(?:reg[a-z]+|interval)\b")
_PART = re.compile(r'"(?:[^"]|"")+"|[^".]+')


class Anonymiser:
    """Decides once for each column, and shows rows. Without a connection: it sees what it is given."""

    def __init__(self, catalog: Catalog, settings: AnonymiseSection = _ANY, key: bytes = b"") -> None:
        self._tables = catalog.by_name
        self._types = Types(catalog)
        self._rules = tuple(
            sorted((_Rule(*each) for each in settings.columns.items()), key=lambda rule: rule.rank)
        )
        self._decisions: dict[_Where, Decision] = {}
        self._referenced = dict(_referenced(catalog))
        self._cleaned: dict[str, str] = {}
        self._listed = frozenset(_listed(catalog))
        self._showing = Showing(self._types, StandIns(key), _vocabulary(catalog))

    @property
    def idle(self) -> Iterator[str]:
        """A sentence for each pattern of the settings that means no column."""
        columns = [(name, each.name) for name, table in self._tables.items() for each in table.columns]
        for rule in self._rules:
            if not any(rule.means(*each) for each in columns):
                known = {rule.written(*each) for each in columns}
                near = did_you_mean(rule.text, known, "")
                yield f"anonymise.columns: no column matches {rule.text!r}{near and '; ' + near}"

    def kind_of(self, table: Table | QualifiedName, column: Column | str) -> Decision:
        """What a column holds, and why we think so."""
        where = table.name if isinstance(table, Table) else table
        name = column.name if isinstance(column, Column) else column
        if (where, name) not in self._decisions:
            self._decisions[where, name] = self._decided(where, name)
        return self._decisions[where, name]

    def row(self, table: Table, values: Mapping[str, Any]) -> tuple[str, ...]:
        """A row that may be shown: one line for each column, in their order."""
        return tuple(self._cell(table, column, values) for column in table.columns)

    def replaced(self, table: Table) -> tuple[tuple[str, str], ...]:
        """The columns whose values are stand-ins, and why."""
        decisions = ((column.name, self.kind_of(table, column)) for column in table.columns)
        return tuple((name, decision.why) for name, decision in decisions if not decision.is_kept)

    def text(self, sql_or_comment: str) -> str:
        """A text out of a database with a mark in place of whatever gives a secret or a person away."""
        return texts.shown(sql_or_comment)

    def sql(self, text: str) -> str:
        """SQL in which only such strings stand as are known to be harmless: codes, moments, known words."""
        if text not in self._cleaned:
            self._cleaned[text] = texts.strict(text, self._is_harmless)
        return self._cleaned[text]

    def _is_harmless(self, value: str, after: str) -> bool:
        return (
            not re.search(r"\w", value)
            or value in self._listed
            or _MOMENT.fullmatch(value) is not None
            or _CAST_TO_NAME.match(after) is not None
            or self._showing.is_category(value)
        )

    def partition_key(self, table: Table) -> str:
        """By what the table is split of which this one is a part; empty when it is none."""
        parent = self._tables.get(table.partition_of) if table.partition_of else None
        return (parent.partition_key or "") if parent else ""

    def _cell(self, table: Table, column: Column, values: Mapping[str, Any]) -> str:
        value = values.get(column.name)
        if column.name not in values:
            return "[not read]"
        if value is None:
            return NULL
        place = Place(column.name, table=table.name.name)
        return self._showing.cell(self.kind_of(table, column), place, column.type, value)

    def _decided(self, where: QualifiedName, name: str) -> Decision:
        """What its last referenced column is decided to hold, handed back key by key."""
        path = [(where, name)]
        while (target := self._target(path)) is not None:
            path.append(target)
        last = path[-1]
        decision = self._decisions.get(last) or self._by_rule(*last) or self._by_itself(*last)
        for place, target in reversed([*pairwise(path)]):
            decision = self._as_referenced(place, target, decision)
        return decision

    def _target(self, path: Sequence[_Where]) -> _Where | None:
        """The column that decides on the last one of a path; None where that is decided by itself."""
        last = path[-1]
        if last in self._decisions or self._by_rule(*last) is not None:
            return None
        targets = (each for each in self._referenced.get(last, ()) if each[0] in self._tables)
        return next((each for each in targets if each not in path), None)

    def _by_rule(self, where: QualifiedName, name: str) -> Decision | None:
        for rule in self._rules:
            if rule.means(where, name):
                shape = Shape.BY_HAND if rule.kind is ColumnKind.KEEP else Shape.ANY
                return Decision(rule.kind, f"the settings say so ({rule.text})", shape)
        return None

    def _as_referenced(self, place: _Where, target: _Where, theirs: Decision) -> Decision:
        """What a column holds that refers to another; a secret stays one, unless people set otherwise."""
        own = self._by_itself(*place)
        if own.kind is ColumnKind.SECRET and theirs.is_kept and theirs.shape is not Shape.BY_HAND:
            return own
        return Decision(theirs.kind, f"it refers to {target[0]} ({target[1]})", theirs.shape, theirs.allowed)

    def _by_itself(self, where: QualifiedName, name: str) -> Decision:
        table = self._tables.get(where)
        try:
            column = table.column(name) if table else None
        except KeyError:
            column = None
        if table is None or column is None:
            return Decision(ColumnKind.TEXT, "the catalog does not know it")
        shown = self._types.of(column.type)
        while shown.sort is Sort.ARRAY:
            shown = self._types.of(shown.element)
        keys = table.keys
        allowed = frozenset[str]().union(*(listed(check.definition, name) for check in table.checks))
        is_key = any(name in key.columns for key in keys) or (where, name) in self._referenced
        return decide(Place(name, column.comment or "", where.name, is_key, allowed), shown)


class _Rule:
    """What people say of columns, by a pattern of one to three parts."""

    def __init__(self, text: str, kind: ColumnKind) -> None:
        self.text, self.kind = text, kind
        self._parts = tuple(found.group() for found in _PART.finditer(text))

    @property
    def rank(self) -> tuple[int, bool, int]:
        """The more a pattern says, the sooner it is asked."""
        return -len(self._parts), any(sign in self.text for sign in "*?["), -len(self.text)

    def means(self, table: QualifiedName, column: str) -> bool:
        """Whether the column is one of those."""
        full = (table.schema, table.name, column)[-len(self._parts) :]
        return all(names.part_matches(part, name) for part, name in zip(self._parts, full, strict=True))

    def written(self, table: QualifiedName, column: str) -> str:
        """The column's name, with as many parts as the pattern has."""
        return ".".join(map(names.quoted, (table.schema, table.name, column)[-len(self._parts) :]))


def _referenced(
    catalog: Catalog,
) -> Iterator[tuple[_Where, list[_Where]]]:
    """Of each column of a key, the columns that it refers to; those that partitions inherit included."""
    gathered: dict[_Where, list[_Where]] = {}
    for table in catalog.tables:
        above: Table | None = table
        while above is not None:
            for key in above.foreign_keys:
                for own, theirs in zip(key.columns, key.referenced_columns, strict=True):
                    gathered.setdefault((table.name, own), []).append((key.referenced, theirs))
            above = catalog.by_name.get(above.partition_of) if above.partition_of else None
    yield from gathered.items()


def _listed(catalog: Catalog) -> Iterator[str]:
    """The values that types and checks list: they are nobody's data."""
    for each in catalog.types:
        if each.kind == "enum":
            yield from each.definition
    for table in catalog.tables:
        for check in table.checks:
            for column in table.columns:
                yield from listed(check.definition, column.name)


def _vocabulary(catalog: Catalog) -> frozenset[str]:
    """The words that the catalog's own names consist of, and those that anybody may use."""
    own = {word for table in catalog.tables for word in words_of(table.name.name)}
    own |= {word for table in catalog.tables for column in table.columns for word in words_of(column.name)}
    own |= {word for each in catalog.types for word in words_of(each.name.name)}
    return builtin_vocabulary() | own
