"""The files of ``queries/``: each is asked once, in the words of the server's version."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from psycopg.rows import namedtuple_row

from migplan.postgres.session import Session

Part = TypeVar("Part")

_NEWER = re.compile(r"^( *).+? AS (\w+)(,?) -- since (\d+), before: (.+)$", re.MULTILINE)


@cache
def sql(question: str, version: int) -> str:
    """The question as a server of that ``server_version_num`` understands it."""
    text = resources.files("migplan.catalog").joinpath("queries", f"{question}.sql").read_text("utf-8")

    def for_this_server(line: re.Match[str]) -> str:
        indent, name, comma, since, otherwise = line.groups()
        return line.group() if version // 10000 >= int(since) else f"{indent}{otherwise} AS {name}{comma}"

    return _NEWER.sub(for_this_server, text)


class Questions:
    """The catalog's questions, put to one session, and their answers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answers: dict[str, Sequence[Any]] = {}

    def all(self, question: str) -> Sequence[Any]:
        """Every row of the answer, its columns as attributes."""
        if question not in self._answers:
            self._answers[question] = self._session.ask(
                sql(question, self._session.version).encode(),
                during=f"reading the catalog ({question})",
                row_factory=namedtuple_row,
            )
        return self._answers[question]

    def by_table(self, question: str, make: Callable[[Any], Part]) -> Mapping[int, list[Part]]:
        """Parts of tables, made from the rows and gathered under their table's oid."""
        gathered: dict[int, list[Part]] = defaultdict(list)
        for row in self.all(question):
            gathered[row.table_oid].append(make(row))
        return gathered
