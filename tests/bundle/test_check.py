"""A bundle is whole, or the check says what is wrong with it, and in which line."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from migplan.bundle import manifest as manifests
from migplan.bundle.check.examine import Examination, check, examine
from migplan.bundle.check.problem import Kind, Problem
from migplan.bundle.manifest import Block, BundleFile, LoadedTable, Manifest, MovedObject, Origin, Step
from migplan.bundle.paths import BundlePaths
from migplan.cli import main
from migplan.config import Layout, Strategy
from migplan.errors import FileError

HOTELS = "CREATE TABLE public.hotels (\n    id integer PRIMARY KEY,\n    name text\n);\n"
ROOMS = "CREATE TABLE public.rooms (\n    id integer PRIMARY KEY,\n    hotel integer\n);\n"
KEY = (
    "ALTER TABLE ONLY public.rooms\n"
    "    ADD CONSTRAINT rooms_hotel FOREIGN KEY (hotel) REFERENCES public.hotels(id);\n"
)


@dataclass(frozen=True)
class Data:
    """Rows of a table, as lines of COPY."""

    table: str
    columns: tuple[str, ...]
    lines: tuple[str, ...]
    insert: bool = False

    @property
    def text(self) -> str:
        columns = ", ".join(self.columns)
        if not self.insert:
            return f"COPY {self.table} ({columns}) FROM stdin;\n" + "".join(
                f"{line}\n" for line in self.lines
            )
        return "".join(
            f"INSERT INTO {self.table} ({columns}) VALUES\n"
            + ",\n".join("(" + ", ".join(f"'{value}'" for value in line.split("\t")) + ")" for line in pair)
            + ";\n"
            for pair in (self.lines[number : number + 2] for number in range(0, len(self.lines), 2))
        )


Part = str | Data
ONE = Data("public.hotels", ("id", "name"), ("1\tSchloß; 'am See", "2\tSELECT"))
TWO = Data("public.rooms", ("id", "hotel"), ("10\t1", "11\t1", "12\t2"))


@dataclass
class Sample:
    """A bundle to be written into a folder: files of SQL, and files of steps."""

    schema: dict[str, str] = field(default_factory=lambda: {"01-schema-all.sql": HOTELS + ROOMS})
    data: dict[str, list[list[Part]]] = field(default_factory=lambda: {"10-data-all.sql": [[ONE], [TWO]]})
    constraints: dict[str, str] = field(default_factory=lambda: {"20-constraints-all.sql": KEY})
    strategies: dict[str, Strategy] = field(default_factory=dict)
    layout: Layout = Layout.AFTER_DATA
    homes: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Manifest:
        paths = BundlePaths(folder)
        paths.rollback("").mkdir(parents=True)
        paths.row_counts.parent.mkdir()
        paths.row_counts.write_text("SELECT count(*) FROM public.hotels;\n")
        files = []
        for phase, written in (
            ("schema", self.schema),
            ("data", self.data),
            ("constraints", self.constraints),
        ):
            for name, content in written.items():
                text, steps = (content, []) if isinstance(content, str) else _steps(content)
                paths.step(name).write_bytes(text.encode())
                paths.rollback(name).write_text("BEGIN;\nDROP TABLE IF EXISTS public.rooms;\nCOMMIT;\n")
                files.append(
                    BundleFile(
                        file=name,
                        phase=phase,
                        group="all",
                        sha256=manifests.digest(paths.step(name)),
                        bytes=len(text.encode()),
                        rows=sum(step.rows for step in steps),
                        steps=tuple(steps),
                    )
                )
        manifest = self._manifest(files)
        manifests.save(manifest, paths)
        return manifest

    def _manifest(self, files: list[BundleFile]) -> Manifest:
        rows: dict[str, int] = {}
        for block in (block for file in files for step in file.steps for block in step.blocks):
            if not block.table.startswith("pg_temp."):
                table = self.homes.get(block.table, block.table)
                rows[table] = rows.get(table, 0) + block.rows
        return Manifest(
            name="sample",
            database="demo",
            postgresql=18,
            needs_postgresql=13,
            origin=Origin(source="demo", server="18", snapshot_at="2025-01-01"),
            catalog="1",
            plan="2",
            constraints=self.layout,
            rows=sum(rows.values()),
            files=tuple(files),
            tables=tuple(
                LoadedTable(
                    table=table,
                    group="all",
                    depth=0,
                    rows=count,
                    strategy=self.strategies.get(table, Strategy.COPY),
                )
                for table, count in rows.items()
            ),
            objects=tuple(
                MovedObject(kind="TABLE", in_schema="public", name=name, file="01-schema-all.sql")
                for name in ("hotels", "rooms")
            ),
        )


def _steps(content: list[list[Part]]) -> tuple[str, list[Step]]:
    text, steps = "-- ünï\nSET client_encoding = 'UTF8';\n", []
    for number, parts in enumerate(content):
        begin = len(text.encode())
        text += f"\n-- step {number}\nBEGIN;\n"
        blocks = []
        for part in parts:
            if isinstance(part, str):
                text += part
                continue
            head = "" if part.insert else part.text.partition("\n")[0] + "\n"
            start = len((text + head).encode())
            text += part.text
            end = len(text.encode())
            text += "" if part.insert else "\\.\n"
            blocks.append(
                Block(table=part.table, columns=part.columns, rows=len(part.lines), start=start, end=end)
            )
        text += "COMMIT;\n"
        rows = sum(block.rows for block in blocks if not block.table.startswith("pg_temp."))
        steps.append(
            Step(name=f"step {number}", rows=rows, start=begin, end=len(text.encode()), blocks=tuple(blocks))
        )
    return text, steps


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound bundle."""
    Sample().write(tmp_path / "bundle")
    return tmp_path / "bundle"


