"""The house stays as ARCHITECTURE.md draws it: who may import whom, and how long functions may grow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import migplan

PACKAGE = Path(migplan.__file__).parent
CHECKOUT = PACKAGE.parent

# Of each room, what it may import of migplan beside itself. The ground floor is free to all.
GROUND = {
    "names",
    "level",
    "digraph",
    "progress",
    "back_off",
    "text",
    "errors",
    "files",
    "sealed_files",
    "yamlfile",
    "config",
    "platforms",
    "sql",
}
DATABASE = GROUND | {"postgres", "catalog"}
STAGES = DATABASE | {"graph", "plan", "bundle", "run", "verify", "migrations", "advise", "anonymise"}
MAY_IMPORT: dict[str, set[str]] = {
    "names": set(),
    "level": set(),
    "digraph": set(),
    "progress": set(),
    "back_off": set(),
    "text": {"names"},
    "errors": set(),
    "files": {"errors"},
    "sealed_files": {"errors"},
    "yamlfile": {"errors", "files", "text"},
    "config": {"names", "errors", "files", "text", "yamlfile"},
    "platforms": {"errors", "text", "yamlfile", "config"},
    "sql": GROUND - {"sql"},
    "postgres": GROUND,
    "catalog": GROUND | {"postgres"},
    "graph": GROUND | {"catalog.model"},
    "plan": GROUND | {"catalog", "graph"},
    "bundle": DATABASE | {"graph", "plan"},
    "migrations": GROUND,
    "data": {"names"},
    "run": DATABASE | {"bundle", "migrations", "data"},
    "verify": DATABASE | {"bundle", "migrations"},
    "advise": GROUND | {"catalog.model", "catalog.vitals", "graph"},
    "anonymise": GROUND | {"catalog.model", "catalog.attributes"},
    "report": STAGES,
    "document": GROUND | {"catalog", "graph", "plan", "advise", "anonymise", "report", "postgres.versions"},
    "demo": GROUND | {"postgres"},
    "pipeline": STAGES | {"document", "report.analysis", "report.tree"},
    "cli": STAGES | {"report", "document", "demo", "pipeline"},
    "__main__": {"cli"},
    "__init__": set(),
}

# Of the parts of a room, what each may import of that room beside itself: only what stands above it here.
INSIDE: dict[str, dict[str, set[str]]] = {
    "bundle": {
        "paths": set(),
        "signing": set(),
        "manifest": {"paths"},
        "verified": {"paths", "manifest"},
        "folder": {"paths", "manifest"},
        "order_page": {"manifest"},
        "schema": {"paths", "manifest"},
        "data": {"manifest", "schema"},
        "check": {"paths", "manifest", "verified", "schema", "data"},
        "undo": {"manifest", "schema"},
        "options": {"manifest", "schema", "data"},
        "export": {
            *("paths", "manifest", "order_page", "schema", "data", "check", "undo", "options"),
        },
    },
    "run": {
        "engine": set(),
        "data": {"engine"},
        "preflight": set(),
        "bundle": {"engine"},
        "migrations": {"engine", "data", "preflight", "bundle"},
        "undo": {"engine", "bundle"},
    },
}

# The engine is what other executors plug into: it knows steps and their content, no files and no folders.
ENGINE_MAY_IMPORT = {"names", "progress", "back_off", "text", "errors", "sql", "postgres", "run.engine"}

# Rooms that are pure: they look at values, never at a server.
PURE = ("text", "sql", "graph", "plan", "migrations", "advise", "anonymise", "document", "report")
DATABASE_LIBRARIES = {"psycopg"}

SOURCES = sorted(PACKAGE.rglob("*.py"))
FUNCTION_LINES = 60


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports(file: Path) -> tuple[tuple[int, str], ...]:
    return tuple(_imports(file))


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def allowed(imported: str, room: str) -> bool:
    inside = imported.removeprefix("migplan").removeprefix(".")
    first = inside.split(".")[0]
    if not first or not ((PACKAGE / first).is_dir() or (PACKAGE / f"{first}.py").is_file()):
        return True  # migplan itself, or a name in it, such as its version
    may = MAY_IMPORT[room] | {room}
    return any(f"{inside}.".startswith(f"{part}.") or f"{part}.".startswith(f"{inside}.") for part in may)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_upstream_only(file: Path) -> None:
    room = room_of(file)
    assert room in MAY_IMPORT, (
        f"{room} is a new room: say in this table and in ARCHITECTURE.md what it may import"
    )
    wrong = [
        f"line {line}: {imported}"
        for line, imported in imports(file)
        if imported.split(".")[0] == "migplan" and not allowed(imported, room)
    ]
    assert not wrong, f"{room} must not import these: {wrong}"


def test_the_engine_knows_no_files_and_no_folders() -> None:
    wrong = [
        f"{file.name}:{line}: {imported}"
        for file in sorted((PACKAGE / "run" / "engine").glob("*.py"))
        for line, imported in imports(file)
        if imported.startswith("migplan.")
        and imported.removeprefix("migplan.") != "__version__"
        and not any(f"{imported}.".startswith(f"migplan.{room}.") for room in ENGINE_MAY_IMPORT)
    ]
    assert not wrong, f"run/engine must not import these: {wrong}"


@pytest.mark.parametrize("room", INSIDE)
def test_rooms_inside_of_a_room_import_downwards_only(room: str) -> None:
    table = INSIDE[room]
    order: list[str] = []
    for part, may in table.items():
        assert may <= set(order), f"{room}/{part}: in this table, what a part may import stands above it"
        order.append(part)
    inside = {file for file in SOURCES if room_of(file) == room and file != PACKAGE / room / "__init__.py"}
    parts = {file: file.relative_to(PACKAGE / room).parts[0].removesuffix(".py") for file in inside}
    assert set(parts.values()) == set(table), f"say in this table what new parts of {room} may import"
    wrong = [
        f"{file.relative_to(PACKAGE)}:{line}: {imported}"
        for file, part in sorted(parts.items())
        for line, imported in imports(file)
        if imported.startswith(f"migplan.{room}.")
        and imported.split(".")[2] in set(table) - {part, *table[part]}
    ]
    assert not wrong


@pytest.mark.parametrize(
    "file", [f for f in SOURCES if room_of(f) in PURE], ids=lambda f: str(f.relative_to(PACKAGE))
)
def test_pure_rooms_know_no_database_library(file: Path) -> None:
    assert not [found for _, found in imports(file) if found.split(".")[0] in DATABASE_LIBRARIES]


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_functions_stay_readable(file: Path) -> None:
    long = [
        f"{node.name}: {length} lines"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.body[0].lineno + 1) > FUNCTION_LINES
    ]
    assert not long


def test_no_room_is_called_by_what_it_is_not() -> None:
    assert not [file for file in SOURCES if file.stem in {"utils", "helpers", "common", "misc"}]


ROOMS = {room_of(file) for file in SOURCES} - {"__init__", "__main__"}


def test_every_room_stands_in_the_architecture() -> None:
    text = (CHECKOUT / "ARCHITECTURE.md").read_text()
    drawn = set(re.findall(r"`(\w+)(?:\.py|/)`", text))
    assert drawn >= ROOMS, f"ARCHITECTURE.md does not speak of {sorted(ROOMS - drawn)}"


def floors() -> dict[str, int]:
    """The picture of ARCHITECTURE.md: of each room, the floor on which it is drawn."""
    text = (CHECKOUT / "ARCHITECTURE.md").read_text()
    found = re.findall(r"^(\d+)  (.*)$", text, re.MULTILINE)
    drawn = {word: int(number) for number, words in found for word in words.split() if word in ROOMS}
    assert set(drawn) == ROOMS, "the picture in ARCHITECTURE.md has other rooms than the package"
    return drawn


def test_the_picture_is_true() -> None:
    """Imports go to lower floors; those on the ground floor, and catalog and postgres, are neighbours."""
    drawn = floors()
    wrong = [
        f"{file.relative_to(PACKAGE)}, line {line}: {imported}"
        for file in SOURCES
        if (here := room_of(file)) in drawn
        for line, imported in imports(file)
        if (there := imported.removeprefix("migplan.").partition(".")[0]) in drawn
        and imported.startswith("migplan.")
        and there != here
        and drawn[there] >= drawn[here] > 0
        and (here, there) != ("catalog", "postgres")
    ]
    assert not wrong


# What stands there only once it was made, or is an example.
MADE = {".venv/", "build/coverage/", "migplan.yaml", "plans/x.yaml", "plans/x.seen.json"}
BUNDLES = {"catalog.json", "attributes.json", "originals.json", "validate/self-references.sql"}


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "ARCHITECTURE.md", "docs/decisions.md"])
def test_paths_that_are_named_are_there(page: str) -> None:
    named = re.findall(r"`([\w./-]+(?:/|\.(?:py|md|sql|toml|txt|json|yaml)))`", (CHECKOUT / page).read_text())
    folders = {path.name for path in PACKAGE.rglob("*") if path.is_dir()}
    assert not [
        path
        for path in named
        if path not in MADE | BUNDLES
        and not re.search("[A-Z]{2}", Path(path).stem)  # NAME.py
        and not (CHECKOUT / path).exists()
        and not (PACKAGE / path).exists()
        and path.removesuffix("/") not in folders
    ], "moved, or misspelt"


def test_every_dependency_has_its_reason_in_the_architecture() -> None:
    text = (CHECKOUT / "ARCHITECTURE.md").read_text()
    project = (CHECKOUT / "pyproject.toml").read_text()
    listed = project.partition("\ndependencies = [")[2].partition("\n]")[0]
    names = re.findall(r'"([A-Za-z0-9-]+)', listed)
    assert names
    assert not [name for name in names if f"**{name}**" not in text]


def test_constraints_hold_names_and_versions_only() -> None:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    assert not [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)]
