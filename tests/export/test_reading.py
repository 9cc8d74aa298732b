"""One moment, however it is read: by many connections, in chunks, over TLS, by a role that owns nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from migplan.bundle.data import row_steps
from migplan.bundle.manifest import load
from tests.databases import DATABASES
from tests.encrypted import encrypted_server
from tests.export import rich
from tests.export.conftest import PASSWORD
from tests.export.loading import assert_same, contents, copied, export, psql, remembered
from tests.servers import Server

pytestmark = pytest.mark.slow


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("words", [["--constraints", "with-schema"], ["--data-format", "insert"]])
def test_many_readers_write_the_same_bytes_as_one(
    newest: Server, words: list[str], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_steps, "CHUNK_PAGES", 16)
    name = rich.database(newest)
    with newest.connect(dbname=name) as connection:
        connection.execute("VACUUM")  # done between the two, it would change sizes, and with them the blocks
    url = newest.url(name)
    export(url, bundle, "--jobs", "1", *words)
    other = bundle.with_name("other")
    export(url, other, "--jobs", "4", *words)
    assert_same_bytes(bundle, other)


@pytest.mark.parametrize("name", ["nasty", "demo"])
def test_another_day_another_process_and_another_planner_write_the_same_bytes(
    newest: Server, name: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = newest.url(DATABASES[name](newest))
    export(url, bundle, "--jobs", "1", "--constraints", "with-schema")
    other = bundle.with_name("other")
    words = ["--jobs", "4", "--constraints", "with-schema", "--source", url, "--out", str(other)]
    strange = (
        *("enable_seqscan=off", "random_page_cost=0.01", "parallel_setup_cost=0", "parallel_tuple_cost=0"),
        "min_parallel_table_scan_size=0",
    )
    env = {
        **os.environ,
        "PYTHONHASHSEED": "77",
        "PGOPTIONS": " ".join(f"-c {setting}" for setting in strange),
        "TZ": "Asia/Kathmandu",
    }
    subprocess.run([sys.executable, "-m", "migplan", "export", *words], env=env, check=True)
    assert_same_bytes(bundle, other)


def test_rows_stand_in_the_order_of_their_heap_whatever_the_planner_likes(
    newest: Server, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = newest.create_database("""
        CREATE TABLE covered (n int PRIMARY KEY);
        INSERT INTO covered SELECT 2000 - n FROM generate_series(1, 2000) n;
        CREATE TABLE tree (n int PRIMARY KEY, up int REFERENCES tree, t text);
        INSERT INTO tree SELECT 2000 - n, NULL, repeat('x', 300) FROM generate_series(1, 2000) n;
        CREATE INDEX ON tree (n) WHERE up IS NULL;
    """)
    with newest.connect(dbname=source) as connection:
        connection.execute("VACUUM ANALYZE")
    monkeypatch.setenv("PGOPTIONS", "-c enable_seqscan=off -c random_page_cost=0.01 -c parallel_setup_cost=0")
    try:
        export(newest.url(source), bundle, "--constraints", "with-schema")
    finally:
        newest.drop_database(source)
    lines = (bundle / "10-data-all.sql").read_text().splitlines()
    first = [int(line.partition("\t")[0]) for line in lines if line[:1].isdecimal()]
    assert first == [*range(1999, -1, -1)] * 2


def assert_same_bytes(one: Path, other: Path) -> None:
    """Fail unless two bundles differ in nothing but the moment that their manifests give."""
    here, there = files_of(one), files_of(other)
    assert here.keys() == there.keys()
    # Of one second the moment is the same, too.
    assert {name for name in here if here[name] != there[name]} <= {"manifest.json"}
    found, again = load(one), load(other)
    origin = again.origin.model_copy(update={"snapshot_at": found.origin.snapshot_at})
    assert again.model_copy(update={"origin": origin}) == found


def test_a_large_table_comes_in_chunks(newest: Server, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_steps, "CHUNK_PAGES", 16)
    source = rich.database(newest)
    manifest = export(newest.url(source), bundle, "--jobs", "3")
    blocks = [
        block
        for file in manifest.files
        for step in file.steps
        for block in step.blocks
        if block.table == "vals.many"
    ]
    assert len(blocks) > 5
    assert len([block for block in blocks if block.rows]) > 5
    with copied(newest, bundle) as target:
        assert_same(contents(newest, target), remembered(newest, source))


@pytest.mark.parametrize(
    "granted",
    ["GRANT pg_read_all_data TO migplan_poor", "GRANT SELECT ON ALL TABLES IN SCHEMA a TO migplan_poor"],
)
def test_a_role_that_owns_nothing_but_may_read(
    newest: Server, granted: str, role: Callable[..., str], bundle: Path
) -> None:
    source = newest.create_database(
        "CREATE SCHEMA a; CREATE TABLE a.t (id serial PRIMARY KEY, up int REFERENCES a.t);"
        "INSERT INTO a.t VALUES (1, 2), (2, NULL); SELECT setval('a.t_id_seq', 2);"
        "CREATE VIEW a.v AS SELECT * FROM a.t;"
    )
    role(newest, "migplan_poor")
    with newest.connect(dbname=source) as connection:
        connection.execute(f"GRANT USAGE ON SCHEMA a TO migplan_poor; {granted}")
    try:
        manifest = export(newest.url(source, user="migplan_poor", password=PASSWORD), bundle)
        with copied(newest, bundle) as target:
            found, expected = contents(newest, target), contents(newest, source)
        assert found.schema == expected.schema
        if "pg_read_all_data" in granted:
            assert_same(found, expected)
        else:
            # Of a sequence without a grant only the column that it numbers tells how far it is.
            assert "a.t_id_seq" in " ".join(manifest.notes)
    finally:
        with newest.connect(dbname=source) as connection:
            connection.execute("DROP OWNED BY migplan_poor; REVOKE pg_read_all_data FROM migplan_poor")
        newest.drop_database(source)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that speaks TLS only."""
    with encrypted_server(tmp_path_factory.mktemp("tls")) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
        yield server.conninfo()


def test_a_source_that_speaks_tls_only(encrypted: str, newest: Server, bundle: Path) -> None:
    manifest = export(encrypted, bundle)
    assert manifest.rows == 2
    with copied(newest, bundle) as target:
        assert psql(newest.url(target), "--command", "SELECT sum(id) FROM t") == "3\n"


def test_from_the_oldest_to_the_newest(servers: dict[str, Server], newest: Server, bundle: Path) -> None:
    oldest = next(iter(servers.values()))
    if oldest.major == newest.major:
        pytest.skip("there is one version only")
    for server in (oldest, newest):
        rich.make_roles(server)
    rich_for_both = oldest.create_database(rich.script(oldest, newest))
    for source in (oldest.demo, rich_for_both):
        export(oldest.url(source), bundle, "--force")
        said = contents(oldest, source, by=newest.major)
        with copied(newest, bundle) as target:
            found = contents(newest, target)
        # The newer server words views differently: this is what it makes of pg_dump's own script.
        reference = newest.create_database(said.schema)
        expected = replace(said, schema=contents(newest, reference).schema)
        newest.drop_database(reference)
        assert_same(found, expected)
    oldest.drop_database(rich_for_both)
