"""The regions in which people write: their keys, and which of them have lost their table or group."""

import re
from collections.abc import Iterator, Mapping

from migplan.document.model import Documentation
from migplan.names import QualifiedName

_UNSAFE = re.compile(r"[%<>]|(?<=-)-")


def coded(name: QualifiedName) -> str:
    """Return a name that can stand in a comment of HTML, which two hyphens would end, on one line."""
    shown = _UNSAFE.sub(lambda found: f"%{ord(found.group()):02x}", str(name))
    return "".join(sign if sign.isprintable() else f"%{ord(sign):02x}" for sign in shown)


def purpose_key(name: QualifiedName) -> str:
    """Return the key of the region that says what a table is for, where its comment does not."""
    return f"purpose {coded(name)}"


def notes_key(name: QualifiedName) -> str:
    """Return the key of the region for all that people want to add about a table."""
    return f"notes {coded(name)}"


def integration_key(name: QualifiedName) -> str:
    """Return the key of the region for what no catalog says of an integration."""
    return f"integration {coded(name)}"


def overview_key(group: str = "") -> str:
    """Return the key of the region that introduces a group, or the database."""
    return f"overview group {group}" if group else "overview database"


def orphaned(documentation: Documentation, kept: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of what people wrote about tables and groups that are not there any more."""
    there = set(_keys(documentation))
    return tuple(sorted(key for key, text in kept.items() if text.strip() and key not in there))


def _keys(documentation: Documentation) -> Iterator[str]:
    yield overview_key()
    for group in documentation.groups:
        yield overview_key(group.name)
        for document in group.tables:
            yield purpose_key(document.name)
            yield notes_key(document.name)
            if document.integration:
                yield integration_key(document.name)
