"""A page taken apart again, the way a browser would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "link", "br", "hr", "img"}


@dataclass
class Page:
    ids: list[str] = field(default_factory=list)
    references: list[tuple[str, str, str]] = field(default_factory=list)  # tag, attribute, value
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # what a reader sees
    styles: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.page.faults.append(f"<{tag}> has an attribute twice: {names}")
        self.page.tags.append((tag, dict(attrs)))
        for name, value in attrs:
            if name == "id":
                self.page.ids.append(value or "")
            if name in {"href", "src", "srcset", "action", "data", "xlink:href", "poster"}:
                self.page.references.append((tag, name, value or ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.faults.append(f"</{tag}> ends what is not open at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        {"style": self.page.styles, "script": self.page.scripts}.get(inside, self.page.texts).append(data)


def read(text: str) -> Page:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.page.faults += [f"<{tag}> is never closed" for tag in reader.open]
    return reader.page
