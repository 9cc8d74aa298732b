"""What objects offer to others: the columns of a table, the result of a function, the labels of an enum.

The same questions are asked of a source and of a target, so that the two answers can be compared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from migplan.postgres.archive import RELATIONS, ROUTINES, TYPES, Named

Ask = Callable[[LiteralString, Sequence[Any]], list[Any]]
"""Run a question with its values under an empty search path, and return the rows."""

_WITH_COLUMNS = RELATIONS | {"SEQUENCE"}

_RELATIONS = """
SELECT n.nspname::text, c.relname::text,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM unnest(%s::text[], %s::text[]) w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
"""  # noqa: E501 - SQL is read in lines
_UNIQUE = """
SELECT n.nspname::text, c.relname::text,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey) ORDER BY a.attname)
FROM unnest(%s::text[], %s::text[]) w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
  AND i.indnkeyatts = i.indnatts
"""
_TYPES = """
SELECT n.nspname::text, t.typname::text,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
       CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) ELSE '' END
FROM unnest(%s::text[], %s::text[]) w (schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = w.name
"""  # noqa: E501
TAG_OF_ROUTINE: LiteralString = """p.proname || '(' || CASE
        WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*'
        ELSE coalesce((SELECT string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.place)
                       FROM unnest(p.proargtypes) WITH ORDINALITY a (type, place)), '') END || ')'"""
"""How pg_dump tags the function of a row ``p`` of pg_proc, where the search path is empty."""

_ROUTINES = """
SELECT n.nspname::text, r.tag, coalesce(pg_catalog.pg_get_function_result(p.oid), '')
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL (SELECT {tag}) r (tag)
JOIN unnest(%s::text[], %s::text[]) w (schema, name) ON w.schema = n.nspname AND w.name = r.tag
""".replace("{tag}", TAG_OF_ROUTINE)
_OTHERS = """
SELECT there.kind, there.schema, there.name, there.version FROM (
    SELECT 'SCHEMA', '', n.nspname::text, '' FROM pg_catalog.pg_namespace n
    UNION ALL SELECT 'EXTENSION', '', e.extname::text, e.extversion FROM pg_catalog.pg_extension e
    UNION ALL SELECT 'PROCEDURAL LANGUAGE', '', l.lanname::text, '' FROM pg_catalog.pg_language l
    UNION ALL SELECT 'ACCESS METHOD', '', m.amname::text, '' FROM pg_catalog.pg_am m
    UNION ALL SELECT 'PUBLICATION', '', b.pubname::text, '' FROM pg_catalog.pg_publication b
    UNION ALL SELECT 'EVENT TRIGGER', '', v.evtname::text, '' FROM pg_catalog.pg_event_trigger v
    UNION ALL SELECT 'SERVER', '', s.srvname::text, '' FROM pg_catalog.pg_foreign_server s
    UNION ALL SELECT 'FOREIGN DATA WRAPPER', '', w.fdwname::text, '' FROM pg_catalog.pg_foreign_data_wrapper w
    UNION ALL SELECT 'COLLATION', n.nspname::text, c.collname::text, ''
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    UNION ALL SELECT 'TEXT SEARCH CONFIGURATION', n.nspname::text, c.cfgname::text, ''
    FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
    UNION ALL SELECT 'TEXT SEARCH DICTIONARY', n.nspname::text, d.dictname::text, ''
    FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
    UNION ALL SELECT 'OPERATOR CLASS', n.nspname::text, c.opcname::text, ''
    FROM pg_catalog.pg_opclass c JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
    UNION ALL SELECT 'OPERATOR FAMILY', n.nspname::text, f.opfname::text, ''
    FROM pg_catalog.pg_opfamily f JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
) there (kind, schema, name, version)
JOIN unnest(%s::text[], %s::text[], %s::text[]) wanted (kind, schema, name) USING (kind, schema, name)
"""
_ASKED = frozenset(
    {
        *("SCHEMA", "EXTENSION", "PROCEDURAL LANGUAGE", "ACCESS METHOD", "PUBLICATION", "EVENT TRIGGER"),
        *("SERVER", "FOREIGN DATA WRAPPER", "COLLATION", "TEXT SEARCH CONFIGURATION"),
        *("TEXT SEARCH DICTIONARY", "OPERATOR CLASS", "OPERATOR FAMILY"),
    }
)

KNOWN = _WITH_COLUMNS | TYPES | ROUTINES | _ASKED
"""The kinds whose objects can be asked for."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What others can use of an object."""

    columns: Mapping[str, str] = field(default_factory=dict)  # of a relation: name and type
    unique: frozenset[tuple[str, ...]] = frozenset()  # sorted columns that a foreign key may refer to
    result: str = ""  # of a function; of a domain, what it stands on
    labels: tuple[str, ...] = ()  # of an enum
    version: str = ""  # of an extension


def interfaces(ask: Ask, wanted: Iterable[Named]) -> dict[Named, Interface]:
    """Return the interface of each object that is there; kinds that are not ``KNOWN`` are passed over."""
    every = sorted(set(wanted))
    return dict(_answers(ask, every))


def _answers(ask: Ask, wanted: Sequence[Named]) -> Iterator[tuple[Named, Interface]]:
    relations, types, routines, others = (
        [each for each in wanted if each[0] in kinds] for kinds in (_WITH_COLUMNS, TYPES, ROUTINES, _ASKED)
    )
    if relations:
        pairs = _columns(relations)
        unique: dict[tuple[str, str], set[tuple[str, ...]]] = {}
        for schema, name, columns in ask(_UNIQUE, pairs):
            unique.setdefault((schema, name), set()).add(tuple(columns))
        for schema, name, columns, of_types in ask(_RELATIONS, pairs):
            there = Interface(
                dict(zip(columns, of_types, strict=True)), frozenset(unique.get((schema, name), ()))
            )
            yield from ((each, there) for each in relations if each[1:] == (schema, name))
    if types:
        for schema, name, labels, base in ask(_TYPES, _columns(types)):
            there = Interface(result=base, labels=tuple(labels))
            yield from ((each, there) for each in types if each[1:] == (schema, name))
    if routines:
        for schema, tag, result in ask(_ROUTINES, _columns(routines)):
            yield from ((each, Interface(result=result)) for each in routines if each[1:] == (schema, tag))
    if others:
        values = [[each[0] for each in others], *_columns(others)]
        for kind, schema, name, version in ask(_OTHERS, values):
            yield (kind, schema, name), Interface(version=version)


def _columns(wanted: Sequence[Named]) -> list[list[str]]:
    return [[schema for _, schema, _ in wanted], [name for _, _, name in wanted]]
