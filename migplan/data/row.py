"""The rows that a data step reads and writes, and how it leaves one out."""

from typing import Any, NoReturn


class NoColumnError(KeyError):
    """A row was asked for a column that it does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class Row(dict[str, Any]):
    """A row by the names of its columns: ``row["name"]``; to write one, ``Row(id=..., name=...)``."""

    def __missing__(self, name: str) -> NoReturn:
        raise NoColumnError(f"there is no column {name} in the row; it has {', '.join(self) or 'none'}")


class Skip(Exception):  # noqa: N818 - people raise it, and it is no error
    """Raised for a row that is to be left out, with the reason: it is recorded, and stops nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
