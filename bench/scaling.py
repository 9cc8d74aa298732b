"""The same copy with a tenth of the rows, and with ten times as many: how time and memory grow."""

from __future__ import annotations

from pathlib import Path

from bench import copying, databases
from bench.stopwatch import Contender
from migplan.postgres.server import ThrowawayServer

TITLE = "scaling"
PEER = copying.PEER
SIZES = tuple(databases.SCALES)


def contenders(server: ThrowawayServer, size: str, folder: Path) -> tuple[Contender, ...]:
    """Ours, and the peer."""
    measured = (copying.UNPROVED, copying.PROVED, PEER)
    return tuple(each for each in copying.contenders(server, size, folder) if each.name in measured)
