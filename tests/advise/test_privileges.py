"""What the catalog's grants say of a privilege is what the server says."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.advise.context import routine
from migplan.advise.privileges import Privileges
from migplan.catalog.model import Catalog, Table, View
from tests.advise.advising import seen_at
from tests.advise.conftest import ROLES, Api

SCRIPT = """
    CREATE SCHEMA closed;
    CREATE SCHEMA api_made AUTHORIZATION api_owner;
    GRANT USAGE ON SCHEMA closed TO api_staff;
    CREATE TABLE plain (id int, "odd ""name" text);
    CREATE TABLE closed.granted (id int, secret text);
    GRANT SELECT, INSERT ON closed.granted TO PUBLIC;
    CREATE TABLE by_column (id int, secret text);
    GRANT SELECT (id), UPDATE (id, secret) ON by_column TO api_anon;
    CREATE TABLE passed_on (id int);
    GRANT SELECT ON passed_on TO api_staff WITH GRANT OPTION;
    CREATE TABLE owned (id int);
    ALTER TABLE owned OWNER TO api_owner;
    CREATE TABLE given_up (id int);
    ALTER TABLE given_up OWNER TO api_owner;
    REVOKE DELETE ON given_up FROM api_owner;
    CREATE VIEW shown AS SELECT * FROM plain;
    GRANT SELECT ON shown TO api_user;
    CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;
    GRANT SELECT (one) ON kept TO api_staff;
    CREATE FUNCTION open_to_all(a int, OUT b text) LANGUAGE sql AS 'SELECT 1::text';
    CREATE FUNCTION withheld(a int, VARIADIC b text[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
    REVOKE EXECUTE ON FUNCTION withheld FROM PUBLIC;
    CREATE FUNCTION withheld() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE granted(INOUT a int) LANGUAGE sql AS 'SELECT 1';
    REVOKE ALL ON PROCEDURE granted FROM PUBLIC;
    GRANT EXECUTE ON PROCEDURE granted TO api_staff;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO api_anon;
    CREATE FUNCTION after_default() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE after_default (id int);
    GRANT api_staff TO api_user;
    GRANT api_owner TO api_staff;
    GRANT pg_read_all_data TO api_service;
    ALTER ROLE api_user NOINHERIT;
"""
SIGNATURES = b"""
    SELECT format('%I.%I(%s)', 'public', proname, pg_get_function_identity_arguments(oid)),
           oid::regprocedure::text
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
Question = tuple[bool, str, tuple[str, ...]]


def test_privileges_are_the_server_s(every_api: Api) -> None:
    """For each role and object: tables, their columns, functions and schemas."""
    address = every_api.database(SCRIPT)
    catalog = seen_at(address)
    roles = [every_api.own(role) for role in ROLES] + [catalog.server.role]
    asked, different = 0, []
    with every_api.session(address) as connection:
        signatures = dict(connection.execute(SIGNATURES).fetchall())
        for role in roles:
            for ours, kind, arguments in _questions(catalog, role, signatures):
                places = ", ".join(["%s"] * (len(arguments) + 1))
                text = f"SELECT has_{kind}_privilege({places})"
                (said,) = connection.execute(text.encode(), [role, *arguments]).fetchone() or ()
                asked += 1
                if said is not ours:
                    different.append((every_api.bare(role), kind, arguments, f"the server says {said}"))
    assert not different
    assert asked > 300


def _questions(catalog: Catalog, role: str, signatures: dict[str, str]) -> Iterator[Question]:
    """What the catalog says, and what to ask the server."""
    assert catalog.vitals
    may = Privileges(catalog, catalog.vitals).may
    for schema in catalog.schemas:
        for privilege in ("USAGE", "CREATE"):
            yield may(role, privilege, schema), "schema", (schema.name, privilege)
    for function in catalog.functions:
        yield may(role, "EXECUTE", function), "function", (signatures[routine(function)], "EXECUTE")
    relations: list[Table | View] = [*catalog.tables, *catalog.views]
    for relation in relations:
        name = str(relation.name)
        for privilege in PRIVILEGES:
            yield may(role, privilege, relation), "table", (name, privilege)
    for table in catalog.tables:
        for column in table.columns:
            for privilege in ("SELECT", "INSERT", "UPDATE"):
                ours = may(role, privilege, table, column.name)
                yield ours, "column", (str(table.name), column.name, privilege)
