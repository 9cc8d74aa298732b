"""What a strategy looks at, and what it answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migplan.catalog.model import ForeignKey, Table
from migplan.config import Layout, Strategy
from migplan.plan.cuts import Cut
from migplan.text.wording import listed


@dataclass(frozen=True, slots=True)
class Situation:
    """A table, its keys, and what has been settled around it."""

    table: Table
    layout: Layout
    keys: tuple[ForeignKey, ...]  # to other tables
    self_keys: tuple[ForeignKey, ...]
    nullable: frozenset[ForeignKey] = frozenset()  # those of its keys that can be loaded as NULL first
    cuts: tuple[Cut, ...] = ()  # of its keys, those at which a circle is cut open
    wish: Strategy | None = None  # what a person chose

    @property
    def live(self) -> bool:
        """Whether the keys are in force while the rows come in."""
        return self.layout is Layout.WITH_SCHEMA

    @property
    def every_key(self) -> tuple[ForeignKey, ...]:
        """All foreign keys of the table."""
        return (*self.keys, *self.self_keys)

    def cuts_by(self, how: Strategy) -> tuple[Cut, ...]:
        """Return the cuts of one kind."""
        return tuple(cut for cut in self.cuts if cut.how is how)

    @property
    def binding_self_keys(self) -> tuple[ForeignKey, ...]:
        """The keys of the table to itself that the server checks."""
        return tuple(key for key in self.self_keys if key.enforced)

    def beside(self, keys: Sequence[ForeignKey]) -> str:
        """Return what else has to be done, in words, for a table whose strategy is about these keys."""
        other = [cut for cut in self.cuts if cut.key not in keys] if self.live else []
        own = [key for key in self.binding_self_keys if key not in keys] if self.live else []
        said = [f"; {short(cut.key)} {_BESIDE[cut.how]}" for cut in other]
        if own:
            said.append(f"; parents before children by {listed(map(short, own))}")
        return "".join(said)


_BESIDE = {
    Strategy.DEFERRED: "is DEFERRABLE and is checked at the end of the transaction",
    Strategy.NULL_THEN_UPDATE: "may be NULL and is set in a second pass",
    Strategy.CONSTRAINT_LATER: "is created after the rows",
    Strategy.SCHEMA_ONLY: "is kept by no row",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A strategy, the keys that it is about, and why."""

    strategy: Strategy
    reason: str
    keys: tuple[ForeignKey, ...] = ()


def short(key: ForeignKey) -> str:
    """Return ``created_by -> staff_id`` for a key of a table to itself, else with the other table's name."""
    columns = ", ".join(key.columns)
    referenced = ", ".join(key.referenced_columns)
    return f"{columns} -> {referenced if key.refers_to_itself else key.referenced}"


def closing(keys: Sequence[ForeignKey]) -> str:
    """``next_id -> public.b closes a circle``, the beginning of a reason."""
    return f"{listed(map(short, keys))} {'closes a circle' if len(keys) == 1 else 'close circles'}"


def is_or_are(keys: Sequence[ForeignKey]) -> str:
    """Return the verb for one key or several."""
    return "is" if len(keys) == 1 else "are"


def not_shown_cheapest(cuts: Iterable[Cut]) -> str:
    """Return a remark if the circle is too large to be sure that there is no cheaper cut."""
    return (
        ""
        if all(cut.best for cut in cuts)
        else " (the best that was found; the circle is too large to try every way)"
    )
