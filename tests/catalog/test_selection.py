"""What patterns select, what stays outside, and what is said of patterns that mean nothing."""

from __future__ import annotations

import pytest

from migplan.catalog.model import (
    Catalog,
    ForeignKey,
    Function,
    Schema,
    Sequence,
    Server,
    Table,
    TableKind,
    Type,
    View,
)
from migplan.catalog.selection import Selected, Selection, select
from migplan.errors import SelectionError
from migplan.names import QualifiedName, parse

SERVER = Server("postgresql://h/d", "d", 180000, "18", "UTF8", "C", "me", True, "2026-01-01T00:00:00Z")


def key(name: str, own: str, other: str) -> ForeignKey:
    return ForeignKey(name, parse(own), ("x",), parse(other), ("id",), "pk")


def make() -> Catalog:
    """Two schemas, a family of partitions over both, and names that need quotes."""
    partitioned = TableKind.PARTITIONED
    keys = {
        "public.guest_notes": (key("fk_guest", "public.guest_notes", "public.guests"),),
        "sales.orders": (key("fk_buyer", "sales.orders", "public.guests"),),
        "public.guests": (key("fk_best", "public.guests", 'sales."Best Of"'),),
    }
    tables = [
        Table(parse("public.guests"), foreign_keys=keys["public.guests"]),
        Table(parse("public.guest_notes"), foreign_keys=keys["public.guest_notes"]),
        Table(parse("public.events"), kind=partitioned, partition_key="RANGE (day)"),
        Table(parse("public.events_2025"), kind=partitioned, partition_of=parse("public.events")),
        Table(parse("archive.events_2025_a"), partition_of=parse("public.events_2025")),
        Table(parse("sales.orders"), foreign_keys=keys["sales.orders"]),
        Table(parse('sales."Best Of"')),
        Table(parse('sales."odd*name"')),
        Table(parse("sales.oddxname")),
        Table(parse('sales."a.b"')),
    ]
    return Catalog(
        server=SERVER,
        schemas=tuple(Schema(name) for name in ("My Schema", "archive", "public", "sales")),
        tables=tuple(sorted(tables, key=lambda t: t.name)),
        sequences=(
            Sequence(parse("public.free"), "bigint", 1, 1, 9, 1),
            Sequence(parse("public.guests_id_seq"), "bigint", 1, 1, 9, 1, owned_by=parse("public.guests")),
            Sequence(parse("sales.of_guests"), "bigint", 1, 1, 9, 1, owned_by=parse("public.guests")),
        ),
        views=(View(parse("public.v"), "SELECT 1"), View(parse("sales.w"), "SELECT 1")),
        functions=(Function(parse("sales.f"), "", "function", "int", "sql", "x"),),
        types=(Type(parse("public.t"), "enum", ()), Type(QualifiedName("My Schema", "t"), "enum", ())),
    )


def chosen(*tables: str, schemas: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Selected:
    return select(make(), Selection(schemas, tables, exclude))


def names(selected: Selected) -> set[str]:
    return {str(table.name) for table in selected.catalog.tables}


FAMILY = {"public.events", "public.events_2025", "archive.events_2025_a"}


def test_nothing_said_means_everything() -> None:
    selected = chosen()
    assert selected.catalog == make()
    assert (selected.left_out, selected.arriving) == ((), ())


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("guests",), {"public.guests"}),
        (("guest*",), {"public.guests", "public.guest_notes"}),
        (("public.guest?",), {"public.guests"}),
        (
            ("sales.*",),
            {"sales.orders", 'sales."Best Of"', 'sales."odd*name"', "sales.oddxname", 'sales."a.b"'},
        ),
        (("*.orders",), {"sales.orders"}),
        (('"Best Of"',), {'sales."Best Of"'}),
        (("Best*",), {'sales."Best Of"'}),
        (('sales."odd*name"',), {'sales."odd*name"'}),
        (("odd*name",), {'sales."odd*name"', "sales.oddxname"}),
        (('sales."a.b"',), {'sales."a.b"'}),
        (("orders", "guests"), {"sales.orders", "public.guests"}),
        (("[go]*s",), {"public.guests", "public.guest_notes", "sales.orders"}),
    ],
)
def test_tables_are_chosen_by_glob_and_by_quoted_name(patterns: tuple[str, ...], expected: set[str]) -> None:
    assert names(chosen(*patterns)) == expected


