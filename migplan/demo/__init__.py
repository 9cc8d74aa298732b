"""The demo: the database of a hotel chat application, to try migplan on, and how it is to be moved."""

from importlib.resources import files

from migplan.demo.database import scripts
from migplan.postgres.address import Address
from migplan.postgres.session import connect

__all__ = ["DATABASE", "build", "settings", "settings_as_documented"]

DATABASE = "muva"


def build(address: Address, *, vectors: bool = True) -> None:
    """Fill an empty database with the demo, in one transaction."""
    with connect(address) as session:
        for name, text in scripts(vectors=vectors):
            session.ask(text.encode(), during=f"building the demo ({name})")
    with connect(address) as session:
        session.autocommit = True
        session.ask("ANALYZE", during="analyzing the demo")


def settings() -> str:
    """The text of the demo's ``migplan.yaml``."""
    return _text("migplan.yaml")


def settings_as_documented() -> str:
    """The same with the groups as the source documents have them, which contradict the keys."""
    return _text("documents.yaml")


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
