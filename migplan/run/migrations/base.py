"""What stands in a scratch database before the first migration: nothing, a bundle, or the target's schema.

The target's own schema is taken with pg_dump, as it was before the first migration of a folder, and kept in
the journal. Neither rows nor secrets are in it: subscriptions and user mappings are left out, and so are
event triggers, which would run on the scratch server.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, LiteralString

from pydantic import BaseModel

from migplan.bundle.schema import ddl
from migplan.bundle.schema.building import build
from migplan.bundle.schema.definitions import texts
from migplan.bundle.schema.roles import Owners, roles_in
from migplan.bundle.schema.unsupported import Setting
from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.catalog.interfaces import Interface, interfaces
from migplan.config import Platform
from migplan.errors import ArchiveError, DatabaseError, LaunchError
from migplan.migrations.model import Thing, ThingKind
from migplan.names import QualifiedName, quoted, quoted_list, split
from migplan.postgres import pg_dump
from migplan.postgres.address import Address
from migplan.postgres.archive import Entry
from migplan.postgres.session import Session, connect, reading
from migplan.run.bundle.stand_ins import load_stand_ins
from migplan.run.migrations.extensions import Extensions
from migplan.run.preflight.wants import wants_of
from migplan.sql.split import Statement, pieces
from migplan.sql.text import literal
from migplan.text.wording import counted

KEPT_AS = "(base)"
"""Under which name the journal keeps the base with the first run of a folder; no file is called so."""

_OURS = "migplan"
_LEFT_OUT = frozenset({"DATABASE", "DATABASE PROPERTIES", "SUBSCRIPTION", "USER MAPPING", "EVENT TRIGGER"})
_ABOUT = tuple(f"{kind} " for kind in sorted(_LEFT_OUT))
_DURING = "reading the schema of the target"

_WHERE: LiteralString = """
    SELECT pg_catalog.current_database()::text, session_user::text,
           coalesce((SELECT pg_catalog.substr(c, 13)
                     FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) c
                     WHERE c LIKE 'search_path=%%'
                       AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d
                                                 WHERE d.datname = pg_catalog.current_database()))
                       AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles r
                                             WHERE r.rolname = session_user))
                     ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC LIMIT 1), '')
"""
# What people have made: no members of extensions, nothing of the server's own, and no journal.
_SOMETHING: LiteralString = """
    SELECT EXISTS (
        SELECT FROM (
            SELECT 'pg_catalog.pg_class'::regclass, c.oid, c.relnamespace FROM pg_catalog.pg_class c
            UNION ALL
            SELECT 'pg_catalog.pg_proc'::regclass, p.oid, p.pronamespace FROM pg_catalog.pg_proc p
            UNION ALL
            SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typnamespace FROM pg_catalog.pg_type t
            UNION ALL
            SELECT 'pg_catalog.pg_namespace'::regclass, n.oid, n.oid FROM pg_catalog.pg_namespace n
            WHERE n.nspname <> 'public'
            UNION ALL
            SELECT 'pg_catalog.pg_extension'::regclass, e.oid, e.extnamespace FROM pg_catalog.pg_extension e
            WHERE e.extname <> 'plpgsql'
            UNION ALL
            SELECT 'pg_catalog.pg_publication'::regclass, p.oid, 0 FROM pg_catalog.pg_publication p
            UNION ALL
            SELECT 'pg_catalog.pg_default_acl'::regclass, d.oid, d.defaclnamespace
            FROM pg_catalog.pg_default_acl d
        ) made (class, oid, namespace)
        WHERE made.oid >= 16384
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = made.namespace
                          AND (n.nspname IN ('migplan', 'information_schema') OR n.nspname ~ '^pg_'))
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = made.class
                          AND d.objid = made.oid AND d.deptype = 'e'))
"""
_FUNCTIONS: LiteralString = """
    SELECT pg_catalog.pg_get_functiondef(p.oid)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN unnest(%s::text[], %s::text[]) wanted (schema, name) ON (n.nspname, p.proname) = (schema, name)
    WHERE p.prokind <> 'a'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'
                      AND d.classid = 'pg_catalog.pg_proc'::regclass)
    ORDER BY p.oid
"""
# Of the enums and domains only those that are named, or that columns and arguments of what is named have:
# others may be made by the files themselves.
_TYPES: LiteralString = """
    WITH RECURSIVE wanted (kind, schema, name) AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])),
    used (type) AS (
        SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        JOIN wanted w ON w.kind = 'type' AND (n.nspname, t.typname) = (w.schema, w.name)
        UNION
        SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN wanted w ON w.kind = 'relation' AND (n.nspname, c.relname) = (w.schema, w.name)
        WHERE a.attnum > 0 AND NOT a.attisdropped
        UNION
        SELECT unnest(p.prorettype || coalesce(p.proallargtypes, p.proargtypes::oid[]))
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        JOIN wanted w ON w.kind = 'function' AND (n.nspname, p.proname) = (w.schema, w.name)
        UNION
        SELECT unnest(ARRAY[t.typelem, t.typbasetype])
        FROM used JOIN pg_catalog.pg_type t ON t.oid = used.type
    )
    SELECT n.nspname::text, t.typname::text
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.oid IN (SELECT type FROM used)
      AND t.typtype IN ('d', 'e') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e'
                      AND d.classid = 'pg_catalog.pg_type'::regclass)
    ORDER BY t.oid
