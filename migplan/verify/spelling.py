"""Definitions as the target would print them, so that only those that differ in meaning are different.

Texts that are equal are the same. Of others, the grammar of SQL tells some (``definitions``); for the rest
the bundle's definitions are built on a scratch server, and what that prints is what the target must print
(``rebuilt``). What cannot be told by either stays a difference, with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from migplan.catalog.model import Catalog, Grant
from migplan.sql.definitions import same, unquoted
from migplan.verify.rebuilt import Rebuilt

Thing = TypeVar("Thing")
Key = tuple[str, str, str]
"""A thing by its class, its owner's name and its own."""


def identity(thing: Any) -> str:
    """What tells a thing from others of its kind: its name, and a function's arguments."""
    arguments = getattr(thing, "arguments", None)
    if arguments is not None:
        return f"{thing.name}({unquoted(arguments)})"
    return unquoted(thing.name) if isinstance(thing, Grant) else str(thing.name)


def key_of(thing: Any, owner: str = "") -> Key:
    """The key of a thing; its owner is the table or view that it is a part of."""
    return type(thing).__name__, owner, identity(thing)


@dataclass
class Spelling:
    """One spelling for the expected and the found; ``exported`` is what the bundle was made from."""

    exported: Catalog
    rebuild: Callable[[], Rebuilt]
    undecided: dict[Key, str] = field(default_factory=dict)

    def of(self, expected: Catalog, found: Catalog) -> Catalog:
        """The expected catalog, with each text that means the same spelt as it was found.

        A server is asked only where that leaves a difference.
        """
        by_grammar = _ByGrammar()
        catalog = by_grammar.spelt(expected, found)
        if not by_grammar.open:
            return catalog
        rebuilt = self.rebuild()
        by_server = _ByServer(rebuilt, self.undecided)
        return by_server.spelt(catalog, found, (self.exported, rebuilt.catalog))


class _ByGrammar:
    def __init__(self) -> None:
        self.open = False

    def spelt(
        self, expected: Thing, found: Thing, beside: tuple[Any, Any] = (None, None), owner: str = ""
    ) -> Thing:
        """The expected thing under the found one's spelling; ``beside`` are its likes of other catalogs."""
        thing: Any = expected
        changes: dict[str, Any] = {}
        for each in fields(thing):
            then, now = getattr(thing, each.name), getattr(found, each.name)
            if then == now or each.metadata.get("observed"):
                continue
            others = tuple(getattr(like, each.name, None) for like in beside)
            if syntax := each.metadata.get("printed"):
                changes[each.name] = self._text(syntax, then, now, others, key_of(thing, owner))
            elif isinstance(then, tuple) and any(map(is_dataclass, then)):
                within = str(thing.name) if hasattr(thing, "name") else ""
                changes[each.name] = self._things(then, now, others, within)
        return replace(thing, **changes) if changes else expected

    def _things(
        self, then: tuple[Any, ...], now: Any, others: tuple[Any, ...], owner: str
    ) -> tuple[Any, ...]:
        there = {identity(thing): thing for thing in now}
        likes = [{identity(thing): thing for thing in other or ()} for other in others]
        spelt = []
        for thing in then:
            name = identity(thing)
            other = there.get(name)
            if other is None or other == thing:
                spelt.append(thing)
                continue
            spelt.append(self.spelt(thing, other, (likes[0].get(name), likes[1].get(name)), owner))
        return tuple(spelt)

    def _text(self, syntax: str, then: Any, now: Any, _others: tuple[Any, ...], _key: Key) -> Any:
        if then is None or now is None:
            return then
        if same(syntax, then, now):
            return now
        self.open = self.open or syntax != "name"
        return then


class _ByServer(_ByGrammar):
    def __init__(self, rebuilt: Rebuilt, undecided: dict[Key, str]) -> None:
        super().__init__()
        self._rebuilt = rebuilt
        self._undecided = undecided

    def _text(self, syntax: str, then: Any, now: Any, others: tuple[Any, ...], key: Key) -> Any:
        exported, built = others
        if then is None or now is None or then != exported or syntax == "name":
            return then  # it is there or not; or the source has another by now than the bundle
        if built is None:
            self._undecided[key] = self._rebuilt.why or "the scratch server has no such thing"
            return then
        return now if same(syntax, built, now) else built
