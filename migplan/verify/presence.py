"""What of a bundle's objects a target has already, part by part: the same, another, or not there.

Both catalogs are compared as ``structure`` and ``attributes`` compare them, so that what counts as the same
here is what a verification takes for right.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from typing import Any

from migplan.bundle.schema.definitions import statements
from migplan.bundle.schema.parts import (
    Part,
    Presence,
    cast,
    operator,
    parents_of,
    parts_of,
    routine,
    signature,
)
from migplan.catalog import attributes as catalogs
from migplan.catalog import read
from migplan.catalog.attributes import Attributes, Thing
from migplan.catalog.compare import between, shown
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog, Grant, Index, Sequence, Table, View
from migplan.catalog.read_attributes import read_attributes
from migplan.names import QualifiedName, split
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from migplan.verify import attributes, structure
from migplan.verify.expectation import Expectation
from migplan.verify.rebuilt import Rebuilt, rebuilt
from migplan.verify.spelling import Spelling

Facts = dict[Part, dict[str, Any]]
"""What is so of each part, by words that messages can use."""

_ATTACHED = frozenset({"inhdetachpending"})  # of what is a part of a partitioned table or index alone


_UNPROVEN = frozenset({"not_null_constraint", "not_null_inherits", "not_null_comment"})


def presence(expectation: Expectation, address: Address, scratch: Address | None = None) -> Presence:
    """Return what of a bundle's objects a target has; nothing is changed there.

    ``scratch`` is a server on which definitions can be built where their texts do not tell whether they are
    the same; without one, a throwaway server is started for that.
    """
    nodes = [node for _, node in statements(expectation.paths.folder, expectation.manifest)]
    brought = parts_of(nodes)
    with reading(address) as session:
        catalog = read.read(session, Counting(Exactness.ESTIMATE))
        found = read_attributes(session)
    if expectation.leaves_owners_open:
        expectation = expectation.applied_by(catalog.server.role)

    @cache
    def rebuild() -> Rebuilt:
        return rebuilt(expectation, catalog.server.major, scratch)

    spelling = Spelling(expectation.catalog, rebuild)
    versions = (expectation.manifest.postgresql, catalog.server.major)
    then, now = structure.aligned(expectation, expectation.catalog, catalog, versions, spelling)
    ours, theirs = _Facts(then, brought), _Facts(_without_gifts(then, now), brought)
    if expectation.attributes is not None:
        scope = attributes.scope_of(expectation.manifest)
        _add_attributes(ours, theirs, (expectation.attributes, found), scope, lambda: rebuild().attributes)
    undecided = {name: why for (_, _, name), why in spelling.undecided.items()}
    found_parts = _presence(ours.facts, theirs.facts, brought, undecided)
    return replace(found_parts, catalog=catalog, parents=parents_of(nodes))


def _presence(ours: Facts, theirs: Facts, brought: frozenset[Part], undecided: Mapping[str, str]) -> Presence:
    same, missing, differing = set(), set(), []
    for part in sorted(ours.keys() & brought):
        then, now = ours[part], theirs.get(part, {})
        said = tuple(_differences(part, then, now))
        if not now:
            missing.add(part)
        elif not said:
            same.add(part)
        else:
            why = undecided.get(str(part.relation)) or undecided.get(part.part or part.name)
            told = (f"whether the texts mean the same could not be told: {why}",) if why else ()
            differing.append((part, (*said, *told)))
    more = sorted((theirs.keys() - ours.keys()) & brought)
    differing += [(part, ("not in the bundle",)) for part in more]
    return Presence(frozenset(same), frozenset(missing), tuple(differing))


def _differences(part: Part, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*then, *now)):
        if name not in now:
            yield f"{name} is missing there"
        elif name not in then:
            yield f"{name} is not in the bundle"
        elif isinstance(now[name], _Said):
            yield str(now[name])
        elif then[name] == now[name]:
            continue
        elif is_dataclass(then[name]) and is_dataclass(now[name]):
            itself = str(part).startswith(name.partition(" ")[0])
            for each in between(name, then[name], now[name]):
                detail = _BODIES.sub("another body", each.detail or each.change)
                yield detail if itself else f"{each.what}: {detail}"
        else:
            yield f"{name}: {shown(then[name])} -> {shown(now[name])}"


_NOT_NULL = re.compile(r'NOT NULL ((?:"(?:[^"]|"")*"|[^\s"])+)')
_BODIES = re.compile(r"body: [0-9a-f]{32} -> [0-9a-f]{32}")


class _Said(str):
    """A difference of an attribute, as people are told of it."""


def _without_gifts(expected: Catalog, found: Catalog) -> Catalog:
    """The target's catalog less the privileges that it gives to every new object."""
    known = {each.name for each in expected.grants}
    grants = tuple(
        each
        for each in found.grants
        if (each.privileges or each.withheld)
        and (each.name in known or not structure.given_by_default(each, found.grants, known))
    )
    return replace(found, grants=grants)


