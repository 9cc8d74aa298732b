"""The public chat: up, verified, seeded and down again where pgvector is, and what it shows to whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from migplan.postgres.address import Address
from tests.bundle.built import schema_text
from tests.examples.running import PUBLIC_CHAT, Folder, before_public_chat, contents, differing, make_roles
from tests.servers import Server

pytestmark = pytest.mark.slow

SESSIONS, UNITS, SEARCH = (
    "20251001015000_add_prospective_sessions_table",
    "20251001015100_add_accommodation_units_public_table",
    "20251001015200_add_match_accommodations_public_function",
)
TABLES = ("prospective_sessions", "accommodation_units_public")

ARRECIFE = "00000000-0000-4000-8000-00000000000a"
MANZANILLO = "00000000-0000-4000-8000-00000000000b"
RESERVATION = "00000000-0000-4000-8000-0000000000a3"
HOUSE = {ARRECIFE: "00000000-0000-4000-8000-0000000000a1", MANZANILLO: "00000000-0000-4000-8000-0000000000b1"}


def test_there_and_back_again(server: Server, database: Callable[[str], Address]) -> None:
    if not server.has_vectors:
        pytest.skip(f"PostgreSQL {server.major} comes without pgvector here")
    make_roles(server)
    target = database(before_public_chat())
    folder = Folder(PUBLIC_CHAT, target)
    assert folder.names == [SESSIONS, UNITS, SEARCH]
    before = schema_text(target)

    folder.up()
    assert differing(folder.verify()) == []
    with server.connect(dbname=target.params["dbname"]) as connection:
        folder.seed()
        once = contents(connection, *TABLES)
        folder.seed()
        assert contents(connection, *TABLES) == once
        assert [len(rows) for rows in once] == [2, 0]
    assert differing(folder.verify()) == []

    with_all = schema_text(target)
    folder.run(f"{SEARCH}.down.sql")  # the partial rollback: the function alone
    assert schema_text(target) != with_all
    folder.run(f"{SEARCH}.sql")
    assert schema_text(target) == with_all
    folder.down()
    assert schema_text(target) == before


def test_nobody_waits_long_behind_a_lock(chat: psycopg.Connection) -> None:
    for part in (f"{SEARCH}.down", f"{UNITS}.down", UNITS, f"{SESSIONS}.down", SESSIONS):
        chat.execute("SET lock_timeout = 0")
        chat.execute((PUBLIC_CHAT / f"{part}.sql").read_bytes())
        waits = chat.execute("SHOW lock_timeout").fetchone()
        # The function alone locks nothing that others wait for.
        assert waits == ("0" if part.startswith(SEARCH) else "5s",), part


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        ("DROP INDEX idx_prospective_sessions_expires", {"idx_prospective_sessions_expires"}),
        ("ALTER TABLE prospective_sessions DISABLE ROW LEVEL SECURITY", {"prospective_sessions"}),
        (
            "DROP POLICY prospective_sessions_visitor ON prospective_sessions",
            {"prospective_sessions_visitor"},
        ),
        (
            "ALTER POLICY accommodation_units_public_read ON accommodation_units_public TO PUBLIC",
            {"accommodation_units_public_read"},
        ),
        ("ALTER TABLE prospective_sessions DISABLE TRIGGER USER", {"prospective_sessions_trim"}),
        ("ALTER TABLE accommodation_units_public DROP COLUMN embedding_precise", {"embedding_precise"}),
        ("ALTER TABLE prospective_sessions ALTER tenant_id DROP NOT NULL", {"tenant_id"}),
        ("REVOKE EXECUTE ON FUNCTION match_accommodations_public FROM anon", {"anon"}),
        ("GRANT EXECUTE ON FUNCTION match_accommodations_public TO PUBLIC", {"public"}),
    ],
)
def test_verify_names_what_is_lost(chat: psycopg.Connection, damage: str, lost: set[str]) -> None:
    chat.execute(damage.encode())
    assert _differing_here(chat) == lost


def _differing_here(connection: psycopg.Connection) -> set[str]:
    """What the verify files say inside of the test's own transaction, which is never committed."""
    rows = []
    for name in (SESSIONS, UNITS, SEARCH):
        cursor = connection.execute((PUBLIC_CHAT / f"{name}.verify.sql").read_bytes())
        rows += cursor.fetchall()
        while cursor.nextset():
            rows += cursor.fetchall()
    return set(differing([list(row) for row in rows]))


