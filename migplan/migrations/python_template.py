"""What a new data step in Python looks like."""

from __future__ import annotations

_TEXT = '''\
"""{title}."""

from migplan.data import DataStep, Row

# What this step needs is not read from its code; a line tells it, such as: # migplan: requires NAME


def changed(row: Row) -> Row:
    """The row as it is to be written."""
    return row


STEP = DataStep(
    read="SELECT id FROM public.source_table",
    key=("id",),
    transform=changed,
    into="public.target_table",
    conflict=("id",),  # a row that is there is updated
)
'''


def text(name: str) -> str:
    """The file, for a step of that name."""
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return _TEXT.format(title=f"{words[:1].upper()}{words[1:]}")
