"""Which regions that people wrote have a place in a documentation of one piece, and which have lost it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migplan.document.markdown.book import integration_key, notes_key, overview_key, purpose_key
from migplan.document.model import Documentation


def without_home(documentation: Documentation, kept: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of regions about tables and groups that are not there any more."""
    home = set(_homes(documentation))
    return tuple(sorted(key for key, text in kept.items() if text.strip() and key not in home))


def _homes(documentation: Documentation) -> Iterator[str]:
    yield overview_key()
    for group in documentation.groups:
        yield overview_key(group.name)
        for document in group.tables:
            yield purpose_key(document.name)
            yield notes_key(document.name)
            if document.integration:
                yield integration_key(document.name)
