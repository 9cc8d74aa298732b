"""What a target lacks of what it is to provide: the same before a run and when it is verified."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from migplan.bundle.manifest import ProvidedObject
from migplan.catalog.interfaces import Ask, Interface, interfaces
from migplan.names import quoted_list
from migplan.postgres.archive import Named
from migplan.text.wording import listed


@dataclass(frozen=True, slots=True)
class ProvidedLack:
    """A thing that the target does not have as the bundle needs it, and who needs it."""

    needed: ProvidedObject
    why: str
    stops: bool = True  # False: nothing fails before a function is called, or it is only another version

    def __str__(self) -> str:
        """Return it as people are told."""
        return f"{self.needed} {self.why}; needed by {listed(self.needed.needed_by)}"


def lacks(needed: Iterable[ProvidedObject], ask: Ask, *, stand_ins: bool = False) -> Iterator[ProvidedLack]:
    """Yield what a target lacks; ``ask`` asks it.

    ``stand_ins``: it is a throwaway server, where nothing stands for an extension.
    """
    every = [each for each in needed if not (stand_ins and each.kind == "EXTENSION")]
    there: Mapping[Named, Interface] = interfaces(ask, [each.named for each in every]) if every else {}
    for each in every:
        found = there.get(each.named)
        if found is None:
            yield ProvidedLack(each, "is not there", stops=not each.only_named)
            continue
        for why in _differences(each, found):
            yield ProvidedLack(each, why)
        if each.version and found.version != each.version:
            yield ProvidedLack(
                each, f"is {found.version} there, and {each.version} in the source", stops=False
            )


def _differences(needed: ProvidedObject, found: Interface) -> Iterator[str]:
    missing = [name for name in needed.columns if name not in found.columns]
    if missing:
        yield f"has no column {quoted_list(missing)}"
    for name, type_ in needed.columns.items():
        if name in found.columns and found.columns[name] != type_:
            yield f"has a column {quoted_list([name])} of type {found.columns[name]}, and not {type_}"
    for columns in needed.unique:
        if columns not in found.unique and not set(columns) & set(missing):
            yield f"has no key over {quoted_list(columns)} to which a foreign key could refer"
    if found.result != needed.result:
        yield f"gives {found.result or 'nothing'}, and not {needed.result or 'nothing'}"
    labels = [label for label in needed.labels if label not in found.labels]
    if labels:
        yield f"has no label {', '.join(map(repr, labels))}"
