"""What a new data step in Python looks like."""

from __future__ import annotations

_TEXT = '''\
"""{title}."""

# What this step needs is not read from its code; a line tells it, such as: # migplan: requires NAME


def run(step):
    """Read rows in batches, change each, write them."""
    raise NotImplementedError
'''


def text(name: str) -> str:
    """The file, for a step of that name."""
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return _TEXT.format(title=f"{words[:1].upper()}{words[1:]}")