def session(connection: psycopg.Connection, tenant: str = ARRECIFE, **columns: object) -> str:
    """A session; its id. Columns are given as text that the server reads as their type."""
    values = {"tenant_id": tenant, **columns}
    names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    row = connection.execute(
        f"INSERT INTO prospective_sessions ({names}) VALUES ({marks}) RETURNING session_id::text".encode(),
        values,
    ).fetchone()
    assert row is not None
    return str(row[0])


def unit(connection: psycopg.Connection, slug: str, tenant: str = ARRECIFE, **columns: object) -> str:
    values = {
        "tenant_id": tenant,
        "hotel_id": HOUSE[tenant],
        "slug": slug,
        "name": slug.title(),
        "unit_type": "cabin",
        "short_description": "Al mar.",
        "description": "Una cabaña al mar.",
        "base_price_night": 315000,
        **columns,
    }
    names, marks = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    row = connection.execute(
        f"INSERT INTO accommodation_units_public ({names}) VALUES ({marks}) RETURNING unit_id::text".encode(),
        values,
    ).fetchone()
    assert row is not None
    return str(row[0])


def pointing(axis: int, lean: float = 0.0) -> str:
    """An embedding along an axis, leaning a little towards the next."""
    numbers = ["0"] * 1024
    numbers[axis], numbers[axis + 1] = "1", str(lean)
    return f"[{','.join(numbers)}]"


SESSIONS_REFUSED: list[tuple[str, dict[str, object]]] = [
    ("prospective_sessions_status_check", {"status": "lost"}),
    ("prospective_sessions_history_check", {"conversation_history": '{"role": "user"}'}),
    ("prospective_sessions_intent_check", {"travel_intent": "[]"}),
    ("prospective_sessions_expiry_check", {"expires_at": "2020-01-01"}),
    ("prospective_sessions_converted_check", {"converted_to_reservation_id": RESERVATION}),
    ("prospective_sessions_tenant_fkey", {"tenant": RESERVATION}),
    (
        "prospective_sessions_reservation_fkey",
        {"status": "converted", "converted_to_reservation_id": ARRECIFE},
    ),
]


@pytest.mark.parametrize(
    ("constraint", "columns"), SESSIONS_REFUSED, ids=[name for name, _ in SESSIONS_REFUSED]
)
def test_sessions_refused(chat: psycopg.Connection, constraint: str, columns: dict[str, str]) -> None:
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        session(chat, **columns)
    assert caught.value.diag.constraint_name == constraint


UNITS_REFUSED: list[tuple[str, dict[str, object]]] = [
    ("accommodation_units_public_price_check", {"base_price_night": 0}),
    ("accommodation_units_public_short_check", {"short_description": "ñ" * 151}),
    ("accommodation_units_public_amenities_check", {"amenities": "[]"}),
    ("accommodation_units_public_pricing_check", {"pricing": "1"}),
    ("accommodation_units_public_photos_check", {"photos": "{}"}),
    ("accommodation_units_public_slug_key", {"slug": "there"}),
    ("accommodation_units_public_source_key", {"source_unit_id": "00000000-0000-4000-8000-0000000000a2"}),
    ("accommodation_units_public_hotel_fkey", {"hotel_id": HOUSE[MANZANILLO]}),
    ("accommodation_units_public_source_fkey", {"source_unit_id": ARRECIFE}),
    ("accommodation_units_public_tenant_fkey", {"tenant_id": RESERVATION, "hotel_id": None}),
]


@pytest.mark.parametrize(("constraint", "columns"), UNITS_REFUSED, ids=[name for name, _ in UNITS_REFUSED])
def test_units_refused(chat: psycopg.Connection, constraint: str, columns: dict[str, Any]) -> None:
    unit(chat, "there", short_description="ñ" * 150, source_unit_id="00000000-0000-4000-8000-0000000000a2")
    if constraint.endswith("tenant_fkey"):  # the house's key would be the first to refuse
        chat.execute(
            "ALTER TABLE accommodation_units_public DROP CONSTRAINT accommodation_units_public_hotel_fkey"
        )
        columns = {**columns, "hotel_id": HOUSE[ARRECIFE]}
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        unit(chat, **{"slug": "new", **columns})
    assert caught.value.diag.constraint_name == constraint


@pytest.mark.parametrize(("sent", "kept"), [(0, 0), (1, 1), (20, 20), (21, 20), (57, 20)])
def test_the_last_twenty_messages_are_kept(chat: psycopg.Connection, sent: int, kept: int) -> None:
    messages = json.dumps(list(range(sent)))
    own = session(chat, conversation_history=messages)
    chat.execute(
        "UPDATE prospective_sessions SET conversation_history = %s WHERE session_id = %s", [messages, own]
    )
    row = chat.execute(
        "SELECT conversation_history FROM prospective_sessions WHERE session_id = %s", [own]
    ).fetchone()
    assert row == (list(range(sent - kept, sent)),)


