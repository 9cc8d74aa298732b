"""A rehearsal of a folder of migrations: there, the proof, back file by file, and there again.

On a scratch server, on what a target has before the first of them, or on a target that does not matter. Each
way back is tried, and what it leaves is compared with what was there before its file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from migplan.catalog import state
from migplan.errors import RefusedError, StepError
from migplan.migrations.analysis import Analysis
from migplan.pipeline.migration_proof import (
    FolderProof,
    Looking,
    ProofOptions,
    receipt_of,
    verify_migrations,
)
from migplan.pipeline.migrations import apply_migrations
from migplan.pipeline.rehearse import Stage, timed
from migplan.pipeline.trial import names_after
from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.journal import journal_reader
from migplan.run.migrations.apply import MigrateOptions
from migplan.run.migrations.base import Base
from migplan.run.migrations.revert import AppliedFolder, RevertOptions, revert
from migplan.run.migrations.status import State, statuses_in
from migplan.run.migrations.steps import steps_of
from migplan.run.migrations.trial import Failure, Noting, TrialOptions, Trials, TriedFile, opened
from migplan.run.migrations.trying_back import TryingBack, out_of_place, what_differs
from migplan.text.wording import counted
from migplan.verify.migrations import MigrationsVerified, look_at_each

_FAILS = frozenset({"failed", "not judged"})


@dataclass
class _States:
    """What stands in the database before each file, and which verify parts hold right after theirs."""

    looking: Looking
    reader: state.StateReader = field(default_factory=state.StateReader)
    before_each: dict[str, state.State] = field(default_factory=dict)

    def before(self, name: str, session: Session) -> None:
        """Keep what is there before a file."""
        with session.given_up("comparing with what was there before"):
            self.before_each[name] = self.reader.read(session)

    def after(self, name: str, session: Session) -> None:
        """Run the file's verify part: what is there otherwise, is there before the next one, too."""
        self.looking.after(name, session)


