"""``migplan analyze FOLDER`` and ``migplan new``, as people use them."""

from __future__ import annotations

import re
import runpy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migplan.data import DataStep
from migplan.migrations.folder import read
from migplan.migrations.template import new_sql
from tests.cli.conftest import Run, nowhere, run
from tests.migrations.folders import folder, written

__all__ = ["nowhere", "run"]
NOW = datetime(2025, 10, 1, 1, 50, tzinfo=UTC)


def test_the_tree_of_a_folder_that_works(run: Run, tmp_path: Path) -> None:
    path = folder(
        tmp_path / "m",
        _1_hotels="CREATE TABLE public.hotels (id int PRIMARY KEY);",
        _2_rooms="CREATE TABLE public.rooms (hotel int REFERENCES public.hotels);",
        _3_guests="CREATE TABLE public.guests ();",
        _4_stays="CREATE VIEW public.stays AS SELECT 1 FROM public.rooms, public.guests;",
    )
    text = run("analyze", str(path)).stdout
    assert "4 migrations, 4 statements" in text
    assert "1_hotels\n└─ 2_rooms\n   └─ ↗ 4_stays\n3_guests\n└─ 4_stays\n" in text
    assert "contradict" not in text


def test_a_contradiction_is_exit_code_1(run: Run, tmp_path: Path) -> None:
    path = folder(
        tmp_path / "m",
        _1_b="CREATE VIEW public.v AS\nSELECT 1 FROM public.a;",
        _2_a="CREATE TABLE public.a ();",
    )
    text = run("analyze", str(path), exit_code=1).stdout
    assert "1_b.sql:1 needs table public.a, which is made in 2_a.sql:1" in text
    assert "--reorder" in text


def test_a_cycle_is_named_and_no_order_promised(run: Run, tmp_path: Path) -> None:
    path = folder(
        tmp_path / "m",
        _1_a="CREATE TABLE a (); CREATE VIEW x AS SELECT 1 FROM b;",
        _2_b="CREATE TABLE b (); CREATE VIEW y AS SELECT 1 FROM a;",
    )
    text = run("analyze", str(path), exit_code=1).stdout
    assert "1_a -> 2_b -> 1_a" in text
    assert "--reorder" not in text


def test_a_folder_goes_with_no_option_of_databases(run: Run, tmp_path: Path) -> None:
    run("analyze", str(folder(tmp_path / "m", _1_a="")), "--source", "x", exit_code=2)


@pytest.mark.slow
def test_a_long_chain_is_drawn_and_folded(run: Run, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"00000_t.sql": "CREATE TABLE public.t0 (id int PRIMARY KEY);"}
    for at in range(1, 1500):
        files[f"{at:05}_t.sql"] = (
            f"CREATE TABLE public.t{at} (id int PRIMARY KEY REFERENCES public.t{at - 1});"
        )
    path = written(tmp_path / "m", files)
    folded = run("analyze", str(path)).stdout
    assert "(folded: --all shows every migration)" in folded
    assert len(folded.splitlines()) < 200
    whole = run("analyze", str(path), "--all").stdout
    assert "01499_t" in whole


def test_new_files_have_the_time_and_can_be_read(run: Run, nowhere: Path) -> None:
    text = run("new", "add rooms").stdout
    (file,) = (nowhere / "migrations").iterdir()
    assert re.fullmatch(r"\d{14}_add_rooms\.sql", file.name)
    assert f"migrations/{file.name} is written" in text
    (migration,) = read(nowhere / "migrations").migrations
    assert migration.down is None, "nobody wrote one yet"
    assert migration.verify is not None
    run("analyze", "migrations")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["001_a.sql", "009_b.sql"], ["010_x.sql"]),
        (["20200101000000_a.sql"], ["20251001015000_x.sql"]),
        (["V1.2__a.sql"], ["V2__x.sql"]),
        (["7_a.up.sql"], ["8_x.up.sql", "8_x.down.sql"]),
    ],
)
def test_new_follows_the_habits_of_the_folder(tmp_path: Path, files: list[str], expected: list[str]) -> None:
    found = new_sql(written(tmp_path, dict.fromkeys(files, "SELECT 1;")), "x", NOW)
    assert [each.path.name for each in found] == expected
    written(tmp_path, {each.path.name: each.text for each in found})
    assert len(read(tmp_path).migrations) == len(files) + 1


def test_new_for_dbmate_and_in_python(run: Run, nowhere: Path) -> None:
    written(nowhere / "db", {"1_a.sql": "-- migrate:up\nSELECT 1;"})
    run("new", "x", "--dir", "db")
    assert [each.name for each in read(nowhere / "db").migrations] == ["1_a", "2_x"]
    run("new", "fill it", "--dir", "m", "--python")
    (step,) = read(nowhere / "m").migrations
    assert step.kind == "python"
    assert step.requires == ()


def test_new_overwrites_nothing_and_takes_no_odd_names(run: Run, nowhere: Path) -> None:
    folder(nowhere / "m", _1_a="SELECT 1;")
    (nowhere / "m/2_x.sql").mkdir()
    assert "is there already" in run("new", "x", "--dir", "m", exit_code=2).output
    run("new", "../x", "--dir", "m", exit_code=2)
    assert (
        "sqitch add x"
        in run(
            "new",
            "x",
            "--dir",
            str(written(nowhere / "s", {"sqitch.plan": "a\n", "deploy/a.sql": ""})),
            exit_code=2,
        ).output
    )


def test_a_new_step_in_python_is_one(run: Run, nowhere: Path) -> None:
    run("new", "fill it", "--dir", "m", "--python")
    (file,) = (nowhere / "m").iterdir()
    module = runpy.run_path(str(file))
    assert module["__doc__"] == "Fill it."
    assert isinstance(module["STEP"], DataStep)
