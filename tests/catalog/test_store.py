"""A catalog saved and loaded is the same catalog; what is no catalog is refused with the place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import Catalog, Grant, Server
from migplan.catalog.store import load, save
from migplan.errors import FileError
from tests.catalogs import catalog

SERVER = Server("postgresql://h/d", "d", 180000, "18", "UTF8", "C", "me", True, "2026-01-01T00:00:00Z")


def test_a_catalog_comes_back_equal(nasty_catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "catalog.json"
    save(nasty_catalog, file)
    again = load(file)
    assert again == nasty_catalog
    assert fingerprint(again) == fingerprint(nasty_catalog)
    first = file.read_bytes()
    save(again, file)
    assert file.read_bytes() == first
    assert [entry.name for entry in file.parent.iterdir()] == ["catalog.json"]


def test_an_empty_catalog_comes_back_too(tmp_path: Path) -> None:
    save(Catalog(server=SERVER), tmp_path / "c")
    assert load(tmp_path / "c") == Catalog(server=SERVER)


def whole(tmp_path: Path) -> str:
    save(Catalog(server=SERVER), tmp_path / "whole")
    return (tmp_path / "whole").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, column 1: Expecting value"),
        ("CREATE TABLE t ();", "line 1, column 1: Expecting value"),
        ('{\n "migplan_catalog": 1,\n', "line 3, column 1: "),
        ("[]", "migplan_catalog, the format's version, is missing"),
        ("{}", "migplan_catalog, the format's version, is missing"),
        ('{"migplan_catalog": 1}', "server, where and when it was read, is missing"),
        ('{"migplan_catalog": 1, "server": null}', "server: "),
        ('{"migplan_catalog": 1, "server": {}}', "server.address: Field required"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_what_is_no_catalog_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "c.json"
    file.write_text(text, "utf-8")
    with pytest.raises(FileError) as refused:
        load(file)
    assert refused.value.what.startswith(f"{file} is not a catalog that migplan wrote: {said}")
    assert refused.value.do == "write it again with: migplan catalog --source URL --out FILE"
    assert refused.value.file == file


def test_a_truncated_file_is_refused_wherever_it_was_cut(tmp_path: Path) -> None:
    text = whole(tmp_path)
    file = tmp_path / "cut.json"
    for length in range(len(text.rstrip())):
        file.write_text(text[:length], "utf-8")
        with pytest.raises(FileError):
            load(file)


def test_a_wrong_value_is_named_with_its_place(tmp_path: Path) -> None:
    content = json.loads(whole(tmp_path))
    content["tables"] = [{"name": {"schema": "s", "name": "t"}, "columns": [{"name": "a"}]}]
    file = tmp_path / "c.json"
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(FileError, match=r"tables\.0\.columns\.0\.type: Field required"):
        load(file)


@pytest.mark.parametrize("format_", [0, 2, "1", None, [1]])
def test_another_format_is_refused_by_its_number(tmp_path: Path, format_: object) -> None:
    content = json.loads(whole(tmp_path)) | {"migplan_catalog": format_}
    file = tmp_path / "c.json"
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(FileError, match=r"this migplan reads format 1|is missing"):
        load(file)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file or directory"):
        load(tmp_path / "nowhere")
    with pytest.raises(FileError, match="Is a directory"):
        load(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="it is not UTF-8 text"):
        load(tmp_path / "binary")
    with pytest.raises(FileError, match="cannot write"):
        save(Catalog(server=SERVER), tmp_path)


def test_a_catalog_of_before_there_were_grants_still_loads(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    grant = Grant("table", "public", "a", "", "public", ("SELECT",))
    now = replace(catalog({"a": []}), grants=(grant,))
    save(now, file)
    assert load(file) == now
    content = json.loads(file.read_text())
    del content["grants"]
    file.write_text(json.dumps(content))
    assert load(file) == replace(now, grants=())