"""
_PRIMARY: LiteralString = """
    SELECT n.nspname::text, c.relname::text,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY of_key (number, place)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = of_key.number
                 ORDER BY of_key.place)
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'p'
"""
_OF_RELATIONS = frozenset(
    {ThingKind.TABLE, ThingKind.COLUMN, ThingKind.CONSTRAINT, ThingKind.TRIGGER, ThingKind.POLICY}
)


@dataclass(frozen=True)
class Base:
    """What is loaded before the migrations, and where it comes from."""

    said: str = "nothing"
    statements: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    search_path: str = (
        ""  # that the target's sessions have, by its database and role; empty: the server's own
    )
    database: str = ""  # what the target is called
    superuser: str = "postgres"  # who runs everything: the role that is connected to the target
    bundle: VerifiedBundle | None = None
    is_whole: bool = False  # what is not in it is not in the target
    notes: tuple[str, ...] = ()
    is_of_said_host: bool = False  # somebody said on which platform the target is, or that it is on none

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to be made."""
        return not self.statements and self.bundle is None

    @property
    def is_nothing(self) -> bool:
        """Whether the files begin with nothing, and no target is known."""
        return not self.statements and not self.is_whole

    @property
    def digest(self) -> str:
        """What tells this base from another; what the target is called does not."""
        said = json.dumps([self.statements, sorted(self.roles), self.search_path, self.superuser])
        of_bundle = self.bundle.digest if self.bundle else ""
        return hashlib.sha256(f"{of_bundle} {said}".encode()).hexdigest()

    def load(self, address: Address, extensions: Extensions) -> tuple[str, ...]:
        """Make it in an empty database; return what people should know of that."""
        notes: list[str] = []
        if self.bundle is not None:
            notes += load_stand_ins(self.bundle, address)
        statements = [extensions.instead_of(text) for text in self.statements]
        failed = build(address, filter(None, statements)) if statements else []
        if failed:
            notes.append(
                f"{counted(len(failed), 'statement')} of {self.said} could not be run on the scratch server, "
                f"the first for: {failed[0]}"
            )
        return tuple(notes)

    def set_path(self, address: Address) -> None:
        """Give a database of the scratch server the search path that sessions of the target have."""
        if not self.search_path:
            return
        with connect(address) as session:
            statement = Setting("search_path", self.search_path).entry(0, {}).definition
            session.autocommit = True
            session.ask(statement.encode(), during="setting the search path of the scratch database")


NOTHING = Base()


def of_bundle(folder: Path) -> Base:
    """Return the definitions of a bundle as a base; its rows are not read."""
    bundle = load_verified(folder)
    manifest = bundle.manifest
    return Base(
        f"the bundle {folder}",
        tuple(texts(folder, manifest)),
        frozenset(wants_of(bundle).roles) | {role.name for role in manifest.made_roles},
        frozenset(each.name for each in manifest.extensions),
        database=manifest.database,
        bundle=bundle,
        is_whole=True,
    )


def of_platform(platform: Platform) -> Base:
    """Return stand-ins for what a managed host brings along, for migrations of which no target is known."""
    text = io.BytesIO(platform.stand_ins.encode())
    statements = (each for each in pieces(text, Path("stand_ins")) if isinstance(each, Statement))
    path = f'"$user", public, {quoted(platform.extensions_in)}' if platform.extensions_in else ""
    extensions = re.findall(r"CREATE EXTENSION (?:\"([^\"]+)\"|(\w+))", platform.stand_ins)
    return Base(
        f"stand-ins for what {platform.title} brings along",
        tuple(f"{each.text};" for each in statements),
        extensions=frozenset(quoted_name or name for quoted_name, name in extensions),
        search_path=path,
    )


def of_target(address: Address, needed: Collection[Thing] = ()) -> Base:
    """Return the schema that the target has now as a base; an empty one, where there is nothing in it.

    Where pg_dump cannot read it, the base is stand-ins for what is ``needed`` of it, as far as the catalog
    tells, and ``notes`` say why.
    """
    with reading(address) as session:
        base = _where(session)
        ((something,),) = session.ask(_SOMETHING, during=_DURING)
        if not something:
            return replace(base, is_whole=True)
        try:
            installation = pg_dump.suitable(session.version, encrypted=session.encrypted)
            with pg_dump.dumping(address, installation, session.export_snapshot()) as dump:
                entries = [entry for entry in dump.archive().entries if not _is_left_out(entry)]
        except (LaunchError, DatabaseError, ArchiveError) as error:
            with reading(address) as again:  # an error ends the transaction
                return stand_ins(again, needed, replace(base, notes=(error.what,)))
    return replace(
        base,
        said=f"the schema of {address}",
        statements=tuple(_statements(entries)),
        roles=frozenset(_roles(entries)),
        extensions=frozenset(entry.tag for entry in entries if entry.kind == "EXTENSION"),
        is_whole=True,
    )


