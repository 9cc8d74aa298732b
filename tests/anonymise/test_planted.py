"""A database with a secret in every kind of column and text: none of them may be seen in what comes out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.anonymise import Anonymiser, cleaned
from migplan.catalog.model import Catalog
from migplan.catalog.read import read
from migplan.catalog.samples import read_samples
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from tests.catalog.nasty import extensions
from tests.servers import Server

pytestmark = pytest.mark.slow

Shown = dict[str, list[tuple[str, ...]]]

# However it is cut or spelt. A first name alone, in prose, is a word like any other.
SECRET = re.compile(
    r"planted|77123499|5550142|555 0142|4\.7112|74\.0722|98765|4539578|203\.0\.113|08:00:2b|77777777", re.I
)
IN_ROWS = re.compile(SECRET.pattern + "|rosalind|1977", re.I)


@pytest.fixture
def planted(newest: Server, newest_database: Callable[[str], Address]) -> Address:
    if missing := {"hstore", "citext", "ltree"} - extensions(newest):
        pytest.skip(f"this server has no {missing}")
    return newest_database(Path(__file__).with_name("planted.sql").read_text())


def shown_of(address: Address, key: bytes = b"", rows: int = 5) -> tuple[Catalog, Shown]:
    with reading(address) as connection:
        catalog = read(connection)
        anonymiser = Anonymiser(catalog, key=key)
        found = {}
        for name, sampled in read_samples(connection, catalog.tables, rows):
            assert not sampled.unread
            table = catalog.by_name[name]
            found[name.name] = [anonymiser.row(table, row) for row in sampled.rows]
    return catalog, found


def test_no_secret_is_seen(planted: Address) -> None:
    catalog, found = shown_of(planted)
    people = catalog.by_name[QualifiedName("public", "people")]
    names = [column.name for column in people.columns]
    seen = [f"{name}: {cell}" for row in found["people"] for name, cell in zip(names, row, strict=True)]
    assert len(seen) == 4 * len(names)
    assert not [each for each in seen if IN_ROWS.search(each.partition(": ")[2])]
    assert not IN_ROWS.search(repr([found[name] for name in ("letters", "parts", "parts_a", "parts_b")]))
    # What is harmless can be seen, so that the samples are worth their place.
    first = dict(zip(names, found["people"][0], strict=True))
    assert first["last_seen"] == "2025-01-02 03:04:05+00"
    assert first["state_of_it"] == "In Use"
    assert first["reference_code"] == "MOTO_xxxxxxxx"
    assert first["visits"] == "3"
    assert '"ok": true' in first["data"]
    assert first["any_domain"].startswith("https://")
    # And each kind has come through, odd values as well.
    assert not [name for name, cell in first.items() if cell == "NULL" and name != "page"]
    assert dict(zip(names, found["people"][1], strict=True))["last_seen"] == "infinity"


def test_the_same_value_has_the_same_stand_in_everywhere(planted: Address) -> None:
    catalog, found = shown_of(planted)
    names = [column.name for column in catalog.by_name[QualifiedName("public", "people")].columns]
    first = dict(zip(names, found["people"][0], strict=True))
    assert (
        first["email"]
        == first["correo"]
        == first["mail_domain"]
        == found["letters"][0][1]
        == found["parts"][0][1]
    )
    assert first["full_name"] == first["nombre"]
    assert first["full_name"] in first["contact"]
    assert first["telefono"] == first["phone"] == first["mobile"]
    assert first["phone"] in first["contact"]
    assert found["letters"][0][0] == "11111111-2222-3333-4444-555555555555"


def test_twice_is_the_same_and_another_key_is_not(planted: Address) -> None:
    assert shown_of(planted) == shown_of(planted) or shown_of(planted)[1] == shown_of(planted)[1]
    assert shown_of(planted, b"one")[1] != shown_of(planted, b"two")[1]


def test_no_text_of_the_catalog_holds_a_secret(planted: Address) -> None:
    with reading(planted) as connection:
        catalog = read(connection)
    anonymiser = Anonymiser(catalog)
    clean = cleaned(catalog, anonymiser)
    parts = (clean.tables, clean.views, clean.functions, clean.types, clean.schemas, clean.sequences)
    left = re.findall(r".{40}(?:" + SECRET.pattern + r").{20}", repr(parts), re.I)
    assert not left
    assert SECRET.search(repr((catalog.tables, catalog.views)))
    # Names and harmless SQL stay.
    people = clean.by_name[QualifiedName("public", "people")]
    before = catalog.by_name[QualifiedName("public", "people")]
    assert [each.name for each in people.columns] == [each.name for each in before.columns]
    assert people.primary_key == before.primary_key
    (policy,) = people.policies
    assert policy.using
    assert "current_setting(" in policy.using or "[redacted]" in policy.using
    assert cleaned(clean, anonymiser) == clean


def test_what_holds_nothing_stays_the_very_same(newest: Server) -> None:
    address = newest.address(newest.demo)
    with reading(address) as connection:
        catalog = read(connection)
    clean = cleaned(catalog, Anonymiser(catalog))
    for kind in ("tables", "views", "functions", "types", "sequences", "schemas"):
        for old, new in zip(getattr(catalog, kind), getattr(clean, kind), strict=True):
            assert old is new or old != new, f"{old.name} was made anew for nothing"
            assert old.name == new.name
