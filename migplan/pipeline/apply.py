"""From a bundle to a target, the proof, and back."""

from contextlib import AbstractContextManager

from migplan.bundle.verified import VerifiedBundle
from migplan.errors import RefusedError
from migplan.postgres.address import Address
from migplan.postgres.scratch import Scratch, scratch
from migplan.postgres.session import Session
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.bundle.steps import steps_of
from migplan.run.engine import events
from migplan.run.engine.events import OnEvent
from migplan.run.engine.status import status_of
from migplan.run.engine.steps import Step, predecessors
from migplan.run.engine.target import LockedTarget, RunResult
from migplan.run.preflight import examine
from migplan.run.preflight.wants import wants_of


def scratch_for(bundle: VerifiedBundle) -> AbstractContextManager[Scratch]:
    """A throwaway server on which this bundle can run, for a block."""
    manifest = bundle.manifest
    made = {role.name for role in manifest.made_roles}  # by a file of the bundle, as on any server
    return scratch(
        manifest.database,
        extensions=[moved.name for moved in manifest.objects if moved.kind == "EXTENSION"],
        roles=wants_of(bundle).roles.keys() - made,
        oldest=manifest.needs_postgresql,
    )


def apply_bundle(
    bundle: VerifiedBundle, address: Address, wanted: ApplyOptions, on_event: OnEvent
) -> RunResult:
    """Run what of a bundle has not been run on a target, if nothing stands in the way."""

    def preflight(target: LockedTarget, resuming: bool) -> None:
        refuse_obstacles(bundle, target.session, resuming, wanted.options.jobs, on_event)

    return apply(bundle, address, wanted, on_event, preflight)


def refuse_obstacles(
    bundle: VerifiedBundle,
    session: Session,
    resuming: bool,
    jobs: int,
    on_event: OnEvent,
) -> None:
    """RefusedError with all that stands in the way; what does not, but should be known, is told."""
    found = examine(bundle, session, resuming=resuming, jobs=jobs)
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


def preview_steps(
    bundle: VerifiedBundle, address: Address
) -> tuple[tuple[Step, ...], set[int], list[frozenset[int]]]:
    """The steps of a bundle, those that a target has already, and what each has to wait for."""
    steps = steps_of(bundle)
    runs = [each for each in status_of(address).runs if each.run.kind == "apply"]
    entries = next((each.entries for each in reversed(runs) if each.run.digest == bundle.digest), ())
    return steps, {entry.step for entry in entries if entry.state == "done"}, predecessors(steps)
