"""Hypothesis strategies: catalogs of every shape, plans with names of every kind."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from migplan.catalog.model import Catalog
from migplan.config import Layout, Strategy
from migplan.plan.model import Plan, PlannedCut, PlannedGroup, PlannedTable
from tests.catalogs import catalog

LETTERS = "abcdefghijkl"
MARKS = ("", "", "?", "?", "!", "?!", "~", "%")


@st.composite
def catalogs(
    draw: st.DrawFn, most_tables: int = 9, most_keys: int = 16, marks: tuple[str, ...] = MARKS
) -> Catalog:
    """Tables with random keys between them, to themselves, and in circles."""
    tables = LETTERS[: draw(st.integers(1, most_tables))]
    pairs = draw(
        st.lists(st.tuples(*[st.sampled_from(tables)] * 2, st.sampled_from(marks)), max_size=most_keys)
    )
    keys: dict[str, list[str]] = {table: [] for table in tables}
    for table, referenced, mark in pairs:
        keys[table].append(referenced + mark)
    return catalog(keys, rows={table: draw(st.integers(0, 30)) for table in tables})


@st.composite
def forests(draw: st.DrawFn, most_tables: int = 40) -> Catalog:
    """Tables of which each needs some of those before it, and inherits from some; a few circles on top."""
    words = ("order", "guest", "room", "audit_log", "Größe", "заказ", "x")
    count = draw(st.integers(1, most_tables))
    names = [f"{draw(st.sampled_from(words))}_{number}" for number in range(count)]
    keys: dict[str, list[str]] = {name: [] for name in names}
    inherits: dict[str, list[str]] = {}
    for place, name in enumerate(names[1:], 1):
        needs = draw(st.lists(st.integers(0, place - 1), max_size=3))
        keys[name] += [names[need] for need in sorted(set(needs))]
        if draw(st.integers(0, 9)) == 0:
            inherits[name] = [names[draw(st.integers(0, place - 1))]]
        if needs and draw(st.integers(0, 9)) == 0:
            keys[names[needs[0]]].append(f"{name}?")
    return catalog(keys, inherits=inherits)


arcs = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.tuples(*[st.integers(0, 3)] * 3)).filter(
        lambda arc: arc[0] != arc[1]
    ),
    max_size=10,
)
"""Arcs of small graphs, each with the cost of cutting it."""

ODD = (
    "null", "Yes", "1e5", "0x1f", "12:30", "- a", "# no", "a: b", "a, b", " led", "trailed ", "~", "*all",
    "&x", "'", '"', "\\", "%", "@", "`", "2024-01-01", "é", "名前", "\U0001f600", "\t", "a\nb", "\x7f",
    "\x85", "\u2028", "\ufeff", "]", "}", "<<", "=", "!", "|", ">", "?", "1_000", ".inf", "123456789012",
    "1e2345678901",
)  # fmt: skip
texts = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12),
    st.lists(st.sampled_from(ODD), min_size=1, max_size=3).map("".join),
)
"""What names and comments of a database may hold, and YAML might misread."""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans that hold together as far as a file can tell, with odd names everywhere."""
    text = draw(st.lists(texts, min_size=6, max_size=6))
    tables = iter(draw(st.lists(texts, min_size=4, max_size=4, unique=True)))
    groups = tuple(
        PlannedGroup(
            name=f"g-{number}",
            purpose=text[0],
            schema_file=f"{number:02}-{draw(st.sampled_from(['schema', 'é x', 'a: b']))}.sql",
            data_file=f"{number + 9}-data.sql",
            constraints_file=draw(st.none() | st.just(f"{number + 19}-constraints.sql")),
            by_hand=tuple(draw(st.sampled_from([(), ("name",), ("name", "files")]))),
            tables=tuple(_table(draw, next(tables)) for _ in range(draw(st.integers(0, 2)))),
        )
        for number in range(1, draw(st.integers(2, 3)))
    )
    return Plan(
        name=draw(texts.filter(re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*").fullmatch)),
        database=text[2],
        postgresql=18,
        catalog=draw(st.sampled_from(["1e23456789012345", "1234567890123456", "abcdef0123456789"])),
        constraints=draw(st.sampled_from(Layout)),
        left_out=tuple(text[3:]),
        breaks=(PlannedCut(key=text[4], table=text[5], how=Strategy.DEFERRED, reason=text[0]),),
        groups=groups,
    )


def _table(draw: Any, name: str) -> PlannedTable:
    return PlannedTable(
        table=name,
        depth=1,
        rows=draw(st.none() | st.integers(0, 10**10)),
        strategy=draw(st.sampled_from(Strategy)),
        keys=tuple(draw(st.lists(texts, max_size=2))),
        reason=draw(texts),
        structure=draw(st.sampled_from(["", "123456789012", "12345678901e"])),
    )


ODD_NAMES = (
    "a.b", 'a"b', '"', ".", " led", "trailed ", "Invoice Line", "Users", "users", "USERS", "select", "user",
    "table", "a\nb", "tab\there", "\x01", "\x7f", "do$llar$s", "$1", "{}", "{name}", "%s", "%", "a'b", "\\",
    "a\\nb", "--", "/*", "é", "名前", "\U0001f600", "e\u0301", "\u202edlo", "a" * 63, "ж" * 31, "null", "1",
    "x;DROP TABLE y", "a(b)", "a,b", "(", "public.t", "ONLY t", "pg_temp", "constraint", "a  b",
)  # fmt: skip
identifiers = st.one_of(
    st.sampled_from(ODD_NAMES),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20),
    st.lists(st.sampled_from(ODD_NAMES), min_size=2, max_size=3).map("".join),
).filter(lambda name: len(name.encode()) <= 63 and not name.startswith("pg_"))
"""Names that PostgreSQL takes for anything: quotes, dots, blanks at the ends, whatever Unicode has."""
