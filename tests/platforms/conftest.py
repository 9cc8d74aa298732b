"""Commands of these tests run like those of tests/cli."""

from tests.cli.conftest import nowhere, run

__all__ = ["nowhere", "run"]
