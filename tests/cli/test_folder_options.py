"""Options that say nothing of a folder of migrations are refused, before any server is asked."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.cli.folders import SHOP, Write

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rollback", "m", "--data-only"), "--data-only is for bundles"),
        (("rollback", "m", "--drop-journal"), "--drop-journal is for bundles"),
        (("rollback", "m", "--abandon"), "--abandon is for bundles"),
        (("rollback", "m", "--all", "--to", "001_customers"), "--to and --all exclude each other"),
        (("rollback", "m", "--only", "002_orders", "--all"), "--only and --all exclude each other"),
        (("apply", "m", "--jobs", "2"), "--jobs is for bundles"),
        (("apply", "m", "--keep"), "--keep is for bundles"),
        (("apply", "m", "--check-orphans"), "--check-orphans is for bundles"),
        (("apply", "m", "--carry-orphans"), "--carry-orphans is for bundles"),
        (("verify", "m", "--source", NOWHERE), "--source is for bundles"),
        (("verify", "m", "--jobs", "2"), "--jobs is for bundles"),
    ],
)
def test_what_says_nothing_of_a_folder_is_refused(
    words: tuple[str, ...], said: str, write: Write, run: Run
) -> None:
    write(**SHOP)
    assert said in " ".join(run(*words, "--target", NOWHERE, exit_code=2).stderr.split())
