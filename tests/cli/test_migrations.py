"""Folders of hand-written migrations on real servers: apply, status, rollback, and what goes wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

import migplan
from tests.cli.conftest import Run
from tests.servers import Server

Write = Callable[..., Path]


@pytest.fixture
def target(server: Server) -> Iterator[str]:
    """An empty database on each version."""
    name = server.create_database()
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


@pytest.fixture
def new_target(newest: Server) -> Iterator[str]:
    """An empty database, where the version does not matter."""
    name = newest.create_database()
    try:
        yield newest.url(name)
    finally:
        newest.drop_database(name)


@pytest.fixture
def write(nowhere: Path) -> Write:
    """Write files into the folder m."""

    def files(**texts: str) -> Path:
        folder = nowhere / "m"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name.replace('__down', '.down')[1:]}.sql").write_text(text)
        return folder

    return files


def asked(url: str, question: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode()).fetchall()


SHOP = {
    "_001_customers": "CREATE TABLE public.customers (id int PRIMARY KEY, name text);\n"
    "COPY public.customers (id, name) FROM stdin;\n1\tEva\n2\t\\N\n\\.\n",
    "_002_orders": "CREATE TABLE public.orders\n"
    "  (id int PRIMARY KEY, customer int REFERENCES public.customers);\n"
    "INSERT INTO public.orders VALUES (1, 1);\n",
    "_003_index": "CREATE INDEX CONCURRENTLY orders_customer_idx ON public.orders (customer);\n",
}


def test_what_is_pending_is_applied_once(target: str, write: Write, run: Run) -> None:
    write(**SHOP)
    said = run("apply", "m", "--target", target).stdout
    assert "3 migrations of m applied" in said
    assert asked(target, "SELECT * FROM customers ORDER BY id") == [(1, "Eva"), (2, None)]
    assert asked(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_customer_idx'::regclass")
    assert "all 3 migrations are applied" in run("apply", "m", "--target", target).stdout
    assert run("status", "m", "--target", target).stdout.count("  applied  ") == 3
    write(_004_more="ALTER TABLE public.orders ADD COLUMN note text;")
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


def test_a_failure_leaves_what_came_before_it(target: str, write: Write, run: Run) -> None:
    write(
        **SHOP,
        _004_bad="INSERT INTO public.orders VALUES (7, 1);\nINSERT INTO public.orders\n  VALUES (1/0, 1);",
    )
    failed = run("apply", "m", "--target", target, exit_code=2).stderr
    assert "004_bad.sql:2: division by zero" in failed
    assert "3 migrations applied; 1 to go" in failed
    assert asked(target, "SELECT count(*) FROM orders") == [(1,)], "the file is one transaction"
    write(_004_bad="INSERT INTO public.orders VALUES (8, 1);")
    run("apply", "m", "--target", target)
    assert asked(target, "SELECT id FROM orders ORDER BY id") == [(1,), (8,)]


def test_an_index_left_invalid_is_built_again(target: str, write: Write, run: Run) -> None:
    write(
        _001_t="CREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1), (1);",
        _002_u="CREATE UNIQUE INDEX CONCURRENTLY t_n ON public.t (n);",
    )
    assert "could not create unique index" in run("apply", "m", "--target", target, exit_code=2).stderr
    assert asked(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n'::regclass") == [(False,)]
    with psycopg.connect(target) as connection:
        connection.execute("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)")
    run("apply", "m", "--target", target)
    assert asked(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n'::regclass") == [(True,)]


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
    assert "made by 002_customers, line 1" in refused
    run("apply", "m", "--target", new_target, "--reorder")
    assert "all 2 migrations are applied" in run("apply", "m", "--target", new_target, "--reorder").stdout


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
    assert "004_drop, line 1" in refused
    assert "NAME.down.sql" in refused
    write(_004_drop__down="ALTER TABLE public.customers ADD COLUMN name text;")
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, "SELECT count(name) FROM customers") == [(0,)]


def test_lint_can_stop_it(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="BEGIN; CREATE TABLE public.t (n int); COMMIT;")
    refused = run("apply", "m", "--target", new_target, "--strict", exit_code=2)
    assert "ML402" in refused.stderr
    (Path("migplan.yaml")).write_text("lint: {ML402: 'off'}\n")
    run("apply", "m", "--target", new_target, "--strict")
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
    said = " ".join(run("verify", "m", "--target", target).stdout.split())
    assert "Tables 2/2 ok" in said
    assert "Indexes 1/1 ok" in said
    assert "Rows 3" in said
    assert "did what they say" in said
    with psycopg.connect(target) as connection:
        connection.execute("DROP INDEX orders_customer_idx; DELETE FROM orders")
    said = " ".join(run("verify", "m", "--target", target, exit_code=1).stdout.split())
    assert "Indexes 0/1 DIFFERS" in said
    assert "missing: index public.orders_customer_idx" in said
    assert "002_orders.verify.sql:1: orders, DIFFERS" in said


def test_a_verify_part_cannot_write(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="CREATE TABLE public.t (n int);")
    (Path("m") / "001_t.verify.sql").write_text("INSERT INTO public.t VALUES (1); SELECT true;")
    run("apply", "m", "--target", new_target)
    assert "read-only transaction" in run("verify", "m", "--target", new_target, exit_code=1).stdout
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
    said = " ".join(run("verify", folder, "--target", target).stdout.split())
    for line in ("Tables 5/5 ok", "Triggers 4/4 ok", "Constraints 18/18 ok", "did what they say"):
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
        assert "Receipt: " in run("verify", "m", "--target", newest.url(other)).stdout
    finally:
        newest.drop_database(other)
    write(_004_more="CREATE TABLE public.more ();")
    assert "no receipt" in run(*confirmed, exit_code=2).stderr, "another set of files"
    (Path("m") / "004_more.sql").unlink()
    run(*confirmed)
    assert asked(new_target, "SELECT rehearsal <> '' FROM migplan.run") == [(True,)]


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


@pytest.mark.parametrize("style", FILES_OF_STYLES)
def test_folders_of_others_run_as_they_are(style: str, new_target: str, run: Run) -> None:
    for name, text in FILES_OF_STYLES[style].items():
        file = Path("m", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    there = "SELECT to_regclass('public.a') IS NOT NULL, to_regclass('public.b') IS NOT NULL"
    run("apply", "m", "--target", new_target)
    assert asked(new_target, there) == [(True, True)]
    run("verify", "m", "--target", new_target)
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, there) == [(True, False)]
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, there) == [(False, False)]
    assert "nothing to do" in run("rollback", "m", "--target", new_target, "--yes").stdout
    run("apply", "m", "--target", new_target)
    assert asked(new_target, there) == [(True, True)]


def test_windows_files_and_empty_ones(target: str, nowhere: Path, run: Run) -> None:
    folder = nowhere / "m"
    folder.mkdir()
    (folder / "001_a.sql").write_bytes(
        b"\xef\xbb\xbfCREATE TABLE public.a (n int, t text);\r\n"
        b"COPY public.a (n, t) FROM stdin;\r\n1\tEva\r\n2\t\\N\r\n\\.\r\n"
        b"INSERT INTO public.a VALUES (3, 'x');\r\n"
    )
    (folder / "002_empty.sql").write_bytes(b"")
    (folder / "003_comment.sql").write_bytes(b"-- nothing yet\r\n")
    run("apply", "m", "--target", target)
    assert asked(target, "SELECT n, t FROM a ORDER BY n") == [(1, "Eva"), (2, None), (3, "x")]
    assert "nothing to do" in run("apply", "m", "--target", target).stdout


def test_what_only_psql_understands_is_refused_with_its_line(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="CREATE TABLE public.t (n int);\n\\copy t from 'x'\n")
    assert "001_t.sql:2" in run("apply", "m", "--target", new_target, exit_code=2).stderr


@pytest.mark.parametrize("nap", ["before", "within"])
def test_a_client_that_is_killed_leaves_whole_files(
    nap: str, new_target: str, write: Write, run: Run
) -> None:
    slow = "SELECT pg_sleep(30);"
    write(
        _001_a="CREATE TABLE public.a (n int);",
        _002_b=f"INSERT INTO public.a VALUES (1);{slow if nap == 'within' else ''}",
        _003_c=f"{slow if nap == 'before' else ''}INSERT INTO public.a VALUES (2);",
    )
    command = [sys.executable, "-m", "migplan", "apply", "m", "--target", new_target]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        sleeping = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        for _ in range(300):
            if asked(new_target, sleeping) == [(True,)]:
                break
            time.sleep(0.05)
        process.kill()
    assert asked(new_target, "SELECT count(*) FROM a") == [(1 if nap == "before" else 0,)]
    for name in ("002_b", "003_c"):
        file = Path("m", f"{name}.sql")
        file.write_text(file.read_text().replace(slow, ""))
    run("apply", "m", "--target", new_target)
    assert asked(new_target, "SELECT n FROM a ORDER BY n") == [(1,), (2,)]
