"""The journal in the target: every run and its steps, each written in the transaction that it tells of."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from typing import Any, LiteralString, Protocol, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from migplan import __version__
from migplan.errors import JournalError
from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect
from migplan.run.engine import journal_integrity
from migplan.run.engine.records import Beginning, Ending, Entry, Kind, Past, Run, digest_of

__all__ = [
    "Beginning",
    "Ending",
    "Entry",
    "Journal",
    "Kind",
    "Past",
    "Run",
    "claim",
    "digest_of",
    "finish",
    "keep",
    "prove",
]

log = logging.getLogger(__name__)

FORMAT = 2
_FORMER = 1
_TABLES = {_FORMER: {"format", "run", "step"}, FORMAT: {"format", "run", "step", "kept", "protection"}}
_LATER = {_FORMER: {("run", "steps")}}
SCHEMA = "migplan"
_Record = TypeVar("_Record", Run, Entry, Past)

_RUN = """
    SELECT run, kind, bundle, digest, steps_digest, undoes, state, who, client, program, started_at,
           changed_at, finished_at, rehearsal, before, notes,
           (pg_catalog.to_jsonb(r) ->> 'steps')::int AS steps  -- format 1 has no such column
    FROM migplan.run r
"""


_KEEP = """
    INSERT INTO migplan.kept (run, file, sha256, content)
    SELECT max(run), %s, %s, %s FROM migplan.run WHERE kind = 'migrate' AND state = 'running'
    ON CONFLICT (run, file) DO UPDATE SET sha256 = excluded.sha256, content = excluded.content
