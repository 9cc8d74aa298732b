"""The promise of a run: the target is the source, whoever runs it and however many work side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from migplan.bundle.manifest import load
from migplan.run.engine.status import status_of
from tests.catalog.nasty import extensions
from tests.databases import DATABASES
from tests.export import rich
from tests.export.conftest import PASSWORD, role
from tests.export.loading import psql
from tests.run.running import (
    LAYOUTS,
    applied,
    assert_all_done,
    assert_copied,
    assert_same,
    bundle_of,
    contents,
    empty,
    export,
    options,
)
from tests.servers import Server

pytestmark = pytest.mark.slow

__all__ = ["role"]

OWNER = "migplan_run_owner"


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("name", "layout", "jobs"),
    [
        ("rich", "after-data", 4),
        ("rich", "with-schema", 1),
        ("nasty", "with-schema", 4),
        ("nasty", "after-data", 1),
    ],
)
def test_the_same_database_comes_out(server: Server, name: str, layout: str, jobs: int) -> None:
    source = DATABASES[name](server)
    with empty(server) as target:
        applied(bundle_of(server, source, "--constraints", layout), server.address(target), options(jobs))
        assert_all_done(server.address(target))
        assert_copied(server, target, source, layout=layout)


@pytest.mark.parametrize(("layout", "jobs"), [("after-data", 4), ("with-schema", 1)])
def test_the_demo(newest: Server, layout: str, jobs: int) -> None:
    with empty(newest) as target:
        bundle = bundle_of(newest, newest.demo, "--constraints", layout)
        done = applied(bundle, newest.address(target), options(jobs))
        assert done.rows == load(bundle).rows
        assert_copied(newest, target, newest.demo, layout=layout)
        again = applied(bundle, newest.address(target), options(jobs))
        assert again.nothing_to_do
        assert_all_done(newest.address(target))


@pytest.mark.parametrize(("layout", "jobs"), [("after-data", 4), ("with-schema", 1)])
def test_inserts(newest: Server, layout: str, jobs: int) -> None:
    source = rich.database(newest)
    bundle = bundle_of(newest, source, "--constraints", layout, "--data-format", "insert")
    with empty(newest) as target:
        done = applied(bundle, newest.address(target), options(jobs))
        assert done.rows == load(bundle).rows
        assert_copied(newest, target, source, layout=layout)


def test_group_by_group(newest: Server) -> None:
    source = newest.demo
    files = load(bundle_of(newest, source)).files
    groups = dict.fromkeys(file.group for file in files if file.phase == "data")
    with empty(newest) as target:
        applied(bundle_of(newest, source, "--schema-only"), newest.address(target))
        for group in groups:
            bundle = bundle_of(newest, source, "--data-only", "--group", group)
            applied(bundle, newest.address(target), options(2))
        assert_copied(newest, target, source, layout="with-schema")


def test_from_the_oldest_to_the_newest(servers: dict[str, Server], newest: Server) -> None:
    oldest = next(iter(servers.values()))
    if oldest.major == newest.major:
        pytest.skip("there is one version only")
    for server in (oldest, newest):
        rich.make_roles(server)
    rich_for_both = oldest.create_database(rich.script(oldest, newest))
    for source, layout in ((oldest.demo, "with-schema"), (rich_for_both, "after-data")):
        said = contents(oldest, source, by=newest.major)
        with empty(newest) as target, empty(newest) as reference:
            applied(bundle_of(oldest, source, "--constraints", layout), newest.address(target), options(3))
            found = contents(newest, target)
            # The newer server words views differently: this is what it makes of pg_dump's own script.
            with newest.connect(dbname=reference) as connection:
                connection.execute(said.schema.encode())
            expected = replace(said, schema=contents(newest, reference).schema)
        assert_same(found, expected, ordered=layout == "after-data")
    oldest.drop_database(rich_for_both)


@contextmanager
def managed(server: Server) -> Iterator[str]:
    """A database as managed hosts give it: their extensions, their schema public, an owner who is nobody."""
    with empty(server) as name:
        with server.connect(dbname=name) as connection:
            connection.execute(
                "ALTER SCHEMA public OWNER TO CURRENT_USER; REVOKE ALL ON SCHEMA public FROM PUBLIC"
            )
            connection.execute(f"GRANT ALL ON SCHEMA public TO {OWNER}")
            if "pg_stat_statements" in extensions(server):
                connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            )
        yield name


@contextmanager
def owned(server: Server, role: Callable[..., str], place: Path) -> Iterator[str]:
    """The rich database, as far as a plain owner can make it."""
    rich.make_roles(server)
    role(server, OWNER)
    with managed(server) as name:
        script = place / "rich.sql"
        script.write_text(rich.script(server, superuser=False), encoding="utf-8")
        psql(server.url(name, user=OWNER, password=PASSWORD), "--file", str(script))
        yield name


def test_a_plain_owner(server: Server, role: Callable[..., str], tmp_path: Path) -> None:
    layout, jobs = LAYOUTS[server.major % 2], 1 + server.major % 4
    bundle = tmp_path / "bundle"
    with owned(server, role, tmp_path) as source, managed(server) as target:
        # A superuser reads: policies are forced upon the owner himself.
        export(server.url(source), bundle, "--constraints", layout, "--no-owner", "--without-digests")
        where = server.address(target, user=OWNER, password=PASSWORD)
        applied(bundle, where, options(jobs))
        assert_all_done(where)
        found, expected = contents(server, target), contents(server, source)
        assert_same(found, expected, ordered=layout == "after-data")


def test_rows_alone_into_live_keys(newest: Server, role: Callable[..., str], tmp_path: Path) -> None:
    with owned(newest, role, tmp_path) as source:
        url, expected = newest.url(source), contents(newest, source)
        export(url, tmp_path / "schema", "--schema-only", "--constraints", "with-schema")
        for form in ("copy", "insert"):
            rows = tmp_path / form
            export(url, rows, "--data-only", "--data-format", form, "--without-digests")
            with managed(newest) as target:
                where = newest.address(target, user=OWNER, password=PASSWORD)
                applied(tmp_path / "schema", where, options(2))
                assert contents(newest, target).schema == expected.schema
                applied(rows, where, options(4))
                assert_same(contents(newest, target), expected, ordered=False)
                assert [each.run.state for each in status_of(where).runs] == ["done", "done"]
