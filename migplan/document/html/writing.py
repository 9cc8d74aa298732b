"""Writing HTML: what is not Markup is escaped, so that no name or comment of a database becomes a tag."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from migplan.text.printable import printable

_SPECIAL = re.compile(r"[&<>\"']")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


NOTHING = Markup("")


def element(tag: str, /, *content: str, **attributes: str | None) -> Markup:
    """An element; ``class_`` and ``aria_label`` are ``class`` and ``aria-label``, and None is left out.

    >>> print(element("a", "x < y", href="#a&b"))
    <a href="#a&amp;b">x &lt; y</a>
    """
    inside = "".join([part if type(part) is Markup else _safe(part) for part in content])
    if not attributes:
        return Markup(f"<{tag}>{inside}</{tag}>")
    return Markup(f"<{tag}{_written(attributes)}>{inside}</{tag}>")


def void(tag: str, /, **attributes: str | None) -> Markup:
    """An element that has no content and no end, such as ``meta``."""
    return Markup(f"<{tag}{_written(attributes)}>")


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Parts one after the other."""
    return Markup(_safe(between).join([part if type(part) is Markup else _safe(part) for part in parts]))


def code(text: str) -> Markup:
    """A name, or a bit of SQL, in a line of text."""
    return element("code", text)


def _safe(text: str) -> str:
    """The text with what HTML would take for its own escaped; most texts have nothing of it."""
    text = printable(text, keep="\n\t")
    return escape(text) if _SPECIAL.search(text) else text


def _written(attributes: dict[str, str | None]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_safe(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
