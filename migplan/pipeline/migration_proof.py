"""The proof of a folder of migrations: the same files on a scratch server, compared with the target."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

from migplan.catalog import read
from migplan.catalog.changes import one_moment
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.read_attributes import read_attributes
from migplan.config import Platform
from migplan.errors import LaunchError
from migplan.migrations.analysis import Analysis
from migplan.names import QualifiedName
from migplan.pipeline.migrations import digest_of
from migplan.postgres.address import Address
from migplan.postgres.read_again import retry_if_disturbed
from migplan.postgres.session import Session, connect, reading
from migplan.progress import Progress, no_progress
from migplan.run.bundle import receipt
from migplan.run.engine.journal import Entry, journal_reader
from migplan.run.migrations.base import Base
from migplan.run.migrations.extensions import wanted_by
from migplan.run.migrations.objects import present
from migplan.run.migrations.status import MigrationStatus, State, statuses_in
from migplan.run.migrations.trial import TrialOptions, Trials, before_adopting, trials
from migplan.verify import concern
from migplan.verify.migrations import MigrationsVerified, Scratch, Target, verify
from migplan.verify.parts import look

_OTHERWISE = {
    State.CHANGED: "{} was changed after it was applied: its statements of now are what is compared with",
    State.AGAIN: "{} has changed, and is to be repeated: its statements of now are what is compared with",
}
_OF_EXTENSIONS: LiteralString = """
    SELECT DISTINCT n.nspname::text, p.proname::text
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid = d.objid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e'
"""


@dataclass(frozen=True)
class ProofOptions:
    """The choices of people who verify a folder."""

    lent: Address | None = None  # a server on which databases may be made, and dropped again
    everything: bool = False  # compare what the migrations have nothing to do with, too
    on_progress: Progress = field(default=no_progress)


@dataclass(frozen=True)
class FolderProof:
    """How the migrations of a folder stand, and whether those that are applied did what they say."""

    known: tuple[MigrationStatus, ...]
    found: MigrationsVerified
    target: str
    server: str
    receipts: tuple[receipt.Receipt, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing differs, and nothing is left to do or missing."""
        left = any(each.state is not State.APPLIED and not each.is_seed for each in self.known)
        return self.found.holds and not left


def verify_migrations(analysis: Analysis, address: Address, wanted: ProofOptions) -> FolderProof:
    """Compare a target with what the applied migrations of a folder make on a scratch server."""
    return _compared(analysis, address, statuses_in(analysis, address), wanted, None)


def compared_for_adopting(
    analysis: Analysis,
    address: Address,
    names: Sequence[str],
    platform: Platform | None,
    wanted: ProofOptions,
) -> tuple[Base, FolderProof]:
    """Compare a target that others have migrated with what migrations of these names make, and on what."""
    base = before_adopting(analysis, address, platform)
    known = statuses_in(analysis, address)
    known = tuple(replace(each, state=State.APPLIED) if each.name in names else each for each in known)
    return base, _compared(analysis, address, known, wanted, base)


def _compared(
    analysis: Analysis,
    address: Address,
    known: tuple[MigrationStatus, ...],
    wanted: ProofOptions,
    base: Base | None,
) -> FolderProof:
    names = _applied(known)
    said = tuple(_OTHERWISE[each.state].format(each.name) for each in known if each.state in _OTHERWISE)
    scratch = _scratch(analysis, names, address, wanted, base) if names else "nothing is applied"
    wanted.on_progress("reading the target", 0, 0)
    state = retry_if_disturbed(lambda _: _state(address), wanted.on_progress)
    with journal_reader(address) as reader:
        session = reader.session
        asked = session.ask(_OF_EXTENSIONS, during="looking at functions of extensions")
        target = Target(
            session,
            state,
            present(session),
            tuple({state.catalog.server.role, *(each.by for each in known if each.by)}),
            frozenset(str(QualifiedName(*row)) for row in asked),
        )
        found = verify(analysis, names, target, scratch, everything=wanted.everything)
        found = replace(found, notes=(*said, *found.notes))
    if found.judge and not all(each.holds for each in found.looked):
        found = _less_undone(analysis, names, address, found, wanted, base)
    here = receipt.whereabouts(address)
    earlier = receipt.found(analysis.folder.path, digest_of(analysis))
    return FolderProof(
        known,
        found,
        str(address).partition("?")[0],
        state.catalog.server.version_text,
        tuple(each for each in earlier if each.is_of(here)),
    )


def _applied(known: Sequence[MigrationStatus]) -> list[str]:
    """The migrations that are applied, in the order in which they were; of changed files, as they are now."""
    there = [each for each in known if each.state in {State.APPLIED, *_OTHERWISE}]
    return [each.name for each in sorted(there, key=lambda each: each.run or 0)]


