"""Extensions that a scratch server lacks: what statements about them become there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import postgast
from postgast import pg_query_pb2 as pg

from migplan.migrations.file_analysis import FileAnalysis
from migplan.migrations.model import ThingKind
from migplan.migrations.source_files import reopened
from migplan.names import split
from migplan.postgres.extension_stubs import STUBBED, stub
from migplan.run.engine.steps import Segment, Statements, Step
from migplan.sql.split import Statement, pieces
from migplan.text.wording import listed

_WORD = re.compile(r"\bextension\b", re.IGNORECASE)
_NOTHING = "SELECT"


@dataclass(frozen=True, slots=True)
class Extensions:
    """The extensions that are wanted on a scratch server and cannot be created there."""

    lacking: frozenset[str] = frozenset()

    @classmethod
    def of(cls, wanted: Iterable[str], available: Collection[str]) -> Extensions:
        """Return those that are wanted and not available."""
        return cls(frozenset(wanted) - frozenset(available))

    @property
    def without_stand_in(self) -> frozenset[str]:
        """Those for which nothing can stand in: what needs them cannot be judged."""
        return self.lacking - STUBBED

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of it."""
        found = []
        if stood_in := sorted(self.lacking & STUBBED):
            found.append(f"stand-ins for the functions of {listed(stood_in)}: the scratch server lacks it")
        if missed := sorted(self.without_stand_in):
            found.append(f"the scratch server lacks {listed(missed)}: what needs it cannot be judged there")
        return tuple(found)

    def instead_of(self, text: str) -> str:
        """Return what is run in place of a statement: itself, unless it is about one of these."""
        if not self.lacking or not _WORD.search(text):
            return text
        try:
            (raw,) = postgast.parse(text).stmts
        except (postgast.PgQueryError, ValueError):
            return text
        return self._instead_of(raw.stmt) or text

    def _instead_of(self, node: pg.Node) -> str:
        kind = node.WhichOneof("node")
        match kind:
            case "create_extension_stmt":
                made = node.create_extension_stmt
                return self._stand_in(made) if made.extname in self.lacking else ""
            case "alter_extension_stmt" | "alter_extension_contents_stmt":
                return _NOTHING if getattr(node, kind).extname in self.lacking else ""
            case "drop_stmt" if node.drop_stmt.remove_type == pg.OBJECT_EXTENSION:
                names = {each.string.sval for each in node.drop_stmt.objects}
                return _NOTHING if names & self.lacking else ""
            case "comment_stmt" if node.comment_stmt.objtype == pg.OBJECT_EXTENSION:
                return _NOTHING if node.comment_stmt.object.string.sval in self.lacking else ""
        return ""

    def _stand_in(self, made: pg.CreateExtensionStmt) -> str:
        if made.extname not in STUBBED:
            return _NOTHING
        schema = next(
            (e.def_elem.arg.string.sval for e in made.options if e.def_elem.defname == "schema"), ""
        )
        return stub(made.extname, schema) or _NOTHING

    def replaced(self, step: Step, analysis: FileAnalysis) -> Step:
        """Return a step in which statements about these extensions are replaced."""
        if not self.lacking or not step.segments:
            return step
        part = analysis.migration.up
        texts = {
            piece.start: piece.text
            for piece in pieces(reopened(part), part.file)
            if isinstance(piece, Statement) and _WORD.search(piece.text)
        }
        return replace(step, segments=tuple(self._segments(step.segments, texts)))

    def _segments(self, segments: Iterable[Segment], texts: dict[int, str]) -> Iterator[Segment]:
        for segment in segments:
            if isinstance(segment, Statements) and segment.text is None and segment.start in texts:
                text = texts[segment.start]
                instead = self.instead_of(text)
                segment = segment if instead == text else replace(segment, text=f"{instead};")  # noqa: PLW2901
            yield segment


def wanted_by(analyses: Iterable[FileAnalysis]) -> frozenset[str]:
    """Return the extensions that files create."""
    return frozenset(
        split(use.thing.name)[0]
        for each in analyses
        for use in each.uses
        if use.how == "creates" and use.thing.kind is ThingKind.EXTENSION
    )
