"""Where a database comes from and goes to: what is said, what is recognised, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from migplan import config as configuration
from migplan.catalog.model import Catalog, Extension, Function, Schema, Server, Signs, Table
from migplan.catalog.provided import Provided
from migplan.config import Config
from migplan.errors import PlanError, RefusedError, SelectionError
from migplan.names import QualifiedName
from migplan.pipeline import platforms

SERVER = Server("postgresql://h/d", "d", 180000, "18", "UTF8", "C", "me", superuser=False, read_at="")
TABLES = (("auth", "users"), ("public", "users"), ("public", "posts"), ("Odd one", "t"))
SCHEMAS = ("Odd one", "auth", "extensions", "public", "storage")
SIGNS = Signs(schemas=SCHEMAS, roles=("anon", "authenticated", "service_role"))
SUPABASE = Catalog(
    server=SERVER,
    schemas=tuple(map(Schema, SCHEMAS)),
    tables=tuple(Table(QualifiedName(*name)) for name in sorted(TABLES)),
    signs=SIGNS,
)
PLAIN = replace(SUPABASE, signs=Signs(SCHEMAS, ("me",)))


def config(text: str = "") -> Config:
    return configuration.loads(text, Path("migplan.yaml"))


TARGETS = "targets: {a: {url: '${A}', platform: %s}, b: {url: '${B}', platform: %s}}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", None),
        ("platform: supabase", "supabase"),
        ("platform: aurora", "rds"),
        ("platform: none", "none"),
        (TARGETS % ("rds", "aurora"), "rds"),
        (TARGETS % ("rds", "none") + "\nplatform: neon", "neon"),
    ],
)
def test_the_target_is_where_people_say(text: str, name: str | None) -> None:
    assert platforms.platform_of(config(text)) == name


def test_targets_on_several_platforms_are_refused() -> None:
    with pytest.raises(SelectionError, match="several platforms: neon, rds"):
        platforms.target_host(config(TARGETS % ("rds", "neon")))


@pytest.mark.parametrize("text", ["platform: suparbase", "source: {url: '${A}', platform: x}"])
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match="no platform is called"):
        platforms.refuse_unknown(config(text))


def test_the_source_is_recognised_unless_somebody_says_it() -> None:
    found = platforms.source_host(config(), SUPABASE)
    assert found is not None
    assert (found.name, found.signs[0]) == ("supabase", "schema auth")
    said = platforms.source_host(config("source: {url: '${A}', platform: none}"), SUPABASE)
    assert said is not None
    assert said.is_plain
    assert platforms.source_host(config(), PLAIN) is None


def test_schemas_of_a_platform_are_not_taken_unless_somebody_says_where_it_goes() -> None:
    with pytest.raises(RefusedError) as refused:
        platforms.settled(config(), SUPABASE)
    assert "3 schemas of its own (auth, extensions, storage)" in str(refused.value)
    assert "--platform supabase" in refused.value.do
    assert '--schema "Odd one" --schema public' in refused.value.do


@pytest.mark.parametrize(
    "text",
    [
        "platform: supabase",  # which provides them
        "selection: {schemas: [public]}",
        "selection: {schemas: [auth]}",  # named: somebody wants it
        "selection: {tables: [auth.users]}",
        "selection: {tables: [posts]}",
        "provided: [auth, storage, extensions]",
        "source: {url: '${A}', platform: none}",
    ],
)
def test_what_is_said_stays_as_it_is(text: str) -> None:
    said = config(text)
    assert platforms.settled(said, SUPABASE) is said


@pytest.mark.parametrize("name", ["none", "rds"])
def test_to_another_host_only_what_is_ones_own_goes(name: str) -> None:
    settled = platforms.settled(config(f"platform: {name}"), SUPABASE)
    assert settled.selection.schemas == ('"Odd one"', "extensions", "public")
    assert platforms.settled(settled, SUPABASE) == settled


def test_to_another_host_what_makes_sense_on_the_first_alone_stays() -> None:
    watch = Function(
        QualifiedName("extensions", "pgrst_ddl_watch"), "", "function", "event_trigger", "sql", ""
    )
    whole = replace(
        SUPABASE,
        functions=(watch, replace(watch, name=QualifiedName("extensions", "mine"))),
        extensions=(Extension("pg_graphql", "1.5", "graphql"), Extension("pgcrypto", "1.3", "extensions")),
        signs=replace(SIGNS, others=("mine", "pgrst_ddl_watch", "supabase_realtime")),
    )
    provided = platforms.settled(config("platform: none"), whole).provided
    assert provided.objects == ("pgrst_ddl_watch", "extensions.pgrst_ddl_watch")
    assert provided.extensions == ("pg_graphql",)  # pgcrypto is everywhere, and people choose the publication
    rds = replace(
        PLAIN,
        extensions=(Extension("aws_s3", "1.2", "public"), Extension("citext", "1.6", "public")),
        signs=Signs(SCHEMAS, ("rdsadmin", "rds_superuser")),
    )
    settled = platforms.settled(config("platform: supabase"), rds)
    assert settled.provided.extensions == ("aws_s3",)
    assert not settled.selection.schemas
    assert platforms.settled(config(), rds).provided == config().provided


def test_a_table_that_means_one_of_the_platform_as_well_is_refused() -> None:
    with pytest.raises(SelectionError, match=r"'users' means auth\.users, too") as refused:
        platforms.settled(config("selection: {tables: [users]}"), SUPABASE)
    assert "public.users" in refused.value.do


def test_plain_databases_are_left_alone() -> None:
    said = config()
    assert platforms.settled(said, PLAIN) is said
    assert platforms.hint(said, PLAIN) == ""
    assert not platforms.provided_of(said)


def test_a_hint_is_given_while_nobody_has_spoken_of_it() -> None:
    assert platforms.hint(config(), SUPABASE).startswith("This looks like Supabase (schema auth")
    assert platforms.hint(config("platform: rds"), SUPABASE) == ""


def test_a_plan_is_for_one_platform() -> None:
    said = platforms.for_platform(config(), "supabase")
    assert platforms.provided_of(said).schema("auth")
    with pytest.raises(PlanError, match="made for platform supabase, and this is for rds"):
        platforms.for_platform(config("platform: rds"), "supabase")


def test_what_people_say_and_what_the_platform_provides_is_one() -> None:
    provided = platforms.provided_of(config("platform: supabase\nprovided: [crm]"))
    assert isinstance(provided, Provided)
    assert provided.schema("crm")
    assert provided.schema("auth")
    assert "crm" not in provided.optional
    assert "auth" in provided.optional


def test_rows_that_people_have_in_a_platform_and_that_stay_are_listed() -> None:
    users = Table(QualifiedName("auth", "users"), rows=3)
    empty = Table(QualifiedName("storage", "buckets"), rows=0)
    unknown = Table(QualifiedName("auth", "identities"), table_bytes=40960)
    bare = Table(QualifiedName("vault", "secrets"), table_bytes=8192)
    tables, jobs_of = (unknown, users, empty, bare), Extension("pg_cron", "1.6", "pg_catalog")
    whole = replace(SUPABASE, tables=tables, extensions=(jobs_of,))
    (accounts, jobs) = platforms.what_stays(config("platform: rds"), whole, replace(whole, tables=()))
    assert accounts.startswith("the rows of auth.identities, auth.users stay: the accounts of your users")
    assert platforms.rows_together(config(), whole) == (("auth.identities", "auth.users"),)
    assert jobs.startswith("the rows that extension pg_cron keeps stay: cron.job")
    assert not platforms.what_stays(config(), replace(whole, extensions=()), whole)
    assert not platforms.what_stays(config(), PLAIN, PLAIN)
