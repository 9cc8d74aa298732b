"""Small tables are read many at a time, in their order, and an error still names the one to blame."""

from __future__ import annotations

from io import BytesIO

import pytest

from migplan.bundle.data.readers import MOST_TOGETHER, SMALL, Readers, batches
from migplan.bundle.data.steps import RowBlock
from migplan.errors import DatabaseError
from migplan.postgres.session import reading
from migplan.postgres.snapshot_pool import snapshot_pool
from tests.servers import Server


def rows(into: str, query: str = "SELECT 1", size: int | None = 10) -> RowBlock:
    return RowBlock(into, ("n",), query, bytes=size)


def test_what_is_large_or_of_unknown_size_is_read_alone() -> None:
    blocks = [rows("a"), rows("b"), rows("c", size=None), rows("d"), rows("e", size=SMALL + 1)]
    found = [[each.into for each in batch] for batch in batches(blocks)]
    assert found == [["a", "b"], ["c"], ["d"], ["e"]]
    many = [rows(str(number)) for number in range(MOST_TOGETHER + 1)]
    assert [len(batch) for batch in batches(many)] == [MOST_TOGETHER, 1]


def test_many_answers_come_in_their_order_and_errors_name_the_table(newest: Server) -> None:
    address = newest.address("postgres")
    with reading(address) as connection, snapshot_pool(connection, 1) as sessions:
        pool = Readers(sessions)
        many = [rows(f"t{n}", f"SELECT g FROM generate_series(1, {n}) g") for n in range(4)]
        found = pool.submit_small(many).result()
        assert found == [b"", b"1\n", b"1\n2\n", b"1\n2\n3\n"]
        broken = [many[1], rows("public.broken", "SELECT 1/0"), many[2]]
        with pytest.raises(DatabaseError, match=r"reading the rows of public\.broken"):
            pool.submit_small(broken).result()
        sink = BytesIO()
        assert pool.read(many[3], sink).rows == 3  # the session is as good as before
