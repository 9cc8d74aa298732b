"""A right copy holds: every version, across versions, both layouts, parts of a database, other roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migplan.config import Layout
from migplan.report.verification import closing
from migplan.verify.target import verify_target
from tests.catalog import nasty
from tests.databases import DATABASES
from tests.export import rich
from tests.export.conftest import PASSWORD, role
from tests.export.loading import copied, export, run_with_psql
from tests.servers import Server
from tests.verify.conftest import SCHEMA, said, verified

pytestmark = pytest.mark.slow

__all__ = ["role"]


@contextmanager
def database_of(server: Server, script: str) -> Iterator[str]:
    name = server.create_database(script)
    try:
        yield name
    finally:
        server.drop_database(name)


def pairs(servers: dict[str, Server]) -> tuple[Server, Server]:
    """The oldest and the newest server at hand; a test of versions needs two."""
    found = list(servers.values())
    if found[0].major == found[-1].major:
        pytest.skip("one version only")
    return found[0], found[-1]


def test_the_demo_holds_on_every_version(server: Server, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    export(server.url(server.demo), bundle)
    with copied(server, bundle) as target:
        found = verified(server, target, bundle)
    assert said(found) == []
    assert {proof.strength for proof in found.tables} == {"content"}


@pytest.mark.parametrize("which", ["rich", "nasty", "demo"])
def test_rows_that_came_into_live_constraints_hold(newest: Server, which: str, tmp_path: Path) -> None:
    """In levels, with a second pass, behind keys that had to wait: the same rows in the end."""
    bundle = tmp_path / "bundle"
    export(newest.url(DATABASES[which](newest)), bundle, "--constraints", Layout.WITH_SCHEMA.value)
    with copied(newest, bundle) as target:
        assert said(verified(newest, target, bundle)) == []


@pytest.mark.parametrize("which", ["rich", "nasty", "demo"])
def test_a_copy_on_a_newer_version_holds(
    servers: dict[str, Server],
    which: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = pairs(servers)
    rich.make_roles(new)
    nasty.make_roles(new)
    monkeypatch.setattr(nasty, "extensions", lambda _server: set())  # those that both have
    scripts: dict[str, Callable[[], str]] = {
        "rich": lambda: rich.script(old, new),
        "nasty": lambda: nasty.script(old),
        "demo": lambda: "",
    }
    rich.make_roles(old)
    nasty.make_roles(old)
    with database_of(old, scripts[which]()) as made:
        source = old.demo if which == "demo" else made
        bundle = tmp_path / "bundle"
        export(old.url(source), bundle)
        with copied(new, bundle) as target:
            for origin in (None, (old, source)):
                assert said(verified(new, target, bundle, origin)) == []
            with new.connect(dbname=target) as connection:
                connection.execute(CHANGED_VIEWS[which])
            for origin in (None, (old, source)):
                again = verified(new, target, bundle, origin)
                assert [check.name for check in again.checks if not check.holds] == ["Views"]


# Each has one relation, which 15 names before every column and 16 does not.
CHANGED_VIEWS = {
    "rich": "SET event_triggers = off; ALTER VIEW later.counting RENAME COLUMN n TO number",
    "nasty": "CREATE OR REPLACE VIEW code.seen AS SELECT id, name FROM code.watched WHERE n > 1",
    "demo": "ALTER VIEW public.waiting_arrivals RENAME COLUMN subject TO about",
}


@pytest.mark.parametrize(
    "words",
    [
        ["--schema-only"],
        ["--no-owner"],
        ["--no-privileges"],
        ["--without", "TRIGGER", "--without", "COMMENT"],
        ["--without", "POLICY", "--without", "ACL"],
        ["--without-digests"],
        ["--data-format", "insert"],
        ["--table", "shop.customer", "--with-needed"],
        ["--table", "shop.event*"],
        ["--role", "pg_monitor=pg_read_all_stats"],
    ],
    ids=" ".join,
)
def test_a_bundle_of_a_part_or_under_other_roles_holds(
    newest: Server, words: list[str], tmp_path: Path
) -> None:
    with database_of(newest, SCHEMA) as source:
        bundle = tmp_path / "bundle"
        export(newest.url(source), bundle, *words)
        with copied(newest, bundle) as target:
            assert said(verified(newest, target, bundle)) == []
            assert said(verified(newest, target, bundle, (newest, source))) == []


def test_rows_alone_into_a_schema_that_is_there(newest: Server, tmp_path: Path) -> None:
    with database_of(newest, SCHEMA) as source:
        schema, rows = tmp_path / "schema", tmp_path / "rows"
        export(newest.url(source), schema, "--schema-only")
        export(newest.url(source), rows, "--data-only")
        with copied(newest, schema) as target:
            empty = verified(newest, target, rows)
            run_with_psql(rows, newest.url(target))
            full = verified(newest, target, rows)
    assert "Rows: rows of shop.orders: 0 instead of 400, 400 missing" in [
        line.partition(" |")[0] for line in said(empty)
    ]
    assert said(full) == []
    assert [check.name for check in full.checks] == [
        "Orphans",
        "Self-references",
        "Sequence values",
        "Rows",
        "Contents",
    ]


def test_a_single_group_holds(newest: Server, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    everything = export(newest.url(newest.demo), tmp_path / "whole")
    group = everything.files[0].group
    export(newest.url(newest.demo), bundle, "--group", group)
    with copied(newest, tmp_path / "whole") as target:
        found = verified(newest, target, bundle)
    assert said(found) == []
    assert 0 < len(found.tables) < len(everything.tables)


def test_a_plain_owner_can_verify(newest: Server, role: Callable[..., str], tmp_path: Path) -> None:
    owner = role(newest, "migplan_verify_owner")
    with database_of(newest, SCHEMA) as source:
        bundle = tmp_path / "bundle"
        export(newest.url(source), bundle, "--no-owner")
        target = newest.create_database()
        with newest.connect() as connection:
            connection.execute(f'ALTER DATABASE "{target}" OWNER TO {owner}')
        run_with_psql(bundle, newest.url(target, user=owner, password=PASSWORD))
        address = newest.address(target, user=owner, password=PASSWORD)
        assert said(verify_target(address, bundle)) == []


def test_what_a_role_may_not_read_is_not_taken_for_right(
    newest: Server, role: Callable[..., str], tmp_path: Path
) -> None:
    reader = role(newest, "migplan_verify_reader")
    with database_of(newest, SCHEMA) as source:
        bundle = tmp_path / "bundle"
        export(newest.url(source), bundle)
        with newest.connect(dbname=source) as connection:
            connection.execute(
                f"GRANT USAGE ON SCHEMA shop TO {reader}; GRANT SELECT ON shop.event TO {reader};"
                f"GRANT SELECT (id) ON shop.customer TO {reader}"
            )
        address = newest.address(source, user=reader, password=PASSWORD)
        found = verify_target(address, bundle)
        with newest.connect(dbname=source) as connection:
            connection.execute("DELETE FROM shop.orders; DELETE FROM shop.customer WHERE id = 100")
        fewer = verify_target(address, bundle)
    strengths = {proof.table: proof.strength for proof in found.tables}
    assert strengths == {"shop.customer": "count", "shop.event": "content", "shop.orders": "not read"}
    assert any(line.startswith("Rows: rows of shop.orders: not read in the target: ") for line in said(found))
    assert any(note.startswith("only counted: shop.customer (") for note in found.notes)
    assert any(note.startswith("not read in the target: shop.orders; verify as") for note in found.notes)
    assert not found.holds
    assert "3 things could not be compared." in closing(found)
    assert "Rows: rows of shop.customer: 99 instead of 100, 1 missing" in said(fewer)


def test_the_journal_is_no_part_of_the_database(newest: Server, tmp_path: Path) -> None:
    """Neither of the source, whose own stays behind, nor of the target."""
    journal = "CREATE SCHEMA migplan; CREATE TABLE migplan.step (id int PRIMARY KEY, at text);"
    with database_of(newest, SCHEMA + journal + "COMMENT ON SCHEMA migplan IS 'x'") as source:
        manifest = export(newest.url(source), tmp_path / "bundle")
        assert "migplan" not in {moved.in_schema for moved in manifest.objects}
        left = {(each.kind, each.in_schema, each.name): each.why for each in manifest.left_out}
        assert "journal" in left["SCHEMA", "", "migplan"]
        assert "journal" in left["TABLE", "migplan", "step"]
        with copied(newest, tmp_path / "bundle") as target:
            with newest.connect(dbname=target) as connection:
                connection.execute(journal)
            assert said(verified(newest, target, tmp_path / "bundle", (newest, source))) == []
