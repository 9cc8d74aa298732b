"""The graph as a diagram: Mermaid for pages that render it, dot for Graphviz.

Arrows point from a table to what it needs, as foreign keys do. Names are only ever labels, quoted as the
language wants it; the nodes themselves are numbered.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.text.printable import printable

READABLE = 150  # tables; of more only those that have keys are drawn, unless all are wanted

# Mermaid reads entities inside of quotes, written with # in place of &. Percent signs and braces begin its
# settings, a backtick its Markdown, and its own search for the end of a style is confused by a colon.
_MERMAID = str.maketrans({sign: f"#{ord(sign)};" for sign in "\"#&<>%`{}[]|\\:;'"})


@dataclass(frozen=True, slots=True)
class Box:
    """A node of a Mermaid flowchart: the lines of its label; a group of tables is round."""

    lines: tuple[str, ...]
    round: bool = False
    bold: bool = False


def flowchart(boxes: Mapping[str, Box], arrows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """A Mermaid flowchart: boxes by their numbers, and arrows from one to another with a label."""
    yield "flowchart BT"
    for mark, box in boxes.items():
        label = "<br>".join(map(_mermaid_text, box.lines))
        yield f'  {mark}("{label}")' if box.round else f'  {mark}["{label}"]'
    for start, end, label in arrows:
        said = f'|"{_mermaid_text(label)}"|' if label else ""
        yield f"  {start} -->{said} {end}"
    for mark, box in boxes.items():
        if box.bold:
            yield f"  style {mark} stroke-width:4px"


def arrows_among(
    graph: ForeignKeyGraph, drawn: Mapping[QualifiedName, object]
) -> Iterator[tuple[QualifiedName, QualifiedName, str]]:
    """The keys among the tables that are drawn: from which, to which, by which columns."""
    found = list(graph.hops)
    found += [(table, table, key) for table, keys in graph.self_keys.items() for key in keys]
    for table, referenced, key in sorted(found, key=lambda arrow: (arrow[2].table, arrow[2].name)):
        if table in drawn and referenced in drawn:
            yield table, referenced, ", ".join(key.columns)


def _mermaid_text(text: str) -> str:
    line = " ".join(text.split())
    line = printable(line)
    return line.translate(_MERMAID)
