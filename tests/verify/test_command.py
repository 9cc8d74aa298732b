"""``migplan verify``: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.verify.conftest import Shop

pytestmark = pytest.mark.slow

CHANGE = "DELETE FROM shop.orders WHERE id = 17; DROP INDEX shop.orders_price"


def test_a_target_that_holds(shop: Shop, run: Run) -> None:
    lines = run("verify", str(shop.bundle), "--target", shop.server.url(shop.target)).stdout.splitlines()
    assert "  Tables               5/5  ok" in lines
    assert "  Rows             800/800  ok" in lines
    assert "  shop.customer: 3 roots, 97 linked, 100 in all" in lines
    assert lines[-1] == "The target is what migration says. Rows: 3 tables by content."


def test_a_target_that_differs(shop: Shop, changed: Callable[[str], str], run: Run) -> None:
    url = shop.server.url(changed(CHANGE))
    lines = run("verify", str(shop.bundle), "--target", url, exit_code=1).stdout.splitlines()
    assert "  Indexes              3/4  DIFFERS" in lines
    assert "  Rows             799/800  DIFFERS" in lines
    at = lines.index("Differences")
    assert lines[at + 1 : at + 4] == [
        "  index orders_price of shop.orders: missing",
        "  rows of shop.orders: 399 instead of 400, 1 missing",
        "      missing: id 17",
    ]
    assert lines[-1] == ("The target is not what migration says: 2 differences. Rows: 3 tables by content.")


def test_beside_the_source(shop: Shop, run: Run) -> None:
    words = ["--target", shop.server.url(shop.target), "--source", shop.server.url(shop.source)]
    out = run("verify", str(shop.bundle), *words).stdout
    assert out.splitlines()[-1].startswith("The target is what migration and the source say.")


def test_json(shop: Shop, changed: Callable[[str], str], run: Run) -> None:
    url = shop.server.url(changed(CHANGE))
    result = run("verify", str(shop.bundle), "--target", url, "--format", "json", exit_code=1)
    found = json.loads(result.stdout)
    assert found["holds"] is False
    checks = {check["name"]: check for check in found["checks"]}
    assert (checks["Rows"]["right"], checks["Rows"]["of"], checks["Rows"]["holds"]) == (799, 800, False)
    assert checks["Rows"]["differences"][0]["examples"] == ["missing: id 17"]
    assert {table["table"]: table["strength"] for table in found["tables"]} == {
        "shop.customer": "content",
        "shop.event": "content",
        "shop.orders": "content",
    }
    assert found["hierarchies"] == [{"table": "shop.customer", "roots": 3, "linked": 97, "total": 100}]


def test_markdown(shop: Shop, changed: Callable[[str], str], run: Run) -> None:
    url = shop.server.url(changed(CHANGE))
    out = run("verify", str(shop.bundle), "--target", url, "--format", "markdown", exit_code=1).stdout
    assert "| Rows | 799/800 | **DIFFERS** |" in out
    assert "- index orders\\_price of shop.orders: missing" in out


def test_no_password_is_printed(shop: Shop, run: Run) -> None:
    with shop.server.superuser("s3cret") as name:
        url = shop.server.url(shop.target, user=name, password="s3cret")
        for shape in ("text", "json", "markdown"):
            assert "s3cret" not in run("verify", str(shop.bundle), "--target", url, "--format", shape).output


def test_the_only_bundle_is_meant(shop: Shop, run: Run, nowhere: Path) -> None:
    url = shop.server.url(shop.target)
    refused = run("verify", "--target", url, exit_code=2)
    assert "no bundle under migrations" in refused.stderr
    (nowhere / "migrations").mkdir()
    (nowhere / "migrations" / "shop").symlink_to(shop.bundle)
    run("verify", "--target", url)
    (nowhere / "migrations" / "again").symlink_to(shop.bundle)
    refused = run("verify", "--target", url, exit_code=2)
    assert "none by the plan's name, migration: migrations/again, migrations/shop" in refused.stderr
    (nowhere / "migplan.yaml").write_text("plan: {name: shop}\n")
    said = run("verify", "--target", url).stderr
    assert "migrations/shop is meant, by the plan's name; beside it: migrations/again" in said


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda file: file.write_text(file.read_text().replace('"note"', '"mote"')), "was changed after"),
        (lambda file: file.write_text("{"), "cannot be read"),
        (lambda file: file.unlink(), "cannot be read"),
    ],
    ids=["changed", "broken", "missing"],
)
def test_a_catalog_that_is_not_the_exports(
    shop: Shop, run: Run, tmp_path: Path, spoil: Callable[[Path], object], what: str
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("manifest.json", "catalog.json"):
        (copy / name).write_bytes((shop.bundle / name).read_bytes())
    spoil(copy / "catalog.json")
    refused = run("verify", str(copy), "--target", shop.server.url(shop.target), exit_code=2)
    assert what in refused.stderr


def test_no_target_and_no_server(shop: Shop, run: Run) -> None:
    assert run("verify", str(shop.bundle), exit_code=2).exit_code == 2
    away = run("verify", str(shop.bundle), "--target", "postgresql://localhost:1/x", exit_code=2)
    assert "cannot connect" in away.stderr
