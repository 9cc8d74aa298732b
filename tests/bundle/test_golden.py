"""The demo's bundle in ``migrations/`` is whole; `make check` says whether it is today's."""

from __future__ import annotations

from pathlib import Path

import pytest

import migplan
from migplan.bundle import manifest
from migplan.bundle.check.examine import check
from tests.demo import facts

pytestmark = pytest.mark.slow

GOLDEN = Path(migplan.__file__).parents[1] / "migrations" / "muva"


def test_the_bundle_of_the_demo_checks() -> None:
    assert check(GOLDEN) == ()


def test_it_holds_every_row_that_the_documents_count() -> None:
    found = manifest.load(GOLDEN)
    assert {table.table.removeprefix("public."): table.rows for table in found.tables} == facts.ROWS
    assert found.rows == facts.TOTAL_ROWS


def test_it_is_numbered_as_the_documents_number_it() -> None:
    numbers = [file.file[:2] for file in manifest.load(GOLDEN).files]
    assert numbers == ["01", "02", "03", "04", "06", "10", "11", "12", "13", "15"]


def test_the_two_passes_stand_in_12_and_13() -> None:
    for file, table in (
        ("12-data-operations.sql", "staff_users"),
        ("13-data-reservations.sql", "calendar_events"),
    ):
        assert (GOLDEN / file).read_text().count(f"\nCOPY public.{table} (") == 2
