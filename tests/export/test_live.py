"""Live bundles: everything but the rows, for which each block has the query that brings them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from migplan.bundle import manifest as manifests
from migplan.bundle.check.examine import check, examine
from migplan.bundle.data import row_steps
from migplan.bundle.manifest import Manifest, load
from migplan.bundle.paths import BundlePaths
from migplan.bundle.verified import load_verified
from migplan.catalog import model as catalog_model
from migplan.errors import BundleError
from migplan.pipeline.apply import LiveRowsFrom, apply_bundle
from migplan.postgres.address import Address
from migplan.run.bundle.apply import ApplyOptions
from migplan.run.bundle.kept import LocalBundle
from migplan.run.bundle.steps import emptied, steps_of
from migplan.run.engine.events import ignore
from migplan.run.engine.footprints import EXCLUSIVE
from migplan.run.engine.steps import LiveRows, LiveSequences, Statements
from migplan.run.undo.rollback import RollbackOptions, rollback
from tests.cli.conftest import Run
from tests.export.loading import export, psql
from tests.run.running import options
from tests.servers import Server, connect

SHOP = r"""
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE guests (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff, mood mood);
CREATE TABLE bookings (id int PRIMARY KEY, guest int NOT NULL REFERENCES guests, price money);
CREATE TABLE "odd
name" (id int PRIMARY KEY, "a -- b" text);
CREATE TABLE large (id int, filler text) WITH (autovacuum_enabled = off);
ALTER TABLE large ALTER filler SET STORAGE PLAIN;
INSERT INTO guests (name) SELECT 'guest ' || n FROM generate_series(1, 7) n;
INSERT INTO staff VALUES (1, NULL, 'glad'), (2, 1, 'sad'), (3, 2, NULL);
INSERT INTO bookings VALUES (1, 7, 12.50);
INSERT INTO "odd
name" VALUES (1, E'\\.\n');
INSERT INTO large SELECT n, repeat('x', 500) FROM generate_series(1, 4000) n;
CREATE MATERIALIZED VIEW guests_of_now AS SELECT name FROM guests;
"""


@pytest.fixture(scope="module")
def shop(newest: Server) -> Iterator[str]:
    """The name of a small database with a table of 2 MB; nobody changes it."""
    name = newest.create_database(SHOP)
    yield name
    newest.drop_database(name)


@contextmanager
def empty(server: Server) -> Iterator[Address]:
    name = server.create_database()
    try:
        yield server.address(name)
    finally:
        server.drop_database(name)


def live(server: Server, name: str, out: Path, *words: str) -> Manifest:
    return export(server.url(name), out, "--rows", "live", *words)


def contents(where: Address) -> list[list[tuple[object, ...]]]:
    tables = ("guests", "staff", "bookings", '"odd\nname"', "large", "guests_of_now")
    with connect(where) as connection:
        return [connection.execute(f"TABLE {table}".encode()).fetchall() for table in tables]


# --- what stands in the files -------------------------------------------------------------------------------


def test_no_file_holds_a_row_and_all_else_is_there(newest: Server, shop: str, bundle: Path) -> None:
    manifest = live(newest, shop, bundle)
    everything = b"".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    assert b"guest 7" not in everything
    assert b"xxxxx" not in everything
    assert manifest.rows_are == "live"
    assert manifest.rows == sum(block.rows for _, _, block in manifest.blocks)
    formats = {block.table: block.format for _, _, block in manifest.blocks}
    assert formats["public.guests"] == formats["public.large"] == "binary"
    assert formats["public.staff"] == formats["public.bookings"] == "text"
    assert any("2 tables have columns of types such as money, public.mood" in note for note in manifest.notes)
    assert [(each.sequence, each.value) for each in manifest.sequences] == [("public.guests_id_seq", None)]
    assert not any(table.digest or table.roots is not None for table in manifest.tables)
    data = BundlePaths(bundle).step(next(file.file for file in manifest.files if file.phase == "data"))
    said = data.read_text()
    assert (
        "-- migplan: rows from the source: SELECT id, name FROM ONLY public.guests\n"
        "COPY public.guests (id, name) FROM stdin;\n\\.\n" in said
    )
    assert "-- migplan: values from the source: public.guests_id_seq\n" in said


def test_a_table_that_refers_to_itself_comes_in_one_copy(newest: Server, shop: str, bundle: Path) -> None:
    manifest = live(newest, shop, bundle, "--constraints", "with-schema")
    (block,) = (block for _, _, block in manifest.blocks if block.table == "public.staff")
    assert block.query == "SELECT t.id, t.boss, t.mood FROM ONLY public.staff t"
    (data,) = (file.file for file in manifest.files if file.phase == "data")
    assert "-- public.staff, levels: " in BundlePaths(bundle).step(data).read_text()
    assert "live rows come in one COPY, which checks keys at its end\n" in (bundle / data).read_text()


def test_psql_stops_instead_of_loading_nothing(newest: Server, shop: str, bundle: Path) -> None:
    manifest = live(newest, shop, bundle)
    with empty(newest) as target:
        url = newest.url(target.params["dbname"])
        for file in manifest.files:
            path = str(BundlePaths(bundle).step(file.file))
            if file.phase != "data":
                psql(url, "--file", path)
                continue
            with pytest.raises(AssertionError, match="migplan apply BUNDLE --source SOURCE"):
                psql(url, "--file", path)
            break


def test_the_queries_that_validate_expect_nothing_and_run_on_both_sides(
    newest: Server, shop: str, bundle: Path
) -> None:
    live(newest, shop, bundle)
    paths = BundlePaths(bundle)
    counted = psql(newest.url(shop), "--file", str(paths.row_counts))
    assert "public.large|4000\n" in counted
    assert counted.strip().endswith("in all|5 tables|4012")
    assert psql(newest.url(shop), "--file", str(paths.self_references)).strip() == "public.staff|1|2|3"
    page = paths.order.read_text()
    assert "migplan apply . --source SOURCE --target TARGET" in page
    assert "4,000" not in page
    assert "psql -X" not in page.partition("## Validate")[0]


def test_the_same_comes_out_again_though_estimates_have_moved(
    newest: Server, shop: str, bundle: Path, tmp_path: Path
) -> None:
    first = live(newest, shop, bundle)
    digest = manifests.digest(BundlePaths(bundle).manifest)
    with newest.connect(dbname=shop) as connection:
        connection.execute("ANALYZE large")
    other = live(newest, shop, tmp_path / "other")
    assert other.rows != first.rows
    live(newest, shop, bundle)
    assert manifests.digest(BundlePaths(bundle).manifest) == digest
    for path in [*bundle.rglob("*.sql"), BundlePaths(bundle).order]:
        assert path.read_bytes() == (tmp_path / "other" / path.relative_to(bundle)).read_bytes()


def test_another_query_in_the_manifest_than_people_read_is_refused(
    newest: Server, shop: str, bundle: Path
) -> None:
    live(newest, shop, bundle)
    paths = BundlePaths(bundle)
    said = paths.manifest.read_text()
    paths.manifest.write_text(said.replace("FROM ONLY public.guests", "FROM ONLY public.guests WHERE id > 1"))
    (problem,) = check(bundle)
    assert "query that the manifest has for the rows of public.guests" in problem.what
    assert problem.line == _line_of(paths, "FROM ONLY public.guests\n") + 1
    with pytest.raises(BundleError, match="has not the query"):
        steps_of(load_verified(bundle))


def _line_of(paths: BundlePaths, what: str) -> int:
    (data,) = (file.file for file in manifests.load(paths.folder).files if file.phase == "data")
    text = paths.step(data).read_text()
    return text.count("\n", 0, text.index(what))


def test_what_says_nothing_of_live_rows_is_refused(run: Run, newest: Server, shop: str) -> None:
    for words, why in (
        (["--schema-only"], "--schema-only brings no rows"),
        (["--data-format", "insert"], "live rows travel by COPY"),
        (["--without-digests"], "records no digests"),
    ):
        refused = run("export", "--source", newest.url(shop), "--rows", "live", *words, exit_code=2)
        assert why in refused.output


def test_what_would_be_written_is_foreseen(run: Run, newest: Server, shop: str) -> None:
    told = run("export", "--source", newest.url(shop), "--rows", "live", "--dry-run")
    assert "would bring, by estimate" in told.output
    assert "live from the source" in told.output


def test_nothing_runs_without_its_source(run: Run, newest: Server, shop: str, bundle: Path) -> None:
    live(newest, shop, bundle)
    said = examine(bundle)
    assert said.live
    with empty(newest) as target:
        to = newest.url(target.params["dbname"])
        for command in (["apply", str(bundle), "--target", to], ["rehearse", str(bundle)]):
            refused = run(*command, exit_code=2)
            assert f"migplan {command[0]} {bundle} --source SOURCE" in refused.output
        words = ["apply", str(bundle), "--target", to, "--source", newest.url(shop), "--check-orphans"]
        orphans = run(*words, exit_code=2)
        assert "--rows live --check-orphans" in orphans.output


# --- the steps ----------------------------------------------------------------------------------------------


def test_large_tables_come_in_chunks_or_frozen_and_small_ones_together(
    newest: Server, shop: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(newest, shop, bundle)
    steps = steps_of(load_verified(bundle))
    pieces = {
        piece.table: (step, piece) for step in steps for piece in step.segments if isinstance(piece, LiveRows)
    }
    step, large = pieces["public.large"]
    assert large.freeze
    emptying = step.segments[0]
    assert isinstance(emptying, Statements)
    assert emptying.text == emptied("public.large")
    assert pieces["public.bookings"][0] is pieces["public.staff"][0]
    assert not pieces["public.staff"][1].freeze
    (values,) = (step for step in steps for piece in step.segments if isinstance(piece, LiveSequences))
    assert ("rows of the source", EXCLUSIVE) in values.footprint.things
    monkeypatch.setattr(row_steps, "LIVE_CHUNK_PAGES", 64)
    live(newest, shop, bundle)
    chunks = [step for step in steps_of(load_verified(bundle)) if step.name.startswith("public.large, ")]
    assert len(chunks) > 3
    assert all(
        isinstance(piece, LiveRows) and " ctid " in piece.query and not piece.freeze
        for step in chunks
        for piece in step.segments
    )


def test_rows_that_lie_in_toast_come_in_even_chunks(
    newest: Server, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are those of the heap, which is a small part of such a table."""
    monkeypatch.setattr(row_steps, "LIVE_CHUNK_PAGES", 64)
    source = newest.create_database()
    with newest.connect(dbname=source) as connection:
        connection.execute(
            "CREATE TABLE vectors (id int, v bytea); ALTER TABLE vectors ALTER v SET STORAGE EXTERNAL;"
            "INSERT INTO vectors SELECT n, decode(repeat(md5(n::text), 150), 'hex') "
            "FROM generate_series(1, 1000) n"
        )
    live(newest, source, bundle)
    chunks = [step for step in steps_of(load_verified(bundle)) if step.name.startswith("public.vectors, ")]
    assert len(chunks) > 3
    with newest.connect(dbname=source) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM ({piece.query}) rows".encode()).fetchall()[0][0]
            for step in chunks
            for piece in step.segments
            if isinstance(piece, LiveRows)
        ]
    assert sum(counts) == 1000
    assert min(counts) > 0.5 * max(counts)
    origin, where = newest.address(source), newest.create_database()
    apply_bundle(
        *(load_verified(bundle), newest.address(where), ApplyOptions(options(2)), ignore),
        LiveRowsFrom(origin),
    )
    with newest.connect(dbname=where) as connection:
        query = "SELECT count(*), sum(hashtext(v::text)) FROM vectors"
        found = connection.execute(query).fetchall()
    with newest.connect(dbname=source) as connection:
        assert connection.execute(query).fetchall() == found


