"""Which queries are drafted, and which index they are said to use."""

from __future__ import annotations

from dataclasses import replace

from migplan.catalog.model import Index, Table
from migplan.document.model import Pattern
from tests import catalogs
from tests.catalogs import altered, name
from tests.document.documenting import database, of, section, table


def _patterns(found: Table) -> tuple[Pattern, ...]:
    return section(of(database(found)), found.name.name).patterns


def test_a_bare_table_has_two() -> None:
    assert [p.sql for p in _patterns(table("t", "a text"))] == [
        "SELECT *\nFROM t\nWHERE id = $1;",
        "SELECT *\nFROM t\nWHERE id > $1\nORDER BY id\nLIMIT 50;",
    ]
    assert [p.sql for p in _patterns(table("t", key=()))] == [
        "SELECT *\nFROM t\nLIMIT 50;",
        "SELECT count(*)\nFROM t;",
    ]


def test_rows_of_a_parent_come_with_its_name_and_tenant() -> None:
    found = catalogs.catalog({"hotels": [], "rooms": ["hotels(hotel_id)"]})
    hotels = replace(table("hotels", "name text"), primary_key=found.by_name[name("hotels")].primary_key)
    rooms = found.by_name[name("rooms")]
    tenant = table("x", "tenant_id uuid").columns[1]
    rooms = replace(
        rooms,
        columns=(*rooms.columns, tenant),
        indexes=(Index("i", None, ("tenant_id", "hotel_id")),),
    )
    pattern = section(of(database(hotels, rooms)), "rooms").patterns[1]
    assert pattern.sql == (
        "SELECT child.*, parent.name AS hotel_name\nFROM rooms AS child\n"
        "JOIN hotels AS parent ON parent.id = child.hotel_id\n"
        "WHERE child.tenant_id = $1\n  AND child.hotel_id = $2;"
    )
    assert pattern.performance == "Index i finds the rows."
    bare = section(of(database(hotels, replace(rooms, indexes=()))), "rooms").patterns[1]
    assert "tenant_id" not in bare.sql
    assert bare.performance.endswith("No index begins with hotel_id: the whole table is read (MP106).")


def test_the_way_down_a_hierarchy_ends() -> None:
    found = altered(catalogs.catalog({"a": ["a?"]}), "a", indexes=(Index("i", None, ("parent_id",)),))
    pattern = section(of(found), "a").patterns[1]
    assert "WHERE below.steps_down < 100" in pattern.sql
    assert "index i finds the rows" in pattern.performance


def test_the_best_index_is_named() -> None:
    narrow, wide = Index("narrow", None, ("status",)), Index("wide", None, ("status", "created_at"))
    columns = ("status text", "created_at timestamp with time zone")
    both = _patterns(table("t", *columns, indexes=(narrow, wide)))
    assert "Index wide finds the rows, in order of created_at." in [p.performance for p in both]
    one = _patterns(table("t", *columns, indexes=(narrow,)))
    assert "Index narrow finds the rows; created_at is looked at afterwards." in [p.performance for p in one]
    broken = _patterns(table("t", *columns, indexes=(replace(narrow, valid=False),)))
    assert "No index begins with status: the whole table is read." in [p.performance for p in broken]


def test_a_partial_index_is_a_queue() -> None:
    waiting = Index(
        "q", "CREATE INDEX q ON public.t USING btree (due) WHERE (NOT done)", ("due",), predicate="(NOT done)"
    )
    sql = [p.sql for p in _patterns(table("t", "due date", "done boolean", indexes=(waiting,)))]
    assert "SELECT *\nFROM t\nWHERE (NOT done)\nORDER BY due\nLIMIT 50;" in sql


def test_there_are_five_at_most_and_no_two_alike() -> None:
    columns = [f"{word} timestamp with time zone" for word in ("created_at", "starts_at", "ends_at")]
    indexes = tuple(Index(f"i{n}", None, (f"j{n}",), method="gin") for n in range(6))
    found = _patterns(
        table("t", *columns, "status text", *(f"j{n} jsonb" for n in range(6)), indexes=indexes)
    )
    assert len(found) == 5
    assert len({p.sql for p in found}) == 5
    assert any("starts_at" in p.title for p in found)
    assert sum("contains" in p.title for p in found) == 2
