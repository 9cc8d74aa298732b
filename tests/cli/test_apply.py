"""``migplan apply`` as people see it: what it says, how it ends, and that it keeps secrets."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migplan.postgres.scratch import kept
from tests.cli.conftest import Run
from tests.export.loading import psql
from tests.run.running import SLOW, assert_all_done, bundle_of, command, empty, nap, napping, the_run, until
from tests.servers import Own, Server, own_of, own_server

pytestmark = pytest.mark.slow


@pytest.fixture
def target(newest: Server) -> Iterator[str]:
    with empty(newest) as name:
        yield name


def test_a_bundle_is_applied_once(newest: Server, target: str, run: Run) -> None:
    bundle, url = str(bundle_of(newest, newest.demo)), newest.url(target)
    first = run("apply", bundle, "--target", url)
    assert "applied to" in first.stdout
    assert "rows" in first.stdout
    assert f"migplan verify {bundle} --target {newest.typed(target)}" in first.stdout
    assert "100%" in first.stderr
    again = run("apply", bundle, "--target", url)
    assert "as run 1, finished" in again.stdout
    assert "nothing to do" in again.stdout
    assert again.stderr == ""


def test_a_dry_run_changes_nothing(newest: Server, target: str, run: Run) -> None:
    bundle, url = bundle_of(newest, newest.demo), newest.url(target)
    said = run("apply", str(bundle), "--target", url, "--dry-run").stdout
    assert said.endswith("Nothing was changed.\n")
    assert all(file.name in said for file in bundle.glob("[0-9]*.sql"))
    assert "writes public." in said
    assert psql(url, "--command", "SELECT count(*) FROM pg_namespace WHERE nspname = 'migplan'") == "0\n"


# What every command needs: its words, addresses, settings, SQL as the server reads it, lines for a terminal.
ALWAYS = {
    *("click", "rich", "yaml", "psycopg", "psycopg_binary", "postgast", "google"),
    *("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"),
}
MAY_LOAD = {
    "export": ALWAYS | {"markupsafe"},
    "copy": ALWAYS | {"markupsafe"},
    "analyze": ALWAYS - {"psycopg", "psycopg_binary"},  # of a folder
}


def test_commands_load_no_library_that_they_do_not_need(newest: Server, target: str, tmp_path: Path) -> None:
    """Each takes a tenth of a second, also where a move is small: networkx, numpy, jinja2, pygments."""
    source = newest.create_database(
        """
        CREATE TABLE hotels (id int PRIMARY KEY, name text);
        CREATE TABLE rooms (id int PRIMARY KEY, hotel int REFERENCES hotels, above int REFERENCES rooms);
        INSERT INTO hotels VALUES (1, 'Adlon');
        INSERT INTO rooms VALUES (1, 1, NULL), (2, 1, 1);
        """
    )
    bundle, url = str(bundle_of(newest, source)), newest.url(target)
    copied = newest.url(newest.create_database(""))
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "001_hotels.sql").write_text("CREATE TABLE public.hotels (id int PRIMARY KEY);\n")
    for words in (
        ["analyze", str(migrations)],
        ["export", "--source", newest.url(source), "--out", str(tmp_path / "bundle")],
        ["copy", "--source", newest.url(source), "--target", copied],
        ["check", bundle],
        ["apply", bundle, "--target", url],
        ["status", "--target", url],
        ["verify", bundle, "--target", url, "--source", newest.url(source)],
        ["rollback", bundle, "--target", url, "--yes"],
    ):
        ran = subprocess.run(
            [sys.executable, "-c", _LOADS, *words], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        said, _, loaded = ran.stdout.rpartition("loaded: ")
        assert ran.returncode == 0, said + ran.stderr
        assert set(loaded.split()) <= MAY_LOAD.get(words[0], ALWAYS), f"migplan {words[0]}"


_LOADS = """
import sys
from migplan.cli import main
before = {"migplan", "_distutils_hack", *sys.stdlib_module_names}
try:
    main()
finally:
    modules = (name for name, module in sys.modules.items() if getattr(module, "__spec__", None))
    loaded = {name.partition(".")[0] for name in modules} - before
    print("loaded:", *(name for name in loaded if not name.startswith("_")))
