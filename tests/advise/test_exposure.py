"""Rules about what an API's roles reach: with the roles, privileges and schemas of a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migplan.advise import advise
from migplan.config import AdviseSection
from migplan.graph import build
from tests.advise.advising import blind, found, seen_at
from tests.advise.conftest import AUTH, Api

pytestmark = pytest.mark.slow

OF_AN_API = {"MP303", "MP305", "MP306", "MP308", "MP312", "MP313", "MP314"}


def test_without_schemas_and_roles_the_rules_say_that_they_did_not_run(api: Api) -> None:
    address = api.database("CREATE TABLE t (password text); GRANT ALL ON t TO PUBLIC;")
    for settings, said in (
        ({"exposed_schemas": ()}, "which schemas"),
        ({"api_roles": ()}, "which roles"),
        ({"api_roles": ("api_nobody",)}, "this server has no role"),
    ):
        advice = api.ask(address, **settings)
        for code in OF_AN_API:
            assert found(advice, code) == []
            assert said in blind(advice, code)[""]
    assert found(api.ask(address), "MP303") == ["public.t"]


def test_tables_without_row_level_security(api: Api) -> None:
    address = api.database("""
        CREATE SCHEMA "Shop"; GRANT USAGE ON SCHEMA "Shop" TO api_staff; GRANT api_staff TO api_user;
        CREATE SCHEMA shut; CREATE SCHEMA hidden; GRANT USAGE ON SCHEMA hidden TO api_anon;
        CREATE TABLE "Shop"."By membership" (id int); GRANT SELECT ON "Shop"."By membership" TO api_staff;
        CREATE TABLE public.by_public (id int); GRANT INSERT ON by_public TO PUBLIC;
        CREATE TABLE public.by_column (id int, b int); GRANT SELECT (b) ON by_column TO api_anon;
        CREATE TABLE public.owned (id int); ALTER TABLE owned OWNER TO api_user;
        CREATE TABLE public.parted (id int) PARTITION BY LIST (id);
        ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
        CREATE TABLE public.part PARTITION OF parted FOR VALUES IN (1); GRANT SELECT ON part TO api_anon;

        CREATE TABLE public.nobody (id int);
        CREATE TABLE public.cleared (id int); GRANT TRUNCATE ON cleared TO api_anon;
        CREATE TABLE public.secured (id int); GRANT ALL ON secured TO PUBLIC;
        ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
        CREATE TABLE public.service (id int); GRANT ALL ON service TO api_service;
        CREATE TABLE shut.open (id int); GRANT ALL ON shut.open TO PUBLIC;
        CREATE TABLE hidden.open (id int); GRANT ALL ON hidden.open TO PUBLIC;
    """)
    settings = {
        "exposed_schemas": ("public", "Shop", "shut"),
        "api_roles": ("api_anon", "api_user", "api_service"),
    }
    advice = api.ask(address, **settings)
    assert api.whys(advice, "MP303") == {
        '"Shop"."By membership"': "through the API, api_user may SELECT, whatever the row",
        "public.by_public": "through the API, api_anon, api_user may INSERT, whatever the row",
        "public.by_column": "through the API, api_anon may SELECT, whatever the row",
        "public.owned": "through the API, api_user may SELECT, INSERT, UPDATE, DELETE, whatever the row",
        "public.part": "through the API, api_anon may SELECT, whatever the row",
    }
    api.fix(address, advice, "MP303")
    assert found(api.ask(address, **settings), "MP303") == []


def test_views_with_their_owner_s_rights(api: Api) -> None:
    address = api.database("""
        CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
        CREATE TABLE open (id int);
        GRANT SELECT ON guarded, open TO api_anon;
        CREATE TABLE unreadable (id int);
        CREATE VIEW "Past policies" AS SELECT * FROM guarded;
        CREATE VIEW past_grants AS SELECT * FROM unreadable;
        CREATE VIEW over AS SELECT * FROM "Past policies";
        CREATE VIEW off WITH (security_invoker = off) AS SELECT * FROM guarded;
        CREATE VIEW harmless AS SELECT * FROM open;
        GRANT SELECT ON "Past policies", past_grants, over, off, harmless TO api_anon;

        CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM guarded;
        CREATE VIEW invoker_yes WITH (security_invoker = yes) AS SELECT * FROM guarded;
        GRANT SELECT ON invoker, invoker_yes TO api_anon;
        CREATE VIEW nobody AS SELECT * FROM guarded;
        CREATE VIEW its_own AS SELECT * FROM guarded; ALTER VIEW its_own OWNER TO api_user;
        CREATE SCHEMA inner_; GRANT USAGE ON SCHEMA inner_ TO api_anon;
        CREATE VIEW inner_.v AS SELECT * FROM guarded; GRANT SELECT ON inner_.v TO api_anon;
    """)
    advice = api.ask(address)
    levels = {f.what: f.level.value for f in advice.findings if f.code == "MP305"}
    assert levels == {
        'public."Past policies"': "error",
        "public.past_grants": "error",
        "public.over": "error",
        "public.off": "error",
        "public.harmless": "note",
    }
    api.fix(address, advice, "MP305")
    assert found(api.ask(address), "MP305") == []


def test_before_15_a_view_is_fixed_by_a_revoke(api: Api) -> None:
    """Such servers have no option for it."""
    address = api.database("""
        CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
        CREATE VIEW seen AS SELECT * FROM guarded; GRANT SELECT ON seen TO PUBLIC, api_user;
    """)
    found_there = seen_at(address)
    old = replace(found_there, server=replace(found_there.server, version=140010))
    roles = (api.own("api_anon"), api.own("api_user"))
    settings = AdviseSection(exposed_schemas=("public",), api_roles=roles)
    (finding,) = (f for f in advise(old, build(old), settings).findings if f.code == "MP305")
    assert (
        api.bare(finding.fix) == "REVOKE SELECT, INSERT, UPDATE, DELETE ON public.seen FROM PUBLIC, api_user;"
    )
    with api.session(address) as connection:
        connection.execute(finding.fix.encode())
    assert found(api.ask(address), "MP305") == []


def test_sensitive_columns(api: Api) -> None:
    address = api.database("""
        CREATE TABLE people
            (id int, "Password" text, "stripeApiKey" text, "card-number" text, ssn int, name text);
        CREATE TABLE by_policy (id int, session_token text, owner int);
        ALTER TABLE by_policy ENABLE ROW LEVEL SECURITY;
        CREATE POLICY all_of_it ON by_policy FOR SELECT USING (true);
        CREATE TABLE by_column (id int, token text, secret text);
        CREATE TABLE near (id int, has_password bool, password timestamptz, token_count int, passworded text);
        CREATE TABLE judged (id int, password text);
        ALTER TABLE judged ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON judged USING (id > 0);
        CREATE TABLE held (id int, password text);
        ALTER TABLE held ENABLE ROW LEVEL SECURITY;
        CREATE POLICY all_of_it ON held USING (true);
        CREATE POLICY own ON held AS RESTRICTIVE USING (id > 0);
        CREATE TABLE changed (id int, password text);
        ALTER TABLE changed ENABLE ROW LEVEL SECURITY;
        CREATE POLICY anyone ON changed FOR UPDATE USING (true);
        CREATE TABLE ungranted (id int, password text);
        GRANT SELECT ON people TO PUBLIC, api_user;
        GRANT SELECT ON by_policy, near, judged, held, changed TO api_anon;
        GRANT SELECT (id, secret) ON by_column TO api_anon;
        GRANT SELECT (id) ON ungranted TO api_anon; GRANT INSERT ON ungranted TO api_anon;
    """)
    advice = api.ask(address)
    assert api.whys(advice, "MP308") == {
        "public.people": (
            'api_anon, api_user may read "Password", "stripeApiKey", "card-number", ssn of every row'
        ),
        "public.by_policy": "api_anon may read session_token of every row",
        "public.by_column": "api_anon may read secret of every row",
    }
    api.fix(address, advice, "MP308")
    assert found(api.ask(address), "MP308") == []
    with api.session(address) as connection:
        connection.execute(api.own("SET ROLE api_anon").encode())
        connection.execute(
            b"SELECT id, name FROM people; SELECT id FROM by_column; SELECT owner FROM by_policy"
        )


def test_what_has_no_row_level_security(api: Api) -> None:
    address = api.database("""
        CREATE EXTENSION file_fdw SCHEMA pg_catalog; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE far (id int) SERVER files OPTIONS (filename '/nowhere');
        CREATE FOREIGN TABLE far_by_column (id int) SERVER files OPTIONS (filename '/nowhere');
        CREATE FOREIGN TABLE far_nobody (id int) SERVER files OPTIONS (filename '/nowhere');
        GRANT SELECT ON far TO PUBLIC; GRANT SELECT (id) ON far_by_column TO api_user;
        CREATE MATERIALIZED VIEW "Totals" AS SELECT 1 AS one;
        CREATE MATERIALIZED VIEW nobody AS SELECT 1 AS one;
        CREATE VIEW plain AS SELECT 1 AS one;
        GRANT SELECT ON "Totals", plain TO api_anon; GRANT SELECT ON nobody TO api_service;
    """)
    advice = api.ask(address)
    assert found(advice, "MP312") == ['public."Totals"']
    assert found(advice, "MP313") == ["public.far", "public.far_by_column"]
    assert found(advice, "MP303") == []
    api.fix(address, advice, "MP312")
    api.fix(address, advice, "MP313")
    assert found(api.ask(address), "MP312") == found(api.ask(address), "MP313") == []


@pytest.mark.parametrize("secured", [True, False])
def test_accounts(api: Api, secured: bool) -> None:
    address = api.database(f"""
        {AUTH} {"ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;" if secured else ""}
        CREATE VIEW definer AS SELECT email FROM auth.users;
        CREATE MATERIALIZED VIEW kept AS SELECT email FROM auth.users;
        CREATE VIEW over WITH (security_invoker) AS SELECT * FROM definer;
        CREATE VIEW invoker WITH (security_invoker) AS SELECT email FROM auth.users;
        CREATE VIEW ungranted WITH (security_invoker) AS SELECT id FROM auth.users;
        CREATE VIEW nobody AS SELECT email FROM auth.users;
        CREATE VIEW unrelated AS SELECT 1 AS one;
        GRANT SELECT ON definer, kept, over, invoker, unrelated TO api_user;
        GRANT SELECT ON ungranted TO api_anon;
        GRANT SELECT ON auth.users TO api_user;
    """)
    advice = api.ask(address)
    open_ = [] if secured else ["public.invoker"]
    assert found(advice, "MP314") == sorted(["public.definer", "public.kept", "public.over", *open_])
    api.fix(address, advice, "MP314")
    assert found(api.ask(address), "MP314") == []


def test_keys_to_accounts(api: Api) -> None:
    address = api.database(f"""
        {AUTH}
        CREATE TABLE auth.own (email text REFERENCES auth.users (email));
        CREATE TABLE "By mail" (email text CONSTRAINT "the Key" REFERENCES auth.users (email));
        CREATE TABLE by_id (id uuid REFERENCES auth.users);
        CREATE TABLE other (mail text UNIQUE);
        CREATE TABLE by_other (mail text REFERENCES other (mail));
    """)
    advice = api.ask(address, exposed_schemas=(), api_roles=())
    assert found(advice, "MP315") == ['public."By mail"."the Key"']
    api.fix(address, advice, "MP315")
    assert found(api.ask(address), "MP315") == []
