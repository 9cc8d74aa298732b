"""The page: its frame, the list at its side, and all sections one after the other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources

from migplan.document.html import overview
from migplan.document.html.links import Links, group_id, table_id
from migplan.document.html.pictures import Pictures
from migplan.document.html.section import Sections
from migplan.document.html.writing import Markup, element, joined, void
from migplan.document.markdown.book import title
from migplan.document.model import Documentation, GroupDocument, TableDocument


def as_html(documentation: Documentation, kept: Mapping[str, str] | None = None) -> Iterator[str]:
    """The page in pieces, to be written one after the other: a table's section is one.

    ``kept`` is what people wrote into the regions of the Markdown pages, by the regions' keys.
    """
    links = Links(documentation)
    enums = {str(each.name): each.definition for each in documentation.catalog.types if each.kind == "enum"}
    sections = Sections(documentation, links, Pictures(documentation, links), enums, kept or {})
    yield "<!DOCTYPE html>\n"
    yield '<html lang="en">\n'
    yield _head(documentation)
    yield '<body>\n<a class="skip" href="#overview">Skip to the documentation</a>\n'
    yield _side(documentation, links)
    yield "<main>\n"
    yield overview.database(sections)
    for group in documentation.groups:
        yield "\n"
        yield overview.group(group, sections)
        for document in group.tables:
            yield "\n"
            yield sections.table(document)
    yield '\n<section id="order">'
    yield from overview.order(sections)
    yield '</section>\n<section id="advice">'
    yield from overview.advice(documentation.advice, links)
    yield "</section>\n</main>\n"
    yield f"<script>{_asset('page.js')}</script>\n</body>\n</html>\n"


def _head(documentation: Documentation) -> str:
    style, script = _asset("page.css"), _asset("page.js")
    policy = f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:; "
    policy += "base-uri 'none'; form-action 'none'"
    head = (
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=policy),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        void("meta", name="generator", content="migplan"),
        element("title", f"{documentation.catalog.server.database}: database documentation"),
        element("style", Markup(style)),
    )
    return element("head", joined(head)) + "\n"


def _side(documentation: Documentation, links: Links) -> str:
    field = void("input", type="search", id="filter", placeholder="Filter tables", aria_label="Filter tables")
    pages = (("overview", "Overview"), ("order", "Migration order"), ("advice", "Advice"))
    listed = element(
        "ul", *(element("li", element("a", text, href=f"#{to}")) for to, text in pages), class_="pages"
    )
    groups = joined((_listed(group, links) for group in documentation.groups), "\n")
    name = element("a", documentation.catalog.server.database, href="#overview", class_="name")
    filtering = element("div", field, element("p", id="found", aria_live="polite"), id="filtering", hidden="")
    return element("nav", name, filtering, listed, "\n", groups, "\n", aria_label="Tables") + "\n"


def _listed(group: GroupDocument, links: Links) -> Markup:
    head = element("a", group.name, href=f"#{group_id(group.name)}")
    tables = (element("li", _entry(document)) for document in group.tables)
    number = element("span", f"{len(group.tables):,}", class_="muted")
    return element(
        "details",
        element("summary", head, " ", number),
        element("ul", *tables),
        open="",
        class_=links.hue_of(group.name),
    )


def _entry(document: TableDocument) -> Markup:
    name = title(document.name)
    return element("a", name, href=f"#{table_id(document.name)}", title=name)


def _asset(name: str) -> str:
    """A file of this package, as it is."""
    return resources.files("migplan.document.html").joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    """How the page's policy names what it lets run: by digest, so that nothing else does."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
