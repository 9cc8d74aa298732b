"""The page: whole, safe whatever a database calls its things, and in need of nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest
from markupsafe import Markup

from migplan.advise import advise
from migplan.catalog.model import Catalog, Check, Column, Key, Policy, Trigger
from migplan.catalog.selection import Selection, select
from migplan.document.derive.documentation import documented
from migplan.document.html import as_html
from migplan.document.html.environment import coloured, environment
from migplan.document.html.links import id_of, table_id
from migplan.document.json import as_json
from migplan.document.model import Documentation
from migplan.document.regions import notes_key, overview_key, purpose_key
from migplan.graph import build
from migplan.names import QualifiedName
from migplan.pipeline.analyze import read_catalog
from migplan.plan.make import Request, make
from tests import catalogs
from tests.document.rendered import filled, made, pages
from tests.servers import Server

EVIL = (
    "<script>alert(1)</script>",
    "</style><b>bold",
    'a" onmouseover="x\' y',
    "&lt;already&amp;",
    "]]><!-- -->",
    "نص",
    "two\nlines",
)


def small() -> Catalog:
    return catalogs.catalog(
        {
            "tenants": [],
            "hotels": ["tenants"],
            "rooms": ["hotels", "rooms?"],
            "stays": ["rooms", "tenants"],
            "sales.bills": ["stays", "hotels?~!"],
            "alone": [],
            "parts": ["tenants"],
            "parts_1": [],
        },
        partitions={"parts": ["parts_1"]},
    )


def evil() -> Catalog:
    """Everything that has a name or a text has one that would break a page."""
    names = [QualifiedName("public", text) for text in EVIL]
    tables = []
    for table, name, text in zip(
        catalogs.catalog({f"t{n}": [] for n in range(7)}).tables, names, EVIL, strict=True
    ):
        tables.append(
            replace(
                table,
                name=name,
                comment=text,
                columns=(Column(text, text, default=text, comment=text),),
                primary_key=Key(text, (text,), primary=True, comment=text),
                checks=(Check(text, text, comment=text),),
                policies=(Policy(text, "ALL", (text,), using=text, check=text, comment=text),),
                triggers=(Trigger(text, name, text, "BEFORE", ("INSERT",), "ROW", comment=text),),
                row_security=True,
            )
        )
    tables.sort(key=lambda table: table.name)
    return replace(catalogs.catalog({}), tables=tuple(tables))


def shown(documentation: Documentation, kept: dict[str, str] | None = None) -> str:
    return "".join(as_html(documentation, kept))


@pytest.fixture(params=[small, evil], ids=["small", "evil"])
def text(request: pytest.FixtureRequest) -> str:
    return shown(filled.documentation(request.param()))


def test_every_tag_is_closed_where_it_has_to_be(text: str) -> None:
    assert not pages.read(text).faults


def test_ids_are_unique_and_every_link_leads_to_one(text: str) -> None:
    page = pages.read(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.references
    assert not [
        value for _, _, value in page.references if not value.startswith("#") or value[1:] not in page.ids
    ]
    labels = [
        name for _, attributes in page.tags for name in (attributes.get("aria-labelledby") or "").split()
    ]
    assert labels
    assert set(labels) <= set(page.ids)


def test_nothing_is_asked_of_a_network(text: str) -> None:
    page = pages.read(text)
    assert not re.search(
        r"@import|url\(|https?:|\bfetch\b|XMLHttpRequest|import\(", "".join(page.styles + page.scripts)
    )
    assert not [
        tag for tag, _ in page.tags if tag in {"link", "img", "iframe", "object", "embed", "base", "form"}
    ]


def test_only_our_own_style_and_script_may_run(text: str) -> None:
    page = pages.read(text)
    (policy,) = [a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for kind, found in (("style-src", page.styles), ("script-src", page.scripts)):
        (content,) = found
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy
    # A policy by digest lets no attribute carry style or script; there is none that would want to.
    assert not [name for _, a in page.tags for name in a if name == "style" or name.startswith("on")]


def test_names_and_texts_stay_text() -> None:
    text = shown(
        filled.documentation(evil()),
        {overview_key(): "<i>overview", purpose_key(QualifiedName("public", EVIL[0])): "<i>purpose"},
    )
    page = pages.read(text)
    for odd in EVIL:
        assert odd in page.text
    assert "<i>overview" in page.text
    assert "<i>purpose" in page.text
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 1
    assert not [tag for tag, _ in page.tags if tag == "b"]


@pytest.mark.parametrize("word", made.NASTY)
def test_no_text_of_any_part_gets_out_of_its_place(word: str) -> None:
    page = pages.read(shown(made.full(made.documentation(), "rooms", word)))
    assert not page.faults
    assert len(page.ids) == len(set(page.ids))
    plain = pages.read(shown(made.full(made.documentation(), "rooms")))
    assert [tag for tag, _ in page.tags if tag not in {"i", "title"}] == [
        tag for tag, _ in plain.tags if tag not in {"i", "title"}
    ]


def test_what_people_wrote_stands_in_its_table() -> None:
    kept = {
        purpose_key(catalogs.name("rooms")): "where people sleep",
        notes_key(catalogs.name("rooms")): "clean it",
    }
    text = shown(filled.documentation(small()), kept)
    article = text.partition('id="table-public.rooms"')[2].partition("</article>")[0]
    assert "where people sleep" in article
    assert "clean it" in article
    assert text.count("clean it") == 1
    assert "Written about what is gone" not in text


def test_what_people_wrote_about_a_dropped_table_is_not_lost() -> None:
    text = shown(filled.documentation(small()), {notes_key(catalogs.name("gone")): "it <was> here"})
    overview = text.partition('id="overview"')[2].partition("</section>")[0]
    assert "it <was> here" in pages.read(overview).text


def test_a_section_has_all_that_is_known() -> None:
    documentation = filled.documentation(small())
    article = shown(documentation).partition('id="table-sales.bills"')[2].partition("</article>")[0]
    said = pages.read(article).text
    for part in (
        "Columns",
        "Refers to",
        "Sample rows",
        "Common queries",
        "Performance",
        "Advice",
        "Migration",
    ):
        assert f">{part}</h4>" in article
    for words in (
        "NOT VALID",
        "deferrable",
        "xxxxx",
        "WHERE id = $1;",
        "do not truncate it",
        "keep the ids",
        "1,204",
    ):
        assert words in said
    assert 'href="#table-public.stays"' in article
    assert 'href="#group-' in article


def test_advice_and_order_have_sections_of_their_own() -> None:
    documentation = filled.documentation(small())
    text = shown(documentation)
    advice = pages.read(text.partition('<section id="advice">')[2]).text
    order = pages.read(text.partition('<section id="order">')[2].partition("</section>")[0]).text
    for words in ("MP900", "DROP TABLE public.rooms;", "we live with <it>", "nobody gave it eyes", "MP998"):
        assert words in advice
    places = [order.index(name) for name in ("tenants", "hotels", "rooms", "stays", "sales.bills")]
    assert places == sorted(places)


def test_a_partition_is_linked_to_the_table_that_it_belongs_to() -> None:
    found = catalogs.catalog({"a": ["p_1"], "p": [], "p_1": []}, partitions={"p": ["p_1"]})
    article = (
        shown(filled.documentation(found)).partition('id="table-public.a"')[2].partition("</article>")[0]
    )
    assert '<a href="#table-public.p"><code>p_1</code></a>' in article


def test_the_page_is_the_same_each_time() -> None:
    assert shown(filled.documentation(small())) == shown(filled.documentation(small()))


def test_ids_of_odd_names_are_apart_and_do_not_change() -> None:
    assert id_of("table", "public.rooms") == "table-public.rooms"
    odd = [id_of("table", name) for name in ('public."a b"', 'public."a-b"', 'public."A b"', 'public."ä"')]
    assert len(set(odd)) == 4
    assert not [each for each in odd if re.search(r"\s|\"", each)]
    assert table_id(QualifiedName("public", "a b")) == odd[0]


def test_what_is_no_markup_is_escaped() -> None:
    template = environment().from_string('<p title="{{ title }}">{{ text }}{{ markup }}</p>')
    shown = template.render(title='"<', text="<", markup=Markup("<b></b>"))
    assert shown == '<p title="&quot;&lt;">&lt;<b></b></p>'
    assert pages.read(coloured("SELECT '<b>' -- <i>\nFROM \"a<b\" WHERE x = $1 AND y < 2")).text == (
        "SELECT '<b>' -- <i>\nFROM \"a<b\" WHERE x = $1 AND y < 2"
    )


def test_the_demo_is_a_whole_page(newest: Server) -> None:
    catalog = read_catalog(newest.address(newest.demo))
    graph = build(catalog)
    plan = make(select(catalog, Selection()), graph, Request("demo"))
    documentation = documented(catalog, graph, plan, advise(catalog, graph))
    text = shown(documentation)
    page = pages.read(text)
    assert not page.faults
    assert len(page.ids) == len(set(page.ids))
    assert not [value for _, _, value in page.references if value[1:] not in page.ids]
    tables = {table_id(table.name) for table in catalog.tables if table.partition_of is None}
    assert tables <= set(page.ids)
    read = json.loads("".join(as_json(documentation)))
    assert {table["table"] for table in read["tables"]} == {str(name) for name in graph.tables}
    rooms = text.partition('id="table-public.guest_reservations"')[2].partition("</article>")[0]
    for words in ("guest_reservations_select", "set_updated_at", "idx_guest_reservations_open", "checked_in"):
        assert words in rooms
