"""The statements of SQL text, each parsed by PostgreSQL's own parser, with its place in the file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from postgast import pg_query_pb2 as pg

from migplan.sql.split import CopyRows, Readable, Statement, parse, pieces

SHOWN = 80


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement and its tree; ``start`` and ``line`` are those of the file."""

    text: str
    line: int
    start: int
    end: int
    node: pg.Node
    kind: str  # create_stmt and its kind
    rows: int | None = None  # those of a COPY that follow it

    @property
    def tree(self) -> object:
        """The statement itself."""
        return getattr(self.node, self.kind)

    @property
    def beginning(self) -> str:
        """Its first words, on one line."""
        return beginning(self.text)


def beginning(text: str) -> str:
    """The first words of a statement, on one line."""
    words = " ".join(text[: SHOWN * 4].split()).rstrip(";")
    return words if len(words) <= SHOWN else words[: SHOWN - 2].rstrip() + " …"


def parsed(
    stream: Readable, file: Path, passed_over: Callable[[Statement], bool] = lambda _: False
) -> Iterator[Parsed]:
    """Yield every statement in its order; raise SqlFileError at one that cannot be read, or is psql's."""
    for piece in pieces(stream, file):
        if isinstance(piece, CopyRows):
            for _ in piece:
                pass
            if not passed_over(piece.statement):
                yield _parsed(piece.statement, file, piece.rows)
        elif not passed_over(piece):
            yield _parsed(piece, file)


def _parsed(statement: Statement, file: Path, rows: int | None = None) -> Parsed:
    node = parse(statement, file).stmts[0].stmt
    kind = node.WhichOneof("node") or ""
    return Parsed(statement.text, statement.line, statement.start, statement.end, node, kind, rows)
