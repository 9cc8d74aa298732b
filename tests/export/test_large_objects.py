"""Large objects travel under their own numbers: empty, sparse, small and large ones, whoever owns them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migplan.bundle import manifest as manifests
from migplan.bundle.check.examine import examine
from migplan.bundle.data import large_objects
from migplan.bundle.verified import load_verified
from migplan.pipeline.apply import apply_bundle
from migplan.run.bundle.apply import ApplyOptions
from migplan.run.engine.events import ignore
from tests.cli.conftest import Run
from tests.export.conftest import MakeRole
from tests.export.loading import export
from tests.run.rolling import KilledError, stopping
from tests.servers import Server

SOURCE = """
CREATE TABLE docs (id int PRIMARY KEY, body oid);
SELECT lo_from_bytea(500001, '');
SELECT lo_from_bytea(500002, decode(repeat('deadbeef', 786432), 'hex'));
SELECT lo_create(500003);
SELECT lo_put(500003, 900000, 'here'), lo_put(500003, 2500000, convert_to('there', 'UTF8') || '\\x0000');
SELECT lo_from_bytea(500003 + i, convert_to('small ' || i, 'UTF8')) FROM generate_series(1, 50) i;
SELECT lo_from_bytea(4294967290, '\\x000000');
INSERT INTO docs SELECT i, 500000 + i FROM generate_series(1, 53) i;
COMMENT ON LARGE OBJECT 500002 IS 'three ''megabytes''';
GRANT SELECT ON LARGE OBJECT 500002 TO mt_reader;
GRANT UPDATE ON LARGE OBJECT 500004 TO mt_reader WITH GRANT OPTION;
GRANT SELECT ON LARGE OBJECT 500005 TO PUBLIC;
REVOKE UPDATE ON LARGE OBJECT 500006 FROM mt_keeper;
"""
EVERYTHING = """
SELECT m.oid::bigint, pg_get_userbyid(lomowner)::text, coalesce(lomacl, acldefault('L', lomowner))::text,
       obj_description(m.oid, 'pg_largeobject'),
       md5(lo_get(m.oid)), length(lo_get(m.oid))
FROM pg_largeobject_metadata m ORDER BY 1
"""


def ask(server: Server, database: str, question: str = EVERYTHING) -> list[Any]:
    with server.connect(dbname=database) as connection:
        return connection.execute(question.encode()).fetchall()


@pytest.fixture
def keeper(server: Server, role: MakeRole) -> str:
    """The plain role that owns the databases, the tables and the large objects."""
    role(server, "mt_reader")
    return role(server, "mt_keeper")


@pytest.fixture
def owned(server: Server, keeper: str) -> Iterator[list[str]]:
    """Two databases of that role's: the source, and an empty one."""
    names = [server.create_database(), server.create_database()]
    with server.connect() as connection:
        for name in names:
            connection.execute(f'ALTER DATABASE "{name}" OWNER TO {keeper}'.encode())
    with server.connect(dbname=names[0], user=keeper, password="not a secret") as connection:
        connection.execute(SOURCE.encode())
    yield names
    for name in names:
        server.drop_database(name)


def url(server: Server, name: str) -> str:
    return server.url(name, user="mt_keeper", password="not a secret")


