"""What may be edited by hand in a data file whose rows come live: the queries that bring them, and comments.

The rows are proved to be what the query gave. What else a data file does belongs to what is proved, and
stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from migplan.bundle.data.live_file import QUERY, VALUES
from migplan.bundle.manifest import Block, BundleFile, Step
from migplan.sql.split import SqlFileError, Statement
from migplan.sql.split import parse as parsed
from migplan.sql.text import one_line

Note = tuple[int, str]
"""A line, and what is wrong there."""

_ONLY = "only queries and comments may be edited in a data file whose rows come live"


def stray_edits(then: Sequence[str], now: Sequence[str]) -> Iterator[Note]:
    """Yield the first line that was edited and is neither a query nor a comment."""
    for before, after in zip_longest(_lasting(then), _lasting(now), fillvalue=(len(now), "")):
        if before[1] != after[1]:
            yield after[0], f"{_ONLY}: {one_line(after[1] or before[1])[:80]}"
            return


def with_queries(
    file: BundleFile, found: Sequence[Step], now: Sequence[str], path: Path
) -> Iterator[Step | Note]:
    """Yield the steps of a file as it is now, with the queries that stand in it."""
    lines = ((number, line) for number, line in enumerate(now, 1) if line.startswith(QUERY))
    for before, after in zip(file.steps, found, strict=True):
        blocks: list[Block] = []
        for then, here in zip(before.blocks, after.blocks, strict=True):
            number, line = next(lines)
            query = line.removeprefix(QUERY)
            block = then.model_copy(update={"start": here.start, "end": here.end})
            if query != one_line(then.query):
                if what := _objection(query, path):
                    yield number, what
                block = block.model_copy(update={"query": query, "format": "text", "edited": True})
            blocks.append(block)
        yield before.model_copy(update={"start": after.start, "end": after.end, "blocks": tuple(blocks)})


def _lasting(lines: Sequence[str]) -> Iterator[Note]:
    """Yield what must stay, a query as that it is one."""
    for number, line in enumerate(lines, 1):
        if line.startswith(QUERY):
            yield number, QUERY
        elif line.strip() and (not line.startswith("--") or line.startswith(VALUES)):
            yield number, line


def _objection(query: str, path: Path) -> str:
    """Return why this is no query that could bring rows."""
    try:
        tree = parsed(Statement(0, len(query), 1, query, "select"), path)
    except SqlFileError as error:
        return f"this is no query: {error.what}"
    node = tree.stmts[0].stmt if len(tree.stmts) == 1 else None
    if node is None or not node.HasField("select_stmt") or node.select_stmt.HasField("into_clause"):
        return "this is no query, which is one SELECT"
    if one_line(query) != query:
        return "a query stands on one line, with single blanks, and has no control characters"
    return ""
