"""Whose history it is: folders that move, that share a name, and files whose text changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Run
from tests.cli.folders import SHOP, Write, asked
from tests.migrations.folders import folder

ROWS = "CREATE TABLE public.{t} (n int); INSERT INTO public.{t} VALUES (1), (2);"


@pytest.fixture
def apply(run: Run, new_target: str) -> Run:
    """Apply a folder to the target."""
    return lambda path, *words, **more: run("apply", path, "--target", new_target, "--no-try", *words, **more)


def test_a_folder_that_moved_goes_on_with_its_history(
    run: Run, apply: Run, new_target: str, nowhere: Path
) -> None:
    folder(nowhere / "g1", _1_a=ROWS.format(t="a"), _2_b=ROWS.format(t="b"))
    apply("g1")
    shutil.move("g1", "g2")
    folder(nowhere / "g2", _3_c=ROWS.format(t="c"))
    said = apply("g2")
    assert (
        "g2 goes on with the history g1: 2 of the 2 migrations applied under that name are in it"
        in said.stderr
    )
    assert "1 migration of g2 applied" in said.stdout
    assert asked(new_target, "SELECT count(*) FROM a") == [(2,)]
    run("status", "g2", "--target", new_target)
    run("rollback", "g2", "--target", new_target, "--yes")
    assert asked(new_target, "SELECT to_regclass('c')") == [(None,)]
    assert asked(new_target, "SELECT DISTINCT bundle FROM migplan.run") == [("g1",)]


def test_two_folders_of_one_name_are_two_histories(
    run: Run, apply: Run, new_target: str, nowhere: Path
) -> None:
    shared = "CREATE SCHEMA IF NOT EXISTS app;"
    folder(nowhere / "x/g", _1_init=shared, _2_a=ROWS.format(t="a"), _3_b=ROWS.format(t="b"))
    folder(nowhere / "y/g", _1_init=shared, _2_c=ROWS.format(t="c"))
    apply("x/g")
    for command in ("apply", "status", "verify"):
        refused = run(command, "y/g", "--target", new_target, exit_code=2).stderr
        assert "of its 3 applied migrations 2 are not there (2_a, 3_b)" in refused
        assert "echo NAME > y/g/migplan.id" in refused
    Path("y/g/migplan.id").write_text("other\n")
    apply("y/g")
    assert asked(new_target, "SELECT DISTINCT bundle FROM migplan.run ORDER BY 1") == [("g",), ("other",)]
    run("status", "x/g", "--target", new_target)
    run("status", "y/g", "--target", new_target)
    Path("y/g/migplan.id").write_text("\n")
    assert "is to hold one line" in run("status", "y/g", "--target", new_target, exit_code=2).stderr


def test_files_under_two_names_want_to_be_told_which(apply: Run, nowhere: Path) -> None:
    folder(nowhere / "a", _1_init="CREATE SCHEMA IF NOT EXISTS app;")
    shutil.copytree("a", "b")
    apply("a")
    assert "b goes on with the history a" in apply("b").stderr
    Path("b/1_init.sql").write_text("CREATE SCHEMA app2;")
    refused = apply("b", exit_code=2).stderr
    assert "each is there by name, with other statements" in refused
    assert "if it is the same one, say so: echo a > b/migplan.id" in refused
    Path("b/migplan.id").write_text("b")
    assert "1 migration of b applied" in apply("b").stdout
    folder(nowhere / "c", _1_init="CREATE SCHEMA app2;", _2_x="SELECT 1;")
    assert "c goes on with the history b" in apply("c").stderr


def test_comments_and_white_space_change_nothing(
    run: Run, apply: Run, new_target: str, nowhere: Path
) -> None:
    files = {"_1_a": ROWS.format(t="a"), "_2_b": "COPY public.a (n) FROM stdin;\n3\n\\.\n"}
    folder(nowhere / "m", **files)
    apply("m")
    folder(
        nowhere / "m",
        _1_a="-- why\ncreate table public.A (n INT);\n\nINSERT INTO public.a /* rows */ VALUES (1),(2)",
        _2_b="-- rows\nCOPY public.a (n) FROM STDIN;\n3\n\\.\n",
        _3_c=ROWS.format(t="c"),
    )
    assert "1 migration of m applied" in apply("m").stdout
    folder(nowhere / "m", _2_b="COPY public.a (n) FROM stdin;\n4\n\\.\n")
    assert "2_b" in apply("m", exit_code=2).stderr
    assert "changed" in run("status", "m", "--target", new_target, exit_code=1).stdout


def test_digests_of_bytes_in_former_journals_count(
    run: Run, apply: Run, new_target: str, nowhere: Path
) -> None:
    path = folder(nowhere / "m", _1_a="CREATE TABLE public.a (n int); -- as it was")
    apply("m")
    with psycopg.connect(new_target) as connection:
        digest = "SELECT encode(sha256(%s), 'hex')"
        text = (path / "1_a.sql").read_bytes()
        connection.execute(f"UPDATE migplan.step SET file_digest = ({digest})".encode(), [text])
    run("status", "m", "--target", new_target)


def test_a_changed_file_is_taken_over_and_not_run(
    run: Run, apply: Run, new_target: str, nowhere: Path
) -> None:
    folder(nowhere / "m", _1_a=ROWS.format(t="a") + "\nCOMMENT ON TABLE public.a IS 'secret';")
    apply("m")
    folder(nowhere / "m", _1_a=ROWS.format(t="a") + "\nALTER TABLE public.a ADD m int;", _2_b="SELECT 1;")
    assert "--repair" in apply("m", exit_code=2).stderr
    said = apply("m", "--repair", "--yes", "--dry-run").stdout
    assert "+ALTER TABLE public.a ADD m int" in said
    assert "-COMMENT ON TABLE public.a IS '" in said
    assert "secret" not in said
    assert "nobody is there to be asked" in apply("m", "--repair", exit_code=2).stderr
    assert "changed" in run("status", "m", "--target", new_target, exit_code=1).stdout
    said = apply("m", "--repair", "--yes").stdout
    assert "1_a  taken over as it is now; nothing of it ran" in said
    assert "1 migration of m applied" in said
    assert asked(
        new_target, "SELECT attname FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum > 0"
    ) == [("n",)]
    run("status", "m", "--target", new_target)
    assert "taken over" in str(asked(new_target, "SELECT notes FROM migplan.run WHERE run = 1"))


def test_a_target_that_others_have_migrated_is_adopted(new_target: str, write: Write, run: Run) -> None:
    write(**SHOP)
    run("apply", "m", "--target", new_target, "--to", "002_orders", "--no-try")
    with psycopg.connect(new_target) as connection:
        connection.execute("DROP SCHEMA migplan CASCADE")
    for more in ([], ["--no-try"]):
        refused = run("apply", "m", "--target", new_target, *more, exit_code=2).stderr
        assert 'relation "customers" already exists' in refused
        assert "if the target has it by psql or by another tool, --adopt takes it as applied" in refused
    to = ("--to", "002_orders")
    assert "adopted" not in run("apply", "m", "--target", new_target, "--adopt", *to, "--dry-run").stdout
    said = run("apply", "m", "--target", new_target, "--adopt", *to).stdout
    assert "2 migrations: the target has what they make; rows are not compared" in said
    assert "1 migration of m applied" in run("apply", "m", "--target", new_target).stdout
    assert "did what they say" in run("verify", "m", "--target", new_target).stdout
    run("rollback", "m", "--target", new_target, "--yes")
    refused = run("rollback", "m", "--target", new_target, "--yes", exit_code=2).stderr
    assert "002_orders: it was adopted, so migplan has not seen what it did" in refused


def test_what_differs_is_said_before_a_target_is_adopted(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="CREATE TABLE public.t (n int, m int NOT NULL);")
    with psycopg.connect(new_target) as connection:
        connection.execute("CREATE TABLE t (n int, m int)")
    refused = run("apply", "m", "--target", new_target, "--adopt", exit_code=2)
    assert "differs: column m of public.t: not null" in refused.stdout
    assert "nobody is there to be asked; nothing was changed" in refused.stderr
    assert asked(new_target, "SELECT to_regnamespace('migplan')") == [(None,)]
    run("apply", "m", "--target", new_target, "--adopt", "--yes")
    assert "nothing to do" in run("apply", "m", "--target", new_target).stdout
    assert "--strict: with --adopt nothing runs" in (
        run("apply", "m", "--target", new_target, "--adopt", "--strict", exit_code=2).stderr
    )
