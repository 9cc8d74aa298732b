"""The journal in the target: every run and its steps, each written in the transaction that it tells of."""

from __future__ import annotations

import hashlib
import socket
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import resources
from typing import Any, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from migplan import __version__
from migplan.errors import JournalError
from migplan.postgres.address import Address
from migplan.postgres.failures import explained
from migplan.run.records import Beginning, Ending, Entry, Kind, Past, Run, digest_of

__all__ = ["Beginning", "Ending", "Entry", "Journal", "Kind", "Past", "Run", "claim", "digest_of", "finish"]

FORMAT = 2
_FORMER = 1
_TABLES = {_FORMER: {"format", "run", "step"}, FORMAT: {"format", "run", "step", "kept", "protection"}}
SCHEMA = "migplan"

_RUN = """
    SELECT run, kind, bundle, digest, steps_digest, undoes, state, who, client, program, started_at,
           changed_at, finished_at, rehearsal, before, notes,
           (pg_catalog.to_jsonb(r) ->> 'steps')::int AS steps  -- format 1 has no such column
    FROM migplan.run r
"""


class Connected(Protocol):
    """What has a connection."""

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The one that is open now."""


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
        version = self._version() if "format" in tables else FORMAT
        if missing := _TABLES.get(version, _TABLES[_FORMER]) - tables:
            raise self._error(
                f"the journal in {self._address} lacks its table migplan.{min(missing)}",
                "restore it from a backup; without it nobody knows what was done. To begin anew, "
                "on a target that you emptied yourself: DROP SCHEMA migplan CASCADE",
            )
        self._refuse_other_format(version)
        return True

    def prepare(self, protected_as: str = "") -> None:
        """Make the journal if there is none, bring one of the former format up to this one, and remember
        under which name the database is protected.
        """
        if not self.exists:
            self._run("creating the journal (schema migplan)", "journal.sql", "journal_kept.sql")
        elif self._version() == _FORMER:
            self._run("bringing the journal up to date", "journal_from_1.sql", "journal_kept.sql")
        if protected_as and protected_as not in self.protections:
            with explained(self._address, "writing the journal"):
                self._connection.execute("INSERT INTO migplan.protection (name) VALUES (%s)", [protected_as])

    def _run(self, what: str, *files: str) -> None:
        with explained(self._address, what), self._connection.transaction():
            self._connection.execute("SET LOCAL synchronous_commit = on")
            if not self._schema_exists():  # IF NOT EXISTS would want a privilege, too
                self._connection.execute("CREATE SCHEMA migplan")
            for file in files:
                self._connection.execute(resources.files("migplan.run").joinpath(file).read_bytes())

    def _schema_exists(self) -> bool:
        return bool(
            self._connection.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'migplan'").rowcount
        )

    def drop(self, *, schema: bool = True) -> None:
        """Take the journal away, and all that it knows; the schema, too, unless others made it."""
        with explained(self._address, "dropping the journal"), self._connection.transaction():
            self._connection.execute(
                "DROP TABLE IF EXISTS migplan.rejected, migplan.checkpoint, migplan.kept, "
                "migplan.protection RESTRICT"
            )
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
                "rehearsal, before, notes, steps) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
                "RETURNING run",
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
                    len(what.steps),
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

    def keep(self, run: int, files: Mapping[str, bytes]) -> None:
        """Keep what going back needs of a run, unless that was done before."""
        with explained(self._address, "writing the journal"), self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO migplan.kept (run, file, sha256, content) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                [
                    (run, file, hashlib.sha256(content).hexdigest(), zlib.compress(content))
                    for file, content in files.items()
                ],
            )

    def kept(self, run: int) -> dict[str, bytes]:
        """What is kept of a run, by file; nothing of runs of the former format."""
        if self._version() == _FORMER:
            return {}
        with explained(self._address, "reading the journal"):
            found = self._connection.execute(
                "SELECT file, sha256, content FROM migplan.kept WHERE run = %s", [run]
            ).fetchall()
        return {file: self._unpacked(file, sha256, content) for file, sha256, content in found}

    def _unpacked(self, file: str, sha256: str, content: bytes) -> bytes:
        with suppress(zlib.error):
            unpacked = zlib.decompress(content)
            if hashlib.sha256(unpacked).hexdigest() == sha256:
                return unpacked
        raise self._error(
            f"{file}, as the journal in {self._address} keeps it, was changed by hand; nothing was changed",
            "restore the journal from a backup",
        )

    @property
    def protections(self) -> list[str]:
        """The names under which the database is protected."""
        if not self.exists or self._version() == _FORMER:
            return []
        with explained(self._address, "reading the journal"):
            found = self._connection.execute("SELECT name FROM migplan.protection ORDER BY since, name")
            return [name for (name,) in found]

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

    @property
    def caller(self) -> str:
        """Who is connected, and from which machine."""
        with explained(self._address, "reading the journal"):
            (who,) = self._connection.execute("SELECT session_user::text").fetchone() or ("",)
        return f"{who} from {socket.gethostname()}"

    def refuse_altered(self, run: Run, entries: Sequence[Entry]) -> None:
        """JournalError when steps of a run are missing, or are not what the run itself says of them."""
        what = ""
        if len(entries) != (run.steps if run.steps is not None else max(len(entries), 1)):
            what = f"it has {len(entries):,} of the {run.steps or 1:,} steps of run {run.run} ({run.bundle})"
        elif run.state == "done" and (left := [entry.step for entry in entries if entry.state != "done"]):
            what = f"run {run.run} ({run.bundle}) is done, and its step {left[0]} is not"
        if what:
            raise self._error(
                f"the journal in {self._address} was changed by hand: {what}; so nobody knows what was done, "
                "and nothing was changed",
                "restore the journal from a backup; to end the run without taking it back: "
                "migplan rollback --abandon",
            )

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
        finished = state in {"done", "undone", "abandoned"}
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

    def _version(self) -> int:
        with explained(self._address, "reading the journal"):
            found = self._connection.execute("SELECT version FROM migplan.format").fetchone()
        return int(found[0]) if found else 0

    def _refuse_other_format(self, version: int) -> None:
        if version not in _TABLES:
            said = f"format {version}" if version else "no format"
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
