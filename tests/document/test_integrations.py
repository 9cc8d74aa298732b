"""Tables that belong to other systems are recognised; those that only look like it are not."""

from __future__ import annotations

import pytest

from migplan.catalog.model import Catalog, Table, Type
from migplan.document.derive.integrations import integration
from migplan.document.model import Integration
from tests import catalogs
from tests.catalogs import name
from tests.document.documenting import database, facts, table


def _tie(found: Table, *others: Table, catalog: Catalog | None = None) -> Integration | None:
    return integration(found, facts(catalog or database(found, *others)))


@pytest.mark.parametrize(
    ("found", "platform"),
    [
        (table("whatsapp_templates", "body text"), "WhatsApp"),
        (table("motopress_sync_log", "status text"), "MotoPress"),
        (table("rooms", "airbnb_id text"), "Airbnb"),
        (table("rooms", "mphbBookingId integer"), "MotoPress"),
        (table("customers", "stripe_customer_id text"), "Stripe"),
        (table("rooms", "external_id text"), "Generic"),
        (table("feeds", "last_synced_at timestamp with time zone"), "Generic"),
        (table("integration_configs", "settings jsonb"), "Generic"),
        (table("sync_history", "at date"), "Generic"),
        (table("hooks", "webhook_url text"), "Generic"),
    ],
)
def test_it_is_recognised(found: Table, platform: str) -> None:
    tie = _tie(found)
    assert tie is not None
    assert tie.platform == platform


@pytest.mark.parametrize(
    "found",
    [
        table("jobs", "status text", "last_error text", "retry_count integer"),
        table("people", "user_id uuid", "session_id text"),
        table("users", "password_hash text", "reset_token text"),
        table("notes", "is_external boolean", "external_id boolean"),
        table("whatsapp", "body text"),
        table("asynchronous_jobs", "started_at date"),
    ],
    ids=lambda found: found.name.name,
)
def test_a_near_miss_is_none(found: Table) -> None:
    assert _tie(found) is None


def test_a_foreign_key_is_no_external_id() -> None:
    found = catalogs.catalog({"rooms": ["stripe_account(stripe_account_id)"], "stripe_account": []})
    assert _tie(found.by_name[name("rooms")], catalog=found) is None


def test_a_shared_prefix_stands_for_a_system() -> None:
    one = table("acme_rooms", "external_id text")
    two = table("acme_log", "synced_at timestamp with time zone")
    tie = _tie(one, two)
    assert tie is not None
    assert tie.platform == "Acme"
    alone = _tie(one)
    assert alone is not None
    assert alone.platform == "Generic"
    mostly_ours = _tie(one, two, table("acme_a"), table("acme_b"), table("acme_c"))
    assert mostly_ours is not None
    assert mostly_ours.platform == "Generic"
    a_thing = _tie(one, two, table("acmes"))
    assert a_thing is not None
    assert a_thing.platform == "Generic"


def test_fields_and_credentials_are_listed() -> None:
    tie = _tie(
        table(
            "airbnb_feeds",
            "feed_url text",
            "access_token text",
            "config jsonb",
            "token_count integer",
            "sync_status text",
            "last_error text",
            "last_synced_at timestamp with time zone",
        )
    )
    assert tie is not None
    assert tie.credentials == ("feed_url", "access_token", "config")
    assert [field for field, _ in tie.sync_fields] == ["sync_status", "last_error", "last_synced_at"]
    titles = [query.title for query in tie.queries]
    assert titles == [
        "What is to be synced: never, or not for a day, by last_synced_at",
        "Recent errors, by last_error",
    ]


def test_an_enum_says_which_state_is_failure() -> None:
    found = table("airbnb_sync_log", "status public.job", "created_at timestamp with time zone")
    catalog = database(found, types=(Type(name("job"), "enum", ("done", "failed")),))
    tie = _tie(found, catalog=catalog)
    assert tie is not None
    assert "WHERE status = 'failed'" in tie.queries[0].sql
    assert "ORDER BY created_at DESC" in tie.queries[1].sql
    plain = _tie(table("airbnb_sync_log", "status text"))
    assert plain is not None
    assert "status = $1" in plain.queries[0].sql