def test_a_session_lasts_seven_days(chat: psycopg.Connection) -> None:
    session(chat)
    row = chat.execute(
        "SELECT DISTINCT expires_at - created_at = interval '168 hours', status,"
        " cookie_id ~ '^pv_[0-9a-f]{32}$' FROM prospective_sessions WHERE cookie_id !~ 'example'"
    ).fetchall()
    assert row == [(True, "active", True)]


def test_a_change_of_a_unit_is_stamped(chat: psycopg.Connection) -> None:
    unit(chat, "there", updated_at="2020-01-01")
    row = chat.execute(
        "UPDATE accommodation_units_public SET name = 'New' RETURNING updated_at = now()"
    ).fetchone()
    assert row == (True,)


def test_the_reservation_may_go_and_the_session_stays_converted(chat: psycopg.Connection) -> None:
    own = session(chat, status="converted", converted_to_reservation_id=RESERVATION)
    chat.execute("DELETE FROM guest_reservations")
    row = chat.execute(
        "SELECT status, converted_to_reservation_id FROM prospective_sessions WHERE session_id = %s", [own]
    ).fetchone()
    assert row == ("converted", None)


def become(connection: psycopg.Connection, role: str, **settings: str) -> None:
    connection.execute(f"SET LOCAL ROLE {role}".encode())
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, true)", [f"app.{name}", value])


def seen(connection: psycopg.Connection, table: str, column: str) -> set[str]:
    return {row[0] for row in connection.execute(f"SELECT {column}::text FROM {table}".encode())}


def test_a_visitor_sees_the_session_of_the_cookie_only(chat: psycopg.Connection) -> None:
    own = session(chat, cookie_id="own")
    session(chat, cookie_id="other")
    session(chat, cookie_id="own", status="expired")
    session(chat, cookie_id="own", created_at="2020-01-01", expires_at="2020-01-08")
    become(chat, "anon")
    assert seen(chat, "prospective_sessions", "session_id") == set()
    become(chat, "anon", tenant_id=ARRECIFE)  # a tenant in the settings makes no staff of a visitor
    assert seen(chat, "prospective_sessions", "session_id") == set()
    become(chat, "anon", cookie_id="own")
    assert seen(chat, "prospective_sessions", "session_id") == {own}


def test_a_visitor_may_chat_and_no_more(chat: psycopg.Connection) -> None:
    become(chat, "anon", cookie_id="own")
    own = session(chat, cookie_id="own", conversation_history="[1]")
    chat.execute("UPDATE prospective_sessions SET conversation_history = '[1, 2]', last_activity_at = now()")
    assert seen(chat, "prospective_sessions", "session_id") == {own}
    for forbidden in (
        "UPDATE prospective_sessions SET expires_at = 'infinity'",
        "UPDATE prospective_sessions SET status = 'converted'",
        f"UPDATE prospective_sessions SET tenant_id = '{MANZANILLO}'",
        "DELETE FROM prospective_sessions",
        "INSERT INTO prospective_sessions (tenant_id, cookie_id) VALUES ('" + ARRECIFE + "', 'other')",
        "UPDATE accommodation_units_public SET base_price_night = 1",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), chat.transaction():
            chat.execute(forbidden.encode())


def test_staff_have_the_sessions_of_their_tenant(chat: psycopg.Connection) -> None:
    chat.execute("DELETE FROM prospective_sessions")
    ours, theirs = session(chat), session(chat, MANZANILLO)
    become(chat, "authenticated")
    assert seen(chat, "prospective_sessions", "session_id") == set()
    become(chat, "authenticated", tenant_id=ARRECIFE)
    assert seen(chat, "prospective_sessions", "session_id") == {ours}
    with pytest.raises(psycopg.errors.InsufficientPrivilege), chat.transaction():
        chat.execute(f"UPDATE prospective_sessions SET tenant_id = '{MANZANILLO}'".encode())
    assert chat.execute("UPDATE prospective_sessions SET status = 'expired'").rowcount == 1
    assert chat.execute("DELETE FROM prospective_sessions").rowcount == 1
    become(chat, "authenticated", tenant_id=MANZANILLO)
    assert seen(chat, "prospective_sessions", "session_id") == {theirs}


