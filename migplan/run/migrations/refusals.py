"""What of a folder is not applied: what surely fails, and what may where a failure would leave a half."""

from collections.abc import Callable, Collection, Iterator, Sequence

from migplan.errors import RefusedError
from migplan.level import Level
from migplan.migrations.analysis import Analysis
from migplan.migrations.levels import CONTRADICTION, DOUBT, TWICE, level_of
from migplan.migrations.model import Thing, Use
from migplan.migrations.order import Doubt, Duplicate, Reason

There = Callable[[], Collection[Thing]]
"""What the target has, asked only when it matters."""

_SHOWN = 10
_FOLLOWING = 5


class ContradictedError(RefusedError):
    """By what the files say, a statement fails: a server that runs them all knows better."""


def refuse_what_fails(analysis: Analysis, left: Collection[str], *, reorder: bool, there: There) -> None:
    """Raise ContradictedError if a statement of the migrations that are left surely fails.

    What a later file makes with IF NOT EXISTS or OR REPLACE may be in the target already.
    """
    order = analysis.order
    if order.trust_names:
        return
    if level_of(CONTRADICTION, analysis.levels) is Level.ERROR:
        found = [each for each in order.contradictions if _concerns(each, left, there)]
        within = [each for each in found if each.migration == each.by]
        if within:
            raise ContradictedError(
                "statements of these files use what is not there, in any order of the files; nothing was "
                "changed:\n  " + "\n  ".join(map(said, within[:_SHOWN])),
                do=_way_out("fix the files", CONTRADICTION),
            )
        if found and order.cycles:
            rings = [" -> ".join((*cycle.migrations, cycle.migrations[0])) for cycle in order.cycles]
            lines = [said(reason) for cycle in order.cycles for reason in cycle.reasons]
            raise ContradictedError(
                "these migrations need each other, and no order works; nothing was changed:\n  "
                + "\n  ".join([*rings, *lines[:_SHOWN]]),
                do=_way_out("move what one of them needs into a file of its own", CONTRADICTION),
            )
        if found and reorder and order.ambiguity:
            raise ContradictedError(
                _ambiguous(order.ambiguity), do=_way_out("rename the files", CONTRADICTION)
            )
        if found and not reorder:
            raise ContradictedError(
                "the order of the names contradicts what the files need; nothing was changed:\n  "
                + "\n  ".join(map(said, found[:_SHOWN])),
                do=_way_out("rename them, or take the order that works with --reorder", CONTRADICTION),
            )
    if level_of(TWICE, analysis.levels) is Level.ERROR:
        twice = [each for each in order.duplicates if each.is_wrong and each.second[0] in left]
        if twice and reorder and order.ambiguity:
            raise ContradictedError(_ambiguous(order.ambiguity), do=_way_out("rename the files", TWICE))
        if twice and not (reorder and order.works):
            do = "take the order that works with --reorder, or " if order.works else ""
            raise ContradictedError(
                "these files make what is there already; nothing was changed:\n  "
                + "\n  ".join(map(_said_twice, twice[:_SHOWN])),
                do=_way_out(f"{do}drop the first before it, or say IF NOT EXISTS", TWICE),
            )


def _ambiguous(orders: Sequence[Sequence[str]]) -> str:
    """Return the sentence about orders that all work, and lead to different schemas."""
    first = next(at for at, names in enumerate(zip(*orders, strict=True)) if len(set(names)) > 1)
    lines = [
        f"{', '.join(('...', *names[first : first + _FOLLOWING]) if first else names[:_FOLLOWING])}"
        f"{', ...' if len(names) > first + _FOLLOWING else ''}"
        for names in orders
    ]
    return (
        "several orders of these files work, and they lead to different schemas; nothing was changed:\n  "
        + "\n  ".join(lines)
    )


def refuse_doubts(analysis: Analysis, names: Sequence[str], tried: Collection[str], *, there: There) -> None:
    """Raise RefusedError if statements may fail, and a failure would not leave everything as it was.

    ``tried`` are the migrations that ran on a scratch server, from where the target is.
    """
    level = level_of(DOUBT, analysis.levels)
    if level is not Level.ERROR and DOUBT in analysis.levels:
        return
    stopped = [
        name
        for name in names
        if name not in tried and (level is Level.ERROR or not analysis.by_name[name].leaves_nothing)
    ]
    found = list(_doubts(analysis, stopped, there)) if stopped else []
    if found:
        raise RefusedError(
            "these statements may fail, and their files are not one transaction: a half would stay; nothing "
            "was changed:\n  " + "\n  ".join(found[:_SHOWN]),
            do="have them tried first: without --no-try, where a server can be had, or with --scratch URL; "
            "or say what is there with a line -- migplan: provides KIND NAME in the file that makes it; or "
            f"{DOUBT}: note under lint in migplan.yaml",
        )


def said(reason: Reason) -> str:
    """Return the sentence about a statement that fails: where it stands, what it uses, and who makes that."""
    need, made = reason.need, reason.made
    if reason.is_about_dropping:
        verb = "renames" if need.how == "renames" else "drops"
        return f"{_place(reason.by, made)} uses {need.thing}, which {_where(reason.migration, need)} {verb}"
    verb = "names so" if made.how == "renames" else "drops" if made.how == "drops" else "makes"
    thing = made.to if made.how == "renames" and made.to else made.thing
    return f"{_place(reason.migration, need)} needs {thing}, which {_where(reason.by, made)} {verb}"


def _said_twice(found: Duplicate) -> str:
    (first, made), (second, again) = found.first, found.second
    return f"{_place(second, again)} makes {found.thing}, which {_where(first, made)} makes"


def _place(name: str, use: Use) -> str:
    return f"{name}, line {use.line}: {use.statement}:"


def _where(name: str, use: Use) -> str:
    return f"{name}, line {use.line},"


def _way_out(do: str, code: str) -> str:
    return f"{do}; or --trust-names, or {code}: warning under lint in migplan.yaml, if you know better"


def _concerns(reason: Reason, left: Collection[str], there: There) -> bool:
    """Whether a statement that is still to run fails: what was applied did not."""
    if reason.is_about_dropping:
        return reason.by in left
    if reason.migration not in left or reason.by not in left:
        return False
    return not (reason.made.tolerant and reason.made.thing in there())


def _doubts(analysis: Analysis, names: Collection[str], there: There) -> Iterator[str]:
    for doubt in analysis.order.doubts:
        if doubt.migration in names and not doubt.is_body:
            yield _doubtful(doubt)
    for each in analysis.order.missing:
        perhaps = each.migration in names and not each.is_sure and each.need.inside is None
        if perhaps and each.thing not in there():
            yield f"{_place(each.migration, each.need)} may need {each.thing}, which the target lacks"


def _doubtful(doubt: Doubt) -> str:
    where = _place(doubt.migration, doubt.need)
    if doubt.made is None:
        return f"{where} may need {doubt.need.thing}"
    verb = "drops" if doubt.made.how == "drops" else "makes"
    thing = (doubt.through or doubt.need).thing
    return f"{where} may need {thing}, which {_where(doubt.by, doubt.made)} {verb}"
