"""A look at a target's journal: nothing is changed, no lock is taken, and nobody is kept waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg

from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect
from migplan.run.engine.journal import Journal


@dataclass(frozen=True)
class JournalReader:
    """A session that looks, in place of one that holds the lock."""

    connection: Session
    address: Address

    @property
    def journal(self) -> Journal:
        """The journal, as this session sees it."""
        return Journal(self, self.address)


@contextmanager
def journal_reader(address: Address) -> Iterator[JournalReader]:
    """Look at a target, for a block: at one moment, by a transaction that a pooler cannot tear apart."""
    with closing(connect(address)) as connection:
        with connection.translate_errors("looking at the target"):
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.begin_pinned()
        yield JournalReader(connection, address)
