"""The source of a live bundle: rows that no file holds, read as the run goes, all of one moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from migplan.bundle.data import sequences
from migplan.bundle.data.readers import AS_THEY_LIE
from migplan.bundle.manifest import TEMPORARY
from migplan.bundle.schema.expectation import catalog_in_target, left_out
from migplan.bundle.schema.roles import Owners
from migplan.bundle.verified import VerifiedBundle
from migplan.catalog import read, store
from migplan.catalog.changes import State, one_moment, refuse_changes, state_of
from migplan.catalog.compare import differences
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog, Table
from migplan.errors import DatabaseError, RefusedError, SourceError
from migplan.names import quoted_list
from migplan.postgres import copy_out
from migplan.postgres.address import Address
from migplan.postgres.identity import identity_of, place_of
from migplan.postgres.relay import Copy, Look, Relayed, SourceFailedError, relay
from migplan.postgres.session import Session
from migplan.progress import Progress, no_progress
from migplan.run.bundle import live_large_objects, proof, source_checks
from migplan.run.bundle.snapshot import KeptSnapshot
from migplan.run.bundle.throttle import Throttle
from migplan.run.engine.row_source import Brought
from migplan.run.engine.steps import LiveRows, LiveSequences

TOGETHER = 100
"""After so many pieces a session gives its locks back: thousands would fill the lock table."""

_DIFFERENCES = 10
_LOCKED = "55P03"


@dataclass(frozen=True)
class LiveSource:
    """The database that a live bundle was made of, at one moment."""

    address: Address
    snapshot: KeptSnapshot
    catalog: Catalog  # the bundle's, which has the sequences
    noted: Mapping[str, Any]  # for the journal
    unchanged: str = ""  # the same as long as nobody changes anything on the source's server
    makes_sequences: bool = True  # the bundle makes them: one that has been used was there before, and stays
    proves: bool = True  # that each piece has come as it was sent, before its step is committed
    throttle: Throttle = field(default_factory=lambda: Throttle(0))
    readers: int = 0  # how many sessions read at once; 0: one for each worker
    idle: list[_Reader] = field(default_factory=list)  # sessions that nobody reads by just now

    def only(self, table: str) -> str:
        """Return ``ONLY `` for a table that has rows of its own, beside those of tables that inherit."""
        known = self.catalog.by_text.get(table)
        return "ONLY " if known is None else self.catalog.by_name[known].only

    def open(self) -> LiveRowSource:
        """Return what brings rows to one worker."""
        return LiveRowSource(self)

    def confirm(self) -> None:
        """Raise SourceError unless the moment was kept, and the tables with it."""
        self.snapshot.tend()

    def close(self) -> None:
        """End the sessions that nobody reads by."""
        while self.idle:
            self.idle.pop().session.close()


@contextmanager
def live_source(
    bundle: VerifiedBundle,
    address: Address,
    on_progress: Progress = no_progress,
    *,
    proves: bool = True,
    state: State = frozenset(),
    max_rate: int = 0,
    readers: int = 0,
) -> Iterator[LiveSource]:
    """Take a moment of a bundle's source, and keep it for a block.

    ``state`` is that of the source's catalog when the bundle was made of it, where this is known; at most
    ``max_rate`` bytes of rows go through in a second, by as many ``readers`` at once.

    RefusedError where it is not the database of the bundle, or not as it was; BlockedError where its tables
    cannot be locked.
    """
    expected = _catalog_of(bundle)
    tables = frozenset(table.name for table in expected.tables)
    snapshot = KeptSnapshot(address, tables)
    on_progress("locking the source's tables", 0, 0)
    with snapshot.kept() as session:
        place = _refuse_another(bundle, session)
        if not state or state != state_of(session):
            on_progress("comparing the source with the bundle", 0, 0)
            with one_moment(session, aside=False):
                now = read.read(session, Counting(Exactness.ESTIMATE), lambda: refuse_changes(session))
            _refuse_changed(bundle, expected, now, address)
        source_checks.refuse_hidden_rows(bundle, session)
        source_checks.refuse_queries(bundle, session)
        live_large_objects.refuse_others(bundle, session)
        snapshot.tended()
        unchanged = _unchanged(session)
        noted = {"at": str(address), **place, "moment": snapshot.taken_at, "unchanged": unchanged}
        source = LiveSource(
            address,
            snapshot,
            expected,
            {"source": noted},
            unchanged,
            makes_sequences=bundle.manifest.contents != "data",
            proves=proves,
            throttle=Throttle(max_rate),
            readers=readers,
        )
        try:
            yield source
        finally:
            source.close()


@dataclass
class _Reader:
    """A session on the snapshot, and how many pieces it holds the locks of."""

    session: Session
    pieces: int = 0


class LiveRowSource:
    """Brings rows to one worker, by any session on the snapshot that nobody else reads by."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self._snapshot = source.snapshot
        self._reader: _Reader | None = None
        self._blocked = False  # somebody queues for a lock: a keeper reads, who has its own

    def bring(
        self,
        pieces: Sequence[LiveRows],
        target: Session,
        moved: Callable[[int], None],
        look: Look,
        filled: Collection[str] = (),
    ) -> list[Brought]:
        """Bring the rows of pieces into the target's open transaction, and prove that they are there."""

        def passed(size: int) -> None:
            moved(size)
            self._source.throttle.moved(size, look)

        there = [self._place(piece, target, filled) for piece in pieces]
        copies = [
            Copy(copy_out.statement(piece.query, piece.format), copy_into(piece), place.hashing)
            for piece, place in zip(pieces, there, strict=True)
        ]
        with self._lent([f"reading the rows of {piece.table}" for piece in pieces]) as session:
            done = relay(session, target, copies, look, passed)
            brought = [
                Brought(each.read, each.written, each.bytes, digest=each.digest if piece.updates else "")
                for piece, each in zip(pieces, done, strict=True)
            ]
            if any(each.read != each.written for each in done):
                return brought
            found = proof.proved(there, done, session, target, look)
        return [
            replace(each, differs=known.what)
            if isinstance(known, proof.Differs)
            else replace(each, proof=None if piece.table.startswith(TEMPORARY) else known)
            for piece, each, known in zip(pieces, brought, found, strict=True)
        ]

    def updated(self, piece: LiveRows, brought: Brought, target: Session, look: Look) -> Brought:
        """Prove that the rows of the open transaction have the values that a second pass has brought."""
        place = proof.Rows(replace(piece, table=piece.updates), self._source.only(piece.updates))
        sent = Relayed(brought.rows, brought.written, brought.bytes, brought.digest)
        with self._lent([f"reading the rows of {piece.updates}"]) as session:
            (found,) = proof.proved([place], [sent], session, target, look)
        if isinstance(found, proof.Differs):
            return replace(brought, differs=found.what)
        assert found is not None
        return replace(brought, proof={**found, "table": piece.table, "updates": piece.updates})

    def _place(self, piece: LiveRows, target: Session, filled: Collection[str]) -> proof.Rows:
        """Return where the rows of a piece will be in the target, as far as they are to be proved.

        Those of temporary tables, of large objects and second passes, are gone with the step, and so is what
        was proved of them.
        """
        only = self._source.only(piece.table)
        if not self._source.proves:
            return proof.Rows(piece, only, proves=False)
        return proof.rows_before(piece, only, target, more=piece.table in filled)

    def sequences(self, piece: LiveSequences) -> str:
        """Return the statements that set sequences to what the source says of them now."""
        names = set(piece.names)
        wanted = [each for each in self._source.catalog.sequences if each.name in names]
        during = "reading sequences"
        with self._lent([during]) as session:
            found, hidden = sequences.values(session, wanted, self._source.catalog)
        lacking = [*hidden, *sorted(names - {each.name for each in wanted})]
        if lacking:
            raise SourceError(
                f"the value of {lacking[0]} cannot be read in {self._source.address}",
                do="connect as a role that may: GRANT SELECT ON SEQUENCE ... TO the role",
                address=str(self._source.address),
                during=during,
            )
        forward = self._source.makes_sequences
        return "\n".join(value.statement_forward if forward else value.statement for value in found)

    def cancel(self) -> None:
        """Stop what its session is doing."""
        reader = self._reader
        if reader is not None and not reader.session.closed:
            with suppress(psycopg.Error):
                reader.session.cancel_safe(timeout=5)

    def close(self) -> None:
        """End the session that it reads by; the next piece takes another."""
        if self._reader is not None:
            self._reader.session.close()
            self._reader = None

    @contextmanager
    def _lent(self, during: Sequence[str]) -> Iterator[Session]:
        """A session to read some pieces; what it fails with is the source's failure, and all else passes."""
        try:
            if self._blocked:
                with self._snapshot.lent() as session, session.transaction(force_rollback=True):
                    session.execute(AS_THEY_LIE)
                    yield session
                self._blocked = False
                return
            yield self._taken(len(during))
            self._give_back()
        except (SourceFailedError, DatabaseError) as error:
            failed = error.error if isinstance(error, SourceFailedError) else error
            self._blocked = failed.sqlstate == _LOCKED and not self._blocked
            self._after_failure()
            if isinstance(failed, SourceError):
                raise
            number = error.number if isinstance(error, SourceFailedError) else 0
            found = self._snapshot.failed(failed, during[number])
            found.number = number
            if isinstance(error, SourceFailedError) and error.beside is not None:
                found.detail = f"{found.detail}\nbeside it the target said: {error.beside}".strip()
            raise found from None
        except BaseException:
            self.close()  # an answer may be under way still
            raise

    def _taken(self, pieces: int) -> Session:
        """A session that nobody reads by; locks of the pieces before are given back now and then."""
        self._snapshot.refuse_failed()
        try:
            self._reader = reader = self._idle() or _Reader(self._snapshot.join())
            if not reader.pieces:
                reader.session.execute(AS_THEY_LIE + b"; SAVEPOINT migplan")
            elif reader.pieces + pieces > TOGETHER:
                reader.session.execute("ROLLBACK TO SAVEPOINT migplan")
                reader.pieces = 0
        except psycopg.Error as error:
            raise SourceFailedError(error) from None
        reader.pieces += pieces
        return reader.session

    def _idle(self) -> _Reader | None:
        """One that has read before, and is still there."""
        with suppress(IndexError):
            while (found := self._source.idle.pop()).session.closed:
                pass
            return found
        return None

    def _give_back(self) -> None:
        """Let others read by its session."""
        if self._reader is not None:
            self._source.idle.append(self._reader)
            self._reader = None

    def _after_failure(self) -> None:
        """Make the session fit for another piece, or end it."""
        if self._reader is not None:
            try:
                self._reader.session.execute("ROLLBACK TO SAVEPOINT migplan")
            except psycopg.Error:
                self.close()
            else:
                self._give_back()


