"""What the target provides, asked in names and in pg_dump's words."""

from dataclasses import replace
from pathlib import Path

import pytest

from migplan import config
from migplan.catalog.compare import differences
from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import (
    Catalog,
    Column,
    Extension,
    ForeignKey,
    Function,
    Grant,
    Policy,
    Schema,
    Table,
    Trigger,
)
from migplan.catalog.provided import Provided
from migplan.catalog.selection import Selected, Selection, select
from migplan.errors import SelectionError, YamlError
from migplan.graph import build
from migplan.names import QualifiedName
from tests.catalogs import SERVER, catalog


def provided(text: str) -> Provided:
    return Provided.of(config.loads(f"provided: {text}\n", Path("migplan.yaml")).provided)


def test_a_plain_list_means_objects_with_a_dot_and_whatever_is_in_no_schema_without() -> None:
    found = provided("[auth, 'supabase_*', public.spatial_ref_sys]")
    assert found.schema("auth")
    assert found.extension("supabase_vault")
    assert found.role("supabase_admin")
    assert found.relation(QualifiedName("public", "spatial_ref_sys"))
    assert found.relation(QualifiedName("auth", "users"))
    assert not found.relation(QualifiedName("public", "profiles"))
    assert not found.schema("public")


def test_sections_mean_what_they_are_called() -> None:
    found = provided("{schemas: [auth], extensions: [pgsodium], roles: [anon]}")
    assert found.schema("auth")
    assert not found.role("auth")
    assert not found.extension("auth")
    assert found.extension("pgsodium")
    assert found.role("anon")


def test_nothing_is_provided_unless_it_is_said() -> None:
    assert not provided("")
    assert not Provided()


def test_two_are_joined() -> None:
    found = Provided(schemas=("auth",)).as_preset() | Provided(schemas=("storage", "auth"))
    assert found.schemas == ("auth", "storage")
    assert found.optional == {"auth"}


