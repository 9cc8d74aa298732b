"""Folders of other tools are recognised, and read as those tools would read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.migrations.analysis import analyze
from migplan.migrations.folder import read
from migplan.migrations.model import Part, Style
from migplan.sql.split import SqlFileError
from tests.migrations.folders import written


def text(part: Part | None) -> str:
    assert part is not None
    return part.file.read_bytes()[part.start : part.end].decode().strip()


def test_supabase(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "supabase/config.toml": "",
            "supabase/seed.sql": "INSERT INTO public.hotels VALUES (1);",
            "supabase/migrations/20251001015000_hotels.sql": "CREATE TABLE public.hotels (id int);",
            "supabase/migrations/20251002010000_rooms.sql": "CREATE TABLE public.rooms (id int);",
        },
    )
    found = read(tmp_path / "supabase/migrations")
    assert found.style is Style.SUPABASE
    assert [each.name for each in found.migrations] == [
        "20251001015000_hotels",
        "20251002010000_rooms",
        "seed",
    ]
    assert found["20251001015000_hotels"].number == "20251001015000"
    assert found["seed"].kind == "seed"


def test_dbmate(tmp_path: Path) -> None:
    first = "-- a comment\n-- migrate:up\nCREATE TABLE a (id int);\n\n-- migrate:down\nDROP TABLE a;\n"
    second = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY x ON a (id);\n"
    found = read(written(tmp_path, {"20230101000000_a.sql": first, "20230102000000_b.sql": second}))
    assert found.style is Style.DBMATE
    a, b = found.migrations
    assert (text(a.up), text(a.down)) == ("CREATE TABLE a (id int);", "DROP TABLE a;")
    assert (a.up.line, a.down and a.down.line) == (3, 6)
    assert (a.in_transaction, b.in_transaction, b.down) == (True, False, None)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT 1;", "there is no line -- migrate:up"),
        ("SELECT 1;\n-- migrate:up\n", "SQL before -- migrate:up"),
        ("-- migrate:up\n-- migrate:down\n-- migrate:down\n", "a second section"),
    ],
)
def test_what_dbmate_would_not_run_is_refused(tmp_path: Path, sql: str, what: str) -> None:
    with pytest.raises(SqlFileError, match=what):
        read(written(tmp_path, {"1_a.sql": "-- migrate:up\nSELECT 1;", "2_b.sql": sql}))


def test_flyway(tmp_path: Path) -> None:
    found = read(
        written(
            tmp_path,
            {
                "V1.10__last.sql": "SELECT 3;",
                "V1_2__second.sql": "SELECT 2;",
                "V1.0__first.sql": "SELECT 1;",
                "U1__first.sql": "SELECT -1;",
                "U7__gone.sql": "",
                "R__views.sql": "CREATE OR REPLACE VIEW v AS SELECT 1;",
                "B1__base.sql": "",
                "V1.10__last.sql.conf": "executeInTransaction=false\n",
                "more/V2__below.sql": "SELECT 4;",
                "beforeMigrate.sql": "SELECT 0;",
            },
        )
    )
    assert found.style is Style.FLYWAY
    numbers = {each.name: each.number for each in found.migrations}
    assert numbers == {
        "V1.0__first": "1",
        "V1_2__second": "1.2",
        "V1.10__last": "1.10",
        "V2__below": "2",
        "R__views": "",
    }
    assert list(numbers) == ["V1.0__first", "V1_2__second", "V1.10__last", "V2__below", "R__views"]
    assert text(found["V1.0__first"].down) == "SELECT -1;"
    assert not found["V1.10__last"].in_transaction
    assert [each.name for each in found.migrations if each.repeatable] == ["R__views"]
    said = {each.file.name: each.what for each in found.remarks}
    assert set(said) == {"U7__gone.sql", "B1__base.sql", "beforeMigrate.sql"}


def test_golang_migrate(tmp_path: Path) -> None:
    found = read(
        written(
            tmp_path,
            {
                "2_b.up.sql": "SELECT 2;",
                "10_c.up.sql": "SELECT 3;",
                "1_a.up.sql": "SELECT 1;",
                "1_a.down.sql": "SELECT -1;",
                "7_x.down.sql": "",
                "notes.sql": "",
            },
        )
    )
    assert found.style is Style.GOLANG_MIGRATE
    assert [(each.name, each.number) for each in found.migrations] == [
        ("1_a", "1"),
        ("2_b", "2"),
        ("10_c", "10"),
    ]
    assert text(found["1_a"].down) == "SELECT -1;"
    assert {each.file.name for each in found.remarks} == {"7_x.down.sql", "notes.sql"}


PLAN = """\
%syntax-version=1.0.0
%project=flipr