class _Facts:
    """The facts of a catalog; those of a part that no statement brings by itself are its owner's."""

    def __init__(self, catalog: Catalog, brought: Collection[Part]) -> None:
        self.facts: Facts = defaultdict(dict)
        self.indexes: dict[QualifiedName, Part] = {}
        self.relations: dict[QualifiedName, Part] = {}
        self.identities: dict[QualifiedName, Part] = {}
        self.unproven: dict[tuple[QualifiedName, str], Part] = {}
        self._brought = brought
        for schema in catalog.schemas:
            self._schema(schema.name, schema.owner, schema.comment)
        for sequence in catalog.sequences:
            self._sequence(sequence)
        for table in catalog.tables:
            self._table(table)
        for view in catalog.views:
            self._view(view)
        for function in catalog.functions:
            part = routine(function.name.schema, function.name.name, function.arguments)
            self._whole(part, function.kind, function)
        for each in catalog.types:
            self._whole(Part("type", each.name.schema, each.name.name), "type", each)
        for grant in catalog.grants:
            self._grant(grant)

    def home(self, part: Part, owner: Part) -> Part:
        """The part, where a statement brings it, else what it belongs to."""
        return part if part in self._brought else owner

    def _whole(self, part: Part, word: str, thing: Any, **without: Any) -> None:
        self.facts[part][word] = replace(thing, comment=None, **without)
        self._comment(part, word, thing.comment)

    def _comment(self, part: Part, word: str, comment: str | None) -> None:
        if comment is not None:
            about = part.about("comment")
            home = self.home(about, part)
            self.facts[home]["comment" if home == about else f"comment of {word}"] = comment

    def _schema(self, name: str, owner: str, comment: str | None) -> None:
        part = Part("schema", "", name)
        self.facts[part]["schema"] = True
        self.facts[replace(part, kind="owner of schema")]["owner"] = owner
        if comment is not None:
            self.facts[part.about("comment")]["comment"] = comment

    def _sequence(self, sequence: Sequence) -> None:
        part = Part("sequence", sequence.name.schema, sequence.name.name)
        if sequence.identity and sequence.owned_by and sequence.owned_column:
            part = Part("identity", sequence.owned_by.schema, sequence.owned_by.name, sequence.owned_column)
            self.identities[sequence.name] = part
        elif sequence.owned_by:
            owned = self.home(replace(part, kind="owned by"), part)
            self.facts[owned]["owner"] = f"{sequence.owned_by}.{sequence.owned_column}"
        self._whole(part, f"sequence {sequence.name}", sequence, owned_by=None, owned_column=None)

    def _table(self, table: Table) -> None:
        schema, name = table.name.schema, table.name.name
        part = Part("table", schema, name)
        self.relations[table.name] = part
        for index in table.indexes:
            self._index(part, index)
        identity = table.replica_identity or "default"  # None: the index that it was is gone
        leaning = identity.removeprefix("index ")
        by_index = leaning != identity
        if by_index:
            self.facts[self.indexes.get(QualifiedName(schema, leaning), part)]["replica identity"] = True
        attached = (str(table.partition_of), table.partition_bound)
        if table.partition_of is not None:
            self.facts[self.home(Part("attach", schema, name), part)]["partition of"] = attached
        if table.row_security:
            self.facts[self.home(Part("row security", schema, name), part)]["row security"] = True
        self._whole(
            part,
            "table",
            structure.bare(table),
            partition_of=None,
            partition_bound=None,
            row_security=False,
            replica_identity="default" if by_index else identity,
        )
        for check in table.checks:  # a NOT NULL that is NOT VALID is a statement of its own
            own = replace(part, kind="constraint", part=check.name)
            if (said := _NOT_NULL.match(check.definition)) and own in self._brought:
                self.unproven[table.name, split(said[1])[0]] = own
        self._columns(part, table)
        for key in table.keys:
            self._of_table("constraint", part, key)
        for each in (*table.foreign_keys, *table.checks, *table.exclusions):
            self._of_table("constraint", part, each)
        self._parts(part, table)

    def _parts(self, part: Part, owner: Table | View) -> None:
        for kind in ("policies", "triggers", "rules"):
            for each in getattr(owner, kind, ()):
                self._of_table("policy" if kind == "policies" else kind.removesuffix("s"), part, each)

    def _columns(self, part: Part, table: Table) -> None:
        if not table.inherits:  # else the parents' come first, even if they came later
            self.facts[part]["order of the columns"] = tuple(column.name for column in table.columns)
        for column in table.columns:
            default = self.home(replace(part, kind="default", part=column.name), part)
            identity = self.home(replace(part, kind="identity", part=column.name), part)
            word = f"column {column.name}"
            if default != part and column.default is not None:
                self.facts[default]["default"] = column.default
            if identity != part and column.identity is not None:
                self.facts[identity]["identity"] = column.identity
            unproven = self.unproven.get((table.name, column.name))
            if unproven and column.not_null:
                self.facts[unproven]["not null"] = True
            self.facts[part][word] = replace(
                column,
                comment=None,
                not_null=column.not_null and unproven is None,
                default=column.default if default == part else None,
                identity=column.identity if identity == part else None,
            )
            if column.comment is not None:
                about = replace(part, kind="comment of column", part=column.name)
                home = self.home(about, part)
                self.facts[home]["comment" if home == about else f"comment of {word}"] = column.comment

    def _of_table(self, kind: str, owner: Part, thing: Any) -> None:
        own = replace(owner, kind=kind, part=thing.name)
        word = f"{kind} {thing.name}"
        home = self.home(own, owner)
        without = {"triggers": ()} if hasattr(thing, "triggers") else {}
        self.facts[home][word] = replace(thing, comment=None, **without)
        if thing.comment is not None:
            about = own.about("comment")
            where = self.home(about, home)
            self.facts[where]["comment" if where == about else f"comment of {word}"] = thing.comment

    def _index(self, owner: Part, index: Index) -> None:
        own = Part("index", owner.schema, index.name)
        if index.constraint:
            own = replace(owner, kind="constraint", part=index.constraint)
        part = self.indexes[QualifiedName(owner.schema, index.name)] = self.home(own, owner)
        word = f"index {index.name}"
        if part.kind == "index":
            self.facts[part]["of"] = str(owner.relation)
        self.facts[part][word] = replace(index, comment=None, inherited=False)
        if index.inherited:
            self.facts[self.home(Part("index attach", owner.schema, index.name), part)]["attached"] = True
        if index.comment is not None and not index.constraint:
            about = own.about("comment")
            where = self.home(about, part)
            self.facts[where]["comment" if where == about else f"comment of {word}"] = index.comment

    def _view(self, view: View) -> None:
        kind = "materialized view" if view.materialized else "view"
        part = Part(kind, view.name.schema, view.name.name)
        self.relations[view.name] = part
        # The run's last step fills materialised views.
        nothing: dict[str, Any] = {"indexes": (), "triggers": (), "rules": (), "reads": (), "populated": True}
        self._whole(part, kind, view, **nothing)
        for index in view.indexes:
            self._index(part, index)
        self._parts(part, view)

    def _grant(self, grant: Grant) -> None:
        about, owner = self._granted(grant)
        if about is not None:
            home = about if owner is None else self.home(about, owner)
            self.facts[home][f"privileges of {grant.grantee}"] = (
                *grant.privileges,
                *(f"not {each}" for each in grant.withheld),
            )

    def _granted(  # noqa: PLR0911 - one a kind
        self, grant: Grant
    ) -> tuple[Part | None, Part | None]:
        """The privileges on an object as a part, and the object; None where they are not looked at."""
        name = QualifiedName(grant.schema, grant.object)
        if grant.kind == "schema":
            return Part("privileges of schema", "", grant.schema), None
        if grant.kind in {"table", "view"}:
            return Part("privileges of relation", *_pair(name)), self.relations.get(name)
        if grant.kind == "column":
            return Part("privileges of column", *_pair(name), grant.part), self.relations.get(name)
        if grant.kind == "sequence":
            part = self.identities.get(name, Part("sequence", *_pair(name)))
            return Part("privileges of sequence", *_pair(name)), part
        if grant.kind == "function":
            part = Part("routine", *_pair(name), signature(grant.part))
            return part.about("privileges"), part
        if grant.kind == "type":
            part = Part("type", *_pair(name))
            return part.about("privileges"), part
        return None, None


