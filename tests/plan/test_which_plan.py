"""Which plan file is used: the one that was named, that of migplan.yaml, the one that is there, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from migplan import config as configuration
from migplan.errors import FileError
from migplan.pipeline.plan import find_plan
from migplan.plan import file as plan_file
from tests.plan.making import planned

SHOP = planned({"a": [], "b": ["a"]})
OTHER = "some: thing\n"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)


PLAN = plan_file.dumps(SHOP)


@pytest.mark.parametrize(
    ("settings", "files", "named", "used"),
    [
        ("", {}, None, None),
        ("", {"plans/migration.yaml": PLAN}, None, "plans/migration.yaml"),
        ("", {"plans/shop.yaml": PLAN}, None, "plans/shop.yaml"),
        ("", {"plans/shop.yaml": PLAN, "plans/notes.yaml": OTHER}, None, "plans/shop.yaml"),
        ("", {"plans/shop.yaml": PLAN, "plans/migration.yaml": PLAN}, None, "plans/migration.yaml"),
        ("", {"plans/shop.yaml": PLAN, "mine.yaml": PLAN}, "mine.yaml", "mine.yaml"),
        ("plan: {name: shop}", {"plans/shop.yaml": PLAN, "plans/a.yaml": PLAN}, None, "plans/shop.yaml"),
        ("plan: {name: shop}", {"plans/other.yaml": PLAN}, None, None),
        (
            "plan: {name: shop, file: mine.yaml}",
            {"plans/shop.yaml": PLAN, "mine.yaml": PLAN},
            None,
            "mine.yaml",
        ),
    ],
)
def test_the_plan_that_is_used(
    settings: str, files: dict[str, str], named: str | None, used: str | None
) -> None:
    write(files)
    config = configuration.loads(settings, Path("migplan.yaml"))
    found = find_plan(Path(named) if named else None, config)
    assert found.file == (Path(used) if used else None)
    assert (found.plan is None) == (used is None)
    ignored = find_plan(None, config, ignored=True)
    assert ignored.file is None
    assert str(ignored).startswith("Plan: made now; ")


def test_the_first_line_names_the_file_and_counts_decisions() -> None:
    write({"plans/shop.yaml": PLAN})
    config = configuration.Config()
    said = str(find_plan(None, config))
    assert said.startswith("Plan: plans/shop.yaml, ")
    assert said.endswith(", no decision by hand")


def test_without_a_plan_it_is_said_how_to_get_one_and_which_are_passed_over() -> None:
    assert str(find_plan(None, configuration.Config())) == (
        "Plan: made now; `migplan plan` writes one to keep"
    )
    write({"plans/other.yaml": PLAN})
    config = configuration.loads("plan: {name: shop}", Path("migplan.yaml"))
    assert str(find_plan(None, config)) == "Plan: made now; plans/other.yaml is not used"


def test_of_several_plans_one_has_to_be_named() -> None:
    write({"plans/a.yaml": PLAN, "plans/b.yaml": PLAN})
    with pytest.raises(FileError, match=r"there are 2 plans in plans: plans/a\.yaml, plans/b\.yaml"):
        find_plan(None, configuration.Config())
    assert find_plan(None, configuration.Config(), ignored=True).file is None


def test_a_plan_that_migplan_yaml_names_has_to_be_there() -> None:
    config = configuration.loads("plan: {file: gone.yaml}", Path("migplan.yaml"))
    with pytest.raises(FileError, match=r"there is no plan gone\.yaml"):
        find_plan(None, config)
