"""Folders of hand-written migrations on real servers: apply, status, rollback, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

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
