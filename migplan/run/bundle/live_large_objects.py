"""Large objects that come live: which there are in the source, and which have changed between two moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from migplan.bundle.verified import VerifiedBundle
from migplan.catalog.large_objects import batches, digests, read_large_objects
from migplan.errors import RefusedError
from migplan.postgres.session import Session
from migplan.run.engine.steps import Step
from migplan.text.wording import counted, listed

_THING = "large object "
_NUMBERS = "SELECT m.oid::bigint FROM pg_catalog.pg_largeobject_metadata m"
_UNLINK = """
    SELECT count(pg_catalog.lo_unlink(m.oid)) FROM pg_catalog.pg_largeobject_metadata m
    WHERE m.oid = ANY (%s::bigint[]::oid[])
"""


def refuse_others(bundle: VerifiedBundle, session: Session) -> None:
    """RefusedError if the source has other large objects than those that the bundle's steps bring."""
    known = set(bundle.manifest.large_objects)
    if not known:  # there were none, or they stay behind
        return
    now = {number for (number,) in session.ask(_NUMBERS, during="looking for large objects")}
    if now != known:
        new, gone = sorted(now - known), sorted(known - now)
        said = [
            *([f"{counted(len(new), 'new one')} ({listed(map(str, new))})"] if new else []),
            *([f"{len(gone):,} gone ({listed(map(str, gone))})"] if gone else []),
        ]
        raise RefusedError(
            f"the large objects of {session.address} are not those of {bundle.paths.folder}: "
            f"{' and '.join(said)}; nothing was changed",
            do="export the bundle again: migplan export SOURCE --rows live",
        )


def numbers_of(step: Step) -> frozenset[int]:
    """Return the large objects that a step brings, or a part of which."""
    things = (thing for thing, _ in step.footprint.things if thing.startswith(_THING))
    return frozenset(int(thing.removeprefix(_THING)) for thing in things)


def changed(done: Sequence[Step], steps: Sequence[Step], source: Session, target: Session) -> frozenset[int]:
    """Return the large objects of these steps that are not what the source has, or not there as a whole.

    What the role may not read in the target counts as changed: nobody knows better.
    """
    there = frozenset(number for step in done for number in numbers_of(step))
    if not there:
        return there
    ended = {step.number for step in done}
    begun = {number for step in steps if step.number not in ended for number in numbers_of(step)} & there
    whole = sorted(there - begun)
    expected, found = _digests(source, whole), _digests(target, whole)
    return frozenset(begun) | {number for number in whole if found.get(number) != expected.get(number)}


def unlink(session: Session, numbers: Collection[int]) -> None:
    """Take large objects away, those that are there."""
    session.ask(_UNLINK, [sorted(numbers)], during="unlinking large objects that come again")


def _digests(session: Session, numbers: Iterable[int]) -> Mapping[int, tuple[int | None, str]]:
    """Return size and digest of each that is there and may be read."""
    objects = [each for each in read_large_objects(session, list(numbers)) if each.readable]
    found: dict[int, tuple[int | None, str]] = {}
    for batch in batches(objects):
        of_batch = digests(session, batch)
        found |= {each.oid: (each.size, of_batch.get(each.oid, "")) for each in batch}
    return found