users 2012-08-01T18:40:00Z Ann <ann@example.org> # Users.
zz_lists [users] 2012-08-02T18:40:00Z Ann <ann@example.org> # Lists.
@v1.0 2012-08-03T18:40:00Z Ann <ann@example.org> # A tag.

flips [users zz_lists !old other:thing] 2012-08-04T18:40:00Z Ann <ann@example.org>
@v1.1 2012-08-04T19:00:00Z Ann <ann@example.org>
users [users@v1.0] 2012-08-05T18:40:00Z Ann <ann@example.org> # Reworked.
"""


def test_sqitch(tmp_path: Path) -> None:
    script = "BEGIN;\nCREATE TABLE {} (id int);\nCOMMIT;\n"
    files: dict[str, str | bytes] = {"sqitch.plan": PLAN, "sqitch.conf": "[core]\n\tengine = pg\n"}
    files |= {f"deploy/{name}.sql": script.format(name) for name in ("zz_lists", "flips")}
    files |= {"deploy/users@v1.0.sql": script.format("users"), "deploy/users.sql": "SELECT 1;"}
    files |= {"revert/users@v1.0.sql": "DROP TABLE users;", "verify/flips.sql": "SELECT id FROM flips;"}
    found = read(written(tmp_path, files))
    assert found.style is Style.SQITCH
    assert found.in_this_order
    assert [each.name for each in found.migrations] == ["users@v1.0", "zz_lists", "flips", "users"]
    assert found["flips"].requires == ("users@v1.0", "zz_lists")
    assert found["flips"].conflicts == ("old",)
    assert found["users"].requires == ("users@v1.0",)
    assert [each.reworked_as for each in found.migrations] == ["users", "", "", ""]
    assert text(found["users@v1.0"].down) == "DROP TABLE users;"
    assert text(found["flips"].verify) == "SELECT id FROM flips;"
    assert ["of another project" in each.what for each in found.remarks] == [True]
    analysis = analyze(tmp_path)
    assert not analysis.contradicts
    assert not [each for each in analysis.risks if each.code == "ML402"]


@pytest.mark.parametrize(
    ("plan", "what", "line"),
    [
        ("a\nb [nobody] 2012-08-01T18:40:00Z A <a@b>\n", "b needs nobody", 2),
        ("a [\n", "is no line of a plan", 1),
        ("a\nmissing\n", "there is no .*missing.sql", 2),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(tmp_path: Path, plan: str, what: str, line: int) -> None:
    written(tmp_path, {"sqitch.plan": plan, "deploy/a.sql": "", "deploy/b.sql": ""})
    with pytest.raises(SqlFileError, match=what) as caught:
        read(tmp_path)
    assert caught.value.line == line


def test_goose_and_sql_migrate(tmp_path: Path) -> None:
    up = "-- +{0} Up\n-- +{0} StatementBegin\nCREATE TABLE a (id int);\n-- +{0} StatementEnd\n"
    for tool, style, outside in (
        ("goose", Style.GOOSE, "-- +goose NO TRANSACTION\n-- +goose Up\n"),
        ("migrate", Style.SQL_MIGRATE, "-- +migrate Up notransaction\n"),
    ):
        first = f"{up.format(tool)}-- +{tool} Down\nDROP TABLE a;\n"
        second = f"{outside}CREATE INDEX CONCURRENTLY x ON a (id);\n"
        found = read(written(tmp_path / tool, {"00001_a.sql": first, "00002_b.sql": second}))
        assert found.style is style
        a, b = found.migrations
        assert "CREATE TABLE a" in text(a.up)
        assert "DROP" not in text(a.up)
        assert text(a.down) == "DROP TABLE a;"
        assert (a.in_transaction, b.in_transaction, b.down) == (True, False, None)


@pytest.mark.parametrize(
    "mark",
    [
        "-- Down Migration",
        "-- +micrate Down",
        "---- create above / drop below ----",
        "-- //@UNDO",
        "    -- migrate:down",
    ],
)
def test_a_way_back_that_another_tool_marks_is_refused(tmp_path: Path, mark: str) -> None:
    with pytest.raises(SqlFileError, match="migplan would run what is below it"):
        analyze(written(tmp_path, {"1_a.sql": f"CREATE TABLE a (id int);\n{mark}\nDROP TABLE a;\n"}))


@pytest.mark.parametrize(
    "sql",
    [
        "-- Up migration\nCREATE TABLE a (id int);\n-- Down migration\n-- DROP TABLE a;\n",
        "-- +micrate Up\nCREATE TABLE a (id int);\n",
    ],
)
def test_a_mark_of_another_tool_is_a_comment_where_no_way_back_stands_below(tmp_path: Path, sql: str) -> None:
    assert analyze(written(tmp_path, {"1_a.sql": sql})).folder.migrations


def test_bare_words_are_a_way_back_if_there_is_something_below_them(tmp_path: Path) -> None:
    sql = "-- Up\nCREATE TABLE a (id int);\n-- Down\n"
    assert analyze(written(tmp_path / "a", {"1_a.sql": f"{sql}-- DROP TABLE a;\n"})).folder.migrations
    with pytest.raises(SqlFileError, match="the way back"):
        analyze(written(tmp_path / "b", {"1_a.sql": f"{sql}DROP TABLE a;\n"}))


def test_what_stands_in_a_string_is_no_mark(tmp_path: Path) -> None:
    sql = "INSERT INTO notes VALUES ('\n-- +goose Down\n');"
    assert analyze(written(tmp_path, {"1_a.sql": sql})).folder.style is Style.PLAIN


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    table = "CREATE TABLE a (id int);"
    folders: dict[str, tuple[dict[str, str | bytes], Style, set[str]]] = {
        "beside folders": (
            {"2024_a/up.sql": table, "2025_b/up.sql": "", "2025_b/notes.sql": "", "once.sql": table},
            Style.DIESEL,
            {"once.sql", "notes.sql"},
        ),
        "programs": (
            {"1_a.up.sql": table, "2_b.up.go": "", "2_b.down.go": "", "migrations.go": ""},
            Style.GOLANG_MIGRATE,
            {"2_b.up.go", "2_b.down.go"},
        ),
        "with a letter": (
            {
                "V0001.A.up.sql": table,
                "V0001.A.down.sql": "DROP TABLE a;",
                "V2.B.java": "",
                "c.sql": table,
            },
            Style.GOLANG_MIGRATE,
            {"V2.B.java", "c.sql"},
        ),
        "further down": (
            {"1_a.sql": table, "seeds/a.sql": "", "old/1.sql": "", "old/2.sql": "", "2_b.ts": "", "c.ts": ""},
            Style.PLAIN,
            {"1.sql", "2_b.ts"},
        ),
    }
    for name, (files, style, left_out) in folders.items():
        found = read(written(tmp_path / name, files))
        assert found.style is style
        assert {remark.file.name for remark in found.remarks if remark.left_out} == left_out
    found = read(tmp_path / "with a letter")
    assert (found.migrations[0].name, text(found.migrations[0].down)) == ("V0001.A", "DROP TABLE a;")


def test_a_section_of_migplans_is_one_in_every_style(tmp_path: Path) -> None:
    body = "CREATE TABLE a (id int);\n-- migplan: down\nDROP TABLE a;\n-- migplan: verify\nSELECT true;\n"
    names = {
        "V1__a.sql": "",
        "1_a.up.sql": "",
        "1_a/migration.sql": "",
        "1_b/up.sql": "",
        "1_c.sql": "-- migrate:up\n",
    }
    for number, (name, mark) in enumerate(names.items()):
        (found,) = read(written(tmp_path / str(number), {name: mark + body})).migrations
        assert text(found.up).strip() == "CREATE TABLE a (id int);"
        assert text(found.down).strip() == "DROP TABLE a;"
        assert text(found.verify).strip() == "SELECT true;"
    with pytest.raises(SqlFileError, match="a second section down"):
        read(
            written(tmp_path / "twice", {"1_a.sql": f"-- migrate:up\n{body}-- migrate:down\nDROP TABLE a;\n"})
        )


@pytest.mark.parametrize(
    ("file", "mark", "where"),
    [
        ("1_a.sql", "", "NAME.down.sql beside the file, or as a section, after a line -- migplan: down"),
        ("supabase/migrations/1_a.sql", "", "as a section, after a line -- migplan: down"),
        ("1_a.sql", "-- migrate:up\n", "after a line -- migrate:down"),
        ("1_a.sql", "-- +goose Up\n", "after a line -- +goose Down"),
        ("1_a.sql", "-- +migrate Up\n", "after a line -- +migrate Down"),
        ("V1__a.sql", "", "as U<version>__NAME.sql, or as a section"),
        ("1_a.up.sql", "", "as NAME.down.sql beside NAME.up.sql"),
        ("1_a/migration.sql", "", "as down.sql beside migration.sql"),
        ("1_a/up.sql", "", "as down.sql beside up.sql"),
        ("deploy/a.sql", "", "as revert/NAME.sql"),
    ],
)
def test_a_mark_of_another_tool_is_answered_in_the_words_of_the_style(
    tmp_path: Path, file: str, mark: str, where: str
) -> None:
    files = {file: f"{mark}CREATE TABLE a ();\n-- @down\nDROP TABLE a;\n"}
    if file.startswith("deploy"):
        files["sqitch.plan"] = "a 2024-01-01T00:00:00Z A <a@b>\n"
    folder = written(tmp_path, dict(files))
    with pytest.raises(SqlFileError, match="is a mark of yoyo") as raised:
        read(folder / "supabase/migrations" if file.startswith("supabase") else folder)
    assert where in raised.value.do


@pytest.mark.parametrize("down", ["", "-- nothing yet\n"])
def test_a_way_back_without_a_statement_is_none(tmp_path: Path, down: str) -> None:
    table = "CREATE TABLE a (id int);\n"
    folders: tuple[dict[str, str | bytes], ...] = (
        {"1_a.sql": f"-- migrate:up\n{table}\n-- migrate:down\n{down}"},
        {"1_a.sql": f"{table}-- migplan: down\n{down}"},
        {"1_a.up.sql": table, "1_a.down.sql": down},
        {"1_a/up.sql": table, "1_a/down.sql": down},
    )
    for number, files in enumerate(folders):
        (found,) = read(written(tmp_path / str(number), files)).migrations
        assert found.down is None


def test_a_date_is_the_same_number_with_dashes_and_without(tmp_path: Path) -> None:
    names = ["20170430202433_a", "2017-09-23-182408_b", "20171001000000_c", "2020-01-01-000000-0000_d"]
    found = read(written(tmp_path, {f"{name}/up.sql": "SELECT 1;" for name in names}))
    assert [each.name for each in found.migrations] == names


def test_prisma_and_diesel(tmp_path: Path) -> None:
    prisma = {
        "migration_lock.toml": 'provider = "postgresql"',
        "20250409154352_b/migration.sql": "CREATE TABLE b (id int);",
        "20250408_a/migration.sql": "CREATE TABLE a (id int);\n\nCREATE INDEX i ON c (id);",
    }
    found = read(written(tmp_path / "prisma", dict(prisma)))
    assert found.style is Style.PRISMA
    assert [each.name for each in found.migrations] == ["20250408_a", "20250409154352_b"]
    diesel = {
        "2024-01-01-000000_a/up.sql": "CREATE TABLE a (id int);",
        "2024-01-01-000000_a/down.sql": "DROP TABLE a;",
        "2024-01-02-000000_b/up.sql": "CREATE INDEX CONCURRENTLY i ON a (id);",
        "2024-01-02-000000_b/metadata.toml": "run_in_transaction = false",
    }
    found = read(written(tmp_path / "diesel", dict(diesel)))
    assert found.style is Style.DIESEL
    assert text(found["2024-01-01-000000_a"].down) == "DROP TABLE a;"
    assert [each.in_transaction for each in found.migrations] == [True, False]
