"""Finding what of a journal was changed by hand: whatever is not as migplan creates and writes it."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from pydantic import ValidationError

from migplan.postgres.session import Session
from migplan.run.engine.records import Run

RESTORE = (
    "restore it from a backup; without it nobody knows what was done. To start over, "
    "on a target that you emptied yourself: DROP SCHEMA migplan CASCADE"
)
RESTORE_OR_END = (
    "restore the journal from a backup; to end the run without rolling it back: "
    "migplan rollback --target TARGET --abandon"
)
_SHOWN = 60
_TABLE = re.compile(r"^CREATE TABLE migplan\.(\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^    ([a-z_]+) ([a-z0-9]+(?:\[\])?)", re.MULTILINE)
_LAYOUT = """
    SELECT w.relation, w.attribute, w.type, c.relkind::text, pg_catalog.format_type(a.atttypid, NULL),
           a.atttypid IS NOT DISTINCT FROM pg_catalog.to_regtype(w.type)
    FROM unnest(%s::text[], %s::text[], %s::text[]) w (relation, attribute, type)
    JOIN pg_catalog.pg_namespace n ON n.nspname = 'migplan'
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.relation
    LEFT JOIN pg_catalog.pg_attribute a
        ON a.attrelid = c.oid AND a.attname = w.attribute AND NOT a.attisdropped
"""
_STEPS = """
    SELECT run, count(*), count(*) = count(DISTINCT step) AND count(*) = max(step),
           min(step) FILTER (WHERE state IN ('pending', 'failed')),
           min(step) FILTER (WHERE state = 'undone'), min(step) FILTER (WHERE state = 'done')
    FROM migplan.step GROUP BY run
"""


class Layout:
    """The relations and columns of a journal that exist."""

    def __init__(self, connection: Session) -> None:
        every = columns()
        found = connection.execute(_LAYOUT, [list(each) for each in zip(*every, strict=True)]).fetchall()
        self.relations = {relation: kind for relation, *_, kind, _, _ in found}
        self._columns = {(relation, column): rest for relation, column, *rest in found}

    def wrong(self, tables: Collection[str], without: Collection[tuple[str, str]] = ()) -> str:
        """Return the first thing that is wrong with these tables, and with any others that exist.

        '' if nothing is.
        """
        for relation, kind in self.relations.items():
            if kind != "r":
                return f"migplan.{relation} is no table"
        # Journals of the former format may have neither of these two.
        progress = {"checkpoint", "rejected"}
        wanted = {*tables} | (progress if progress & {*self.relations} else set())
        if missing := wanted - {*self.relations}:
            return f"it lacks its table migplan.{min(missing)}"
        for (relation, column), (kind, _, there, same) in self._columns.items():
            if (relation, column) in without:
                continue
            if there is None:
                return f"it lacks its column migplan.{relation}.{column}"
            if not same:
                return f"migplan.{relation}.{column} is of the type {there} and not {kind}"
        return ""


@cache
def columns() -> tuple[tuple[str, str, str], ...]:
    """Return the columns of a journal and their types, from the files that create it."""
    folder = resources.files("migplan.run.engine")
    texts = [folder.joinpath(name).read_text("utf-8") for name in ("journal.sql", "journal_kept.sql")]
    return tuple(
        (table, column, kind)
        for text in texts
        for table, body in _TABLE.findall(text)
        for column, kind in _COLUMN.findall(body)
    )


def value(error: ValidationError, row: Mapping[str, Any]) -> str:
    """Return which value of a row is impossible, and of which row."""
    where = " of ".join(f"{key} {row[key]}" for key in ("step", "run") if key in row) or "a row"
    first = error.errors()[0]
    if not first["loc"]:
        return f"{where}: {first['msg'].removeprefix('Value error, ')}"
    column = ".".join(str(part) for part in first["loc"])
    found = first["input"]
    shown = "null" if found is None else repr(found)
    return f"{column} of {where} is {shown[:_SHOWN]}"


def hole(connection: Session, runs: Sequence[Run]) -> tuple[str, Run | None]:
    """Return where runs and steps contradict each other, and in which run; ('', None) if they agree.

    Of runs that are over, and that nobody will come back to, it does not matter.
    """
    numbers = {run.run for run in runs}
    if len(numbers) < len(runs):
        return "it has a run twice", None
    for run in runs:
        if run.undoes is not None and run.undoes not in numbers:
            return f"run {run.run} undoes run {run.undoes}, which is not there", None
    steps = {number: rest for number, *rest in connection.execute(_STEPS).fetchall()}
    if strays := sorted(each or 0 for each in {*steps} - numbers):
        return f"it has steps of run {strays[0]}, and no such run", None
    for run in runs:
        if what := _of_run(run, *steps.get(run.run, (0, True, None, None, None))):
            return f"{what} of run {run.run} ({run.bundle})", run
    return "", None


def _of_run(
    run: Run, count: int, numbered: bool, begun: int | None, undone: int | None, done: int | None
) -> str:
    if run.state == "undone" and done is not None:
        return f"step {done} is done, and the state is undone,"
    if not (run.stands or run.is_open or run.kind == "migrate") or run.state == "abandoned":
        return ""
    if count != (run.steps if run.steps is not None else max(count, 1)):
        return f"it has {count:,} of the {run.steps or 1:,} steps"
    if not numbered:
        return f"the {count:,} steps are not numbered from 1 to {count:,}: those"
    # Migrations are rolled back one by one, and the run that applied them stays done.
    left = begun if run.kind == "migrate" or begun is not None else undone
    if run.state == "done" and left is not None:
        return f"step {left} is not done, and the state is done,"
    return ""
