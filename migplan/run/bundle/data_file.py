"""The steps of a data file: the manifest says where they are, down to the bytes of each COPY."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from migplan.bundle.manifest import Block, BundleFile, Manifest
from migplan.bundle.manifest import Step as Listed
from migplan.run.engine.footprints import EVERYTHING, EXCLUSIVE, LOADS, REFERS, Footprint
from migplan.run.engine.steps import CopyBlock, Segment, Statements, Step
from migplan.sealed_files import SealedFiles
from migplan.sql.split import CopyRows, Statement, pieces

_END_OF_ROWS = b"\\.\n"
_TRANSACTION = frozenset({"begin", "commit"})


class DataFile:
    """A data file being taken apart, from its beginning to its end; rows are passed over."""

    def __init__(self, manifest: Manifest, file: BundleFile, files: SealedFiles, live: bool) -> None:
        self._inserts = manifest.data_format == "insert"
        self._self_keys = {table.table for table in manifest.tables if table.self_keys}
        self._file = file
        self._files = files
        self._live = live
        self._at = 0
        self._line = 1

    def steps(self) -> Iterator[Step]:
        """The steps, those of large tables cut into their blocks."""
        with self._files.open(self._file.file) as stream:
            first = self._file.steps[0].start if self._file.steps else self._file.bytes
            settings = "\n".join(each.text for each in self._statements(stream, first))
            for listed in self._file.steps:
                yield from self._cut(listed, self._step(listed, settings, stream))

    def _step(self, listed: Listed, settings: str, stream: BinaryIO) -> Step:
        found: list[Segment] = []
        line = 0
        for block in (*listed.blocks, None):
            start, first_line = self._at, self._line
            upto = block.start if block else listed.end
            for each in self._statements(stream, upto):
                line = line or each.line + first_line - 1
                if each.word not in _TRANSACTION:
                    found.append(Statements(start + each.start, start + each.end, first_line + each.line - 1))
            if block is not None:
                found.append(self._block(block, stream))
        size = sum(block.end - block.start for block in listed.blocks)
        return Step(
            number=0,
            file=self._file.file,
            name=listed.name,
            phase=self._file.phase,
            line=line,
            settings=settings,
            segments=tuple(found),
            footprint=self._footprint(listed, found),
            rows=listed.rows,
            bytes=size,
            weight=size,
        )

    def _statements(self, stream: BinaryIO, upto: int) -> list[Statement]:
        """What stands from here to there, but for the COPY that it ends with; places count from here."""
        stream.seek(self._at)
        data = stream.read(upto - self._at)
        self._at = upto
        self._line += data.count(b"\n")
        source = io.BytesIO(data + _END_OF_ROWS if _ends_in_copy(data) else data)
        return [
            each
            for each in pieces(source, self._files.path(self._file.file))
            if not isinstance(each, CopyRows)
        ]

    def _block(self, block: Block, stream: BinaryIO) -> Segment:
        line = self._line
        self._at = block.end
        if self._inserts:
            stream.seek(block.start)
            left = block.end - block.start
            while left > 0 and (data := stream.read(min(left, 1 << 20))):
                self._line += data.count(b"\n")
                left -= len(data)
            return Statements(block.start, block.end, line)
        self._at += len(_END_OF_ROWS)
        self._line += block.rows + 1
        return CopyBlock(block.table, block.columns, block.rows, block.start, block.end, line)

    def _footprint(self, listed: Listed, found: list[Segment]) -> Footprint:
        if listed.alone:
            return EVERYTHING
        only_rows = all(isinstance(piece, CopyBlock) for piece in found)
        things = dict.fromkeys(listed.needs, REFERS)
        for table in (*listed.tables, *(block.table for block in listed.blocks)):
            things[table] = LOADS if only_rows else EXCLUSIVE
        return Footprint(tuple(things.items()))

    def _cut(self, listed: Listed, step: Step) -> Iterator[Step]:
        """Blocks of one table that need each other's rows in no way may come one by one, and side by side."""
        rows = [piece for piece in step.segments if isinstance(piece, CopyBlock)]
        related = self._live and not self._self_keys.isdisjoint(listed.tables)
        if len(rows) < 2 or len(rows) < len(step.segments) or related or len(listed.tables) != 1:
            yield step
            return
        for number, piece in enumerate(rows, 1):
            size = piece.end - piece.start
            yield replace(
                step,
                name=f"{listed.name}, {number} of {len(rows)}",
                line=piece.line - 1,
                segments=(piece,),
                rows=piece.rows,
                bytes=size,
                weight=size,
            )


def _ends_in_copy(data: bytes) -> bool:
    """Whether the last line is a COPY from here: what the rows of a block stand behind."""
    return data.endswith(b" FROM stdin;\n")
