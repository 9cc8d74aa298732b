"""Files of hand-written migrations as the server gets them: their bytes, their lines, and what fails."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Run
from tests.cli.folders import SHOP, Write, asked

pytestmark = pytest.mark.slow


def test_a_failure_leaves_what_came_before_it(target: str, write: Write, run: Run) -> None:
    write(
        **SHOP,
        _004_bad="INSERT INTO public.orders VALUES (7, 1);\nINSERT INTO public.orders\n  VALUES (1/0, 1);",
    )
    tried = run("apply", "m", "--target", target, exit_code=2).stderr
    assert "004_bad.sql:2: division by zero" in tried
    assert "nothing was changed" in tried
    assert asked(target, "SELECT to_regclass('orders')") == [(None,)], "it was tried before the target"
    failed = run("apply", "m", "--target", target, "--no-try", exit_code=2).stderr
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
    failed = run("apply", "m", "--target", target, "--no-try", exit_code=2).stderr
    assert "could not create unique index" in failed
    assert asked(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n'::regclass") == [(False,)]
    with psycopg.connect(target) as connection:
        connection.execute("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)")
    run("apply", "m", "--target", target, "--no-try")
    assert asked(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n'::regclass") == [(True,)]


HALF = """-- migplan: no-transaction
CREATE TABLE public.t (n int);
INSERT INTO public.t VALUES (1);
INSERT INTO public.t VALUES (1/0);
INSERT INTO public.t VALUES (3);
"""


@pytest.mark.parametrize(
    "fixed",
    [
        HALF.replace("1/0", "2"),
        HALF.replace("no-transaction", "no-transaction\n-- fixed").replace(
            "INSERT INTO public.t VALUES (1/0)", "SET search_path = public;\n\nINSERT INTO t VALUES (2)"
        ),
        HALF.replace("-- migplan: no-transaction\n", "").replace("1/0", "2"),
    ],
    ids=["the-statement", "other-lines", "in-one-transaction"],
)
def test_a_half_goes_on_with_what_was_fixed_behind_it(
    fixed: str, new_target: str, write: Write, run: Run
) -> None:
    write(_001_t=HALF)
    failed = run("apply", "m", "--target", new_target, "--no-try", exit_code=2).stderr
    assert "001_t.sql:4: division by zero" in failed
    assert "half done: 001_t: 2 statements done, and kept so; what comes after may be changed" in failed
    write(_001_t=fixed.replace("(3)", "(3/0)"))
    assert "half done" in run("status", "m", "--target", new_target, exit_code=1).stdout
    run("apply", "m", "--target", new_target, "--no-try", exit_code=2)
    write(_001_t=f"-- and once more\n{fixed}")
    run("apply", "m", "--target", new_target, "--no-try")
    assert asked(new_target, "SELECT n FROM t ORDER BY n") == [(1,), (2,), (3,)]
    assert "nothing to do" in run("apply", "m", "--target", new_target).stdout
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, "SELECT to_regclass('t')") == [(None,)]


def test_a_half_that_is_changed_in_what_is_done_can_be_taken_back(
    new_target: str, write: Write, run: Run
) -> None:
    write(_001_t=HALF)
    run("apply", "m", "--target", new_target, "--no-try", exit_code=2)
    write(_001_t=HALF.replace("n int", "n bigint").replace("1/0", "2"))
    for more in ([], ["--repair"]):
        refused = run("apply", "m", "--target", new_target, "--no-try", *more, exit_code=2).stderr
        assert "only the first statements are done, and these are not any more as they were run" in refused
        assert "001_t, 2 statements done by" in refused
    run("rollback", "m", "--target", new_target, "--yes")
    run("apply", "m", "--target", new_target, "--no-try")
    assert asked(new_target, "SELECT pg_typeof(n)::text, n FROM t ORDER BY n LIMIT 1") == [("bigint", 1)]


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
    command = [sys.executable, "-m", "migplan", "apply", "m", "--target", new_target, "--no-try"]
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


def test_a_file_is_one_message_to_the_server(new_target: str, write: Write, run: Run) -> None:
    moment = "INSERT INTO public.t SELECT pg_catalog.statement_timestamp();\n"
    write(_001_t=f"CREATE TABLE public.t (at timestamptz);\n-- twice\n{moment}{moment}")
    run("apply", "m", "--target", new_target)
    assert asked(new_target, "SELECT count(*), count(DISTINCT at) FROM t") == [(2, 1)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("SELECT 1 FROM;", "syntax error"), ("SELECT  nobody;", "nobody"), ("SELECT 1/0;", "division by zero")],
)
def test_the_line_of_what_fails_in_a_file(
    wrong: str, said: str, new_target: str, write: Write, run: Run
) -> None:
    write(_001_t=f"CREATE TABLE public.t (n int);\n\n-- Zürich\nSELECT 'Zürich';\n{wrong}\nSELECT 2;\n")
    failed = run("apply", "m", "--target", new_target, exit_code=2).stderr
    assert "001_t.sql:5: " in failed
    assert said in failed
    assert asked(new_target, "SELECT to_regclass('t')") == [(None,)]


def test_strings_are_read_as_the_file_has_set_it(new_target: str, write: Write, run: Run) -> None:
    write(
        _001_t="SET standard_conforming_strings = off;\nCREATE TABLE public.t AS SELECT 'a\\nb'::text AS x;\n"
    )
    run("apply", "m", "--target", new_target)
    assert asked(new_target, "SELECT x FROM t") == [("a\nb",)]


def test_a_file_may_be_a_link(new_target: str, write: Write, run: Run, nowhere: Path) -> None:
    folder = write(**SHOP)
    (nowhere / "elsewhere.sql").write_text("CREATE TABLE public.linked (n int);")
    (folder / "004_linked.sql").symlink_to(nowhere / "elsewhere.sql")
    run("apply", "m", "--target", new_target)
    assert asked(new_target, "SELECT file FROM migplan.step WHERE name = '004_linked'") == [
        ("004_linked.sql",)
    ]
    run("rollback", "m", "--target", new_target, "--yes")
    assert asked(new_target, "SELECT to_regclass('linked')") == [(None,)]


_SAYS = "INSERT INTO public.said SELECT '{}', current_setting('transaction_isolation');\n"
_IS_READ_ONLY = "SELECT 1 / (current_setting('transaction_read_only') = 'on')::int;\n"
_OF_TRANSACTIONS = {
    "_001_said": "CREATE TABLE public.said (file text, level text);",
    "_002_begin": f"BEGIN ISOLATION LEVEL SERIALIZABLE;\n{_SAYS.format(2)}COMMIT;",
    "_003_set": "BEGIN;\n-- first of all\nSET LOCAL lock_timeout = '1s';\nSET TRANSACTION ISOLATION LEVEL "
    f"REPEATABLE READ, DEFERRABLE;\nLOCK TABLE public.said;\n{_SAYS.format(3)}COMMIT;",
    "_004_setting": f"SET transaction_isolation = 'repeatable read';\n{_SAYS.format(4)}",
    "_005_session": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n"
    f"BEGIN;\n{_SAYS.format(5)}COMMIT;",
    "_006_two": f"BEGIN;\n{_SAYS.format('6a')}COMMIT;\n"
    f"START TRANSACTION ISOLATION LEVEL REPEATABLE READ;\n{_SAYS.format('6b')}END;",
    "_007_looks": f"BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;\n{_IS_READ_ONLY}SAVEPOINT a;\n"
    f"ROLLBACK TO SAVEPOINT a;\nCOMMIT;\nBEGIN;\n{_SAYS.format(7)}COMMIT;",
    "_008_alone": "-- migplan: no-transaction\nBEGIN ISOLATION LEVEL SERIALIZABLE;\n"
    f"{_SAYS.format('8a')}COMMIT;\nSET default_transaction_read_only = on;\n{_IS_READ_ONLY}"
    f"SET default_transaction_read_only = off;\n{_SAYS.format('8b')}",
    "_009_plain": f"{_SAYS.format(9)}",
    "_009_plain__down": "BEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n"
    "DELETE FROM public.said WHERE file = '9';\nCOPY public.said FROM stdin;\ncopied\t\n\\.\n"
    f"{_SAYS.format('9 down')}COMMIT;",
}
_LEVELS = [
    *(("2", "serializable"), ("3", "repeatable read"), ("4", "repeatable read"), ("5", "serializable")),
    *(("6a", "repeatable read"), ("6b", "repeatable read"), ("7", "serializable"), ("8a", "serializable")),
    *(("8b", "read committed"), ("9", "read committed")),
]


def test_what_a_file_says_of_its_transaction_holds_for_its_statements(
    target: str, write: Write, run: Run
) -> None:
    folder = write(**_OF_TRANSACTIONS)
    looks = f"BEGIN ISOLATION LEVEL SERIALIZABLE, DEFERRABLE;\n{_IS_READ_ONLY}ROLLBACK;"
    (folder / "009_plain.verify.sql").write_text(looks)
    run("apply", "m", "--target", target, "--verify")
    assert asked(target, "SELECT file, level FROM said ORDER BY file") == _LEVELS
    (folder / "009_plain.verify.sql").write_text(
        looks.replace(
            "ROLLBACK", "SELECT current_setting('transaction_isolation') = 'serializable'; ROLLBACK"
        )
    )
    run("verify", "m", "--target", target)
    run("rollback", "m", "--target", target, "--yes")
    assert asked(target, "SELECT level FROM said WHERE file = '9 down'") == [("serializable",)]


def test_what_commits_by_itself_runs_where_the_file_wants_no_transaction(
    new_target: str, write: Write, run: Run
) -> None:
    write(
        _001_t="CREATE TABLE public.t (n int);\nCREATE PROCEDURE public.fill(n int) LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO public.t VALUES (n); COMMIT; INSERT INTO public.t VALUES (8 / (n - 2)); END';",
        _002_call="CALL public.fill(1);",
    )
    words = ("apply", "m", "--target", new_target)
    hint = "a file of its own that begins with -- migplan: no-transaction"
    assert hint in run(*words, exit_code=2).stderr
    assert hint in run(*words, "--no-try", exit_code=2).stderr
    assert hint in run("analyze", "m", "--try", exit_code=1).stdout
    write(_002_call="-- migplan: no-transaction\nCALL public.fill(1);\nDO 'BEGIN CALL public.fill(2); END';")
    failed = run(*words, "--no-try", exit_code=2).stderr
    assert "002_call.sql:3: division by zero" in failed
    assert "what it did before it failed stays; the next apply runs it from its beginning" in failed
    assert asked(new_target, "SELECT n FROM t") == [(1,), (-8,), (2,)]
    why = "it commits by itself, and what it did to rows is not known: CALL public.fill(1) (line 2)"
    assert why in run("rollback", *words[1:], "--yes", exit_code=2).stderr, "half of it is done"
    with psycopg.connect(new_target) as connection:
        connection.execute(
            "CREATE OR REPLACE PROCEDURE public.fill(n int) LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO public.t VALUES (n * 10); COMMIT; END'"
        )
    run(*words, "--no-try")
    assert asked(new_target, "SELECT n FROM t") == [(1,), (-8,), (2,), (20,)], "what was done is not repeated"
    assert why in run("rollback", *words[1:], "--yes", exit_code=2).stderr
    more = "CREATE TABLE public.more (n int);"
    write(_003_more=more, _003_more__down="CALL public.fill(3);\nDROP TABLE public.more;")
    run(*words, "--no-try")
    failed = run("rollback", *words[1:], "--yes", exit_code=2).stderr
    assert "let the file of the migration begin with -- migplan: no-transaction" in failed
    write(_003_more=f"-- migplan: no-transaction\n{more}")
    run("rollback", *words[1:], "--yes")
    assert asked(new_target, "SELECT max(n), to_regclass('more') FROM t") == [(30, None)]


def test_files_with_transactions_of_their_own_are_tried_and_rehearsed(
    new_target: str, write: Write, run: Run
) -> None:
    folder = write(
        **{name: _OF_TRANSACTIONS[name] for name in ("_001_said", "_009_plain", "_009_plain__down")}
    )
    (folder / "009_plain.verify.sql").write_text(
        "BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT true;\nROLLBACK;"
    )
    assert "2 run" in run("analyze", "m", "--try").stdout
    assert "1 verify part: every check holds" in run("rehearse", "m").stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("BEGIN READ ONLY;\nSELECT 1;\nINSERT INTO public.t VALUES (1);\nCOMMIT;", 3),
        ("SET TRANSACTION READ ONLY;\nINSERT INTO public.t VALUES (1);", 2),
        ("INSERT INTO public.t VALUES (1);\nSET TRANSACTION READ ONLY;\nDELETE FROM public.t;", 3),
    ],
)
def test_a_file_that_says_read_only_cannot_write(
    text: str, line: int, new_target: str, write: Write, run: Run
) -> None:
    write(_001_t="CREATE TABLE public.t (n int);", _002_looks=text)
    failed = run("apply", "m", "--target", new_target, "--no-try", exit_code=2).stderr
    assert f"002_looks.sql:{line}: cannot execute" in failed
    assert "in a read-only transaction" in failed
    assert asked(new_target, "SELECT count(*) FROM t") == [(0,)]


def test_a_level_that_comes_too_late_is_refused_by_the_server(
    new_target: str, write: Write, run: Run
) -> None:
    write(_001_late="BEGIN;\nSELECT 1;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nCOMMIT;")
    failed = run("apply", "m", "--target", new_target, "--no-try", exit_code=2).stderr
    assert "001_late.sql:3: SET TRANSACTION ISOLATION LEVEL must be called before any query" in failed


def test_tables_are_locked_before_the_only_snapshot_is_taken(new_target: str, write: Write, run: Run) -> None:
    """What others commit while the file waits for its lock is seen by it."""
    write(
        _001_t="CREATE TABLE public.t (n int);",
        _002_sum="BEGIN ISOLATION LEVEL REPEATABLE READ;\nLOCK TABLE public.t IN EXCLUSIVE MODE;\n"
        "CREATE TABLE public.sums AS SELECT count(*) FROM public.t;\nCOMMIT;",
    )
    run("apply", "m", "--target", new_target, "--to", "001_t")
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass"
    with psycopg.connect(new_target) as other:
        other.execute("INSERT INTO t VALUES (1)")

        def commits() -> None:
            while asked(new_target, waits) != [(1,)]:
                time.sleep(0.02)
            other.commit()

        thread = threading.Thread(target=commits)
        thread.start()
        run("apply", "m", "--target", new_target)
        thread.join()
    assert asked(new_target, "SELECT * FROM sums") == [(1,)]
