"""Files are taken apart at the right bytes, however they are read, and whatever stands in quotes."""

from __future__ import annotations

import io
import re
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.sql import split
from migplan.sql.split import CopyRows, MetaCommandError, SqlFileError, pieces

FILE = Path("10-data.sql")


@dataclass(frozen=True)
class Read:
    """A piece as it was read, or as it should be."""

    start: int
    end: int
    line: int
    text: str
    rows: int | None = None
    data: bytes = b""


def read(content: bytes, chunk: int = split.CHUNK) -> list[Read]:
    found = []
    for piece in pieces(io.BytesIO(content), FILE, chunk=chunk):
        if isinstance(piece, CopyRows):
            data = b"".join(piece)
            found.append(Read(piece.start, piece.end, piece.line, piece.statement.text, piece.rows, data))
        else:
            found.append(Read(piece.start, piece.end, piece.line, piece.text))
    return found


def texts(sql: str) -> list[str]:
    every = read(sql.encode())
    for chunk in (1, 2, 3, 5, 8):
        assert read(sql.encode(), chunk) == every
    return [piece.text for piece in every]


# --- what a statement is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'a;b', 'it''s; so';",
        r"SELECT 'C:\'; ",
        r"SELECT E'it\'s; so', e'\\';",
        "SELECT E'a'\n  '\\';';",
        "SELECT E'a' -- said;\n\n  '\\';';",
        "SELECT U&'d\\0061t;', B'1', X'ff', N';';",
        'SELECT "a;b", "say "";""";',
        'SELECT U&"d;";',
        "SELECT $$;$$, $a$ ; $$ ; $b$ ; $a$;",
        "SELECT $ünder$ ; $ünder$;",
        "SELECT a$b$c, $1$1 ; ".replace("$1$1", "$1"),
        "SELECT 1 /* ; /* ; */ ; */ - 1;",
        "SELECT 1 -- ; ' $$ /*\n;",
        "SELECT 2-1, 4/2, 3 - -1, 2*/* ; */3;",
        "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;",
        "create or replace procedure p() begin atomic end;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$;",
        "BEGIN;",
        "END;",
        "COPY t TO stdout;",
        "COPY t FROM '/tmp/copy';",
        "COPY t FROM PROGRAM 'echo \"from stdin;\"';",
        "SELECT 'COPY t FROM stdin;';",
        "SELECT 'ünïcödé ☃ 𝄞';",
    ],
)
def test_a_statement_ends_at_its_own_semicolon(statement: str) -> None:
    statement = statement.strip()
    assert texts(f"{statement}\nSELECT 2;") == [statement, "SELECT 2;"]
    assert texts(f"SELECT 1;{statement}SELECT 2;") == ["SELECT 1;", statement, "SELECT 2;"]


def test_comments_and_empty_statements_are_between_the_others() -> None:
    sql = "-- first;\n;; /* second; */ SELECT 1; ; -- third\n\n/* fourth */"
    assert texts(sql) == ["SELECT 1;"]
    assert texts("") == texts("\n \n") == texts("-- nothing") == []


def test_the_last_statement_needs_no_semicolon_and_no_newline() -> None:
    assert texts("SELECT 1;\nSELECT 2") == ["SELECT 1;", "SELECT 2"]


def test_lines_and_offsets_are_those_of_the_first_word() -> None:
    found = read(b"-- one\r\n\r\nSELECT 1,\r\n2;\r\n  SELECT 3;")
    assert [(piece.start, piece.end, piece.line) for piece in found] == [(10, 23, 3), (27, 36, 5)]


def test_the_first_word_is_told() -> None:
    words = [piece.word for piece in pieces(io.BytesIO(b"/* x */ Select 1; (TABLE t); 1"), FILE)]  # type: ignore[union-attr]
    assert words == ["select", "table", ""]


# --- rows -------------------------------------------------------------------------------------------------


def test_rows_may_look_like_anything() -> None:
    data = b"SELECT 'it\nCOPY t FROM stdin;\n\\\\.\n\\.x\n\\.\\.\n x\\.\n\n/*\n$$\n\\N\n\\\n\\\\\n"
    content = b"COPY t (a) FROM stdin;\n" + data + b"\\.\nSELECT 1;\n"
    for chunk in range(1, len(content) + 2):
        rows, after = read(content, chunk)
        assert rows.data == data
        assert content[rows.start : rows.end] == data
        assert (rows.rows, rows.line) == (data.count(b"\n"), 2)
        assert (after.text, after.line) == ("SELECT 1;", 3 + data.count(b"\n"))


