"""What triggers do, as far as a name, a comment and the moment of firing can say it."""

import re

from migplan.catalog.model import Table, Trigger
from migplan.document.derive.columns import snake
from migplan.document.derive.facts import Facts
from migplan.document.model import DescribedTrigger
from migplan.text.wording import joined

_STAMP = re.compile(r"updated_(?:at|on)|modified|touch|moddatetime|timestamp|last_change")
_STAMPED = re.compile(r"(?:updated|modified|changed)(?:_(?:at|on|date))?|last_(?:updated|modified|change)\w*")
_AUDIT = re.compile(r"audit|(?:^|_)log(?:s|ged|_|$)|histor|(?:^|_)track|journal|record_change")
_CHECKS = re.compile(
    r"valid|check|verif|enforce|prevent|forbid|protect|guard|restrict|ensure|(?:^|_)no_|immutable"
)
_OTHER = (
    (re.compile(r"count|(?:^|_)totals?(?:_|$)"), "keeps a count up to date"),
    (re.compile(r"notif|publish|broadcast|webhook|emit"), "tells others of it"),
    (re.compile(r"tsv|search"), "keeps what is searched up to date"),
    (re.compile(r"embed"), "asks for a new embedding"),
    (re.compile(r"sync"), "carries it on to where it is kept a second time"),
    (re.compile(r"slug"), "makes the slug"),
    (re.compile(r"cascade|clean|delete_orphan"), "clears up what belongs to the row"),
)
_DISABLED = {
    "disabled": " It is switched off.",
    "replica": " It fires only where rows come in by replication.",
    "always": " It fires also where rows come in by replication.",
}


def described(table: Table, facts: Facts) -> tuple[DescribedTrigger, ...]:
    """Every trigger of the table."""
    return tuple(DescribedTrigger(trigger, purpose(trigger, table, facts)) for trigger in table.triggers)


def purpose(trigger: Trigger, table: Table, facts: Facts) -> str:
    """Return what a trigger does in a sentence: its comment, or what its name says, if it says anything."""
    function = facts.functions.get(trigger.function)
    own = trigger.comment or (function.comment if function else None)
    said = f"{own.removesuffix('.')}." if own else _guess(trigger, table)
    return said + _DISABLED.get(trigger.enabled, "")


def sets_time(trigger: Trigger) -> bool:
    """Whether it writes the time of the last change."""
    return _in_time(trigger) and bool(_STAMP.search(_names(trigger)))


def keeps_record(trigger: Trigger) -> bool:
    """Whether it writes down elsewhere what is done to rows."""
    return trigger.timing == "AFTER" and bool(_AUDIT.search(_names(trigger)))


def _guess(trigger: Trigger, table: Table) -> str:
    names, when = _names(trigger), _when(trigger)
    if sets_time(trigger):
        column = next((c.name for c in table.columns if _STAMPED.fullmatch(snake(c.name))), None)
        return f"Sets {column or 'the time of the last change'} {when}, by its name."
    if keeps_record(trigger):
        return f"Writes down elsewhere what was done, {when}, by its name."
    if (trigger.constraint or trigger.timing == "BEFORE") and _CHECKS.search(names):
        return f"Refuses or corrects rows that break a rule, {when}, by its name."
    for words, does in _OTHER:
        if words.search(names):
            return f"{does[:1].upper()}{does[1:]} {when}, by its name."
    return f"Calls {trigger.function} {when}; its name does not say what for."


def _names(trigger: Trigger) -> str:
    return f"{snake(trigger.name)} {snake(trigger.function.name)}"


def _in_time(trigger: Trigger) -> bool:
    return trigger.timing == "BEFORE" and "UPDATE" in trigger.events


def _when(trigger: Trigger) -> str:
    events = joined([event.lower() for event in trigger.events], "or")
    each = "each" if trigger.level == "ROW" else "each statement's"
    return f"{trigger.timing.lower()} {each} {events}"
