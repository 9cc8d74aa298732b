"""Locks of a reading session: whose are in its way, and that nobody is ended for its own."""

from __future__ import annotations

import time
from threading import Thread

import psycopg
import pytest

from migplan.errors import BlockedError
from migplan.postgres import address
from migplan.postgres.binaries import find_installations
from migplan.postgres.locking import TABLES
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import reading
from tests.servers import Server


def test_a_prepared_transaction_in_the_way_is_named() -> None:
    with ThrowawayServer(find_installations()[0], settings={"max_prepared_transactions": "2"}) as server:
        with psycopg.connect(server.conninfo()) as other:
            other.execute("CREATE TABLE held (); CREATE TABLE free ()")
            other.commit()
            other.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'of ''noon'")
            other.execute("COMMIT")
        with (
            pytest.raises(
                BlockedError, match=r"prepared transaction \(of 'noon\) holds ACCESS EXCLUSIVE"
            ) as said,
            reading(address.parse(server.conninfo()), TABLES),
        ):
            pass
    assert "ROLLBACK PREPARED" in said.value.do


def test_who_waits_for_our_locks_is_not_ended_for_a_deadlock_with_us(newest: Server) -> None:
    name = newest.create_database("CREATE TABLE prices (); CREATE SEQUENCE alone")
    with reading(newest.address(name), TABLES) as ours, newest.connect(dbname=name) as writer:
        writer.autocommit = False
        ours.execute("SET LOCAL deadlock_timeout = '500ms'")  # who waits that long finds it
        writer.execute("ALTER SEQUENCE alone INCREMENT 2; SET LOCAL deadlock_timeout = '1h'")
        waits = Thread(target=writer.execute, args=["LOCK TABLE prices IN ACCESS EXCLUSIVE MODE"])
        waits.start()
        queued = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'prices'::regclass"
        with newest.connect(dbname=name) as other:
            while not other.execute(queued).fetchone()[0]:  # type: ignore[index]  # count has a row
                time.sleep(0.01)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            ours.execute("SELECT pg_sequence_last_value('public.alone')")
        ours.rollback()
        waits.join()
    newest.drop_database(name)
