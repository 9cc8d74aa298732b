"""What a move has to mind: each note follows from a fact, and is not said without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migplan.catalog.model import Catalog, Check, Column, Sequence, Table, TableKind, Trigger
from migplan.document.model import MigrationNotes
from migplan.names import QualifiedName
from tests import catalogs
from tests.catalogs import altered, name
from tests.document.documenting import database, of, section, table

STAMP = Trigger("t", QualifiedName("public", "set_updated_at"), "", "BEFORE", ("UPDATE",), "ROW")
AUDIT = Trigger("t", QualifiedName("public", "audit_row"), "", "AFTER", ("INSERT", "UPDATE"), "ROW")


def _notes(catalog: Catalog, of_table: str = "a") -> MigrationNotes:
    return section(of(catalog), of_table).migration


def _plain(**fields: Any) -> Catalog:
    return database(replace(table("a", "note text"), **fields))


def _columns(*columns: str, **fields: Any) -> Catalog:
    return database(table("a", *columns, **fields))


def _column(**fields: object) -> Catalog:
    first = Column("id", "bigint", not_null=True, **fields)  # type: ignore[arg-type]
    return altered(catalogs.catalog({"a": [], "b": ["a"]}), "a", columns=(first,))


def _sequence(**fields: object) -> Catalog:
    made = Sequence(name("a_id_seq"), "bigint", 1, 1, 2**63 - 1, 1, **fields)  # type: ignore[arg-type]
    return replace(_plain(), sequences=(made,))


SAID: dict[str, tuple[Catalog, Catalog, str, str]] = {
    # what is told apart: with the fact, without it, the field, what is said
    "referenced": (
        catalogs.catalog({"a": [], "b": ["a"]}),
        catalogs.catalog({"a": [], "b": []}),
        "do",
        "Keep the values of id: rows of b refer to them.",
    ),
    "external id": (
        _columns("external_id text"),
        _columns("internal_id text"),
        "do",
        "Keep external_id as it is",
    ),
    "sync": (
        _columns("last_synced_at timestamptz"),
        _columns("status text"),
        "do",
        "Bring last_synced_at along",
    ),
    "self": (
        catalogs.catalog({"a": ["a?"]}),
        catalogs.catalog({"a": []}),
        "do",
        "Load parents before children",
    ),
    "stamp": (
        _plain(triggers=(STAMP,)),
        _plain(triggers=(replace(STAMP, events=("DELETE",)),)),
        "do",
        "Switch trigger t off until all rows are in: it would write the time",
    ),
    "audit": (
        _plain(triggers=(AUDIT,)),
        _plain(triggers=(replace(AUDIT, enabled="disabled"),)),
        "do",
        "it would record the move",
    ),
    "sequence": (
        _sequence(owned_by=name("a"), owned_column="id"),
        _sequence(),
        "do",
        "Set sequence public.a_id_seq after the load: else id",
    ),
    "not valid": (
        catalogs.catalog({"a": ["b~"], "b": []}),
        catalogs.catalog({"a": ["b"], "b": []}),
        "do",
        "Make key a_b_id_fkey NOT VALID there, too",
    ),
    "not enforced": (
        catalogs.catalog({"a": ["b%"], "b": []}),
        catalogs.catalog({"a": ["b"], "b": []}),
        "do",
        "NOT ENFORCED there",
    ),
    "secret": (
        _columns("api_key text"),
        _columns("token_count integer"),
        "do",
        "Move api_key over an encrypted",
    ),
    "secret kept": (
        _columns("password_hash text"),
        _columns("password_changed_at timestamptz"),
        "dont",
        "Copy password_hash to staging",
    ),
    "policies": (_plain(row_security=True), _plain(), "do", "Read and load as the owner"),
    "forced": (
        _plain(row_security=True, force_row_security=True),
        _plain(row_security=True),
        "do",
        "Load as a role with BYPASSRLS",
    ),
    "truncate": (
        catalogs.catalog({"a": [], "b": ["a"], "c": ["b"]}),
        catalogs.catalog({"a": [], "b": [], "c": ["b"]}),
        "dont",
        "Truncate it: 1 table refers to it (b), and CASCADE would empty 2 tables.",
    ),
    "truncate one": (
        catalogs.catalog({"a": [], "b": ["a"]}),
        catalogs.catalog({"a": ["b"], "b": []}),
        "dont",
        "CASCADE would empty it, too.",
    ),
    "numbers": (
        _column(identity="by default"),
        _column(),
        "dont",
        "Let the server number id anew",
    ),
    "generated": (
        _plain(columns=(Column("n", "integer", generated="stored"),)),
        _plain(columns=(Column("n", "integer", default="1"),)),
        "dont",
        "Load n: the server works it out",
    ),
    "change external": (_columns("mphExternalId text"), _columns("mphLabel text"), "dont", "Change "),
    "identity": (
        _column(identity="always"),
        _column(identity="by default"),
        "handling",
        "OVERRIDING SYSTEM VALUE",
    ),
    "circle": (
        catalogs.catalog({"a": ["b?"], "b": ["a"]}),
        catalogs.catalog({"a": ["b?"], "b": []}),
        "handling",
        "It is in a circle with b",
    ),
    "hierarchy": (
        catalogs.catalog({"a": ["a?"]}),
        catalogs.catalog({"a": []}),
        "handling",
        "A hierarchy by parent_id",
    ),
    "partitioned": (
        catalogs.catalog({"a": [], "a1": []}, partitions={"a": ["a1"]}),
        catalogs.catalog({"a": [], "a1": []}),
        "handling",
        "Partitioned by LIST (id): 1 partition must be there",
    ),
    "foreign": (_plain(kind=TableKind.FOREIGN), _plain(), "handling", "A foreign table"),
    "unlogged": (_plain(persistence="unlogged"), _plain(), "handling", "Unlogged"),
    "inherits": (
        catalogs.catalog({"a": [], "p": []}, inherits={"a": ["p"]}),
        catalogs.catalog({"a": [], "p": []}),
        "handling",
        "It inherits from public.p",
    ),
    "exclusion": (
        _plain(exclusions=(Check("once", "EXCLUDE USING gist (r WITH &&)"),)),
        _plain(checks=(Check("once", "CHECK (true)"),)),
        "handling",
        "Exclusion constraint once",
    ),
    "sign in": (
        _columns("provider text", "external_id text", "access_token text"),
        _columns("provider text", "access_token text"),
        "handling",
        "Sign in to the other system again",
    ),
    "large": (
        catalogs.catalog({"a": []}, rows=100_000),
        catalogs.catalog({"a": []}, rows=99_999),
        "volume",
        "High volume, 100,000 rows",
    ),
    "empty": (
        catalogs.catalog({"a": []}, rows=0),
        catalogs.catalog({"a": []}, rows=1),
        "volume",
        "It is empty",
    ),
}


@pytest.mark.parametrize("fact", SAID)
def test_a_note_follows_from_a_fact(fact: str) -> None:
    there, missing, field, said = SAID[fact]
    assert any(said in note for note in getattr(_notes(there), field)), getattr(_notes(there), field)
    assert not any(said in note for note in getattr(_notes(missing), field))


def test_a_delete_that_cascades_is_warned_of() -> None:
    found = catalogs.catalog({"a": [], "b": ["a"]})
    keys = tuple(replace(key, on_delete="CASCADE") for key in found.by_name[name("b")].foreign_keys)
    said = "Delete rows to load them again: ON DELETE CASCADE takes rows of b along."
    assert said not in _notes(found).dont
    assert said in _notes(altered(found, "b", foreign_keys=keys)).dont


def test_a_junction_is_one_whose_key_is_made_of_keys() -> None:
    found = catalogs.catalog({"a": ["b", "c"], "b": [], "c": []})
    assert not any("junction" in note for note in _notes(found).handling)
    both = replace(_table(found).primary_key, columns=("b_id", "c_id"))  # type: ignore[type-var]
    assert (
        "A junction of b and c: both sides of a row must be there before it."
        in _notes(altered(found, "a", primary_key=both)).handling
    )


def test_only_direct_needs_come_before() -> None:
    found = catalogs.catalog({"a": ["b", "a?"], "b": ["c"], "c": []})
    assert _notes(found).before == (name("b"),)


def test_rows_are_counted_over_partitions() -> None:
    found = catalogs.catalog({"a": [], "x": [], "y": []}, rows=60_000, partitions={"a": ["x", "y"]})
    assert "120,000 rows" in _notes(found).volume[0]


def test_a_table_without_anything_needs_nothing() -> None:
    assert _notes(_plain()) == MigrationNotes()


def _table(catalog: Catalog) -> Table:
    return catalog.by_name[name("a")]
