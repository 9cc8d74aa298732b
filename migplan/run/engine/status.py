"""The status of a target: its runs, and who is at work there."""

from collections.abc import Sequence
from dataclasses import dataclass

from migplan.postgres.address import Address
from migplan.run.engine import lock
from migplan.run.engine.journal import Entry, Run, journal_reader


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run and its steps."""

    run: Run
    entries: Sequence[Entry]

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(entry.state == "done" for entry in self.entries)

    @property
    def failed(self) -> Sequence[Entry]:
        """The steps that failed last."""
        return [entry for entry in self.entries if entry.state == "failed"]

    @property
    def stays(self) -> str:
        """What of it is done, in words."""
        rows = sum(entry.rows or 0 for entry in self.entries if entry.state == "done")
        files = dict.fromkeys(entry.file for entry in self.entries if entry.state == "done")
        of = f" of {', '.join(files)}" if files else ""
        return f"{self.done:,} of {len(self.entries):,} steps{of}; {rows:,} rows"

    @property
    def seconds(self) -> float:
        """The time that its steps took, added up: more than passed, where some ran side by side."""
        return sum(entry.duration.total_seconds() for entry in self.entries if entry.duration)


@dataclass(frozen=True, slots=True)
class Status:
    """The runs of a target, and who is at work there."""

    address: Address
    runs: Sequence[RunStatus]
    at_work: str = ""  # who holds the lock; nobody: ''

    @property
    def unfinished(self) -> RunStatus | None:
        """The run that has come to no end."""
        return next((each for each in reversed(self.runs) if each.run.is_open), None)


def status_of(address: Address) -> Status:
    """Read the journal; nothing is changed, and no lock is taken."""
    with journal_reader(address) as reader:
        journal = reader.journal
        if not journal.exists:
            return Status(address, ())
        with reader.session.translate_errors("looking who is at work"):
            holder = lock.holder(reader.session)
        said = f"{holder[1]} from {holder[3]}" if holder else ""
        if holder and holder[2]:  # hidden from roles that may not look at it
            said += f", since {holder[2]:%Y-%m-%d %H:%M:%S %Z}"
        runs = [RunStatus(run, journal.entries(run.run)) for run in journal.runs()]
        return Status(address, runs, said)