"""


def test_progress_for_machines(newest: Server, target: str, run: Run) -> None:
    bundle = bundle_of(newest, newest.demo)
    result = run("apply", str(bundle), "--target", newest.url(target), "--log-format", "json")
    told = [json.loads(line) for line in result.stderr.splitlines()]
    assert told[0]["event"] == "planned"
    finished = [each for each in told if each["event"] == "finished"]
    assert len(finished) == told[0]["steps"]
    assert sum(each["rows"] for each in finished) == told[0]["rows"]
    assert all(each["file"] and each["line"] for each in finished)


def test_a_changed_bundle_is_refused(newest: Server, target: str, run: Run, tmp_path: Path) -> None:
    bundle = shutil.copytree(bundle_of(newest, newest.demo), tmp_path / "bundle")
    data = next(bundle.glob("*-data-*.sql"))
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    said = run("apply", str(bundle), "--target", newest.url(target), exit_code=2).stderr
    assert f"{data.name} was changed after the export" in said
    assert "migplan check" in said
    run("apply", str(tmp_path), "--target", newest.url(target), exit_code=2)


def test_a_key_that_rows_break_says_which_and_can_be_carried_on(
    newest: Server, target: str, run: Run
) -> None:
    source = newest.create_database(
        """
        CREATE TABLE hotels (id int PRIMARY KEY);
        CREATE TABLE rooms (id int PRIMARY KEY, hotel int CONSTRAINT rooms_hotel REFERENCES hotels);
        INSERT INTO hotels VALUES (1);
        SET session_replication_role = replica;
        INSERT INTO rooms VALUES (1, 1), (2, 7), (3, 7), (4, 8), (5, NULL);
        """
    )
    bundle, url = str(bundle_of(newest, source)), newest.url(target)
    said = run("apply", bundle, "--target", url, exit_code=2).stderr
    assert "  rows: 3 rows refer to nothing: (hotel) = (7), (8)" in said
    carrying = f"migplan apply {bundle} --target {newest.typed(target)} --carry-orphans"
    assert f"-> or keep these rows, with the key NOT VALID: {carrying}" in said
    assert "-> once that is fixed" in said
    assert "-> go on" not in said
    run("apply", bundle, "--target", url, exit_code=2)  # as often as one likes
    run("apply", bundle, "--target", url, "--carry-orphans")
    assert (
        "key rooms_hotel of public.rooms is NOT VALID: rows break it" in run("status", "--target", url).stdout
    )
    asked = "SELECT convalidated FROM pg_constraint WHERE conname = 'rooms_hotel'"
    assert psql(url, "--command", asked) == "f\n"
    run("rollback", bundle, "--target", url, "--yes")


def test_scratch_is_a_name_everywhere(newest: Server, run: Run) -> None:
    for words in (
        ["verify", "scratch"],
        ["status", "scratch"],
        ["rollback", "scratch"],
        ["analyze", "scratch"],
    ):
        bundle = [str(bundle_of(newest, newest.demo))] if words[0] == "verify" else []
        said = run(*words, *bundle, exit_code=2).stderr
        assert "no scratch server is running" in said
        assert "migplan apply --target scratch --keep" in said


def test_a_scratch_server_that_is_kept_is_found_by_its_name(newest: Server, run: Run) -> None:
    bundle = str(bundle_of(newest, newest.demo))
    running = command("apply", bundle, "--target", "scratch", "--keep")
    try:
        until(lambda: kept() is not None or running.poll() is not None, "no server is kept")
        assert "Receipt: " in run("verify", bundle, "--target", "scratch").stdout
        run("status", "scratch")
        run("rollback", bundle, "scratch", "--yes")
    finally:
        running.terminate()
        running.communicate()
    assert kept() is None


# --- a server with a password -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A server on TCP, with a password that nobody may read anywhere."""
    with own_server(Own("guarded", tcp=True)) as server:
        yield server


@pytest.fixture(scope="module")
def slow(guarded: Server) -> str:
    return str(bundle_of(guarded, guarded.create_database(SLOW)))


def secret(server: Server) -> str:
    return own_of(server).params()["password"]


