"""Things that are made twice, and not dropped between."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migplan.migrations.model import Thing, ThingKind, Use


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A thing that is created twice, and not dropped between."""

    thing: Thing
    first: tuple[str, Use]
    second: tuple[str, Use]

    @property
    def is_harmless(self) -> bool:
        """Whether the second says IF NOT EXISTS or OR REPLACE."""
        return self.second[1].tolerant


def duplicates(files: Sequence[tuple[str, Sequence[Use]]]) -> Iterator[Duplicate]:
    """Yield the duplicates of files that are given in the order in which they run."""
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
    """The things that exist at a place in the order, and what each is dropped with."""

    def __init__(self) -> None:
        self._made: dict[tuple[Thing, str], tuple[str, Use]] = {}  # functions of one name by their arguments
        self._signatures: dict[Thing, set[str]] = defaultdict(set)
        self._parts: dict[Thing, set[Thing]] = defaultdict(set)

    def add(self, name: str, use: Use) -> tuple[str, Use] | None:
        """Note a thing; the place where it was made already, if that is worth a word."""
        key = (use.thing, _signature(use))
        first = self._made.setdefault(key, (name, use))
        self._signatures[use.thing].add(key[1])
        home = use.of or use.thing.schema
        if home is not None:
            self._parts[home].add(use.thing)
        # The columns of a table that says IF NOT EXISTS are its own affair.
        quiet = use.tolerant and use.of is not None and (use.of, "") in self._made
        return None if first[1] is use or quiet else first

    def remove(self, thing: Thing, signature: str) -> None:
        """Note that a thing is gone, with all that belongs to it."""
        for each in [each for each in self._signatures[thing] if not signature or each == signature]:
            self._signatures[thing].discard(each)
            self._made.pop((thing, each), None)
        for part in self._parts.pop(thing, ()):
            self.remove(part, "")
