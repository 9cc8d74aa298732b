"""Attributes: what else the system catalogs hold of each object, compared by name and value.

A Catalog has what plans, documents and advice speak of. Attributes are everything beside it that ALTER can
change: how a column is stored, what a publication publishes, whether a trigger of a partition fires. They are
read as whole rows, so that nobody has to know a column for it to be compared; ``uncompared`` lists those that
need no comparison.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from migplan.names import QualifiedName, quoted

ROLE = "pg_authid"
PRIVILEGES, SETTING, LABEL = "privileges", "setting", "security label"
"""Kinds of parts: of one that holds privileges the name is the grantee."""

# Parts that no Catalog knows of, of objects that it has.
_OWN_PARTS = frozenset({("type", "constraint")})

# What the columns hold that refer to other objects; the server's pg_get_catalog_foreign_keys() says the same.
REFERENCES: Mapping[str, str] = {
    column: catalog
    for catalog, columns in {
        ROLE: "typowner stxowner pubowner evtowner cfgowner dictowner oprowner opcowner opfowner conowner "
        "collowner lanowner fdwowner srvowner",
        "pg_am": "relam",
        "pg_collation": "attcollation typcollation rngcollation",
        "pg_foreign_data_wrapper": "srvfdw",
        "pg_foreign_server": "ftserver",
        "pg_opclass": "rngsubopc",
        "pg_operator": "aggsortop oprcom oprnegate amopopr",
        "pg_opfamily": "opcfamily amopsortfamily",
        "pg_proc": "evtfoid castfunc lanplcallfoid laninline lanvalidator fdwhandler fdwvalidator",
        "pg_tablespace": "reltablespace",
        "pg_ts_dict": "mapdict",
        "pg_ts_parser": "cfgparser",
        "pg_ts_template": "dicttemplate",
        "pg_type": "protrftypes aggmtranstype typelem rngmultitypid oprresult opcintype opckeytype",
    }.items()
    for column in columns.split()
}
OWNERS = frozenset(column for column, catalog in REFERENCES.items() if catalog == ROLE)

# Passwords stand in some of these: what is kept of them is a digest.
SECRET = frozenset({"fdwoptions", "srvoptions", "ftoptions", "attfdwoptions", "setting"})

WITHOUT_SCHEMA = frozenset(
    {
        *("schema", "cast", "transform", "access method", "procedural language", "extension", "database"),
        *("event trigger", "publication", "foreign data wrapper", "server", "role", "tablespace"),
    }
)

OF_CATALOG = frozenset(
    {"table", "view", "materialized view", "index", "sequence", "type", "function", "extension"}
)
"""Kinds whose objects a Catalog has: that one came or went is said there."""


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """The name of an object, or of a part of one, as it is stored."""

    kind: str  # as DROP has it, in small letters
    address: tuple[str, ...]
    part_kind: str = ""
    part: str = ""

    @property
    def name(self) -> str:
        """The object's name as messages have it: schema, name, and what tells it from others of that name."""
        if self.kind == "cast":
            return f"({' as '.join(self.address)})"
        if self.kind in WITHOUT_SCHEMA:
            return " ".join(map(quoted, self.address))
        schema, name, *rest = self.address
        if self.kind == "operator":
            return f"{quoted(schema)}.{name}({', '.join(rest)})"
        if self.kind == "function":
            return f"{QualifiedName(schema, name)}({', '.join(rest)})"
        using = f" using {rest[0]}" if rest else ""
        return f"{QualifiedName(schema, name)}{using}"

    @property
    def whole(self) -> Thing:
        """The object that it is, or that it is a part of; databases are told apart by nothing."""
        return Thing(self.kind, ("",) if self.kind == "database" else self.address)

    @property
    def is_of_its_own(self) -> bool:
        """Whether nothing in a Catalog tells that it came or went."""
        if self.part_kind == LABEL or (self.kind, self.part_kind) in _OWN_PARTS:
            return True
        return self.kind not in OF_CATALOG

    def __str__(self) -> str:
        if not self.part_kind:
            return f"{self.kind} {self.name}"
        if self.kind == "database":
            return f"{self.part_kind} {self.part} of the database"
        of = self.name if self.kind in ("table", "view") else f"{self.kind} {self.name}"
        return f"{self.part_kind} {self.part} of {of}"


Things = Mapping[Thing, Mapping[str, Any]]


@dataclass(frozen=True)
class Attributes:
    """Attributes by object, named as the catalogs' columns are; ``columns`` are all that the server has."""

    columns: frozenset[str] = frozenset()
    things: Things = field(default_factory=dict)

    @property
    def of_any_database(self) -> Things:
        """The same, the database without its name: a copy of it has another one."""
        return {
            replace(thing, address=("",)) if thing.kind == "database" else thing: values
            for thing, values in self.things.items()
        }


FORMAT = 1


def by_thing(item: tuple[Thing, Any]) -> tuple[str, tuple[str, ...], str, str]:
    """What things with something of theirs are sorted by: the same order as theirs, and sooner found."""
    thing = item[0]
    return thing.kind, thing.address, thing.part_kind, thing.part


def as_json(attributes: Attributes) -> dict[str, Any]:
    """Return JSON values: what most objects of a kind share once, and what differs for each object."""
    by_kind: dict[str, list[tuple[Thing, Mapping[str, Any]]]] = defaultdict(list)
    for thing, values in sorted(attributes.things.items(), key=by_thing):
        by_kind[_kind(thing)].append((thing, values))
    usual = {kind: _usual(values for _, values in things) for kind, things in by_kind.items()}
    objects = [
        [thing.kind, list(thing.address), thing.part_kind, thing.part, _beside(usual[kind], values)]
        for kind, things in by_kind.items()
        for thing, values in things
    ]
    return {
        "migplan_attributes": FORMAT,
        "columns": sorted(attributes.columns),
        "usual": usual,
        "objects": objects,
    }


def from_json(content: Mapping[str, Any]) -> Attributes:
    """Read what :func:`as_json` returned; raise KeyError, TypeError or ValueError for anything else."""
    if content["migplan_attributes"] != FORMAT:
        raise ValueError(f"it has format {content['migplan_attributes']}, and this migplan reads {FORMAT}")
    things = {}
    for kind, address, part_kind, part, beside in content["objects"]:
        thing = Thing(kind, tuple(address), part_kind, part)
        values = {**content["usual"][_kind(thing)], **beside}
        things[thing] = {name: value for name, value in values.items() if value is not None}
    return Attributes(frozenset(content["columns"]), things)


def _kind(thing: Thing) -> str:
    return f"{thing.part_kind} of {thing.kind}" if thing.part_kind else thing.kind


def _usual(values: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    counted: dict[str, Counter[tuple[type, Any]]] = defaultdict(Counter)
    number = 0
    for each in values:
        number += 1
        for name, value in each.items():
            counted[name][type(value), json.dumps(value) if isinstance(value, list | dict) else value] += 1
    most = {name: found.most_common(1)[0] for name, found in sorted(counted.items())}
    return {
        name: json.loads(value) if kind in {list, dict} else value
        for name, ((kind, value), times) in most.items()
        if 2 * times > number
    }


def _beside(usual: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    missing = {name: None for name in usual if name not in values}
    return missing | {name: value for name, value in sorted(values.items()) if usual.get(name) != value}
