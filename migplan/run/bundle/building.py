"""Settings that make indexes and keys fast: more memory, and more helpers, than servers give by default.

They are of the sessions of a run alone. Files do not set them, since what a server can spare is known only
when it is there; what a file, the role, the database or the address says of them is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from migplan.postgres.session import Session
from migplan.run.engine.steps import Step

MEMORY, WORKERS = "maintenance_work_mem", "max_parallel_maintenance_workers"

LEAST = 256 * 1024
"""Kilobytes that all sessions may use together, at the least; else as many as the server shares."""

MOST = 2 * 1024 * 1024
"""Kilobytes that one session may use, at the most."""

_ASKED = """
    SELECT name, CASE unit WHEN '8kB' THEN 8 ELSE 1 END * setting::bigint,
        source IN ('client', 'database user', 'user', 'database')
    FROM pg_catalog.pg_settings
    WHERE name IN ('maintenance_work_mem', 'max_parallel_maintenance_workers', 'max_parallel_workers',
        'shared_buffers')
"""


@dataclass(frozen=True, slots=True)
class Building:
    """What each session may use that builds indexes and checks keys; None: as the server has it."""

    memory: int | None = None  # kilobytes
    workers: int | None = None
    servers_memory: int = 0
    servers_workers: int = 0

    @property
    def settings(self) -> str:
        """The statements that set them."""
        wanted = [(MEMORY, f"'{self.memory}kB'", self.memory), (WORKERS, str(self.workers), self.workers)]
        return "\n".join(f"SET {name} = {value};" for name, value, said in wanted if said is not None)

    @property
    def note(self) -> str:
        """A sentence for the journal."""
        said = []
        if self.memory is not None:
            said.append(f"{MEMORY} {self.memory // 1024}MB (server: {self.servers_memory // 1024}MB)")
        if self.workers is not None:
            said.append(f"{WORKERS} {self.workers} (server: {self.servers_workers})")
        return f"sessions that built indexes and keys had {' and '.join(said)}" if said else ""

    def of(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The steps, of which those that build indexes and keys begin with the settings."""
        return tuple(
            replace(step, settings=f"{self.settings}\n{step.settings}")
            if step.phase == "constraints" and self.settings
            else step
            for step in steps
        )


def building_with(session: Session, jobs: int) -> Building:
    """Return what each of so many sessions may use of a target's server.

    Together they use the least, or as much as the server shares between all; none less than the server
    gives by itself. The helpers that the server has for all of its sessions are divided likewise.
    """
    rows = session.ask(_ASKED, during="asking for the settings of the target")
    found = {name: (value, chosen) for name, value, chosen in rows}
    (memory, memory_chosen), (workers, workers_chosen) = found[MEMORY], found[WORKERS]
    more = min(max(LEAST, found["shared_buffers"][0]) // jobs, MOST) // 1024 * 1024
    helpers = found["max_parallel_workers"][0] // jobs
    return Building(
        None if memory_chosen or more <= memory else more,
        None if workers_chosen or not workers or helpers <= workers else helpers,
        memory,
        workers,
    )
