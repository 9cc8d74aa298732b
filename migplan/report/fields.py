"""Fields of values as JSON has them, under the names that they have in the model."""

from typing import Any

from migplan.names import QualifiedName


def picked(value: object, names: str) -> dict[str, Any]:
    """Return the named fields of a value.

    >>> picked(QualifiedName("public", "hotels"), "schema name")
    {'schema': 'public', 'name': 'hotels'}
    """
    return {name: plain(getattr(value, name)) for name in names.split()}


def plain(value: object) -> object:
    """Return a value with its names of tables as texts."""
    if isinstance(value, QualifiedName):
        return str(value)
    return [plain(each) for each in value] if isinstance(value, tuple) else value
