"""Data steps to run: files written for a test, a run in the journal for them, what came of it."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migplan.postgres.address import Address
from migplan.postgres.session import Session
from migplan.postgres.session import connect as open_session
from migplan.run.data.events import DataEvent, Summary
from migplan.run.data.step import run_data_step
from migplan.run.engine.footprints import EVERYTHING
from migplan.run.engine.journal import Beginning, Journal
from migplan.run.engine.options import Limits
from migplan.run.engine.steps import Step
from tests.servers import connect

Row = tuple[Any, ...]
DIGEST = "0" * 64
UNITS = """
CREATE TABLE units (id int PRIMARY KEY, name text);
CREATE TABLE shown (unit int PRIMARY KEY, title text CHECK (title <> 'bad'), times int NOT NULL DEFAULT 1);
INSERT INTO units SELECT n, 'unit ' || n FROM generate_series(1, 25) n;
"""
COPY = """
def change(row):
    return Row(unit=row["id"], title=row["name"].upper())

STEP = DataStep(read="SELECT id, name FROM units", key=("id",), transform=change, into="shown", batch=10,
                {more})
"""


@dataclass
class Holder:
    """What the journal wants."""

    session: Session


@dataclass
class Stepping:
    """A data step in a database, and what it told."""

    where: Address
    file: Path
    run: int = 1
    stopping: threading.Event = field(default_factory=threading.Event)
    events: list[DataEvent] = field(default_factory=list)

    def __call__(
        self, told: Callable[[DataEvent], None] = lambda _: None, limits: Limits | None = None
    ) -> Summary:
        def heard(event: DataEvent) -> None:
            self.events.append(event)
            told(event)

        return run_data_step(self.where, limits or Limits(), self.run, 1, self.file, heard, self.stopping)

    def write(self, text: str) -> None:
        """Another text for the same file."""
        source = f"from migplan.data import DataStep, Row, Skip\n{textwrap.dedent(text)}"
        self.file.write_text(source)

    def line(self, text: str) -> int:
        """On which line of the file that stands."""
        lines = self.file.read_text().splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def begin(self) -> int:
        """A new run in the journal, with the step in it, as the next apply would begin it."""
        with open_session(self.where) as session:
            session.autocommit = True
            journal = Journal(Holder(session))
            journal.prepare()
            step = Step(1, self.file.name, self.file.stem, "program", 1, "", (), EVERYTHING)
            beginning = Beginning("migrate", "folder", DIGEST, [step], {self.file.name: DIGEST})
            self.run = journal.begin(beginning).run
        return self.run

    def asked(self, query: str) -> list[Row]:
        with connect(self.where) as connection:
            answer = connection.execute(query.encode())
            return answer.fetchall() if answer.description else []

    @property
    def state(self) -> str:
        return str(self.asked(f"SELECT state FROM migplan.step WHERE run = {self.run}")[0][0])

    @property
    def checkpoint(self) -> Row:
        """Key, done, skipped, failed, written, finished."""
        return self.asked(
            "SELECT key, done, skipped, failed, written, finished FROM migplan.checkpoint "
            f"WHERE run = {self.run}"
        )[0]

    @property
    def rejected(self) -> list[Row]:
        return self.asked("SELECT key, kind, reason FROM migplan.rejected ORDER BY key[1]::int")
