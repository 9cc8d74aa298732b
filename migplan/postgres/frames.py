"""The messages of rows in what a server sends: found many at a time, and every one of them checked.

COPY sends each row as a message: a letter, a length that counts itself, the row. To step from one to the next
costs Python a quarter of a microsecond. So wherever a block has the look of a beginning a row is supposed to
begin, and then the length of each must lead to the next; what does not fit is stepped over one by one. What
is called a run of rows here is one, whatever stands in it: no other message hides between.
"""

from __future__ import annotations

from itertools import pairwise
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

    Starts = list[int] | NDArray[int64]

HEADER = 5  # a letter, and a length that counts itself
ROW = ord("d")

SMALL = 1 << 15
"""Blocks of fewer bytes are stepped through; many a command never meets a larger one."""

LONG = 200
"""Rows of so many bytes are stepped through as well: to look at each of their bytes takes longer."""

_FIRST = 16  # rows by whose length that is judged
_SHORT = 1 << 16  # the length of a row that is looked for: the upper half of its four bytes is zero
_header = Struct("!BI").unpack_from


class Run(NamedTuple):
    """Whole messages of rows, one behind the other."""

    end: int  # the place behind the last of them
    starts: Starts  # the place of each one's letter


def run_of_rows(block: bytearray, end: int, fields: int | None) -> Run:
    """The rows with which a block begins, of which the first ``end`` bytes count.

    ``fields`` is how many a row has in COPY's binary format; None in its text format. That is but a help to
    find them.
    """
    if end < SMALL:
        return _stepped(block, 0, end)
    first = _stepped(block, 0, end, _FIRST)
    long = bool(first.starts) and first.end >= LONG * len(first.starts)
    return _stepped(block, 0, end) if long else _found(block, end, fields)


def rows_of_run(block: bytearray, run: Run) -> bytes:
    """The rows of a run without their headers."""
    if isinstance(run.starts, list):
        bounds = pairwise((*run.starts, run.end))
        with memoryview(block) as view:
            return b"".join([view[start + HEADER : end] for start, end in bounds])
    import numpy as np  # noqa: PLC0415 - it takes a tenth of a second, and small blocks do without

    kept = np.ones(run.end, bool)
    for place in range(HEADER):
        kept[run.starts + place] = False
    return np.frombuffer(block, np.uint8, run.end)[kept].tobytes()


def length_of(block: bytearray | memoryview, at: int = 0) -> int:
    """How many bytes the message has that begins there, with all of its header."""
    return 1 + int.from_bytes(block[at + 1 : at + HEADER], "big")


def _stepped(block: bytearray, at: int, end: int, most: int | None = None) -> Run:
    """Step from row to row."""
    starts: list[int] = []
    while end - at >= HEADER and len(starts) != most:
        letter, length = _header(block, at)
        if letter != ROW or length < HEADER - 1 or at + 1 + length > end:
            break
        starts.append(at)
        at += 1 + length
    return Run(at, starts)


def _found(block: bytearray, end: int, fields: int | None) -> Run:
    import numpy as np  # noqa: PLC0415 - it takes a tenth of a second, and small blocks do without

    data = np.frombuffer(block, np.uint8, end)
    places = np.flatnonzero(data[: -HEADER - 1] == ROW)
    places = places[(data[places + 1] == 0) & (data[places + 2] == 0)]
    if fields is not None:
        places = places[(data[places + 5] == fields >> 8) & (data[places + 6] == fields & 0xFF)]
    following = places + 1 + (data[places + 3].astype(np.int64) << 8) + data[places + 4]
    broken = np.flatnonzero(following[:-1] != places[1:])  # places whose row does not lead to the next one
    parts: list[NDArray[int64]] = []
    at = 0
    while True:
        first = int(np.searchsorted(places, at))
        if first == len(places) or places[first] != at:
            step = _stepped(block, at, end, most=1)
            if not step.starts:
                break
            parts.append(np.array(step.starts, np.int64))
            at = step.end
            continue
        behind = int(np.searchsorted(broken, first))
        last = int(broken[behind]) if behind < len(broken) else len(places) - 1
        whole = following[last] <= end and following[last] - places[last] >= HEADER
        last += bool(whole)
        parts.append(places[first:last])
        at = int(following[last - 1]) if last > first else at
        if not whole:
            break
    return Run(at, np.concatenate(parts) if parts else np.empty(0, np.int64))