def test_the_table_and_its_columns_are_told() -> None:
    content = b'COPY a."B c" (x, "Y,z") FROM STDIN WITH (FORMAT text);\n\\.\ncopy t from stdin;\n\\.\n'
    found = [(piece.table, piece.columns) for piece in pieces(io.BytesIO(content), FILE)]  # type: ignore[union-attr]
    assert found == [('a."B c"', ("x", "Y,z")), ("t", ())]


@pytest.mark.parametrize("end", ["\\.\n", "\\.", "\\.\r\n", "\\.\r"])
def test_rows_end_at_their_mark(end: str) -> None:
    for data in ("", "1\n", "1\r\n2\r\n", "\n\n"):
        content = f"COPY t FROM stdin; \t\r\n{data}{end}".encode()
        for chunk in range(1, 30):
            assert [(piece.data, piece.rows) for piece in read(content, chunk)] == [
                (data.encode(), data.count("\n"))
            ]


def test_rows_that_nobody_takes_are_passed_over() -> None:
    content = b"COPY t FROM stdin;\n" + b"12345\n" * 100 + b"\\.\nSELECT 1;"
    taken: list[bytes] = []
    for piece in pieces(io.BytesIO(content), FILE, chunk=16):
        if isinstance(piece, CopyRows):
            taken = [next(iter(piece)), next(iter(piece))]
    assert isinstance(piece, split.Statement)
    assert (b"12345\n" * 100).startswith(b"".join(taken))
    assert piece.line == 103


