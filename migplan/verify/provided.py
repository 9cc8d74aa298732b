"""What the target is to bring by itself: whether it still does, as the bundle needs it."""

from collections.abc import Sequence
from typing import Any, LiteralString

from migplan.bundle.schema.lacks import lacks
from migplan.postgres.scratch import NAME as SCRATCH
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference


def compared(expectation: Expectation, target: Moment) -> Check:
    """Return a check of what the bundle needs of what the target brings, and of nothing else of that."""
    needed = [each for each in expectation.manifest.provided if not each.only_named]

    def ask(question: LiteralString, values: Sequence[Any]) -> list[Any]:
        return target.session.ask(question, values, during="looking at what the target provides")

    stand_ins = target.session.address.name == SCRATCH
    found = [lack for lack in lacks(needed, ask, stand_ins=stand_ins) if lack.stops]
    wrong = len({str(lack.needed) for lack in found})
    differences = tuple(Difference(str(lack.needed), lack.why) for lack in found)
    return Check("Provided", len(needed) - wrong, len(needed), differences)
