"""The demo database is what its source documents say, on every version."""

from __future__ import annotations

import pytest

from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.read import read
from migplan.catalog.selection import Selection, select
from migplan.graph import build
from migplan.postgres.session import reading
from tests.demo import facts
from tests.servers import Server

pytestmark = pytest.mark.slow


def test_the_demo_is_what_the_documents_say(server: Server) -> None:
    address = server.address(server.demo)
    with reading(address) as connection:
        catalog = read(connection, Counting(Exactness.EXACT))
    graph = build(select(catalog, Selection(schemas=("public",))).catalog)
    assert {name.name: graph.rows[name].count for name in graph.tables} == facts.ROWS
    assert sum(facts.ROWS.values()) == 6943
    assert len(graph.tables) == 38
    assert len(graph.all_keys) == 46
    assert len(graph.roots) == 9
    assert max(graph.depth.values()) == 5
    assert [name.name for name in graph.critical_chain] == list(facts.DEEPEST_CHAIN)
    assert sum(len(keys) for keys in graph.self_keys.values()) == 3
    assert not graph.circles
