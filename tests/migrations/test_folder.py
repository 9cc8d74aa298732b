"""A folder is read as it is: its parts, its numbers, its companions; what is wrong is said with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.errors import FileError
from migplan.migrations.file_analysis import analysis_of_file
from migplan.migrations.folder import read
from migplan.migrations.model import Part, Style
from migplan.migrations.source_files import reopened, statements_of
from migplan.sql.split import MetaCommandError, SqlFileError
from tests.migrations.folders import folder, written


def text(part: Part | None) -> str:
    assert part is not None
    return part.file.read_bytes()[part.start : part.end].decode()


def test_numbers_count_by_their_value_and_names_decide_the_rest(tmp_path: Path) -> None:
    names = ["10_b", "9_a", "9_b", "1.10_x", "1.9_x", "no_number", "20251001015000_long"]
    found = read(written(tmp_path, {f"{name}.sql": "SELECT 1;" for name in names}))
    assert [each.name for each in found.migrations] == [
        "1.9_x",
        "1.10_x",
        "9_a",
        "9_b",
        "10_b",
        "20251001015000_long",
        "no_number",
    ]
    assert found["1.10_x"].number == "1.10"
    assert found["no_number"].number == ""
    assert found.style is Style.PLAIN


def test_two_files_with_one_number_are_said_and_go_by_name(tmp_path: Path) -> None:
    found = read(folder(tmp_path, _001_b="SELECT 1;", _1_a="SELECT 1;", _002_c="SELECT 1;"))
    assert [each.name for each in found.migrations] == ["001_b", "1_a", "002_c"]
    assert [str(each) for each in found.remarks] == [
        f"{tmp_path / '001_b.sql'}:1: number 001 is also that of 1_a: names decide the order"
    ]


def test_companions_and_seeds_and_maintenance(tmp_path: Path) -> None:
    found = read(
        written(
            tmp_path,
            {
                "001_a.sql": "CREATE TABLE a ();",
                "001_a.down.sql": "DROP TABLE a;",
                "001_a.verify.sql": "SELECT 1;",
                "001_a.seed.sql": "INSERT INTO a DEFAULT VALUES;",
                "002_step.py": "# migplan: requires 001_a\n",
                "helpers.py": "",
                "_private.py": "",
                "003_b.down.sql": "SELECT 1;",
                "seeds/rooms.sql": "SELECT 2;",
                "maintenance/clean.sql": "DELETE FROM a;",
                "004_nightly.sql": "-- migplan: maintenance 0 3 * * *\nSELECT 3;",
            },
        )
    )
    kinds = {each.name: each.kind for each in found.migrations}
    assert kinds == {
        "001_a": "sql",
        "002_step": "python",
        "001_a.seed": "seed",
        "seeds/rooms": "seed",
        "clean": "maintenance",
        "004_nightly": "maintenance",
    }
    assert list(kinds)[:2] == ["001_a", "002_step"]
    assert text(found["001_a"].down) == "DROP TABLE a;"
    assert text(found["001_a"].verify) == "SELECT 1;"
    assert found["001_a.seed"].requires == ("001_a",)
    assert found["002_step"].requires == ("001_a",)
    assert found["004_nightly"].schedule == "0 3 * * *"
    said = {each.file.name: each.what for each in found.remarks}
    assert "no number" in said["helpers.py"]
    assert "stands beside nothing" in said["003_b.down.sql"]
    assert "_private.py" not in said


def test_sections_of_one_file(tmp_path: Path) -> None:
    sql = (
        "CREATE TABLE a ();\n"
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$\n"
        "-- migplan: down\n"
        "SELECT 'no section' $$;\n"
        "-- migplan: down\n"
        "DROP TABLE a;\n"
        "-- migplan: verify\n"
        "SELECT 1 FROM a;\n"
    )
    found = read(folder(tmp_path, _1_a=sql))["1_a"]
    assert text(found.up).endswith("$$;\n")
    assert "no section" in text(found.up)
    assert text(found.down) == "DROP TABLE a;\n"
    assert text(found.verify) == "SELECT 1 FROM a;\n"
    assert (found.down and found.down.line, found.verify and found.verify.line) == (6, 8)
    assert [(each.text, each.line) for each in statements_of(found.verify)] == [("SELECT 1 FROM a;", 8)]  # type: ignore[arg-type]


def test_rows_of_copy_may_look_like_a_section(tmp_path: Path) -> None:
    sql = "COPY a (x) FROM stdin;\n-- migplan: down\n\\.\n-- migplan: down\nDELETE FROM a;\n"
    found = read(folder(tmp_path, _1_a=sql))["1_a"]
    assert text(found.down) == "DELETE FROM a;\n"
    (copy,) = statements_of(found.up)
    assert copy.rows == 1


@pytest.mark.parametrize(
    ("sql", "beside", "line", "what"),
    [
        ("-- migplan: down\nA;\n-- migplan: down\nB;", "", 3, "a second section down"),
        ("\n-- migplan: down\nA;", "DROP TABLE a;", 3, "there is a section down, and 1_a.down.sql beside it"),
        ("\n-- migplan: require x\n", "", 2, "-- migplan: require is no directive of migplan's"),
    ],
)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, sql: str, beside: str, line: int, what: str
) -> None:
    folder(tmp_path, _1_a=sql)
    if beside:
        written(tmp_path, {"1_a.down.sql": beside})
    with pytest.raises(SqlFileError, match=what) as caught:
        read(tmp_path)
    assert caught.value.line == line


def test_directives(tmp_path: Path) -> None:
    first = "-- migplan: requires 3, rooms\n-- migplan: no-transaction\r\nSELECT 1;"
    found = read(folder(tmp_path, _1_a=first, _2_rooms="SELECT 1;", _3_x="SELECT 1;"))
    assert found["1_a"].requires == ("3_x", "2_rooms")
    assert not found["1_a"].in_transaction
    assert found["2_rooms"].in_transaction


@pytest.mark.parametrize(
    ("wanted", "what"), [("nobody", "which the folder does not have"), ("2", "which may be 2_b or 2_c")]
)
def test_a_requirement_has_to_be_one_file(tmp_path: Path, wanted: str, what: str) -> None:
    folder(tmp_path, _1_a=f"-- migplan: requires {wanted}", _2_b="", _2_c="")
    with pytest.raises(FileError, match=what):
        read(tmp_path)


def test_a_byte_order_mark_and_other_line_ends_make_no_other_migration(tmp_path: Path) -> None:
    sql = "CREATE TABLE a (x int);\nCREATE TABLE b (x text DEFAULT 'é');\nSELECT 1;\n"
    plain = read(folder(tmp_path / "plain", _1_a=sql))["1_a"]
    raw = b"\xef\xbb\xbf" + sql.replace("\n", "\r\n").encode()
    other = read(written(tmp_path / "other", {"1_a.sql": raw}))["1_a"]
    assert other.digest == plain.digest
    assert other.up.start == 3
    statements = list(statements_of(other.up))
    assert [each.line for each in statements] == [1, 2, 3]
    assert [raw[each.start : each.end].decode() for each in statements] == [each.text for each in statements]
    assert read(folder(tmp_path / "plain", _1_a=f"-- why\n{sql}\n"))["1_a"].digest == plain.digest
    assert read(folder(tmp_path / "plain", _1_a=sql + "SELECT 2;"))["1_a"].digest != plain.digest
    assert read(folder(tmp_path / "plain", _1_a=sql.replace("é", "e")))["1_a"].digest != plain.digest


def test_a_change_of_the_way_back_is_no_change_of_the_migration(tmp_path: Path) -> None:
    before = read(folder(tmp_path, _1_a="SELECT 1;\n-- migplan: down\nSELECT 2;"))["1_a"].digest
    assert read(folder(tmp_path, _1_a="SELECT 1;\n-- migplan: down\nSELECT 3;"))["1_a"].digest == before


def test_empty_files_are_allowed_and_said(tmp_path: Path) -> None:
    found = read(folder(tmp_path, _1_a="", _2_b=" \n\n"))
    assert [each.what for each in found.remarks] == ["nothing is in it"] * 2
    assert analysis_of_file(found["1_a"]).uses == ()


def test_commands_of_psql_are_refused_with_their_line(tmp_path: Path) -> None:
    found = read(folder(tmp_path, _1_a="CREATE TABLE a ();\n\n\\i other.sql\n"))
    with pytest.raises(MetaCommandError, match=r"1_a\.sql:3: \\i is a command of psql's") as caught:
        analysis_of_file(found["1_a"])
    assert "bundle" not in caught.value.do


def test_a_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    found = read(folder(tmp_path, _1_a="SELECT 1;\n\nCREATE TABLE a (\n  x int,\n);\n"))
    with pytest.raises(SqlFileError, match=r"1_a\.sql:5: syntax error"):
        analysis_of_file(found["1_a"])


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"SELECT 1;\nSELECT '\xe9';", 2, "byte 0xe9 is not UTF-8"),
        ("SELECT 1;".encode("utf-16"), 1, "the file is UTF-16"),
    ],
)
def test_other_encodings_are_refused(tmp_path: Path, data: bytes, line: int, what: str) -> None:
    with pytest.raises(SqlFileError, match=what) as caught:
        read(written(tmp_path, {"1_a.sql": data}))
    assert caught.value.line == line


def test_what_is_no_folder_of_migrations_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there are no migrations") as caught:
        read(tmp_path)
    assert "migplan new" in caught.value.do
    (tmp_path / "supabase/migrations").mkdir(parents=True)
    with pytest.raises(FileError) as caught:
        read(tmp_path)
    assert "supabase/migrations" in caught.value.do
    with pytest.raises(FileError, match="is not there"):
        read(tmp_path / "nowhere")


def test_names_have_to_differ(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="are both called 001_a"):
        read(written(tmp_path, {"001_a.sql": "", "001_a.py": ""}))


def test_a_part_is_reopened_at_its_own_place(tmp_path: Path) -> None:
    file = tmp_path / "1_a.sql"
    file.write_bytes(b"one\r\ntwo three\nfour")
    assert reopened(Part(file, 9, 14, 2)).read() == b"    \n    three"
