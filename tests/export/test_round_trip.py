"""The promise of a bundle: psql alone makes the same database of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.config import Layout
from tests.catalog import nasty
from tests.export import rich
from tests.export.loading import assert_same, contents, copied, export, remembered
from tests.servers import Server

DATABASES = {"rich": rich.database, "nasty": nasty.database, "demo": lambda server: server.demo}


@pytest.mark.parametrize("form", ["copy", "insert"])
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("name", list(DATABASES))
def test_the_same_database_comes_out(
    server: Server, name: str, layout: Layout, form: str, tmp_path: Path
) -> None:
    source = DATABASES[name](server)
    bundle = tmp_path / "bundle"
    export(server.url(source), bundle, "--constraints", layout.value, "--data-format", form)
    with copied(server, bundle) as target:
        found = contents(server, target)
    # Levels and second passes give rows another place in the table.
    assert_same(found, remembered(server, source), ordered=layout is Layout.AFTER_DATA)
