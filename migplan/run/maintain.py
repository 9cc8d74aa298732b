"""Recurring SQL of a folder, run once now: what it returned is written down beside when and by whom."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from migplan.bundle.splitting import Statement, pieces
from migplan.errors import RefusedError, StepError
from migplan.handwritten.account import Account
from migplan.handwritten.analysis import Analysis
from migplan.handwritten.model import Migration
from migplan.handwritten.texts import reopened
from migplan.postgres.address import Address
from migplan.postgres.connect import connect
from migplan.run import events, journal
from migplan.run.apply import ending, locked
from migplan.run.execute import Execution, Ways
from migplan.run.journal import Beginning, Journal
from migplan.run.migration_steps import steps_of
from migplan.run.session import Limits
from migplan.run.steps import Step

_ROWS = 20


@dataclass(frozen=True, slots=True)
class Maintained:
    """What came of it."""

    name: str
    run: int
    seconds: float
    said: tuple[str, ...]  # the rows that it returned, the first of them


def upkeep(analysis: Analysis, name: str) -> Account:
    """The recurring SQL of that name; RefusedError lists what there is."""
    found = {each.migration.name: each for each in analysis.accounts if each.migration.kind == "maintenance"}
    if name not in found:
        known = ", ".join(found) or "none"
        raise RefusedError(
            f"{analysis.folder.path} has no maintenance called {name}", do=f"there is: {known}"
        )
    return found[name]


def maintain(analysis: Analysis, name: str, address: Address, limits: Limits) -> Maintained:
    """Run it, in one transaction with its entry in the journal as far as it can be in one."""
    account = upkeep(analysis, name)
    found = steps_of(analysis.folder, account)
    steps = tuple(replace(step, number=number) for number, step in enumerate(found, 1))
    migration = account.migration
    with locked(address) as lock:
        book = Journal(lock, address)
        if not book.exists:
            book.create()
        digests = {step.file: migration.digest for step in steps}
        folder = analysis.folder.path.resolve()
        run = book.begin(Beginning("maintain", folder.name, migration.digest, steps, digests))
        started = time.monotonic()
        said: tuple[str, ...] = ()
        with ending(book, run):
            if account.in_transaction:
                said = _in_transaction(migration, steps[0], run.run, address, limits)
            else:
                Execution(address, folder, book, lock, Ways(1, limits), events.silence).run(
                    run.run, steps, set()
                )
        if said:
            book.note(run.run, said)
        return Maintained(name, run.run, time.monotonic() - started, said)


def pg_cron(migration: Migration) -> str:
    """The statement that has pg_cron run it."""
    _refuse_unscheduled(migration)
    text = reopened(migration.up).read().decode().strip()
    tag = "$maintain$"
    while tag in text:
        tag = f"${tag.strip('$')}_$"
    name, schedule = (_literal(each) for each in (migration.name, migration.schedule))
    return f"SELECT cron.schedule({name}, {schedule}, {tag}\n{text}\n{tag});"


def crontab(migration: Migration, folder: str, target: str) -> str:
    """The line that has cron run it."""
    _refuse_unscheduled(migration)
    return f"{migration.schedule} migplan maintain {migration.name} --folder {folder} --target {target}"


def _in_transaction(
    migration: Migration, step: Step, run: int, address: Address, limits: Limits
) -> tuple[str, ...]:
    rows: list[str] = []
    line = step.line
    with closing(connect(address)) as connection:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {int(limits.lock_seconds * 1000)}".encode())
                seconds = int(limits.statement_seconds * 1000)
                connection.execute(f"SET LOCAL statement_timeout = {seconds}".encode())
                connection.execute(journal.claim(run, step.number))
                for each in pieces(reopened(migration.up), migration.up.file):
                    assert isinstance(each, Statement), "recurring SQL brings no rows along"
                    line = each.line
                    rows += _shown(connection.execute(each.text.encode()))
                connection.execute(journal.finish(run, step.number, 0))
        except psycopg.Error as error:
            diag = error.diag
            raise StepError(
                address.without_secrets(diag.message_primary or str(error)),
                address=str(address),
                during=f"running {step}",
                sqlstate=error.sqlstate,
                detail=diag.message_detail or "",
                hint=diag.message_hint or "",
                context=diag.context or "",
                step=step.name,
                file=step.file,
                line=line,
            ) from None
    return tuple(rows[:_ROWS])


def _shown(cursor: psycopg.Cursor[Any]) -> Sequence[str]:
    if cursor.description is None:
        return [cursor.statusmessage or ""]
    return [", ".join(map(str, row)) for row in cursor.fetchmany(_ROWS)]


def _refuse_unscheduled(migration: Migration) -> None:
    if not migration.schedule:
        raise RefusedError(
            f"{migration.name} says no schedule",
            do="write -- migplan: maintenance 0 3 * * * on top of its file",
        )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
