"""The databases that tests move: a small one with everything, one with odd names, the demo."""

from __future__ import annotations

from collections.abc import Callable

from tests.catalog import nasty
from tests.export import rich
from tests.servers import Server

DATABASES: dict[str, Callable[[Server], str]] = {
    "rich": rich.database,
    "nasty": nasty.database,
    "demo": lambda server: server.demo,
}
"""By name, what makes it on a server once, and says what it is called there; nobody may change them."""
