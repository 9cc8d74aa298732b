"""A bundle that was edited on purpose is accepted: what that shows, seals anew, and refuses."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from migplan.bundle.check.edits import edits_of
from migplan.bundle.check.examine import check
from migplan.bundle.manifest import load, save
from migplan.bundle.paths import BundlePaths
from migplan.postgres.address import parse
from migplan.postgres.session import connect
from tests.cli.conftest import Run
from tests.export.loading import export
from tests.servers import Server

pytestmark = pytest.mark.slow

SHOP = """
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers);
CREATE TABLE made (n int GENERATED ALWAYS AS IDENTITY, also text DEFAULT 'x');
INSERT INTO customers (name) SELECT 'c' || n FROM generate_series(1, 4) n;
INSERT INTO orders SELECT n, 1 + n % 4 FROM generate_series(1, 6) n;
CREATE SCHEMA theirs;
CREATE TABLE theirs.kinds (k int PRIMARY KEY, said text NOT NULL);
INSERT INTO theirs.kinds VALUES (1, 'one');
ALTER TABLE made ADD kind int NOT NULL DEFAULT 1 REFERENCES theirs.kinds;
INSERT INTO made DEFAULT VALUES;
CREATE VIEW busy AS SELECT customer, count(*) FROM orders GROUP BY customer;
"""
PROVIDED = SHOP[SHOP.index("CREATE SCHEMA") : SHOP.index("ALTER TABLE made")]
SCHEMA, ROWS = "01-schema-all.sql", "10-data-all.sql"


@pytest.fixture(scope="module")
def exported(newest: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Bundles of the shop, by how they were exported."""
    folder = tmp_path_factory.mktemp("shop")
    source = newest.create_database(SHOP)
    ways = {
        "copy": (),
        "insert": ("--data-format", "insert"),
        "rows": ("--data-only",),
        "live": ("--rows", "live"),
    }
    for name, words in ways.items():
        export(newest.url(source), folder / name, "--provided", "theirs", *words)
    (folder / "source").write_text(newest.url(source))
    yield folder
    newest.drop_database(source)


@pytest.fixture
def b(exported: Path, nowhere: Path) -> Path:
    """A bundle to edit."""
    return Path(shutil.copytree(exported / "copy", nowhere / "b")).relative_to(nowhere)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def digest(folder: Path) -> str:
    return hashlib.sha256(BundlePaths(folder).manifest.read_bytes()).hexdigest()