def test_everybody_sees_what_can_be_booked_and_staff_write_what_is_theirs(chat: psycopg.Connection) -> None:
    unit(chat, "open")
    unit(chat, "full", is_bookable=False)
    unit(chat, "theirs", MANZANILLO)
    unit(chat, "closed", MANZANILLO, is_active=False)
    become(chat, "anon", tenant_id=ARRECIFE)
    assert seen(chat, "accommodation_units_public", "slug") == {"open", "theirs"}
    become(chat, "authenticated", tenant_id=ARRECIFE)
    assert seen(chat, "accommodation_units_public", "slug") == {"open", "full", "theirs"}
    assert chat.execute("UPDATE accommodation_units_public SET is_bookable = true").rowcount == 2
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        unit(chat, "new", MANZANILLO)


def test_the_policies_ask_once_a_query(chat: psycopg.Connection) -> None:
    for role in ("anon", "authenticated"):
        become(chat, role)
        plan = "\n".join(row[0] for row in chat.execute("EXPLAIN SELECT * FROM prospective_sessions"))
        assert "InitPlan" in plan


def test_the_search_finds_the_nearest_units_of_the_tenant(chat: psycopg.Connection) -> None:
    near = unit(chat, "near", embedding_fast=pointing(0, 0.1), metadata='{"floor": 2}', pricing='{"high": 9}')
    nearest = unit(chat, "nearest", embedding_fast=pointing(0))
    unit(chat, "far", embedding_fast=pointing(7))
    unit(chat, "unknown")
    unit(chat, "full", embedding_fast=pointing(0), is_bookable=False)
    unit(chat, "closed", embedding_fast=pointing(0), is_active=False)
    unit(chat, "theirs", MANZANILLO, embedding_fast=pointing(0))
    become(chat, "anon")
    found = chat.execute(
        "SELECT id::text, similarity, source_file, pricing, metadata"
        " FROM match_accommodations_public(%s, %s)",
        [pointing(0), ARRECIFE],
    ).fetchall()
    assert [row[0] for row in found] == [nearest, near]
    assert found[0][1] == pytest.approx(1)
    assert found[1][2] == "accommodation_units_public/near"
    assert found[1][3] == {"high": 9, "base_price_night": 315000}
    assert (found[1][4]["floor"], found[1][4]["name"]) == (2, "Near")


def test_a_small_tenant_among_large_ones_gets_its_units(chat: psycopg.Connection) -> None:
    """HNSW alone looks at forty neighbours of all tenants, and this tenant's unit is not among them."""
    theirs = [(f"unit-{number}", pointing(0, number / 1e4)) for number in range(120)]
    for slug, embedding in theirs:
        unit(chat, slug, MANZANILLO, embedding_fast=embedding)
    ours = unit(chat, "ours", embedding_fast=pointing(0, 0.5))
    chat.execute(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
    )
    query = "SELECT id::text FROM match_accommodations_public(%s, %s)"
    assert chat.execute(query, [pointing(0), ARRECIFE]).fetchall() == [(ours,)]
    chat.execute("ALTER FUNCTION match_accommodations_public RESET hnsw.iterative_scan")
    assert chat.execute(query, [pointing(0), ARRECIFE]).fetchall() == []


def test_hnsw_takes_the_short_embedding_and_not_the_long_one(chat: psycopg.Connection) -> None:
    index = "CREATE INDEX ON accommodation_units_public USING hnsw ({} {}_cosine_ops)"
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="2000 dimensions"), chat.transaction():
        chat.execute(index.format("embedding_precise", "vector").encode())
    chat.execute(index.format("(embedding_precise::halfvec(3072))", "halfvec").encode())


def test_the_clean_up_deletes_what_expired_and_says_so(chat: psycopg.Connection) -> None:
    chat.execute("DELETE FROM prospective_sessions")
    past = {"created_at": "2020-01-01", "expires_at": "2020-01-08"}
    session(chat, **past)
    kept = {
        session(chat),
        session(chat, **past, status="converted"),
        session(chat, **past, status="expired"),
    }
    text = (PUBLIC_CHAT / "maintenance" / "cleanup-expired-sessions.sql").read_text()
    assert text.splitlines()[0] == "-- migplan: maintenance 0 3 * * *"
    assert chat.execute(text.encode()).fetchall() == [({"deleted_sessions": 1},)]
    assert chat.execute(text.encode()).fetchall() == [({"deleted_sessions": 0},)]
    assert seen(chat, "prospective_sessions", "session_id") == kept
    logged = chat.execute("SELECT job_name, status, finished_at >= started_at FROM job_logs").fetchall()
    assert logged == [("cleanup-expired-sessions", "succeeded", True)] * 2