@dataclass
class FolderRehearsal:
    """A folder being rehearsed; what it is worth knowing afterwards gathers here."""

    analysis: Analysis
    seeds: bool = False
    on_event: OnEvent = ignore
    server: str = ""
    base: Base = field(default_factory=Base)
    notes: tuple[str, ...] = ()
    files: tuple[TriedFile, ...] = ()
    receipt: Path | None = None
    lent: Address | None = None
    holds: bool = True
    is_judged: bool = True
    _is_scratch: bool = True
    _out_of_place: dict[str, Sequence[str]] = field(default_factory=dict)  # by migration: columns
    _gone: int = 0  # of the migrations in the first database, those that were rolled back

    def on_scratch(self, base: Base, major: int | None, after: str = "") -> Iterator[Stage]:
        """Rehearse on a scratch server; LaunchError where there is none."""
        self.base, states = base, self._states()
        wanted = TrialOptions(
            seeds=self.seeds, watching=states, on_event=self.on_event, records=True, states=states.reader
        )
        names = names_after(self.analysis, after)
        with opened(self.analysis, base, major=major, lent=self.lent) as court:
            started = time.monotonic()
            with court.build(names, wanted) as built:
                self.server, self.notes, self.files = court.judge.said, built.notes, built.files
                self.is_judged = not built.not_judged
                yield self._kept(_applied("apply", time.monotonic() - started, self.files))
                if not self.holds:
                    return
                yield self._kept(self._verify(built.address, states))
                if not self.holds:
                    return
                ran = [each.name for each in self.files if each.state == "ok"]
                yield self._kept(self._back(built.address, ran, states, court))
                if self._gone and self.holds:
                    again = TrialOptions(seeds=self.seeds, on_event=self.on_event, records=True)
                    gone = ran[len(ran) - self._gone :]
                    seconds, files = timed(lambda: court.run(built.address, gone, again))
                    yield self._kept(_applied("apply again", seconds, files))
                if self.holds:
                    self._leave_receipt(built.address, states)

    def on_target(self, address: Address) -> Iterator[Stage]:
        """Rehearse on a target that does not matter, which keeps what cannot be rolled back."""
        if there := [each.name for each in statuses_in(self.analysis, address) if each.state.is_there]:
            raise RefusedError(
                f"{address} has {there[0]} of this folder already, and a rehearsal would roll it back",
                do="use an empty database, or scratch; or roll it back: migplan rollback FOLDER --all "
                "--target TARGET",
            )
        self.server, states = str(address), self._states()
        self.base = Base("what is there")
        stage = self._apply(address, states)
        yield self._kept(stage)
        if not self.holds:
            return
        yield self._kept(self._verify(address, states))
        if not self.holds:
            return
        ran = [each.name for each in self.files if each.state == "ok"]
        yield self._kept(self._back(address, ran, states, None))
        if self._gone and self.holds:
            yield self._kept(self._apply(address, self._states(), "apply again"))
        if self.holds:
            self._leave_receipt(address, states)

    def _apply(self, address: Address, states: _States, name: str = "apply") -> Stage:
        analysis = self.analysis
        steps = [step for each in analysis.file_analyses for step in steps_of(analysis.folder, each)]
        wanted = TrialOptions(watching=states, on_event=self.on_event)
        failed: TriedFile | None = None
        started = time.monotonic()
        with connect(address) as session:
            session.autocommit = True
            noting = Noting(wanted, steps, session)
            options = MigrateOptions(seeds=self.seeds, tried=frozenset(analysis.order.order))
            try:
                apply_migrations(analysis, address, options, noting.hear, observer=noting)
            except StepError as error:
                failed = TriedFile(error.step, "failed", failure=Failure.of(error))
        order = [each for each in analysis.order.order if each in noting.found]
        files = [noting.found[each] for each in order if failed is None or each != failed.name]
        files += [failed] if failed else []
        self.files = self.files or tuple(files)
        return _applied(name, time.monotonic() - started, files)

    def _states(self) -> _States:
        with_parts = frozenset(each.name for each in self.analysis.folder.migrations if each.verify)
        return _States(Looking(self.analysis, with_parts))

    def _verify(self, address: Address, states: _States) -> Stage:
        """Look whether the migrations did what they say.

        On a scratch server that is what their verify parts say: there is nothing else to compare it with.
        """
        seconds, proof = timed(lambda: self._proof(address, states))
        found = proof.found
        wrong = [each for each in found.looked if not each.holds]
        parts = [f"{each.name}: {complaint.what}" for each in wrong for complaint in each.wrong]
        details = (*parts, *map(str, found.differences))
        said = "every check holds" if found.holds else counted(len(details), "difference")
        if self._is_scratch:
            exist = sum(each.exists for each in found.looked)
            if not exist:
                said = "no file has a verify part"
            elif found.holds:
                said = f"{counted(exist, 'verify part')}: {said}"
        return Stage("verify", seconds, said, found.holds, details)

    def _proof(self, address: Address, states: _States) -> FolderProof:
        if not self._is_scratch:
            return verify_migrations(self.analysis, address, ProofOptions(self.lent))
        known = statuses_in(self.analysis, address)
        with journal_reader(address) as reader:
            names = [each.name for each in known if each.state is State.APPLIED and each.migration]
            looked = look_at_each(self.analysis, names, reader.session)
        held = states.looking.held
        looked = tuple(replace(each, undone=bool(each.wrong) and each.name in held) for each in looked)
        return FolderProof(known, MigrationsVerified(looked, (), self.server), str(address), "")

    def _back(self, address: Address, names: Sequence[str], states: _States, court: Trials | None) -> Stage:
        """Roll back file by file, the last one first; compare what each leaves with what was before it.

        Those before one that has no way back are built once more, and each is tried right after its file.
        """
        started = time.monotonic()
        without: dict[str, Sequence[str]] = {}
        wrong: dict[str, Sequence[str]] = {}
        left = list(names)
        self._roll_back(address, left, states, without, wrong)
        self._gone = len(names) - len(left)
        if court is not None and left[:-1]:
            trying = TryingBack(left[:-1], states.reader)
            wanted = TrialOptions(
                seeds=self.seeds,
                watching=trying,
                on_event=self.on_event,
                records=True,
                states=states.reader,
            )
            with court.build(left[:-1], wanted):
                without |= trying.without
                wrong |= trying.wrong
                self._out_of_place |= trying.out_of_place
        every = bool(left) and not wrong and self._roll_all_back(address, left[0], states, wrong)
        if every:
            self._gone = len(names)
        if court is not None:
            left = []
        said = f"{counted(len(names), 'migration')} rolled back, each to what was there before it"
        said += ", but for the order of columns" if self._out_of_place else ""
        if wrong:
            said = f"{counted(sum(map(len, wrong.values())), 'thing')} not as before"
        elif without:
            went = len(set(names) - without.keys() - set(left))
            said = f"{went:,} of {counted(len(names), 'migration')} rolled back; the others have no way back"
            said += " alone, but all of them have one together" if every else ""
        lines = tuple(
            f"{name}: {line}"
            for name in reversed(names)
            for found in (wrong or without, self._out_of_place)
            for line in found.get(name, ())
        )
        return Stage("rollback", time.monotonic() - started, said, not wrong, lines)

    def _roll_back(
        self,
        address: Address,
        left: list[str],
        states: _States,
        without: dict[str, Sequence[str]],
        wrong: dict[str, Sequence[str]],
    ) -> None:
        """Roll back what is left, until one has no way back; add what is wrong, or why there is none."""
        given = AppliedFolder(self.analysis.folder.name, self.analysis)
        while left:
            name = left[-1]
            try:
                revert(given, address, RevertOptions(only=name), self.on_event)
            except RefusedError as error:
                lines = [line.strip() for line in error.what.splitlines()[1:]] or [error.what]
                without[name] = [line.removeprefix(f"{name}: ") for line in lines]
                return
            except StepError as error:
                wrong[name] = [f"its way back fails: {error}"]
                return
            left.pop()
            if name in states.before_each:
                with connect(address) as session, session.given_up("comparing with what was there before"):
                    before, there = states.before_each[name], state.read_state(session)
                    if found := what_differs(session, before, there):
                        wrong[name] = list(map(str, found))
                    if columns := out_of_place(before, there):
                        self._out_of_place[name] = columns

    def _roll_all_back(
        self, address: Address, first: str, states: _States, wrong: dict[str, Sequence[str]]
    ) -> bool:
        """Roll back all that is left at once, where what one of them lost goes as a whole; whether it did."""
        given = AppliedFolder(self.analysis.folder.name, self.analysis)
        try:
            revert(given, address, RevertOptions(all=True), self.on_event)
        except RefusedError:
            return False
        except StepError as error:
            wrong[error.step] = [f"its way back fails: {error}"]
            return False
        if first in states.before_each:
            with connect(address) as session, session.given_up("comparing with what was there before"):
                found = what_differs(session, states.before_each[first], state.read_state(session))
                if found:
                    wrong[first] = list(map(str, found))
        return True

    def _leave_receipt(self, address: Address, states: _States) -> None:
        self.receipt = receipt_of(self.analysis, address, self._proof(address, states))

    def _kept(self, stage: Stage) -> Stage:
        self.holds = self.holds and stage.holds
        return stage


def _applied(name: str, seconds: float, files: Sequence[TriedFile]) -> Stage:
    failed = [each for each in files if each.state in _FAILS]
    ran = sum(each.state == "ok" for each in files)
    if not failed:
        return Stage(name, seconds, counted(ran, "migration"))
    details = tuple(
        f"{each.name}: {each.failure.place}: {each.failure.what}" for each in failed if each.failure
    )
    return Stage(name, seconds, f"{failed[0].name} {failed[0].state}", holds=False, details=details)
