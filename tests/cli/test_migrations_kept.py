"""Migrations of a folder that is another one by now, or gone, rolled back as the journal keeps them."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Run
from tests.cli.folders import SHOP, Write, asked
from tests.cli.test_migrations import FILES_OF_STYLES
from tests.run.test_rollback_kept import TO_FORMAT_1

pytestmark = pytest.mark.slow

TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1
"""


def last(target: str, run: Run, *words: str) -> str:
    """Roll back what was applied last, by the journal alone."""
    return run("rollback", *words, "--target", target, "--yes").stdout


def test_a_folder_that_is_gone_is_taken_back_one_by_one(new_target: str, write: Write, run: Run) -> None:
    folder = write(**SHOP)
    run("apply", "m", "--target", new_target)
    shutil.rmtree(folder)
    said = run("rollback", "--target", new_target, "--dry-run").stdout
    assert "003_index  by statements derived from what it did" in said
    assert "DROP INDEX CONCURRENTLY" in said
    assert "003_index  rolled back" in last(new_target, run, "m")
    assert "002_orders  rolled back" in last(new_target, run)
    assert "001_customers  rolled back" in last(new_target, run)
    assert asked(new_target, TABLES) == []
    assert "there is no run to roll back in its journal" in last(new_target, run)


def test_what_others_need_stays_and_a_part_goes(new_target: str, write: Write, run: Run) -> None:
    folder = write(**SHOP)
    run("apply", "m", "--target", new_target)
    shutil.rmtree(folder)
    words = ("rollback", "--target", new_target, "--yes")
    said = run(*words, "--only", "001_customers", exit_code=2).stderr
    assert "needs table public.customers of 001_customers" in said
    assert "nothing was changed" in run(*words, "--to", "004", exit_code=2).stderr
    run(*words, "--to", "001_customers")
    assert asked(new_target, TABLES) == [("customers",)]


@pytest.mark.parametrize("style", FILES_OF_STYLES)
def test_what_people_wrote_for_it_is_kept_in_every_style(style: str, new_target: str, run: Run) -> None:
    for name, text in FILES_OF_STYLES[style].items():
        file = Path("m", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    run("apply", "m", "--target", new_target)
    shutil.rmtree("m")
    last(new_target, run)
    assert asked(new_target, TABLES) == [("a",)]
    last(new_target, run)
    assert asked(new_target, TABLES) == []


def test_a_file_that_was_changed_is_taken_back_as_it_was_applied(
    new_target: str, write: Write, run: Run
) -> None:
    write(_001_a="CREATE TABLE public.a ();", _002_b="CREATE TABLE public.b ();")
    run("apply", "m", "--target", new_target)
    write(_002_b="CREATE TABLE public.something_else ();")
    said = last(new_target, run, "m")
    assert "002_b  by statements derived from what it did" in said
    assert asked(new_target, TABLES) == [("a",)]


def test_a_down_part_and_its_lines_are_kept_and_no_value(new_target: str, write: Write, run: Run) -> None:
    up = "CREATE TABLE public.a (n int);\nINSERT INTO public.a VALUES (1); SELECT 'hush hush';\n"
    later = "CREATE TABLE public.b (t text);\nUPDATE public.b SET t = 'hush hush';\n"
    write(
        _001_a=up + "-- migplan: down\nDROP VIEW IF EXISTS public.no;\nDROP TABLE public.nothing;\n",
        _002_b=later + "DELETE FROM public.a;\n",
    )
    run("apply", "m", "--target", new_target)
    contents = asked(new_target, "SELECT content FROM migplan.kept")
    assert b"hush" not in b"".join(zlib.decompress(content) for (content,) in contents)
    shutil.rmtree("m")
    said = run("rollback", "--target", new_target, "--yes", exit_code=2).stderr
    assert "002_b: rows of table public.a were deleted (1)" in said
    asked(new_target, "UPDATE migplan.step SET state = 'undone' WHERE name = '002_b' RETURNING 1")
    said = run("rollback", "--target", new_target, "--yes", exit_code=2).stderr
    assert '001_a.sql:5: table "nothing" does not exist' in said


def test_a_journal_of_the_former_format_wants_the_folder(new_target: str, write: Write, run: Run) -> None:
    folder = write(_001_a="CREATE TABLE public.a ();")
    run("apply", "m", "--target", new_target)
    with psycopg.connect(new_target) as connection:
        connection.execute(TO_FORMAT_1)
    shutil.move(folder, "elsewhere")
    said = run("rollback", "--target", new_target, "--yes", exit_code=2).stderr
    assert "001_a: its file is gone, and the journal keeps nothing of it" in said
    shutil.move("elsewhere", folder)
    said = run("rollback", "m", "--target", new_target, "--yes", exit_code=2).stderr
    assert "001_a: an earlier version of migplan applied it, and kept no way back" in said
    write(_001_a__down="DROP TABLE public.a;")
    last(new_target, run, "m")
    assert asked(new_target, TABLES) == []
