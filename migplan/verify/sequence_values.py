"""Sequences: each at least where the source's was, and beyond what its column holds.

One whose value nobody could read stands in no bundle; where its rows are there, it must not give them again.
"""

from dataclasses import dataclass

from psycopg import sql

from migplan.bundle.manifest import SequenceValue
from migplan.catalog.digests import rows_of
from migplan.catalog.model import Sequence
from migplan.errors import PrivilegeError
from migplan.names import QualifiedName
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sequence stands: what it gives next, and what its column has reached."""

    next: int
    reached: int | None = None


def compared(expectation: Expectation, target: Moment, source: Moment | None) -> Check:
    """The sequences whose values the bundle sets, and others that stand behind rows that it brings."""
    there = {str(sequence.name): sequence for sequence in target.catalog.sequences}
    origin = {str(each.name): each for each in source.catalog.sequences} if source is not None else {}
    differences = []
    for value in expectation.manifest.sequences:
        sequence = there.get(value.sequence)
        if sequence is None:
            differences.append(Difference(f"sequence {value.sequence}", "missing"))
            continue
        least = _promised(value, sequence)
        if source is not None and value.sequence in origin:
            now = _place(source, origin[value.sequence])
            if now is not None and (least is None or _behind(sequence, least, now.next)):
                least = now.next
        if wrong := _difference(target, sequence, least):
            differences.append(wrong)
    set_by_it = {value.sequence for value in expectation.manifest.sequences}
    others = [
        wrong
        for name, sequence in there.items()
        if name not in set_by_it and sequence.owned_by in expectation.loaded
        if (wrong := _difference(target, sequence, None)) is not None and wrong.known
    ]
    differences += others
    of = len(expectation.manifest.sequences) + len(others)
    return Check("Sequence values", of - len(differences), of, tuple(differences))


def _promised(value: SequenceValue, sequence: Sequence) -> int | None:
    """Return what it is to give next, or later; None if the source was asked only when the bundle ran."""
    if value.value is None:
        return None
    return value.value + (sequence.increment if value.called else 0)


def _difference(target: Moment, sequence: Sequence, least: int | None) -> Difference | None:
    place = _place(target, sequence)
    what = f"sequence {sequence.name}"
    if place is None:
        return Difference(what, "the role may not read it", known=False)
    if sequence.cycles:
        return None
    beyond = place.reached + (1 if sequence.increment > 0 else -1) if place.reached is not None else None
    if beyond is not None and _behind(sequence, place.next, beyond):
        return Difference(
            what, f"gives {place.next:,} next, and {sequence.owned_column} has reached {place.reached:,}"
        )
    if least is not None and _behind(sequence, place.next, least):
        return Difference(what, f"gives {place.next:,} next, and is to give {least:,} or later")
    return None


def _behind(sequence: Sequence, place: int, other: int) -> bool:
    return place < other if sequence.increment > 0 else place > other


def _place(moment: Moment, sequence: Sequence) -> _Place | None:
    name = sql.Identifier(sequence.name.schema, sequence.name.name)
    question = sql.SQL("SELECT last_value, is_called FROM {}").format(name)
    try:
        with moment.session.transaction(force_rollback=True):
            ((last, called),) = moment.session.ask(question, during=f"reading the sequence {sequence.name}")
            reached = _reached(moment, sequence)
    except PrivilegeError:
        return None
    next_ = last + sequence.increment if called else last
    # What its column holds beyond its own range can never meet a value of it.
    inside = reached is not None and sequence.minimum <= reached < sequence.maximum
    return _Place(next_, reached if inside else None)


def _reached(moment: Moment, sequence: Sequence) -> int | None:
    name: QualifiedName | None = sequence.owned_by
    table = moment.catalog.by_name.get(name) if name is not None else None
    if table is None or not sequence.owned_column or sequence.cycles:
        return None
    question = sql.SQL("SELECT {}({})::numeric FROM {}").format(
        sql.SQL("max" if sequence.increment > 0 else "min"),
        sql.Identifier("t", sequence.owned_column),
        rows_of(table),
    )
    ((reached,),) = moment.session.ask(question, during=f"reading the sequence {sequence.name}")
    return int(reached) if reached is not None and reached == int(reached) else None
