"""Projects of a platform like Supabase: what the platform brings, and what a developer makes in them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from migplan.postgres import pg_dump
from tests.servers import Own, Server

HERE = Path(__file__).parent
DEVELOPER = "postgres"
SCHEMAS = (
    *("auth", "storage", "realtime", "extensions", "graphql_public", "vault", "supabase_functions"),
    "pgbouncer",
)
"""What the platform brings."""


def origin() -> Own:
    """A server on which ``postgres`` is a plain role, as on the platform."""
    return Own("platform", superuser="supabase_admin")


def project(server: Server, salt: int, *scripts: str) -> str:
    """Return the name of a new database: the platform's, then the developer's scripts run in it."""
    name = server.create_database()
    platform = (HERE / "supabase.sql").read_text().replace(":salt", str(salt))
    with server.connect(dbname=name) as connection:
        connection.execute(platform.encode())
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(DEVELOPER))
        )
    with server.connect(dbname=name, user=DEVELOPER) as connection:
        for script in scripts:
            connection.execute(script.encode())
    return name


PROJECT = (HERE / "project.sql").read_text()
"""What the developer has made."""


def dump(server: Server, name: str) -> str:
    """All that the platform's schemas hold, rows included, as its superuser sees it."""
    program = pg_dump.suitable(server.version, encrypted=False).program("pg_dump")
    schemas = [f"--schema={schema}" for schema in SCHEMAS]
    done = subprocess.run(
        [str(program), "-w", *schemas, "-d", make_conninfo(server.conninfo, dbname=name)],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)
