"""Files of data steps: loaded by their path, with every mistake on its line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from migplan.errors import FileError
from migplan.run.data.load import DataFileError, load

pytestmark = pytest.mark.slow

GOOD = """\
from __future__ import annotations
from dataclasses import dataclass
from migplan.data import DataStep

@dataclass
class Thing:
    name: str

STEP: DataStep = DataStep(
    read="SELECT 1 AS id",
    key=("id",),
    into="things",
)
"""


def written(folder: Path, text: str, name: str = "20250101_fill.py") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_it_is_loaded_and_leaves_no_trace(tmp_path: Path) -> None:
    before = list(sys.path)
    loaded = load(written(tmp_path, GOOD))
    assert loaded.step.into == "things"
    assert [loaded.line(word) for word in ("STEP", "read", "into", "rate")] == [9, 10, 12, 9]
    assert sys.path == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["20250101_fill.py"]


def test_it_is_loaded_anew(tmp_path: Path) -> None:
    """The same size, in the same second."""
    file = written(tmp_path, GOOD)
    load(file)
    assert load(written(tmp_path, GOOD.replace("things", "thongs"))).step.into == "thongs"


def test_what_stands_beside_it_can_be_imported(tmp_path: Path) -> None:
    written(tmp_path, "TABLE = 'first'\n", "_words.py")
    text = "from ._words import TABLE\n" + GOOD.replace('"things"', "TABLE").replace(
        "from __future__ import annotations\n", ""
    )
    assert load(written(tmp_path, text)).step.into == "first"
    written(tmp_path, "TABLE = 'second'\n", "_words.py")
    assert load(tmp_path / "20250101_fill.py").step.into == "second"
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("class Thing:", "class Thing", 6, "expected ':'"),
        ("name: str", "name: str = nothing", 7, "NameError: name 'nothing' is not defined"),
        ("import dataclass", "import dataglass", 2, "ImportError: cannot import name 'dataglass'"),
        ("name: str", "raise SystemExit(3)", 7, "SystemExit: 3"),
        ("name: str", "open('/nowhere/at/all')", 7, "FileNotFoundError"),
        ('("id",)', '("id")', 9, "key must be a tuple, such as ('id',) with its comma"),
        ('("id",)', "()", 9, "key must name at least one column"),
        ('"SELECT 1 AS id"', '" "', 9, "read must be a query"),
        ("into=", "inro=", 9, "unexpected keyword argument 'inro'"),
        ('into="things"', 'into="a.b.c"', 9, "has 3 parts"),
        ('into="things"', 'into="t", write=print', 9, "say where rows go"),
        ('into="things"', 'into=""', 9, "say where rows go"),
        ('into="things"', 'write=print, conflict=("id",)', 9, "conflict goes with into"),
        ('into="things"', 'into="t", batch=0', 9, "batch must be 1 or more, and is 0"),
        ('into="things"', 'into="t", rate=0', 9, "rate must be more than 0, or None, and is 0"),
        ('into="things"', 'into="t", on_error="go on"', 9, "on_error must be 'stop' or 'skip'"),
        ('into="things"', 'into="t", transient=("x",)', 9, "transient must name classes of exceptions"),
        ("STEP: DataStep", "STOP", 1, "it defines no STEP"),
        ("DataStep(\n", "dict(\n", 1, "STEP is a dict, not a DataStep"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    file = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(DataFileError) as caught:
        load(file)
    assert said in caught.value.what
    assert str(caught.value).startswith(f"{file}:{line}: ")


def test_a_mistake_beside_it_is_told_there(tmp_path: Path) -> None:
    written(tmp_path, "x = 1\ny = (\n", "_words.py")
    file = written(tmp_path, "from . import _words\n")
    with pytest.raises(DataFileError, match="was never closed") as caught:
        load(file)
    assert (caught.value.file, caught.value.line) == (tmp_path / "_words.py", 2)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read: No such file"):
        load(tmp_path / "001_none.py")
