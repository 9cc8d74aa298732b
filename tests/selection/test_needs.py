"""What entries need of others: by whom and how, for each way in which objects can need one another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migplan.bundle.schema.needs import described, unmet
from migplan.bundle.schema.ownership import Ownership, ownership_of
from migplan.catalog.counts import Exactness
from migplan.pipeline.analyze import read_catalog
from migplan.postgres import pg_dump
from migplan.postgres.session import reading
from tests.servers import Server

CHOICES = (Path(__file__).parent / "choices.sql").read_text()


@pytest.fixture(scope="module")
def ownership(newest: Server) -> Iterator[Ownership]:
    name = newest.create_database(CHOICES)
    try:
        address = newest.address(name)
        catalog = read_catalog(address, Exactness.ESTIMATE)
        with reading(address) as session:
            program = pg_dump.suitable(session.version, encrypted=False)
            with pg_dump.dumping(address, program, session.export_snapshot()) as dump:
                yield ownership_of(dump.archive().entries, catalog)
    finally:
        newest.drop_database(name)


@pytest.mark.parametrize(
    ("kind", "tag", "says"),
    [
        (
            "TABLE",
            "people",
            "FK CONSTRAINT shop.orders orders_buyer_fkey needs TABLE base.people, "
            "which is what the key refers to",
        ),
        (
            "TYPE",
            "status",
            "TABLE shop.products needs TYPE base.status, which is the type of column state",
        ),
        ("TYPE", "status", "TABLE shop.events needs TYPE base.status, which is the type of column kind"),
        ("SCHEMA", "base", "TABLE base.people needs SCHEMA base, which is its schema"),
        (
            "FUNCTION",
            "touch()",
            "TRIGGER shop.orders touch needs FUNCTION base.touch(), "
            "which is the function that the trigger calls",
        ),
        ("FUNCTION", "me()", "POLICY shop.orders mine needs FUNCTION base.me(), which is used by the policy"),
        ("TABLE", "people", "POLICY shop.orders mine needs TABLE base.people, which is used by the policy"),
        (
            "FUNCTION",
            "tidy(text)",
            "INDEX shop.items_tidy needs FUNCTION base.tidy(text), which is in its expression",
        ),
        ("TABLE", "items", "STATISTICS shop.together needs TABLE shop.items"),
        (
            "SEQUENCE",
            "numbers",
            "TABLE shop.orders needs SEQUENCE base.numbers, which gives a column its next value",
        ),
        (
            "SEQUENCE",
            "products_id_seq",
            "TABLE shop.items needs SEQUENCE shop.products_id_seq, which gives a column its next value",
        ),
        ("TABLE", "orders", "VIEW report.open_orders needs TABLE shop.orders, which is used by the view"),
        ("VIEW", "open_orders", "VIEW report.few needs VIEW report.open_orders, which is used by the view"),
        ("TABLE", "events", "TABLE ATTACH report.events_new needs TABLE shop.events"),
        ("TABLE", "totals", "TABLE report.totals_more needs TABLE report.totals"),
        ("TABLE", "products", "TABLE report.typed needs TABLE shop.products"),
        ("TABLE", "totals_more", "RULE report.totals quiet needs TABLE report.totals_more"),
        ("COLLATION", "plain", "TABLE base.countries needs COLLATION base.plain, which is its collation"),
        ("OPERATOR", "<~>", "VIEW report.same needs OPERATOR base.<~>"),
        (
            "TABLE",
            "orders",
            "FUNCTION report.count_orders() needs TABLE shop.orders, which is named by its body",
        ),
        (
            "TABLE",
            "orders",
            "FUNCTION report.any_order() needs TABLE shop.orders, which is named by its body",
        ),
        ("TABLE", "products", "FUNCTION report.of_product(shop.products) needs TABLE shop.products"),
        (
            "TABLE",
            "people",
            "PUBLICATION TABLE base.few people needs TABLE base.people, which is what is published",
        ),
    ],
)
def test_it_is_said_who_needs_what_and_how(ownership: Ownership, kind: str, tag: str, says: str) -> None:
    gone = {number for number, entry in ownership.entries.items() if (entry.kind, entry.tag) == (kind, tag)}
    assert len(gone) == 1
    needs = [str(need) for need in unmet(ownership, ownership.entries.keys() - gone)]
    assert [need for need in needs if need.startswith(says)], needs


def test_all_together_need_nothing(ownership: Ownership) -> None:
    assert unmet(ownership, ownership.entries.keys()) == ()


def test_bodies_are_weak_needs_and_can_be_passed_over(ownership: Ownership) -> None:
    function = _numbers(ownership, "FUNCTION report.count_orders()", "SCHEMA report")
    (need,) = unmet(ownership, function)
    assert (need.weak, described(need.what)) == (True, "TABLE shop.orders")
    assert unmet(ownership, function, bodies=False) == ()


def _numbers(ownership: Ownership, *names: str) -> set[int]:
    found = {number for number, entry in ownership.entries.items() if described(entry) in names}
    assert len(found) == len(names)
    return found
