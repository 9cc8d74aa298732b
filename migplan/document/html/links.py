"""Ids of sections, and links to them. Ids are made of names alone, so links from elsewhere keep working."""

import hashlib
import re

from migplan.document.model import Documentation
from migplan.names import QualifiedName

HUES = 10
_PLAIN = re.compile(r"[A-Za-z0-9_.]+")
_ODD = re.compile(r"[^A-Za-z0-9_.]+")


def id_of(kind: str, name: str) -> str:
    """``table-public.rooms``; a name with odd letters gets a digest, which keeps it apart from others."""
    if _PLAIN.fullmatch(name):
        return f"{kind}-{name}"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kind}-{_ODD.sub('-', name).strip('-')}~{digest}"


class Links:
    """Where everything of a documentation is found in the page."""

    def __init__(self, documentation: Documentation) -> None:
        graph = documentation.graph
        documented = {document.name for document in documentation.tables}
        self._home = {name: name for name in documented}
        for name, parts in graph.partitions.items():
            if name in documented:
                self._home.update(dict.fromkeys(parts, name))
        self._by_text = {str(name): name for name in self._home}
        self._hue = {group.name: f"h{number % HUES}" for number, group in enumerate(documentation.groups)}
        self._group = documentation.group_of

    def named(self, text: str) -> QualifiedName | None:
        """Return the table that a plan calls so; None when it is not in the documentation."""
        return self._by_text.get(text)

    def href(self, name: QualifiedName) -> str | None:
        """Return where a link to the table leads; None when no section tells of it."""
        home = self._home.get(name)
        return None if home is None else f"#{table_id(home)}"

    def hue(self, name: QualifiedName) -> str | None:
        """Return the colour of the table's group, as a class."""
        home = self._home.get(name)
        return None if home is None else self._hue[self._group[home]]

    def hue_of(self, group: str) -> str:
        """Return the colour of a group, as a class."""
        return self._hue[group]


def table_id(name: QualifiedName) -> str:
    """Return the id of a table's section."""
    return id_of("table", str(name))


def group_id(name: str) -> str:
    """Return the id of a group's section."""
    return id_of("group", name)
