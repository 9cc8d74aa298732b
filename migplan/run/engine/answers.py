"""What statements of a run's files return, for those who want to read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

ROWS = 20


def answers(
    result: pq.abc.PGresult, connection: psycopg.Connection[Any], on_event: Callable[[str], None]
) -> None:
    """Tell the first rows of an answer, or what the server says of a statement without rows."""
    if result.status != pq.ExecStatus.TUPLES_OK:
        on_event((result.command_status or b"").decode())
        return
    reading = Transformer(connection)
    reading.set_pgresult(result)
    for row in reading.load_rows(0, min(result.ntuples, ROWS), tuple):
        on_event(", ".join(map(str, row)))
