"""What was in a target before the run stays there, or is restored as it was.

A rollback file is what people review, and it cannot know the target. So those of its statements that would
take away what was there before are left out, and what the run changed of it (owners, comments, privileges)
is restored item by item, as the journal remembers it.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, LiteralString

import postgast
from postgast import pg_query_pb2 as pg

from migplan.bundle.schema.parts import Part, dropped, part_of
from migplan.names import parse, quoted
from migplan.postgres.session import Session
from migplan.run.bundle.initial_state import ITEMS, Default, InitialState, Item, items_of, read_initial_state
from migplan.run.engine.steps import Statements, Step
from migplan.sealed_files import SealedFiles
from migplan.sql.effects import Object, effects
from migplan.sql.split import Statement, pieces
from migplan.sql.text import do_block, literal
from migplan.sql.tree import options, statement_tree

_WORDS = frozenset({"alter", "comment", "do", "drop", "grant", "revoke", "security", "truncate"})
_IN_A_BLOCK = re.compile(r"^ *(ALTER DEFAULT PRIVILEGES .+;)\n +END IF;\nEND\n", re.MULTILINE | re.DOTALL)
_WITHIN = re.compile(r"^ *IF .+? THEN\n(.+)\n *END IF;\n", re.MULTILINE | re.DOTALL)
_BEHIND = re.compile(r"^ *END IF;\n *(DROP .+ CASCADE;)\nEND\n", re.MULTILINE)
_OF_OTHERS = re.compile(r"^ *(DROP TRIGGER .+;)\nEXCEPTION WHEN insufficient_privilege", re.MULTILINE)
_TRIGGERS = re.compile(
    r"\(t\.tgname = '((?:[^']|'')*)' AND t\.tgrelid = pg_catalog\.to_regclass\('((?:[^']|'')*)'\)\)"
)
_STANDARD_OWNER = "ALTER SCHEMA public OWNER TO pg_database_owner;"
_KINDS: Mapping[int, str] = {
    pg.OBJECT_TABLE: "r",
    pg.OBJECT_SEQUENCE: "S",
    pg.OBJECT_FUNCTION: "f",
    pg.OBJECT_ROUTINE: "f",
    pg.OBJECT_TYPE: "T",
    pg.OBJECT_SCHEMA: "n",
    pg.OBJECT_LARGEOBJECT: "L",
}


# What holds where no default privileges were set: in a single schema nothing is added.
_STANDARD: LiteralString = """
    SELECT {items}
    FROM pg_catalog.pg_roles r CROSS JOIN (SELECT %s::text, %s::text) w (schema, kind)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN w.schema = '' THEN
            pg_catalog.acldefault((CASE w.kind WHEN 'S' THEN 's' ELSE w.kind END)::"char", r.oid) END
    ) p (acl)
    WHERE r.rolname = %s
