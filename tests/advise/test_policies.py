"""Rules about policies: each fires where it should, not where it nearly would, and is gone when fixed."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from migplan.advise import advise
from migplan.catalog.model import Column, Grant, Policy
from migplan.catalog.vitals import Role, Vitals
from migplan.config import AdviseSection
from migplan.graph import build
from tests.advise.advising import blind, found
from tests.advise.conftest import AUTH, Api
from tests.catalogs import altered, catalog

TO_ANON = Grant("table", "public", "rooms", "", "anon", ("SELECT",))
MEMBERS = "CREATE TABLE members (user_id uuid, team int); ALTER TABLE members ENABLE ROW LEVEL SECURITY;"


def test_several_permissive_policies(api: Api) -> None:
    address = api.database("""
        CREATE TABLE "Both" (id int, a bool, b bool);
        ALTER TABLE "Both" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY "of a" ON "Both" FOR UPDATE USING (a) WITH CHECK (a AND id > 0);
        CREATE POLICY b ON "Both" FOR UPDATE USING (b);

        CREATE TABLE of_all (id int);
        ALTER TABLE of_all ENABLE ROW LEVEL SECURITY;
        CREATE POLICY everything ON of_all USING (id > 0);
        CREATE POLICY seen ON of_all FOR SELECT TO api_anon USING (true);
        CREATE POLICY service ON of_all FOR SELECT TO api_service USING (true);
        CREATE POLICY owner ON of_all FOR DELETE TO api_owner USING (true);
        ALTER TABLE of_all OWNER TO api_owner;

        CREATE TABLE inherited (id int);
        ALTER TABLE inherited ENABLE ROW LEVEL SECURITY;
        GRANT api_staff TO api_user;
        CREATE POLICY one ON inherited FOR INSERT TO api_staff WITH CHECK (id > 0);
        CREATE POLICY two ON inherited FOR INSERT TO api_user WITH CHECK (id > 1);

        CREATE TABLE other_action (id int);
        ALTER TABLE other_action ENABLE ROW LEVEL SECURITY;
        CREATE POLICY one ON other_action FOR SELECT USING (true);
        CREATE POLICY two ON other_action FOR DELETE USING (true);

        CREATE TABLE other_role (id int);
        ALTER TABLE other_role ENABLE ROW LEVEL SECURITY;
        CREATE POLICY one ON other_role TO api_anon USING (true);
        CREATE POLICY two ON other_role TO api_user USING (true);

        CREATE TABLE restricted (id int);
        ALTER TABLE restricted ENABLE ROW LEVEL SECURITY;
        CREATE POLICY one ON restricted USING (true);
        CREATE POLICY two ON restricted AS RESTRICTIVE USING (true);

        CREATE TABLE off (id int);
        CREATE POLICY one ON off USING (true);
        CREATE POLICY two ON off USING (true);
    """)
    advice = api.ask(address)
    assert api.whys(advice, "MP206") == {
        'public."Both" (b, "of a")': "each of them is evaluated for UPDATE by everybody",
        "public.inherited (one, two)": "each of them is evaluated for INSERT by api_user",
        "public.of_all (everything, seen)": "each of them is evaluated for SELECT by api_anon",
    }
    assert {f.what for f in advice.findings if f.code == "MP206" and f.fix} == {'public."Both" (b, "of a")'}
    assert {f.table.name for f in advice.findings if f.code == "MP206" and f.table} == {
        "Both", "inherited", "of_all",
    }  # fmt: skip


def test_the_one_policy_instead_of_several_lets_through_what_they_did(api: Api) -> None:
    address = api.database("""
        CREATE TABLE rooms (id int, a bool, b bool);
        INSERT INTO rooms VALUES (1, true, false), (2, false, true), (3, false, false), (4, NULL, true);
        ALTER TABLE rooms ENABLE ROW LEVEL SECURITY;
        GRANT ALL ON rooms TO api_anon;
        CREATE POLICY a ON rooms USING (a) WITH CHECK (a AND id > 1);
        CREATE POLICY b ON rooms USING (b);
    """)
    tries = [
        f"UPDATE rooms SET id = {new}, b = {b} WHERE id = {old}"
        for old in (1, 2, 3, 4)
        for new in (1, 2)
        for b in ("true", "false")
    ]

    def outcome() -> list[str]:
        said = []
        with api.session(address) as connection:
            connection.execute(api.own("SET ROLE api_anon").encode())
            for text in tries:
                connection.execute(b"BEGIN")
                try:
                    said.append(connection.execute(text.encode()).statusmessage or "")
                except psycopg.errors.InsufficientPrivilege as error:
                    said.append(type(error).__name__)
                connection.execute(b"ROLLBACK")
        return said

    before = outcome()
    api.fix(address, api.ask(address), "MP206")
    assert found(api.ask(address), "MP206") == []
    assert outcome() == before
    assert len(set(before)) == 3, "some rows are changed, some not seen, some refused"


def test_calls_made_for_every_row(api: Api) -> None:
    fire = {
        "plain": "owner = auth.uid()",
        "one of two": "owner = (SELECT auth.uid()) OR owner = auth.uid()",
        "in a subquery": "EXISTS (SELECT FROM members m WHERE m.user_id = auth.uid() AND m.team = team)",
        "setting": "name = current_setting('app.''user'' (', true)",
        "inside of a call": "name = lower(auth.jwt() ->> 'Größe')",
        "own": "team = app.tenant()",
        "depends on the row": "(SELECT auth.uid() = owner)",
        "quoted": 'owner = auth."Odd ( name"(1)',
    }
    not_fire = {
        "wrapped": "owner = (SELECT auth.uid())",
        "wrapped with more": "owner = (SELECT coalesce(auth.uid(), gen_random_uuid()))",
        "wrapped in": "owner IN (SELECT auth.uid())",
        "text": "name = 'auth.uid()'",
        "its argument is a column": "app.may(team)",
        "argument of a setting": "current_setting(name, true) = 'x'",
        "cheap": "name = current_user OR name = session_user",
        "volatile": "team = app.changing()",
        "immutable": "team = app.fixed()",
        "time": "now() > '2020-01-01'",
    }
    policies = "".join(
        f'CREATE POLICY "{name}" ON posts FOR SELECT TO api_anon USING ({using});'
        for name, using in (fire | not_fire).items()
    )
    address = api.database(f"""
        {AUTH} {MEMBERS}
        CREATE SCHEMA app;
        CREATE FUNCTION auth."Odd ( name"(int) RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
        CREATE FUNCTION app.tenant() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION app.may(int) RETURNS bool STABLE LANGUAGE sql AS 'SELECT true';
        CREATE FUNCTION app.changing() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION app.fixed() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
        CREATE TABLE posts (owner uuid, name text, team int);
        ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
        {policies}
        CREATE POLICY checked ON posts FOR UPDATE USING (team > 0) WITH CHECK (auth.uid() = owner);
        CREATE TABLE off (owner uuid);
        CREATE POLICY off ON off USING (owner = auth.uid());
    """)
    advice = api.ask(address)
    wanted = [f'policy "{name}" on public.posts' for name in fire]
    wanted = [each.replace('"plain"', "plain").replace('"setting"', "setting") for each in wanted]
    wanted = [each.replace('"own"', "own").replace('"quoted"', "quoted") for each in wanted]
    assert set(found(advice, "MP207")) == {*wanted, "policy checked on public.posts"}
    unmended = {f.what for f in advice.findings if f.code == "MP207" and not f.fix}
    assert unmended == set()
    api.fix(address, advice, "MP207")
    assert found(api.ask(address), "MP207") == []


def test_policies_without_row_level_security_and_the_reverse(api: Api) -> None:
    address = api.database("""
        CREATE TABLE "Off" (id int);
        CREATE POLICY p ON "Off" USING (id > 0);
        CREATE TABLE parted_off (id int) PARTITION BY LIST (id);
        CREATE POLICY p ON parted_off USING (id > 0);
        CREATE TABLE closed (id int);
        ALTER TABLE closed ENABLE ROW LEVEL SECURITY;
        CREATE TABLE fine (id int) PARTITION BY LIST (id);
        ALTER TABLE fine ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON fine USING (id > 0);
        CREATE TABLE fine_1 PARTITION OF fine FOR VALUES IN (1);
        ALTER TABLE fine_1 ENABLE ROW LEVEL SECURITY;
        CREATE TABLE plain (id int);
    """)
    advice = api.ask(address, exposed_schemas=(), api_roles=())
    assert found(advice, "MP301") == ['public."Off"', "public.parted_off"]
    assert found(advice, "MP302") == ["public.closed"]
    api.fix(address, advice, "MP301")
    assert found(api.ask(address), "MP301") == []
    with api.session(address) as connection:
        connection.execute(b"CREATE POLICY p ON closed USING (id > 0)")
    assert found(api.ask(address), "MP302") == []


def test_policies_that_are_always_true(api: Api) -> None:
    fire = {
        "updated": "FOR UPDATE USING (true) WITH CHECK (id > 0)",
        "given_away": "FOR UPDATE USING (id > 0) WITH CHECK (TRUE)",
        "deleted": "FOR DELETE TO api_anon USING (1 = 1)",
        "inserted": "FOR INSERT TO api_user WITH CHECK ((SELECT true))",
        "all_of_it": "USING (id > 0 OR NOT false)",
        "by_membership": "FOR DELETE TO api_staff USING ('t'::boolean)",
    }
    not_fire = {
        "seen": "FOR SELECT USING (true)",
        "false_": "FOR DELETE USING (false)",
        "unequal": "FOR DELETE USING (1 = 2)",
        "looked_at": "FOR DELETE USING (true AND id > 0)",
        "others": "FOR DELETE TO api_owner USING (true)",
        "bypassing": "FOR DELETE TO api_service USING (true)",
        "restrictive": "AS RESTRICTIVE FOR DELETE USING (true)",
        "denies": "FOR INSERT",
        "denies_too": "FOR UPDATE WITH CHECK (true)",
    }
    tables = "".join(
        f"CREATE TABLE {name} (id int); ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;"
        f"CREATE POLICY p ON {name} {text};"
        for name, text in (fire | not_fire).items()
    )
    address = api.database(f"""
        GRANT api_staff TO api_user;
        {tables}
        CREATE TABLE held (id int);
        ALTER TABLE held ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON held FOR DELETE TO api_anon USING (true);
        CREATE POLICY own ON held AS RESTRICTIVE USING (id > 0);
        CREATE TABLE off (id int);
        CREATE POLICY p ON off USING (true);
        GRANT INSERT ON denies TO api_anon;
        GRANT UPDATE ON denies_too TO api_anon;
        INSERT INTO denies_too VALUES (1);
    """)
    advice = api.ask(address, api_roles=("api_anon", "api_user", "api_service"))
    assert found(advice, "MP304") == sorted(f"policy p on public.{name}" for name in fire)
    whys = api.whys(advice, "MP304")
    assert whys["policy p on public.updated"] == "USING is always true: everybody may UPDATE any row"
    assert whys["policy p on public.given_away"].endswith("everybody may UPDATE what they see into anything")
    assert whys["policy p on public.by_membership"] == "USING is always true: api_user may DELETE any row"
    without_roles = api.ask(address, api_roles=())
    named = {"deleted", "inserted", "by_membership", "others", "bypassing"}
    assert set(blind(without_roles, "MP304")) == {f"policy p on public.{name}" for name in named}
    with api.session(address) as connection:
        connection.execute(api.own("SET ROLE api_anon").encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(b"INSERT INTO denies VALUES (1)")
        assert connection.execute(b"UPDATE denies_too SET id = 2").rowcount == 0


def test_policies_that_believe_users(api: Api) -> None:
    fire = {
        "arrow": "(auth.jwt() -> 'user_metadata' ->> 'role') = 'admin'",
        "wrapped": "((SELECT auth.jwt()) -> 'user_metadata' ->> 'role') = 'admin'",
        "path": "(auth.jwt() #>> '{user_metadata,role}') = 'admin'",
        "setting": "(current_setting('request.jwt.claims', true)::jsonb -> 'user_metadata' ->> 'r') = 'x'",
        "subscript": "(auth.jwt())['user_metadata']['role'] = '\"admin\"'",
        "function_": "jsonb_extract_path_text(auth.jwt(), 'user_metadata', 'role') = 'admin'",
        "account": "EXISTS (SELECT 1 FROM auth.users u WHERE u.raw_user_meta_data ->> 'role' = 'admin')",
    }
    not_fire = {
        "app": "(auth.jwt() -> 'app_metadata' ->> 'role') = 'admin'",
        "text_": "(auth.jwt() ->> 'sub') = 'x' AND kind = 'user_metadata'",
        "own_column": "(data -> 'user_metadata' ->> 'role') = 'admin'",
        "other_setting": "(current_setting('app.claims')::jsonb ->> 'user_metadata') = 'x'",
    }
    policies = "".join(
        f"CREATE POLICY {name} ON posts FOR DELETE USING ({using});"
        for name, using in (fire | not_fire).items()
    )
    address = api.database(f"""
        {AUTH} CREATE TABLE posts (kind text, data jsonb); {policies}
        CREATE POLICY checked ON posts FOR INSERT WITH CHECK (auth.jwt() ? 'x' AND {fire["arrow"]});
    """)
    advice = api.ask(address, exposed_schemas=(), api_roles=())
    assert found(advice, "MP311") == sorted(f"policy {name} on public.posts" for name in [*fire, "checked"])
    with api.session(address) as connection:
        for name in [*fire, "checked"]:
            connection.execute(f"DROP POLICY {name} ON posts".encode())
    assert found(api.ask(address), "MP311") == []


def test_an_expression_that_nobody_understands_is_said() -> None:
    """As a server newer than the parser might print one."""
    odd = Policy("odd", "ALL", ("PUBLIC",), using="id NOVEL ((")
    shop = altered(
        catalog({"rooms": []}),
        "rooms",
        row_security=True,
        policies=(odd,),
        columns=(Column("password", "text"),),
        owner="keeper",
    )
    shop = replace(shop, vitals=Vitals(roles=(Role("anon"),)), grants=(TO_ANON,))
    advice = advise(shop, build(shop), AdviseSection(exposed_schemas=("public",), api_roles=("anon",)))
    for code in ("MP207", "MP304", "MP311"):
        assert "cannot be parsed" in blind(advice, code)["policy odd on public.rooms"]
    assert "cannot be parsed" in blind(advice, "MP308")["public.rooms"]