def copy_into(piece: LiveRows) -> str:
    """Return the statement by which the target takes them."""
    columns = f" ({quoted_list(piece.columns)})" if piece.columns else ""
    wanted = [*(["FORMAT binary"] if piece.format == "binary" else []), *(["FREEZE"] if piece.freeze else [])]
    return f"COPY {piece.table}{columns} FROM STDIN" + (f" WITH ({', '.join(wanted)})" if wanted else "")


_UNCHANGED = """
    SELECT pg_catalog.pg_postmaster_start_time()::text || ' ' || pg_catalog.pg_current_snapshot()::text
    WHERE NOT pg_catalog.pg_is_in_recovery()
"""


def _unchanged(session: Session) -> str:
    """Return what is the same as long as no transaction changes anything, and the server does not restart."""
    found = session.ask(_UNCHANGED, during="asking for the snapshot")
    return hashlib.sha256(found[0][0].encode()).hexdigest() if found else ""


def _catalog_of(bundle: VerifiedBundle) -> Catalog:
    """Return the structure that a bundle's source had, as far as it is to be in the target."""
    file = bundle.paths.source_catalog
    file = file if file.name in bundle.texts else bundle.paths.catalog
    return store.from_json(json.loads(bytes(bundle.texts[file.name])), file)


def _refuse_another(bundle: VerifiedBundle, session: Session) -> dict[str, str]:
    """Return place and identity of a source; RefusedError if it is not the database of the bundle."""
    then = bundle.manifest.origin
    here = {"place": place_of(session), "identity": identity_of(session)}
    both = bool(then.identity and here["identity"])
    if (then.identity == here["identity"]) if both else (then.place == here["place"]):
        return here
    raise RefusedError(
        f"{session.address} is not the database that {bundle.paths.folder} was made of, which is "
        f"{then.source}" + (f" ({then.place})" if then.place else "") + "; nothing was changed",
        do="name that one as the source; or export a bundle of this one: migplan export SOURCE --rows live",
    )


