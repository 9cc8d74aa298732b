"""Bundles that are applied up to a step, rolled back, and what a target looks like before and after."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.errors import MigplanError
from migplan.postgres import pg_dump
from migplan.postgres.address import Address
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.bundle.kept import LocalBundle
from migplan.run.engine import worker
from migplan.run.engine.options import RunOptions
from migplan.run.engine.steps import Source, Step
from migplan.run.undo.losses import Losses
from migplan.run.undo.rollback import RollbackOptions, RollbackResult, rollback
from tests.export.loading import _NEVER_ALIKE
from tests.run.running import bundle_of
from tests.servers import Server

_DEFAULTS = """
    SELECT pg_get_userbyid(defaclrole), defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text
    FROM pg_default_acl ORDER BY 1, 2, 3
"""


class KilledError(MigplanError):
    """A client that ends between two steps."""


def verified(server: Server, name: str, *words: str) -> VerifiedBundle:
    """The bundle of a database that nobody changes; exported once."""
    return load_verified(bundle_of(server, name, *words))


@contextmanager
def stopping(before: int, kind: str = "apply") -> Iterator[None]:
    """Runs of this kind come as far as the step of that number, and no further."""
    do = worker.Worker.do
    with pytest.MonkeyPatch.context() as patch:

        def until(
            self: worker.Worker, run: int, step: Step, source: Source, moved: Callable[[int], None]
        ) -> int:
            if (step.phase == "rollback") == (kind == "rollback") and step.number >= before:
                raise KilledError("killed")
            return do(self, run, step, source, moved)

        patch.setattr(worker.Worker, "do", until)
        yield


def applied(bundle: VerifiedBundle, address: Address, *, until: int | None = None, jobs: int = 1) -> None:
    """Apply it, all of it or what comes before a step."""
    wanted = ApplyOptions(RunOptions(jobs))
    if until is None:
        apply(bundle, address, wanted)
        return
    with stopping(until), pytest.raises(KilledError):
        apply(bundle, address, wanted)


def taken_back(bundle: VerifiedBundle, address: Address, **wanted: object) -> RollbackResult:
    return rollback(LocalBundle.of(bundle), address, RollbackOptions(**wanted))  # type: ignore[arg-type]


def lost(undone: RollbackResult) -> Losses:
    """What it said would be lost; there was something to roll back."""
    assert undone.losses
    return undone.losses


def schema(server: Server, name: str) -> str:
    """Everything of a database but rows, and but the journal, as pg_dump says it, and default privileges."""
    program = pg_dump.suitable(server.major * 10000, encrypted=False).program("pg_dump")
    words = [str(program), "--schema-only", "--exclude-schema=migplan", "-d", server.url(name)]
    ran = subprocess.run(words, capture_output=True, text=True, check=True, encoding="utf-8")
    text = _NEVER_ALIKE.sub("", ran.stdout)
    with server.connect(dbname=name) as connection:
        return text + repr(connection.execute(_DEFAULTS).fetchall())


def ask(server: Server, name: str, query: str) -> list[tuple[Any, ...]]:
    with server.connect(dbname=name) as connection:
        return connection.execute(query).fetchall()
