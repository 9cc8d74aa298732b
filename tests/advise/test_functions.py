"""Rules about functions."""

from __future__ import annotations

from tests.advise.advising import found
from tests.advise.conftest import Api


def test_exposed_functions_with_their_owner_s_rights(api: Api) -> None:
    address = api.database("""
        CREATE FUNCTION "Open"(a int, VARIADIC "b c" text[]) RETURNS int SECURITY DEFINER
            LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION granted(OUT x int, OUT y int) SECURITY DEFINER LANGUAGE sql AS 'SELECT 1, 2';
        REVOKE EXECUTE ON FUNCTION granted FROM PUBLIC; GRANT EXECUTE ON FUNCTION granted TO api_staff;
        CREATE PROCEDURE done(INOUT a int) SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN END';
        GRANT api_staff TO api_user;

        CREATE FUNCTION its_own() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
        REVOKE EXECUTE ON FUNCTION its_own FROM PUBLIC; ALTER FUNCTION its_own OWNER TO api_user;
        CREATE FUNCTION invoker() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION withheld() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
        REVOKE EXECUTE ON FUNCTION withheld FROM PUBLIC; GRANT EXECUTE ON FUNCTION withheld TO api_service;
        CREATE FUNCTION fired() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE SCHEMA inner_; GRANT USAGE ON SCHEMA inner_ TO PUBLIC;
        CREATE FUNCTION inner_.f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
        CREATE SCHEMA shut;
        CREATE FUNCTION shut.f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
    """)
    settings = {"exposed_schemas": ("public", "shut")}
    advice = api.ask(address, **settings)
    assert {what: why.split(" may")[0] for what, why in api.whys(advice, "MP306").items()} == {
        'public."Open"(a integer, VARIADIC "b c" text[])': "api_anon, api_user",
        "public.granted(OUT x integer, OUT y integer)": "api_user",
        "public.done(INOUT a integer)": "api_anon, api_user",
    }
    api.fix(address, advice, "MP306")
    assert found(api.ask(address, **settings), "MP306") == []


def test_functions_without_a_search_path(api: Api) -> None:
    address = api.database("""
        CREATE FUNCTION "Plain"(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END';
        CREATE FUNCTION definer() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
        CREATE PROCEDURE other_setting() SET work_mem = '8MB' LANGUAGE sql AS 'SELECT 1';

        CREATE FUNCTION empty_path() RETURNS int SET search_path = '' LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION from_current() RETURNS int SET search_path FROM CURRENT LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION shouted() RETURNS int SET "SEARCH_PATH" TO public LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION inside() RETURNS text LANGUAGE internal STRICT AS 'current_database';
        CREATE AGGREGATE added (int) (SFUNC = int4pl, STYPE = int);
    """)
    advice = api.ask(address, exposed_schemas=(), api_roles=())
    assert {f.what: f.level.value for f in advice.findings if f.code == "MP307"} == {
        'public."Plain"(a integer)': "note",
        "public.definer()": "warning",
        "public.other_setting()": "note",
    }
    api.fix(address, advice, "MP307")
    assert found(api.ask(address), "MP307") == []