def test_an_edit_is_shown_sealed_and_runs_there_and_back(run: Run, b: Path, new_target: str) -> None:
    before = digest(b)
    edit(b / SCHEMA, "    name text NOT NULL", "    name text NOT NULL,\n    note text DEFAULT 'none'")
    with (b / SCHEMA).open("a") as file:
        file.write("CREATE TABLE public.notes (n int PRIMARY KEY REFERENCES public.customers);\n")
    assert (
        "there is no primary key for referenced table"
        in run("check", str(b), "--accept", "--yes", exit_code=2).stderr
    )
    edit(b / SCHEMA, " REFERENCES public.customers", "")
    edit(b / ROWS, "4\tc4\n", "4\tc4\n5\tc5\n")
    refused = run("check", str(b), "--accept", "--yes", exit_code=2)
    assert "sequence public.customers_id_seq: gives 5 next, and id has reached 5" in refused.stderr
    edit(b / ROWS, "customers_id_seq', 4, true", "customers_id_seq', 5, true")
    refused = run("check", str(b), "--accept", "--yes", exit_code=2)
    assert "the way back does not lead back" in refused.stderr
    assert "added: table public.notes" in refused.stderr
    with (b / "rollback" / SCHEMA).open("a") as file:
        file.write("DROP TABLE IF EXISTS public.notes;\n")
    assert digest(b) == before
    assert "--yes accepts it without asking" in run("check", str(b), "--accept", exit_code=2).stderr
    BundlePaths(b).manifest.with_name("manifest.json.sig").write_text("a signature")
    said = run("check", str(b), "--accept", "--yes").stdout
    for line in (
        "+    note text DEFAULT 'none'",
        "+CREATE TABLE public.notes (n int PRIMARY KEY);",
        "--- (4 rows)",
        "+-- (5 rows)",
        "+DROP TABLE IF EXISTS public.notes;",
    ):
        assert f"\n{line}\n" in said
    assert f"digest {digest(b)[:16]}, before {before[:16]}" in said
    assert "The signature of before is gone" in said
    assert not BundlePaths(b).manifest.with_name("manifest.json.sig").exists()
    (former,) = load(b).history
    assert (former.digest, set(former.files)) == (before, {SCHEMA, ROWS, f"rollback/{SCHEMA}"})
    assert check(b) == ()
    assert "nothing to accept" in run("check", str(b), "--accept", "--yes").stdout
    with connect(parse(new_target)) as session:
        session.execute(PROVIDED.encode())
    run("apply", str(b), "--target", new_target)
    assert "Rows: 3 tables by content" in run("verify", str(b), "--target", new_target).stdout
    with connect(parse(new_target)) as session:
        session.execute(b"ALTER TABLE public.notes OWNER TO pg_database_owner")
    said = run("verify", str(b), "--target", new_target, exit_code=1).stdout
    assert "table public.notes: owner: postgres -> pg_database_owner" in said
    run("rollback", str(b), "--target", new_target, "--yes")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (ROWS, "\\.\n", "", "the rows of public.customers have no end: no line"),
        (ROWS, "\\.\n", "\\.\nCOMMIT;\nBEGIN;\n", "5 transactions, and the manifest has 4"),
        (ROWS, "\\.\n", "\\.\nROLLBACK;\n", "begins or ends a transaction half-way"),
        (ROWS, "COPY public.customers", "COPY public.orders", "rows of public.orders stand in the step of"),
        (ROWS, "BEGIN;\n", "SELECT 1 FROM;\nBEGIN;\n", "syntax error"),
        (SCHEMA, "CREATE TABLE public.orders", "CREATE TABLE public.orderz", "does not create public.orders"),
        (SCHEMA, "CREATE VIEW", "COMMIT;\nCREATE VIEW", "a statement that begins or ends a transaction"),
        (
            SCHEMA,
            "CREATE VIEW",
            "DROP TABLE public.made;\nCREATE VIEW",
            "drops public.made, which the bundle",
        ),
        (SCHEMA, "CREATE VIEW", "CREATE VIEEW", "syntax error at or near"),
        (f"rollback/{SCHEMA}", "DROP", "BEGIN;\nDROP", "a statement that begins or ends a transaction"),
        ("originals.json", "c", "d", "was changed: put it back"),
    ],
)
def test_what_no_manifest_can_say_is_refused_with_its_place(
    run: Run, b: Path, file: str, old: str, new: str, said: str
) -> None:
    before = digest(b)
    edit(b / file, old, new)
    refused = run("check", str(b), "--accept", "--yes", exit_code=2).stderr
    assert "cannot be accepted as it is, and nothing was changed" in refused
    assert said in refused
    assert f"  {file}:" in refused
    assert digest(b) == before


def test_a_page_that_was_edited_needs_no_server(run: Run, b: Path) -> None:
    edit(b / "MIGRATION_ORDER.md", "# Migration", "# Our migration")
    said = run("check", str(b), "--accept", "--yes").stdout
    assert "MIGRATION_ORDER.md: was edited; how it was exported is not known" in said
    assert check(b) == ()


def test_what_was_accepted_is_not_overwritten_in_silence(run: Run, b: Path, demo_url: str) -> None:
    edit(b / "rollback" / SCHEMA, "-- Rolls back", "-- Takes back")
    said = run("export", demo_url, "--out", str(b), exit_code=2).stderr
    assert f"edited since migplan wrote them: rollback/{SCHEMA}" in said
    edit(b / "rollback" / SCHEMA, "-- Takes back", "-- Rolls back")
    edit(b / "MIGRATION_ORDER.md", "# Migration", "# Our migration")
    run("check", str(b), "--accept", "--yes")
    said = run("export", demo_url, "--out", str(b), exit_code=2).stderr
    assert "edited since migplan wrote them: MIGRATION_ORDER.md" in said


def test_rows_as_insert_statements_are_counted_anew(exported: Path, nowhere: Path) -> None:
    folder = Path(shutil.copytree(exported / "insert", nowhere / "b"))
    edit(folder / ROWS, "('4', 'c4')", "('4', 'c4'), ('5', 'it''s')")
    found = edits_of(folder).manifest
    save(found, BundlePaths(folder))
    assert check(folder) == ()
    assert {table.table: table.rows for table in found.tables}["public.customers"] == 5


