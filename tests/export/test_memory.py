"""Memory is flat: a long field costs blocks, not itself several times, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from migplan.bundle.check import file_orphans
from migplan.bundle.check.file_orphans import _Place, _rows
from migplan.bundle.data import inserts
from migplan.bundle.data.inserts import InsertStyle
from migplan.bundle.data.steps import RowBlock
from migplan.bundle.manifest import Block
from migplan.errors import RefusedError
from migplan.postgres.address import Address
from migplan.postgres.copy_out import _by_libpq
from migplan.postgres.session import connect
from tests.export.loading import psql
from tests.servers import Server

pytestmark = pytest.mark.slow

FIELD = 48_000_000

# What stands in the field shows where a row is cut in pieces wrongly: escapes, quotes, and no period of 2.
SCHEMA = """
    CREATE TABLE owners (id int PRIMARY KEY, t text);
    CREATE TABLE wide (id int PRIMARY KEY, t text, owner int REFERENCES owners);
"""
ROWS = (
    SCHEMA
    + rf"""
    INSERT INTO owners VALUES (1, 'one'), (2, 'two');
    INSERT INTO wide VALUES (1, 'first', 1), (2, repeat(E'a\\bc\td''\né', {FIELD} // 10), 2), (3, 'last', 2);
""".replace("//", "/")
)

RUN = """
import resource, sys
from migplan.cli import main
try:
    main(sys.argv[1:])
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
"""


def peak(*words: str, code: str = RUN) -> int:
    """The most memory that a command took."""
    ran = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, timeout=200
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return int(ran.stderr.rsplit("peak", 1)[1])


def test_a_long_field_costs_a_few_blocks(
    newest: Server, newest_database: Callable[[str], Address], tmp_path: Path
) -> None:
    narrow, wide, target = (newest_database(script).params["dbname"] for script in (SCHEMA, ROWS, ""))
    usual = peak("export", "--no-plan", "--source", newest.url(narrow), "--out", str(tmp_path / "narrow"))
    bundle = str(tmp_path / "wide")
    for words in (
        ["export", "--no-plan", "--source", newest.url(wide), "--out", bundle],
        ["check", bundle],
        ["apply", bundle, "--target", newest.url(target)],
    ):
        assert peak(*words) - usual < FIELD / 2, words
    digest = "SELECT md5(string_agg(md5(w::text), '' ORDER BY id)) FROM wide w"
    assert psql(newest.url(target), "-c", digest) == psql(newest.url(wide), "-c", digest)


def test_rows_come_in_pieces_where_libpq_reads_them(newest_database: Callable[[str], Address]) -> None:
    statement = "COPY (SELECT * FROM wide ORDER BY id) TO STDOUT"
    with connect(newest_database(ROWS)) as connection:
        pieces = list(_by_libpq(connection, statement))
        ((expected,),) = connection.execute("SELECT octet_length(t) FROM wide WHERE id = 2").fetchall()
    assert max(map(len, pieces)) <= 1 << 18
    lines = b"".join(pieces).split(b"\n")
    assert [line.split(b"\t")[0] for line in lines] == [b"1", b"2", b"3", b""]
    assert len(lines[1]) > expected


ROW = RowBlock("public.wide", ("id", "t", "n"), "")
LINE = b"1\t" + rb"a\\b\tc'd\n" * 40 + b"\\\\" * 90 + b"\t" + rb"\N" + b"\n"


def test_rows_that_make_too_long_a_statement_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inserts, "LONGEST", 1 << 21)
    with pytest.raises(RefusedError, match=r"a row of public\.wide makes an INSERT of 2 MB") as refused:
        inserts.write(ROW, BytesIO(b"1\t" + b"x" * (3 << 20) + b"\t2\n"), BytesIO(), InsertStyle())
    assert "--data-format copy" in refused.value.do


@pytest.mark.parametrize("size", [7, 8, 64])
def test_a_long_value_is_the_same_literal_piece_by_piece(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, pieces = BytesIO(), BytesIO()
    inserts.write(ROW, BytesIO(LINE), whole, InsertStyle())
    monkeypatch.setattr(inserts, "LARGE", size)
    inserts.write(ROW, BytesIO(LINE), pieces, InsertStyle())
    assert pieces.getvalue() == whole.getvalue()


@pytest.mark.parametrize("size", [5, 8, 64])
def test_keys_are_found_beside_long_values(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rows"
    file.write_bytes(LINE * 3)
    place = _Place(file, Block(table="public.wide", columns=ROW.columns, rows=3, start=0, end=len(LINE) * 3))
    monkeypatch.setattr(file_orphans, "_CHUNK", size)
    expected = [(len(LINE) * number, [rb"\N", b"1"]) for number in range(3)]
    assert list(_rows(place, ["n", "id"])) == expected
