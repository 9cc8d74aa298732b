"""Whatever is changed in a target is found, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.export.loading import export, run_with_psql
from tests.verify.conftest import Shop, said

pytestmark = pytest.mark.slow

Change = Callable[[str], str]
QUIETLY = "ALTER TABLE shop.customer DISABLE TRIGGER USER; {}; ALTER TABLE shop.customer ENABLE TRIGGER USER"
LOOSELY = "SET session_replication_role = replica; "

# A change of the target, and every difference that is to be found then.
ROWS: dict[str, tuple[str, ...]] = {
    QUIETLY.format("UPDATE shop.customer SET note = 'Note 7' WHERE id = 7"): (
        "Contents: content of shop.customer: 100 rows, as many as expected, but not the same"
        " | other values: id 7 in note",
    ),
    QUIETLY.format("UPDATE shop.customer SET note = 'note ' || 9 - id WHERE id IN (4, 5)"): (
        "Contents: content of shop.customer: 100 rows, as many as expected, but not the same"
        " | other values: id 4 in note | other values: id 5 in note",
    ),
    QUIETLY.format("UPDATE shop.customer SET note = '' WHERE id = 3"): (  # where there was NULL
        "Contents: content of shop.customer: 100 rows, as many as expected, but not the same"
        " | other values: id 3 in note",
    ),
    "DELETE FROM shop.orders WHERE id = 17; INSERT INTO shop.orders VALUES (1017, 18, 4.25)": (
        "Contents: content of shop.orders: 400 rows, as many as expected, but not the same"
        " | missing: id 17 | too many: id 1017",
    ),
    "DELETE FROM shop.orders WHERE id = 17": (
        "Rows: rows of shop.orders: 399 instead of 400, 1 missing | missing: id 17",
    ),
    "INSERT INTO shop.orders VALUES (401, 1, 1)": (
        "Rows: rows of shop.orders: 401 instead of 400, 1 too many | too many: id 401",
    ),
    # Rows without a key, in partitions: one is there twice, another not at all.
    "DELETE FROM shop.event WHERE ctid = '(0,1)' AND tableoid = 'shop.event_1'::regclass;"
    "INSERT INTO shop.event VALUES ('2020-01-03', 'event 2')": (
        "Contents: content of shop.event: 300 rows, as many as expected, but not the same"
        " | missing: at 2020-01-02, what event 1 | too many: at 2020-01-03, what event 2",
    ),
    "UPDATE shop.orders SET price = price + 0.01 WHERE id > 396": (
        "Contents: content of shop.orders: 400 rows, as many as expected, but not the same"
        " | other values: id 397 in price | other values: id 398 in price | other values: id 399 in price"
        " | other values: id 400 in price",
    ),
    LOOSELY + "UPDATE shop.orders SET customer = 1000 WHERE id = 5": (
        "Orphans: orders_customer: shop.orders (customer) -> shop.customer (id): 1 row refers to nothing"
        " | (1000)",
        "Contents: content of shop.orders: 400 rows, as many as expected, but not the same"
        " | other values: id 5 in customer",
    ),
}
STRUCTURE: dict[str, tuple[str, ...]] = {
    "DROP INDEX shop.orders_price": ("Indexes: index orders_price of shop.orders: missing",),
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.orders_price'::regclass": (
        "Indexes: index orders_price of shop.orders: valid: yes -> no",
    ),
    "DROP INDEX shop.orders_price; CREATE INDEX orders_price ON shop.orders (price) WHERE price > 11": (
        "Indexes: index orders_price of shop.orders: definition: ... (price > (10)::numeric)"
        " -> ... (price > (11)::numeric); predicate: (price > (10)::numeric)"
        " -> (price > (11)::numeric)",
    ),
    "ALTER TABLE shop.customer DISABLE TRIGGER customer_touch": (
        "Triggers: trigger customer_touch of shop.customer: enabled: origin -> disabled",
    ),
    "DROP TRIGGER customer_touch ON shop.customer": (
        "Triggers: trigger customer_touch of shop.customer: missing",
    ),
    "CREATE TRIGGER more AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch()": (
        "Triggers: trigger more of shop.orders: not in the bundle",
    ),
    "ALTER TABLE shop.orders DROP CONSTRAINT orders_customer; ALTER TABLE shop.orders ADD CONSTRAINT "
    "orders_customer FOREIGN KEY (customer) REFERENCES shop.customer NOT VALID": (
        "Foreign keys: foreign key orders_customer of shop.orders: validated: yes -> no",
    ),
    "ALTER TABLE shop.orders DROP CONSTRAINT orders_customer": (
        "Foreign keys: foreign key orders_customer of shop.orders: missing",
    ),
    "ALTER POLICY mine ON shop.orders USING (customer > 1)": (
        "Policies: policy mine of shop.orders: using: (customer > 0) -> (customer > 1)",
    ),
    "CREATE POLICY more ON shop.orders USING (true)": (
        "Policies: policy more of shop.orders: not in the bundle",
    ),
    "ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY": (
        "Tables: table shop.orders: row security: yes -> no",
    ),
    "SELECT setval('shop.customer_id_seq', 99)": (
        "Sequence values: sequence shop.customer_id_seq: gives 100 next, and id has reached 100",
    ),
    "ALTER TABLE shop.customer ALTER note SET DEFAULT 'nothing'": (
        "Columns: column note of shop.customer: default: 'none'::text -> 'nothing'::text",
    ),
    "ALTER TABLE shop.customer ALTER note SET NOT NULL": (),  # refused: there are NULLs
    "ALTER TABLE shop.orders ADD more int": ("Columns: column more of shop.orders: not in the bundle",),
    "ALTER TABLE shop.customer DROP CONSTRAINT named": ("Checks: check named of shop.customer: missing",),
    "ALTER TABLE shop.customer DROP CONSTRAINT name_once": (
        "Unique keys: unique key name_once of shop.customer: missing",
        "Indexes: index name_once of shop.customer: missing",
    ),
    "REVOKE SELECT ON shop.customer FROM pg_monitor": (
        "Grants: grant on table shop.customer to pg_monitor: missing",
    ),
    "REVOKE SELECT (price) ON shop.orders FROM PUBLIC": (
        "Grants: grant on column shop.orders.price to public: missing",
    ),
    "GRANT DELETE ON shop.orders TO PUBLIC": (
        "Grants: grant on table shop.orders to public: not in the bundle (DELETE)",
    ),
    "CREATE OR REPLACE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'": (
        "Functions: function shop.touch()",
    ),
    "CREATE OR REPLACE VIEW shop.dear AS SELECT id, price FROM shop.orders WHERE price > 60": (
        "Views: view shop.dear: definition: ",
    ),
    "ALTER TYPE shop.state ADD VALUE 'lost'": ("Types: type shop.state: definition: ",),
    "ALTER TABLE shop.orders OWNER TO pg_database_owner": (
        "Tables: table shop.orders: owner: postgres -> pg_database_owner",
    ),
    "ALTER SEQUENCE shop.customer_id_seq INCREMENT 2": (
        "Sequences: sequence shop.customer_id_seq: increment",
    ),
}
del STRUCTURE["ALTER TABLE shop.customer ALTER note SET NOT NULL"]


@pytest.mark.parametrize("beside_source", [False, True], ids=["bundle", "source"])
def test_an_untouched_target_holds(shop: Shop, beside_source: bool) -> None:
    found = shop.verify(shop.target, beside_source=beside_source)
    assert said(found) == []
    assert found.holds
    assert {proof.strength for proof in found.tables} == {"content"}
    assert {check.name: (check.right, check.of) for check in found.checks}["Rows"] == (800, 800)
    assert [(each.table, each.roots, each.linked) for each in found.hierarchies] == [("shop.customer", 3, 97)]


@pytest.mark.parametrize("beside_source", [False, True], ids=["bundle", "source"])
@pytest.mark.parametrize("change", ROWS)
def test_changed_rows_are_found_and_named(
    shop: Shop, changed: Change, change: str, beside_source: bool
) -> None:
    found = shop.verify(changed(change), beside_source=beside_source)
    assert not found.holds
    assert sorted(map(_sorted_examples, said(found))) == sorted(map(_sorted_examples, ROWS[change]))


def _sorted_examples(line: str) -> tuple[str, ...]:
    first, *examples = line.split(" | ")
    return (first, *sorted(examples))


@pytest.mark.parametrize("change", STRUCTURE)
def test_a_changed_structure_is_found_and_named(shop: Shop, changed: Change, change: str) -> None:
    found = said(shop.verify(changed(change)))
    assert len(found) == len(STRUCTURE[change])
    for line, beginning in zip(found, STRUCTURE[change], strict=True):
        assert line.startswith(beginning)


LINKS = {
    "invited_by = NULL": "by customer_invited_by_fkey: 100 roots, none below, "
    "not 3 roots, 4 and 8 and 16 and 32 below and 37 further down",
    "invited_by = 1 WHERE id = 100": "by customer_invited_by_fkey: 3 roots, 5 and 8 and 16 and 32 below and "
    "36 further down, not 3 roots, 4 and 8 and 16 and 32 below and 37 further down",
    "invited_by = id WHERE id = 100": "by customer_invited_by_fkey: 3 roots, 4 and 8 and 16 and 32 below and "
    "36 further down, 1 in loops, not 3 roots, 4 and 8 and 16 and 32 below and 37 further down",
}


@pytest.mark.parametrize("beside_source", [False, True], ids=["bundle", "source"])
@pytest.mark.parametrize("change", LINKS)
def test_links_of_a_self_reference_that_were_lost(
    shop: Shop, changed: Change, change: str, beside_source: bool
) -> None:
    name = changed(QUIETLY.format(f"UPDATE shop.customer SET {change}"))
    found = shop.verify(name, beside_source=beside_source)
    (line,) = [line for line in said(found) if line.startswith("Self-references")]
    assert line == f"Self-references: self-references of shop.customer: {LINKS[change]}"


FILLED = {
    "UPDATE app.t SET n = 9 WHERE n = 1": "app.plain: its 2 rows are not those that its query gives",
    "DELETE FROM app.t WHERE n = 1; REFRESH MATERIALIZED VIEW app.plain; INSERT INTO app.t VALUES (1)": (
        "app.plain: holds 1 rows, and its query gives 2"
    ),
}


def test_contents_of_materialised_views(shop: Shop, tmp_path: Path) -> None:
    """Also where the source's own was not refreshed, for which the target is not to blame."""
    source = shop.server.create_database(
        "CREATE SCHEMA app; CREATE TABLE app.t (n int); CREATE VIEW app.v AS SELECT n FROM app.t;"
        "CREATE MATERIALIZED VIEW app.plain AS SELECT n, n + 1 AS next FROM app.v;"
        "CREATE MATERIALIZED VIEW app.timed AS SELECT n, now() AS at FROM app.t;"
        "CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';"
        "CREATE MATERIALIZED VIEW app.called AS SELECT app.f(n) FROM app.t;"
        "INSERT INTO app.t VALUES (1), (2)"
    )
    target = shop.server.create_database()
    try:
        export(shop.server.url(source), tmp_path / "bundle")
        run_with_psql(tmp_path / "bundle", shop.server.url(target))
        moved = Shop(shop.server, source, tmp_path / "bundle", target)
        for beside_source in (False, True):
            found = moved.verify(target, beside_source=beside_source)
            assert said(found) == []
            (note,) = [note for note in found.notes if "materialised views" in note]
            assert "app.called (its query calls functions that people made, or reads foreign tables)" in note
            assert "app.timed (its query may give something else each time)" in note
        for change, expected in FILLED.items():
            copy = shop.server.create_database(template=target)
            with shop.server.connect(dbname=copy) as connection:
                connection.execute(change.encode())
            assert f"Materialised views: {expected}" in said(moved.verify(copy))
            shop.server.drop_database(copy)
    finally:
        shop.server.drop_database(source)
        shop.server.drop_database(target)


