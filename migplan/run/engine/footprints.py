"""What a step touches, and how: steps whose footprints do not conflict run side by side."""

from collections.abc import Iterable
from dataclasses import dataclass

LOADS = "loads"
REFERS = "refers"
INDEXES = "indexes"
CHECKS = "checks"
PARTS = "parts"  # something is done to a part of it
EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Things by name, and what is done to each. Many can do the same to a table, unless that is EXCLUSIVE."""

    things: tuple[tuple[str, str], ...] = ()
    everything: bool = False


EVERYTHING = Footprint(everything=True)


def joined(footprints: Iterable[Footprint]) -> Footprint:
    """The footprint of a step that does several things one after the other."""
    things: dict[str, str] = {}
    for footprint in footprints:
        if footprint.everything:
            return EVERYTHING
        for thing, how in footprint.things:
            things[thing] = how if things.get(thing, how) == how else EXCLUSIVE
    return Footprint(tuple(things.items()))
