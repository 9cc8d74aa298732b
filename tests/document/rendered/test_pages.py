"""The pages as they are read: all sections, whole tables, links that lead somewhere, the same again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from migplan.advise import advise
from migplan.catalog.model import Catalog, Unread
from migplan.catalog.selection import Selected
from migplan.document.derive.documentation import documented
from migplan.document.markdown import stale, written
from migplan.document.markdown.book import anchor
from migplan.document.model import Documentation
from migplan.graph import build
from migplan.names import QualifiedName
from migplan.pipeline.analyze import read_catalog
from migplan.plan.make import Request, make
from migplan.postgres.address import Address
from tests.catalogs import catalog
from tests.document.rendered import made, reading

pytestmark = pytest.mark.slow

LABEL = r"(?:[^\"`&<>%{}#;\[\]]|#\d+;|<br>)*"
MERMAID = re.compile(
    rf'  [tg]\d+(?:\["{LABEL}"\]|\("{LABEL}"\)| -->(?:\|"{LABEL}"\|)? [tg]\d+)|  style t\d+ stroke-width:4px'
)
SECTIONS = (
    "Schema",
    "Primary Key",
    "Foreign Keys",
    "Outgoing (Dependencies)",
    "Incoming (Referenced By)",
    "Indexes",
    "RLS Policies",
    "Triggers",
    "Common Query Patterns",
    "Performance Notes",
    "Migration Notes",
    "Notes",
)


def derived(found: Catalog) -> Documentation:
    graph = build(found)
    return documented(found, graph, make(Selected(found), graph, Request("test")), advise(found, graph))


def section(files: dict[str, str], table: str) -> str:
    whole = next(text for text in files.values() if f"<!-- migplan:table {table} " in text)
    return whole.partition(f"<!-- migplan:table {table} ")[2].partition("\n<!-- migplan:table ")[0]


def test_every_section_of_the_template_is_there() -> None:
    given = made.full(made.documentation(), "rooms", "word")
    files = dict(written(given, {}).files)
    headings = reading.headings(section(files, "public.rooms"))
    for heading in (*SECTIONS, "Sample Data", "Partitions", "Integration-Specific Details", "DO:", "DON'T:"):
        assert heading in headings
    text = section(files, "public.rooms")
    for said in (
        "**Purpose:** word",
        "**Row Count:** 1,234",
        "**Dependency Level:** 1",
        "**Foreign Keys:** IN: 1, OUT: 1",
        "**Integration Platform:** word",
        "✅ word",
        "❌ word",
        "1,204 calls, 0.3 ms on average, 5 rows",
        "Generated always as identity.",
        "-- Serves: word",
        "-- INVALID",
        "UNIQUE NULLS NOT DISTINCT (word, kind) DEFERRABLE INITIALLY IMMEDIATE",
        "CHECK ('word' <> '') NOT VALID",
        "Stand-ins instead of the real values: `word` (word).",
    ):
        assert said in text


def test_a_section_that_nobody_derived_much_for_says_so() -> None:
    headings = reading.headings(section(dict(written(made.documentation(), {}).files), "public.hotels"))
    assert [heading for heading in headings if heading in SECTIONS] == list(SECTIONS)


@pytest.mark.parametrize("word", made.NASTY, ids=range(len(made.NASTY)))
def test_names_and_values_do_not_get_out(word: str) -> None:
    given = made.crowded(made.full(made.documentation(), "rooms", word), word)
    pages = written(given, {})
    assert reading.faults(pages.files) == []
    assert written(given, pages.files) == pages
    # As many rows, headings and fences as for a word that is only a word.
    plain = written(made.crowded(made.full(made.documentation(), "rooms", "w"), "w"), {})
    for file, text in pages.files.items():
        other = plain.files[file]
        assert [[len(row) for row in table] for table in reading.tables(text)] == [
            [len(row) for row in table] for table in reading.tables(other)
        ]
        assert len(reading.headings(text)) == len(reading.headings(other))
        assert len(reading.fences(text)) == len(reading.fences(other))


def test_tables_of_any_name_have_pages_links_and_diagrams() -> None:
    words = [*made.NASTY, "end", "style a: b#", "click", "(x)", "T", "t"]
    names = [QualifiedName("public", word) for word in words]
    found = catalog({f"t{n:02}": [f"t{n - 1:02}"] if n else [] for n in range(len(words))})
    called = {each.name: name for each, name in zip(found.tables, names, strict=True)}
    tables = [
        replace(
            each,
            name=called[each.name],
            foreign_keys=tuple(
                replace(key, table=called[each.name], referenced=called[key.referenced])
                for key in each.foreign_keys
            ),
        )
        for each in found.tables
    ]
    given = derived(replace(found, tables=tuple(sorted(tables, key=lambda each: each.name))))
    pages = written(given, {})
    assert reading.faults(pages.files) == []
    assert written(given, pages.files) == pages
    assert stale(pages.files, given, strict=True) == ()
    for drawn in (fence for text in pages.files.values() for fence in reading.fences(text, "mermaid")):
        for line in drawn.splitlines()[1:]:
            assert MERMAID.fullmatch(line), line


def test_names_that_differ_little_have_anchors_of_their_own() -> None:
    names = [
        "rooms",
        "Rooms",
        "ROOMS",
        "r ooms",
        "r-ooms",
        "r.ooms",
        "räume",
        "raume",
        "x" * 63,
        "x" * 62 + "y",
    ]
    found = [QualifiedName(schema, each) for schema in ("public", "Public") for each in names]
    anchors = [anchor(each) for each in found]
    assert len(set(map(str.lower, anchors))) == len(found)
    assert all(each.isascii() and " " not in each for each in anchors)
    assert anchor(QualifiedName("a.b", "c")) != anchor(QualifiedName("a", "b.c"))


def test_a_hub_is_drawn_with_some_of_its_neighbours_and_says_so() -> None:
    given = made.documentation(catalog({"hub": [], **{f"t{n:02}": ["hub"] for n in range(60)}}))
    text = section(dict(written(given, {}).files), "public.hub")
    assert "Not in the diagram: 50 tables that need it." in text
    assert len(reading.tables(text)[1]) == 61  # every key stands in the table all the same


@pytest.mark.slow
def test_diagrams_stay_within_what_pages_can_show() -> None:
    names = {f"{'n' * 55}{n:03}": [f"{'n' * 55}{m:03}" for m in range(max(0, n - 9), n)] for n in range(100)}
    files = written(made.documentation(catalog(names), {"all": ["*"]}), {}).files
    drawn = [fence for text in files.values() for fence in reading.fences(text, "mermaid")]
    assert max(map(len, drawn)) < 50_000
    assert max(fence.count("-->") for fence in drawn) <= 500
    assert "Not in the diagram: 20 tables of the group" in files["TABLES_ALL.md"]


@pytest.mark.slow
def test_a_large_group_has_several_pages() -> None:
    found = catalog({"hub": [], **{f"t{n:03}": ["hub"] for n in range(101)}})
    files = written(made.documentation(found, {"all": ["*"]}), {}).files
    assert {"TABLES_ALL.md", "TABLES_ALL.2.md", "TABLES_ALL.3.md"} <= set(files)
    assert reading.faults(files) == []
    assert files["TABLES_ALL.2.md"].count("<!-- migplan:table ") == 50
    assert "(TABLES_ALL.3.md#public.t100)" in files["TABLES_ALL.md"]
    assert "## Summary" in files["TABLES_ALL.3.md"]


def test_totals_say_when_something_is_not_known() -> None:
    rows = {"hotels": 1200, "rooms": 5, "guests": None, "bookings": None}
    text = written(made.documentation(catalog(made.HOTELS, rows=rows), made.GROUPS), {}).files
    assert "**Total Rows:** at least 1,205" in text["README.md"]
    assert "**Total Rows:** 1,200" in text["TABLES_FOUNDATION.md"]
    assert "**Row Count:** unknown" in text["TABLES_OPERATIONS.md"]


def test_what_the_role_may_not_see_is_said_and_makes_nothing_stale() -> None:
    found = derived(catalog({"a": [], "b": ["a"]}))
    gap = Unread("rows of public.b", "the role may not SELECT from it")
    less = replace(found, catalog=replace(found.catalog, unread=(gap,)))
    page = written(less, {}).files["README.md"]
    assert "## Not Read" in page
    assert "the role may not SELECT from it" in page
    assert "## Not Read" not in written(found, {}).files["README.md"]
    assert not stale(written(less, {}).files, found)


def test_wide_samples_are_shown_on_their_side() -> None:
    given = made.full(made.documentation(), "rooms", "word")
    document = next(each for each in given.tables if each.name.name == "rooms")
    assert document.samples
    wide = replace(
        document.samples,
        columns=tuple(f"c{n}" for n in range(30)),
        rows=(tuple("ab" * 15),) * 2,
    )
    text = section(dict(written(made.with_table(given, "rooms", samples=wide), {}).files), "public.rooms")
    assert ["Column", "Row 1", "Row 2"] in [table[0] for table in reading.tables(text)]


def test_the_order_tells_of_cycles_and_what_is_left_out() -> None:
    text = written(made.documentation(catalog({"a": ["b?"], "b": ["a"], "c": ["c?"]})), {}).files[
        "MIGRATION_ORDER.md"
    ]
    assert "### Cycle 1" in text
    assert "a_b_id_fkey: public.a (b_id) -> public.b (id)" in text
    assert "`parent_id` → `id`" in text


def test_the_findings_stand_with_their_reasons() -> None:
    text = written(made.crowded(made.documentation(), "word"), {}).files["ADVISORS.md"]
    assert "### MP106: word" in text
    assert "| MP106 | word | word | word |" in text
    assert "| MP102 | word | word | word |" in text
    assert "By the settings: `MP103`." in text


def test_a_real_database_of_odd_names(newest_database: Callable[[str], Address]) -> None:
    script = """
        CREATE SCHEMA "odd|schema";
        CREATE TYPE "odd|schema"."mo`od" AS ENUM ('a|b', '<i>', 'new
line');
        CREATE TABLE "odd|schema"."T" (id int PRIMARY KEY, "a|b" "odd|schema"."mo`od");
        CREATE TABLE "odd|schema"."t" (id int PRIMARY KEY REFERENCES "odd|schema"."T" ON DELETE CASCADE,
            "```" text DEFAULT '```' CHECK ("```" <> '
```
<!-- migplan:keep notes public.x -->
'));
        COMMENT ON TABLE "odd|schema"."t" IS '<script>alert(1)</script> | ``` ]] -->';
        CREATE POLICY "p `|` <b>" ON "odd|schema"."t" USING ("```" = '|');
        CREATE TABLE p (id int, at date) PARTITION BY RANGE (at);
        CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    """
    given = derived(read_catalog(newest_database(script)))
    pages = written(given, {})
    assert reading.faults(pages.files) == []
    assert written(given, pages.files) == pages
    assert stale(pages.files, given, strict=True) == ()
    assert "### Partitions" in section(dict(pages.files), "public.p")
