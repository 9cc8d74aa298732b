"""What a strategy looks at, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migplan.catalog.model import ForeignKey, Table
from migplan.config import Layout, Strategy
from migplan.names import QualifiedName
from migplan.plan.breaks import Cut


@dataclass(frozen=True, slots=True)
class Situation:
    """A table, its keys, and what has been settled around it."""

    table: Table
    layout: Layout
    keys: tuple[ForeignKey, ...]  # to other tables
    self_keys: tuple[ForeignKey, ...]
    cuts: tuple[Cut, ...] = ()  # of its keys, those at which a circle is cut open
    wish: Strategy | None = None  # what a person chose

    @property
    def live(self) -> bool:
        """Whether the keys are in force while the rows come in."""
        return self.layout is Layout.WITH_SCHEMA

    def cuts_by(self, how: Strategy) -> tuple[Cut, ...]:
        """The cuts of one kind."""
        return tuple(cut for cut in self.cuts if cut.how is how)

    @property
    def binding_self_keys(self) -> tuple[ForeignKey, ...]:
        """The keys of the table to itself that the server checks."""
        return tuple(key for key in self.self_keys if key.enforced)


@dataclass(frozen=True, slots=True)
class Decision:
    """A strategy, the keys that it is about, and why."""

    strategy: Strategy
    reason: str
    keys: tuple[ForeignKey, ...] = ()


def short(key: ForeignKey) -> str:
    """``created_by -> staff_id`` for a key of one table, with the other table's name where there is one."""
    columns = ", ".join(key.columns)
    referenced = ", ".join(key.referenced_columns)
    return f"{columns} -> {referenced if key.refers_to_itself else key.referenced}"


def listed(names: Iterable[QualifiedName | str], limit: int = 3) -> str:
    """Some names, and how many more there are."""
    every = [str(name) for name in names]
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more


def how_many(count: int, thing: str) -> str:
    """``1 key``, ``3 keys``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def not_shown_cheapest(cuts: Iterable[Cut]) -> str:
    """A remark where the circle is too large to be sure that there is no cheaper cut."""
    return (
        ""
        if all(cut.best for cut in cuts)
        else " (the best that was found; the circle is too large to try every way)"
    )
