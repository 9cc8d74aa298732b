"""What was in the target before the run stays as it was, whoever ran it."""

from __future__ import annotations

import pytest
from psycopg import sql

from tests.export.conftest import PASSWORD, MakeRole, role
from tests.run.rolling import applied, ask, lost, schema, taken_back, verified
from tests.servers import MakeDatabase, Server

pytestmark = pytest.mark.slow

__all__ = ["role"]

OTHERS = ("migplan_before_a", "migplan_before_b")
# A target with a life of its own. Some of it is just what the bundle grants and says, too.
BEFORE = """
    CREATE SCHEMA theirs;
    CREATE TABLE theirs.notes (id int PRIMARY KEY, text text);
    INSERT INTO theirs.notes VALUES (1, 'ours');
    CREATE EXTENSION {extension} SCHEMA public;
    COMMENT ON EXTENSION {extension} IS 'said otherwise';
    COMMENT ON SCHEMA public IS 'the old one';
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO migplan_before_b WITH GRANT OPTION;
    GRANT CREATE ON SCHEMA public TO migplan_before_a;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO migplan_before_a;
    ALTER DEFAULT PRIVILEGES IN SCHEMA theirs GRANT ALL ON TABLES TO migplan_before_b;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""
SOURCE = """
    CREATE EXTENSION {extension} SCHEMA public;
    CREATE SCHEMA app;
    COMMENT ON SCHEMA public IS 'the new one';
    GRANT CREATE ON SCHEMA public TO migplan_before_b;
    GRANT USAGE ON SCHEMA public TO migplan_before_a WITH GRANT OPTION;
    CREATE TABLE guest (id int PRIMARY KEY, name text);
    INSERT INTO guest VALUES (1, 'Ana');
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO migplan_before_a;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO migplan_before_b;
    ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT INSERT ON TABLES TO migplan_before_b;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO migplan_before_a;
"""


def extension_of(server: Server) -> str:
    return "vector" if server.has_vectors else "citext"


@pytest.mark.in_turn
@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_a_target_with_a_life_of_its_own(
    server: Server, layout: str, role: MakeRole, database: MakeDatabase
) -> None:
    for name in OTHERS:
        role(server, name)
    extension = extension_of(server)
    source, target = (database(text.format(extension=extension)) for text in (SOURCE, BEFORE))
    bundle = verified(server, source.params["dbname"], "--constraints", layout)
    before = schema(server, target.params["dbname"])
    assert "migplan_before_a" in before
    applied(bundle, target)
    assert schema(server, target.params["dbname"]) != before
    undone = taken_back(bundle, target)
    assert set(lost(undone).preexisting) == {f"extension {extension}"}
    assert schema(server, target.params["dbname"]) == before
    assert ask(server, target.params["dbname"], "SELECT text FROM theirs.notes") == [("ours",)]


def test_half_of_it_puts_back_what_that_half_touched(
    newest: Server, role: MakeRole, newest_database: MakeDatabase
) -> None:
    for name in OTHERS:
        role(newest, name)
    extension = extension_of(newest)
    source, target = (newest_database(text.format(extension=extension)) for text in (SOURCE, BEFORE))
    bundle = verified(newest, source.params["dbname"])
    before = schema(newest, target.params["dbname"])
    applied(bundle, target)
    taken_back(bundle, target, to="01")
    query = "SELECT FROM pg_default_acl WHERE defaclobjtype = 'S'"
    assert ask(newest, target.params["dbname"], query) == []
    applied(bundle, target)
    assert len(ask(newest, target.params["dbname"], query)) == 1
    taken_back(bundle, target)
    assert schema(newest, target.params["dbname"]) == before


@pytest.mark.in_turn
@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_a_plain_owner_on_a_managed_host(
    server: Server, layout: str, role: MakeRole, database: MakeDatabase
) -> None:
    """No superuser, not the owner of public; the extensions are there, and are somebody else's."""
    owner = role(server, "migplan_before_owner")
    vectors = "CREATE EXTENSION vector;" if server.has_vectors else ""
    target = database(vectors)
    name = target.params["dbname"]
    with server.connect(dbname=name) as connection:
        connection.execute("ALTER SCHEMA public OWNER TO CURRENT_USER")
        for statement in ("GRANT CREATE, CONNECT ON DATABASE {} TO {}", "GRANT ALL ON SCHEMA public TO {1}"):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(owner)))
    bundle = verified(server, server.demo, "--constraints", layout, "--no-owner", "--no-privileges")
    address = server.address(name, user=owner, password=PASSWORD)
    before = schema(server, name)
    applied(bundle, address)
    assert taken_back(bundle, address).whole
    assert schema(server, name) == before
