"""Losses that are no obstacle to a rollback: of what goes as a whole in the same one; pure.

An enum keeps the values that it has got, and rows that were changed stay as they are. Where an earlier
file made the enum or the table, and is rolled back as well, nothing of that is left in the end. The journal's
records of all files from the one to the other have to prove that; where they do not, there is no way back.
All of these go in one transaction: a file that is undone, while what it lost is still there, could not be
applied again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from migplan.catalog.state import Item, Key
from migplan.run.migrations.down_migrations import DownMigration
from migplan.run.migrations.way_back import Loss

There = Callable[[], Mapping[Key, Item]]
"""What the target has now, asked only when it matters."""

_NAME = r'(?:"[^"]*"|[^\s"])+'
_WHATEVER_ROWS = re.compile(
    rf"(?:DROP|COMMENT|GRANT|REVOKE) |ALTER TABLE (?:ONLY )?{_NAME} (?:DROP|ALTER COLUMN {_NAME} DROP) "
)
"""Statements that work whatever stands in the tables: no other comes between changed rows and their end."""


def passing_over(found: Mapping[str, DownMigration | None], there: There) -> dict[str, DownMigration | None]:
    """Return the ways, in the order of the rollback, without losses of what goes with a later one."""
    ways = list(found.values())
    if not any(way and way.losses for way in ways):
        return dict(found)
    now = there()
    return {name: _passed_over(way, ways[at:], now) for at, (name, way) in enumerate(found.items())}


def _passed_over(
    way: DownMigration | None, ways: Sequence[DownMigration | None], there: Mapping[Key, Item]
) -> DownMigration | None:
    """Return a way, the first of these, without its losses, if all of them go with one of the others."""
    if way is None or not way.losses or {*way.cannot} != {loss.why for loss in way.losses}:
        return way
    said, makers = [], []
    for loss in way.losses:
        whole = there.get(loss.keys[0])
        maker = _maker(loss, ways) if whole is not None and whole.kind == loss.kind else None
        if maker is None:
            return way
        makers.append(maker.name)
        said.append(f"{loss.what}: goes with the {loss.kind}, which {maker.name} made")
    return replace(way, cannot=(), passed_over=tuple(said), goes_with=frozenset(makers))


def in_transactions(ways: Sequence[DownMigration]) -> Iterator[Sequence[DownMigration]]:
    """Yield the ways, those together that have to go in one transaction."""
    places = {way.name: at for at, way in enumerate(ways)}
    group: list[DownMigration] = []
    last = 0
    for at, way in enumerate(ways):
        group.append(way)
        last = max(last, at, *(places[name] for name in way.goes_with))
        if at == last:
            yield tuple(group)
            group.clear()


def _maker(loss: Loss, ways: Sequence[DownMigration | None]) -> DownMigration | None:
    """Return the one that takes the object away, if none on the way to it can stumble over the loss."""
    for at, way in enumerate(ways):
        if way is None or way.down is not None or way.derived is None or way.begun is not None:
            return None
        if loss.kind == "table" and not all(map(_WHATEVER_ROWS.match, way.derived)):
            return None
        if loss.keys[0] in way.made:
            return way if _takes_all(loss, way) else None
        if at and len(loss.keys) > 1 and any(name in way.left for name in loss.names):
            return None  # what it takes back concerns parts that are not there
    return None


def _takes_all(loss: Loss, way: DownMigration) -> bool:
    """Whether it made the lost parts, too, and takes none of them one by one."""
    whole = len(loss.keys) == 1 or all(each.startswith("DROP ") for each in way.derived or ())
    return whole and {*loss.keys} <= {*way.made}
