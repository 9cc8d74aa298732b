"""Pages are stale when somebody has altered the database, not when rows came in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migplan.catalog.model import Column
from migplan.document.markdown import stale, written
from migplan.document.model import Documentation, Performance, Samples, Statement
from tests.catalogs import altered, catalog
from tests.document.rendered import made
from tests.document.rendered.made import GROUPS, HOTELS

TODAY = made.documentation()
FOLDER = written(TODAY, {}).files


def with_column(comment: str | None = None, **fields: object) -> Documentation:
    found = catalog(HOTELS)
    rooms = found.by_name[next(name for name in found.by_name if name.name == "rooms")]
    columns = (*rooms.columns, Column("floor", "integer", comment=comment))
    return made.documentation(altered(found, "rooms", columns=columns, **fields), GROUPS)


def test_nothing_is_stale_just_after_writing() -> None:
    assert stale(FOLDER, TODAY, strict=True) == ()


def test_numbers_that_move_make_nothing_stale() -> None:
    moved = made.documentation(catalog(HOTELS, rows=12_345), GROUPS)
    moved = made.with_table(
        moved,
        "rooms",
        samples=Samples(("id",), (("1",),)),
        statements=(Statement("SELECT 1", 1, 1.0, 1),),
        performance=Performance(notes=("much is read",)),
        reason="because of its rows",
    )
    assert stale(FOLDER, moved) == ()
    said = stale(FOLDER, moved, strict=True)
    assert any(
        sentence.startswith("TABLES_OPERATIONS.md is not what would be written today") for sentence in said
    )


def test_a_changed_table_is_named_and_its_neighbours_are_not() -> None:
    said = stale(FOLDER, with_column())
    assert said == (
        "public.rooms in TABLES_OPERATIONS.md: its structure, or what follows from it, has changed",
    )


@pytest.mark.parametrize("fields", [{"comment": "beds"}, {"row_security": True}])
def test_comments_and_security_count(fields: dict[str, object]) -> None:
    changed = made.documentation(altered(catalog(HOTELS), "rooms", **fields), GROUPS)
    assert any(
        sentence.startswith("public.rooms in TABLES_OPERATIONS.md") for sentence in stale(FOLDER, changed)
    )


def test_new_and_gone_tables() -> None:
    said = stale(FOLDER, made.documentation({**HOTELS, "beds": ["rooms"]}, GROUPS))
    assert "public.beds has no section" in said
    less = made.documentation({table: keys for table, keys in HOTELS.items() if table != "bookings"}, GROUPS)
    assert "public.bookings in TABLES_OPERATIONS.md is documented and not there any more" in stale(
        FOLDER, less
    )


def test_a_table_in_another_group_has_moved_and_not_changed() -> None:
    said = stale(FOLDER, made.documentation(HOTELS, {"foundation": ["hotels", "rooms"], "operations": ["*"]}))
    assert "public.rooms stands in TABLES_OPERATIONS.md and belongs into TABLES_FOUNDATION.md" in said
    assert not [sentence for sentence in said if "structure" in sentence]


def test_pages_that_are_missing_foreign_or_of_another_form() -> None:
    less = {file: text for file, text in FOLDER.items() if file != "ADVISORS.md"}
    assert "ADVISORS.md is not there" in stale(less, TODAY)
    assert "README.md was not written by migplan" in stale({**FOLDER, "README.md": "# Mine"}, TODAY)
    other = {**FOLDER, "README.md": FOLDER["README.md"].replace("migplan:page 1 ", "migplan:page 99 ")}
    assert "README.md was written by another version of migplan, in another form" in stale(other, TODAY)
    assert stale({}, TODAY)[0] == "README.md is not there"


def test_a_group_of_another_name() -> None:
    said = stale(FOLDER, made.documentation(HOTELS, {"foundation": ["hotels"], "daily": ["*"]}))
    assert "TABLES_DAILY.md is not there" in said
    assert "TABLES_OPERATIONS.md is about a group that is not there any more" in said


def test_findings_of_the_structure_count_and_others_do_not() -> None:
    crowded = made.crowded(TODAY, "word")
    assert "ADVISORS.md: the findings have changed" in stale(FOLDER, crowded)
    seen = replace(crowded.advice.findings[0], observed=True)
    only = replace(TODAY, advice=replace(TODAY.advice, findings=(seen,)))
    assert stale(FOLDER, only) == ()


def test_views_and_functions_stand_in_the_index() -> None:
    with_views = replace(TODAY, catalog=made.crowded(TODAY, "word").catalog)
    assert stale(FOLDER, with_views) == ("README.md: what it says of the whole database has changed",)
