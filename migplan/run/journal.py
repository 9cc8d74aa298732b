"""The journal in the target: every run and its steps, each written in the transaction that it tells of."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, Literal, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from migplan import __version__
from migplan.errors import JournalError
from migplan.postgres.address import Address
from migplan.postgres.failures import explained
from migplan.run.steps import Step

FORMAT = 1
SCHEMA = "migplan"

Kind = Literal["apply", "rollback", "migrate", "revert", "maintain"]
Ending = Literal["stopped", "failed", "done", "undoing", "undone"]

_RUN = """
    SELECT run, kind, bundle, digest, steps_digest, undoes, state, who, client, program, started_at,
           changed_at, finished_at, rehearsal, before, notes
    FROM migplan.run
"""


class Connected(Protocol):
    """What has a connection."""

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The one that is open now."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run, as the journal has it."""

    run: int
    kind: Kind
    bundle: str
    digest: str
    steps_digest: str
    undoes: int | None
    state: str
    who: str
    client: str
    program: str
    started_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    rehearsal: str
    before: Mapping[str, Any]
    notes: Sequence[str]

    @property
    def is_open(self) -> bool:
        """Whether it was begun and is to be gone on with; what is left of migrations is another run's."""
        return self.kind in {"apply", "rollback"} and self.state in {
            "running",
            "stopped",
            "failed",
            "undoing",
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """A step, as the journal has it."""

    step: int
    file: str
    file_digest: str
    line: int
    name: str
    phase: str
    state: str
    rows: int | None = None
    attempts: int = 0
    duration: timedelta | None = None
    transaction: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A step of a migration, and how it stands."""

    run: int
    name: str
    digest: str
    line: int
    state: str
    at: datetime | None
    who: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new run has to say of itself."""

    kind: Kind
    bundle: str
    digest: str
    steps: Sequence[Step]
    file_digests: Mapping[str, str]
    undoes: int | None = None
    rehearsal: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def digest_of(steps: Sequence[Step]) -> str:
    """What tells whether two divisions of a bundle are the same."""
    described = [(step.number, step.file, step.line, step.name, step.rows) for step in steps]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()


class Journal:
    """The journal of one target, by a holder of a connection in autocommit mode, which may be replaced."""

    def __init__(self, holder: Connected, address: Address) -> None:
        self._holder = holder
        self._address = address

    @property
    def address(self) -> Address:
        """Whose journal it is."""
        return self._address

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        return self._holder.connection

    @property
    def exists(self) -> bool:
        """Whether there is one; JournalError when it is not one that we can write."""
        with explained(self._address, "looking for the journal"):
            found = self._connection.execute(
                "SELECT c.relname, pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c "
                "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'migplan' "
                "AND c.relkind = 'r'"
            ).fetchall()
        tables = {name for name, _ in found}
        if not tables:
            return False
        if missing := {"format", "run", "step"} - tables:
            raise self._error(
                f"the journal in {self._address} lacks its table migplan.{min(missing)}",
                "restore it from a backup; without it nobody knows what was done. To begin anew, "
                "on a target that you emptied yourself: DROP SCHEMA migplan CASCADE",
            )
        self._refuse_other_format()
        return True

    def create(self) -> None:
        """Make the journal."""
        text = resources.files("migplan.run").joinpath("journal.sql").read_bytes()
        with explained(self._address, "creating the journal (schema migplan)"):
            connection = self._connection
            with connection.transaction():
                connection.execute("SET LOCAL synchronous_commit = on")
                if not self._schema_exists():  # IF NOT EXISTS would want a privilege, too
                    connection.execute("CREATE SCHEMA migplan")
                connection.execute(text)

    def _schema_exists(self) -> bool:
        return bool(
            self._connection.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'migplan'").rowcount
        )

    def drop(self, *, schema: bool = True) -> None:
        """Take the journal away, and all that it knows; the schema, too, unless others made it."""
        with explained(self._address, "dropping the journal"), self._connection.transaction():
            self._connection.execute("DROP TABLE IF EXISTS migplan.rejected, migplan.checkpoint RESTRICT")
            self._connection.execute("DROP TABLE migplan.step, migplan.run, migplan.format RESTRICT")
            if schema:
                self._connection.execute("DROP SCHEMA migplan RESTRICT")

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written in a block is written as one."""
        with explained(self._address, "writing the journal"), self._connection.transaction():
            yield

    def begin(self, what: Beginning) -> Run:
        """A new run, and all of its steps as pending."""
        with explained(self._address, "writing the journal"), self._connection.transaction():
            self._connection.execute("SET LOCAL synchronous_commit = on")
            (number,) = self._connection.execute(
                "INSERT INTO migplan.run (kind, bundle, digest, steps_digest, undoes, client, program, "
                "rehearsal, before, notes) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING run",
                [
                    what.kind,
                    what.bundle,
                    what.digest,
                    digest_of(what.steps),
                    what.undoes,
                    socket.gethostname(),
                    f"migplan {__version__}",
                    what.rehearsal,
                    Jsonb(what.before),
                    list(what.notes),
                ],
            ).fetchone() or (0,)
            with self._connection.cursor().copy(
                "COPY migplan.step (run, step, file, file_digest, line, name, phase) FROM STDIN"
            ) as copy:
                for step in what.steps:
                    copy.write_row(
                        (
                            number,
                            step.number,
                            step.file,
                            what.file_digests[step.file],
                            step.line,
                            step.name,
                            step.phase,
                        )
                    )
        return self.run(number)

    def runs(self) -> list[Run]:
        """Every run, the oldest first."""
        return self._runs(sql.SQL("ORDER BY run"))

    def run(self, number: int) -> Run:
        """The run of that number."""
        return self._runs(sql.SQL("WHERE run = {}").format(number))[0]

    def entries(self, run: int) -> list[Entry]:
        """The steps of a run."""
        with (
            explained(self._address, "reading the journal"),
            self._connection.cursor(row_factory=class_row(Entry)) as c,
        ):
            return c.execute(
                "SELECT step, file, file_digest, line, name, phase, state, rows, attempts, "
                "finished_at - started_at AS duration, transaction::text, error "
                "FROM migplan.step WHERE run = %s ORDER BY step",
                [run],
            ).fetchall()

    def done(self, run: int) -> set[int]:
        """The numbers of the steps that are done."""
        with explained(self._address, "reading the journal"):
            found = self._connection.execute(
                "SELECT step FROM migplan.step WHERE run = %s AND state = 'done'", [run]
            )
            return {step for (step,) in found}

    def migrated(self, folder: str) -> list[Past]:
        """What was run of a folder's migrations, the oldest first."""
        with (
            explained(self._address, "reading the journal"),
            self._connection.cursor(row_factory=class_row(Past)) as c,
        ):
            return c.execute(
                "SELECT r.run, s.name, s.file_digest AS digest, s.line, s.state, s.finished_at AS at, r.who, "
                "s.error FROM migplan.run r JOIN migplan.step s USING (run) "
                "WHERE r.kind = 'migrate' AND r.bundle = %s ORDER BY r.run, s.step",
                [folder],
            ).fetchall()

    def go_on(self, run: int) -> None:
        """The run is taken up again."""
        with explained(self._address, "writing the journal"):
            self._connection.execute(
                "UPDATE migplan.run SET state = 'running', changed_at = clock_timestamp(), "
                "finished_at = NULL, client = %s, program = %s WHERE run = %s",
                [socket.gethostname(), f"migplan {__version__}", run],
            )

    def note(self, run: int, notes: Sequence[str]) -> None:
        """What is to be remembered of a run."""
        with explained(self._address, "writing the journal"):
            self._connection.execute(
                "UPDATE migplan.run SET notes = notes || %s WHERE run = %s", [list(notes), run]
            )

    def fail(self, run: int, step: int, error: str) -> None:
        """A step was rolled back, and this is why."""
        with explained(self._address, "writing the journal"):
            self._connection.execute(
                "UPDATE migplan.step SET state = 'failed', error = %s, attempts = attempts + 1 "
                "WHERE run = %s AND step = %s AND state <> 'done'",
                [error.replace("\0", ""), run, step],
            )

    def end(self, run: int, state: Ending) -> None:
        """The run has ended, or has stopped for now. It is on disk when this returns, and all before it."""
        finished = state in {"done", "undone"}
        with explained(self._address, "writing the journal"), self._connection.transaction():
            self._connection.execute("SET LOCAL synchronous_commit = on")
            self._connection.execute(
                "UPDATE migplan.run SET state = %s, changed_at = clock_timestamp(), "
                "finished_at = CASE WHEN %s THEN clock_timestamp() END WHERE run = %s",
                [state, finished, run],
            )

    def _runs(self, which: sql.Composable) -> list[Run]:
        query = sql.SQL(_RUN) + which
        with (
            explained(self._address, "reading the journal"),
            self._connection.cursor(row_factory=class_row(Run)) as c,
        ):
            return c.execute(query).fetchall()

    def _refuse_other_format(self) -> None:
        with explained(self._address, "reading the journal"):
            found = self._connection.execute("SELECT version FROM migplan.format").fetchone()
        if found is None or found[0] != FORMAT:
            said = "no format" if found is None else f"format {found[0]}"
            raise self._error(
                f"the journal in {self._address} has {said}, and this migplan knows format {FORMAT}",
                "use the migplan that wrote it; nothing was changed",
            )

    def _error(self, what: str, do: str) -> JournalError:
        return JournalError(what, do=do, address=str(self._address), during="reading the journal")


# What each step says in its own transaction. The first of them also keeps a second client out, one that
# believes the step to be open still: it has to wait for this row, and then finds it done.


def claim(run: int, step: int) -> sql.Composed:
    """At the beginning of a step's transaction. It divides by zero, and so ends it, if the step is done."""
    return sql.SQL(
        "WITH claimed AS (UPDATE migplan.step SET state = 'done', error = NULL, "
        "started_at = pg_catalog.clock_timestamp(), finished_at = pg_catalog.clock_timestamp(), "
        "transaction = pg_catalog.pg_current_xact_id() "
        "WHERE run = {} AND step = {} AND state <> 'done' RETURNING step) "
        "SELECT 1 / pg_catalog.count(*) FROM claimed"
    ).format(run, step)


def finish(run: int, step: int, rows: int) -> sql.Composed:
    """At the end of a step's transaction."""
    return sql.SQL(
        "UPDATE migplan.step SET rows = {}, finished_at = pg_catalog.clock_timestamp() "
        "WHERE run = {} AND step = {}"
    ).format(rows, run, step)
