"""How often an apply reads the files of a bundle: once before the first change, and once as they are sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import BinaryIO

import pytest

from migplan import sealed_files
from migplan.bundle.verified import load_verified
from migplan.pipeline.apply import apply_bundle
from migplan.run.bundle.apply import ApplyOptions
from migplan.run.engine.events import Event, Planned
from tests.export.loading import export
from tests.run.running import empty, options
from tests.servers import MakeDatabase, Server

ROWS = """
CREATE TABLE parents (id int PRIMARY KEY, text text);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents, text text);
INSERT INTO parents SELECT n, repeat('p', 200) FROM generate_series(1, 20000) n;
INSERT INTO children SELECT n, n, repeat('c', 200) FROM generate_series(1, 20000) n;
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--data-format", "insert")], ids=["copy", "insert"])
def test_each_file_is_read_once_before_the_first_change_and_once_as_it_is_sent(
    newest: Server,
    newest_database: MakeDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    folder = tmp_path / "bundle"
    export(newest.url(newest_database(ROWS).params["dbname"]), folder, *words)
    read: Counter[str] = Counter()
    opened: Counter[str] = Counter()
    before: dict[str, tuple[Counter[str], Counter[str]]] = {}
    block, path_open = sealed_files._block, Path.open

    def counted(stream: BinaryIO, size: int) -> bytes:
        data = block(stream, size)
        read[str(stream.name)] += len(data)
        return data

    def noted(self: Path, *arguments: object, **named: object) -> object:
        opened[str(self)] += 1
        return path_open(self, *arguments, **named)  # type: ignore[call-overload]

    def on_event(event: Event) -> None:
        if isinstance(event, Planned):
            before.setdefault("it", (read.copy(), opened.copy()))

    monkeypatch.setattr(sealed_files, "_block", counted)
    monkeypatch.setattr(Path, "open", noted)
    with empty(newest) as target:
        bundle = load_verified(folder)
        apply_bundle(bundle, newest.address(target), ApplyOptions(options(2)), on_event)
    read_before, opened_before = before["it"]
    for file in bundle.manifest.files:
        name = str(folder / file.file)
        assert (read_before[name], opened_before[name]) == (file.bytes, 1)
        rollback = str(folder / "rollback" / file.file)
        assert opened[rollback] == 2  # what the journal keeps is read again, as what is sent
        # Where a step begins or ends within a block, that block is read for both of its neighbours.
        steps = opened[name] - 1
        assert file.bytes <= read[name] - file.bytes <= file.bytes + 2 * steps * sealed_files.BLOCK
    assert max(file.bytes for file in bundle.manifest.files) > 8 * sealed_files.BLOCK