def problems(tmp_path: Path, **changes: Any) -> tuple[Problem, ...]:
    Sample(**changes).write(tmp_path / "other")
    return check(tmp_path / "other")


def kinds(found: tuple[Problem, ...]) -> list[tuple[Kind, str, int | None]]:
    return [(problem.kind, problem.file, problem.line) for problem in found]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_bytes().decode()
    assert text.count(old) == 1
    file.write_bytes(text.replace(old, new).encode())


def remade(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest, and leave the files as they are."""
    content = manifests.load(folder).model_dump(mode="json")
    change(content)
    manifests.save(Manifest.model_validate(content), BundlePaths(folder))


# --- sound bundles ----------------------------------------------------------------------------------------


def test_a_sound_bundle_has_no_problem_and_is_counted(folder: Path) -> None:
    found = examine(folder)
    assert found.problems == ()
    sizes = sum(file.stat().st_size for file in folder.rglob("*.sql"))
    # three files that run, three that roll back, one that counts
    assert found == Examination((), files=7, statements=20, rows=5, bytes=sizes)


def test_rows_may_come_as_inserts(tmp_path: Path) -> None:
    one = Data(ONE.table, ONE.columns, ("1\ta", "2\tb", "3\tc", "4\td", "5\te"), insert=True)
    nothing = Data("public.rooms", ("id", "hotel"), (), insert=True)
    two = Data("public.rooms", ("id", "hotel"), ("1\t1",), insert=True)
    data: dict[str, list[list[Part]]] = {"10-data-all.sql": [[one, nothing, two]]}
    Sample(data=data).write(tmp_path / "bundle")
    found = examine(tmp_path / "bundle")
    assert (found.problems, found.rows) == ((), 6)


def test_rows_without_values_are_rows_too(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    text = "INSERT INTO public.hotels DEFAULT VALUES;\n"
    Sample(data={"10-data-all.sql": [[text * 3]]}).write(folder)

    def block(content: dict[str, Any]) -> None:
        file = content["files"][1]
        start = (folder / file["file"]).read_bytes().index(text.encode())
        end = start + 3 * len(text)
        file["steps"][0]["blocks"] = [
            {"table": "public.hotels", "columns": [], "rows": 3, "start": start, "end": end}
        ]
        file["steps"][0]["rows"] = file["rows"] = content["rows"] = 3
        content["tables"] = [
            {"table": "public.hotels", "group": "all", "depth": 0, "rows": 3, "strategy": "copy"}
        ]

    remade(folder, block)
    assert check(folder) == ()


def test_a_second_pass_brings_no_rows(tmp_path: Path) -> None:
    scratch: list[Part] = [
        "CREATE TEMPORARY TABLE s ON COMMIT DROP AS SELECT id, hotel FROM public.rooms WITH NO DATA;\n",
        Data("pg_temp.s", ("id", "hotel"), ("10\t1", "11\t1")),
        "UPDATE public.rooms t SET hotel = s.hotel FROM pg_temp.s s WHERE t.id = s.id;\n",
    ]
    assert problems(tmp_path, data={"10-data-all.sql": [[ONE], [TWO], scratch]}) == ()


def test_rows_of_partitions_are_rows_of_their_table(tmp_path: Path) -> None:
    tree = (
        "CREATE TABLE public.stays (id int) PARTITION BY RANGE (id);\n"
        "CREATE TABLE public.old PARTITION OF public.stays DEFAULT PARTITION BY LIST (id);\n"
        "CREATE TABLE public.older (id int);\n"
        "ALTER TABLE ONLY public.old ATTACH PARTITION public.older FOR VALUES IN (1);\n"
    )
    rows = Data("public.older", ("id",), ("1", "1"))
    sample: dict[str, Any] = {
        "schema": {"01-schema-all.sql": HOTELS + ROOMS + tree},
        "data": {"10-data-all.sql": [[ONE], [TWO], [rows]]},
        "homes": {"public.older": "public.stays"},
    }
    assert problems(tmp_path, **sample) == ()
    key = "ALTER TABLE public.hotels ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES public.stays (id);\n"
    sample["schema"] = {"01-schema-all.sql": HOTELS + ROOMS + tree + key}
    Sample(**sample).write(tmp_path / "bound")
    (problem,) = check(tmp_path / "bound")
    assert problem.what.startswith("rows of public.hotels come before rows of public.stays (10-data-all.sql:")


# --- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("01-schema-all.sql", "name text", "name TEXT"),
        ("10-data-all.sql", "11\t1", "11\t2"),
        ("10-data-all.sql", "11\t1\n", ""),
        ("10-data-all.sql", "-- step 0\n", "-- step 0: reviewed\n"),
        ("10-data-all.sql", "11\t1\n", "11\t1\n17\t1\n"),
    ],
)
def test_an_edited_file_is_changed_and_nothing_else(folder: Path, name: str, old: str, new: str) -> None:
    edit(folder / name, old, new)
    (problem,) = check(folder)
    assert (problem.kind, problem.file, problem.line) == (Kind.CHANGED, name, None)
    assert ("bytes" in problem.what) == (len(old) != len(new))


def test_a_missing_file(folder: Path) -> None:
    (folder / "10-data-all.sql").unlink()
    (problem,) = check(folder)
    assert problem.kind is Kind.MISSING
    assert problem.what == "cannot be read: No such file or directory"


def test_a_file_that_nobody_listed(folder: Path) -> None:
    (folder / "11-data-more.sql").write_text("SELECT 'never read")
    assert kinds(check(folder)) == [(Kind.UNLISTED, "11-data-more.sql", None)]


def test_a_missing_rollback(folder: Path) -> None:
    (folder / "rollback" / "10-data-all.sql").unlink()
    assert kinds(check(folder)) == [(Kind.ROLLBACK, "10-data-all.sql", None)]


def test_a_file_cut_off_among_its_rows(folder: Path) -> None:
    file = folder / "10-data-all.sql"
    content = file.read_bytes()
    file.write_bytes(content[: content.index(b"11\t1")])
    assert kinds(check(folder)) == [(Kind.SYNTAX, file.name, 14), (Kind.CHANGED, file.name, None)]
    assert "no end" in check(folder)[0].what


def test_an_empty_file(folder: Path) -> None:
    (folder / "10-data-all.sql").write_bytes(b"")
    (problem,) = check(folder)
    assert problem.what == "was changed after the export: 0 bytes, 224 were exported"


@pytest.mark.parametrize(
    "name", ["01-schema-all.sql", "rollback/01-schema-all.sql", "validate/row-counts.sql"]
)
def test_each_syntax_error_is_reported_with_its_line(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1;\n-- ünï\nSELECT\n  'ü'\n  FORM t;\nSELECT 2;\nTABLE;\n")
    found = [problem for problem in check(folder) if problem.kind is Kind.SYNTAX]
    assert [(problem.file, problem.line, problem.what) for problem in found] == [
        (name, 5, 'syntax error at or near "t"'),
        (name, 7, 'syntax error at or near ";"'),
    ]


def test_a_meta_command(folder: Path) -> None:
    edit(
        folder / "01-schema-all.sql", "CREATE TABLE public.rooms", "\\i rooms.sql\nCREATE TABLE public.rooms"
    )
    found = check(folder)
    assert kinds(found)[0] == (Kind.META_COMMAND, "01-schema-all.sql", 5)
    assert found[0].what == "\\i is a command of psql's, and no SQL"


def test_bytes_that_are_no_text(folder: Path) -> None:
    file = folder / "10-data-all.sql"
    file.write_bytes(file.read_bytes().replace("Schloß".encode(), "Schloß".encode("latin-1")))
    found = check(folder)
    assert kinds(found)[0] == (Kind.SYNTAX, file.name, 7)
    assert found[0].what == "byte 0xdf is not UTF-8"


def test_what_psql_and_postgresql_would_split_differently(folder: Path) -> None:
    odd = "CREATE FUNCTION public.f() RETURNS int AS 'x' LANGUAGE begin atomic;SELECT 1; end;"
    (folder / "validate" / "odd.sql").write_text(odd)
    assert Kind.SYNTAX in {problem.kind for problem in check(folder)}


# --- the manifest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "is not a bundle"),
        ("{", "is not a manifest"),
        ("[]", "has format None"),
        ('{"migplan_bundle": 99}', "has format 99"),
        ('{"migplan_bundle": 1}', "is not a manifest: name"),
    ],
)
def test_a_manifest_that_cannot_be_read(folder: Path, content: str | None, what: str) -> None:
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_text(content)
    with pytest.raises(FileError, match=what):
        check(folder)


Change = Callable[[dict[str, Any]], None]


def _set(key: str, value: Any, *, step: int = 1, block: bool = True) -> Change:
    def change(content: dict[str, Any]) -> None:
        found = content["files"][1]["steps"][step]
        found = found["blocks"][0] if block else found
        found[key] = value(found[key]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    ("change", "kind", "what"),
    [
        (_set("rows", 4), Kind.ROWS, "3 rows of public.rooms; the manifest says 4"),
        (_set("table", "public.room"), Kind.PLACE, "rows of public.rooms, where the manifest has"),
        (_set("columns", ("hotel", "id")), Kind.PLACE, "(id, hotel); the manifest says (hotel, id)"),
        (_set("start", lambda start: start + 5), Kind.ROWS, "no rows of public.rooms at byte"),
        (_set("end", lambda end: end - 5), Kind.PLACE, "rows of public.rooms end at byte"),
        (_set("start", lambda start: start + 20, block=False), Kind.PLACE, "are not one transaction"),
        (_set("end", lambda end: end - 8, block=False), Kind.PLACE, "are not one transaction"),
        (_set("end", lambda end: end - 20, block=False), Kind.PLACE, "cuts this in two"),
        (
            _set("rows", 2, block=False),
            Kind.MANIFEST,
            "step 1 of 10-data-all.sql has 2 rows, its blocks have 3",
        ),
        (lambda content: content["files"][1]["steps"].pop(), Kind.PLACE, "belong to no step"),
        (lambda content: content["files"][1].update(rows=9), Kind.MANIFEST, "has 9 rows, its steps have 5"),
        (lambda content: content["files"][1].update(bytes=9), Kind.MANIFEST, "bytes; the manifest says 9"),
        (lambda content: content.update(rows=9), Kind.MANIFEST, "the bundle has 9 rows, its files have 5"),
        (lambda content: content["files"].append(content["files"][0]), Kind.MANIFEST, "is listed twice"),
        (
            lambda content: content["files"][0].update(file="../01-schema-all.sql"),
            Kind.MANIFEST,
            "'../01-schema-all.sql' is no name of a file here",
        ),
    ],
)
def test_a_manifest_that_says_other_things_than_the_files(
    folder: Path, change: Change, kind: Kind, what: str
) -> None:
    remade(folder, change)
    found = check(folder)
    assert [problem for problem in found if problem.kind is kind and what in problem.what], found


def test_rows_of_one_table_cannot_stand_for_those_of_another(folder: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["tables"][0]["rows"] += 1
        content["tables"][1]["rows"] -= 1

    remade(folder, change)
    assert [problem.what for problem in check(folder)] == [
        "public.hotels has 3 rows, the files have 2",
        "public.rooms has 2 rows, the files have 3",
    ]


def test_inserts_that_are_not_what_the_manifest_says(tmp_path: Path) -> None:
    one = Data(ONE.table, ONE.columns, ("1\ta", "2\tb", "3\tc"), insert=True)
    Sample(data={"10-data-all.sql": [[one], [TWO]]}).write(tmp_path / "bundle")
    remade(tmp_path / "bundle", _set("rows", 4, step=0))
    assert "3 rows of public.hotels; the manifest says 4" in [
        each.what for each in check(tmp_path / "bundle")
    ]


# --- order ------------------------------------------------------------------------------------------------


def test_a_key_to_a_table_of_a_later_file(tmp_path: Path) -> None:
    schema = {"01-schema-all.sql": ROOMS + KEY, "02-schema-more.sql": HOTELS}
    (problem,) = problems(tmp_path, schema=schema, constraints={})[:1]
    assert (problem.kind, problem.file, problem.line) == (Kind.ORDER, "01-schema-all.sql", 5)
    assert problem.what == (
        "rooms_hotel refers to public.hotels, which is created later, at 02-schema-more.sql:1"
    )


@pytest.mark.parametrize(
    "rooms",
    [
        "CREATE TABLE public.rooms (id int, hotel int REFERENCES public.hotels);\n",
        "CREATE TABLE public.rooms (id int, hotel int, FOREIGN KEY (hotel) REFERENCES public.hotels);\n",
        "CREATE TABLE public.rooms (id int);\n"
        "ALTER TABLE public.rooms ADD hotel int REFERENCES public.hotels;\n",
    ],
)
def test_every_way_to_write_a_key_is_seen(tmp_path: Path, rooms: str) -> None:
    found = problems(tmp_path, schema={"01-schema-all.sql": rooms + HOTELS}, constraints={})
    assert [problem.what for problem in found] == [
        "a key of public.rooms refers to public.hotels, which is created later, at "
        f"01-schema-all.sql:{1 + rooms.count(chr(10))}"
    ]


def test_a_key_to_a_table_that_no_file_creates(tmp_path: Path) -> None:
    rows, key = problems(tmp_path, schema={"01-schema-all.sql": ROOMS})
    assert (rows.kind, rows.file, rows.line) == (Kind.LACKS, "10-data-all.sql", 6)
    assert rows.what == "COPY public.hotels: needs public.hotels, which no file creates"
    assert (key.kind, key.file, key.line) == (Kind.LACKS, "20-constraints-all.sql", 1)
    assert key.what == "rooms_hotel refers to public.hotels, which no file creates"


def test_a_key_to_a_table_that_was_never_promised(tmp_path: Path) -> None:
    other = {"20-constraints-all.sql": KEY.replace("public.hotels", "elsewhere.hotels")}
    (problem,) = problems(tmp_path, constraints=other)
    assert problem.what == "rooms_hotel refers to elsewhere.hotels, which no file creates"
    Sample(constraints=other).write(tmp_path / "provided")
    remade(tmp_path / "provided", lambda content: content.update(provides={"schemas": ["else*"]}))
    assert check(tmp_path / "provided") == ()


LIVE: dict[str, Any] = {
    "schema": {"01-schema-all.sql": HOTELS + ROOMS + KEY},
    "constraints": {},
    "layout": Layout.WITH_SCHEMA,
}


def test_rows_come_after_the_rows_that_live_keys_need(tmp_path: Path) -> None:
    assert problems(tmp_path, **LIVE) == ()
    Sample(**LIVE, data={"10-data-all.sql": [[TWO], [ONE]]}).write(tmp_path / "wrong")
    (problem,) = check(tmp_path / "wrong")
    assert (problem.kind, problem.file, problem.line) == (Kind.ORDER, "10-data-all.sql", 6)
    assert problem.what == (
        "rows of public.rooms come before rows of public.hotels (10-data-all.sql:15), which rooms_hotel needs"
    )


def test_rows_in_the_wrong_files(tmp_path: Path) -> None:
    data = {"10-data-a.sql": [[TWO]], "11-data-b.sql": [[ONE]]}
    assert kinds(problems(tmp_path, **LIVE, data=data)) == [(Kind.ORDER, "10-data-a.sql", 6)]


@pytest.mark.parametrize("strategy", Strategy)
def test_strategies_that_load_out_of_order(tmp_path: Path, strategy: Strategy) -> None:
    found = problems(
        tmp_path, **LIVE, data={"10-data-all.sql": [[TWO, ONE]]}, strategies={"public.rooms": strategy}
    )
    may = strategy in {Strategy.DEFERRED, Strategy.NULL_THEN_UPDATE, Strategy.CONSTRAINT_LATER}
    assert bool(found) != may


def test_keys_that_come_after_the_rows_or_are_not_enforced_bind_nothing(tmp_path: Path) -> None:
    backwards: dict[str, list[list[Part]]] = {"10-data-all.sql": [[TWO], [ONE]]}
    assert problems(tmp_path, data=backwards) == ()
    idle = HOTELS + ROOMS + KEY.replace(";", " NOT ENFORCED;")
    Sample(schema={"01-schema-all.sql": idle}, constraints={}, data=backwards).write(tmp_path / "idle")
    assert check(tmp_path / "idle") == ()
    after = [[TWO], [ONE, KEY]]
    Sample(constraints={}, data={"10-data-all.sql": after}).write(tmp_path / "after")  # type: ignore[dict-item]
    assert check(tmp_path / "after") == ()


def test_a_table_that_refers_to_itself(tmp_path: Path) -> None:
    own = "ALTER TABLE public.rooms ADD CONSTRAINT own FOREIGN KEY (hotel) REFERENCES public.rooms;\n"
    assert problems(tmp_path, schema={"01-schema-all.sql": HOTELS + ROOMS + own}) == ()


# --- size, and the command --------------------------------------------------------------------------------


def test_memory_is_flat(tmp_path: Path) -> None:
    many = Data("public.rooms", ("id", "hotel"), ("1\t1",) * 1_000_000)
    Sample(data={"10-data-all.sql": [[ONE], [many]]}).write(tmp_path / "bundle")
    del many
    tracemalloc.start()
    found = examine(tmp_path / "bundle")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.problems, found.rows) == ((), 1_000_002)
    assert peak < 4_000_000


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["check", *words])
    return result.exit_code, result.output


def test_the_command_says_that_a_bundle_is_sound(folder: Path) -> None:
    code, text = run(str(folder))
    assert code == 0
    assert text.startswith(f"{folder} is as its manifest says: 7 files, 20 statements, 5 rows, ")


def test_the_command_says_each_problem_and_ends_with_1(folder: Path) -> None:
    edit(folder / "01-schema-all.sql", "name text", "name text,")
    code, text = run(str(folder))
    assert code == 1
    assert text.splitlines()[0] == '01-schema-all.sql:4: syntax: syntax error at or near ")"'
    assert f"2 problems in 1 file of {folder}" in text


def test_the_command_ends_with_2_where_there_is_no_bundle(tmp_path: Path) -> None:
    code, text = run(str(tmp_path))
    assert code == 2
    assert "is not a bundle" in text
