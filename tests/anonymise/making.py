"""Tables for tests of anonymising, from names and types of columns."""

from __future__ import annotations

from dataclasses import replace

from migplan.anonymise import Anonymiser
from migplan.catalog.model import Catalog, Check, Column, ForeignKey, Key, Schema, Table, Type
from migplan.config import AnonymiseSection
from migplan.names import QualifiedName
from tests.catalogs import SERVER


def column(text: str, comment: str = "") -> Column:
    """``full_name text``; a name with spaces in it stands before a colon."""
    name, _, type_ = text.partition(": ") if ": " in text else text.partition(" ")
    return Column(name, type_ or "text", comment=comment or None)


def table(
    name: str,
    *columns: str | Column,
    key: tuple[str, ...] = (),
    unique: tuple[str, ...] = (),
    refers: dict[str, str] | None = None,
    checks: tuple[str, ...] = (),
) -> Table:
    """``refers`` maps a column to ``table.column``."""
    own = QualifiedName("public", name)
    keys = [
        ForeignKey(
            f"{name}_{each}_fkey",
            own,
            (each,),
            QualifiedName("public", to.split(".")[0]),
            (to.split(".")[1],),
            "k",
        )
        for each, to in (refers or {}).items()
    ]
    return Table(
        own,
        columns=tuple(column(each) if isinstance(each, str) else each for each in columns),
        primary_key=Key(f"{name}_pkey", key, primary=True) if key else None,
        unique_keys=tuple(Key(f"{name}_{each}_key", (each,)) for each in unique),
        foreign_keys=tuple(keys),
        checks=tuple(Check(f"check_{number}", each) for number, each in enumerate(checks)),
    )


def catalog(*tables: Table, types: tuple[Type, ...] = ()) -> Catalog:
    ordered = tuple(sorted(tables, key=lambda each: each.name))
    return Catalog(server=SERVER, schemas=(Schema("public"),), tables=ordered, types=types)


def kind(text: str, table_name: str = "things", **more: object) -> str:
    """What a single column is taken for."""
    only = table(table_name, text)
    only = replace(only, **more)  # type: ignore[arg-type]
    return Anonymiser(catalog(only)).kind_of(only, only.columns[0]).kind.value


def shown(
    text: str, value: object, table_name: str = "things", settings: AnonymiseSection | None = None
) -> str:
    """A single value, as it is shown in a column."""
    only = table(table_name, text)
    return Anonymiser(catalog(only), settings or AnonymiseSection()).row(only, {only.columns[0].name: value})[
        0
    ]
