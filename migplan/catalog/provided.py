"""What the target brings by itself: schemas, objects, extensions and roles that a move leaves alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields, replace

from migplan.catalog.model import Column, Policy, Table
from migplan.config import ProvidedSection
from migplan.names import Pattern, QualifiedName, part_matches
from migplan.postgres.archive import ROUTINES
from migplan.sql.tree import names_in

_THE_SERVERS = frozenset({"pg_catalog", "information_schema"})

# Entries whose tag begins with the name of the relation that they are about.
_OF_RELATION = frozenset(
    {
        *("CHECK CONSTRAINT", "CONSTRAINT", "DEFAULT", "FK CONSTRAINT", "POLICY", "ROW SECURITY", "RULE"),
        *("TABLE ATTACH", "TABLE DATA", "TRIGGER"),
    }
)

# Comments, privileges and labels: their tag says the kind of what they are about, then its name.
_ABOUT_OTHERS = frozenset({"ACL", "COMMENT", "SECURITY LABEL"})
_KINDS_OF_SUBJECTS = tuple(
    sorted(
        (
            *("ACCESS METHOD", "AGGREGATE", "CAST", "COLLATION", "COLUMN", "CONSTRAINT", "CONVERSION"),
            *("DOMAIN", "EVENT TRIGGER", "EXTENSION", "FOREIGN DATA WRAPPER", "FOREIGN SERVER"),
            *("FOREIGN TABLE", "FUNCTION", "INDEX", "LANGUAGE", "MATERIALIZED VIEW", "OPERATOR"),
            *("OPERATOR CLASS", "OPERATOR FAMILY", "POLICY", "PROCEDURAL LANGUAGE", "PROCEDURE"),
            *("PUBLICATION", "RULE", "SCHEMA", "SEQUENCE", "SERVER", "STATISTICS", "SUBSCRIPTION", "TABLE"),
            *("TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER"),
            *("TEXT SEARCH TEMPLATE", "TRANSFORM", "TRIGGER", "TYPE", "VIEW"),
        ),
        key=len,
        reverse=True,
    )
)
_ON = re.compile(r" ON ")


@dataclass(frozen=True, slots=True)
class Provided:
    """Patterns of what the target brings: it is not created, not dropped, and its rows are not taken.

    ``names`` mean whatever has no schema around it: schemas, extensions, roles, publications and the like.
    ``policies`` are the provided tables that come without policies, so that those on them are people's own.
    """

    schemas: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()  # those of a preset, of which a database has some

    def __bool__(self) -> bool:
        """Whether anything is provided at all."""
        return any((self.schemas, self.objects, self.extensions, self.roles, self.names))

    def __or__(self, other: Provided) -> Provided:
        """What either of them says."""
        merged = {
            each.name: tuple(dict.fromkeys((*getattr(self, each.name), *getattr(other, each.name))))
            for each in fields(self)
            if each.name != "optional"
        }
        return Provided(**merged, optional=self.optional | other.optional)

    @classmethod
    def of(cls, section: ProvidedSection) -> Provided:
        """Return what a configuration says."""
        return cls(**section.model_dump())

    def as_preset(self) -> Provided:
        """Return the same as what a database has or not: a pattern that matches nothing is no mistake."""
        said = (getattr(self, each.name) for each in fields(self))
        return replace(self, optional=frozenset(text for texts in said for text in texts))

    def schema(self, name: str) -> bool:
        """Whether a schema is provided, with all that is in it."""
        return _any_part((*self.schemas, *self.names), name)

    def extension(self, name: str) -> bool:
        """Whether an extension is provided."""
        return _any_part((*self.extensions, *self.names), name)

    def role(self, name: str) -> bool:
        """Whether a role is provided."""
        return _any_part((*self.roles, *self.names), name)

    def relation(self, name: QualifiedName) -> bool:
        """Whether a table, a view, a function or whatever else has a schema is provided."""
        return self.schema(name.schema) or any(
            Pattern(text).matches(name) for text in self.objects if len(Pattern(text).pieces) == 2
        )

    def without_policies(self, name: QualifiedName) -> bool:
        """Whether a provided table comes without policies: those on it are people's own."""
        return any(Pattern(text).matches(name) for text in self.policies)

    def entry(self, kind: str, schema: str, tag: str) -> bool:
        """Whether an entry of pg_dump's is provided, as far as its own words tell.

        An index, a sequence that a column owns, and triggers and policies that people put on a provided table
        are for the caller, who knows what they belong to. So are default privileges, which have an owner.
        """
        if kind in _ABOUT_OTHERS:
            return self._subject(schema, tag)
        if kind == "DEFAULT ACL":
            return bool(schema) and self.schema(schema)
        if kind == "SCHEMA":
            return self.schema(tag)
        if kind == "EXTENSION":
            return self.extension(tag)
        if not schema:
            return self._without_schema(tag)
        return self.schema(schema) or any(self.relation(QualifiedName(schema, n)) for n in _names(kind, tag))

    def _subject(self, schema: str, tag: str) -> bool:
        kind = next((each for each in _KINDS_OF_SUBJECTS if tag.startswith(f"{each} ")), "")
        name = tag.removeprefix(f"{kind} ")
        if kind == "COLUMN":
            dots = (at for at, character in enumerate(name) if character == ".")
            return any(self.entry("TABLE", schema, name[:dot]) for dot in dots)
        if kind in {"CONSTRAINT", "POLICY", "RULE", "TRIGGER"}:
            return any(self.entry("TABLE", schema, name[at.end() :]) for at in _ON.finditer(name))
        return self.entry(kind, schema, name)

    def _without_schema(self, name: str) -> bool:
        """Whether a publication, an event trigger, a server or the like is provided."""
        return _any_part((*self.names, *(t for t in self.objects if len(Pattern(t).pieces) == 1)), name)


def as_section(provided: Provided) -> ProvidedSection:
    """Return the patterns as a configuration, or a manifest, has them."""
    said = {each.name: getattr(provided, each.name) for each in fields(provided) if each.name != "optional"}
    return ProvidedSection(**said)


def people_made(table: Table, provided: Provided, columns: Collection[str]) -> Table:
    """Return a provided table with these columns and what people put on it, and nothing of the target's own.

    Theirs are triggers that call a function which is not provided, and policies that use something which is
    not, or any where the table comes without.
    """
    any_policy = provided.without_policies(table.name)
    return Table(
        table.name,
        table.kind,
        columns=tuple(Column(each.name, each.type) for each in table.columns if each.name in columns),
        policies=tuple(each for each in table.policies if any_policy or _uses_ours(each, provided)),
        triggers=tuple(each for each in table.triggers if not provided.relation(each.function)),
    )


def _uses_ours(policy: Policy, provided: Provided) -> bool:
    """Whether a policy's expressions name anything that neither PostgreSQL nor the target brings."""
    named = {name for text in (policy.using, policy.check) if text for name in names_in(text)}
    return any(name.schema not in _THE_SERVERS and not provided.relation(name) for name in named)


def _any_part(patterns: Iterable[str], name: str) -> bool:
    return any(part_matches(pattern, name) for pattern in patterns)


def _names(kind: str, tag: str) -> Iterator[str]:
    """The names that a tag may begin with: names contain blanks and parentheses, too."""
    if kind in ROUTINES:
        yield from (tag[:at] for at, character in enumerate(tag) if character == "(")
    elif kind in _OF_RELATION:
        yield from (tag[:at] for at, character in enumerate(f"{tag} ") if character == " ")
    else:
        yield tag
