"""How obstacles read."""

from __future__ import annotations

from migplan.report.preflight import as_text
from migplan.run.preflight.obstacle import stop, warn


def said(*obstacles: object) -> list[str]:
    return [line.plain for line in as_text(obstacles, "staging")]  # type: ignore[arg-type]


def test_each_obstacle_says_what_to_do() -> None:
    assert said(
        stop("roles", "app is not there", "CREATE ROLE app NOLOGIN"), warn("locale", "text sorts by C")
    ) == [
        "stop: roles: app is not there",
        "  -> CREATE ROLE app NOLOGIN",
        "warn: locale: text sorts by C",
        "1 obstacle stands in the way; nothing was changed",
    ]


def test_what_is_only_to_be_known_stops_nothing() -> None:
    assert said(warn("locale", "text sorts by C"))[-1] == "Nothing stands in the way in staging"
    assert said() == ["Nothing stands in the way in staging"]
