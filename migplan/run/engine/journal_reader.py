"""A look at a target's journal: nothing is changed, no lock is taken, and nobody is kept waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from migplan.postgres.address import Address
from migplan.postgres.connect import connect, pin
from migplan.postgres.failures import explained
from migplan.run.engine.journal import Journal


@dataclass(frozen=True)
class JournalReader:
    """A session that looks, in place of one that holds the lock."""

    connection: psycopg.Connection[Any]
    address: Address

    @property
    def journal(self) -> Journal:
        """The journal, as this session sees it."""
        return Journal(self, self.address)


@contextmanager
def journal_reader(address: Address) -> Iterator[JournalReader]:
    """Look at a target, for a block: at one moment, by a transaction that a pooler cannot tear apart."""
    with closing(connect(address)) as connection:
        with explained(address, "looking at the target"):
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            pin(connection)
        yield JournalReader(connection, address)
