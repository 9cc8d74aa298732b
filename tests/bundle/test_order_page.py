"""``MIGRATION_ORDER.md`` says what the manifest says, and its commands can be pasted."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.bundle.order_page import order_page
from migplan.config import Layout
from migplan.postgres.address import Address
from tests.bundle.built import Built, bundle_of

pytestmark = pytest.mark.slow

RICH = (Path(__file__).parent / "rich.sql").read_text()
Database = Callable[..., Address]


@pytest.fixture
def built(newest_database: Database, tmp_path: Path) -> Built:
    return bundle_of(newest_database(RICH), tmp_path / "bundle")


def page_of(built: Built, tree: tuple[str, ...] = ()) -> str:
    return order_page(built.manifest, built.plan, tree)


def section(page: str, title: str) -> str:
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def cells(page: str, title: str) -> list[list[str]]:
    lines = [line for line in section(page, title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines]


def test_its_numbers_are_the_manifests(built: Built) -> None:
    page = page_of(built)
    manifest = built.manifest
    assert f"{manifest.rows} rows of {len(manifest.tables)} tables in {len(manifest.files)} files" in page
    lines = cells(page, "Files")[2:]
    for number, (file, line) in enumerate(zip(manifest.files, lines, strict=False), 1):
        assert line[:2] == [str(number), file.file]
        assert line[5:8] == [f"{file.rows:,}", f"{file.bytes:,}", file.sha256[:12]]
    assert lines[-1][5:7] == [f"{manifest.rows:,}", f"{sum(file.bytes for file in manifest.files):,}"]
    tables = [line for line in cells(page, "Groups") if line[0].isdecimal()]
    assert [line[2] for line in tables] == [f"{table.rows:,}" for table in manifest.tables]
    assert f"{manifest.rows} rows, {len(manifest.foreign_keys)} foreign keys" in section(page, "Validate")


@pytest.mark.parametrize(
    ("title", "folder", "backwards"), [("Run", "", False), ("Roll back", "rollback/", True)]
)
def test_its_commands_name_every_file_in_order(
    built: Built, tmp_path: Path, title: str, folder: str, backwards: bool
) -> None:
    script = section(page_of(built), title).rpartition("```sh\n")[2].partition("```")[0]
    fake = tmp_path / "psql"
    fake.write_text('#!/bin/sh\necho "$5"\n')
    fake.chmod(0o755)
    ran = subprocess.run(
        ["sh", "-c", script], env={"PATH": f"{tmp_path}:/bin"}, capture_output=True, text=True, check=True
    )
    names = [folder + file.file for file in built.manifest.files]
    assert ran.stdout.split() == (names[::-1] if backwards else names)


def test_it_is_the_same_every_time(built: Built) -> None:
    assert page_of(built) == page_of(built)


def test_the_tree_stands_in_a_fence_that_holds(built: Built) -> None:
    page = page_of(built, ("a```b", "└─ c"))
    assert "\n````text\na```b\n└─ c\n````\n" in page
    assert "What needs what" not in page_of(built)


def test_what_was_left_out_stands_there_with_its_reason(built: Built) -> None:
    left = built.manifest.left_out[-1].model_copy(
        update={"kind": "SUBSCRIPTION", "name": "a_b|c", "why": "it holds a password"}
    )
    manifest = built.manifest.model_copy(update={"left_out": (left,), "notes": ("a <note>",)})
    page = order_page(manifest, built.plan)
    assert "- it holds a password: SUBSCRIPTION a\\_b\\|c\n" in page
    assert section(page, "Notes").strip() == "- a \\<note\\>"


def test_cycles_are_said(newest_database: Database, tmp_path: Path) -> None:
    built = bundle_of(newest_database(RICH), tmp_path / "bundle", Layout.WITH_SCHEMA)
    assert "a\\_b" in section(page_of(built), "Cycles")


def test_a_bundle_without_rows(newest_database: Database, tmp_path: Path) -> None:
    built = bundle_of(newest_database(RICH), tmp_path / "bundle", contents="schema")
    page = page_of(built)
    assert "0 rows of 10 tables in 4 files" in page
    assert "not in this bundle" in section(page, "Groups")
    assert "every row that came since is lost" in section(page, "Roll back")
