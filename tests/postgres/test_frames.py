"""Runs of rows are found as stepping from message to message finds them."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.postgres import frames
from migplan.postgres.frames import HEADER, Run, rows_of_run, run_of_rows

SIZES = (0, 1, 5, 6, 9, 10, 95, 96, 99, 100, 250, 25_600, 65_530, 65_536, 70_000)


def message(payload: bytes, letter: bytes = b"d") -> bytes:
    return letter + pack("!I", len(payload) + 4) + payload


def binary_row(values: list[bytes]) -> bytes:
    return pack("!h", len(values)) + b"".join(pack("!i", len(value)) + value for value in values)


def agree(data: bytes, fields: int | None) -> Run:
    block = bytearray(data)
    found, stepped = frames._found(block, len(data), fields), frames._stepped(block, 0, len(data))
    assert (found.end, list(found.starts)) == (stepped.end, stepped.starts)
    bounds = pairwise((*stepped.starts, stepped.end))
    bare = b"".join(data[start + HEADER : end] for start, end in bounds)
    assert rows_of_run(block, found) == rows_of_run(block, stepped) == bare
    return found


@pytest.mark.parametrize("fields", [None, 3])
def test_rows_of_all_sizes_up_to_any_byte(fields: int | None) -> None:
    chance = Random(4)
    text = b"".join(message(b"d\0\0" * (size // 3) + b"\n") for size in SIZES)
    binary = b"".join(message(binary_row([chance.randbytes(size), b"d\0\0\0\4", b"\0d"])) for size in SIZES)
    data = (text if fields is None else binary) + message(b"", b"c") + message(b"COPY 3\0", b"C")
    whole = agree(data, fields)
    assert data[whole.end :].startswith(b"c")
    for end in chance.sample(range(len(data)), 60):
        agree(data[:end], fields)


@given(st.lists(st.binary(max_size=40), max_size=60), st.binary(max_size=30), st.none() | st.integers(0, 9))
def test_any_rows_and_any_bytes_behind_them(rows: list[bytes], behind: bytes, fields: int | None) -> None:
    agree(b"".join(map(message, rows)) + behind, fields)


@given(
    st.lists(
        st.sampled_from([b"d", b"\0", b"\0\0\0", b"\4", b"\5", b"\n", b"\xff", b"d\0\0\0\5x"]), max_size=90
    )
)
def test_any_bytes_that_look_like_rows(parts: list[bytes]) -> None:
    agree(b"".join(parts), None)
    agree(b"".join(parts), 0)


@pytest.mark.parametrize("sizes", [(300, 700), (3, 700), (300, 7), (0, 70_000)])
def test_long_rows_are_found_as_short_ones_are(sizes: tuple[int, int]) -> None:
    rows = [message(b"d\0\0\0\5x" * (size // 6) + b"\n") for size in sizes for _ in range(200)]
    data = b"".join(rows)
    run = run_of_rows(bytearray(data + rows[0][:-1]), len(data) + len(rows[0]) - 1, None)
    assert (run.end, len(run.starts)) == (len(data), len(rows))
    assert rows_of_run(bytearray(data), run) == b"".join(row[HEADER:] for row in rows)


def test_a_length_that_leads_nowhere_ends_the_run() -> None:
    data = message(b"1\n") * 20_000
    for wrong in (b"d\0\0\0\0", b"d\0\0\0\3", b"d\xff\xff\xff\xff", b"Q\0\0\0\5"):
        assert run_of_rows(bytearray(data + wrong + data), 2 * len(data), None).end == len(data)
