"""The statements of a rollback file, without those that would take away what was there before the run.

The file itself is what people review, and it cannot know the target. What is left out of it is put back by
other means, item by item, as the journal remembers it (``before``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.run.engine.steps import Statements, Step
from migplan.run.undo.initial_state import Default, InitialState
from migplan.sealed_files import SealedFiles
from migplan.sql.split import Statement, pieces

_WORDS = frozenset({"alter", "comment", "do", "drop", "grant", "revoke", "security"})
_IN_A_BLOCK = re.compile(r"^ *(ALTER DEFAULT PRIVILEGES .+;)\n +END IF;\nEND\n", re.MULTILINE | re.DOTALL)
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


@dataclass
class Preexisting:
    """What the statements that are left out are about."""

    before: InitialState
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
        left_out = [
            each
            for each in pieces(io.BytesIO(bytes(data)), Path(step.file))
            if isinstance(each, Statement) and self._is_preexisting(each)
        ]
        if not left_out:
            return piece
        for each in left_out:
            lines = data.count(b"\n", each.start, each.end)
            data[each.start : each.end] = b"\n" * lines + b" " * (each.end - each.start - lines)
        return replace(piece, text=data.decode())

    def _is_preexisting(self, statement: Statement) -> bool:
        if statement.word not in _WORDS:
            return False
        if statement.word == "do":
            return self._is_preexisting_block(statement.text)
        node = postgast.parse(statement.text).stmts[0].stmt
        kind = node.WhichOneof("node")
        reader = _READERS.get(kind)
        return reader is not None and reader(self, getattr(node, kind))

    def _is_preexisting_block(self, text: str) -> bool:
        if _STANDARD_OWNER in text:
            return self._note_schemas(["public"])
        found = _IN_A_BLOCK.search(text)
        if found is None:
            return False
        return self._default(postgast.parse(found[1]).stmts[0].stmt.alter_default_privileges_stmt)

    def _drop(self, statement: Any) -> bool:
        names = [each.string.sval for each in statement.objects]
        if statement.remove_type == pg.OBJECT_SCHEMA:
            return self._note_schemas(names)
        if statement.remove_type == pg.OBJECT_EXTENSION:
            return self._note_extensions(names)
        return False

    def _said(self, statement: Any) -> bool:
        if statement.objtype == pg.OBJECT_SCHEMA:
            return self._note_schemas([statement.object.string.sval])
        if statement.objtype == pg.OBJECT_EXTENSION:
            return self._note_extensions([statement.object.string.sval])
        return False

    def _grant(self, statement: Any) -> bool:
        if statement.objtype != pg.OBJECT_SCHEMA:
            return False
        return self._note_schemas([each.string.sval for each in statement.objects])

    def _default(self, statement: Any) -> bool:
        options = {
            option.def_elem.defname: list(_names(option.def_elem.arg.list.items))
            for option in statement.options
        }
        for role in options.get("roles") or [self.before.role]:
            for schema in options.get("schemas") or [""]:
                self.defaults[role, schema, _KINDS[statement.action.objtype]] = None
        return True

    def _note_schemas(self, names: list[str]) -> bool:
        there = [name for name in names if name in self.before.schemas]
        self.schemas.update(dict.fromkeys(there))
        return bool(there)

    def _note_extensions(self, names: list[str]) -> bool:
        there = [name for name in names if name in self.before.extensions]
        self.extensions.update(dict.fromkeys(there))
        return bool(there)


def _names(items: Any) -> Iterator[str]:
    for item in items:
        yield item.string.sval if item.HasField("string") else item.role_spec.rolename


_READERS: Mapping[Any, Any] = {
    "drop_stmt": Preexisting._drop,
    "comment_stmt": Preexisting._said,
    "sec_label_stmt": Preexisting._said,
    "grant_stmt": Preexisting._grant,
    "alter_default_privileges_stmt": Preexisting._default,
}