@pytest.mark.parametrize(("version", "parts"), [(13, 1), (14, 4)])
def test_servers_that_know_no_ranges_of_pages_are_read_whole(
    newest: Server, shop: str, bundle: Path, monkeypatch: pytest.MonkeyPatch, version: int, parts: int
) -> None:
    monkeypatch.setattr(row_steps, "LIVE_CHUNK_PAGES", 64)
    monkeypatch.setattr(catalog_model.Server, "major", property(lambda _: version))
    live(newest, shop, bundle)
    blocks = [block for _, _, block in load(bundle).blocks if block.table == "public.large"]
    assert len(blocks) >= parts
    assert (len(blocks) == 1) == (parts == 1)
    assert [" ctid " in block.query for block in blocks] == [parts > 1] * len(blocks)


def test_frozen_rows_arrive_and_go_again(newest: Server, shop: str, bundle: Path) -> None:
    live(newest, shop, bundle)
    verified = load_verified(bundle)
    source = newest.address(shop)
    with empty(newest) as target:
        apply_bundle(verified, target, ApplyOptions(options(2)), ignore, LiveRowsFrom(source))
        assert contents(target) == contents(source)
        with connect(target) as connection:
            (following,) = connection.execute("SELECT nextval('guests_id_seq')").fetchone() or ()
            assert following == 8
        gone = rollback(LocalBundle.of(verified), target, RollbackOptions(), ignore)
        assert gone.steps
        with connect(target) as connection:
            assert connection.execute("SELECT to_regclass('public.large')").fetchone() == (None,)