def test_a_step_that_fails(guarded: Server, slow: str, run: Run) -> None:
    with empty(guarded) as name:
        url = own_of(guarded).conninfo(name)
        assert secret(guarded) in url
        bare = url.replace(f":{secret(guarded)}", "")
        nap(guarded, name, 9)
        result = run("apply", slow, "--target", url, "--statement-timeout", "0.3", exit_code=2)
        lines = result.stderr.splitlines()
        (at,) = [number for number, line in enumerate(lines) if line.startswith("migplan: ")]
        assert lines[at].startswith("migplan: 20-constraints-all.sql:")
        assert lines[at].endswith(": canceling statement due to statement timeout")
        assert lines[at + 1].startswith("  statement: CREATE INDEX t_slow ON public.t")
        assert lines[at + 2].startswith("  context: SQL statement")
        assert lines[-4:-2] == [
            "  rolled back: CREATE INDEX t_slow ON public.t USING btree (public.slow(n)) WHERE (n = 1),"
            " and nothing else",
            "  stays: 2 of 3 steps and 2 rows; the next is 20-constraints-all.sql: "
            "CREATE INDEX t_slow ON public.t USING btree (public.slow(n)) WHERE (n = 1)",
        ]
        assert lines[-2] == f"  -> go on:   migplan apply {slow} --target {bare}"
        assert lines[-1] == f"  -> go back: migplan rollback {slow} --target {bare}"
        nap(guarded, name, 0)
        result = run("apply", slow, "--target", url)
        assert "1 step that was left" in result.stdout
        journal = psql(url, "--command", "SELECT r::text, s::text FROM migplan.run r, migplan.step s")
        assert secret(guarded) not in result.stdout + result.stderr + "".join(lines) + journal


def test_a_server_that_is_lost(guarded: Server, slow: str) -> None:
    own = own_of(guarded)
    with empty(guarded) as name:
        url = own.conninfo(name)
        bare = url.replace(f":{secret(guarded)}", "")
        nap(guarded, name, 9)
        running = command("apply", slow, "--target", url, "--retries", "0")
        until(lambda: napping(guarded.address(name)) or running.poll() is not None, "it never gets there")
        password = secret(guarded)
        own.halt("immediate")
        try:
            out, said = running.communicate(timeout=20)
        finally:
            own.resume()
        assert running.returncode == 2
        assert "the journal cannot be read now" in said
        assert "whether its commit arrived is not known here" in said
        assert "nothing was changed" not in said
        assert f"-> go on:   migplan apply {slow} --target {bare}" in said
        assert "Traceback" not in said
        assert password not in out + said

        # And with more patience it goes on by itself.
        running = command("apply", slow, "--target", url)
        until(lambda: napping(guarded.address(name)) or running.poll() is not None, "it never gets there")
        second = command("apply", slow, "--target", url)
        _, refused = second.communicate(timeout=20)
        assert second.returncode == 2
        assert "another run is in progress" in refused
        assert ", since 2" in refused
        nap(guarded, name, 0)
        own.restart("fast")
        out, said = running.communicate(timeout=30)
        assert running.returncode == 0, said
        assert "; try 2 in 0.5 s" in said
        assert password not in out + said + refused
        assert_all_done(guarded.address(name))


def test_who_may_not_come_in(guarded: Server, slow: str, run: Run) -> None:
    own = own_of(guarded)
    with empty(guarded) as name:
        wrong = own.conninfo(name, password="wr0ng-t00")
        said = run("apply", slow, "--target", wrong, exit_code=2).stderr
        assert "the password was not accepted" in said
        assert "wr0ng-t00" not in said
    said = run("apply", slow, "--target", own.conninfo("no_such_database"), exit_code=2).stderr
    assert "there is no database of that name" in said
    assert secret(guarded) not in said


def test_a_journal_from_the_future(newest: Server, target: str, run: Run) -> None:
    bundle, url = str(bundle_of(newest, newest.demo)), newest.url(target)
    run("apply", bundle, "--target", url)
    psql(url, "--command", "UPDATE migplan.format SET version = 3")
    said = run("apply", bundle, "--target", url, exit_code=2).stderr
    assert "has format 3, and this migplan knows format 2" in said
    assert "nothing was changed" in said
    assert the_run_is_untouched(newest, target)


def the_run_is_untouched(server: Server, target: str) -> bool:
    psql(server.url(target), "--command", "UPDATE migplan.format SET version = 2")
    return the_run(server.address(target)).run.state == "done"
