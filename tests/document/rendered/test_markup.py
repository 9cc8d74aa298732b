"""Whatever a name, comment or value holds, a reader sees it as it is, and the page stays whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from migplan.document.markdown.environment import environment
from migplan.text import markdown
from tests.document.rendered.made import NASTY
from tests.document.rendered.reading import PARSER, fences, inline, shown, tables

TEXT = st.one_of(st.text(max_size=60), st.text("`|<>&\\*_~[]()!#-+=1.: \n\r\t$%{}ab", max_size=40))


@given(TEXT)
def test_text_in_a_cell_is_the_text(value: str) -> None:
    lines = "\n".join(markdown.table(("a", "b"), [("x", markdown.text(value))]))
    assert tables(lines) == [[["a", "b"], ["x", markdown.visible(value)]]]


@given(TEXT)
def test_code_in_a_cell_is_the_text_but_for_its_blanks(value: str) -> None:
    lines = "\n".join(markdown.table(("a", "b"), [("x", markdown.code(value))]))
    assert tables(lines)[0][1][1].split() == markdown.visible(value).split()


@given(TEXT)
def test_prose_is_paragraphs_and_nothing_else(value: str) -> None:
    tokens = PARSER.parse("\n".join(markdown.prose(value)))
    assert {token.type for token in tokens} <= {"paragraph_open", "paragraph_close", "inline"}
    assert not [token for token in inline(tokens) if token.type.startswith(("html", "em_", "strong", "link"))]
    said = " ".join(shown(token) for token in tokens if token.type == "inline")
    assert said == " ".join(
        filter(None, map(markdown.visible, re.split(r"\n\s*\n", value.replace("\r\n", "\n"))))
    )


@given(TEXT, TEXT)
def test_a_fence_is_one_block_that_ends_where_it_should(first: str, second: str) -> None:
    page = "\n".join([*markdown.fence(f"{first}\n{second}"), *markdown.heading(1, "after")])
    assert len(fences(page)) == 1
    assert [token.type for token in PARSER.parse(page)][1:2] == ["heading_open"]


@given(TEXT)
def test_a_link_s_label_stays_inside_of_it(value: str) -> None:
    found = list(inline(PARSER.parse(markdown.link(f"a{value}", "b.md#c"))))
    links = [token for token in found if token.type == "link_open"]
    assert [token.attrs["href"] for token in links] == ["b.md#c"]


@pytest.mark.parametrize("word", ["guest_conversations", "a__b", "tenant_id = $1", "x.y"])
def test_what_needs_no_escape_gets_none(word: str) -> None:
    assert markdown.code(word) == f"`{word}`"
    assert "&" not in markdown.text(word.replace("$1", "1"))


def test_a_mark_in_somebody_s_string_is_not_a_mark() -> None:
    for value in NASTY:
        assert "<!-- migplan:" not in "\n".join(
            [*markdown.fence(value), markdown.text(value), markdown.code(value)]
        )


def test_what_cannot_be_seen_is_spelled_out() -> None:
    assert markdown.visible("a\u202eb\x00") == "a\\u202eb\\u0000"
    assert markdown.visible("👩‍👧") == "👩‍👧"


def test_templates_escape_what_is_no_markup() -> None:
    macro = "{% macro cell(it) %}{{ it }}{% endmacro %}"
    template = environment().from_string(
        macro + "{{ cell(a) }} {{ [a, a] | map('code') | join(', ') }} {{ b }}"
    )
    shown = template.render(a="<|", b=Markup("<i>"))
    assert shown == "&lt;&#124; &lt;&#124;, &lt;&#124; <i>"
