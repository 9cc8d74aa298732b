"""Live bundles: everything but the rows, which come from the source when the bundle runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.bundle.verified import load_verified
from migplan.config import Layout
from migplan.postgres.address import parse
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.bundle.live import live_source
from migplan.verify.target import verify_target
from tests.databases import DATABASES
from tests.export.loading import assert_same, contents, export, remembered
from tests.run.running import options
from tests.servers import Server


def run_live(server: Server, source: str, bundle: Path, jobs: int = 2) -> str:
    """Run a live bundle into a database of its own; its name."""
    target = server.create_database()
    verified = load_verified(bundle)
    with live_source(verified, parse(server.url(source))) as moment:
        apply(verified, parse(server.url(target)), ApplyOptions(options(jobs)), source=moment)
    return target


@pytest.mark.slow
@pytest.mark.parametrize("layout", list(Layout))
def test_a_rich_database_comes_out_the_same(server: Server, layout: Layout, tmp_path: Path) -> None:
    comes_out(server, "rich", layout, tmp_path)


@pytest.mark.parametrize("name", ["nasty", "demo"])
def test_the_same_database_comes_out(newest: Server, name: str, tmp_path: Path) -> None:
    comes_out(newest, name, Layout.AFTER_DATA, tmp_path)


def comes_out(server: Server, name: str, layout: Layout, tmp_path: Path) -> None:
    source = DATABASES[name](server)
    bundle = tmp_path / "bundle"
    manifest = export(server.url(source), bundle, "--rows", "live", "--constraints", layout.value)
    assert manifest.is_live
    target = run_live(server, source, bundle)
    try:
        found = contents(server, target)
        alone = verify_target(server.address(target), bundle)
        beside = verify_target(server.address(target), bundle, server.address(source))
    finally:
        server.drop_database(target)
    assert_same(found, remembered(server, source), ordered=False)
    assert not [*alone.differences, *beside.differences]
    assert not alone.tables
    assert any("rows were not compared" in note for note in alone.notes)
    loaded = [table for table in manifest.tables if table.brings_rows]
    assert [table.strength for table in beside.tables].count("content") == len(loaded)