"""


@dataclass
class Preexisting:
    """What the statements that are left out are about."""

    before: InitialState
    kept: frozenset[Part] = frozenset()
    # What takes away what was added to kept objects, the last first, and the places of all parts in the file.
    pending: list[tuple[int, str]] = field(default_factory=list)
    places: Mapping[Part, int] = field(default_factory=dict)
    schemas: dict[str, None] = field(default_factory=dict)
    extensions: dict[str, None] = field(default_factory=dict)
    defaults: dict[Default, None] = field(default_factory=dict)

    def step(self, step: Step, files: SealedFiles) -> Step:
        """The step without them; lines keep their numbers."""
        return replace(step, segments=tuple(self._piece(piece, step, files) for piece in step.segments))

    def _piece(self, piece: Any, step: Step, files: SealedFiles) -> Statements:
        assert isinstance(piece, Statements)
        with files.open(step.file) as stream:
            stream.seek(piece.start)
            data = bytearray(stream.read(piece.end - piece.start))
        changes: list[tuple[int, int, bytes]] = []
        for each in pieces(io.BytesIO(bytes(data)), Path(step.file)):
            if not isinstance(each, Statement):
                continue
            if due := self._due(each.text):
                changes.append((each.start, each.start, "\n".join([*due, ""]).encode()))
            if self._is_preexisting(each):
                lines = b"\n" * data.count(b"\n", each.start, each.end)
                changes.append((each.start, each.end, self._triggers_gone(each.text).encode() + lines))
        if not changes:
            return piece
        for start, end, text in reversed(changes):
            data[start:end] = text
        return replace(piece, text=data.decode())

    def _due(self, text: str) -> list[str]:
        """Return what has to go before a statement that takes away something made earlier."""
        if not self.pending:
            return []
        place = min((self.places[part] for part in _parts_within(text) if part in self.places), default=None)
        due = [text for made, text in self.pending if place is not None and made > place]
        self.pending = self.pending[len(due) :]
        return due

    def _is_preexisting(self, statement: Statement) -> bool:
        if statement.word not in _WORDS:
            return False
        if statement.word == "truncate":
            return bool(self.kept)  # the rows that the run brought are deleted one by one
        if statement.word == "do":
            return self._is_preexisting_block(statement.text)
        node = statement_tree(statement.text)
        if node.HasField("alter_default_privileges_stmt"):
            return self._default(node.alter_default_privileges_stmt)
        if node.grant_stmt.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA:
            return False
        found = effects(node)
        return self._note([*found.drops, *found.refers]) or self._is_kept(node)

    def _is_kept(self, node: pg.Node) -> bool:
        """Whether a statement takes away what is kept, or alters it."""
        if not self.kept:
            return False
        return any(self._has(part) for part in _taken(node))

    def _has(self, part: Part) -> bool:
        """Whether it is kept; DROP INDEX names keys, and DROP TYPE domains, too."""
        if part.kind == "index" and part not in self.kept:
            names = {(each.schema, each.part) for each in self.kept if each.kind == "constraint"}
            return (part.schema, part.name) in names
        return part in self.kept

    def _is_preexisting_block(self, text: str) -> bool:
        if _STANDARD_OWNER in text:
            return self._note([Object(pg.OBJECT_SCHEMA, "", ("public",))])
        found = _IN_A_BLOCK.search(text)
        if found is None:
            return self._is_kept_in_block(text)
        return self._default(statement_tree(found[1]).alter_default_privileges_stmt)

    def _is_kept_in_block(self, text: str) -> bool:
        """Whether a block takes away what is kept, or all rows of a table."""
        if not self.kept:
            return False
        inside = _BEHIND.search(text) or _OF_OTHERS.search(text) or _WITHIN.search(text)
        if inside is None or "TRUNCATE TABLE" in text or "DELETE FROM" in text:
            return "TRUNCATE TABLE" in text or "DELETE FROM" in text
        with suppress(postgast.PgQueryError):
            return any(self._is_kept(each.stmt) for each in postgast.parse(inside[1]).stmts)
        return False

    def _triggers_gone(self, text: str) -> str:
        """Return what fails if a trigger is there that was to go with a function that is kept; else ''.

        Whoever may put a trigger on a table of others may not drop it, except with its function.
        """
        if _BEHIND.search(text) is None:
            return ""
        for found in _TRIGGERS.findall(text):
            name, table = (each.replace("''", "'") for each in found)
            on = parse(table)
            if Part("trigger", on.schema, on.name, name) in self.kept:
                continue
            said = f"trigger {name} on {table} was made by the run, and is for the table's owner to drop"
            there = f"t.tgname = {literal(name)} AND t.tgrelid = pg_catalog.to_regclass({literal(table)})"
            return do_block(
                f"IF EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE {there}) THEN RAISE EXCEPTION USING "
                f"MESSAGE = {literal(f'{said}: the function that it calls was there before, and stays')}, "
                f"HINT = {literal(f'have that done: DROP TRIGGER {quoted(name)} ON {table}')}; END IF;"
            ).replace("\n", " ")
        return ""

    def note_default(self, text: str) -> None:
        """Take down the default privileges that a statement of the bundle changed."""
        self._default(statement_tree(text).alter_default_privileges_stmt)

    def _default(self, statement: Any) -> bool:
        said = {name: list(_names(each.arg.list.items)) for name, each in options(statement.options).items()}
        for role in said.get("roles") or [self.before.role]:
            for schema in said.get("schemas") or [""]:
                self.defaults[role, schema, _KINDS[statement.action.objtype]] = None
        return True

    def _note(self, objects: Sequence[Object]) -> bool:
        """Take down the schemas and extensions among them that were there; whether there are any."""
        known = {pg.OBJECT_SCHEMA: self.before.schemas, pg.OBJECT_EXTENSION: self.before.extensions}
        there = [each for each in objects if each.parts[0] in known.get(each.type, ())]
        schemas = [each.parts[0] for each in there if each.type == pg.OBJECT_SCHEMA]
        extensions = [each.parts[0] for each in there if each.type == pg.OBJECT_EXTENSION]
        self.schemas.update(dict.fromkeys(schemas))
        self.extensions.update(dict.fromkeys(extensions))
        return bool(there)


def _parts_within(text: str) -> Iterator[Part]:
    """The parts that a statement of a rollback file takes away, or those in its block do."""
    inside = _WITHIN.search(text) if text.startswith("DO ") else None
    with suppress(postgast.PgQueryError):
        for each in postgast.parse(inside[1] if inside else text).stmts:
            yield from _taken(each.stmt)


def _taken(node: pg.Node) -> list[Part]:
    """The parts that a statement takes away, or else alters."""
    altered = part_of(node)
    return dropped(node) or ([altered] if altered else [])


def _names(items: Any) -> Iterator[str]:
    for item in items:
        yield item.string.sval if item.HasField("string") else item.role_spec.rolename


KINDS: Mapping[str, str] = {
    "r": "TABLES",
    "S": "SEQUENCES",
    "f": "FUNCTIONS",
    "T": "TYPES",
    "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}
"""The objects that default privileges are about, as the server and as statements call them."""


@dataclass(frozen=True)
class Restoration:
    """The way from what is there now to what was there before."""

    before: InitialState
    now: InitialState
    standard: Mapping[Default, Sequence[Item]]

    def schema(self, name: str) -> Iterator[str]:
        """Owner, comment and privileges of a schema."""
        if name not in self.now.schemas or name not in self.before.schemas:
            return
        then, now = self.before.schemas[name], self.now.schemas[name]
        items = items_of(now["privileges"])
        if now["owner"] != then["owner"]:
            yield f"ALTER SCHEMA {quoted(name)} OWNER TO {quoted(then['owner'])};"
            items = _given_over(items, now["owner"], then["owner"])
        if now["comment"] != then["comment"]:
            yield f"COMMENT ON SCHEMA {quoted(name)} IS {_text(then['comment'])};"
        what = f"ON SCHEMA {quoted(name)}"
        for grantor, statement in _regranted("", what, items, items_of(then["privileges"])):
            if grantor == then["owner"]:
                yield statement
            else:  # only who granted it, and the superuser in his place, can take it back
                yield f"SET LOCAL ROLE {quoted(grantor)}; {statement} SET LOCAL ROLE NONE;"

    def extension(self, name: str) -> Iterator[str]:
        """The comment of an extension."""
        if name in self.now.extensions and name in self.before.extensions:
            then, now = self.before.extensions[name]["comment"], self.now.extensions[name]["comment"]
            if then != now:
                yield f"COMMENT ON EXTENSION {quoted(name)} IS {_text(then)};"

    def default(self, which: Default) -> Iterator[str]:
        """Default privileges."""
        role, schema, kind = which
        if schema and schema not in self.before.schemas:
            return  # they go with it
        now = self.now.defaults.get(which, self.standard[which])
        then = self.before.defaults.get(which, self.standard[which])
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(role)} "
        head += f"IN SCHEMA {quoted(schema)} " if schema else ""
        for _, statement in _regranted(head, f"ON {KINDS[kind]}", now, then):
            yield statement


def restoration(session: Session, before: InitialState, defaults: Sequence[Default]) -> Restoration:
    """Look at what is there now, to put back what was."""
    now = InitialState.of(read_initial_state(session))
    standard: dict[Default, Sequence[Item]] = {}
    with session.translate_errors("reading default privileges"):
        for role, schema, kind in defaults:
            found = session.execute(_STANDARD.replace("{items}", ITEMS), [schema, kind, role]).fetchone()
            standard[role, schema, kind] = items_of(found[0]) if found else ()
    return Restoration(before, now, standard)


def _given_over(items: Sequence[Item], old: str, new: str) -> tuple[Item, ...]:
    """What becomes of privileges when the owner changes."""
    found = (
        (new if grantor == old else grantor, new if to == old else to, what, more)
        for grantor, to, what, more in items
    )
    return tuple(dict.fromkeys(found))


def _regranted(head: str, what: str, now: Sequence[Item], then: Sequence[Item]) -> Iterator[tuple[str, str]]:
    """Statements after which the privileges are those of then, in the same order, and by whom.

    The server appends what is granted; so everything behind the first difference is revoked, and granted
    again as it was.
    """
    here, there = _by_pair(now), _by_pair(then)
    same = 0
    while same < min(len(here), len(there)) and here[same] == there[same]:
        same += 1
    for (grantor, to), privileges in reversed(here[same:]):
        names = ", ".join(sorted({name for name, _ in privileges}))
        yield grantor, f"{head}REVOKE {names} {what} FROM {_role(to)};"
    for (grantor, to), privileges in there[same:]:
        for more in (False, True):
            names = ", ".join(sorted(name for name, passes_on in privileges if passes_on is more))
            if names:
                option = " WITH GRANT OPTION" if more else ""
                yield grantor, f"{head}GRANT {names} {what} TO {_role(to)}{option};"


def _by_pair(items: Sequence[Item]) -> list[tuple[tuple[str, str], frozenset[tuple[str, bool]]]]:
    found: dict[tuple[str, str], set[tuple[str, bool]]] = {}
    for grantor, to, what, more in items:
        found.setdefault((grantor, to), set()).add((what, more))
    return [(pair, frozenset(privileges)) for pair, privileges in found.items()]


def _role(name: str) -> str:
    return quoted(name) if name else "PUBLIC"


def _text(comment: str | None) -> str:
    return "NULL" if comment is None else literal(comment)
