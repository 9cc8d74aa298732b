"""What a data step says of itself, checked when it is said: the complaint then has the line of the file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from migplan.data.row import Row
from migplan.names import parse

if TYPE_CHECKING:
    import psycopg

Transform = Callable[[Row], Mapping[str, Any] | Iterable[Mapping[str, Any]]]
Write = Callable[["psycopg.Connection[Any]", Sequence[Mapping[str, Any]]], object]


@dataclass(frozen=True, kw_only=True)
class DataStep:
    """Rows are read in batches, changed one by one, and written, each batch in one transaction.

    ``into`` a table, or ``write`` them yourself: one of the two.
    """

    read: str  # a query; it is asked again for each batch, for the rows behind the last one
    key: tuple[str, ...]  # columns of the query that together are unique and never null
    transform: Transform | None = None  # a row into one, several or none; None: as it was read
    into: str = ""  # schema.table; the schema is public where none is said
    conflict: tuple[str, ...] = ()  # columns of a unique index of it: a row that is there is updated
    write: Write | None = None  # gets the connection, in a transaction, and rows of one batch
    batch: int = 100  # rows of one transaction
    max_rows: int = 10_000  # rows that one batch may become, and so what is held in memory
    rate: float | None = None  # rows a second at most
    retries: int = 3  # of what passes
    wait: float = 0.5  # seconds before the first of them; it doubles each time, up to 30
    transient: tuple[type[Exception], ...] = ()  # of transform and write: another try may get past them
    transient_states: tuple[str, ...] = ()  # SQLSTATEs, beside those of locks, deadlocks and lost sessions
    on_error: Literal["stop", "skip"] = "stop"  # for a row that fails
    skip_limit: int = 100  # failed rows that on_error="skip" leaves out; one more stops the step

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("key", "conflict", "transient", "transient_states"):
            if not isinstance(getattr(self, name), tuple):
                raise TypeError(f"{name} must be a tuple, such as ('id',) with its comma")
        for name, wanted in self._conditions():
            if not wanted:
                raise ValueError(f"{name}, and is {getattr(self, name.split()[0])!r}")
        if bool(self.into) == (self.write is not None):
            raise ValueError("say where rows go: into=TABLE, or write=FUNCTION, and not both")
        if self.into:
            parse(self.into)
        if self.conflict and not self.into:
            raise ValueError("conflict goes with into; a function that writes has to see to it itself")

    def _conditions(self) -> tuple[tuple[str, bool], ...]:
        return (
            ("read must be a query", bool(str(self.read).strip())),
            ("key must name at least one column", _names(self.key)),
            ("conflict must name columns", not self.conflict or _names(self.conflict)),
            ("transform must be a function", self.transform is None or callable(self.transform)),
            ("write must be a function", self.write is None or callable(self.write)),
            ("batch must be 1 or more", self.batch >= 1),
            ("max_rows must be 1 or more", self.max_rows >= 1),
            ("rate must be more than 0, or None", self.rate is None or self.rate > 0),
            ("retries must be 0 or more", self.retries >= 0),
            ("wait must be 0 or more", self.wait >= 0),
            ("transient must name classes of exceptions", all(map(_is_exception, self.transient))),
            ("on_error must be 'stop' or 'skip'", self.on_error in {"stop", "skip"}),
            ("skip_limit must be 0 or more", self.skip_limit >= 0),
        )


def _names(names: tuple[str, ...]) -> bool:
    return bool(names) and all(names)


def _is_exception(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, Exception)
