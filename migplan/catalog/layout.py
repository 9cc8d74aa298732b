"""The layout of JSON that people compare; a module of its own, so that it loads without the catalog."""

import json
from collections.abc import Mapping
from typing import Any

from migplan.text.printable import printable

_encoded = json.JSONEncoder(ensure_ascii=False).encode


def as_text(content: Mapping[str, Any]) -> str:
    """A JSON object with every item of its lists on a line of its own: quick to write, and to compare."""
    entries = []
    for key, value in content.items():
        if isinstance(value, list):
            items = ",\n".join(map(_written, value))
            entries.append(f"{json.dumps(key)}: [\n{items}\n]")
        elif isinstance(value, dict):
            entries.append(f"{json.dumps(key)}: {as_text(value).rstrip()}")
        else:
            entries.append(f"{json.dumps(key)}: {_written(value)}")
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _written(value: Any) -> str:
    """JSON in which everything can be seen; the escapes mean the same."""
    return printable(_encoded(value))