def test_rows_of_others_are_not_truncated(newest: Server) -> None:
    with empty(newest) as target, connect(target) as connection:
        connection.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        with pytest.raises(psycopg.errors.RaiseException) as refused:
            connection.execute(emptied("public.t").encode())
        assert refused.value.diag.message_primary == "public.t has rows that this run did not bring"
        assert connection.execute("TABLE t").fetchall() == [(1,)]


def test_tables_that_are_there_are_not_loaded_frozen(newest: Server, shop: str, bundle: Path) -> None:
    """They stay when the run is rolled back, and whose rows come in then is not known here."""
    live(newest, shop, bundle, "--data-only")
    assert not any(
        piece.freeze or piece.format != "text"
        for step in steps_of(load_verified(bundle))
        for piece in step.segments
        if isinstance(piece, LiveRows)
    )


def test_it_is_rehearsed_with_its_source(run: Run, newest: Server, shop: str, bundle: Path) -> None:
    live(newest, shop, bundle)
    with empty(newest) as target:
        to = newest.url(target.params["dbname"])
        run("rehearse", str(bundle), "--source", newest.url(shop), "--target", to)
        (receipt,) = bundle.with_name("bundle.receipts").glob("2*.json")
        assert json.loads(receipt.read_text())["rows"] == 4012