def test_memory_is_flat() -> None:
    class Endless:
        """Rows without number, one of them without a newline for long, until there were enough."""

        def __init__(self) -> None:
            self.left = [
                b"COPY t FROM stdin;\n",
                *[b"1\tx\n" * 10_000] * 500,
                *[b"x" * 50_000] * 500,
                b"\n\\.\n",
            ]

        def read(self, _size: int, /) -> bytes:
            return self.left.pop(0) if self.left else b""

    source = Endless()
    tracemalloc.start()
    (rows,) = pieces(source, FILE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(rows, CopyRows)
    assert rows.rows == 500 * 10_000 + 1
    assert peak < 2_000_000


# --- what cannot be taken apart ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"SELECT 1;\nSELECT 'x;\n\n", 2, "a quote that is not closed"),
        (b"SELECT 1;\nSELECT\nE'x\\';\n\n", 3, "a quote that is not closed"),
        (b'SELECT 1;\n\n "x', 3, "a quote that is not closed"),
        (b"SELECT E'x'\n'\\'", 1, "a quote that is not closed"),
        (b"SELECT\n$a$ $b$ ;", 2, "a dollar quote that is not closed"),
        (b"\n/* /* */ ;", 2, "a comment that is not closed"),
        (b"SELECT 1;\n\\connect other\n", 2, "\\connect is a command of psql's"),
        (b"SELECT 1\n\\gexec", 2, "\\gexec is a command of psql's"),
        (b"\\.\n", 1, "\\. is a command of psql's"),
        (b"\nCOPY t FROM stdin;\n1\n2\n", 2, "the rows of t have no end"),
        (b"COPY t FROM stdin;\n1\n\\", 1, "the rows of t have no end"),
        (b"COPY t FROM stdin;\n1\\.", 1, "the rows of t have no end"),
        (b"COPY t FROM stdin;", 1, "nothing but a new line may follow"),
        (b"COPY t FROM stdin; SELECT 1;\n", 1, "nothing but a new line may follow"),
        (b"COPY t FROM stdin (FORMAT csv);\n1\n\\.\n", 1, "a format other than text"),
        (b"\nCOPY t (\nx,) FROM stdin;\n1\n\\.\n", 3, 'syntax error at or near ")"'),
        (b"SELECT 1;\nSELECT '\0';", 2, "a NUL byte"),
        (b"COPY t FROM stdin;\n1\n2\0\n\\.\n", 3, "a NUL byte"),
        (b"SELECT 1;\n\nSELECT '\xe4';", 3, "byte 0xe4 is not UTF-8"),
        ("SELECT 1;\n-- ä".encode()[:-1], 2, "byte 0xc3 is not UTF-8"),
        (b"COPY t FROM stdin;\n\xc3\xa4\n\xff\n\\.\n", 3, "byte 0xff is not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: bytes, line: int, what: str) -> None:
    for chunk in (1, 2, 7, 1000):
        with pytest.raises(SqlFileError) as caught:
            read(content, chunk)
        assert caught.value.line == line
        assert caught.value.what.startswith(what) or what in caught.value.what
        assert str(caught.value).startswith(f"10-data.sql:{line}: ")
        assert isinstance(caught.value, MetaCommandError) == ("command of psql's" in what)


def test_an_open_parenthesis_does_not_swallow_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "LONGEST", 1000)
    content = b"SELECT 1;\nSELECT (1;\nCOPY t FROM stdin;\n" + b"12345\n" * 1000
    with pytest.raises(SqlFileError, match="no end of this statement") as caught:
        read(content, 100)
    assert caught.value.line == 2


# --- any file ---------------------------------------------------------------------------------------------

ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
NASTY = st.lists(
    st.sampled_from(["'", '"', ";", "\\", "$", "$$", "--", "/*", "*/", "\n", "\\.\n", "x"]), max_size=6
)
INSIDE = st.one_of(ANY, NASTY.map("".join))
LITERALS = st.one_of(
    INSIDE.map(lambda text: "'" + text.replace("'", "''") + "'"),
    INSIDE.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    INSIDE.map(lambda text: '"' + text.replace('"', '""') + '"'),
    INSIDE.filter(lambda text: "$" not in text).map(lambda text: f"$q${text}$q$"),
    INSIDE.map(lambda text: "/*" + text.replace("/", "").replace("*", "") + "*/"),
    INSIDE.map(lambda text: "-- " + text.replace("\n", " ").replace("\r", " ") + "\n"),
    st.sampled_from(["1", "-1", "$1", "x", "(1; 2)", "a.b", "/ 2", ", "]),
)
STATEMENTS = st.lists(LITERALS, max_size=5).map(lambda parts: f"SELECT {' , '.join(parts)} ;")
VALUES = ANY.map(
    lambda text: text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
)
BLOCKS = st.lists(VALUES | st.sampled_from(["\\N", "SELECT 'x;", "\\\\.", "-- x", "$$", ""]), max_size=5)
BLANKS = st.sampled_from(["", " ", "\n", "\r\n", "\n\n-- a comment; 'x\n", "/* ; /* ' */ */", ";", " ;\n"])


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, list[Read]]:
    """A file, and the pieces in it."""
    content = b""
    expected = []
    for part in draw(st.lists(st.one_of(STATEMENTS, BLOCKS), max_size=6)):
        content += draw(BLANKS).encode()
        copy = "COPY t (x) FROM stdin;"
        start, line = len(content), 1 + content.count(b"\n")
        if isinstance(part, str):
            content += part.encode()
            expected.append(Read(start, len(content), line, part))
            continue
        content += f"{copy}\n".encode()
        data = "".join(f"{value}\n" for value in part).encode()
        start += len(copy) + 1
        expected.append(Read(start, start + len(data), line + 1, copy, len(part), data))
        content += data + b"\\.\n"
    return content, expected


@given(files(), st.integers(1, 40))
def test_every_piece_of_any_file_is_found_where_it_is(file: tuple[bytes, list[Read]], chunk: int) -> None:
    content, expected = file
    assert read(content, chunk) == read(content) == expected


TOKENS = st.lists(
    st.sampled_from(
        [
            *("SELECT", "create function", "begin", "atomic", "end", "case", "e", "E'", "'", '"', "''"),
            *("(", ")", ";", "-", "--", "/", "/*", "*/", "\n", " ", "1", "1e", "$", "$$", "$1", "x$"),
            *("\\", "é", "E'\\''", "'a'\n'b'"),
        ]
    ),
    max_size=14,
).map(lambda parts: "".join(parts).encode())


@given(st.one_of(TOKENS, files().map(lambda file: file[0])))
def test_a_statement_seen_at_one_look_is_the_one_that_its_tokens_make(content: bytes) -> None:
    def found() -> list[Read] | str:
        try:
            return read(content)
        except SqlFileError as error:
            return str(error)

    at_one_look = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "_WHOLE", re.compile(rb"(?!)"))
        assert found() == at_one_look


@given(st.binary(max_size=60), st.integers(1, 20))
def test_any_bytes_are_read_or_refused(content: bytes, chunk: int) -> None:
    try:
        found = read(content, chunk)
    except SqlFileError:
        with pytest.raises(SqlFileError):
            read(content)
        return
    assert read(content) == found
    assert all(
        content[piece.start : piece.end].decode() == piece.text for piece in found if piece.rows is None
    )
