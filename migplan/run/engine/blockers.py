"""Who holds the locks that steps wait for: asked while they wait, because afterwards nobody can tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from migplan.run.engine.lock import Lock

_EVERY = 0.3
_BLOCKERS = """
    SELECT DISTINCT ON (w.pid) w.pid,
           CASE WHEN b.pid IS NULL THEN 'a prepared transaction (see pg_prepared_xacts)'
                ELSE 'process ' || b.pid || coalesce(' of ' || b.usename, '') END
           || coalesce(' (' || nullif(concat_ws(' ',
                nullif(b.backend_type, 'client backend'),
                b.state,
                'since ' || pg_catalog.to_char(b.query_start, 'YYYY-MM-DD HH24:MI:SS TZ')), '') || ')', '')
    FROM pg_catalog.pg_stat_activity w
        CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) blocking(pid)
        LEFT JOIN pg_catalog.pg_stat_activity b ON b.pid = blocking.pid
    WHERE w.pid = ANY (%s) AND w.wait_event_type = 'Lock' AND blocking.pid <> ALL (%s)
    ORDER BY w.pid, blocking.pid
"""


@dataclass
class _Working:
    since: float
    waits: Callable[[str], None]  # told once, when it has to wait
    blocker: str = ""


class Watch:
    """The sessions that are at a step, and whom they wait for. One thread looks, theirs ask."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._working: dict[int, _Working] = {}
        self._looked = 0.0

    def begun(self, process: int, waits: Callable[[str], None]) -> None:
        """A session begins a step."""
        self._working[process] = _Working(time.monotonic(), waits)

    def ended(self, process: int) -> str:
        """It has ended it; who held the lock that it waited for last, as far as that was seen."""
        found = self._working.pop(process, None)
        return found.blocker if found else ""

    def look(self) -> None:
        """Ask the server, now and then, if a step takes longer than a moment."""
        now = time.monotonic()
        working = dict(self._working)
        long = [process for process, each in working.items() if now - each.since > _EVERY]
        if not long or now - self._looked < _EVERY:
            return
        self._looked = now
        try:
            found = self._lock.connection.execute(_BLOCKERS, [long, list(working)]).fetchall()
        except psycopg.Error:
            return  # whoever needs the lock's session next sees that it is gone
        for process, blocker in found:
            each = working[process]
            if not each.blocker:
                each.waits(blocker)
            each.blocker = blocker