def test_a_missing_table_is_named_once(shop: Shop, changed: Change) -> None:
    found = shop.verify(changed("DROP TABLE shop.event"))
    assert said(found) == [
        "Tables: table shop.event: missing",
        "Tables: table shop.event_1: missing",
        "Tables: table shop.event_2: missing",
        "Rows: rows of shop.event: not read in the target: there is no such table",
    ]


def test_what_the_bundle_does_not_know_is_noted(shop: Shop, changed: Change) -> None:
    found = shop.verify(
        changed(
            "CREATE TABLE shop.more (id int); CREATE SCHEMA migplan; CREATE TABLE migplan.step (id int);"
            "CREATE VIEW public.v AS SELECT 1"
        )
    )
    assert said(found) == []
    assert found.notes == (
        "the target has tables that the bundle does not know: shop.more",
        "the target has views that the bundle does not know: public.v",
    )


def test_what_default_privileges_of_the_target_gave_is_noted(shop: Shop, changed: Change) -> None:
    found = shop.verify(
        changed(
            "ALTER DEFAULT PRIVILEGES FOR ROLE pg_monitor GRANT SELECT ON TABLES TO pg_read_all_stats;"
            "GRANT SELECT ON shop.orders TO pg_read_all_stats"
        )
    )
    assert said(found) == []
    assert found.notes == (
        "the target's default privileges gave pg_read_all_stats more than the bundle does, on 1 object",
    )


def test_a_source_that_went_on_is_told_apart(shop: Shop, changed: Change) -> None:
    """Against the bundle the target holds; the live source has another row now."""
    source = shop.server.create_database(template=shop.source)
    try:
        with shop.server.connect(dbname=source) as connection:
            connection.execute("INSERT INTO shop.orders VALUES (999, 1, 1); DROP INDEX shop.orders_price")
        other = Shop(shop.server, source, shop.bundle, shop.target)
        found = other.verify(shop.target, beside_source=True)
    finally:
        shop.server.drop_database(source)
    assert said(found) == [
        "Indexes: index orders_price of shop.orders: not in the bundle (source of today)",
        "Rows: rows of shop.orders: 400 instead of 401, 1 missing | missing: id 999",
    ]
    assert "the source has changed since the export: shop.orders" in found.notes
