"""The files of ``queries/``, in the form that the server's version understands."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from psycopg.rows import namedtuple_row

from migplan.postgres.session import Session

Part = TypeVar("Part")

_EACH = """
DO $migplan$
DECLARE
    question text;
    answer text;
    answers text[];
    failures text[];
BEGIN
    -- Questions arrive and answers leave as settings of this transaction: a DO block takes no parameters and
    -- returns nothing, and a function of our own would have to be created in a database that we only read.
    FOR question IN SELECT * FROM jsonb_array_elements_text(current_setting('migplan.questions')::jsonb)
    LOOP
        BEGIN
            EXECUTE question INTO answer;
            -- Going back gives the locks on the table and its indexes back; the answer stays. Thousands of
            -- tables read in one transaction would otherwise fill the server's lock table.
            RAISE EXCEPTION USING ERRCODE = 'MPLAN';
        EXCEPTION
            WHEN SQLSTATE 'MPLAN' THEN
                answers := answers || answer;
                failures := failures || ''::text;
            WHEN {catching} THEN
                answers := answers || NULL::text;
                failures := failures || SQLERRM;
        END;
    END LOOP;
    PERFORM set_config('migplan.answers', json_build_array(answers, failures)::text, true);
END
$migplan$
"""

_NEWER = re.compile(r"^( *).+? AS (\w+)(,?) -- since (\d+), before: (.+)$", re.MULTILINE)


@cache
def sql(question: str, version: int) -> str:
    """The question as a server of that ``server_version_num`` understands it."""
    text = resources.files("migplan.catalog").joinpath("queries", f"{question}.sql").read_text("utf-8")

    def for_this_server(line: re.Match[str]) -> str:
        indent, name, comma, since, otherwise = line.groups()
        return line.group() if version // 10000 >= int(since) else f"{indent}{otherwise} AS {name}{comma}"

    return _NEWER.sub(for_this_server, text)


def ask_each(
    session: Session, questions: Sequence[str], *, during: str, catching: str = "OTHERS"
) -> list[tuple[str | None, str]]:
    """Ask for one value each, in one journey and in sub-transactions that give their locks back.

    Return each value as text, or None and why: what is not among the conditions ``catching`` is raised.
    """
    # Not as \u escapes, which a database without an encoding (SQL_ASCII) cannot take.
    wanted = json.dumps(questions, ensure_ascii=False)
    with session.translate_errors(during):
        session.execute("SELECT pg_catalog.set_config('migplan.questions', %s, true)", [wanted])
        session.execute(_EACH.format(catching=catching).encode())
    ((said,),) = session.ask("SELECT pg_catalog.current_setting('migplan.answers')", during=during)
    return list(zip(*json.loads(said), strict=True))


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