def stand_ins_in(address: Address, needed: Collection[Thing], why: str) -> Base:
    """Return stand-ins for what is needed of a target of whose former schema nothing is known."""
    with reading(address) as session:
        return stand_ins(session, needed, replace(_where(session), notes=(why,)))


def stand_ins(session: Session, needed: Collection[Thing], base: Base) -> Base:
    """Return a base of stand-ins for things of the target: bare columns and keys, types, functions."""

    def ask(question: Any, values: Any = None) -> list[Any]:
        return session.ask(question, values, during=_DURING)

    named = [(each.kind, *_parts(each)) for each in needed if "." in each.name]
    wanted = [(kind, *parts[:2]) for kind, *parts in named]
    relations = {(schema, name) for kind, schema, name in wanted if kind in _OF_RELATIONS}
    functions = {(schema, name) for kind, schema, name in wanted if kind is ThingKind.FUNCTION}
    of_types = {(schema, name) for kind, schema, name in wanted if kind is ThingKind.TYPE}
    every = (("relation", relations), ("function", functions), ("type", of_types))
    using = [(word, *each) for word, names in every for each in sorted(names)]
    types = ask(_TYPES, [list(column) for column in zip(*using, strict=True)]) if using else []
    asked = [("TABLE", *each) for each in sorted(relations)] + [("TYPE", *each) for each in types]
    schemas = {schema for _, schema, _ in wanted} | {schema for schema, _ in types}
    schemas |= {_parts(each)[0] for each in needed if each.kind is ThingKind.SCHEMA}
    lines = [f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};" for schema in sorted(schemas)]
    found = interfaces(ask, asked)
    primary = {(schema, name): tuple(columns) for schema, name, columns in ask(_PRIMARY)}
    for each in sorted(found, key=lambda named: (named[0] == "TABLE", asked.index(named))):
        lines += _stand_in(each[0], QualifiedName(*each[1:]), found[each], primary.get(each[1:], ()))
    pairs = [[schema for schema, _ in sorted(functions)], [name for _, name in sorted(functions)]]
    lines += [f"{text};" for (text,) in ask(_FUNCTIONS, pairs)] if functions else []
    said = "stand-ins for what the files need of the target" if lines else "nothing"
    return replace(
        base, said=said, statements=("SET check_function_bodies = false;", *lines) if lines else ()
    )


def _parts(thing: Thing) -> list[str]:
    return list(split(thing.name))


def _stand_in(kind: str, name: QualifiedName, there: Interface, primary: tuple[str, ...]) -> Iterator[str]:
    if kind == "TYPE":
        if there.labels:
            yield f"CREATE TYPE {name} AS ENUM ({', '.join(map(literal, there.labels))});"
        elif there.result:
            yield f"CREATE DOMAIN {name} AS {there.result};"
        return
    columns = ", ".join(f"{quoted(each)} {type_}" for each, type_ in there.columns.items())
    yield f"CREATE TABLE {name} ({columns});"
    if primary:
        yield f"ALTER TABLE {name} ADD PRIMARY KEY ({quoted_list(primary)});"
    for key in sorted(there.unique - {tuple(sorted(primary))}):
        yield f"ALTER TABLE {name} ADD UNIQUE ({quoted_list(key)});"


def _where(session: Session) -> Base:
    ((database, user, path),) = session.ask(_WHERE, during=_DURING)
    return Base(search_path=path, database=database, superuser=user)


def _is_left_out(entry: Entry) -> bool:
    if entry.schema == _OURS or (entry.kind == "SCHEMA" and entry.tag == _OURS):
        return True
    of_schema = entry.tag == f"SCHEMA {_OURS}"
    return entry.kind in _LEFT_OUT or of_schema or entry.tag.startswith(_ABOUT)


def _statements(entries: Sequence[Entry]) -> Iterator[str]:
    yield f"{ddl.SESSION}{ddl.DEFINING}"
    for text in ddl.statements(entries, {}, Owners()):
        if not text.lstrip("\n").startswith("--"):
            yield text


def _roles(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.owner:
            yield entry.owner
        yield from (role for role, _ in roles_in(entry, Owners()))


class _Kept(BaseModel, strict=True):
    """What the journal keeps of a base."""

    said: str
    statements: tuple[str, ...]
    roles: frozenset[str]
    extensions: frozenset[str]
    search_path: str
    database: str
    superuser: str


def packed(base: Base) -> bytes:
    """Return what the journal is to keep of a base, which has to be whole."""
    said: dict[str, Any] = {
        "said": base.said,
        "statements": base.statements,
        "roles": sorted(base.roles),
        "extensions": sorted(base.extensions),
        "search_path": base.search_path,
        "database": base.database,
        "superuser": base.superuser,
    }
    return json.dumps(said, ensure_ascii=False).encode()


def unpacked(content: bytes) -> Base:
    """Return the base that a journal keeps; ValueError when it is none."""
    return Base(**_Kept.model_validate_json(content).model_dump(), is_whole=True)
