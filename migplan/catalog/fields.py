"""What is said of a field of the Catalog beside its type."""

from __future__ import annotations

from dataclasses import field
from typing import Any

OBSERVED = {"observed": True}


def observed(default: Any = None) -> Any:
    """A field that is seen, not structure: it changes while nobody alters the database."""
    return field(default=default, metadata=OBSERVED, kw_only=True)


def printed(syntax: str) -> dict[str, str]:
    """The metadata of a field that the server prints from a tree of its own.

    Reading such a text and printing it again may give another one, so that two texts that differ may still be
    one definition: only a server can tell. ``syntax`` says what the text is: ``expression``, ``statement``,
    ``constraint``, ``partition key``, ``partition bound``, ``domain``; or ``digest`` of such texts. In a
    ``name``, of a type say, only quotes can differ: each version has its own words that need them.
    """
    return {"printed": syntax}


def added(default: Any) -> Any:
    """A field that the first catalogs did not have: while it says nothing, their fingerprints stay true."""
    return field(default=default, metadata={"added": True}, kw_only=True)
