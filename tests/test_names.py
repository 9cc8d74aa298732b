"""Names are held as PostgreSQL stores them, quoted as it quotes them, and read back."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migplan.names import Pattern, QualifiedName, parse, quoted, split
from tests.servers import Server

# Any text that PostgreSQL can hold as a name: neither empty nor with a NUL in it.
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
ODD = st.text(st.sampled_from('aZ_0$".*?[]! \n-é'), min_size=1, max_size=8)
ANY = NAMES | ODD

TRICKY = [
    "hotels",
    "Hotels",
    "_x",
    "1st",
    "do$llar$s",
    "a b",
    " a ",
    'say "hi"',
    '"',
    "a.b",
    "é",
    "فنادق",
    "гостиница",
    "a-b",
    "a/b",
    "a\nb",
    "x" * 63,
    "a'b",
    "a\\b",
    "%s",
    "{}",
    "ﬁ",
    "İ",
]


@given(ANY, ANY)
@example("a.b", '"')
def test_a_name_that_is_shown_is_read_back_the_same(schema: str, name: str) -> None:
    whole = QualifiedName(schema, name)
    assert split(quoted(name)) == (name,)
    assert split(str(whole)) == (schema, name)
    assert parse(str(whole)) == whole
    assert parse(quoted(name), default_schema=schema) == whole


@given(ANY, ANY)
def test_names_that_differ_are_shown_differently(one: str, other: str) -> None:
    assert (quoted(one) == quoted(other)) == (one == other)


def test_every_keyword_and_odd_name_is_quoted_as_the_server_does(server: Server) -> None:
    with server.connect() as connection:
        keywords = [word for (word,) in connection.execute("SELECT word FROM pg_get_keywords()")]
        rows = connection.execute(
            "SELECT name, quote_ident(name) FROM unnest(%s::text[]) name", [keywords + TRICKY]
        ).fetchall()
        reserved = {
            word for (word,) in connection.execute("SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'")
        }
    assert len(rows) > 400
    for name, by_server in rows:
        # Quoting what only another version reserves is harmless; not quoting what this one does is not.
        assert quoted(name) in {by_server, f'"{name}"'}
        assert quoted(name) == by_server or name in keywords
    assert all(quoted(word) == f'"{word}"' for word in reserved)


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", '"open', '"a"b', 'a"b"', '""', '"".a', 'a."', '"a".']
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        split(text)


def test_a_name_has_one_part_or_two() -> None:
    assert parse("hotels") == QualifiedName("public", "hotels")
    assert parse("Sales.Hotels") == QualifiedName("Sales", "Hotels")
    assert parse('"My Schema"."T.""x"') == QualifiedName("My Schema", 'T."x')
    with pytest.raises(ValueError, match="has 3 parts"):
        parse("a.b.c")


def test_names_sort_by_schema_first() -> None:
    names = [
        QualifiedName("b", "a"),
        QualifiedName("a", "z"),
        QualifiedName("a", "b"),
        QualifiedName("B", "c"),
    ]
    assert [str(name) for name in sorted(names)] == ['"B".c', "a.b", "a.z", "b.a"]


def test_a_reader_in_the_schema_does_not_repeat_it() -> None:
    name = QualifiedName("sales", "Order")
    assert name.seen_from("sales") == '"Order"'
    assert name.seen_from("public") == 'sales."Order"'


@given(ANY, ANY, ANY)
def test_a_name_in_quotes_matches_itself_alone(schema: str, name: str, other: str) -> None:
    literal = Pattern(f'"{schema.replace(chr(34), chr(34) * 2)}"."{name.replace(chr(34), chr(34) * 2)}"')
    assert literal.is_literal
    assert literal.matches(QualifiedName(schema, name))
    assert literal.matches(QualifiedName(schema, other)) == (other == name)
    assert literal.matches(QualifiedName(other, name)) == (other == schema)


@given(ANY, ANY)
def test_what_is_shown_of_a_name_is_a_pattern_for_it(schema: str, name: str) -> None:
    whole = QualifiedName(schema, name)
    assert Pattern(str(whole)).is_literal
    assert Pattern(str(whole)).matches(whole)
    assert Pattern(quoted(name)).matches(whole)
    assert Pattern("*").matches(whole)
    assert Pattern(f"{quoted(schema)}.*").matches(whole)


@given(st.text("ab*?_", min_size=1, max_size=6), st.text("ab_", min_size=1, max_size=6))
def test_a_pattern_without_quotes_is_a_glob_over_names_in_any_schema(text: str, name: str) -> None:
    assert Pattern(text).matches(QualifiedName("s", name)) == fnmatchcase(name, text)
    assert Pattern(f"s.{text}").matches(QualifiedName("s", name)) == fnmatchcase(name, text)
    assert not Pattern(f"s.{text}").matches(QualifiedName("t", name))


def test_a_glob_respects_case() -> None:
    assert not Pattern("Hotel*").matches(QualifiedName("public", "hotels"))
    assert Pattern("hotel*").matches(QualifiedName("public", "hotels"))


@given(ANY)
def test_a_pattern_is_either_understood_or_refused(text: str) -> None:
    pattern = Pattern(text)
    try:
        pieces = pattern.pieces
    except ValueError:
        return
    assert 1 <= len(pieces) <= 2
    pattern.matches(QualifiedName("public", text))
