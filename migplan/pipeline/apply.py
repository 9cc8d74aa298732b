"""From a bundle to a target, the proof, and back."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace

from migplan.bundle.schema.parts import Presence
from migplan.bundle.verified import VerifiedBundle
from migplan.catalog.changes import State
from migplan.config import Platform
from migplan.errors import FileError, RefusedError
from migplan.postgres.address import Address
from migplan.postgres.read_again import retry_if_disturbed
from migplan.postgres.scratch import Scratch, scratch
from migplan.postgres.session import Session
from migplan.run.bundle import receipt
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.bundle.keeping import Keeping, keeping
from migplan.run.bundle.live import LiveSource, live_source
from migplan.run.bundle.no_rows import NoRows
from migplan.run.bundle.stand_ins import load_stand_ins
from migplan.run.bundle.steps import steps_of
from migplan.run.engine import events
from migplan.run.engine.events import OnEvent
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.status import status_of
from migplan.run.engine.steps import Step, predecessors
from migplan.run.engine.target import LockedTarget, RunResult
from migplan.run.preflight import examine
from migplan.run.preflight.existing import some_there
from migplan.run.preflight.wants import wants_of
from migplan.text.wording import counted
from migplan.verify.expectation import load
from migplan.verify.presence import presence


@contextmanager
def scratch_for(bundle: VerifiedBundle, superuser: str = "postgres") -> Iterator[Scratch]:
    """A throwaway server on which this bundle can run, as that superuser, for a block.

    What its targets provide by themselves has stand-ins there.
    """
    manifest = bundle.manifest
    made = {role.name for role in manifest.made_roles}  # by a file of the bundle, as on any server
    extensions = [moved.name for moved in manifest.objects if moved.kind == "EXTENSION"]
    wants = wants_of(bundle)
    with scratch(
        manifest.database,
        extensions=extensions,
        libraries=wants.libraries,
        roles=wants.roles.keys() - made,
        oldest=manifest.needs_postgresql,
        superuser=superuser,
    ) as server:
        yield replace(server, notes=load_stand_ins(bundle, server.address))


@dataclass(frozen=True, slots=True)
class LiveRowsFrom:
    """Where the rows of a live bundle come from."""

    source: Address
    proves: bool = True  # that they have come as they were sent
    max_rate: int = 0  # bytes a second; 0: as many as go
    readers: int = 0  # sessions of the source that read at once; 0: as many as there are jobs
    state: State = frozenset()  # of the source's catalog when the bundle was made of it; empty: not known


def apply_bundle(
    bundle: VerifiedBundle,
    address: Address,
    wanted: ApplyOptions,
    on_event: OnEvent,
    live: LiveRowsFrom | NoRows | None = None,
) -> RunResult:
    """Run what of a bundle has not been run on a target, if nothing stands in the way."""

    def preflight(target: LockedTarget, resuming: bool) -> Keeping:
        found = refuse_obstacles(
            bundle, target.session, resuming, wanted.options.jobs, on_event, wanted.platform
        )
        try:
            receipt.leave_note(bundle.name, bundle.digest, bundle.paths.folder, target.session)
        except FileError as error:
            on_event(
                events.Warned(f"{error}: so the next export there will not know that this bundle was applied")
            )
        return found

    with ExitStack() as stack:
        if isinstance(live, LiveRowsFrom):
            source: LiveSource | NoRows | None = stack.enter_context(_taken(bundle, live, on_event))
        else:
            source = live
        return apply(bundle, address, wanted, on_event, preflight, source)


def _opened(bundle: VerifiedBundle, live: LiveRowsFrom) -> AbstractContextManager[LiveSource]:
    return live_source(
        bundle,
        live.source,
        proves=live.proves,
        state=live.state,
        max_rate=live.max_rate,
        readers=live.readers,
    )


@contextmanager
def _taken(bundle: VerifiedBundle, live: LiveRowsFrom, on_event: OnEvent) -> Iterator[LiveSource]:
    """Take a moment of the source, again where others lock or change what is read just then."""
    if not bundle.manifest.is_live:
        raise RefusedError(
            f"the rows of {bundle.paths.folder} are in its files, and come from no source",
            do="apply it without --source; or write one without rows: migplan export SOURCE --rows live",
        )
    with ExitStack() as stack:
        source = retry_if_disturbed(
            lambda _: stack.enter_context(_opened(bundle, live)),
            lambda what, *_: on_event(events.Warned(what)),
        )
        if why := source.snapshot.by_libpq:
            on_event(
                events.Warned(f"libpq reads the rows of {live.source}, one by one and more slowly: {why}")
            )
        yield source


def refuse_obstacles(
    bundle: VerifiedBundle,
    session: Session,
    resuming: bool,
    jobs: int,
    on_event: OnEvent,
    platform: Platform | None = None,
) -> Keeping:
    """Return what is there already and stays; what does not stop a run, but should be known, is told.

    RefusedError with all that stands in the way.
    """
    presence = None if resuming else presence_of(bundle, session)
    found = examine(bundle, session, resuming=resuming, jobs=jobs, presence=presence, platform=platform)
    for obstacle in found:
        if obstacle.level == "warn":
            do = f"; {obstacle.do}" if obstacle.do else ""
            on_event(events.Warned(f"{obstacle.subject}: {obstacle.what}{do}"))
    stops = [obstacle for obstacle in found if obstacle.level == "stop"]
    if stops:
        lines = "".join(f"\n  {each.subject}: {each.what}\n    -> {each.do}" for each in stops)
        raise RefusedError(
            f"{bundle.name} cannot be applied to {session.address}; nothing was changed:{lines}"
        )
    kept = keeping(bundle, presence) if presence else Keeping()
    for note in kept.notes:
        on_event(events.Warned(note))
    return kept


def presence_of(bundle: VerifiedBundle, session: Session) -> Presence | None:
    """What of the bundle's objects a target has already; None if it has nothing, or it cannot be compared."""
    if bundle.manifest.contents == "data" or not some_there(session, bundle.manifest):
        return None
    if all(each.file != bundle.paths.catalog.name for each in bundle.manifest.companions):
        return None  # an earlier migplan wrote it
    return presence(load(bundle.paths.folder), session.address)


def preview_steps(
    bundle: VerifiedBundle, address: Address
) -> tuple[tuple[Step, ...], set[int], list[frozenset[int]], list[str]]:
    """The steps of a bundle, those that a target has already, and what each has to wait for.

    Last come lines about the objects that are there already: what is kept, and how many would be refused.
    """
    runs = [each for each in status_of(address).runs if each.run.kind == "apply"]
    earlier = next((each for each in reversed(runs) if each.run.digest == bundle.digest), None)
    if earlier is not None and earlier.run.state not in {"undone", "abandoned"}:
        kept, notes = Keeping.of(earlier.run.before), []
    else:
        with journal_reader(address) as reader:
            there = presence_of(bundle, reader.session)
        kept = keeping(bundle, there) if there else Keeping()
        others = len(there.differing) if there else 0
        notes = [f"{counted(others, 'part')} differ in the target, and would be refused"] if others else []
    steps = steps_of(bundle, kept=kept.parts)
    entries = earlier.entries if earlier else ()
    done = {entry.step for entry in entries if entry.state == "done"}
    return steps, done, predecessors(steps), [*kept.notes, *notes]