def _pair(name: QualifiedName) -> tuple[str, str]:
    return name.schema, name.name


def _add_attributes(
    ours: _Facts,
    theirs: _Facts,
    both: tuple[Attributes, Attributes],
    scope: attributes.Scope,
    built: Callable[[], Attributes | None],
) -> None:
    """Add what no catalog holds."""
    columns = scope.columns(*both)
    then, now = (attributes.compared_things(each, scope) for each in both)
    for thing, values in then.items():
        part, word = _part(thing, ours)
        there = now.get(thing)
        _add_itself(thing, values, (ours, theirs), part, word, there)
        if there is None:
            continue
        for name, said in attributes.changes(thing, values, there, columns, built):
            home = _home(part, name, thing.part, ours)
            if home != part and not (name in values and name in there):  # only one of them has it
                (ours if name in values else theirs).facts[home][name] = True
            else:
                ours.facts[home][f"{word} {name}"] = values.get(name)
                theirs.facts[home][f"{word} {name}"] = _Said(f"{word}: {said}")
    for thing in now.keys() - then.keys():
        if thing.is_of_its_own and thing.part_kind and Thing(thing.kind, thing.address) in then:
            part, word = _part(thing, theirs)
            theirs.facts[part][word] = True


def _add_itself(
    thing: Thing,
    values: Mapping[str, Any],
    both: tuple[_Facts, _Facts],
    part: Part,
    word: str,
    there: Mapping[str, Any] | None,
) -> None:
    """Add that a thing exists which no catalog has, and a comment that is the same."""
    ours, theirs = both
    if thing.is_of_its_own or part.kind == "trigger":  # of a partition
        ours.facts[part].setdefault(word, True)
        if there is not None:
            theirs.facts[part].setdefault(word, True)
    if there is not None and "comment" in values and values["comment"] == there.get("comment"):
        for facts in both:
            facts.facts[ours.home(part.about("comment"), part)]["comment"] = values["comment"]


