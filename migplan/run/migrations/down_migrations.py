"""Down migrations: from their folder, or from the journal if the folder was changed or is gone.

What is kept is the part that people wrote for it, or the statements that were derived from what it did when
it was applied, and what it needs; but no part of the migration itself, which may hold rows and secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from psycopg import sql
from pydantic import BaseModel, Field

from migplan.bundle.verified import is_inside
from migplan.catalog.state import Key
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import Folder, Part, Style
from migplan.migrations.source_files import reopened, statements_of
from migplan.migrations.transactions import non_transactional, refuse_ends
from migplan.run.engine.steps import Statements, Step
from migplan.run.migrations.steps import file_of, steps_of_part
from migplan.run.migrations.way_back import Loss

_SETTINGS = "SET LOCAL check_function_bodies = off"
_CONCURRENTLY = re.compile(r"\ADROP INDEX CONCURRENTLY\b")


@dataclass(frozen=True)
class DownMigration:
    """How one migration is rolled back: by its down part, or by what was derived from what it did."""

    name: str
    folder: Folder
    up: Part  # under whose file and line the journal has it
    down: Part | None = None
    together: bool = True
    derived: tuple[str, ...] | None = None  # statements
    cannot: tuple[str, ...] = ()  # reasons why there is no way back
    needs: Mapping[str, str] | None = None  # the migrations that it needs, each with a sentence
    is_seed: bool = False
    is_kept: bool = False  # as the journal has it
    left: Mapping[str, str | None] = field(default_factory=dict)  # what it left behind, by digest
    begun: Mapping[str, Any] | None = None  # only its first statements were done
    stays: tuple[str, ...] = ()  # what of it stays, and why
    losses: tuple[Loss, ...] = ()  # why there is none, if what they concern may go as a whole
    made: tuple[Key, ...] = ()  # what the derived statements take away
    passed_over: tuple[str, ...] = ()  # losses of what goes in the same rollback
    goes_with: frozenset[str] = frozenset()  # the migrations whose way back takes that along

    def steps(self, seeds: Sequence[str]) -> list[Step]:
        """Return its steps; the last one writes in the same transaction that it is undone, with its seeds."""
        found = list(self._written() if self.down is not None else self._derived())
        last = found[-1] if found and not found[-1].non_transactional else None
        said = Statements(0, 0, last.line if last else self.up.line, self._gone(seeds))
        if last is not None:
            return [*found[:-1], replace(last, segments=(*last.segments, said))]
        return [*found, self._step(said)]

    def step_with(self, others: Sequence[DownMigration], seeds: Mapping[str, Sequence[str]]) -> Step:
        """Return one step for others, which come first, and for this one; all of them are derived."""
        texts = []
        for way in (*others, self):
            texts += [f"{_CONCURRENTLY.sub('DROP INDEX', each)};" for each in way.derived or ()]
            # Nothing waits for the end of the transaction, as nothing would wait for the next file's.
            texts += [way._gone(seeds[way.name]), "SET CONSTRAINTS ALL IMMEDIATE;"]
        return self._step(Statements(0, 0, self.up.line, "\n".join([f"{_SETTINGS};", *texts])))

    def _written(self) -> Sequence[Step]:
        assert self.down is not None
        statements = tuple(statements_of(self.down))
        refuse_ends(statements, self.down.file)
        outside = non_transactional(statements, together=self.together)
        return steps_of_part(self.folder, self.name, "revert", self.down, outside, together=self.together)

    def _derived(self) -> Iterator[Step]:
        """One step, unless one of the statements cannot be in a transaction."""
        texts = [f"{each};" for each in (_SETTINGS, *self.derived)] if self.derived else []
        outside = {text for text in texts if _CONCURRENTLY.match(text)}
        for text in texts[1:] if outside else ["\n".join(texts)] if texts else []:
            piece = Statements(self.up.start, self.up.end, self.up.line, text)
            yield self._step(piece, non_transactional=text if text in outside else "")

    def _step(self, piece: Statements, *, non_transactional: str = "") -> Step:
        """A step of what is not in the file, under the name of the file that it rolls back."""
        file = file_of(self.folder, self.up)
        return Step(
            0,
            file,
            self.name,
            "revert",
            self.up.line,
            segments=(piece,),
            non_transactional=non_transactional,
        )

    def _gone(self, seeds: Sequence[str]) -> str:
        """Return the statement that marks it as undone in the journal.

        The rows of its seeds go with its tables.
        """
        return (
            sql.SQL(
                "UPDATE migplan.step s SET state = 'undone' FROM migplan.run r WHERE r.run = s.run "
                "AND r.kind = 'migrate' AND r.bundle = {} AND s.name = ANY ({}) AND s.state = 'done';"
            )
            .format(self.folder.name, sql.Literal([self.name, *seeds]))
            .as_string()
        )


def down_migrations_of(analysis: Analysis, names: Sequence[str]) -> dict[str, DownMigration]:
    """Return the down migrations of some migrations of a folder, as far as the folder alone has them."""
    return {name: _way_of(analysis, name) for name in names}


def _way_of(analysis: Analysis, name: str) -> DownMigration:
    migration = analysis.by_name[name].migration
    needs = {
        reason.by: f"{name}, line {reason.need.line}, needs {reason.made.thing} of {reason.by}"
        for reason in analysis.order.needs.get(name, ())
    }
    way = DownMigration(
        name,
        analysis.folder,
        migration.up,
        migration.down,
        migration.in_transaction,
        needs=needs,
        is_seed=migration.kind == "seed",
    )
    if migration.down is not None:
        return way
    if migration.kind == "python":
        return replace(way, cannot=("a program has no way back, unless NAME.down.sql is written",))
    return way


def packed(way: DownMigration, begun: Mapping[str, Any] | None = None) -> bytes:
    """Return what the journal is to keep of a down migration.

    ``begun`` is what is known of a migration whose first statements are done, and not its last ones.
    """
    down = way.down
    said: dict[str, Any] = {
        "file": file_of(way.folder, way.up),
        "line": way.up.line,
        "together": way.together,
        "needs": way.needs,
        "seed": way.is_seed,
        "cannot": list(way.cannot),
    }
    if down is not None:
        said["down"] = reopened(down).getvalue()[down.start :].decode()
        said["down_file"], said["down_line"] = file_of(way.folder, down), down.line
    elif way.derived is not None and (way.losses or not way.cannot):
        said["derived"], said["left"] = way.derived, way.left
        said["losses"], said["made"] = way.losses, way.made
    if begun is not None:
        said["begun"] = begun
    return json.dumps(said, ensure_ascii=False).encode()


_Key = tuple[int, int, int]


class _Kept(BaseModel, strict=True):
    """What :func:`packed` says."""

    file: str
    line: Annotated[int, Field(gt=0)]
    together: bool
    needs: dict[str, str] | None
    seed: bool
    cannot: tuple[str, ...]
    down: str | None = None
    down_file: str = ""
    down_line: Annotated[int, Field(gt=0, le=1_000_000_000)] = 1
    derived: tuple[str, ...] | None = None
    left: dict[str, str | None] | None = None  # what it left behind, by its digest: see way_back.py
    stays: tuple[tuple[int, str, str], ...] = ()  # of earlier versions of migplan
    begun: dict[str, Any] | None = None
    losses: tuple[tuple[str, str, str, tuple[_Key, ...], tuple[str, ...]], ...] = ()  # as Loss has them
    made: tuple[_Key, ...] = ()


def unpacked(name: str, content: bytes, folder: str, place: Path) -> DownMigration:
    """Return a down migration that the journal keeps; its files are written to ``place``.

    ValueError when it is none.
    """
    said = _Kept.model_validate_json(content)
    home = Folder(place / folder, Style.PLAIN, ())
    up = Part(_written_to(home.path, said.file, ""), 0, 0, said.line)
    down = None
    if said.down is not None:
        # The part keeps the line that it had: messages name it.
        begin = said.down_line - 1
        text = "\n" * begin + said.down
        file = _written_to(home.path, said.down_file, text)
        down = Part(file, begin, len(text.encode()), said.down_line)
    return DownMigration(
        name,
        home,
        up,
        down,
        said.together,
        said.derived,
        said.cannot,
        said.needs,
        said.seed,
        is_kept=True,
        left=said.left or {},
        begun=said.begun,
        stays=tuple(f"{statement}: {why}" for _, statement, why in said.stays),
        losses=tuple(
            Loss(why, what, kind, tuple(Key(*key) for key in keys), names)
            for why, what, kind, keys, names in said.losses
        ),
        made=tuple(Key(*key) for key in said.made),
    )


def _written_to(home: Path, file: str, text: str) -> Path:
    inside = file.removeprefix("../")  # Supabase's seed lies beside its folder
    if not is_inside(inside):
        raise ValueError(f"{file!r} is no file of a folder of migrations")
    path = home / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path
