"""Diagrams as SVG in the page: boxes that are links, and curves from a table to what it needs.

Looks (colours, fonts) are the style sheet's, so that diagrams follow it into the dark and to paper.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from migplan.document.html.environment import environment
from migplan.document.html.layers import Arrangement, Line, Node, Point, arranged

HEIGHT = 40.0
LONGEST = 26  # letters of a label
WIDE = 1450.0  # what is wider is not shrunk to the page, but can be moved in its frame
SHRUNK = 0.85  # what is wide is drawn a little smaller


@dataclass(frozen=True, slots=True)
class Card:
    """What a box shows, and where it leads."""

    key: str
    layer: int
    label: str
    detail: str = ""
    href: str | None = None
    hue: str | None = None  # a class of the style sheet
    kind: str | None = None  # likewise: here, outside, more
    hint: str = ""  # what a box says when somebody points at it; else its label


@dataclass(frozen=True, slots=True)
class Figure:
    """A diagram before it is drawn."""

    id: str
    title: str
    description: str
    cards: Sequence[Card]
    lines: Mapping[Line, str]  # what ties two cards, in words


def drawn(figure: Figure) -> Markup:
    """Return the figure, its boxes linked; nothing when it has none."""
    if not figure.cards:
        return Markup()
    nodes = [Node(card.key, card.layer, _width(card), HEIGHT) for card in figure.cards]
    at = arranged(nodes, figure.lines)
    wide = at.width > WIDE
    diagram = (
        environment()
        .get_template("diagram.html.j2")
        .render(
            figure=figure,
            at=at,
            wide=wide,
            scale=SHRUNK if wide else 1.0,
            curves=[
                (_curve(at.routes[line]), text) for line, text in figure.lines.items() if line in at.routes
            ],
            heads=_heads(at),
            cards=[(card, _short(card.label), at.boxes[card.key]) for card in figure.cards],
        )
    )
    return Markup(diagram)


def _curve(points: Sequence[Point]) -> str:
    (x, y), *rest = points
    path = [f"M{x:g} {y:g}"]
    for number, (to_x, to_y) in enumerate(rest):
        last = number == len(rest) - 1
        if len(points) == 2 and x == to_x:  # within a layer: out to the right, and back
            out = x + min(46.0, 20 + abs(to_y - y) / 10)
            path.append(f"C{out:g} {y:g} {out:g} {to_y:g} {to_x + 5:g} {to_y:g}")
        elif number % 2:  # past the boxes of a layer
            path.append(f"H{to_x:g}")
        else:
            end = to_x + (5 if to_x < x else -5) if last else to_x
            bend = (x + end) / 2
            path.append(f"C{bend:g} {y:g} {bend:g} {to_y:g} {end:g} {to_y:g}")
        x, y = to_x, to_y
    return "".join(path)


def _heads(at: Arrangement) -> list[str]:
    """One arrow head at each side of a box that lines come to."""
    found = dict.fromkeys(
        (points[-1], points[-1][0] == at.boxes[target].x) for (_, target), points in at.routes.items()
    )
    return [f"M{x:g} {y:g}l{-7 if rightwards else 7} -4v8z" for (x, y), rightwards in found]


def _width(card: Card) -> float:
    letters = max(_letters(_short(card.label)) * 6.9, _letters(card.detail) * 6.2)
    return float(max(96, round(letters + 28)))


def _letters(text: str) -> int:
    """How wide a text is, in letters: those of East Asia are twice as wide."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"
