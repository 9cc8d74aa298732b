"""What surely fails is not applied, what may fail stops a file that would leave a half."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.errors import RefusedError
from migplan.level import Level
from migplan.migrations.analysis import analyze
from migplan.migrations.levels import CONTRADICTION, DOUBT, TWICE
from migplan.migrations.lint import Levels
from migplan.migrations.model import Thing, ThingKind
from migplan.run.migrations.refusals import refuse_doubts, refuse_what_fails
from tests.migrations.folders import folder

PERHAPS = "DO $$ BEGIN IF random() < 2 THEN INSERT INTO log VALUES (1); END IF; END $$;"
LOG = "CREATE TABLE log (id int);"


def refused(path: Path, files: dict[str, str], *, levels: Levels | None = None, tried: str = "") -> str:
    found = analyze(folder(path, **files), levels=levels or {})
    names = found.order.names
    try:
        refuse_what_fails(found, names, reorder=False, there=frozenset)
        refuse_doubts(found, names, {tried}, there=frozenset)
    except RefusedError as error:
        return f"{error.what}\n{error.do}"
    return ""


def test_what_surely_fails(tmp_path: Path) -> None:
    late = {"_1_a": "CREATE TABLE b (a int REFERENCES a);", "_2_a": "\nCREATE TABLE a (id int PRIMARY KEY);"}
    assert "1_a, line 1: CREATE TABLE b" in refused(tmp_path / "1", late)
    assert "which 2_a, line 2, makes" in refused(tmp_path / "1", late)
    assert not refused(tmp_path / "1", late, levels={CONTRADICTION: Level.WARNING})
    gone = {"_1_a": LOG, "_2_drop": "DROP TABLE log;", "_3_use": "INSERT INTO log VALUES (1);"}
    assert "3_use, line 1: INSERT INTO log" in refused(tmp_path / "2", gone)
    assert "which 2_drop, line 1, drops" in refused(tmp_path / "2", gone)
    renamed = {**gone, "_2_drop": "ALTER TABLE log RENAME TO logs;"}
    assert "which 2_drop, line 1, renames" in refused(tmp_path / "3", renamed)
    within = {"_1_a": "CREATE INDEX ON log (id);\nCREATE TABLE log (id int);"}
    assert "which 1_a, line 2, makes" in refused(tmp_path / "4", within)
    twice = {"_1_a": LOG, "_2_b": LOG}
    assert "2_b, line 1: CREATE TABLE log" in refused(tmp_path / "5", twice)
    assert not refused(tmp_path / "5", twice, levels={TWICE: "off"})
    ring = {"_1_a": f"{LOG} SELECT x FROM b;", "_2_b": "CREATE TABLE b (x int); INSERT INTO log VALUES (1);"}
    assert "no order works" in refused(tmp_path / "6", ring)


def test_what_was_applied_did_not_fail(tmp_path: Path) -> None:
    found = analyze(folder(tmp_path, _1_a="INSERT INTO log VALUES (1);", _2_log=LOG))
    refuse_what_fails(found, ["1_a"], reorder=False, there=frozenset)
    refuse_what_fails(found, ["2_log"], reorder=False, there=frozenset)
    with pytest.raises(RefusedError):
        refuse_what_fails(found, ["1_a", "2_log"], reorder=False, there=frozenset)
    refuse_what_fails(found.trusting_names(), ["1_a", "2_log"], reorder=False, there=frozenset)


def test_what_the_target_has_is_not_missing(tmp_path: Path) -> None:
    found = analyze(
        folder(
            tmp_path, _1_a="GRANT SELECT ON log TO PUBLIC;", _2_log=LOG.replace("log", "IF NOT EXISTS log")
        )
    )
    there = frozenset({Thing(ThingKind.TABLE, "public.log")})
    refuse_what_fails(found, found.order.names, reorder=False, there=lambda: there)
    with pytest.raises(RefusedError):
        refuse_what_fails(found, found.order.names, reorder=False, there=frozenset)


def test_a_doubt_stops_what_would_leave_a_half(tmp_path: Path) -> None:
    index = "CREATE TABLE i (x int);\nCREATE INDEX CONCURRENTLY ON i (x);\n"
    files = {"_1_a": index + PERHAPS, "_2_log": LOG}
    alone = {**files, "_1_a": PERHAPS}
    assert "1_a, line 3" in refused(tmp_path / "1", files)
    assert "--scratch URL" in refused(tmp_path / "1", files)
    assert not refused(tmp_path / "1", files, tried="1_a")
    assert not refused(tmp_path / "1", files, levels={DOUBT: Level.NOTE})
    assert not refused(tmp_path / "2", alone), "a transaction is tried"
    assert refused(tmp_path / "2", alone, levels={DOUBT: Level.ERROR})
    program = "COPY (SELECT 1) TO PROGRAM 'true';\n" + PERHAPS
    assert refused(tmp_path / "3", {**files, "_1_a": program})
    assert refused(tmp_path / "4", {**files, "_1_a": f"SELECT dblink_exec('', '');\n{PERHAPS}"})
