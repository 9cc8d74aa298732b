"""Addresses that are known for poolers in transaction mode say where sessions are to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan import config as configuration
from migplan.cli import named
from migplan.config import Config
from migplan.run.engine.lock import _shares

POOLER = "aws-0-eu-central-1.pooler.supabase.com"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        (f"postgresql://postgres.abc@{POOLER}:6543/postgres", f"{POOLER}:5432"),
        (f"host={POOLER} port=6543 dbname=postgres", f"{POOLER}:5432"),
        ("postgresql://u@ep-x-pooler.eu-central-1.aws.neon.tech/d", "ep-x.eu-central-1.aws.neon.tech:5432"),
        ("postgresql://u@S.postgres.database.azure.com:6432/d", "S.postgres.database.azure.com:5432"),
        (f"postgresql://postgres.abc@{POOLER}:5432/postgres", ""),  # session mode
        ("postgresql://u@localhost:6543/d", ""),
        ("postgresql:///d?host=/tmp&port=6543", ""),
        ("service=shop", ""),
    ],
)
def test_where_sessions_are_to_be_had(url: str, instead: str) -> None:
    address = named.resolved(url, Config())
    assert address.sessions_at.startswith(instead)
    assert bool(address.sessions_at) is bool(instead)
    if instead:
        assert _shares(address, "").do == f"connect to {address.sessions_at}"


def test_the_environment_says_it_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", POOLER)
    monkeypatch.setenv("PGPORT", "6543")
    assert named.resolved("dbname=postgres", Config()).sessions_at.startswith(f"{POOLER}:5432")


def test_poolers_of_ones_own_are_known_too() -> None:
    text = "platforms: {ours: {connections: [{host: '*.db.example', mode: transaction, say: the primary}]}}"
    settings = configuration.loads(text, Path("migplan.yaml"))
    assert named.resolved("postgresql://u@p.db.example/d", settings).sessions_at == "the primary"
    assert named.resolved("postgresql://u@p.db.example/d", Config()).sessions_at == ""


def test_another_database_on_the_same_server_is_behind_the_same_pooler() -> None:
    address = named.resolved(f"postgresql://u@{POOLER}:6543/a", Config())
    assert address.of_database("b").sessions_at == address.sessions_at
