"""What the target provides, asked in names and in pg_dump's words."""

from pathlib import Path

import pytest

from migplan import config
from migplan.catalog.provided import Provided
from migplan.errors import YamlError
from migplan.names import QualifiedName


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
    found = provided("{schemas: [auth], extensions: [pgsodium], roles: [anon], rows: [auth.users]}")
    assert found.schema("auth")
    assert not found.role("auth")
    assert not found.extension("auth")
    assert found.takes_rows(QualifiedName("auth", "users"))
    assert not found.takes_rows(QualifiedName("auth", "sessions"))


def test_nothing_is_provided_unless_it_is_said() -> None:
    assert not provided("")
    assert not Provided()
    assert not Provided(rows=("auth.users",))


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