@pytest.mark.in_turn
@pytest.mark.parametrize(
    "words", [(), ("--data-format", "insert"), ("--jobs", "3")], ids=["copy", "insert", "3"]
)
def test_there_and_back_as_a_plain_owner(
    server: Server,
    owned: list[str],
    bundle: Path,
    run: Run,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(large_objects, "STEP_BYTES", 1 << 20)
    monkeypatch.setattr(large_objects, "STEP_OBJECTS", 20)
    source, target = owned
    manifest = export(url(server, source), bundle, *words)
    assert examine(bundle).rows == sum(each.rows for each in manifest.tables)  # and no parts of objects
    assert len(manifest.large_objects) == 54
    run("check", str(bundle))
    run("apply", str(bundle), "--target", url(server, target), *words[:2][: 2 * ("--jobs" in words)])
    assert ask(server, target) == ask(server, source)
    proof = run(
        "verify", str(bundle), "--target", url(server, target), "--source", url(server, source)
    ).stdout
    assert "Large objects  54/54" in proof
    sparse = ask(server, target, "SELECT count(*) FROM pg_largeobject WHERE loid = 500003")
    assert sparse < [(600,)]  # of 1221 pages
    said = run("rollback", str(bundle), "--target", url(server, target), "--yes").stdout
    assert "Unlinked: 54 large objects" in said
    assert ask(server, target) == []


def test_one_that_was_killed_goes_on_and_a_half_is_rolled_back(
    newest: Server, servers: Any, role: MakeRole, bundle: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_objects, "STEP_BYTES", 1 << 20)
    for name in ("mt_keeper", "mt_reader"):
        role(newest, name)
    source, target = (
        newest.create_database(f"SET ROLE mt_keeper; RESET ROLE; {SOURCE}"),
        newest.create_database(),
    )
    try:
        export(newest.url(source), bundle)
        verified, where = load_verified(bundle), newest.address(target)

        def half() -> None:
            with pytest.raises(KilledError), stopping(before=4):
                apply_bundle(verified, where, ApplyOptions(), ignore)

        half()
        there = len(ask(newest, target))
        assert 0 < there < 54
        with newest.connect(dbname=target) as connection:  # a number that the run was to take, and did not
            connection.execute("SELECT lo_from_bytea(4294967290, 'mine')")
        said = run("rollback", str(bundle), "--target", newest.url(target), "--yes").stdout
        assert f"Unlinked: {there} large object" in said
        assert [each[0] for each in ask(newest, target)] == [4294967290]
        refused = run("apply", str(bundle), "--target", newest.url(target), exit_code=2).stderr
        assert "1 large object of 54 have their numbers there already: 4294967290" in refused
        with newest.connect(dbname=target) as connection:
            connection.execute("SELECT lo_unlink(4294967290)")
        half()
        run("apply", str(bundle), "--target", newest.url(target))
        assert ask(newest, target) == ask(newest, source)
    finally:
        newest.drop_database(source)
        newest.drop_database(target)


DIFFERENCES = {
    "SELECT lo_put(500004, 0, 'X')": "large object 500004: 7 bytes, as many as expected, but not the same",
    "SELECT lo_put(500007, 90, 'X')": "large object 500007: 91 bytes instead of 7",
    "SELECT lo_unlink(500008)": "large object 500008: missing",
    "COMMENT ON LARGE OBJECT 500001 IS 'new'": "large object 500001: comment new instead of none",
    "ALTER LARGE OBJECT 500009 OWNER TO mt_reader": "500009: owner mt_reader instead of mt_keeper",
    "GRANT SELECT ON LARGE OBJECT 500010 TO mt_reader": "large object 500010: privileges differ",
}


def test_psql_loads_it_and_verify_names_each_difference(
    server: Server, owned: list[str], bundle: Path, run: Run
) -> None:
    source, target = owned
    export(url(server, source), bundle)

    def psql(file: str) -> str:
        words = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, "-d", url(server, target)]
        return subprocess.run(words, cwd=bundle, check=True, capture_output=True, text=True).stdout

    for file in manifests.load(bundle).files:
        psql(file.file)
    assert "in all, 54   | ok" in psql("validate/large-objects.sql")
    assert ask(server, target) == ask(server, source)
    with server.connect(dbname=target) as connection:
        for statement in DIFFERENCES:
            connection.execute(statement.encode())
    with server.connect(dbname=source) as connection:
        connection.execute("SELECT lo_put(500011, 0, 'Y'), lo_create(77)")
    said = run(
        *("verify", str(bundle), "--target", server.url(target), "--source", server.url(source)), exit_code=1
    ).stdout
    for difference in (
        *DIFFERENCES.values(),
        "large object 500011: 7 bytes, as many as expected, but not the same (source of today)",
        "large object 77: missing (source of today)",
    ):
        assert difference in said


def test_names_of_roles_and_who_may_not_read(newest: Server, role: MakeRole, bundle: Path, run: Run) -> None:
    for name in ("mt_keeper", "mt_reader"):
        role(newest, name)
    source, target = newest.create_database(SOURCE.replace("mt_keeper", "postgres")), newest.create_database()
    try:
        words = ("export", "--source", newest.url(source, user="mt_reader", password="not a secret"))
        with newest.connect(dbname=source) as connection:
            connection.execute("GRANT SELECT ON docs TO mt_reader")
        said = run(*words, "--out", str(bundle), exit_code=2).stderr
        assert "this role may not read 52 of 54 large objects: 500001, 500003" in said
        statement = said.partition(": DO ")[2].partition("END $$;")[0]
        with newest.connect(dbname=source) as connection:
            connection.execute(f"DO {statement}END $$".encode())
        manifest = export(words[-1], bundle, "--role", "mt_reader=mt_keeper", "--no-owner")
        assert len(manifest.large_objects) == 54
        shown = run("apply", str(bundle), "--target", newest.url(target))
        number = f"{len(manifests.load(bundle).large_objects)} large objects"
        assert f"is done, {number}" in shown.stderr
        assert shown.stdout.count(number) == 2  # of the file, and of the whole
        run("verify", str(bundle), "--target", newest.url(target))
        acl = ask(newest, target)[3][2]
        assert "mt_keeper=" in acl
        assert "mt_reader" not in acl
    finally:
        newest.drop_database(source)
        newest.drop_database(target)


def test_rows_alone_bring_them_and_take_them_back(
    server: Server, owned: list[str], bundle: Path, run: Run
) -> None:
    source, target = owned
    with server.connect(dbname=target, user="mt_keeper", password="not a secret") as connection:
        connection.execute("CREATE TABLE docs (id int PRIMARY KEY, body oid)")
    export(url(server, source), bundle, "--data-only")
    run("apply", str(bundle), "--target", url(server, target))
    run("verify", str(bundle), "--target", url(server, target))
    run("rollback", str(bundle), "--target", url(server, target), "--yes")
    assert ask(server, target) == []
    assert ask(server, target, "SELECT count(*) FROM docs") == [(0,)]
