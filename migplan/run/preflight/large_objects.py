"""Large objects of the target whose numbers the bundle needs for its own."""

from collections.abc import Iterator

from migplan.bundle.manifest import Manifest
from migplan.run.preflight.obstacle import Obstacle, stop
from migplan.run.preflight.target import Target
from migplan.text.wording import counted, listed

_THERE = """
SELECT m.oid::bigint FROM pg_catalog.pg_largeobject_metadata m
WHERE m.oid = ANY (%s::bigint[]::oid[]) ORDER BY 1
"""


def large_objects(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """Yield an obstacle if large objects are there with numbers that rows of the bundle refer to."""
    wanted = manifest.large_objects
    if not wanted:
        return
    found = [str(number) for (number,) in target.ask("large objects", _THERE, [list(wanted)])]
    if found:
        yield stop(
            "large objects",
            f"{counted(len(found), 'large object')} of {len(wanted):,} have their numbers there already: "
            + listed(found, 10),
            "use a database without them; or export --without-large-objects, if these are the same",
        )
