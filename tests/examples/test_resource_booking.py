"""The booking of resources: up, verified, seeded and down again on every version, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from migplan.postgres.address import Address
from tests.bundle.built import schema_text
from tests.examples.running import RESOURCE_BOOKING, Folder, contents, differing
from tests.servers import Server

pytestmark = pytest.mark.slow

TABLES = ("resource", "resource_capacity", "resource_blackout", "resource_hold", "resource_allocation")
CRUISER = "4d000000-0000-4000-8000-000000000001"

TOTALS = {
    "tables": 5,
    "columns": 40,
    "columns not null": 36,
    "indexes": 12,
    "triggers": 4,
    "check constraints": 7,
    "foreign keys": 4,
    "unique constraints": 2,
    "primary keys": 5,
    "constraints": 18,
}


def test_there_and_back_again_on_every_version(server: Server, database: Callable[[str], Address]) -> None:
    target = database("")
    folder = Folder(RESOURCE_BOOKING, target)
    before = schema_text(target)

    folder.up()
    found = folder.verify()
    assert differing(found) == []
    assert {row[1]: int(row[3]) for row in found if row[0] == "total"} == TOTALS
    assert {row[1]: row[3] for row in found if row[0] == "rows"} == dict.fromkeys(TABLES, "0")

    with server.connect(dbname=target.params["dbname"]) as connection:
        folder.seed()
        # Some days later, so that a seed that counts from today would add to what is there.
        connection.execute(
            "ALTER TABLE resource DISABLE TRIGGER USER; ALTER TABLE resource_capacity DISABLE TRIGGER USER;"
            "UPDATE resource SET created_at = created_at - interval '9 days';"
            "UPDATE resource_capacity SET date = date - 9;"
            "ALTER TABLE resource ENABLE TRIGGER USER; ALTER TABLE resource_capacity ENABLE TRIGGER USER"
        )
        once = contents(connection, *TABLES)
        folder.seed()
        assert contents(connection, *TABLES) == once
        assert [len(rows) for rows in once] == [3, 270, 0, 0, 0]
    assert differing(folder.verify()) == []

    folder.down()
    assert schema_text(target) == before


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        ("DROP INDEX idx_hold_expires", {"idx_hold_expires", "indexes"}),
        ("DROP TRIGGER resource_updated_at ON resource", {"resource_updated_at", "triggers"}),
        ("ALTER TABLE resource_hold DISABLE TRIGGER USER", {"resource_hold_updated_at"}),
        ("ALTER TABLE resource DROP COLUMN description", {"resource", "columns"}),
        (
            "ALTER TABLE resource_hold DROP CONSTRAINT resource_hold_quantity_check",
            {"resource_hold_quantity_check", "check constraints", "constraints"},
        ),
        (
            "ALTER TABLE resource_blackout DROP CONSTRAINT resource_blackout_dates_check,"
            " ADD CONSTRAINT resource_blackout_dates_check CHECK (end_date >= start_date) NOT VALID",
            {"resource_blackout_dates_check"},
        ),
    ],
)
def test_verify_names_what_is_lost(
    newest_database: Callable[[str], Address], damage: str, lost: set[str]
) -> None:
    up = (RESOURCE_BOOKING / "20251108021100_resource_booking.sql").read_text()
    damaged = newest_database(f"{up};\n{damage}")
    assert set(differing(Folder(RESOURCE_BOOKING, damaged).verify())) == lost


def test_a_function_of_the_same_name_is_not_replaced(newest_database: Callable[[str], Address]) -> None:
    """Its triggers would do another thing from then on, and the way down would take it away."""
    theirs = newest_database(
        "CREATE FUNCTION public.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'"
    )
    before = schema_text(theirs)
    with pytest.raises(AssertionError, match="already exists with same argument types"):
        Folder(RESOURCE_BOOKING, theirs).up()
    assert schema_text(theirs) == before


HOLD = "INSERT INTO resource_hold (resource_id, date, quantity, idempotency_token"
REFUSED = [
    ("resource_type_check", "INSERT INTO resource (type, name) VALUES ('BOAT', 'Goletta')"),
    (
        # What it refuses, the other check of the table refuses, too, so that one has to go first.
        "resource_capacity_max_check",
        f"ALTER TABLE resource_capacity DROP CONSTRAINT resource_capacity_available_check;"
        f"INSERT INTO resource_capacity (resource_id, date, max_capacity, available_capacity)"
        f" VALUES ('{CRUISER}', '2020-01-01', -1, 0)",
    ),
    ("resource_capacity_available_check", "UPDATE resource_capacity SET available_capacity = 2"),
    (
        "resource_blackout_dates_check",
        f"INSERT INTO resource_blackout (resource_id, start_date, end_date)"
        f" VALUES ('{CRUISER}', '2026-02-02', '2026-02-01')",
    ),
    ("resource_hold_quantity_check", f"{HOLD}) VALUES ('{CRUISER}', '2026-02-01', 0, 'x')"),
    ("resource_hold_status_check", f"{HOLD}, status) VALUES ('{CRUISER}', '2026-02-01', 1, 'x', 'LOST')"),
    (
        "resource_allocation_quantity_check",
        f"INSERT INTO resource_allocation (resource_id, date, quantity, order_id, line_item_id)"
        f" VALUES ('{CRUISER}', '2026-02-01', 0, 'order_1', 'item_1')",
    ),
    (
        "uq_resource_date",
        "INSERT INTO resource_capacity (resource_id, date, max_capacity, available_capacity)"
        " SELECT resource_id, date, 1, 1 FROM resource_capacity LIMIT 1",
    ),
    ("resource_hold_resource_fkey", f"{HOLD}) VALUES (gen_random_uuid(), '2026-02-01', 1, 'x')"),
]


@pytest.mark.parametrize(("constraint", "statement"), REFUSED, ids=[name for name, _ in REFUSED])
def test_refused(booking: psycopg.Connection, constraint: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        booking.execute(statement.encode())
    assert caught.value.diag.constraint_name == constraint


def test_a_request_that_is_sent_twice_holds_once(booking: psycopg.Connection) -> None:
    held = booking.execute(
        f"{HOLD}) VALUES ('{CRUISER}', '2026-02-01', 1, 'request 1')"
        f" RETURNING status, expires_at - created_at".encode()
    ).fetchone()
    assert held is not None
    assert (held[0], held[1].total_seconds()) == ("ACTIVE", 30 * 60)
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        booking.execute(f"{HOLD}) VALUES ('{CRUISER}', '2026-02-02', 1, 'request 1')".encode())
    assert caught.value.diag.constraint_name == "idx_hold_idempotency"


def test_a_day_cannot_be_sold_twice(booking: psycopg.Connection) -> None:
    take = (
        f"UPDATE resource_capacity SET available_capacity = available_capacity - 1"
        f" WHERE resource_id = '{CRUISER}' AND date = (SELECT min(date) FROM resource_capacity)"
    ).encode()
    assert booking.execute(take).rowcount == 1
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        booking.execute(take)
    assert caught.value.diag.constraint_name == "resource_capacity_available_check"


def test_what_hangs_on_a_resource_goes_with_it(booking: psycopg.Connection) -> None:
    booking.execute(f"{HOLD}) VALUES ('{CRUISER}', '2026-02-01', 1, 'x')".encode())
    booking.execute(
        f"INSERT INTO resource_blackout (resource_id, start_date, end_date)"
        f" VALUES ('{CRUISER}', now(), now());"
        f"INSERT INTO resource_allocation (resource_id, date, quantity, order_id, line_item_id)"
        f" VALUES ('{CRUISER}', '2026-02-01', 1, 'order_1', 'item_1')".encode()
    )
    booking.execute(f"DELETE FROM resource WHERE id = '{CRUISER}'".encode())
    assert [len(rows) for rows in contents(booking, *TABLES)] == [2, 180, 0, 0, 0]


@pytest.mark.parametrize("table", TABLES[:4])
def test_a_change_is_stamped(booking: psycopg.Connection, table: str) -> None:
    old = "'2020-01-01'"
    booking.execute(f"{HOLD}, updated_at) VALUES ('{CRUISER}', '2026-02-01', 1, 'x', {old})".encode())
    booking.execute(
        f"INSERT INTO resource_blackout (resource_id, start_date, end_date, updated_at)"
        f" VALUES ('{CRUISER}', now(), now(), {old})".encode()
    )
    stamped = booking.execute(
        f"UPDATE {table} SET updated_at = {old} RETURNING updated_at = now(), created_at <= now()".encode()
    ).fetchall()
    assert stamped
    assert set(stamped) == {(True, True)}