def _refuse_changed(bundle: VerifiedBundle, then: Catalog, now: Catalog, address: Address) -> None:
    """RefusedError if the tables of the bundle are not in the source what they were when it was made."""
    manifest = bundle.manifest
    owners = Owners(kept=manifest.keeps_owners, roles=manifest.roles)
    today = _as_loaded(catalog_in_target(now, left_out(manifest), owners), then)
    if found := list(map(str, differences(_as_loaded(then, then), today))):
        more = f"\n  and {len(found) - _DIFFERENCES} more" if len(found) > _DIFFERENCES else ""
        raise RefusedError(
            f"the tables of {address} are not what they were when {bundle.paths.folder} was made; nothing "
            "was changed:\n  " + "\n  ".join(found[:_DIFFERENCES]) + more,
            do="export the bundle again: migplan export SOURCE --rows live",
        )


def _as_loaded(catalog: Catalog, then: Catalog) -> Catalog:
    """What rows depend on of the tables that a bundle has, and of all partitions that these have now."""
    names = {table.name for table in then.tables}
    tops = catalog.tops
    tables = [table for table in catalog.tables if table.name in names or tops[table.name] in names]
    known = {each.name for each in then.sequences}
    found = [each.name for each in catalog.sequences if each.name in known]
    return Catalog(
        server=catalog.server,
        tables=tuple(_structure(table) for table in tables),
        sequences=tuple(replace(each, owner="") for each in catalog.sequences if each.name in found),
    )


def _structure(table: Table) -> Table:
    """A table without what may change while rows are copied, and is not in their way."""
    return Table(
        table.name,
        table.kind,
        columns=tuple(replace(column, comment=None) for column in table.columns),
        primary_key=table.primary_key and replace(table.primary_key, comment=None),
        unique_keys=tuple(replace(key, comment=None) for key in table.unique_keys),
        foreign_keys=tuple(
            replace(key, comment=None, validated=True, triggers=()) for key in table.foreign_keys
        ),
        checks=tuple(replace(check, comment=None, validated=True) for check in table.checks),
        exclusions=tuple(replace(check, comment=None) for check in table.exclusions),
        partition_key=table.partition_key,
        partition_of=table.partition_of,
        partition_bound=table.partition_bound,
        inherits=table.inherits,
        of_type=table.of_type,
    )
