"""Things that are made twice, and not dropped between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migplan.migrations.model import Thing, ThingKind, Use

Key = tuple[Thing, str]  # with the types of arguments: functions of one name may be several


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A thing that is made twice, and not dropped between."""

    thing: Thing
    first: tuple[str, Use]
    second: tuple[str, Use]

    @property
    def is_harmless(self) -> bool:
        """The second says IF NOT EXISTS or OR REPLACE."""
        return self.second[1].tolerant


def duplicates(files: Sequence[tuple[str, Sequence[Use]]]) -> Iterator[Duplicate]:
    """Those of files in the order in which they run."""
    there = _There()
    for name, uses in files:
        for use in uses:
            if use.how == "drops":
                for thing in (use.thing, *use.also):
                    there.remove(thing, _signature(use))
            elif use.how == "creates" and not _is_nobodys(use.thing):
                first = there.add(name, use)
                if first is not None:
                    yield Duplicate(use.thing, first, (name, use))


def _is_nobodys(thing: Thing) -> bool:
    """Columns that nobody names, and names that only a function knows."""
    return thing.name.endswith(".*") or thing.kind is ThingKind.OTHER


def _signature(use: Use) -> str:
    return use.signature.replace("public.", "")


class _There:
    """What is there at a moment, and what goes with what."""

    def __init__(self) -> None:
        self._made: dict[Key, tuple[str, Use]] = {}
        self._keys: dict[Thing, set[Key]] = defaultdict(set)
        self._parts: dict[Thing, set[Thing]] = defaultdict(set)

    def add(self, name: str, use: Use) -> tuple[str, Use] | None:
        """Note a thing; the place where it was made already, if that is worth a word."""
        key = (use.thing, _signature(use))
        first = self._made.setdefault(key, (name, use))
        self._keys[use.thing].add(key)
        home = use.of or use.thing.schema
        if home is not None:
            self._parts[home].add(use.thing)
        # The columns of a table that says IF NOT EXISTS are its own affair.
        quiet = use.tolerant and use.of is not None and (use.of, "") in self._made
        return None if first[1] is use or quiet else first

    def remove(self, thing: Thing, signature: str) -> None:
        """Note that a thing is gone, with all that belongs to it."""
        for key in list(self._keys[thing]):
            if not signature or key[1] == signature:
                self._keys[thing].discard(key)
                self._made.pop(key, None)
        for part in self._parts.pop(thing, ()):
            self.remove(part, "")
