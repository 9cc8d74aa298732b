"""Folders of hand-written migrations on real servers: apply, status, rollback, and what goes wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

import migplan
from migplan.run.bundle.receipt import Receipt
from tests.cli.conftest import Run
from tests.cli.folders import SHOP, Write, asked
from tests.servers import Server

pytestmark = pytest.mark.slow


def test_what_is_pending_is_applied_once(target: str, write: Write, run: Run) -> None:
    write(**SHOP)
    said = run("apply", "m", "--target", target).stdout
    assert "3 migrations of m applied" in said
    assert asked(target, "SELECT * FROM customers ORDER BY id") == [(1, "Eva"), (2, None)]
    assert asked(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_customer_idx'::regclass")
    assert "all 3 migrations are applied" in run("apply", "m", "--target", target).stdout
    assert run("status", "m", "--target", target).stdout.count("  applied  ") == 3
    write(_004_more="ALTER TABLE public.orders ADD COLUMN note text\n\n-- it ends\n-- with a comment")
    assert "004_more" in run("status", "m", "--target", target, exit_code=1).stdout
    assert "1 migration of m applied" in run("apply", "m", "--target", target).stdout
    assert asked(target, "SELECT count(*) FROM customers") == [(2,)], "nothing runs twice"


def test_the_last_one_is_taken_back_and_all_after_one(target: str, write: Write, run: Run) -> None:
    write(**SHOP)
    run("apply", "m", "--target", target)
    assert "DROP INDEX" in run("rollback", "m", "--target", target, "--dry-run").stdout
    assert "nobody is there" in run("rollback", "m", "--target", target, exit_code=2).stderr
    run("rollback", "m", "--target", target, "--yes")
    assert asked(target, "SELECT to_regclass('orders_customer_idx')") == [(None,)]
    needed = run("rollback", "m", "--only", "001_customers", "--target", target, "--yes", exit_code=2).stderr
    assert "002_orders, line 1, needs table public.customers" in needed
    run("rollback", "m", "--to", "001_customers", "--target", target, "--yes")
    assert asked(target, "SELECT to_regclass('orders'), to_regclass('customers')") == [(None, "customers")]
    run("apply", "m", "--target", target)
    assert asked(target, "SELECT count(*) FROM orders") == [(1,)]


def test_the_rows_that_go_are_shown_by_the_names_of_today(new_target: str, write: Write, run: Run) -> None:
    write(
        _001_a="CREATE TABLE a (id int, x int); INSERT INTO a SELECT n, n FROM generate_series(1, 5) n;",
        _002_b="""
        ALTER TABLE a RENAME TO b;
        ALTER TABLE b ADD y int;
        INSERT INTO b VALUES (6, 6, 6), (7, 7, 7);
        UPDATE b SET y = y WHERE false;
        CREATE SCHEMA s;
        ALTER TABLE b SET SCHEMA s;
        CREATE TABLE ab AS SELECT generate_series(1, 4);
        """,
    )
    run("apply", "m", "--target", new_target)
    shown = run("rollback", "m", "--target", new_target, "--dry-run").stdout
    assert "Rows and values that go, 8 in all:" in shown
    assert "2  rows that the migration inserted, of s.b" in shown
    assert "2  values in column y of s.b" in shown
    assert "4  table public.ab" in shown
    every = run("rollback", "m", "--target", new_target, "--dry-run", "--all").stdout
    assert "Rows and values that go, 11 in all:" in every
    assert "7  table s.b" in every
    run("rollback", "m", "--target", new_target, "--yes", "--all")


def test_a_file_that_changed_after_it_was_applied_is_refused(new_target: str, write: Write, run: Run) -> None:
    write(**SHOP)
    run("apply", "m", "--target", new_target)
    write(_001_customers="CREATE TABLE public.customers (id bigint PRIMARY KEY);")
    assert "changed" in run("status", "m", "--target", new_target, exit_code=1).stdout
    refused = run("apply", "m", "--target", new_target, exit_code=2).stderr
    assert "001_customers, applied" in refused


def test_names_that_contradict_the_needs_are_refused_unless_reordered(
    new_target: str, write: Write, run: Run
) -> None:
    write(
        _001_orders="CREATE TABLE public.orders (id int, customer int REFERENCES public.customers);",
        _002_customers="CREATE TABLE public.customers (id int PRIMARY KEY);",
    )
    refused = run("apply", "m", "--target", new_target, exit_code=2).stderr
    assert "001_orders, line 1" in refused
    assert "which 002_customers, line 1, makes" in refused
    tried = run("apply", "m", "--target", new_target, "--trust-names", exit_code=2).stderr
    assert "001_orders.sql:1 needs table public.customers" in tried, "it is said"
    assert 'relation "public.customers" does not exist' in tried, "and the file fails, with all of it"
    with psycopg.connect(new_target) as connection:
        connection.execute("CREATE TABLE public.customers (id int PRIMARY KEY)")
    run("apply", "m", "--target", new_target, exit_code=2)
    write(_002_customers="CREATE TABLE IF NOT EXISTS public.customers (id int PRIMARY KEY);")
    assert "2 migrations would be" in run("apply", "m", "--target", new_target, "--dry-run").stdout
    write(_002_customers="DROP TABLE customers CASCADE; CREATE TABLE customers (id int PRIMARY KEY);")
    assert "2 migrations would be" in run("apply", "m", "--target", new_target, "--dry-run").stdout
    write(_002_customers="DROP TABLE IF EXISTS customers; CREATE TABLE customers (id int PRIMARY KEY);")
    run("apply", "m", "--target", new_target, "--reorder")
    assert "all 2 migrations are applied" in run("apply", "m", "--target", new_target, "--reorder").stdout


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (
            {
                "_001_kinds": "CREATE TABLE public.kinds (name text, n int);",
                "_002_kinds": "CREATE TABLE public.kinds (name text);",
                "_003_drop": "DROP TABLE public.kinds;",
                "_004_more": "ALTER TABLE public.kinds ADD more int;",
            },
            "several orders of these files work, and they lead to different schemas; nothing was changed:",
        ),
        (
            {"_001_t": "CREATE TABLE public.t (n int);", "_002_t": "CREATE TABLE public.t (m int);"},
            "these files make what is there already; nothing was changed:",
        ),
        (
            {"_001_t": "ALTER TABLE public.t ADD m int; CREATE TABLE public.t (n int);"},
            "statements of these files use what is not there, in any order of the files; nothing was",
        ),
    ],
)
def test_what_no_order_settles_is_refused_with_reorder_too(
    files: dict[str, str], why: str, new_target: str, write: Write, run: Run
) -> None:
    write(**files)
    refused = run("apply", "m", "--target", new_target, "--reorder", "--no-try", exit_code=2).stderr
    assert why in refused
    assert asked(new_target, "SELECT to_regnamespace('migplan')") == [(None,)]


def test_what_nobody_makes_must_be_in_the_target(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="CREATE TABLE public.t (h int REFERENCES public.hotels (id));")
    refused = run("apply", "m", "--target", new_target, exit_code=2).stderr
    assert "table public.hotels, which 001_t needs in line 1" in refused
    assert asked(new_target, "SELECT to_regnamespace('migplan')") == [(None,)], "nothing was changed"
    with psycopg.connect(new_target) as connection:
        connection.execute("CREATE TABLE hotels (id int PRIMARY KEY)")
    run("apply", "m", "--target", new_target)


def test_what_cannot_be_derived_wants_a_down_part(new_target: str, write: Write, run: Run) -> None:
    write(**SHOP, _004_drop="ALTER TABLE public.customers DROP COLUMN name;")
    run("apply", "m", "--target", new_target)
    refused = run("rollback", "m", "--target", new_target, "--yes", exit_code=2).stderr
    assert "004_drop: column public.customers.name: it held values, which are gone" in refused
    assert "NAME.down.sql" in refused
    write(_004_drop__down="ALTER TABLE public.customers ADD COLUMN name text;")
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, "SELECT count(name) FROM customers") == [(0,)]


MOOD = {
    "_001_mood": "CREATE TYPE public.mood AS ENUM ('glad');",
    "_002_sad": "ALTER TYPE public.mood ADD VALUE 'sad'; CREATE TABLE public.other (n int);",
    "_003_t": "CREATE TABLE public.t (m public.mood DEFAULT 'sad'); INSERT INTO public.t VALUES ('sad');",
}
WARES = {
    "_001_wares": "CREATE TABLE public.wares (n int, code serial UNIQUE); CREATE INDEX ON wares (n, code);"
    "INSERT INTO public.wares VALUES (1), (2);",
    "_002_more": "ALTER TABLE public.wares ADD more int; CREATE TABLE public.other (n int);",
    "_003_less": "UPDATE public.wares SET n = n + 1; ALTER TABLE public.wares DROP code;"
    "CREATE TABLE public.t AS SELECT 1 AS n;",
}


@pytest.mark.parametrize(
    ("files", "kept", "why", "passed_over"),
    [
        (
            MOOD,
            "001_mood",
            "002_sad: enum public.mood: a value cannot be taken from an enum, and it has got 'sad'",
            ["value 'sad' of enum public.mood: goes with the enum, which 001_mood made"],
        ),
        (
            WARES,
            "001_wares",
            "003_less: column public.wares.code: it held values, which are gone",
            [
                "what rows of table public.wares were before: goes with the table, which 001_wares made",
                "what stood in column public.wares.code: goes with the table, which 001_wares made",
            ],
        ),
    ],
)
def test_what_is_lost_of_an_object_does_not_matter_where_all_of_it_goes(
    files: dict[str, str],
    kept: str,
    why: str,
    passed_over: list[str],
    new_target: str,
    write: Write,
    run: Run,
) -> None:
    write(**files)
    run("apply", "m", "--target", new_target)
    refused = run("rollback", "m", "--to", kept, "--target", new_target, "--yes", exit_code=2).stderr
    assert why in refused
    there = "SELECT to_regclass('t') IS NOT NULL, to_regclass('other') IS NOT NULL"
    assert asked(new_target, there) == [(True, True)], "nothing was changed"
    shown = run("rollback", "m", "--all", "--target", new_target, "--dry-run").stdout
    for each in passed_over:
        assert f"passed over: {each}" in " ".join(shown.split())
    assert "1  table public.t" in shown
    run("rollback", "m", "--all", "--target", new_target, "--yes")
    assert asked(new_target, there) == [(False, False)]
    assert asked(new_target, "SELECT to_regtype('mood'), to_regclass('wares')") == [(None, None)]
    assert "3 migrations of m applied" in run("apply", "m", "--target", new_target).stdout
    assert asked(new_target, there) == [(True, True)]


def test_what_is_passed_over_is_undone_with_what_takes_it_away_or_not_at_all(
    new_target: str, write: Write, run: Run
) -> None:
    write(**MOOD)
    run("apply", "m", "--target", new_target)
    with psycopg.connect(new_target) as connection:
        connection.execute("CREATE TABLE of_others (m public.mood)")
    failed = run("rollback", "m", "--all", "--target", new_target, "--yes", exit_code=2).stderr
    assert "001_mood" in failed
    assert "other objects depend on it" in failed
    shown = run("status", "m", "--target", new_target, exit_code=1).stdout
    assert shown.count("  applied  ") == 2, "the file whose value of the enum stays is not undone"
    with psycopg.connect(new_target) as connection:
        connection.execute("DROP TABLE of_others")
    run("apply", "m", "--target", new_target)
    run("rollback", "m", "--all", "--target", new_target, "--yes")
    assert asked(new_target, "SELECT to_regtype('mood'), to_regclass('other')") == [(None, None)]


@pytest.mark.parametrize(
    ("before", "files"),
    [
        pytest.param(
            MOOD["_001_mood"], {"_001_mood": "SELECT 1;", "_002_sad": MOOD["_002_sad"]}, id="there-before"
        ),
        pytest.param("", MOOD | {"_001_mood__down": "DROP TYPE public.mood;"}, id="taken-back-by-hand"),
        pytest.param(
            "",
            MOOD | {"_003_t": "DROP TYPE public.mood; CREATE TYPE public.mood AS ENUM ('glad', 'sad');"},
            id="another-of-that-name",
        ),
        pytest.param(
            "",
            WARES | {"_002_more": "INSERT INTO public.wares VALUES (5), (6);"},
            id="rows-of-another-file-were-changed",
        ),
        pytest.param(
            "",
            WARES
            | {
                "_001_wares": WARES["_001_wares"].replace("code", "id"),
                "_002_more": "ALTER TABLE public.wares RENAME id TO code;",
            },
            id="the-lost-column-was-renamed",
        ),
        pytest.param(
            "",
            WARES | {"_002_more": "CREATE INDEX code_n ON public.wares (code);"},
            id="the-lost-index-is-another-files",
        ),
    ],
)
def test_what_is_lost_of_an_object_matters_where_it_is_not_proven_to_go(
    before: str, files: dict[str, str], new_target: str, write: Write, run: Run
) -> None:
    with psycopg.connect(new_target) as connection:
        connection.execute(before.encode())
    write(**files)
    run("apply", "m", "--target", new_target)
    refused = run("rollback", "m", "--all", "--target", new_target, "--yes", exit_code=2).stderr
    assert "there is no way back from what was done; nothing was changed" in refused
    assert run("status", "m", "--target", new_target).stdout.count("  applied  ") == len(
        [name for name in files if not name.endswith("down")]
    )


def test_a_missing_way_back_is_asked_for_where_the_style_has_it(
    new_target: str, write: Write, run: Run
) -> None:
    folder = write(
        _001_t="-- migrate:up\nCREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1);",
        _002_empty="-- migrate:up\nTRUNCATE public.t; INSERT INTO public.t VALUES (2);",
    )
    run("apply", "m", "--target", new_target)
    refused = run("rollback", "m", "--target", new_target, "--yes", exit_code=2).stderr
    assert "002_empty: table public.t: its rows are gone, and they are not kept" in refused
    assert "-> write it, at the end of the file, after a line -- migrate:down" in refused
    folder.rename("elsewhere")
    refused = run("rollback", "m", "--target", new_target, "--yes", exit_code=2).stderr
    assert "-> write it into the folder, and name that" in refused
    assert asked(new_target, "SELECT n FROM t") == [(2,)]


def test_lint_can_stop_it(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="BEGIN; CREATE TABLE public.t (n int); COMMIT;")
    refused = run("apply", "m", "--target", new_target, "--strict", exit_code=2)
    assert "ML402" in refused.stderr
    (Path("migplan.yaml")).write_text("lint: {ML402: 'off'}\n")
    (Path("m") / "002_fill.go").write_text("")
    said = run("apply", "m", "--target", new_target, "--strict").stderr
    assert "note: 002_fill.go: is a program, which migplan does not run" in said
    assert asked(new_target, "SELECT count(*) FROM t") == [(0,)]


def test_scratch_is_a_target_too(write: Write, run: Run) -> None:
    write(**SHOP)
    assert "3 migrations of m applied to scratch" in run("apply", "m", "--target", "scratch").stdout


def test_verify_runs_verify_parts_and_looks_for_what_was_made(target: str, write: Write, run: Run) -> None:
    write(**SHOP)
    (Path("m") / "002_orders.verify.sql").write_text(
        "SELECT 'orders', CASE WHEN count(*) = 1 THEN 'ok' ELSE 'DIFFERS' END FROM public.orders;"
    )
    run("apply", "m", "--target", target)
    said = " ".join(run("verify", "m", "--target", target, "--scratch", target).stdout.split())
    assert "Tables 2/2 ok" in said
    assert "Indexes 1/1 ok" in said
    assert "Rows 3" in said
    assert "did what they say" in said
    with psycopg.connect(target) as connection:
        connection.execute("DROP INDEX orders_customer_idx; DELETE FROM orders")
    said = " ".join(run("verify", "m", "--target", target, "--scratch", target, exit_code=1).stdout.split())
    assert "Indexes 0/1 DIFFERS" in said
    assert "missing: index orders_customer_idx of public.orders" in said
    assert "002_orders.verify.sql:1: orders, DIFFERS" in said


def test_a_verify_part_cannot_write(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="CREATE TABLE public.t (n int);")
    (Path("m") / "001_t.verify.sql").write_text("INSERT INTO public.t VALUES (1); SELECT true;")
    run("apply", "m", "--target", new_target)
    assert (
        "read-only transaction"
        in run("verify", "m", "--target", new_target, "--scratch", new_target, exit_code=1).stdout
    )
    assert asked(new_target, "SELECT count(*) FROM t") == [(0,)]


def test_seeds_run_when_asked_and_may_run_again(new_target: str, write: Write, run: Run) -> None:
    folder = write(**SHOP)
    (folder / "seeds").mkdir()
    (folder / "seeds" / "more.sql").write_text(
        "INSERT INTO public.customers VALUES (9, 'Ada') ON CONFLICT DO NOTHING;"
    )
    run("apply", "m", "--target", new_target)
    assert asked(new_target, "SELECT count(*) FROM customers") == [(2,)]
    run("status", "m", "--target", new_target)
    for _ in range(2):
        run("apply", "m", "--target", new_target, "--seed")
        assert asked(new_target, "SELECT count(*) FROM customers") == [(3,)]
    run("rollback", "m", "--to", "001_customers", "--target", new_target, "--yes")
    assert asked(new_target, "SELECT to_regclass('orders')") == [(None,)]


def test_upkeep_runs_by_hand_and_is_written_down(target: str, write: Write, run: Run) -> None:
    folder = write(_001_t="CREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1), (2);")
    (folder / "maintenance").mkdir()
    (folder / "maintenance" / "clean.sql").write_text(
        "-- migplan: maintenance 0 3 * * *\nDELETE FROM public.t WHERE n > 1 RETURNING n;\n"
    )
    run("apply", "m", "--target", target)
    assert "clean ran in" in run("maintain", "clean", "--folder", "m", "--target", target).stdout
    assert asked(target, "SELECT n FROM t") == [(1,)]
    assert asked(target, "SELECT kind, state, notes FROM migplan.run ORDER BY run")[1:] == [
        ("maintain", "done", ["2"])
    ]
    line = run("maintain", "clean", "--folder", "m", "--emit", "crontab", "--target", "shop").stdout
    assert line.strip() == "0 3 * * * migplan maintain clean --folder m --target shop"
    assert (
        "cron.schedule('clean', '0 3 * * *'"
        in run("maintain", "clean", "--folder", "m", "--emit", "pg_cron").stdout
    )
    assert (
        "there is: clean" in run("maintain", "tidy", "--folder", "m", "--target", target, exit_code=2).stderr
    )


def test_what_people_wrote_for_the_example_holds(target: str, run: Run) -> None:
    shutil.copytree(Path(migplan.__file__).parents[1] / "migrations" / "resource-booking", "booking")
    folder = "booking"
    run("apply", folder, "--target", target)
    said = " ".join(run("verify", folder, "--target", target, "--scratch", target).stdout.split())
    for line in (
        "Tables 5/5 ok",
        "Triggers 4/4 ok",
        "Checks 7/7 ok",
        "Indexes 11/11 ok",
        "did what they say",
    ):
        assert line in said
    run("rollback", folder, "--target", target, "--yes")
    assert asked(target, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_protected_target_wants_a_receipt_of_the_same_files(
    newest: Server, new_target: str, write: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP", new_target)
    Path("migplan.yaml").write_text("targets: {shop: {url: '${SHOP}', protected: true}}\n")
    write(**SHOP)
    confirmed = ("apply", "m", "--target", "shop", "--confirm", "shop")
    assert "no receipt" in run(*confirmed, exit_code=2).stderr
    other = newest.create_database()
    try:
        run("apply", "m", "--target", newest.url(other))
        assert (
            "Receipt: m.receipts/"
            in run("verify", "m", "--target", newest.url(other), "--scratch", new_target).stdout
        )
    finally:
        newest.drop_database(other)
    write(_004_more="CREATE TABLE public.more ();")
    assert "no receipt" in run(*confirmed, exit_code=2).stderr, "another set of files"
    (Path("m") / "004_more.sql").unlink()
    run(*confirmed)
    assert asked(new_target, "SELECT rehearsal <> '' FROM migplan.run") == [(True,)]
    (file,) = Path("m.receipts").iterdir()
    receipt = Receipt.model_validate_json(file.read_bytes())
    assert [(step.file, step.rows) for step in receipt.steps] == [
        ("001_customers.sql", 2),
        ("002_orders.sql", 0),
        ("003_index.sql", 0),
    ]
    assert receipt.seconds == pytest.approx(sum(step.seconds for step in receipt.steps))
    assert receipt.seconds > 0


FILES_OF_STYLES: dict[str, dict[str, str]] = {
    "supabase": {
        "20250101000000_a.sql": "CREATE TABLE public.a (n int);",
        "20250102000000_b.sql": "CREATE VIEW public.b AS SELECT n FROM public.a;",
    },
    "dbmate": {
        "20250101_a.sql": "-- migrate:up\nCREATE TABLE public.a (n int);\n"
        "-- migrate:down\nDROP TABLE public.a;\n",
        "20250102_b.sql": "-- migrate:up\nCREATE VIEW public.b AS SELECT n FROM public.a;\n"
        "-- migrate:down\nDROP VIEW public.b;\n",
    },
    "flyway": {
        "V1__a.sql": "CREATE TABLE public.a (n int);",
        "V1.1__b.sql": "CREATE VIEW public.b AS SELECT n FROM public.a;",
        "U1.1__b.sql": "DROP VIEW public.b;",
    },
    "golang-migrate": {
        "1_a.up.sql": "CREATE TABLE public.a (n int);",
        "1_a.down.sql": "DROP TABLE public.a;",
        "2_b.up.sql": "CREATE VIEW public.b AS SELECT n FROM public.a;",
        "2_b.down.sql": "DROP VIEW public.b;",
    },
    "sqitch": {
        "sqitch.plan": "%syntax-version=1.0.0\n%project=p\n\n"
        "z 2025-01-01T00:00:00Z Eva <e@x.org> # first\n"
        "b [z] 2025-01-02T00:00:00Z Eva <e@x.org> # second\n",
        "deploy/z.sql": "BEGIN;\nCREATE TABLE public.a (n int);\nCOMMIT;\n",
        "deploy/b.sql": "BEGIN;\nCREATE VIEW public.b AS SELECT n FROM public.a;\nCOMMIT;\n",
        "revert/z.sql": "BEGIN;\nDROP TABLE public.a;\nCOMMIT;\n",
        "revert/b.sql": "BEGIN;\nDROP VIEW public.b;\nCOMMIT;\n",
        "verify/z.sql": "BEGIN;\nSELECT n FROM public.a WHERE false;\nROLLBACK;\n",
        "verify/b.sql": "SELECT n FROM public.b WHERE false;\n",
    },
}


def test_a_verify_part_whose_thing_a_later_file_removes_is_no_difference(
    new_target: str, write: Write, run: Run
) -> None:
    looks = "-- migplan: verify\nSELECT count(*) = 0 FROM public.{};"
    write(
        _001_a=f"CREATE TABLE public.a (n int);\n{looks.format('a')}",
        _002_b=f"CREATE TABLE public.b (n int);\n{looks.format('b')}",
        _003_less="DROP TABLE public.a;",
    )
    run("apply", "m", "--target", new_target)
    said = run("verify", "m", "--target", new_target).stdout
    assert "001_a     0 rows, undone by a later migration, as on the scratch server" in said
    assert "2 verify parts: every check holds" in run("rehearse", "m").stdout
    with psycopg.connect(new_target) as connection:
        connection.execute("INSERT INTO b VALUES (1)")
    assert "002_b     1 rows, DIFFERS" in run("verify", "m", "--target", new_target, exit_code=1).stdout


@pytest.mark.parametrize("style", FILES_OF_STYLES)
def test_folders_of_others_run_as_they_are(style: str, new_target: str, run: Run) -> None:
    for name, text in FILES_OF_STYLES[style].items():
        file = Path("m", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    there = "SELECT to_regclass('public.a') IS NOT NULL, to_regclass('public.b') IS NOT NULL"
    run("apply", "m", "--target", new_target)
    assert asked(new_target, there) == [(True, True)]
    run("verify", "m", "--target", new_target, "--scratch", new_target)
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, there) == [(True, False)]
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, there) == [(False, False)]
    assert "nothing to do" in run("rollback", "m", "--target", new_target, "--yes").stdout
    run("apply", "m", "--target", new_target)
    assert asked(new_target, there) == [(True, True)]


def test_of_a_change_that_was_reworked_the_last_verify_part_is_to_hold(new_target: str, run: Run) -> None:
    files = {
        "sqitch.plan": "%project=p\n\nf 2025-01-01T00:00:00Z Eva <e@x.org>\n"
        "@v1 2025-01-01T00:00:00Z Eva <e@x.org>\n"
        "f [f@v1] 2025-01-02T00:00:00Z Eva <e@x.org>\n",
        "deploy/f@v1.sql": "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "deploy/f.sql": "DROP FUNCTION public.f(); "
        "CREATE FUNCTION public.f(n int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "verify/f@v1.sql": "SELECT public.f();",
        "verify/f.sql": "SELECT public.f(1);",
    }
    for name, text in files.items():
        Path("m", name).parent.mkdir(parents=True, exist_ok=True)
        Path("m", name).write_text(text)
    verify = ("verify", "m", "--target", new_target, "--scratch", new_target)
    assert "1 verify part: every check holds" in run("rehearse", "m").stdout
    run("apply", "m", "--target", new_target)
    said = run(*verify).stdout
    assert "f@v1  verify part not run: done anew by f\n" in said
    assert "f     1 rows, ok\n" in said
    run("rollback", "m", "--target", new_target, "--yes")
    assert "f@v1  1 rows, ok\n" in run(*verify, exit_code=1).stdout
    run("apply", "m", "--target", new_target)
    Path("m/verify/f.sql").write_text("SELECT public.f();")
    assert "f     0 rows, DIFFERS\n" in run(*verify, exit_code=1).stdout


def test_strict_looks_at_what_is_pending_alone(new_target: str, write: Write, run: Run) -> None:
    write(_001_ab="BEGIN; CREATE TABLE public.t (n int); COMMIT;")
    run("apply", "m", "--target", new_target)
    write(_001_a="CREATE TABLE public.u (n int);")
    run("apply", "m", "--target", new_target, "--strict")
    assert asked(new_target, "SELECT count(*) FROM u") == [(0,)]


def test_a_dry_run_says_what_apply_would_do(new_target: str, write: Write, run: Run) -> None:
    folder = write(**SHOP)
    (folder / "seeds").mkdir()
    (folder / "seeds" / "more.sql").write_text("INSERT INTO public.customers VALUES (9, 'Ada');")
    dry = ("apply", "m", "--target", new_target, "--dry-run")
    assert "3 migrations would be applied" in run(*dry).stdout
    assert "2 migrations would be applied" in run(*dry, "--to", "002_orders").stdout
    run("apply", "m", "--target", new_target)
    assert "0 migrations would be applied" in run(*dry).stdout
    assert "1 migration would be applied" in run(*dry, "--seed").stdout
    write(_000_first="ALTER TABLE public.last ADD m int;", _009_last="CREATE TABLE public.last (n int);")
    assert "which 009_last, line 1, makes" in run(*dry, exit_code=2).stderr
    assert "2 migrations would be applied" in run(*dry, "--reorder").stdout


def test_upkeep_with_a_transaction_of_its_own_and_rows(new_target: str, write: Write, run: Run) -> None:
    folder = write(_001_t="CREATE TABLE public.t (n int, t text);")
    (folder / "maintenance").mkdir()
    upkeep = folder / "maintenance" / "fill.sql"
    rows = "COPY public.t (n, t) FROM stdin;\n1\tEva\n2\t\\N\n\\.\n"
    upkeep.write_text(f"BEGIN;\n{rows}SELECT n, t FROM public.t ORDER BY n;\nCOMMIT;\n")
    run("apply", "m", "--target", new_target)
    said = run("maintain", "fill", "--folder", "m", "--target", new_target).stdout
    assert said.splitlines()[:2] == ["1, Eva", "2, None"]
    upkeep.write_text("DELETE FROM public.t;\nSELECT 1/0;\n")
    failed = run("maintain", "fill", "--folder", "m", "--target", new_target, exit_code=2).stderr
    assert "maintenance/fill.sql:2: division by zero" in failed
    assert asked(new_target, "SELECT count(*) FROM t") == [(2,)]
    upkeep.write_text("BEGIN READ ONLY;\nSELECT max(n) FROM public.t;\nCOMMIT;\n")
    assert run("maintain", "fill", "--folder", "m", "--target", new_target).stdout.startswith("2\n")
    upkeep.write_text("VACUUM public.t;\n")
    assert run("maintain", "fill", "--folder", "m", "--target", new_target).stdout.startswith("VACUUM\n")
    assert asked(new_target, "SELECT kind, state FROM migplan.run ORDER BY run")[1:] == [
        ("maintain", "done"),
        ("maintain", "failed"),
        ("maintain", "done"),
        ("maintain", "done"),
    ]


def test_an_interrupt_in_a_transform_says_what_stays(new_target: str, write: Write, run: Run) -> None:
    folder = write(_001_people="CREATE TABLE public.people (id int PRIMARY KEY, copied int);")
    with psycopg.connect(new_target, autocommit=True) as connection:
        connection.execute("CREATE TABLE units AS SELECT generate_series(1, 5) AS id")
    program = folder / "002_copy.py"
    program.write_text(
        "from migplan.data import DataStep, Row\n"
        "def change(row):\n"
        "    if row['id'] == 4:\n"
        "        raise KeyboardInterrupt\n"
        "    return Row(id=row['id'])\n"
        "STEP = DataStep(read='SELECT * FROM units', key=('id',), transform=change, into='people', batch=2)\n"
    )
    stopped = run("apply", "m", "--target", new_target, exit_code=130)
    assert "migplan: stopped; what was not committed is rolled back" in stopped.stderr
    assert "stays: 1 migration applied; 1 to go\n  -> go on: migplan apply m" in stopped.stderr
    assert asked(new_target, "SELECT id FROM people ORDER BY 1") == [(1,), (2,), (3,)]
    assert asked(new_target, "SELECT key, done FROM migplan.checkpoint") == [(["3"], 3)]
    assert asked(new_target, "SELECT state FROM migplan.run") == [("stopped",)]
    assert "002_copy" in run("status", "m", "--target", new_target, exit_code=1).stdout


def test_apply_runs_verify_parts_with_their_files_and_stops_at_a_difference(
    new_target: str, write: Write, run: Run
) -> None:
    folder = write(**SHOP)
    (folder / "001_customers.verify.sql").write_text("SELECT count(*) = 2 FROM public.customers;")
    looks = folder / "002_orders.verify.sql"
    looks.write_text("SELECT 1;\nSELECT 'orders', count(*) = 7 FROM public.orders;\nSELECT nothing;\n")
    apply = ("apply", "m", "--target", new_target, "--verify")
    said = run(*apply, exit_code=2).stderr
    assert "002_orders.verify.sql:2: the verify part of 002_orders says that it differs: orders, " in said
    assert '002_orders.verify.sql:3: column "nothing" does not exist' in said
    assert "stays: 1 migration applied; 2 to go" in said
    there = asked(new_target, "SELECT to_regclass('orders'), to_regclass('customers')")
    assert there == [(None, "customers")]
    looks.write_text("SET TRANSACTION READ ONLY; SELECT count(*) = 1 FROM public.orders;")
    (folder / "003_index.verify.sql").write_text("SELECT false;")
    said = run(*apply, exit_code=2).stderr
    assert "003_index could not be one transaction: it stays applied" in said
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_customer_idx'::regclass"
    assert asked(new_target, valid) == [(True,)]
    run("status", "m", "--target", new_target)
    assert "nothing to do" in run(*apply).stdout