def _scratch(
    analysis: Analysis, names: Sequence[str], address: Address, wanted: ProofOptions, base: Base | None
) -> Scratch | str:
    """Run the migrations of these names on a scratch server; or return why that cannot be."""
    wanted.on_progress("running the same migrations on a scratch server", 0, 0)
    try:
        with trials(analysis, target=address, lent=wanted.lent, base=base) as court:
            with court.build(()) as built:
                before = _state(built.address)
            return _built(court, analysis, names, before)
    except LaunchError as error:
        return error.what


def _less_undone(
    analysis: Analysis,
    names: Sequence[str],
    address: Address,
    found: MigrationsVerified,
    wanted: ProofOptions,
    base: Base | None,
) -> MigrationsVerified:
    """Tell verify parts that do not hold any more by what later migrations did: on scratch, too.

    Right after their own files they held there.
    """
    looking = Looking(analysis, frozenset(each.name for each in found.looked if not each.holds))
    with (
        trials(analysis, target=address, lent=wanted.lent, base=base) as court,
        court.build(names, TrialOptions(watching=looking)) as built,
        connect(built.address) as session,
    ):
        undone = {name for name in looking.held if not looking.holds(name, session)}
    return replace(found, looked=tuple(replace(each, undone=each.name in undone) for each in found.looked))


@dataclass
class Looking:
    """Runs verify parts right after their files."""

    analysis: Analysis
    names: frozenset[str]
    held: set[str] = field(default_factory=set)

    def before(self, name: str, session: Session) -> None:
        """Nothing is there to be looked at yet."""

    def after(self, name: str, session: Session) -> None:
        """Run the part of a migration."""
        if name in self.names and self.holds(name, session):
            self.held.add(name)

    def holds(self, name: str, session: Session) -> bool:
        """Whether a part holds now."""
        return look(self.analysis.by_name[name].migration, session, self.analysis.folder.style).holds


def _built(court: Trials, analysis: Analysis, names: Sequence[str], before: concern.State) -> Scratch | str:
    """What comes of the migrations in the order in which they were applied, else in that of the folder."""
    by_name = [name for name in analysis.order.order if name in names]
    said = ""
    for order in (names, by_name) if list(names) != by_name else (names,):
        with court.build(order) as built:
            if built.holds:
                notes = tuple(
                    f"{each.name} was not run on the scratch server: {each.why}"
                    for each in built.files
                    if each.state == "left out" and analysis.by_name[each.name].migration.kind != "seed"
                )
                made = wanted_by(analysis.by_name[name] for name in names)
                wanted = court.extensions.lacking & made
                return Scratch(
                    before, _state(built.address), court.judge.said, (*built.notes, *notes), wanted
                )
            failed = (built.failed or built.not_judged)[0]
            failure = failed.failure
            where = f"{failure.file}:{failure.line}: {failure.what}" if failure else failed.name
            said = said or f"on {court.judge.said}, {failed.name} failed: {where}"
    return said


def _state(address: Address) -> concern.State:
    with reading(address) as session, one_moment(session, aside=False):
        return concern.State(read.read(session, Counting(Exactness.ESTIMATE)), read_attributes(session))


def receipt_of(analysis: Analysis, address: Address, proof: FolderProof) -> Path | None:
    """Write a receipt for a folder whose migrations are all applied, and verified."""
    known = proof.known
    dates = [each.at for each in known if each.at]
    if not proof.holds or not dates:
        return None
    here = receipt.whereabouts(address)
    timings = receipt.timings_of(_entries(analysis, address, known))
    found = receipt.Receipt(
        bundle=analysis.folder.name,
        digest=digest_of(analysis),
        target=here.target,
        identity=here.identity,
        server=here.server,
        applied_at=max(dates).isoformat(timespec="seconds"),
        verified_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        rows=proof.found.rows,
        seconds=round(sum(each.seconds for each in timings), 3),
        steps=timings,
    )
    return receipt.save(found, analysis.folder.path)


def _entries(analysis: Analysis, address: Address, known: Sequence[MigrationStatus]) -> list[Entry]:
    """The steps by which what is applied came about, each as it was done last."""
    digests = {each.name: each.digest for each in known if each.state is State.APPLIED}
    last: dict[tuple[str, int], Entry] = {}
    with journal_reader(address) as reader:
        journal = reader.journal
        for run in journal.runs():
            if run.kind == "migrate" and run.bundle == analysis.folder.name:
                last |= {
                    (each.name, each.line): each
                    for each in journal.entries(run.run)
                    if each.state == "done" and each.file_digest == digests.get(each.name)
                }
    return list(last.values())
