"""Whatever a role, a database or the environment sets for its sessions: ours do what they always do.

Each setting that the server lets people change is turned to another value than its own, by kinds; a bundle of
a database of that role is exported, applied, looked at, verified and rolled back under them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

ROLE = "migplan_test_hostile"
SCRIPT = r"""
CREATE TABLE hotels (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL CHECK (name <> 'a\b'),
    since date DEFAULT '2001-02-03' CHECK (since > '1999-12-31'),
    at timestamptz DEFAULT '2001-02-03 04:05:06+01', stay interval DEFAULT '-1 days +02:03:00'
);
CREATE TABLE rooms (
    hotel int REFERENCES hotels, "Number" int, twin int, size float8 DEFAULT 0.1, photo bytea, tags text[],
    PRIMARY KEY (hotel, "Number"), FOREIGN KEY (hotel, twin) REFERENCES rooms
);
CREATE INDEX ON hotels (since) WHERE since > '2000-01-02' AND stay > '1 day';
CREATE VIEW "Full" AS SELECT h.name, max(r.size) FROM hotels h JOIN rooms r ON r.hotel = h.id GROUP BY 1;
CREATE FUNCTION early(date) RETURNS bool LANGUAGE sql IMMUTABLE RETURN $1 < date '2001-01-01';
INSERT INTO hotels (name, since, at, stay) SELECT 'h' || n, date '2000-01-01' + n, '2000-10-29 00:30+00',
    make_interval(days => n - 5, mins => 7) FROM generate_series(1, 20) n;
INSERT INTO rooms SELECT n, m, nullif(m - 1, 0), n / 7.0, '\x00ff5c'::bytea, ARRAY['NULL', NULL, 'a']
    FROM generate_series(1, 20) n, generate_series(1, 3) m;
"""

FORMATS = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Australia/Lord_Howe",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "search_path": "nowhere, pg_catalog",
    "client_encoding": "LATIN1",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
}
TIMEOUTS = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
)
# What no session of ours may pass over, or what does not only change what a session does.
LEFT = {
    "default_transaction_read_only": "it protects a database, and is refused by name",
    "max_stack_depth": "at its least no server can plan a query",
    "post_auth_delay": "it waits for a debugger",
    "pre_auth_delay": "it waits for a debugger",
    "allow_system_table_mods": "names of the system's own become free to all",
    "zero_damaged_pages": "it gives up rows",
}
OTHER = {
    "bool": "CASE setting WHEN 'on' THEN 'off' ELSE 'on' END",
    "enum": "(SELECT max(e) FROM unnest(enumvals) e WHERE e <> setting)",
    "least": "min_val",
    "most": "max_val",
}
KINDS = {"bool": ("bool",), "enum": ("enum",), "least": ("integer", "real"), "most": ("integer", "real")}


def others(connection: psycopg.Connection, kind: str) -> dict[str, str]:
    """Every setting of a kind that a session may have otherwise, with another value than its own."""
    found = connection.execute(
        f"SELECT name, {OTHER[kind]} AS other FROM pg_settings WHERE context IN ('user', 'superuser') "
        "AND vartype = ANY (%s) AND name NOT LIKE 'transaction\\_%%' AND name <> ALL (%s)",
        [list(KINDS[kind]), [*LEFT, *TIMEOUTS]],
    )
    return {name: other for name, other in found.fetchall() if other is not None}


@pytest.fixture
def owned(newest: Server) -> Iterator[list[str]]:
    """A role, a database of its own with rows in it, and an empty one."""
    with newest.connect() as connection:
        password = conninfo_to_dict(newest.conninfo).get("password")  # the one that its addresses have
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(password))
        )
        names = [newest.create_database(), newest.create_database()]
        for name in names:
            connection.execute(f"ALTER DATABASE {name} OWNER TO {ROLE}")
            with newest.connect(dbname=name) as there:
                there.execute(f"ALTER SCHEMA public OWNER TO {ROLE}")
        with newest.connect(dbname=names[0], user=ROLE) as there:
            there.execute(SCRIPT)
        yield names
        for name in names:
            newest.drop_database(name)
        connection.execute(f"DROP ROLE {ROLE}")


def everything(newest: Server, names: list[str], run: Run, folder: Path) -> None:
    source, target = (newest.url(name, user=ROLE) for name in names)
    bundle = str(folder / "bundle")
    run("export", "--source", source, "--out", bundle)
    run("check", bundle)
    run("apply", bundle, "--target", target)
    assert ", done; " in run("status", "--target", target).stdout
    run("verify", bundle, "--target", target, "--source", source)
    run("rollback", bundle, "--target", target, "--yes")
    assert "undone" in run("status", "--target", target).stdout


@pytest.mark.parametrize("kind", ["formats", "timeouts", *OTHER])
def test_settings_of_a_role(newest: Server, owned: list[str], run: Run, nowhere: Path, kind: str) -> None:
    with newest.connect() as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM pg_settings")}
        wanted = {
            "formats": FORMATS,
            "timeouts": dict.fromkeys(known.intersection(TIMEOUTS), "1ms"),
        }.get(kind) or others(connection, kind)
        assert len(wanted) >= 4
        for name, value in wanted.items():
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(
                    sql.Identifier(ROLE), sql.Identifier(name), sql.Literal(value)
                )
            )
    everything(newest, owned, run, nowhere)


def test_settings_of_databases_and_of_the_environment(
    newest: Server, owned: list[str], run: Run, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with newest.connect() as connection:
        for database in owned:
            for name, value in FORMATS.items():
                if name != "search_path":
                    connection.execute(f"ALTER DATABASE {database} SET {name} = '{value}'")
    with monkeypatch.context() as environment:
        environment.setenv("PGDATESTYLE", "SQL, MDY")
        environment.setenv("PGTZ", "Asia/Kathmandu")
        environment.setenv("PGCLIENTENCODING", "LATIN9")
        environment.setenv("PGOPTIONS", "-c IntervalStyle=iso_8601 -c statement_timeout=1 -c lock_timeout=1")
        everything(newest, owned, run, nowhere)
