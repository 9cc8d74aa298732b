"""What a target has already, just as a bundle brings it, is kept: not made again, and not taken away.

The statements that bring it are left out of the run, and of a rollback those that would take it away. What
the run adds to it (an index, a comment) no DROP of the bundle takes along again, so its opposite is noted in
the journal when the run begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.bundle.manifest import MovedObject
from migplan.bundle.schema.parts import Part, PartReader, Presence, entries_of
from migplan.bundle.undo import reversal
from migplan.bundle.verified import VerifiedBundle
from migplan.names import QualifiedName, quoted
from migplan.sql.effects import effects
from migplan.sql.statements import Parsed, parsed
from migplan.sql.text import do_block, literal
from migplan.sql.tree import options, relation_name, words
from migplan.text.wording import counted, listed

KEPT = "kept"
"""Under which name a run remembers it."""

_RELATIONS = ("table", "view", "materialized view")
_OBJECTS = frozenset(
    {
        *_RELATIONS,
        *("schema", "sequence", "type", "routine", "index", "constraint", "trigger", "policy", "rule"),
        *("statistics", "publication", "event trigger", "collation", "server", "foreign data wrapper"),
        *("text search configuration", "text search dictionary", "procedural language", "access method"),
        *("operator class", "operator family", "conversion"),
    }
)


@dataclass(frozen=True)
class Keeping:
    """What a run leaves as it is, and by file the statements that take away what it adds to that."""

    parts: frozenset[Part] = frozenset()
    undo: Mapping[str, Sequence[tuple[int, str]]] = field(default_factory=dict)
    # By file, the parts that the run makes, in their order: an opposite comes before those of earlier parts.
    order: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    # By file, what it says of default privileges in schemas that stay: these are put back as they were.
    defaults: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, before: Mapping[str, Any]) -> Keeping:
        """Return what a run remembers."""
        noted = before.get(KEPT, {})
        return cls(
            frozenset(Part(*each) for each in noted.get("parts", ())),
            {file: [(place, text) for place, text in found] for file, found in noted.get("undo", {}).items()},
            {file: [Part(*each) for each in found] for file, found in noted.get("order", {}).items()},
            noted.get("defaults", {}),
        )

    @property
    def noted(self) -> dict[str, Any]:
        """The form in which the journal keeps it; nothing if nothing is kept."""
        if not self.parts:
            return {}
        return {
            KEPT: {
                "parts": [each.values for each in sorted(self.parts)],
                "undo": {file: [[*each] for each in found] for file, found in self.undo.items()},
                "order": {file: [each.values for each in found] for file, found in self.order.items()},
                "defaults": {file: [*texts] for file, texts in self.defaults.items()},
            }
        }

    @property
    def objects(self) -> list[Part]:
        """What people would call an object: no comments, privileges, defaults."""
        return sorted(part for part in self.parts if part.kind in _OBJECTS)

    @property
    def notes(self) -> list[str]:
        """A line for the journal, and for people."""
        if not self.parts:
            return []
        objects = self.objects
        return [
            f"kept as {'it was' if len(objects) == 1 else 'they were'}, just as the bundle brings them: "
            f"{counted(len(objects), 'object')}, {listed(objects, 10)}"
            if objects
            else "kept as they were: owners, comments or privileges that are those of the bundle"
        ]

    @property
    def tables(self) -> frozenset[QualifiedName]:
        """The tables that stay."""
        return frozenset(part.relation for part in self.parts if part.kind == "table")

    def entries(self, bundle: VerifiedBundle) -> list[MovedObject]:
        """The objects of the manifest that are kept."""
        return list(entries_of(self.parts, bundle.manifest))


def keeping(bundle: VerifiedBundle, presence: Presence) -> Keeping:
    """Return what a run of the bundle keeps in a target, where nothing of what is there differs."""
    undoing = _Undoing(presence)
    undo: dict[str, list[tuple[int, str]]] = defaultdict(list)
    order: dict[str, list[Part]] = defaultdict(list)
    defaults: dict[str, list[str]] = defaultdict(list)
    reader = PartReader()
    for file in bundle.manifest.files:
        if file.phase in {"data", "roles"}:
            continue
        for statement in parsed(BytesIO(bytes(bundle.texts[file.file])), bundle.paths.step(file.file)):
            part = reader.part(statement.node)
            if statement.node.HasField("alter_default_privileges_stmt"):
                if _schemas(statement.node) & {each.name for each in presence.same if each.kind == "schema"}:
                    defaults[file.file].append(statement.text)
            elif part is not None and part not in presence.same:
                order[file.file].append(part)
                place = len(order[file.file])
                undo[file.file][:0] = [(place, text) for text in undoing.statements(statement, part)]
    for value, text in _values_back(bundle, presence):
        undo[value].append((0, text))
    undo = {file: found for file, found in undo.items() if found}
    return Keeping(presence.same, undo, {file: order[file] for file in undo}, defaults)


def _schemas(node: pg.Node) -> set[str]:
    said = options(node.alter_default_privileges_stmt.options).get("schemas")
    return set(words(said.arg.list.items)) if said is not None else set()


_SET_BACK = "SELECT pg_catalog.setval({text}, {before}, {called}) FROM {name} WHERE last_value = {set};"


def _values_back(bundle: VerifiedBundle, presence: Presence) -> Iterator[tuple[str, str]]:
    """Yield what gives kept sequences the values that they had, unless somebody used them since."""
    kept = {part.relation for part in presence.same if part.kind in {"sequence", "identity"}}
    values = {str(each.sequence): each for each in bundle.manifest.sequences}
    for sequence in presence.catalog.sequences if presence.catalog else ():
        value = values.get(str(sequence.name))
        owner = sequence.owned_by if sequence.identity else sequence.name
        if value is None or value.value is None or owner not in kept:
            continue  # a value that comes live goes forward only: it is left as it is then
        before = sequence.start if sequence.last_value is None else sequence.last_value
        called = "false" if sequence.last_value is None else "true"
        yield (
            value.file,
            _SET_BACK.format(
                text=literal(str(sequence.name)),
                name=sequence.name,
                before=before,
                called=called,
                set=value.value,
            ),
        )


class _Undoing:
    """Opposites of the statements that add something to what is kept; each may be repeated."""

    def __init__(self, presence: Presence) -> None:
        self._same = presence.same
        self._relations = {part.relation for part in presence.same if part.kind in _RELATIONS}
        self._attached = {part.relation for part in presence.missing if part.kind == "index attach"}
        self._new = {part.relation: part for part in presence.missing if part.kind == "sequence"}

    def statements(self, statement: Parsed, part: Part) -> list[str]:
        """Return the opposites of a statement; none where a DROP of the bundle takes along what it brings."""
        if part.subject is not None:
            return self._about(part.subject, part, statement.text)
        reader = _Undoing._identity if _is_identity(statement.node) else _READERS.get(part.kind)
        text = reader(self, statement.node, part) if reader else ""
        return [text] if text else []

    def _about(self, subject: Part, part: Part, text: str) -> list[str]:
        if subject.kind == "schema":
            return []  # what it had is put back as a whole
        if subject.kind in {"relation", "column"}:
            there = subject.relation in self._relations
        else:
            there = subject in self._same
        if not there:
            return []
        if part.kind.startswith("privileges"):
            return list(reversal.privileges_back(text))
        return [reversal.silenced(text)]

    def _constraint(self, _node: pg.Node, part: Part) -> str:
        if not self._here(part) or QualifiedName(part.schema, part.part) in self._attached:
            return ""
        return f"ALTER TABLE IF EXISTS {part.relation} DROP CONSTRAINT IF EXISTS {quoted(part.part)};"

    def _index(self, node: pg.Node, part: Part) -> str:
        if not node.HasField("index_stmt") or part.relation in self._attached:
            return ""
        table = effects(node).alters[0]
        there = QualifiedName(table.schema, table.parts[0]) in self._relations
        return f"DROP INDEX IF EXISTS {part.relation};" if there else ""

    def _identity(self, node: pg.Node, _part: Part) -> str:
        """By a new index: another one, FULL or NOTHING would differ, so that it was the default before."""
        relation = node.alter_table_stmt.relation
        table = QualifiedName(relation.schemaname, relation.relname)
        return f"ALTER TABLE IF EXISTS {table} REPLICA IDENTITY DEFAULT;" if table in self._relations else ""

    def _of_table(self, node: pg.Node, part: Part) -> str:
        if node.HasField("alter_table_stmt") or not self._here(part):
            return ""
        return f"DROP {part.kind.upper()} IF EXISTS {quoted(part.part)} ON {part.relation};"

    def _column(self, _node: pg.Node, part: Part) -> str:
        what = "DROP DEFAULT" if part.kind == "default" else "DROP IDENTITY IF EXISTS"
        alter = f"ALTER TABLE IF EXISTS {part.relation} ALTER COLUMN {quoted(part.part)} {what};"
        return alter if self._here(part) else ""

    def _row_security(self, _node: pg.Node, part: Part) -> str:
        alter = f"ALTER TABLE IF EXISTS {part.relation} DISABLE ROW LEVEL SECURITY;"
        return alter if self._here(part) else ""

    def _attach(self, node: pg.Node, part: Part) -> str:
        tree = node.alter_table_stmt
        parent = QualifiedName(tree.relation.schemaname, tree.relation.relname)
        if not {parent, part.relation} & self._relations:
            return ""
        child, whole = literal(str(part.relation)), literal(str(parent))
        return do_block(
            "    IF EXISTS (SELECT FROM pg_catalog.pg_inherits\n"
            f"               WHERE inhrelid = pg_catalog.to_regclass({child})\n"
            f"                 AND inhparent = pg_catalog.to_regclass({whole})) THEN\n"
            f"        ALTER TABLE {parent} DETACH PARTITION {part.relation};\n    END IF;"
        )

    def _owned(self, node: pg.Node, part: Part) -> str:
        owner = _owner(node)
        if owner not in self._relations:
            there = Part("sequence", part.schema, part.name) in self._same
            return f"ALTER SEQUENCE IF EXISTS {part.relation} OWNED BY NONE;" if there else ""
        new = part.relation in self._new
        what = "DROP SEQUENCE IF EXISTS {};" if new else "ALTER SEQUENCE IF EXISTS {} OWNED BY NONE;"
        return what.format(part.relation)

    def _statistics(self, node: pg.Node, part: Part) -> str:
        tables = {QualifiedName(each.schema, each.parts[0]) for each in effects(node).refers}
        return f"DROP STATISTICS IF EXISTS {part.relation};" if tables & self._relations else ""

    def _published(self, node: pg.Node, part: Part) -> str:
        if Part("publication", "", part.name) not in self._same:
            return ""
        if part.kind == "published schema":
            what, view, column = f"TABLES IN SCHEMA {quoted(part.part)}", "pg_publication_namespace", ""
            found = (
                f"SELECT FROM pg_catalog.{view} r JOIN pg_catalog.pg_publication p ON p.oid = r.pnpubid "
                f"JOIN pg_catalog.pg_namespace n ON n.oid = r.pnnspid "
                f"WHERE p.pubname = {literal(part.name)} AND n.nspname = {literal(part.part)}{column}"
            )
        else:
            relation = node.alter_publication_stmt.pubobjects[0].publication_obj_spec.pubtable.relation
            only = "" if relation.inh else "ONLY "
            what = f"TABLE {only}{relation_name(relation)}"
            found = (
                "SELECT FROM pg_catalog.pg_publication_rel r "
                "JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid "
                f"WHERE p.pubname = {literal(part.name)} "
                f"AND r.prrelid = pg_catalog.to_regclass({literal(relation_name(relation))})"
            )
        drop = f"ALTER PUBLICATION {quoted(part.name)} DROP {what};"
        return do_block(f"    IF EXISTS ({found}) THEN\n        {drop}\n    END IF;")

    def _here(self, part: Part) -> bool:
        return part.relation in self._relations


def _is_identity(node: pg.Node) -> bool:
    return any(each.alter_table_cmd.subtype == pg.AT_ReplicaIdentity for each in node.alter_table_stmt.cmds)


def _owner(node: pg.Node) -> QualifiedName | None:
    for option in node.alter_seq_stmt.options:
        names = words(option.def_elem.arg.list.items)
        if option.def_elem.defname == "owned_by" and len(names) == 3:
            return QualifiedName(names[0], names[1])
    return None


_READERS: Mapping[str, Any] = {
    "constraint": _Undoing._constraint,
    "index": _Undoing._index,
    **dict.fromkeys(("trigger", "policy", "rule"), _Undoing._of_table),
    **dict.fromkeys(("default", "identity"), _Undoing._column),
    "row security": _Undoing._row_security,
    "attach": _Undoing._attach,
    "owned by": _Undoing._owned,
    "statistics": _Undoing._statistics,
    **dict.fromkeys(("published table", "published schema"), _Undoing._published),
}
