"""The questions of the preflight, in the order in which people read the answers."""

from collections.abc import Iterator

from migplan.bundle.manifest import Manifest
from migplan.bundle.schema.parts import Presence
from migplan.bundle.verified import VerifiedBundle
from migplan.config import Platform
from migplan.postgres.session import Session
from migplan.run.preflight.existing import for_rows, in_the_way, needed
from migplan.run.preflight.extensions import extensions
from migplan.run.preflight.large_objects import large_objects
from migplan.run.preflight.obstacle import Obstacle
from migplan.run.preflight.privileges import privileges
from migplan.run.preflight.provided import provided, referred_rows
from migplan.run.preflight.server import build, not_the_source, places, server, space
from migplan.run.preflight.target import Target, looking_at
from migplan.run.preflight.texts import encodings, xml
from migplan.run.preflight.trials import trials
from migplan.run.preflight.wants import Wants, wants_of


def examine(
    bundle: VerifiedBundle,
    session: Session,
    *,
    resuming: bool = False,
    jobs: int = 1,
    presence: Presence | None = None,
    platform: Platform | None = None,
) -> tuple[Obstacle, ...]:
    """Return everything that stands in the way, what stops a run first; nothing is changed.

    ``resuming`` says that a run of this bundle has begun there, so that its own objects are no surprise;
    ``presence`` what of the bundle is there already, where it was compared;
    ``platform`` is the managed host where the target is, as people say.
    """
    wants = wants_of(bundle, presence.same if presence else ())
    tried = list(trials(session, wants))
    with looking_at(session, platform) as target:
        found = list(_obstacles(target, bundle.manifest, wants, resuming, jobs, presence))
        found += xml(target, bundle, wants)
        found += encodings(target, bundle)
        if not resuming:
            found += referred_rows(target, bundle)
        found += [*tried, *target.unread]
    return tuple(dict.fromkeys(sorted(found, key=lambda obstacle: obstacle.level)))


def _obstacles(
    target: Target,
    manifest: Manifest,
    wants: Wants,
    resuming: bool,
    jobs: int,
    presence: Presence | None,
) -> Iterator[Obstacle]:
    yield from not_the_source(target, manifest)
    yield from server(target, manifest, jobs)
    yield from extensions(target, manifest)
    yield from provided(target, manifest)
    yield from privileges(target, manifest, wants)
    yield from places(target, manifest, wants)
    yield from build(target, manifest, wants)
    if manifest.contents == "data":
        yield from for_rows(target, manifest, wants, resuming=resuming)
    else:
        if not resuming:
            yield from in_the_way(target, manifest, presence)
        yield from needed(target, wants)
    if not resuming:
        yield from large_objects(target, manifest)
    yield from space(target, manifest)