@pytest.mark.parametrize("text", ["[a.b.c]", "{objects: ['.']}", "{schema: [a]}", "{schemas: {a: b}}", "3"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(YamlError):
        provided(text)


ENTRIES = [
    ("SCHEMA", "", "auth", True),
    ("SCHEMA", "", "public", False),
    ("TABLE", "auth", "users", True),
    ("TABLE", "public", "spatial_ref_sys", True),
    ("TABLE", "public", "spatial_ref_sys2", False),
    ("CONSTRAINT", "public", "spatial_ref_sys spatial_ref_sys_pkey", True),
    ("CONSTRAINT", "public", "spatial_ref_sys2 spatial_ref_sys", False),
    ("CONSTRAINT", "public", "a b c key of it", True),
    ("FUNCTION", "public", "st_area(text)", True),
    ("FUNCTION", "public", "stranger()", False),
    ("FUNCTION", "public", "odd(name)(integer)", True),
    ("ACL", "", "SCHEMA auth", True),
    ("ACL", "", "SCHEMA public", False),
    ("ACL", "public", "FUNCTION st_area(text)", True),
    ("ACL", "public", "TABLE spatial_ref_sys", True),
    ("ACL", "public", "COLUMN spatial_ref_sys.srid", True),
    ("COMMENT", "public", "COLUMN spatial_ref_sys2.srid", False),
    ("COMMENT", "public", "CONSTRAINT c ON spatial_ref_sys", True),
    ("COMMENT", "public", "TABLE COLUMN", False),
    ("COMMENT", "", "EXTENSION supabase_vault", True),
    ("EXTENSION", "", "supabase_vault", True),
    ("EXTENSION", "", "pg_trgm", False),
    ("PUBLICATION", "", "supabase_realtime", True),
    ("PUBLICATION TABLE", "public", "supabase_realtime messages", False),
    ("DEFAULT ACL", "auth", "DEFAULT PRIVILEGES FOR TABLES", True),
    ("DEFAULT ACL", "public", "DEFAULT PRIVILEGES FOR TABLES", False),
    ("DEFAULT ACL", "", "DEFAULT PRIVILEGES FOR TABLES", False),
]


@pytest.mark.parametrize(("kind", "schema", "tag", "answer"), ENTRIES)
def test_entries_are_known_by_the_words_of_pg_dump(kind: str, schema: str, tag: str, answer: bool) -> None:
    objects = """public.spatial_ref_sys, 'public.st_*', 'public."odd(name)"', 'public."a b c"'"""
    said = provided(f"[auth, 'supabase_*', {objects}]")
    assert said.entry(kind, schema, tag) is answer


USERS, PROFILES = QualifiedName("auth", "users"), QualifiedName("public", "profiles")


def platform() -> Catalog:
    """A table of ours that refers to one of a platform, on which people have put things."""
    refers = ForeignKey("profiles_id_fkey", PROFILES, ("id",), USERS, ("id",), "users_pkey")
    welcome, touch = (
        Trigger(name, QualifiedName(*function), "CREATE TRIGGER", "AFTER", ("INSERT",), "ROW")
        for name, function in (("welcome", ("public", "welcome")), ("touch", ("auth", "touch")))
    )
    policies = (
        Policy("theirs", "SELECT", ("public",), using="(auth.uid() = id)"),
        Policy("ours", "SELECT", ("public",), using="public.is_member(auth.uid())"),
        Policy("of ours", "SELECT", ("public",), using="(EXISTS ( SELECT 1 FROM public.profiles p))"),
        Policy("by type", "SELECT", ("public",), check="('a'::public.mood = 'b'::public.mood)"),
    )
    columns = (Column("id", "uuid"), Column("email", "text"))
    users = Table(USERS, owner="admin", columns=columns, triggers=(touch, welcome), policies=policies)
    profiles = Table(PROFILES, owner="me", columns=columns[:1], foreign_keys=(refers,))
    grants = (
        Grant("table", "auth", "users", "", "me", ("SELECT",)),
        Grant("table", "public", "profiles", "", "anon", ("SELECT",)),
        Grant("default privileges", "public", "tables", "", "anon", ("SELECT",), of_role="admin"),
        Grant("default privileges", "public", "tables", "", "anon", ("SELECT",), of_role="me"),
    )
    return Catalog(
        server=SERVER,
        tables=(users, profiles),
        schemas=(Schema("auth"), Schema("public")),
        grants=grants,
        extensions=(Extension("pg_graphql", "1", "graphql"), Extension("pg_trgm", "1", "public")),
        functions=tuple(
            Function(QualifiedName(*name), "", "function", "trigger", "sql", "")
            for name in (("auth", "touch"), ("public", "welcome"))
        ),
    )


def chosen(**said: tuple[str, ...]) -> Selected:
    return select(platform(), Selection(provided=Provided(**said)))  # type: ignore[arg-type]


def test_what_is_provided_is_no_part_of_what_is_moved() -> None:
    found = chosen(schemas=("auth",), extensions=("pg_graphql",), roles=("admin", "anon"))
    assert [table.name for table in found.catalog.tables] == [PROFILES]
    assert [schema.name for schema in found.catalog.schemas] == ["public"]
    assert [extension.name for extension in found.catalog.extensions] == ["pg_trgm"]
    assert [str(function.name) for function in found.catalog.functions] == ["public.welcome"]
    assert [(grant.kind, grant.of_role) for grant in found.catalog.grants] == [
        ("table", ""),
        ("default privileges", "me"),
    ]
    assert found.provided == (USERS,)
    assert not found.left_out
    assert not found.arriving


def test_what_is_needed_of_it_and_what_people_made_on_it_is_kept_beside() -> None:
    (users,) = chosen(schemas=("auth",)).catalog.provided
    assert users.columns == (Column("id", "uuid"),)
    assert [trigger.name for trigger in users.triggers] == ["welcome"]
    assert [policy.name for policy in users.policies] == ["ours", "of ours", "by type"]
    (users,) = chosen(schemas=("auth",), policies=("auth.users",)).catalog.provided
    assert len(users.policies) == 4


def test_a_key_to_it_leads_nowhere_else() -> None:
    graph = build(chosen(schemas=("auth",)).catalog)
    assert not graph.leaving
    assert [key.name for key in graph.provided] == ["profiles_id_fkey"]
    assert not graph.isolated


def test_inner_changes_of_it_are_none_and_those_of_what_is_needed_are() -> None:
    before = platform()
    said = Selection(provided=Provided(schemas=("auth",)))
    users, profiles = before.tables

    def now(columns: tuple[Column, ...]) -> Catalog:
        return select(replace(before, tables=(replace(users, columns=columns), profiles)), said).catalog

    then = select(before, said).catalog
    more = now((*users.columns, Column("phone", "text")))
    assert fingerprint(more) == fingerprint(then)
    other = now((Column("id", "bigint"), Column("email", "text")))
    assert fingerprint(other) != fingerprint(then)
    (found,) = differences(then, other)
    assert str(found) == "changed: column id of provided table auth.users (type: uuid -> bigint)"


@pytest.mark.parametrize(
    ("said", "near"),
    [
        ({"schemas": ("auht",)}, "did you mean auth?"),
        ({"objects": ("public.profile",)}, "did you mean public.profiles?"),
        ({"extensions": ("pg_grapql",)}, "did you mean pg_graphql?"),
        ({"names": ("pg_trg",)}, "did you mean pg_trgm?"),
        ({"schemas": ("auth",), "policies": ("auth.user",)}, "did you mean auth.users?"),
    ],
)
def test_a_pattern_by_hand_that_matches_nothing_is_an_error(
    said: dict[str, tuple[str, ...]], near: str
) -> None:
    with pytest.raises(SelectionError) as error:
        chosen(**said)
    assert near in error.value.do
    select(platform(), Selection(provided=Provided(**said).as_preset()))  # type: ignore[arg-type]


def test_a_provided_table_cannot_be_chosen_and_the_way_to_its_rows_is_said() -> None:
    with pytest.raises(SelectionError) as error:
        select(platform(), Selection(tables=("auth.users",), provided=Provided(schemas=("auth",))))
    assert "--rows-of auth.users" in error.value.do


def test_partitions_of_a_provided_table_are_provided_in_whatever_schema_they_are() -> None:
    tables: dict[str, list[str]] = {"auth.audit": [], "old.audit_1": [], "notes": []}
    found = catalog(tables, partitions={"auth.audit": ["old.audit_1"]})
    chosen = select(found, Selection(provided=Provided(objects=("auth.audit",))))
    assert [str(table.name) for table in chosen.catalog.tables] == ["public.notes"]
    assert chosen.provides.relation(QualifiedName("old", "audit_1"))
