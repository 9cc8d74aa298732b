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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *(
            (("analyze", "m", option, value), f"{option} is for a database")
            for option, value in [
                ("--schema", "x"),
                ("--table", "x"),
                ("--exclude", "x"),
                ("--provided", "x"),
                ("--counts", "exact"),
                ("--from", "x.json"),
                ("--depth", "1"),
            ]
        ),
        (("analyze", "m", "--check-orphans"), "--check-orphans is for a database"),
        (("analyze", "m", "--source", NOWHERE), "a database on which to try them is --target"),
        (("analyze", "m", "--format", "mermaid"), "--format mermaid is not for a folder of migrations"),
        *(
            (("analyze", folder, *option.split()), f"{option.split()[0]} is for a {said}")
            for option in (
                "--on m",
                "--after 001",
                "--scratch x",
                "--keep-going",
                "--seed",
                f"--target {NOWHERE}",
            )
            for folder, said in (("m", "trial of the folder: --try"), (NOWHERE, "folder of migrations"))
        ),
        *(
            (("rehearse", "m", *option.split()), f"{option.split()[0]} is for bundles")
            for option in [
                *("--out x", "--jobs 2", "--fresh", "--force", "--no-plan", "--replan", "--provided x"),
                *("--without TRIGGER", "--with-needed", "--without-dangling-keys"),
            ]
        ),
        (("check", "m"), "m is not a bundle"),
        (("export", "m"), "m is a folder, and a plan is a file"),
        (("document", "m"), "m is a folder, and a database is asked for"),
        (("plan", "m"), "m is a folder, and a database is asked for"),
        (("advise", "m"), "m is a folder, and a database is asked for"),
    ],
    ids=str,
)
def test_what_is_not_for_a_folder_is_refused(
    words: tuple[str, ...], said: str, write: Write, run: Run
) -> None:
    write(**SHOP)
    assert said in " ".join(run(*words, exit_code=2).stderr.split())
