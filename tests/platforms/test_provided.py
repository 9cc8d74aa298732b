"""What the target brings, said by hand: left alone, asked for what is needed, stood in for on scratch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migplan.postgres.address import parse
from migplan.verify.expectation import load
from migplan.verify.rebuilt import rebuilt
from tests.cli.conftest import Run
from tests.platforms.building import DEVELOPER, PROJECT, dump, project
from tests.servers import Server

pytestmark = pytest.mark.slow

CONFIG = """\
source: {url: '${SOURCE_URL}'}
targets: {production: {url: '${PRODUCTION_URL}'}}
platform: none
provided:
  schemas: [auth, storage, realtime, extensions, graphql_public, vault, supabase_functions, pgbouncer]
  objects: [supabase_realtime]
  extensions: [pg_stat_statements]
  roles: [anon, authenticated, service_role, dashboard_user, 'supabase_*']
  policies: [storage.objects]
"""


@pytest.fixture
def moving(host: Server, monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> tuple[str, str]:
    """A project, and another one with contents of its own, to which it is to be moved."""
    source, target = project(host, 3, PROJECT), project(host, 11)
    for variable, name in (("SOURCE_URL", source), ("PRODUCTION_URL", target)):
        monkeypatch.setenv(variable, host.url(name, user=DEVELOPER))
    (nowhere / "migplan.yaml").write_text(CONFIG)
    return source, target


def test_rows_come_first_and_the_project_after_them_and_nothing_of_the_platform_is_touched(
    host: Server, moving: tuple[str, str], run: Run
) -> None:
    _, target = moving
    before = dump(host, target)
    run("export")
    empty = run("verify", "--target", "production", exit_code=1).stdout
    assert "The target has none of the " in empty
    assert "Apply it with: migplan apply migrations/migration --target production" in empty
    assert empty.count(": missing\n") == 5
    refused = run("apply", "migrations/migration", "--target", "production", exit_code=2).stderr
    assert "rows of the bundle refer to 8 rows of auth.users" in refused
    assert "comments_author_fkey, profiles_id_fkey" in refused
    assert "migplan export --rows-of auth.users --rows-of auth.identities\n" in refused
    assert "migplan apply migrations/migration-rows --target production\n" in refused
    assert "migplan export --exclude public.comments --exclude public.profiles" in refused
    assert dump(host, target) == before

    said = run("export", "--rows-of", "auth.users", "--rows-of", "auth.identities").stdout
    assert "Left out\n  all definitions, " in said
    assert "To know" not in said
    run("apply", "migrations/migration-rows", "--target", "production")
    between = dump(host, target)
    run("apply", "--target", "production")
    proven = run("verify", "--target", "production", "--source", "source").stdout
    assert "Provided" in proven
    assert "The target is what migration and the source say" in proven
    assert "auth" not in proven.partition("To know")[2], "nothing of what is provided is called superfluous"
    with host.connect(dbname=target) as connection:
        asked = "SELECT has_table_privilege('anon', 'public.comments', 'SELECT')"
        assert connection.execute(asked).fetchone() == (False,), "the target's default privileges gave it"

    run("rollback", "migrations/migration", "--target", "production", "--yes")
    assert dump(host, target) == between
    run("rollback", "migrations/migration-rows", "--target", "production", "--yes", "--drop-journal")
    assert dump(host, target) == before


def test_what_the_target_lacks_is_named_with_what_needs_it(
    host: Server, moving: tuple[str, str], run: Run
) -> None:
    _, target = moving
    run("export", "--schema-only")
    built = rebuilt(load(Path("migrations/migration")), host.major, parse(host.url("postgres")))
    assert built.why == "", "definitions that need what is provided are read on a scratch server, too"
    with host.connect(dbname=target) as connection:
        connection.execute("ALTER TABLE auth.users ALTER email TYPE text")
        connection.execute("DROP FUNCTION storage.foldername(text)")
        connection.execute("DROP PUBLICATION supabase_realtime")
        connection.execute("ALTER TYPE auth.aal_level RENAME VALUE 'aal3' TO 'aal9'")
        connection.execute("ALTER TABLE storage.buckets DROP CONSTRAINT buckets_pkey CASCADE")
    refused = run("apply", "--target", "production", exit_code=2).stderr
    for said in (
        "TABLE auth.users has a column email of type text, and not character varying(255); needed by VIEW",
        "FUNCTION storage.foldername(text) is not there; needed by POLICY storage.objects Members upload",
        "PUBLICATION supabase_realtime is not there",
        "TYPE auth.aal_level has no label 'aal3'; needed by TABLE public.posts",
        "TABLE storage.buckets has no key over id",
    ):
        assert said in refused
    assert "nothing was changed" in refused


def test_what_changes_in_the_target_afterwards_is_told_by_verify_where_it_is_needed(
    host: Server, moving: tuple[str, str], run: Run
) -> None:
    _, target = moving
    run("export", "--schema-only")
    run("apply", "--target", "production")
    with host.connect(dbname=target) as connection:
        connection.execute("ALTER TABLE auth.users ADD COLUMN new text")
        connection.execute("CREATE TABLE auth.more (id int)")
    run("verify", "--target", "production")
    with host.connect(dbname=target) as connection:
        connection.execute("DROP TRIGGER on_auth_user_created ON auth.users")
        connection.execute("DROP FUNCTION supabase_functions.http_request() CASCADE")
    found = run("verify", "--target", "production", exit_code=1).stdout
    assert "trigger on_auth_user_created of auth.users: missing" in found
    assert "FUNCTION supabase_functions.http_request(): is not there" in found


def test_a_rehearsal_on_scratch_begins_with_stand_ins(moving: tuple[str, str], run: Run) -> None:
    said = run("rehearse").stdout
    assert "that the targets provide are stand-ins here" in said
    assert "8 rows of auth.users to which rows refer: here as keys alone" in said
    assert "every check holds" in said
    assert "the target is as it was before" in said
    assert "apply again" in said


def test_rows_of_provided_tables_are_rehearsed_on_scratch(moving: tuple[str, str], run: Run) -> None:
    run("export", "--rows-of", "auth.users", "--rows-of", "auth.identities")
    said = run("rehearse", "migrations/migration-rows").stdout
    assert "2 tables to which the rows go are stand-ins here: columns as in the source" in said
    assert "every check holds" in said
    assert "the target is as it was before" in said


def test_policies_that_need_nothing_of_ours_are_the_platforms_unless_it_is_said(
    moving: tuple[str, str], run: Run
) -> None:
    Path("migplan.yaml").write_text(CONFIG.replace("  policies: [storage.objects]\n", ""))
    run("export")
    manifest = json.loads(Path("migrations/migration/manifest.json").read_text())
    carried = {each["name"] for each in manifest["objects"] if each["kind"] == "POLICY"}
    assert "objects Members upload" in carried
    assert "objects Avatars are public" not in carried
    left = {each["name"]: each["why"] for each in manifest["left_out"] if each["kind"] == "POLICY"}
    assert list(left) == ["objects Avatars are public"]
    assert "provide" in left["objects Avatars are public"]
    kinds = {each["kind"] for each in manifest["objects"] if each.get("in_schema") == "auth"}
    assert kinds == {"TRIGGER"}


def test_a_function_that_was_there_stays_at_rollback_though_a_trigger_goes_with_it(
    host: Server, moving: tuple[str, str], run: Run
) -> None:
    source, target = moving
    asked = "SELECT pg_get_functiondef('public.handle_new_user'::regproc)"
    with host.connect(dbname=source) as connection:
        (made,) = connection.execute(asked).fetchone() or ("",)
    with host.connect(dbname=target, user=DEVELOPER) as connection:
        connection.execute(made)
        connection.execute("REVOKE ALL ON FUNCTION public.handle_new_user() FROM PUBLIC, anon, authenticated")
    run("export", "--schema-only")
    said = run("apply", "--target", "production").stderr
    assert "just as the bundle brings them: 1 object, function public.handle_new_user()" in said
    refused = run("rollback", "--target", "production", "--yes", exit_code=2).stderr
    assert "was made by the run, and is for the table's owner to drop" in refused
    assert "DROP TRIGGER on_auth_user_created ON auth.users" in refused
    with host.connect(dbname=target) as connection:
        connection.execute("DROP TRIGGER on_auth_user_created ON auth.users")
    run("rollback", "--target", "production", "--yes")
    with host.connect(dbname=target) as connection:
        assert connection.execute(asked).fetchone() == (made,)