"""


def keep(session: Session, name: str, content: bytes) -> None:
    """Keep what a rollback of a migration of the run that is going on needs, in the same transaction."""
    session.ask(
        _KEEP,
        [name, hashlib.sha256(content).hexdigest(), zlib.compress(content)],
        during="writing the journal",
    )


def kept_last(session: Session, name: str) -> bytes | None:
    """Return what the last run of migrations that has any keeps of one; None where none has."""
    found = session.ask(
        "SELECT content FROM migplan.kept WHERE file = %s ORDER BY run DESC LIMIT 1",
        [name],
        during="reading the journal",
    )
    return zlib.decompress(found[0][0]) if found else None


class Connected(Protocol):
    """What has a session."""

    @property
    def session(self) -> Session:
        """The session that is open now."""


class Target(Connected, Protocol):
    """A target whose journal can be read: one that is only read, or one that is locked to be changed."""

    @property
    def address(self) -> Address:
        """The address of the target."""

    @property
    def journal(self) -> Journal:
        """The journal of the target."""


class Journal:
    """The journal of one target, by a holder of a session in autocommit mode, which may be replaced."""

    def __init__(self, holder: Connected) -> None:
        self._holder = holder

    @property
    def address(self) -> Address:
        """The address of the target whose journal it is."""
        return self._session.address

    @property
    def _session(self) -> Session:
        return self._holder.session

    @property
    def exists(self) -> bool:
        """Whether there is a journal; raise JournalError if it is not one that we can write."""
        with self._session.translate_errors("looking for the journal"):
            layout = journal_integrity.Layout(self._session)
        if not layout.relations:
            return False
        version = FORMAT
        if layout.relations.get("format") == "r":
            version = self._version()
            self._refuse_other_format(version)
        if wrong := layout.wrong(_TABLES[version], _LATER.get(version, ())):
            raise self.was_altered(wrong, do=journal_integrity.RESTORE)
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
            self._write("INSERT INTO migplan.protection (name) VALUES (%s)", [protected_as])

    def _run(self, what: str, *files: str) -> None:
        with self._session.translate_errors(what), self._session.transaction():
            self._session.execute("SET LOCAL synchronous_commit = on")
            if not self._schema_exists():  # IF NOT EXISTS would want a privilege, too
                self._session.execute("CREATE SCHEMA migplan")
            for file in files:
                self._session.execute(resources.files("migplan.run.engine").joinpath(file).read_bytes())

    def _schema_exists(self) -> bool:
        return bool(
            self._session.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'migplan'").rowcount
        )

    def drop(self, *, schema: bool = True) -> None:
        """Drop the journal, and its schema unless others made it."""
        with self._session.translate_errors("dropping the journal"), self._session.transaction():
            self._session.execute(
                "DROP TABLE IF EXISTS migplan.rejected, migplan.checkpoint, migplan.kept, "
                "migplan.protection RESTRICT"
            )
            self._session.execute("DROP TABLE migplan.step, migplan.run, migplan.format RESTRICT")
            if schema:
                self._session.execute("DROP SCHEMA migplan RESTRICT")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write everything that is written in a block in one transaction."""
        with self._session.translate_errors("writing the journal"), self._session.transaction():
            yield

    def begin(self, what: Beginning) -> Run:
        """Enter a new run, with all of its steps as pending."""
        with self._session.translate_errors("writing the journal"), self._session.transaction():
            self._session.execute("SET LOCAL synchronous_commit = on")
            (number,) = self._session.execute(
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
            with self._session.cursor().copy(
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
        log.info("run %d (%s) begins at %s", number, what.kind, self.address)
        return self.run(number)

    def keep(self, run: int, files: Mapping[str, bytes]) -> None:
        """Keep what a rollback of a run needs, unless it is kept already."""
        with self._session.translate_errors("writing the journal"), self._session.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO migplan.kept (run, file, sha256, content) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                [
                    (run, file, hashlib.sha256(content).hexdigest(), zlib.compress(content))
                    for file, content in files.items()
                ],
            )

    def kept(self, run: int) -> dict[str, bytes]:
        """Return what is kept of a run, by file; nothing of runs of the former format."""
        if self._version() == _FORMER:
            return {}
        with self._reading():
            found = self._session.execute(
                "SELECT file, sha256, content FROM migplan.kept WHERE run = %s", [run]
            ).fetchall()
        if any(file is None for file, *_ in found):
            raise self.was_altered(f"a file that it keeps of run {run} has no name")
        return {file: self._unpacked(file, sha256, content) for file, sha256, content in found}

    def proofs(self, run: int) -> dict[int, list[dict[str, Any]]]:
        """Return what is proved of a run's rows that came live, by the steps that are done."""
        done = self.done(run)
        kept = {
            file.removeprefix(PROOFS): text
            for file, text in self.kept(run).items()
            if file.startswith(PROOFS)
        }
        return {int(step): json.loads(text) for step, text in kept.items() if int(step) in done}

    def _unpacked(self, file: str, sha256: str, content: bytes) -> bytes:
        with suppress(zlib.error, TypeError):
            unpacked = zlib.decompress(content)
            if hashlib.sha256(unpacked).hexdigest() == sha256:
                return unpacked
        raise self._error(
            f"{file}, as the journal in {self.address} keeps it, was changed by hand; nothing was changed",
            journal_integrity.RESTORE_OR_END,
        )

    @property
    def protections(self) -> list[str]:
        """The names under which the database is protected."""
        if not self.exists or self._version() == _FORMER:
            return []
        with self._reading():
            found = self._session.execute("SELECT name FROM migplan.protection ORDER BY since, name")
            names = [name for (name,) in found]
        if None in names:
            raise self.was_altered("a name in migplan.protection is null")
        return names

    def runs(self, *, whole: bool = True) -> list[Run]:
        """Every run, the oldest first; JournalError where its steps are others than the run itself says,
        unless it does not matter whether the journal is whole.
        """
        found = self._records(Run, sql.SQL(_RUN) + sql.SQL("ORDER BY run"))
        if whole:
            self.refuse_altered(found)
        return found

    def run(self, number: int) -> Run:
        """Return a run by its number."""
        for run in self._records(Run, sql.SQL(_RUN) + sql.SQL("WHERE run = {}").format(number)):
            return run
        raise self.was_altered(f"run {number} is not there any more")

    def entries(self, run: int) -> list[Entry]:
        """Return the steps of a run."""
        return self._records(
            Entry,
            sql.SQL(
                "SELECT step, file, file_digest, line, name, phase, state, rows, attempts, "
                "finished_at - started_at AS duration, transaction::text, error "
                "FROM migplan.step WHERE run = {} ORDER BY step"
            ).format(run),
        )

    def done(self, run: int) -> set[int]:
        """Return the numbers of the steps of a run that are done."""
        with self._reading():
            found = self._session.execute(
                "SELECT step FROM migplan.step WHERE run = %s AND state = 'done'", [run]
            )
            return {step for (step,) in found}

    @property
    def caller(self) -> str:
        """The role that is connected, and its machine."""
        ((who,),) = self._session.ask("SELECT session_user::text", during="reading the journal")
        return f"{who} from {socket.gethostname()}"

    def refuse_altered(self, runs: Sequence[Run]) -> None:
        """Raise JournalError if steps of a run are missing, or contradict what the run says of them."""
        with self._reading():
            what, run = journal_integrity.hole(self._session, runs)
        if what:
            ends = run is not None and (run.stands or run.is_open)
            raise self.was_altered(
                what, do=journal_integrity.RESTORE_OR_END if ends else journal_integrity.RESTORE
            )

    def migrated(self, folder: str) -> list[Past]:
        """Return the steps that were run of a folder's migrations, the oldest first."""
        self.runs()
        return self._records(
            Past,
            sql.SQL(
                "SELECT r.run, s.name, s.file_digest AS digest, s.line, s.state, s.finished_at AS at, r.who, "
                "s.error FROM migplan.run r JOIN migplan.step s USING (run) "
                "WHERE r.kind = 'migrate' AND r.bundle = {} AND s.phase <> 'verify' ORDER BY r.run, s.step"
            ).format(folder),
        )

    def take_over(self, folder: str, name: str, former: str, digest: str) -> None:
        """Write down that a migration of a folder has another digest now than when it was applied."""
        self._write(
            "UPDATE migplan.step s SET file_digest = %s FROM migplan.run r WHERE r.run = s.run "
            "AND r.kind = 'migrate' AND r.bundle = %s AND s.name = %s AND s.file_digest = %s",
            [digest, folder, name, former],
        )

    def take_as_done(self, run: int) -> None:
        """Write down that all steps of a run are done, though none of them ran."""
        self._write(
            "UPDATE migplan.step SET state = 'done', finished_at = clock_timestamp(), "
            "transaction = pg_catalog.pg_current_xact_id() WHERE run = %s",
            [run],
        )

    def go_on_with(self, folder: str, name: str, former: str, digest: str, lines: Mapping[int, int]) -> None:
        """Write down that done statements of a migration stand in another file now, and on which lines."""
        self._write(
            "UPDATE migplan.step s SET file_digest = %s, line = l.now FROM migplan.run r, "
            "unnest(%s::int[], %s::int[]) l (was, now) WHERE r.run = s.run AND r.kind = 'migrate' "
            "AND r.bundle = %s AND s.name = %s AND s.file_digest = %s AND s.state = 'done' "
            "AND s.line = l.was",
            [digest, [*lines], [*lines.values()], folder, name, former],
        )

    def keep_anew(self, run: int, files: Mapping[str, bytes]) -> None:
        """Keep these in place of what is kept of a run under the same names."""
        self._write("DELETE FROM migplan.kept WHERE run = %s AND file = ANY (%s)", [run, list(files)])
        self.keep(run, files)

    def resume(self, run: int) -> None:
        """Write down that the run goes on."""
        self._write(
            "UPDATE migplan.run SET state = 'running', changed_at = clock_timestamp(), "
            "finished_at = NULL, client = %s, program = %s WHERE run = %s",
            [socket.gethostname(), f"migplan {__version__}", run],
        )
        log.info("run %d goes on at %s", run, self.address)

    def note(self, run: int, notes: Sequence[str]) -> None:
        """Add notes to a run."""
        self._write("UPDATE migplan.run SET notes = notes || %s WHERE run = %s", [list(notes), run])

    def fail(self, run: int, step: int, error: str) -> None:
        """Write down that a step was rolled back, and why."""
        self._write(
            "UPDATE migplan.step SET state = 'failed', error = %s, attempts = attempts + 1 "
            "WHERE run = %s AND step = %s AND state <> 'done'",
            [error.replace("\0", ""), run, step],
        )

    def end(self, run: int, state: Ending) -> None:
        """Write down that a run has ended or stopped; it is on disk when this returns, like all before."""
        finished = state in {"done", "undone", "abandoned"}
        with self._session.translate_errors("writing the journal"), self._session.transaction():
            self._session.execute("SET LOCAL synchronous_commit = on")
            self._session.execute(
                "UPDATE migplan.run SET state = %s, changed_at = clock_timestamp(), "
                "finished_at = CASE WHEN %s THEN clock_timestamp() END WHERE run = %s",
                [state, finished, run],
            )
        log.info("run %d is %s", run, state)

    def _write(self, statement: LiteralString, values: Sequence[Any]) -> None:
        self._session.ask(statement, values, during="writing the journal")

    def _records(self, kind: type[_Record], query: sql.Composed) -> list[_Record]:
        """Return rows of the journal; raise JournalError if one has a value that migplan never writes."""
        with self._reading(), self._session.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(query).fetchall()
        found = []
        for row in rows:
            try:
                found.append(kind(**row))
            except ValidationError as error:
                raise self.was_altered(journal_integrity.value(error, row)) from None
        return found

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn failures to read the journal into a JournalError: it was changed by hand."""
        with self._session.translate_errors("reading the journal"):
            try:
                yield
            except (psycopg.errors.InsufficientPrivilege, UnicodeDecodeError):
                raise
            except (psycopg.DataError, psycopg.ProgrammingError, ValueError, RecursionError) as error:
                raise self.was_altered(str(error).partition("\n")[0]) from None

    def _version(self) -> int:
        with self._reading():
            found = self._session.execute("SELECT version FROM migplan.format").fetchall()
        if len(found) > 1:
            raise self.was_altered(f"migplan.format has {len(found)} rows and not one")
        version = found[0][0] if found else 0
        return version if isinstance(version, int) else 0

    def _refuse_other_format(self, version: int) -> None:
        if version not in _TABLES:
            said = f"format {version}" if version else "no format"
            raise self._error(
                f"the journal in {self.address} has {said}, and this migplan knows format {FORMAT}",
                "use the migplan that wrote it; nothing was changed",
            )

    def was_altered(self, what: str, do: str = journal_integrity.RESTORE) -> JournalError:
        """Return the error that the journal is not as migplan wrote it."""
        return self._error(
            f"the journal in {self.address} was changed by hand: {what}; so nobody knows what was done", do
        )

    def _error(self, what: str, do: str) -> JournalError:
        return JournalError(what, do=do, address=str(self.address), during="reading the journal")


@dataclass(frozen=True)
class JournalReader:
    """A session that reads the journal: it changes nothing, takes no lock and keeps nobody waiting."""

    session: Session

    @property
    def address(self) -> Address:
        """The address of the target."""
        return self.session.address

    @property
    def journal(self) -> Journal:
        """The journal, as this session sees it."""
        return Journal(self)


@contextmanager
def journal_reader(address: Address) -> Iterator[JournalReader]:
    """Read a target's journal, for a block: all in one transaction, which a pooler cannot tear apart."""
    with closing(connect(address)) as session:
        with session.translate_errors("looking at the target"):
            session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            session.begin_pinned()
        yield JournalReader(session)


# What each step says in its own transaction. The first of them also keeps a second client out, one that
# believes the step to be open still: it has to wait for this row, and then finds it done.


def claim(run: int, step: int) -> sql.Composed:
    """Return the first statement of a step's transaction: it divides by zero if the step is done."""
    return sql.SQL(
        "WITH claimed AS (UPDATE migplan.step SET state = 'done', error = NULL, "
        "started_at = pg_catalog.clock_timestamp(), finished_at = pg_catalog.clock_timestamp(), "
        "transaction = pg_catalog.pg_current_xact_id() "
        "WHERE run = {} AND step = {} AND state <> 'done' RETURNING step) "
        "SELECT 1 / pg_catalog.count(*) FROM claimed"
    ).format(run, step)


def finish(run: int, step: int, rows: int) -> sql.Composed:
    """Return the last statement of a step's transaction."""
    return sql.SQL(
        "UPDATE migplan.step SET rows = {}, finished_at = pg_catalog.clock_timestamp() "
        "WHERE run = {} AND step = {}"
    ).format(rows, run, step)


PROOFS = "proofs/"
"""How the names begin under which proofs of steps are kept."""


def prove(run: int, step: int, proofs: Sequence[Mapping[str, Any]]) -> sql.Composed:
    """Return the statement that keeps the proofs of a step's rows, in the step's own transaction."""
    content = json.dumps(list(proofs), ensure_ascii=False).encode()
    return sql.SQL(
        "INSERT INTO migplan.kept (run, file, sha256, content) VALUES ({}, {}, {}, {}) "
        "ON CONFLICT (run, file) DO UPDATE SET sha256 = excluded.sha256, content = excluded.content"
    ).format(run, f"{PROOFS}{step}", hashlib.sha256(content).hexdigest(), zlib.compress(content))
