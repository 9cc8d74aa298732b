"""What indexes are good for, and their SQL where the catalog holds none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migplan.catalog.model import Index, Key, Policy, Table, TableKind
from migplan.document.derive import indexes
from tests import catalogs
from tests.catalogs import altered, name
from tests.document.documenting import database, facts, of, section, table

TABLE = table(
    "t",
    "tenant_id uuid",
    "a text",
    "b text",
    "status text",
    "created_at timestamp with time zone",
    "check_in date",
    "check_out date",
    "external_id text",
    "last_synced_at timestamp with time zone",
    "extra jsonb",
    "tags text[]",
    "words tsvector",
    "e public.vector(3)",
    "stay daterange",
)


def _index(*columns: str, tail: str = "", **fields: object) -> Index:
    method = fields.get("method", "btree")
    written = f"CREATE INDEX i ON public.t USING {method} ({', '.join(columns)}{tail})" if tail else None
    return Index("i", written, columns, **fields)  # type: ignore[arg-type]


def _said(index: Index, of_table: Table = TABLE) -> str:
    whole = replace(of_table, indexes=(*of_table.indexes, index))
    return " ".join(indexes.serves(index, whole, facts(database(whole))))


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (_index("a", unique=True), "Keeps a unique"),
        (_index("a", unique=True, predicate="(b IS NULL)"), "Keeps a unique among rows where b IS NULL"),
        (_index("a", "b"), "Finds rows by a then b."),
        (_index("a", predicate="(status = 'x'::text)"), "Holds only rows where status = 'x'::text."),
        (_index("lower(a)"), "Finds rows by lower(a)"),
        (
            _index("tenant_id", "created_at", tail=" DESC"),
            "The newest of each tenant_id first, by created_at",
        ),
        (_index("tenant_id", "created_at"), "Rows of each tenant_id in order of created_at"),
        (_index("tenant_id", "check_in", "check_out"), "Ranges from check_in to check_out."),
        (_index("extra", method="gin"), "what extra contains (JSON)"),
        (_index("tags", method="gin"), "members of tags"),
        (_index("words", method="gin"), "Full text search in words"),
        (_index("to_tsvector('english'::regconfig, a)", method="gin"), "Full text search"),
        (_index("a", tail=" public.gin_trgm_ops", method="gin"), "(trigrams)"),
        (_index("stay", method="gist"), "overlaps or contains"),
        (_index("created_at", method="brin"), "A small map of created_at"),
        (_index("e", tail=" public.vector_cosine_ops", method="hnsw"), "nearest e by cosine distance"),
        (_index("e", method="ivfflat"), "nearest e by straight distance"),
        (_index("external_id"), "the row that another system calls by external_id"),
        (_index("last_synced_at"), "what is to be synced, by last_synced_at"),
        (_index("status"), "Finds rows by status."),
        (_index("a", valid=False), "Nothing: its building failed"),
        (_index("a", tail=") INCLUDE (b"), "Holds b too"),
    ],
)
def test_an_index_says_what_it_is_good_for(index: Index, said: str) -> None:
    assert said in _said(index)


def test_one_that_begins_another_is_said_to_be_needless() -> None:
    longer = Index("longer", None, ("a", "b"))
    both = replace(TABLE, indexes=(*TABLE.indexes, longer))
    needless = "A leading part of longer"
    assert needless in _said(_index("a"), both)
    assert needless not in _said(_index("b"), both)
    assert needless not in _said(_index("a", unique=True), both)
    assert needless not in _said(_index("a", tail=" DESC"), both)
    assert needless not in _said(_index("a"), replace(TABLE, indexes=(replace(longer, valid=False),)))


def test_keys_are_covered_and_leant_on() -> None:
    found = catalogs.catalog({"a": [], "b": ["a", "a"]})
    own = (Index("i", None, ("a_id",)), Index("j", None, ("a2_id",), predicate="true"))
    found = altered(found, "b", indexes=own)
    found = altered(found, "a", indexes=(Index("a_pkey", None, ("id",), unique=True, constraint="a_pkey"),))
    said = {index.index.name: index.serves for each in of(found).tables for index in each.indexes}
    assert said["i"] == ("Covers the foreign key a_id -> public.a: joins, and deletes there.",)
    assert not any("Covers" in each for each in said["j"])
    assert said["a_pkey"] == (
        "The primary key: finds a row by id.",
        "Foreign keys of public.b lean on it.",
    )


def test_the_column_that_policies_compare_is_named() -> None:
    policy = Policy("p", "ALL", ("PUBLIC",), using="(tenant_id = current_setting('app.t'::text)::uuid)")
    with_policy = replace(TABLE, policies=(policy,))
    assert "The policies compare tenant_id" in _said(_index("tenant_id", "a"), with_policy)
    assert "The policies compare" not in _said(_index("a", "tenant_id"), with_policy)
    assert "The policies compare" not in _said(_index("tenant_id", "a"))


def test_a_plain_index_is_written_as_the_server_does() -> None:
    odd = Index('6" pipe', None, ("select", "Ä"), unique=True, constraint='6" pipe')
    key = Key('6" pipe', ("select", "Ä"), nulls_not_distinct=True)
    there = replace(TABLE, kind=TableKind.PARTITIONED, unique_keys=(key,))
    assert indexes.definition(odd, there) == (
        'CREATE UNIQUE INDEX "6"" pipe" ON ONLY public.t USING btree ("select", "Ä") NULLS NOT DISTINCT'
    )
    assert " ONLY " not in indexes.definition(odd, TABLE)


def test_a_section_has_all_indexes() -> None:
    assert [index.index.name for index in section(of(database(TABLE)), "t").indexes] == ["t_pkey"]
    assert section(of(database(TABLE)), "t").name == name("t")
