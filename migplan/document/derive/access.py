"""How the server would answer a question: which index finds the rows, or that none does."""

from dataclasses import dataclass

from migplan.advise.rules import key_without_index
from migplan.catalog.model import ForeignKey, Index, Table
from migplan.document.derive.columns import is_tenant
from migplan.document.derive.facts import Facts
from migplan.document.derive.wording import columns_of
from migplan.names import quoted
from migplan.text.wording import joined


@dataclass(frozen=True, slots=True)
class Question:
    """What a query asks of a table: columns that are given, then one by which rows are bounded or sorted."""

    given: tuple[str, ...] = ()
    then: str | None = None
    where: str | None = None  # a condition that it has, word for word as a partial index has it


@dataclass(frozen=True, slots=True)
class _Fit:
    index: Index
    leading: int  # how many of the given columns it begins with
    goes_on: bool  # with the column that comes then


def performance(table: Table, question: Question, facts: Facts, key: ForeignKey | None = None) -> str:
    """Return which index finds the rows, or what it costs that none does; ``key`` is the key followed."""
    fit = best(table, question)
    given, then = question.given, question.then
    if fit is None:
        return _without(table, question, facts, key)
    index = quoted(fit.index.name)
    if fit.index.unique and fit.leading == len(fit.index.columns):
        return f"Index {index} finds the row: there is one at most."
    if fit.leading == len(given):
        return f"Index {index} finds the rows{_then(fit, then)}."
    if fit.leading:
        by = joined([quoted(each) for each in fit.index.columns[: fit.leading]])
        rest = joined([quoted(each) for each in given if each not in fit.index.columns[: fit.leading]])
        return f"Index {index} finds the rows by {by}; {rest} is looked at row by row."
    return f"Index {index} is read in order of {quoted(then or '')}; the rest is looked at row by row."


def best(table: Table, question: Question) -> _Fit | None:
    """Return the index that helps most, or None; of equals the first by name."""
    fits = [fit for index in table.indexes if (fit := _fit(index, question)) is not None]
    return min(fits, key=_cheapness, default=None)


def _cheapness(fit: _Fit) -> tuple[int, bool, bool, bool, int, str]:
    """Return the sort key, cheapest first. A tenant has many rows, so its column alone narrows the least."""
    index = fit.index
    more = len(index.columns) - fit.leading
    vague = fit.leading == 1 and is_tenant(index.columns[0])
    return (-fit.leading, vague, not fit.goes_on, not (index.unique and not more), more, index.name)


def covering(key: ForeignKey, table: Table) -> Index | None:
    """Return a valid, not partial B-tree that begins with the key's columns in any order, or None."""
    wanted = set(key.columns)
    return next(
        (
            index
            for index in table.indexes
            if index.valid
            and not index.is_partial
            and index.method == "btree"
            and set(index.columns[: len(wanted)]) == wanted
        ),
        None,
    )


def _fit(index: Index, question: Question) -> _Fit | None:
    if not index.valid or index.method != "btree" or (index.is_partial and index.predicate != question.where):
        return None
    leading = 0
    for column in index.columns:
        if column not in question.given:
            break
        leading += 1
    goes_on = len(index.columns) > leading and index.columns[leading] == question.then
    if not leading and not goes_on and not (index.is_partial and not question.given):
        return None
    return _Fit(index, leading, goes_on)


def _then(fit: _Fit, then: str | None) -> str:
    if then is None:
        return ""
    return f", in order of {quoted(then)}" if fit.goes_on else f"; {quoted(then)} is looked at afterwards"


def _without(table: Table, question: Question, facts: Facts, key: ForeignKey | None) -> str:
    """Return what the missing index costs, and which finding says so."""
    if not question.given and question.then is None:
        return "The whole table is read."
    about = columns_of(question.given or (question.then or "",))
    code = ""
    if key is not None:
        code = facts.codes(table, key_without_index.RULE.code, columns_of(key.columns))
    return f"No index begins with {about}: the whole table is read{f' ({code})' if code else ''}."
