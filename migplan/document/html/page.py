"""The documentation as one page that needs nothing else: no network, no other file, no script to be read."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources

from markupsafe import Markup

from migplan.catalog.model import Table
from migplan.document.html.environment import environment
from migplan.document.html.links import Links
from migplan.document.html.pictures import Pictures
from migplan.document.html.svg import drawn
from migplan.document.model import DescribedIndex, Documentation
from migplan.document.regions import orphaned
from migplan.report.tree import tree

_PIECES = 200  # of the templates' output that are written as one


def as_html(documentation: Documentation, kept: Mapping[str, str] | None = None) -> Iterator[str]:
    """Return the page in pieces, to be written one after the other.

    ``kept`` is what people wrote into the regions of the Markdown pages, by the regions' keys.
    """
    catalog, said = documentation.catalog, kept or {}
    links = Links(documentation)
    style, script = _asset("page.css"), _asset("page.js")
    page = (
        environment()
        .get_template("page.html.j2")
        .stream(
            documentation=documentation,
            catalog=catalog,
            links=links,
            pictures=Pictures(documentation, links),
            drawn=drawn,
            enums={str(each.name): each.definition for each in catalog.types if each.kind == "enum"},
            key_marks=key_marks,
            method_and_columns=method_and_columns,
            kept=lambda key: said.get(key, ""),
            homeless=orphaned(documentation, said),
            tree="\n".join(line.plain for line in tree(documentation.graph)),
            style=style,
            script=script,
            policy=f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
            "img-src data:; base-uri 'none'; form-action 'none'",
        )
    )
    page.enable_buffering(_PIECES)
    return iter(page)


def key_marks(table: Table) -> Mapping[str, Sequence[str]]:
    """Return of each column whether it is of the primary key, of a foreign key, or unique."""
    primary = table.primary_key.columns if table.primary_key else ()
    referring = {name for key in table.foreign_keys for name in key.columns}
    unique = {key.columns[0] for key in table.unique_keys if len(key.columns) == 1}
    found = (("PK", primary), ("FK", referring), ("UQ", unique))
    return {column.name: [mark for mark, names in found if column.name in names] for column in table.columns}


def method_and_columns(described: DescribedIndex) -> str:
    """Return an index's definition from its method on: its name and its table are known."""
    at = described.definition.find(f" USING {described.index.method} ", len(described.index.name))
    return described.definition[at + 7 :] if at >= 0 else described.definition


def _asset(name: str) -> Markup:
    """Return a file of this package, as it is."""
    return Markup(resources.files("migplan.document.html").joinpath(name).read_text("utf-8"))


def _digest(text: str) -> str:
    """Return how the page's policy names what it lets run: by digest, so that nothing else does."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
