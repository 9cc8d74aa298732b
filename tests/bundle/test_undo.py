"""Rollback files: all of them in reverse leave a target as it was, and none takes more than its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from migplan.bundle.undo import reversal
from migplan.config import Layout
from migplan.postgres.address import Address
from migplan.postgres.archive import Entry, Section
from tests.bundle.built import Built, bundle_of, psql, run, schema_text

pytestmark = pytest.mark.slow

RICH = (Path(__file__).parent / "rich.sql").read_text()
Database = Callable[..., Address]


def load(built: Built, target: Address) -> None:
    for file in built.files:
        run(file, target)


def undo(built: Built, target: Address, files: Iterable[str] | None = None) -> None:
    """Run these rollbacks, or all of them, the highest number first."""
    built.paths.rollback("x").parent.mkdir(exist_ok=True)
    for file in files or reversed([file.file for file in built.manifest.files]):
        path = built.paths.rollback(file)
        path.write_text(built.rollbacks[file], encoding="utf-8")
        run(path, target)


def counted(target: Address, table: str) -> int:
    return int(psql(target, "-Atc", f"SELECT count(*) FROM {table}"))


@pytest.mark.in_turn
@pytest.mark.parametrize("layout", Layout)
def test_all_rollbacks_leave_an_empty_database(database: Database, tmp_path: Path, layout: Layout) -> None:
    source, target, empty = database(RICH), database(), database()
    built = bundle_of(source, tmp_path / "bundle", layout)
    load(built, target)
    assert schema_text(target) == schema_text(source)
    undo(built, target)
    assert schema_text(target) == schema_text(empty)
    load(built, target)
    assert schema_text(target) == schema_text(source)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize(
    "groups",
    [
        {"only": ("*.*",)},
        {"odd": ('"o\'Dd.schema".*', "elder", "younger"), "ring": ("a", "b"), "rest": ("app.*", "refers_p")},
        {"parted": ("p",), "ring": ("a", "b"), "late": ("staff", "refers_p", "app.?*t"), "old": ("elder",)},
    ],
    ids="-".join,
)
def test_whatever_the_groups(
    newest_database: Database, tmp_path: Path, layout: Layout, groups: dict[str, tuple[str, ...]]
) -> None:
    source, target, empty = newest_database(RICH), newest_database(), newest_database()
    built = bundle_of(source, tmp_path / "bundle", layout, groups=groups)
    load(built, target)
    undo(built, target)
    assert schema_text(target) == schema_text(empty)


@pytest.mark.parametrize("layout", Layout)
def test_drops_may_be_repeated_and_run_over_a_part(
    newest_database: Database, tmp_path: Path, layout: Layout
) -> None:
    source, target, empty = newest_database(RICH), newest_database(), newest_database()
    built = bundle_of(source, tmp_path / "bundle", layout)
    run(built.files[0], target)
    definitions = [file.file for file in reversed(built.manifest.files) if file.phase != "data"]
    undo(built, target, definitions)
    undo(built, target, definitions)
    assert schema_text(target) == schema_text(empty)


def test_what_others_made_on_top_is_not_dropped(newest_database: Database, tmp_path: Path) -> None:
    source, target = newest_database(RICH), newest_database()
    built = bundle_of(source, tmp_path / "bundle")
    load(built, target)
    psql(target, "-c", "CREATE VIEW public.theirs AS SELECT * FROM public.elder")
    with pytest.raises(AssertionError, match=r"view public\.theirs depends on table public\.elder"):
        undo(built, target)
    assert counted(target, "public.theirs") == 0  # the rows went with their own file, the table stays


def test_a_base_type_in_use_stays(newest_database: Database, tmp_path: Path) -> None:
    source, target = newest_database(RICH), newest_database()
    built = bundle_of(source, tmp_path / "bundle")
    load(built, target)
    psql(target, "-c", "CREATE SCHEMA theirs; CREATE TABLE theirs.t (x public.bt[])")
    with pytest.raises(AssertionError, match="in use by other objects"):
        undo(built, target)
    assert counted(target, "theirs.t") == 0


def test_rows_of_one_file_are_taken_back_while_the_keys_are_live(
    newest_database: Database, tmp_path: Path
) -> None:
    source, target = newest_database(RICH), newest_database()
    built = bundle_of(source, tmp_path / "bundle", Layout.WITH_SCHEMA)
    load(built, target)
    first, second = (file.file for file in built.manifest.files if file.phase == "data")
    with pytest.raises(AssertionError, match=r"public\.refers_p still has rows: run its rollback first"):
        undo(built, target, [first])
    assert (counted(target, "app.p"), counted(target, "public.refers_p")) == (15, 2)
    undo(built, target, [second])
    assert (counted(target, "app.p"), counted(target, "public.a")) == (15, 0)
    undo(built, target, [first])
    assert counted(target, "app.p") == 0
    for file in built.files[-2:]:
        run(file, target)
    assert (counted(target, "app.p"), counted(target, "public.a")) == (15, 5)


def test_rows_that_a_table_of_others_refers_to_stay(newest_database: Database, tmp_path: Path) -> None:
    source, target = newest_database(RICH), newest_database()
    built = bundle_of(source, tmp_path / "bundle")
    load(built, target)
    psql(target, "-c", "CREATE TABLE public.theirs (a_id int REFERENCES public.a)")
    data = [file.file for file in reversed(built.manifest.files) if file.phase == "data"]
    with pytest.raises(AssertionError, match="cannot truncate a table referenced in a foreign key"):
        undo(built, target, data)
    assert counted(target, "public.a") == 5


def test_rows_of_a_data_bundle(newest_database: Database, tmp_path: Path) -> None:
    script = (
        "CREATE TABLE a (id int PRIMARY KEY, b_id int NOT NULL); "
        "CREATE TABLE b (id serial PRIMARY KEY, a_id int REFERENCES a); "
        "ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b DEFERRABLE; "
        "CREATE TABLE c (id int PRIMARY KEY REFERENCES a);"
    )
    rows = "INSERT INTO b VALUES (1); INSERT INTO a VALUES (1, 1); INSERT INTO c VALUES (1);"
    source, target = newest_database(script + rows), newest_database(script)
    built = bundle_of(source, tmp_path / "bundle", Layout.WITH_SCHEMA, contents="data")
    load(built, target)
    assert counted(target, "c") == 1
    undo(built, target)
    assert [counted(target, table) for table in "abc"] == [0, 0, 0]
    assert any("ALTER SEQUENCE public.b_id_seq RESTART;" in text for text in built.rollbacks.values())


def test_extensions(newest_database: Database, newest: object, tmp_path: Path) -> None:
    source = newest_database()
    if not psql(source, "-Atc", "SELECT 1 FROM pg_available_extensions WHERE name = 'citext'"):
        pytest.skip("the server has no citext")
    psql(
        source,
        "-c",
        "CREATE EXTENSION citext; CREATE TABLE t (x public.citext PRIMARY KEY)",
        "-c",
        "REVOKE ALL ON FUNCTION public.citext_eq(public.citext, public.citext) FROM PUBLIC",
    )
    target, empty = newest_database(), newest_database()
    built = bundle_of(source, tmp_path / "bundle")
    load(built, target)
    assert schema_text(target) == schema_text(source)
    undo(built, target)
    assert schema_text(target) == schema_text(empty)


def test_headers_say_what_is_lost_and_what_comes_before(newest_database: Database, tmp_path: Path) -> None:
    built = bundle_of(newest_database(RICH), tmp_path / "bundle")
    files = [file.file for file in built.manifest.files]
    assert "It is the first to run of all rollbacks." in built.rollbacks[files[-1]]
    wanted = ", ".join(f"rollback/{file}" for file in reversed(files[1:]))
    assert f"Must have run before, in this order: {wanted}\n" in built.rollbacks[files[0]]
    assert "Lost with the tables: every row that is still in them." in built.rollbacks[files[0]]
    assert "Empties 5 tables. Lost: the 22 rows" in built.rollbacks[files[2]]


def test_cascade_stands_nowhere_but_at_the_base_type(newest_database: Database, tmp_path: Path) -> None:
    built = bundle_of(newest_database(RICH), tmp_path / "bundle")
    statements = [line for text in built.rollbacks.values() for line in text.splitlines()]
    found = [line for line in statements if "CASCADE" in line and not line.startswith("--")]
    assert found == ["DROP TYPE IF EXISTS public.bt CASCADE;"]


def entry(kind: str, drop: str = "", definition: str = "", schema: str = "s") -> Entry:
    return Entry(1, kind, schema, "x", Section.PRE_DATA, definition, drop, "", "", "", ())


@pytest.mark.parametrize(
    ("kind", "drop", "safe"),
    [
        ("TABLE", 'DROP TABLE s."a b";\n', 'DROP TABLE IF EXISTS s."a b";'),
        ("MATERIALIZED VIEW", "DROP MATERIALIZED VIEW s.x;\n", "DROP MATERIALIZED VIEW IF EXISTS s.x;"),
        ("FUNCTION", "DROP FUNCTION s.f(a integer);\n", "DROP FUNCTION IF EXISTS s.f(a integer);"),
        ("CAST", "DROP CAST (s.a AS s.b);\n", "DROP CAST IF EXISTS (s.a AS s.b);"),
        ("POLICY", "DROP POLICY p ON s.x;\n", "DROP POLICY IF EXISTS p ON s.x;"),
        (
            "TRANSFORM",
            "DROP TRANSFORM FOR s.h LANGUAGE plx;\n",
            "DROP TRANSFORM IF EXISTS FOR s.h LANGUAGE plx;",
        ),
        (
            "OPERATOR CLASS",
            "DROP OPERATOR CLASS s.c USING btree;\n",
            "DROP OPERATOR CLASS IF EXISTS s.c USING btree;",
        ),
        (
            "FK CONSTRAINT",
            'ALTER TABLE ONLY s." DROP CONSTRAINT x" DROP CONSTRAINT " DROP CONSTRAINT ";\n',
            'ALTER TABLE IF EXISTS ONLY s." DROP CONSTRAINT x" '
            'DROP CONSTRAINT IF EXISTS " DROP CONSTRAINT ";',
        ),
        (
            "DEFAULT",
            "ALTER TABLE ONLY s.x ALTER COLUMN id DROP DEFAULT;\n",
            "ALTER TABLE IF EXISTS ONLY s.x ALTER COLUMN id DROP DEFAULT;",
        ),
        (
            "CHECK CONSTRAINT",
            "ALTER DOMAIN s.d DROP CONSTRAINT c;\n",
            "DO $undo$\nBEGIN\n    IF pg_catalog.to_regtype('s.d') IS NOT NULL THEN\n"
            "        ALTER DOMAIN s.d DROP CONSTRAINT IF EXISTS c;\n    END IF;\nEND\n$undo$;",
        ),
    ],
)
def test_drops_that_may_find_nothing(kind: str, drop: str, safe: str) -> None:
    assert reversal.drop_if_exists(entry(kind, drop)) == safe


def test_privileges_back() -> None:
    definition = (
        'REVOKE ALL ON TABLE s." TO ; x" FROM "GRANT";\n'
        "SET SESSION AUTHORIZATION other;\n"
        'GRANT SELECT ON TABLE s." TO ; x" TO "A B" WITH GRANT OPTION;\n'
        "RESET SESSION AUTHORIZATION;\n"
    )
    assert list(reversal.privileges_back(definition)) == [
        'SET SESSION AUTHORIZATION other;\nREVOKE SELECT ON TABLE s." TO ; x" FROM "A B";\n'
        "RESET SESSION AUTHORIZATION;",
        'GRANT ALL ON TABLE s." TO ; x" TO "GRANT";',
    ]


def test_default_privileges_back() -> None:
    definition = "ALTER DEFAULT PRIVILEGES FOR ROLE grant_all IN SCHEMA s GRANT ALL ON TABLES  TO PUBLIC;\n"
    (back,) = reversal.default_privileges_back(entry("DEFAULT ACL", schema="public"), definition)
    assert back == "ALTER DEFAULT PRIVILEGES FOR ROLE grant_all IN SCHEMA s REVOKE ALL ON TABLES FROM PUBLIC;"


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("COMMENT ON FUNCTION s.f() IS 'it IS ''so'';';\n", "COMMENT ON FUNCTION s.f() IS NULL;"),
        ("COMMENT ON TABLE s.\" IS 'x\" IS E'a\\\\b';\n", 'COMMENT ON TABLE s." IS \'x" IS NULL;'),
        ("COMMENT ON SCHEMA public IS '';\n", "COMMENT ON SCHEMA public IS 'standard public schema';"),
    ],
)
def test_comments_back(said: str, back: str) -> None:
    assert reversal.comment_removed(entry("COMMENT", definition=said)) == back
