"""What goes wrong at an export: one clear message, nothing half-written, an older bundle left as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.export.conftest import PASSWORD
from tests.export.loading import export
from tests.servers import Server

pytestmark = pytest.mark.slow

SCRIPT = """
CREATE SCHEMA a;
CREATE TABLE a.parent (id int PRIMARY KEY, name text);
CREATE TABLE a.child (id int PRIMARY KEY, parent int NOT NULL REFERENCES a.parent);
INSERT INTO a.parent SELECT n, 'p' FROM generate_series(1, 9) n;
INSERT INTO a.child SELECT n, n FROM generate_series(1, 9) n;
"""


@pytest.fixture
def source(newest: Server) -> Iterator[str]:
    name = newest.create_database(SCRIPT)
    yield name
    newest.drop_database(name)


def everything_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def refused(run: Run, url: str, bundle: Path, *words: str) -> str:
    """The message of an export that fails; nothing beside or in its folder has changed."""
    before = everything_in(bundle.parent)
    result = run("export", "--source", url, "--out", str(bundle), *words, exit_code=2)
    assert everything_in(bundle.parent) == before
    assert result.stderr.startswith("migplan: ")
    return result.stderr


def test_a_table_that_changed_since_the_plan(newest: Server, source: str, run: Run, bundle: Path) -> None:
    url = newest.url(source)
    run("plan", "--source", url, "--out", "p.yaml")
    export(url, bundle, str(Path("p.yaml").resolve()))
    with newest.connect(dbname=source) as connection:
        connection.execute("ALTER TABLE a.child ADD extra int")
    said = refused(run, url, bundle, "p.yaml")
    assert "a.child" in said
    assert "extra" in said
    assert "--replan plans again" in said


def test_a_plan_edited_into_a_contradiction(newest: Server, source: str, run: Run, bundle: Path) -> None:
    config = Path("migplan.yaml")
    config.write_text(
        "groups:\n  - {name: one, tables: [a.parent]}\n  - {name: two, tables: [a.child]}\n", "utf-8"
    )
    url = newest.url(source)
    run("plan", "--source", url, "--out", "p.yaml")
    plan = Path("p.yaml")
    text = plan.read_text("utf-8")
    swapped = (
        text.replace("a.parent", "\0").replace("table: a.child", "table: a.parent").replace("\0", "a.child")
    )
    plan.write_text(swapped, "utf-8")
    said = refused(run, url, bundle, "p.yaml")
    assert "a.child" in said
    assert "a.parent" in said
    plan.write_text(text.replace("table: a.child", "table: a.nothing"), "utf-8")
    assert "a.nothing" in refused(run, url, bundle, "p.yaml")


@pytest.mark.parametrize("missing", ["a.child", "a.parent"])
def test_a_table_that_the_role_may_not_read(
    newest: Server, source: str, missing: str, run: Run, role: Callable[..., str], bundle: Path
) -> None:
    export(newest.url(source), bundle)
    role(newest, "migplan_blind")
    with newest.connect(dbname=source) as connection:
        connection.execute("GRANT USAGE ON SCHEMA a TO migplan_blind")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA a TO migplan_blind")
        connection.execute(f"REVOKE SELECT ON {missing} FROM migplan_blind")
    said = refused(run, newest.url(source, user="migplan_blind", password=PASSWORD), bundle)
    assert missing in said or f"table {missing.removeprefix('a.')}" in said
    assert PASSWORD not in said
    with newest.connect(dbname=source) as connection:
        connection.execute("DROP OWNED BY migplan_blind")


def test_policies_that_would_hide_rows(
    newest: Server, source: str, run: Run, role: Callable[..., str], bundle: Path
) -> None:
    role(newest, "migplan_blind")
    with newest.connect(dbname=source) as connection:
        connection.execute("GRANT pg_read_all_data TO migplan_blind")
        connection.execute("ALTER TABLE a.child ENABLE ROW LEVEL SECURITY")
        connection.execute("CREATE POLICY few ON a.child USING (id < 3)")
    said = refused(run, newest.url(source, user="migplan_blind", password=PASSWORD), bundle)
    assert "row-level security" in said
    assert "child" in said
    with newest.connect(dbname=source) as connection:
        connection.execute("REVOKE pg_read_all_data FROM migplan_blind")


def test_a_folder_that_is_not_ours(newest: Server, source: str, run: Run, bundle: Path) -> None:
    bundle.mkdir()
    (bundle / "thesis.txt").write_text("two years of work", "utf-8")
    assert "not a bundle" in refused(run, newest.url(source), bundle)
    assert "not a bundle" in refused(run, newest.url(source), bundle, "--force")
    file = bundle.with_name("file")
    file.write_text("", "utf-8")
    run("export", "--source", newest.url(source), "--out", str(file), exit_code=2)
    assert file.read_text("utf-8") == ""


def test_files_that_people_edited(newest: Server, source: str, run: Run, bundle: Path) -> None:
    url = newest.url(source)
    export(url, bundle)
    export(url, bundle)
    edited = next(bundle.glob("*-data-*.sql"))
    edited.write_text(edited.read_text("utf-8") + "-- mine\n", "utf-8")
    said = refused(run, url, bundle)
    assert edited.name in said
    assert "--force" in said
    export(url, bundle, "--force")
    assert "-- mine" not in edited.read_text("utf-8")


def test_a_manifest_that_is_none(newest: Server, source: str, run: Run, bundle: Path) -> None:
    bundle.mkdir()
    for text in ("", "[]", '{"migplan_bundle": 99}', '{"migplan_bundle": 1}'):
        (bundle / "manifest.json").write_text(text, "utf-8")
        assert "manifest.json" in refused(run, newest.url(source), bundle)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes of disk."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_disk_that_is_full(newest: Server, source: str, jobs: str, run: Run, small_disk: Path) -> None:
    with newest.connect(dbname=source) as connection:
        # Compressed there, and long here: nobody can tell beforehand.
        connection.execute("UPDATE a.parent SET name = repeat('long ', 200000)")
    bundle = small_disk / "bundle"
    said = refused(run, newest.url(source), bundle, "--jobs", jobs)
    assert "full" in said
    assert list(small_disk.iterdir()) == []


def test_a_disk_that_is_too_small_from_the_start(
    newest: Server, source: str, run: Run, small_disk: Path
) -> None:
    with newest.connect(dbname=source) as connection:
        connection.execute("INSERT INTO a.parent SELECT n, md5(n::text) FROM generate_series(10, 60000) n")
    said = refused(run, newest.url(source), small_disk / "bundle")
    assert "free" in said


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_export_leaves_nothing(newest: Server, source: str, jobs: str, bundle: Path) -> None:
    with newest.connect(dbname=source) as connection:
        connection.execute(
            "INSERT INTO a.parent SELECT n, repeat('x', 20000) FROM generate_series(10, 8000) n"
        )
    command = [
        sys.executable,
        "-m",
        "migplan",
        "export",
        "--no-plan",
        "--source",
        newest.url(source),
        "--out",
        str(bundle),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = subprocess.Popen(
        [*command, "--jobs", jobs], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    until = time.monotonic() + 30
    while not any(path.stat().st_size > 1 << 20 for path in bundle.parent.rglob("*") if path.is_file()):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert "stopped" in said
    assert list(bundle.parent.iterdir()) == []


def test_large_objects_are_not_forgotten(newest: Server, source: str, run: Run, bundle: Path) -> None:
    with newest.connect(dbname=source) as connection:
        connection.execute("SELECT lo_from_bytea(0, '\\x00ff'::bytea)")
    said = refused(run, newest.url(source), bundle, "--schema", "a")
    assert "has 1 large object of 2 B, and a selection does not say which belong to it" in said
    said = refused(run, newest.url(source), bundle, "--table", "a.child")
    assert "needs 1 object that it does not bring" in said
    assert "and a selection does not say which belong to it" in said, "all at once"
    assert "--with-large-objects --with-needed" in said
    assert "--without-large-objects leaves them behind" in said
    assert export(newest.url(source), bundle).large_objects
    manifest = export(newest.url(source), bundle, "--without-large-objects")
    assert not manifest.large_objects
    assert "large object" in " ".join(manifest.notes)
