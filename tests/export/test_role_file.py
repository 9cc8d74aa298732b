"""``export --with-roles``: a file makes the roles, by who is no superuser, and a rollback drops them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from migplan.bundle import manifest as manifests
from tests.cli.conftest import Run
from tests.export.conftest import MakeRole
from tests.servers import Server

ROLES = ("mt_a", "mt b", "mt_c", "mt_d", "mt_e", "mt_f")
SOURCE = """
CREATE ROLE mt_a NOLOGIN;
COMMENT ON ROLE mt_a IS 'owner''s own';
CREATE ROLE "mt b" LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 7 VALID UNTIL '2099-01-01 00:00:00+00';
CREATE ROLE mt_c NOLOGIN NOINHERIT;
CREATE ROLE mt_d LOGIN;
CREATE ROLE mt_e NOLOGIN BYPASSRLS;
CREATE ROLE mt_f NOLOGIN;
GRANT mt_c TO mt_d WITH ADMIN OPTION;
GRANT mt_a TO "mt b";
CREATE SCHEMA app AUTHORIZATION mt_a;
GRANT CREATE, USAGE ON SCHEMA app TO "mt b";
GRANT ALL ON SCHEMA public TO mt_a;
CREATE TABLE public.t (id int PRIMARY KEY);
ALTER TABLE public.t OWNER TO mt_a;
INSERT INTO public.t VALUES (1), (2);
CREATE TABLE app.u (id int REFERENCES public.t);
ALTER TABLE app.u OWNER TO "mt b";
CREATE POLICY p ON public.t TO mt_c USING (true);
GRANT SELECT ON app.u TO mt_d;
GRANT SELECT ON public.t TO mt_e;
ALTER DEFAULT PRIVILEGES FOR ROLE mt_a IN SCHEMA app GRANT SELECT ON TABLES TO mt_d;
CREATE FUNCTION app.f() RETURNS bool LANGUAGE sql AS $$ SELECT pg_catalog.pg_has_role('mt_f', 'USAGE') $$;
ALTER FUNCTION app.f() OWNER TO mt_a;
"""


def rows(server: Server, question: str, dbname: str = "postgres") -> list[Any]:
    with server.connect(dbname=dbname) as connection:
        return connection.execute(question.encode()).fetchall()


def drop_roles(server: Server) -> None:
    with server.connect() as connection:
        for name in ROLES:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def of_server(server: Server) -> list[Any]:
    return rows(
        server,
        "SELECT rolname, rolcanlogin, rolcreatedb FROM pg_roles UNION ALL "
        "SELECT g.rolname || ' to ' || m.rolname, admin_option, null FROM pg_auth_members a "
        "JOIN pg_roles g ON g.oid = roleid JOIN pg_roles m ON m.oid = member ORDER BY 1",
    )


@pytest.fixture
def written(server: Server, run: Run, bundle: Path) -> Iterator[Path]:
    """A bundle with roles, none of which the server has any more."""
    drop_roles(server)
    source = server.create_database(SOURCE)
    try:
        run("export", "--source", server.url(source), "--out", str(bundle), "--with-roles")
    finally:
        server.drop_database(source)
        drop_roles(server)
    yield bundle
    drop_roles(server)


@pytest.fixture
def mover(server: Server, role: MakeRole) -> tuple[str, str]:
    """A role that may create roles and nothing more, and how it reaches its empty database."""
    return of_mover(server, role(server, "mt_mover", "CREATEROLE"))


def of_mover(server: Server, name: str) -> tuple[str, str]:
    database = server.create_database()
    with server.connect() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), sql.Identifier(name))
        )
    return database, server.url(database, user=name, password="not a secret")


def test_there_and_back_as_who_may_create_roles(
    server: Server, written: Path, mover: tuple[str, str], run: Run
) -> None:
    before = of_server(server)
    url = mover[1]
    assert "made without BYPASSRLS" in run("apply", str(written), "--target", url).stderr
    proof = run("verify", str(written), "--target", url).stdout
    assert "Roles" in proof
    assert "mt_e (no BYPASSRLS)" in proof
    assert rows(
        server,
        "SELECT rolname, rolcanlogin, rolinherit, rolconnlimit, rolvaliduntil = '2099-01-01 00:00:00+00', "
        "shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname IN ('mt_a', 'mt b', 'mt_c') "
        "ORDER BY rolname DESC",
    ) == [
        ("mt_c", False, False, -1, None, None),
        ("mt_a", False, True, -1, None, "owner's own"),
        ("mt b", True, True, 7, True, None),
    ]
    assert ("mt_c to mt_d", True, None) in of_server(server)
    assert "role mt b: NOLOGIN instead of LOGIN" in changed(
        server, run, written, url, 'ALTER ROLE "mt b" NOLOGIN'
    )
    as_superuser = run("verify", str(written), "--target", server.url(mover[0]), exit_code=1).stdout
    assert "role mt_e: no BYPASSRLS" in as_superuser
    said = run("rollback", str(written), "--target", url, "--yes")
    assert "6 role" in said.stdout
    assert of_server(server) == before


def changed(server: Server, run: Run, bundle: Path, url: str, statement: str) -> str:
    with server.connect() as connection:
        connection.execute(statement.encode())
    return run("verify", str(bundle), "--target", url, exit_code=1).stdout


def test_the_file_says_no_password_and_is_sealed(server: Server, written: Path, run: Run) -> None:
    text = (written / "00-roles.sql").read_text()
    assert "hunter2" not in text
    assert "PASSWORD" not in text
    manifest = manifests.load(written)
    assert manifest.files[0].file == "00-roles.sql"
    assert {role.name for role in manifest.needed_roles} >= {*ROLES}
    assert any("set one for each role that logs in" in note for note in manifest.notes)
    run("check", str(written))


def test_roles_that_were_there_or_are_used_elsewhere_stay(
    server: Server, written: Path, mover: tuple[str, str], run: Run
) -> None:
    other = server.create_database()
    with server.connect() as connection:
        connection.execute("CREATE ROLE mt_d NOLOGIN")
    said = run("apply", str(written), "--target", mover[1]).stderr
    assert "differ: mt_d (NOLOGIN instead of LOGIN)" in said
    assert "role mt_d was there already: it stays as it is" in said
    proof = run("verify", str(written), "--target", mover[1]).stdout
    assert "differ from the source's: mt_d (NOLOGIN instead of LOGIN)" in proof
    with server.connect(dbname=other) as connection:
        connection.execute("CREATE TABLE used (); ALTER TABLE used OWNER TO mt_c")
    try:
        gone = run("rollback", str(written), "--target", mover[1], "--yes")
        assert "Stays, because it was there before: role mt_d" in gone.stdout
        assert f"role mt_c stays: 1 object in database {other}" in gone.stderr
        left = rows(server, "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname ~ '^mt[_ ]' ORDER BY 1")
        assert left == [("mt_c", False), ("mt_d", False), ("mt_mover", True)]
    finally:
        server.drop_database(other)
        drop_roles(server)


def test_psql_runs_it_and_drops_only_what_it_is_told(
    server: Server, written: Path, mover: tuple[str, str]
) -> None:
    before = of_server(server)

    def psql(*words: str) -> str:
        ran = subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *words, "-d", mover[1]],
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stderr

    for _ in range(2):  # and again, which makes nothing
        psql("-f", str(written / "00-roles.sql"))
    assert "no role is dropped" in psql("-f", str(written / "rollback" / "00-roles.sql"))
    assert len(of_server(server)) > len(before)
    line = (written / "rollback" / "00-roles.sql").read_text().partition("--   SET ")[2].partition("\n")[0]
    psql("-c", f"SET {line}", "-f", str(written / "rollback" / "00-roles.sql"))
    assert of_server(server) == before


def test_without_the_file_the_statements_are_said(
    newest: Server, role: MakeRole, run: Run, bundle: Path
) -> None:
    drop_roles(newest)
    source = newest.create_database(SOURCE)
    run("export", "--source", newest.url(source), "--out", str(bundle))
    newest.drop_database(source)
    drop_roles(newest)
    database, url = of_mover(newest, role(newest, "mt_weak"))
    said = run("apply", str(bundle), "--target", url, exit_code=2).stderr
    assert "or export --with-roles" in said
    lines = [line.strip() for line in said.splitlines()]
    statements = [
        line
        for line in lines
        if line.endswith(";") and line.startswith(("CREATE", "GRANT", "COMMENT", "ALTER"))
    ]
    assert 'GRANT "mt b" TO mt_weak WITH INHERIT TRUE, SET TRUE;' in statements
    assert "GRANT mt_c TO mt_d WITH ADMIN TRUE, INHERIT TRUE, SET TRUE;" in statements
    try:
        with newest.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())
        run("apply", str(bundle), "--target", url)
    finally:
        newest.drop_database(database)
        drop_roles(newest)


def test_who_may_not_create_roles_is_told_before(
    newest: Server, role: MakeRole, run: Run, bundle: Path
) -> None:
    drop_roles(newest)
    source = newest.create_database(SOURCE)
    run(
        "export",
        "--source",
        newest.url(source),
        "--out",
        str(bundle),
        "--with-roles",
        "--role",
        "mt_d=mt_weak",
    )
    newest.drop_database(source)
    drop_roles(newest)
    assert "mt_d" not in {each.name for each in manifests.load(bundle).needed_roles}
    _, url = of_mover(newest, role(newest, "mt_weak"))
    said = run("apply", str(bundle), "--target", url, exit_code=2).stderr
    assert "and mt_weak may not create roles" in said
    assert "ALTER ROLE mt_weak CREATEROLE" in said
    assert "nothing was changed" in said


def test_provided_roles_are_not_made(newest: Server, run: Run, bundle: Path, nowhere: Path) -> None:
    drop_roles(newest)
    source = newest.create_database(SOURCE)
    (nowhere / "migplan.yaml").write_text("provided:\n  roles: ['mt_[cd]', postgres]\n")
    run("export", "--source", newest.url(source), "--out", str(bundle), "--with-roles")
    newest.drop_database(source)
    drop_roles(newest)
    assert {each.name for each in manifests.load(bundle).needed_roles} == {*ROLES} - {"mt_c", "mt_d"}


def test_who_will_own_what_it_may_not_create_is_told_before(
    newest: Server, role: MakeRole, run: Run, bundle: Path
) -> None:
    drop_roles(newest)
    script = SOURCE.replace("GRANT ALL ON SCHEMA public TO mt_a;", "").replace('GRANT mt_a TO "mt b";', "")
    source = newest.create_database(script.replace('GRANT CREATE, USAGE ON SCHEMA app TO "mt b";', ""))
    run("export", "--source", newest.url(source), "--out", str(bundle), "--with-roles")
    newest.drop_database(source)
    drop_roles(newest)
    _, url = of_mover(newest, role(newest, "mt_mover", "CREATEROLE"))
    said = run("apply", str(bundle), "--target", url, exit_code=2).stderr
    assert "mt b will own something in schema app, which the files create" in said
    assert "mt_a will own something in schema public, and may create nothing in it" in said
    assert "GRANT CREATE ON SCHEMA public TO mt_a;  -- by pg_database_owner, its owner" in said


def test_another_name_for_a_superuser_makes_no_superuser(newest: Server, run: Run, bundle: Path) -> None:
    drop_roles(newest)
    source = newest.create_database("""
        CREATE ROLE mt_a SUPERUSER LOGIN REPLICATION; CREATE ROLE mt_d NOLOGIN; CREATE ROLE mt_c NOLOGIN;
        GRANT pg_read_all_data TO mt_a; GRANT mt_c TO mt_d;
        CREATE TABLE t (); ALTER TABLE t OWNER TO mt_a; GRANT SELECT ON t TO mt_c, mt_d;
        CREATE ROLE "mt b" SUPERUSER; CREATE TABLE u (); ALTER TABLE u OWNER TO "mt b";
    """)
    url = newest.url(source)
    mapped = ("--with-roles", "--role", "mt_a=mt_f", "--role", "mt_c=mt_e")
    shown = run("export", "--source", url, "--out", str(bundle), *mapped).output
    newest.drop_database(source)
    drop_roles(newest)
    left_out = "SUPERUSER, membership in pg_read_all_data"
    assert left_out in shown
    assert any(left_out in note for note in manifests.load(bundle).notes)
    text = (bundle / "00-roles.sql").read_text()
    assert "--   ALTER ROLE mt_f REPLICATION SUPERUSER;\n--   GRANT pg_read_all_data TO mt_f;\n" in text
    target = newest.create_database()
    with newest.connect() as connection:  # what stands for mt_c is another role, and a mighty one
        connection.execute("CREATE ROLE mt_e SUPERUSER NOLOGIN")
    try:
        said = run("apply", str(bundle), "--target", newest.url(target)).stderr
        assert "mt_d is not made a member of mt_e, which has SUPERUSER here" in said
        assert "makes roles that reach beyond this database, as in the source: mt b (SUPERUSER)" in said
        assert "GRANT mt_e TO mt_d WITH ADMIN FALSE, INHERIT TRUE, SET TRUE;" in said
        made = (
            "SELECT rolcanlogin, rolsuper, rolreplication, rolcreatedb FROM pg_roles WHERE rolname = 'mt_f'"
        )
        assert rows(newest, made) == [(True, False, False, False)]
        member = "SELECT member::regrole::text FROM pg_auth_members WHERE member::regrole::text ~ '^mt_'"
        assert rows(newest, member) == []
        proof = run("verify", str(bundle), "--target", newest.url(target)).stdout
        assert "mt_d (is no member of mt_e)" in proof
        run("rollback", str(bundle), "--target", newest.url(target), "--yes")
    finally:
        newest.drop_database(target)
        drop_roles(newest)
