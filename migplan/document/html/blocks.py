"""What sections are built of: tables, lists, SQL that can be copied, marks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from migplan.document.html.writing import NOTHING, Markup, code, element, joined
from migplan.text.printable import printable_sql

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?P<value>\$\d+)"
    r"|(?P<word>\b(?:SELECT|FROM|WHERE|AND|OR|NOT|NULL|IS|IN|AS|ON|JOIN|LEFT|ORDER|GROUP|BY|LIMIT|OFFSET|DESC"
    r"|ASC|INSERT|INTO|VALUES|UPDATE|SET|DELETE|RETURNING|WITH|RECURSIVE|UNION|ALL|EXISTS|CREATE|UNIQUE|INDEX"
    r"|CONCURRENTLY|USING|ALTER|TABLE|ADD|DROP|CONSTRAINT|FOREIGN|PRIMARY|KEY|REFERENCES|VALIDATE|POLICY|TO|FOR"
    r"|CHECK|ENABLE|DISABLE|ROW|LEVEL|SECURITY|FUNCTION|VIEW|TRIGGER|DEFAULT|INTERVAL|COUNT|BEGIN|COMMIT)\b)"
)
_CLASS = {"comment": "c", "quoted": "q", "value": "v", "word": "w"}


def sql(text: str) -> Markup:
    """SQL by itself, which can be copied."""
    return element("pre", element("code", coloured(printable_sql(text))), class_="sql")


def coloured(text: str) -> Markup:
    """SQL with its words, strings and placeholders marked."""
    parts: list[str] = []
    at = 0
    for token in _TOKEN.finditer(text):
        parts += [
            text[at : token.start()],
            element("i", token.group(), class_=_CLASS[token.lastgroup or "word"]),
        ]
        at = token.end()
    return joined([*parts, text[at:]])


def grid(heads: Sequence[str], lines: Iterable[Sequence[str]], numbers: Collection[int] = ()) -> Markup:
    """A table; the columns in ``numbers`` stand to the right. Nothing when there are no lines."""
    body = joined(
        element(
            "tr",
            *(
                element("td", cell, class_="n") if place in numbers else element("td", cell)
                for place, cell in enumerate(line)
            ),
        )
        for line in lines
    )
    if not body:
        return NOTHING
    head = (
        element("th", text, scope="col", class_="n" if place in numbers else None)
        for place, text in enumerate(heads)
    )
    table = element("table", element("thead", element("tr", *head)), element("tbody", body))
    return element("div", table, class_="scroll", tabindex="0")


def bullets(items: Iterable[str], class_: str | None = None) -> Markup:
    """A list; nothing when there is nothing in it."""
    inside = joined(element("li", item) for item in items)
    return element("ul", inside, class_=class_) if inside else NOTHING


def part(title: str, *content: str) -> Markup:
    """A part of a section under its heading; nothing when it would be empty."""
    inside = joined(content)
    return joined((element("h4", title), inside)) if inside else NOTHING


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Short facts beside each other."""
    return element(
        "dl",
        *(element("div", element("dt", name), element("dd", value)) for name, value in pairs),
        class_="facts",
    )


def mark(text: str, class_: str = "") -> Markup:
    """A small word beside a name."""
    return element("span", text, class_=f"mark {class_}".rstrip())


def muted(text: str) -> Markup:
    """A remark in a paragraph of its own."""
    return element("p", text, class_="muted")


def paragraph(text: str) -> Markup:
    """A paragraph whose line breaks stay."""
    return element("p", text, class_="lines")


def written(text: str) -> Markup:
    """What people wrote, as they wrote it."""
    return element("div", text, class_="written lines", title="written by people")


def codes(names: Iterable[str], between: str = ", ") -> Markup:
    """Names in a line."""
    return joined(map(code, names), between)


def folded(title: str, *content: str) -> Markup:
    """What is seen when somebody asks for it."""
    return element("details", element("summary", title), *content)