def test_rows_alone_are_tried_on_stand_ins(run: Run, exported: Path, nowhere: Path) -> None:
    folder = Path(shutil.copytree(exported / "rows", nowhere / "b"))
    file = next(folder.glob("*-data-*.sql"))
    before = {table.table: table.digest for table in load(folder).tables}
    edit(file, "4\tc4\n", "4\tother\n")
    said = run("check", "b", "--accept", "--yes").stdout
    assert "rows were edited; there are as many as before" in said
    after = {table.table: table.digest for table in load(folder).tables}
    assert {name for name, digest in after.items() if digest != before[name]} == {"public.customers"}
    assert check(folder) == ()


QUERY = "-- migplan: rows from the source: SELECT id, name FROM ONLY public.customers"


def test_queries_and_definitions_of_live_rows_may_be_edited(
    run: Run, exported: Path, nowhere: Path, new_target: str
) -> None:
    folder = Path(shutil.copytree(exported / "live", nowhere / "b"))
    words = ("--source", (exported / "source").read_text(), "--target", new_target)
    edit(folder / SCHEMA, "    name text NOT NULL", "    name text NOT NULL,\n    note text DEFAULT 'none'")
    other = QUERY.replace("name FROM", "'nobody ' || id FROM") + " WHERE id < 4"
    edit(folder / ROWS, QUERY, f"-- Nobody is to know their names.\n{other}")
    edit(folder / ROWS, "FROM ONLY public.orders", "FROM ONLY public.orders WHERE customer < 4")
    said = run("check", "b", "--accept", "--yes").stdout
    assert f"\n-{QUERY}\n" in said
    assert f"\n+{other}\n" in said
    assert "Rehearse it with: migplan rehearse b --source SOURCE" in said
    assert check(folder) == ()
    assert "nothing to accept" in run("check", "b", "--accept", "--yes").stdout
    with connect(parse(new_target)) as session:
        session.execute(PROVIDED.encode())
    run("apply", "b", *words)
    with connect(parse(new_target)) as session:
        found = session.execute("SELECT * FROM public.customers ORDER BY id").fetchall()
        assert found == [(n, f"nobody {n}", "none") for n in (1, 2, 3)]
        assert session.execute("SELECT count(*) FROM public.orders").fetchall() == [(5,)]
    assert "Rows: 3 tables by content" in run("verify", "b", "--target", new_target).stdout
    said = run("verify", "b", *words, exit_code=1).stdout  # for a column is there that the source lacks
    assert "edited by hand: public.customers, public.orders; without --source they are compared" in said
    run("rollback", "b", "--target", new_target, "--yes")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SELECT id, name FROM", "DELETE FROM", "this is no query, which is one SELECT"),
        ("SELECT id, name FROM", "SELECT 1; SELECT id, name FROM", "this is no query, which is one SELECT"),
        ("SELECT id, name FROM", "SELECT id, name INTO x FROM", "this is no query, which is one SELECT"),
        ("SELECT id, name FROM", "SELECT id, FROM FROM", "syntax error"),
        ("COPY public.customers (id, name)", "COPY public.customers (name, id)", "only queries and comments"),
        ("FROM stdin;\n", "FROM stdin;\n9\tx\n", "only queries and comments may be edited"),
        ("BEGIN;\n", "BEGIN;\nTRUNCATE public.orders;\n", "only queries and comments may be edited"),
        ("-- migplan: values from the source: ", "-- none: ", "only queries and comments may be edited"),
    ],
)
def test_what_else_brings_live_rows_stays(
    run: Run, exported: Path, nowhere: Path, old: str, new: str, said: str
) -> None:
    folder = Path(shutil.copytree(exported / "live", nowhere / "b"))
    before = digest(folder)
    edit(folder / ROWS, old, new)
    refused = run("check", "b", "--accept", "--yes", exit_code=2).stderr
    assert said in refused
    assert f"  {ROWS}:" in refused
    assert digest(folder) == before


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT id FROM public.customers", "gives 1 column, and 2 are to come; nothing was changed"),
        ("SELECT id, nmae FROM public.customers", 'column "nmae" does not exist'),
    ],
)
def test_a_query_that_does_not_fit_is_refused_before_anything_is_done(
    run: Run, exported: Path, nowhere: Path, new_target: str, query: str, said: str
) -> None:
    folder = Path(shutil.copytree(exported / "live", nowhere / "b"))
    edit(folder / ROWS, QUERY, f"-- migplan: rows from the source: {query}")
    run("check", "b", "--accept", "--yes")
    words = ("--source", (exported / "source").read_text(), "--target", new_target)
    assert said in run("apply", "b", *words, exit_code=2).stderr
    assert "has run nothing here" in run("status", "--target", new_target).stdout
