"""Diagrams: no box on another, no line through a box, few crossings, and everything linked."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migplan.document.html.layers import Arrangement, Box, Node, arranged
from migplan.document.html.links import Links
from migplan.document.html.pictures import NEIGHBOURS, Pictures
from migplan.document.html.svg import drawn
from tests import catalogs
from tests.document.rendered import filled, pages


def nodes(layers: dict[str, int], width: float = 100.0) -> list[Node]:
    return [Node(key, layer, width + 7 * len(key), 40.0) for key, layer in layers.items()]


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def assert_readable(at: Arrangement) -> None:
    assert not [pair for pair in combinations(at.boxes, 2) if overlap(at.boxes[pair[0]], at.boxes[pair[1]])]
    for box in at.boxes.values():
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= at.width
        assert box.y + box.height <= at.height
    for line, points in at.routes.items():
        # Between the ends a line is level where a layer is: there it must not meet a box.
        for (x, y), (to_x, to_y) in zip(points[1::2], points[2::2], strict=False):
            assert y == to_y
            level = Box(min(x, to_x), y, abs(x - to_x), 0.1)
            met = [key for key, box in at.boxes.items() if key not in line and overlap(box, level)]
            assert not met


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=24),
    st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)), max_size=50),
)
def test_whatever_the_graph_it_can_be_read(layers: list[int], ends: list[tuple[int, int]]) -> None:
    keys = [f"n{number}" for number in range(len(layers))]
    lines = [(f"n{a}", f"n{b}") for a, b in ends if a < len(keys) and b < len(keys)]
    at = arranged(nodes(dict(zip(keys, layers, strict=True))), lines)
    assert set(at.boxes) == set(keys)
    assert set(at.routes) == {line for line in lines if line[0] != line[1]}
    assert_readable(at)


def test_what_needs_nothing_stands_at_the_left() -> None:
    at = arranged(nodes({"c": 2, "b": 1, "a": 0}), [("b", "a"), ("c", "b"), ("c", "a")])
    assert at.boxes["a"].x < at.boxes["b"].x < at.boxes["c"].x
    assert at.routes["b", "a"][0][0] == at.boxes["b"].x
    assert at.routes["b", "a"][-1][0] == at.boxes["a"].x + at.boxes["a"].width


def test_lines_are_uncrossed_where_they_can_be() -> None:
    layers = {f"{letter}{n}": layer for layer, letter in enumerate("abc") for n in range(6)}
    lines = [(f"b{5 - n}", f"a{n}") for n in range(6)] + [(f"c{(n * 5) % 6}", f"b{n}") for n in range(6)]
    at = arranged(nodes(layers), lines)
    for one, other in combinations(lines, 2):
        if one[0][0] == other[0][0]:
            high = at.boxes[one[0]].y - at.boxes[other[0]].y
            low = at.boxes[one[1]].y - at.boxes[other[1]].y
            assert high * low >= 0


def test_boxes_without_lines_stand_below() -> None:
    at = arranged(nodes({"a": 0, "b": 1, **{f"lone{n}": 0 for n in range(30)}}), [("b", "a")])
    assert min(at.boxes[f"lone{n}"].y for n in range(30)) > at.boxes["a"].y + 40
    assert_readable(at)


@pytest.fixture(scope="module")
def hub() -> Pictures:
    found = catalogs.catalog({"hub": ["root"], "root": [], **{f"user{n:02}": ["hub"] for n in range(20)}})
    documentation = filled.documentation(found)
    return Pictures(documentation, Links(documentation))


def test_a_hub_says_how_many_more_there_are(hub: Pictures) -> None:
    (document,) = [d for d in hub._documentation.tables if d.name.name == "hub"]
    figure = hub.around(document)
    assert figure is not None
    assert [card.label for card in figure.cards if card.kind == "more"] == [f"and {20 - NEIGHBOURS} more"]
    assert len(figure.cards) == 1 + 1 + NEIGHBOURS + 1
    page = pages.read(drawn(figure))
    assert not page.faults
    assert ("a", "href", "#table-public.root") in page.references
    assert "needs 1 other table; 20 other tables need it" in page.text


def test_a_picture_has_a_title_and_its_lines_say_which_keys_they_are(hub: Pictures) -> None:
    page = pages.read(drawn(hub.whole()))
    assert "public.hub (root_id) -> public.root (id)" in page.text
    (svg,) = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert svg["aria-labelledby"] == "diagram-title diagram-desc"


def test_tables_of_a_circle_are_tied_within_their_layer() -> None:
    documentation = filled.documentation(catalogs.catalog({"a": ["b?"], "b": ["a"], "c": ["a"]}))
    pictures = Pictures(documentation, Links(documentation))
    figure = pictures.whole()
    assert {("public.a", "public.b"), ("public.b", "public.a")} <= set(figure.lines)
    assert not pages.read(drawn(figure)).faults
    for document in documentation.tables:
        around = pictures.around(document)
        assert around is not None
        keys = [card.key for card in around.cards]
        assert len(keys) == len(set(keys))


def test_many_tables_are_shown_by_their_groups() -> None:
    tables = {f"t{n:03}": ([f"t{n // 2:03}"] if n else []) for n in range(200)}
    documentation = filled.documentation(catalogs.catalog(tables))
    figure = Pictures(documentation, Links(documentation)).whole()
    assert {card.href for card in figure.cards} == {f"#group-{group.name}" for group in documentation.groups}
    assert figure.lines


def test_a_group_shows_what_it_needs_of_others() -> None:
    found = catalogs.catalog({"a": [], "b": ["a"], "c": ["b"]})
    documentation = filled.documentation(found, {"low": ["a"], "high": ["b", "c"]})
    pictures = Pictures(documentation, Links(documentation))
    figure = pictures.group(documentation.groups[1])
    assert figure is not None
    assert {card.key: card.kind for card in figure.cards} == {
        "public.a": "outside",
        "public.b": None,
        "public.c": None,
    }