@pytest.mark.parametrize("pattern", ["events", "public.ev*", "events*"])
def test_a_partitioned_table_goes_with_its_partitions(pattern: str) -> None:
    assert names(chosen(pattern)) == FAMILY


def test_partitions_follow_their_table_into_its_schema() -> None:
    assert names(chosen(schemas=("public",))) == {"public.guests", "public.guest_notes"} | FAMILY
    assert names(chosen(schemas=("archive",))) == set()
    assert not names(chosen(exclude=("events",))) & FAMILY


def test_partitions_alone_can_neither_be_chosen_nor_left_out() -> None:
    for selection in (Selection(exclude=("events_2025*",)), Selection(tables=("archive.*",))):
        with pytest.raises(SelectionError, match="means partitions alone") as refused:
            select(make(), selection)
        assert refused.value.do == "name the whole of it: public.events"


def test_schemas_are_chosen_by_glob_and_by_quoted_name() -> None:
    selected = chosen(schemas=("s*",), exclude=("odd*",))
    assert names(selected) == {"sales.orders", 'sales."Best Of"', 'sales."a.b"'}
    quoted = chosen(schemas=('"My Schema"',))
    assert [schema.name for schema in quoted.catalog.schemas] == ["My Schema"]
    assert [str(type_.name) for type_ in quoted.catalog.types] == ['"My Schema".t']


def test_keys_that_leave_stay_on_their_table_and_those_that_arrive_are_told() -> None:
    selected = chosen("guests")
    (guests,) = selected.catalog.tables
    assert [k.name for k in guests.foreign_keys] == ["fk_best"]
    assert [k.name for k in selected.arriving] == ["fk_guest", "fk_buyer"]


def test_other_objects_go_with_their_schema_and_sequences_with_their_table() -> None:
    selected = chosen("guests").catalog
    assert [str(s.name) for s in selected.sequences] == [
        "public.free",
        "public.guests_id_seq",
        "sales.of_guests",
    ]
    assert [str(v.name) for v in selected.views] == ["public.v"]
    assert (selected.functions, [str(t.name) for t in selected.types]) == ((), ["public.t"])
    assert [s.name for s in selected.schemas] == ["public"]
    assert selected.server == SERVER


def test_what_is_left_out_is_counted_by_schema() -> None:
    selected = chosen("guests", "orders")
    assert [str(gap) for gap in selected.left_out] == [
        "schema archive: all 1 table",
        "schema public: 3 of 4 tables",
        "schema sales: 4 of 5 tables",
    ]


@pytest.mark.parametrize(
    ("selection", "said", "advice"),
    [
        (Selection(tables=("gests",)), "no table matches 'gests'", "did you mean public.guests?"),
        (
            Selection(tables=("public.gests",)),
            "no table matches 'public.gests'",
            "did you mean public.guests?",
        ),
        (Selection(exclude=("oders",)), "no table matches 'oders'", "did you mean sales.orders?"),
        (Selection(tables=("a,b",)), "no table matches 'a,b'", 'did you mean sales."a.b"?'),
        (Selection(schemas=("slaes",)), "no schema matches 'slaes'", "did you mean sales?"),
        (Selection(schemas=("My Schem",)), "no schema matches 'My Schem'", 'did you mean "My Schema"?'),
        (
            Selection(schemas=("zzz",)),
            "no schema matches 'zzz'",
            'there are: "My Schema", archive, public, sales',
        ),
        (
            Selection(tables=("zzz",)),
            "no table matches 'zzz'",
            "there are: archive.events_2025_a, public.events, public.events_2025, public.guest_notes, "
            'public.guests, sales."Best Of", sales."a.b", sales."odd*name" and 2 more',
        ),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error_with_a_suggestion(
    selection: Selection, said: str, advice: str
) -> None:
    with pytest.raises(SelectionError) as refused:
        select(make(), selection)
    assert (refused.value.what, refused.value.do) == (said, advice)


@pytest.mark.parametrize("pattern", ["", ".", "a.", ".a", "a.b.c", '"open', '"a"b', 'a"b"', '""'])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(SelectionError, match="is not a table pattern"):
        chosen(pattern)


def test_an_empty_database_is_said_to_be_empty() -> None:
    with pytest.raises(SelectionError) as refused:
        select(Catalog(server=SERVER), Selection(tables=("x",)))
    assert refused.value.do == "the database has no table that this role can see"
