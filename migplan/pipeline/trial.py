"""Trying a folder of migrations before a target sees it: on a scratch server, on what stands there before.

What was tried and ran is remembered, by a digest of the files, of the base and of the server's version, so
that an apply does not try once more what nobody has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migplan import __version__
from migplan.catalog.attributes import Attributes
from migplan.catalog.compare import Difference, differences, differences_of_attributes
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog
from migplan.catalog.read import read
from migplan.catalog.read_attributes import read_attributes
from migplan.config import Config
from migplan.errors import FileError, LaunchError, RefusedError, SelectionError
from migplan.files import read_json, write_whole
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import Style, Thing, ThingKind
from migplan.names import split
from migplan.pipeline.platforms import Host, host_named, target_host
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from migplan.run.migrations.base import Base, of_target
from migplan.run.migrations.status import MigrationStatus, State
from migplan.run.migrations.steps import ADOPTS, ALREADY_THERE
from migplan.run.migrations.trial import (
    TrialOptions,
    Trials,
    TriedFile,
    base_of,
    before_first,
    major_of,
    opened,
)
from migplan.run.migrations.trying_back import TryingBack
from migplan.text.wording import did_you_mean

_REMEMBERED = 200
_SUPABASE = "supabase"
_ORDER = "order of columns"
INFERENCE = "judged by inference only: what the parser sees is checked, what only a server knows is not"
"""What is said where there is no server."""


@dataclass(frozen=True)
class OtherOrder:
    """What came of the same files in another order."""

    names: tuple[str, ...]
    failed: TriedFile | None  # the first that does not run
    differences: tuple[Difference, ...] = ()  # where both orders run: in what the databases differ


@dataclass(frozen=True)
class Tried:
    """What came of a folder on a scratch server."""

    server: str  # in words; empty: there was none, and ``notes`` say why
    base: Base
    files: tuple[TriedFile, ...] = ()
    notes: tuple[str, ...] = ()
    other: OtherOrder | None = None  # the order that works, where it is not that of the names; or the reverse
    remembered: str = ""  # when it was tried, where it was not tried again

    @property
    def is_judged(self) -> bool:
        """Whether a server has judged."""
        return bool(self.server)

    def of(self, *states: str) -> tuple[TriedFile, ...]:
        """The files with which that came out."""
        return tuple(each for each in self.files if each.state in states)


def base_for(analysis: Analysis, config: Config, on: Path | None, target: Address | None) -> Base:
    """Return what stands before the first migration: a bundle, what a target had, or the platform's own.

    The platform is the one that people name; else Supabase, where its style and what the files need say so.
    """
    host = target_host(config)
    if host is None and analysis.folder.style is Style.SUPABASE:
        found = host_named(config, _SUPABASE)
        needed = [each.thing for each in analysis.order.missing]
        host = found if any(_is_of(thing, found) for thing in needed) else None
    base = base_of(analysis, target=target, on=on, platform=host.platform if host else None)
    return replace(base, is_of_said_host=host is not None)


def _is_of(thing: Thing, host: Host) -> bool:
    name = split(thing.name)[0]
    if thing.kind is ThingKind.ROLE:
        return host.provided.role(name)
    return ("." in thing.name or thing.kind is ThingKind.SCHEMA) and host.provided.schema(name)


def try_folder(
    analysis: Analysis,
    base: Base,
    *,
    target: Address | None = None,
    lent: Address | None = None,
    wanted: TrialOptions | None = None,
    after: str = "",
) -> Tried:
    """Try every migration of a folder on a base, in the order of the names; and in one that works, too.

    ``after`` names the last one whose effects are in the base already.
    """
    names = names_after(analysis, after)
    if base.is_empty:
        early = (each for each in analysis.order.made_later if each.migration in names)
        analysis = analysis.lacking(frozenset(each.thing for each in early))
    found = tuple(name for name in analysis.order.order if name in names)
    wanted = wanted or TrialOptions()
    major = major_of(target) if target is not None else None
    try:
        with opened(analysis, base, major=major, lent=lent) as court:
            tried, state = _tried(court, names, wanted, reads=found != names, back=names)
            if found != names:
                tried = replace(tried, other=_other(court, found, wanted, state))
    except LaunchError as error:
        return _not_judged(base, error)
    _remember(_key(analysis, base, major, names, wanted), tried)
    return tried


def names_after(analysis: Analysis, after: str) -> tuple[str, ...]:
    """Return the migrations behind one, in the order of the names; all, if none is named."""
    names = analysis.order.names
    if not after:
        return names
    if after not in names:
        near = did_you_mean(after, names, "migplan analyze FOLDER shows their names")
        raise SelectionError(f"there is no migration {after} in {analysis.folder.path}", do=near)
    return names[names.index(after) + 1 :]


def try_pending(
    analysis: Analysis,
    address: Address,
    names: Sequence[str],
    known: Sequence[MigrationStatus],
    *,
    lent: Address | None = None,
    seeds: bool = False,
) -> Tried:
    """Try what is to be applied to a target, on what the target had before and what is applied of the folder.

    Where that cannot be built, the target's schema as it is now stands for both.
    """
    base = before_first(analysis, address)
    applied = _applied(known)
    major = major_of(address)
    by_name = [name for name in analysis.order.names if name in names]
    wanted = TrialOptions(seeds=seeds)
    key = _key(analysis, base, major, [*applied, *names], wanted)
    if when := _read().get(key, ""):
        return Tried("a scratch server", base, remembered=when)
    found = None
    try:
        if base.is_whole and not any(each.state is State.MISSING for each in known):
            with opened(analysis, base, major=major, lent=lent) as court:
                found = _tried_pending(court, applied, names, by_name, wanted)
        if found is None:
            now = of_target(address, {each.thing for each in analysis.order.missing})
            with opened(analysis, now, major=major, lent=lent) as court:
                found = _tried_pending(court, (), names, by_name, wanted)
    except LaunchError as error:
        return _not_judged(base, error)
    assert found is not None
    _remember(key, found)
    return replace(found, base=base)


def _tried_pending(
    court: Trials, applied: Sequence[str], names: Sequence[str], by_name: Sequence[str], wanted: TrialOptions
) -> Tried | None:
    """What came of the pending files; None if those before them cannot be built here."""
    reordered = by_name != list(names)
    tried, state = _tried(court, [*applied, *names], wanted, reads=reordered, back=names)
    before = tried.files[: len(applied)]
    if any(each.state not in {"ok", "left out"} for each in before):
        return None
    tried = replace(tried, files=tried.files[len(applied) :])
    if reordered and not tried.of("failed"):
        tried = replace(tried, other=_other(court, [*applied, *by_name], wanted, state))
    return tried


def refuse_failed(tried: Tried, analysis: Analysis) -> None:
    """Raise RefusedError if a file fails on the scratch server, which says how it would go on the target."""
    for each in tried.of("failed"):
        assert each.failure is not None
        raise RefusedError(
            f"{each.name} fails on {tried.server}, where it was tried before the target; nothing was changed:"
            f"\n  {each.failure.place}: {each.failure.what}"
            + "".join(
                f"\n  {line}"
                for line in (each.failure.statement, each.failure.detail, each.failure.hint)
                if line
            ),
            do=(ADOPTS if each.failure.sqlstate in ALREADY_THERE else "")
            + "fix it; or, where the target is not like that, apply without a trial: --no-try",
        )
    for each in tried.of("not judged"):
        assert each.failure is not None
        if not analysis.by_name[each.name].leaves_nothing:
            raise RefusedError(
                f"{each.name} would leave a half if it failed, and whether it runs could not be tried: "
                f"{each.why}; nothing was changed:\n  {each.failure.place}: {each.failure.what}",
                do="name a server that has what is missing: --scratch URL; or apply all the same: --no-try",
            )


def _tried(
    court: Trials, names: Sequence[str], wanted: TrialOptions, *, reads: bool, back: Sequence[str]
) -> tuple[Tried, tuple[Catalog, Attributes] | None]:
    """Try files, and the way back of some of them."""
    trying = TryingBack(frozenset(back), wanted.states)
    with court.build(names, replace(wanted, watching=trying, records=True)) as built:
        state = state_of(built.address) if reads and built.holds else None
        files = tuple(
            replace(
                each,
                back=trying.wrong.get(each.name, ()),
                out_of_place=trying.out_of_place.get(each.name, ()),
                no_way_back=trying.without.get(each.name, ()),
            )
            for each in built.files
        )
        return Tried(court.judge.said, court.base, files, built.notes), state


def _other(
    court: Trials,
    names: Sequence[str],
    wanted: TrialOptions,
    state: tuple[Catalog, Attributes] | None,
) -> OtherOrder:
    """Try the files in another order; compare with what came of the first one, where both run."""
    with court.build(names, wanted) as built:
        failed = next((each for each in built.files if each.state in {"failed", "not judged"}), None)
        found = different(state, state_of(built.address)) if state and failed is None else ()
    return OtherOrder(tuple(names), failed, tuple(found))


def state_of(address: Address) -> tuple[Catalog, Attributes]:
    """Return what a database says of itself."""
    with reading(address) as session:
        return read(session, Counting(Exactness.ESTIMATE)), read_attributes(session)


def different(one: tuple[Catalog, Attributes], other: tuple[Catalog, Attributes]) -> Sequence[Difference]:
    """Return in what two databases differ, but for the order of columns."""
    every = (*differences(one[0], other[0]), *differences_of_attributes(one[1], other[1]))
    return [each for each in every if not all(part.startswith(_ORDER) for part in each.detail.split("; "))]


def _applied(known: Sequence[MigrationStatus]) -> list[str]:
    """The applied migrations that can be built again, in the order in which they were applied."""
    there = [
        each for each in known if each.state.is_there and each.migration is not None and not each.is_seed
    ]
    left = {each.name for each in known if each.state.is_left}
    return [each.name for each in sorted(there, key=lambda each: each.run or 0) if each.name not in left]


def _not_judged(base: Base, error: LaunchError) -> Tried:
    return Tried("", base, notes=(f"{error.what}{f' ({error.do})' if error.do else ''}",))


# --- what is remembered -----------------------------------------------------------------------------------


def _remember(key: str, tried: Tried) -> None:
    """Remember that files run; nothing is remembered where anything was in doubt, or is to be said."""
    in_doubt = any(
        each.state not in {"ok", "left out"} or each.back or each.out_of_place for each in tried.files
    )
    if in_doubt or tried.other or tried.notes:
        return
    known = {**_read(), key: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}
    newest = dict(list(known.items())[-_REMEMBERED:])
    with suppress(FileError, OSError):  # a home that cannot be written to is no reason to fail
        _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(_file(), json.dumps(newest, indent=1))


def _key(
    analysis: Analysis, base: Base, major: int | None, names: Sequence[str], wanted: TrialOptions
) -> str:
    """What tells a trial from another: the files in their order, what is below them, the server's version."""
    digests = [(name, analysis.by_name[name].migration.byte_digest) for name in names]
    said: Sequence[Any] = [__version__, major, base.digest, wanted.seeds, digests]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _read() -> dict[str, str]:
    with suppress(FileError, OSError):
        found = read_json(_file())
        if isinstance(found, Mapping):
            return {str(key): str(value) for key, value in found.items()}
    return {}


def _file() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "migplan" / "trials.json"
