"""``migplan copy``, ``apply --source``, and what ``verify`` says of rows that came live."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from migplan.bundle.verified import load_verified
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import Session
from migplan.postgres.wire import Wire
from migplan.run.bundle import snapshot
from migplan.run.engine.events import Finished
from tests.cli.conftest import Run
from tests.export import rich
from tests.relays import SharingPooler
from tests.run.running import assert_copied, assert_same, contents
from tests.run.test_live_bundle import CHANGES, SHOP, killed_at
from tests.servers import Server


@dataclass(frozen=True)
class Shop:
    """A source, an empty target, and the command between them."""

    server: Server
    source: str
    target: str
    run: Run

    @property
    def words(self) -> tuple[str, ...]:
        """Both, as options."""
        return "--source", self.server.url(self.source), "--target", self.server.url(self.target)

    def change(self, name: str, statement: str) -> None:
        """Change one of them."""
        with self.server.connect(dbname=name) as connection:
            connection.execute(statement.encode())

    def verified(self, *words: str, exit_code: int = 0) -> str:
        """What verify says of the target."""
        target = self.server.url(self.target)
        return self.run(
            "verify", "migrations/migration", "--target", target, *words, exit_code=exit_code
        ).stdout


@pytest.fixture
def shop(newest: Server, run: Run) -> Iterator[Shop]:
    source, target = newest.create_database(SHOP), newest.create_database()
    yield Shop(newest, source, target, run)
    newest.drop_database(source)
    newest.drop_database(target)


def test_a_database_is_copied_and_proved(shop: Shop) -> None:
    before = contents(shop.server, shop.target)
    said = shop.run("copy", *shop.words).stdout
    assert "Bundle: migrations/migration, without rows" in said
    assert "20,800 rows" in said
    assert "from server to server, " in said
    assert "The target is what migration says. Rows: 3 tables by content." in said
    assert_copied(shop.server, shop.target, shop.source)
    again = shop.run("copy", *shop.words).stdout
    assert "nothing to do\nCompare it with what came then: migplan verify migrations/migration " in again
    assert "Rows: 3 tables by content." in shop.verified()
    assert "Rows: 3 tables by content." in shop.verified("--source", shop.server.url(shop.source))
    said = shop.run("rollback", "--target", shop.server.url(shop.target), "--yes", "--to", "20").stdout
    assert f" --source {shop.server.address(shop.source)}" in said.replace("'", "").replace('"', "")
    shop.run("rollback", "--target", shop.server.url(shop.target), "--yes", "--drop-journal")
    assert_same(contents(shop.server, shop.target), before, ordered=True)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_all_kinds_of_things_are_copied(newest: Server, run: Run, layout: str) -> None:
    shop = Shop(newest, rich.database(newest), newest.create_database(), run)
    said = run("copy", *shop.words, "--constraints", layout, "--jobs", "4").stdout
    assert "The target is what migration says. Rows: 55 tables by content." in said
    assert_copied(newest, shop.target, shop.source, layout=layout)
    assert "by content" in shop.verified()
    newest.drop_database(shop.target)


@pytest.mark.slow
def test_from_the_oldest_to_the_newest(servers: dict[str, Server], newest: Server, run: Run) -> None:
    oldest = next(iter(servers.values()))
    target = newest.create_database()
    words = ("--source", oldest.url(oldest.demo), "--target", newest.url(target))
    said = run("copy", *words).stdout
    assert "The target is what migration says." in said
    assert "by content" in run("verify", "migrations/migration", *words).stdout
    newest.drop_database(target)


@pytest.mark.slow
def test_rows_alone_into_live_keys(newest: Server, run: Run) -> None:
    shop = Shop(newest, newest.demo, newest.create_database(), run)
    source = newest.url(shop.source)
    run("export", "--source", source, "--schema-only", "--constraints", "with-schema", "--out", "schema")
    run("apply", "schema", "--target", newest.url(shop.target))
    said = run("copy", *shop.words, "--data-only").stdout
    assert "from server to server" in said
    assert_same(contents(newest, shop.target), contents(newest, shop.source), ordered=False)
    assert "by content" in shop.verified()
    newest.drop_database(shop.target)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE bookings SET said = 'x' WHERE id = 7",
            "content of public.bookings: 20,000 rows, as many",
        ),
        ("DELETE FROM notes WHERE id = 7", "rows of public.notes: 299 instead of 300"),
        ("INSERT INTO guests VALUES (0, 'x')", "rows of public.guests: 501 instead of 500"),
    ],
)
def test_what_is_changed_after_it_came_is_found(shop: Shop, change: str, said: str) -> None:
    shop.run("copy", *shop.words, "--jobs", "1")
    shop.change(shop.target, change)
    assert said in shop.verified(exit_code=1)


def test_what_keys_hang_on_is_rolled_back_by_the_command_that_is_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = conninfo_to_dict(shop.server.conninfo).get("password")
    if password:  # a command that is said has none
        monkeypatch.setenv("PGPASSWORD", str(password))
    source, target = shop.server.address(shop.source), shop.server.address(shop.target)
    shop.run("export", "--source", shop.server.url(shop.source), "--rows", "live")
    bundle = load_verified(Path("migrations/migration"))
    assert killed_at(
        bundle, source, target, lambda event: isinstance(event, Finished) and "fkey" in event.step.name
    )
    shop.change(shop.source, CHANGES)
    refused = shop.run("copy", *shop.words, exit_code=2).stderr
    assert "this hangs on them in " in refused
    (command,) = (line for line in refused.splitlines() if "migplan rollback" in line)
    words = shlex.split(command[command.index("migplan rollback") :])[1:]
    shop.run(*words, "--yes")
    assert "The target is what migration says." in shop.run("copy", *shop.words).stdout
    assert_same(*(contents(shop.server, name) for name in (shop.target, shop.source)), ordered=False)


def test_the_same_command_goes_on_with_what_was_begun(shop: Shop) -> None:
    source, target = shop.server.address(shop.source), shop.server.address(shop.target)
    shop.run("export", "--source", shop.server.url(shop.source), "--rows", "live")
    bundle = load_verified(Path("migrations/migration"))
    assert killed_at(
        bundle, source, target, lambda event: isinstance(event, Finished) and event.rows == 20_000
    )
    shop.change(shop.source, CHANGES)
    found = shop.run("copy", *shop.words)
    assert "Bundle: migrations/migration, which was begun" in found.stdout
    assert "1 had other rows and come again" in found.stderr
    assert "The target is what migration says." in found.stdout
    assert_same(*(contents(shop.server, name) for name in (shop.target, shop.source)), ordered=False)


def test_what_only_libpq_can_read_goes_through_it_and_that_is_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_by_gssapi(session: Session) -> Session:
        session.encrypted = True
        return session

    monkeypatch.setattr(snapshot, "connected_for_rows", as_by_gssapi)
    monkeypatch.setattr(Wire, "rows", lambda *_: pytest.fail("rows of the source are not ours to read"))
    found = shop.run("copy", *shop.words, "--no-verify")
    assert "one by one and more slowly: its sessions are encrypted as only libpq can" in found.stderr
    assert_copied(shop.server, shop.target, shop.source)


def test_without_proof_nothing_is_read_back(shop: Shop) -> None:
    said = shop.run("copy", *shop.words, "--no-verify").stdout
    assert "by content" not in said
    assert "Prove it with: migplan verify migrations/migration" in said
    assert "nothing was proved of them as they came" in shop.verified()
    assert "Rows: 3 tables by content." in shop.verified("--source", shop.server.url(shop.source))


def test_what_the_role_does_not_see_is_refused_or_said_and_missed_by_the_proof(shop: Shop) -> None:
    role = "migplan_test_reader"
    shop.change(
        shop.source,
        f"CREATE ROLE {role} LOGIN PASSWORD 'reads-alone';"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    )
    reader = shop.server.url(shop.source, user=role, password="reads-alone")
    words = ("--source", reader, *shop.words[2:], "--no-privileges")
    try:
        shop.change(shop.source, "ALTER TABLE guests ENABLE ROW LEVEL SECURITY")
        refused = shop.run("copy", *words, exit_code=2).stderr
        shop.change(shop.source, "ALTER TABLE guests DISABLE ROW LEVEL SECURITY")
        said = shop.run("copy", *words, exit_code=1).stdout
    finally:
        shop.change(shop.source, f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert f"which rows of public.guests {role} sees in " in refused
    assert "nothing was changed" in refused
    assert "the value of sequence public.notes_id_seq is not set: the role may not read it" in said
    assert "sequence public.notes_id_seq: gives 1 next, and id has reached 300" in said


def test_progress_is_told_to_programs(shop: Shop) -> None:
    words = (*shop.words, "--log-format", "json", "--max-rate", "1M", "--jobs", "4")  # three seconds
    told = [json.loads(line) for line in shop.run("copy", *words).stderr.splitlines()]
    assert {"planned", "began", "progress", "finished"} == {event["event"] for event in told}
    assert sum(event["rows"] for event in told if event["event"] == "finished") == 20_800
    progress = [event for event in told if event["event"] == "progress"]
    assert all(each["done_bytes"] <= each["bytes"] and each["done_rows"] <= each["rows"] for each in progress)
    assert {"table", "rows", "bytes", "done_bytes", "bytes_per_second", "seconds_left"} <= {
        name for each in progress for table in each["tables"] for name in table
    }
    assert any(500_000 < each["bytes_per_second"] < 1_500_000 for each in progress)
    last = progress[-1]
    assert (last["rows"], last["done_rows"], last["share"], last["tables"]) == (20_800, 20_800, 1.0, [])
    assert last["done_bytes"] == last["bytes"] > 0


def test_a_protected_target_wants_a_rehearsal_whose_command_is_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_URL", shop.server.url(shop.source))
    monkeypatch.setenv("LIVE_URL", shop.server.url(shop.target))
    Path("migplan.yaml").write_text(
        "source: {url: '${SOURCE_URL}'}\ntargets: {live: {url: '${LIVE_URL}', protected: true}}\n"
    )
    words = ("copy", "--target", "live", "--confirm", "live")
    refused = shop.run(*words, exit_code=2).stderr
    said = refused.partition("rehearse it: migplan ")[2].partition(";")[0]
    assert shlex.split(said)[-2:] == ["--source", "source"]
    shop.run(*shlex.split(said))
    assert "The target is what migration says." in shop.run(*words).stdout


def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    said = shop.run("copy", *shop.words, "--dry-run").stdout
    assert "migrations/migration would bring, by estimate:" in said
    assert not Path("migrations").exists()
    assert shop.run("copy", "--source", shop.server.url(shop.source), exit_code=2).stderr.endswith(
        "Error: Missing option '--target'.\n"
    )


ALTERED: dict[str, tuple[str, str]] = {
    "a column": ("ALTER TABLE notes ADD COLUMN more int", "added: column more of table public.notes"),
    "a table": ("DROP TABLE notes", "dropped: table public.notes"),
    "a type": (
        "ALTER TABLE guests ALTER name TYPE varchar(40)",
        "changed: column name of table public.guests",
    ),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_source_that_is_not_what_it_was_is_refused(shop: Shop, what: str) -> None:
    statement, said = ALTERED[what]
    shop.run("export", "--source", shop.server.url(shop.source), "--rows", "live")
    shop.change(shop.source, statement)
    refused = shop.run("apply", "migrations/migration", *shop.words, exit_code=2).stderr
    assert "are not what they were when migrations/migration was made; nothing was changed" in refused
    assert said in refused
    assert "export the bundle again" in refused


def test_another_database_is_no_source(shop: Shop) -> None:
    shop.run("export", "--source", shop.server.url(shop.source), "--rows", "live")
    other = shop.server.create_database(SHOP)
    words = ("--source", shop.server.url(other), "--target", shop.server.url(shop.target))
    refused = shop.run("apply", "migrations/migration", *words, exit_code=2).stderr
    assert "is not the database that migrations/migration was made of" in refused
    shop.server.drop_database(other)


def test_rows_of_files_come_from_no_source(shop: Shop) -> None:
    shop.run("export", "--source", shop.server.url(shop.source))
    refused = shop.run("apply", "migrations/migration", *shop.words, exit_code=2).stderr
    assert "are in its files, and come from no source" in refused
    target = shop.server.url(shop.target)
    refused = shop.run("apply", "migrations/migration", target, "--no-verify", exit_code=2).stderr
    assert "--no-verify goes with --source" in refused


def test_rows_go_no_faster_than_they_may(shop: Shop) -> None:
    started = time.monotonic()
    said = shop.run("copy", *shop.words, "--max-rate", "1M").stdout  # about 2.6 MB
    assert time.monotonic() - started > 2
    assert "3 tables by content" in said
    refused = shop.run("copy", *shop.words, "--max-rate", "fast", exit_code=2).stderr
    assert "'fast' is no number of bytes a second" in refused


@pytest.mark.slow
def test_a_pooler_that_shares_sessions_is_no_source(run: Run) -> None:
    with ThrowawayServer(tcp=True) as server:
        server.create_database("shop")
        server.create_database("target")
        with closing(SharingPooler(server.conninfo("shop"))) as pooler:
            source = f"postgresql://u@127.0.0.1:{pooler.port}/shop"
            words = ("--source", source, "--target", server.conninfo("target"))
            refused = run("copy", *words, exit_code=2).stderr
    assert "is a pooler that shares sessions" in refused