def _home(part: Part, name: str, column: str, facts: _Facts) -> Part:
    """The part that an attribute of another one is, where a statement brings it."""
    if name in _UNPROVEN:
        return facts.unproven.get((part.relation, column), part)
    if name in _ATTACHED:
        attached = Part("index attach" if part.kind == "index" else "attach", part.schema, part.name)
        return facts.home(attached, part)
    return facts.home(part.about("comment"), part) if name == "comment" else part


def _part(thing: Thing, facts: _Facts) -> tuple[Part, str]:
    """The part that an attribute's object is, or belongs to, and what its facts are called."""
    whole = _whole(thing, facts)
    word = f"{thing.part_kind} {thing.part}" if thing.part_kind else thing.kind
    if thing.kind == "index":
        word = f"index {thing.address[1]}" + (f" {word}" if thing.part_kind else "")
    about = {"security label": "label", catalogs.PRIVILEGES: "privileges"}.get(thing.part_kind)
    if about:
        return facts.home(whole.about(about), whole), word
    if thing.part_kind and thing.kind == "publication":
        return facts.home(Part(f"published {thing.part_kind}", "", whole.name, thing.part), whole), word
    if thing.part_kind in {"constraint", "trigger", "policy", "rule"}:
        return facts.home(replace(whole, kind=thing.part_kind, part=thing.part), whole), word
    return whole, word


def _whole(thing: Thing, facts: _Facts) -> Part:  # noqa: PLR0911 - one a kind
    """The part that an attribute's object is."""
    if thing.kind == "cast":
        return cast(*thing.address)
    if thing.kind in catalogs.WITHOUT_SCHEMA:
        return Part(thing.kind, "", thing.address[-1])
    schema, name, *more = thing.address
    qualified = QualifiedName(schema, name)
    if thing.kind == "operator":
        return operator(schema, name, *more)
    if thing.kind == "function":
        return routine(schema, name, ", ".join(more))
    if thing.kind == "index":
        return facts.indexes.get(qualified, Part("index", schema, name))
    if thing.kind == "sequence":
        return facts.identities.get(qualified, Part("sequence", schema, name))
    return Part({"base type": "type"}.get(thing.kind, thing.kind), schema, name, *more[:1])
