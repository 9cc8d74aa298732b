"""Rows of a bundle's own files that refer to nothing, found without a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.bundle.check import file_orphans
from migplan.bundle.check.file_orphans import Hashes, orphans_in
from migplan.bundle.manifest import load
from migplan.postgres.address import Address
from tests.catalog import nasty
from tests.export import rich
from tests.export.conftest import bundle, nowhere, run
from tests.export.loading import export
from tests.export.test_orphans import BROKEN
from tests.servers import Server

pytestmark = pytest.mark.slow

__all__ = ["bundle", "nowhere", "run"]

Make = Callable[[str], Address]
LAYOUTS = ["after-data", "with-schema"]


def url(database: Address) -> str:
    return " ".join(f"{key}='{value}'" for key, value in database.params.items())


def found_in(source: str, bundle: Path, *words: str) -> dict[str, tuple[int, tuple[tuple[str, ...], ...]]]:
    """The orphans by the name of their key; nothing may be left unread."""
    manifest = export(source, bundle, *words)
    found = orphans_in(bundle, manifest)
    assert not [each for each in found if each.unread]
    assert {str(each.key) for each in found} <= set(manifest.foreign_keys)
    return {each.key.name: (each.rows, each.samples) for each in found}


@pytest.mark.parametrize("words", [("--constraints", name) for name in LAYOUTS] + [("--data-only",)])
def test_the_same_as_the_database_would_say(
    newest_database: Make, bundle: Path, words: tuple[str, ...]
) -> None:
    assert found_in(url(newest_database(BROKEN)), bundle, *words) == {
        "rooms_hotel": (2, (("7",), ("8",))),
        "rooms_code": (1, (("none",),)),
        "rooms_twin": (1, (("99",),)),
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("make", [rich.database, nasty.database, lambda server: server.demo])
def test_sound_databases_have_none(
    newest: Server, make: Callable[[Server], str], layout: str, bundle: Path
) -> None:
    manifest = export(newest.url(make(newest)), bundle, "--constraints", layout)
    assert not [each for each in orphans_in(bundle, manifest) if each.rows]


def test_equal_values_with_other_texts(newest_database: Make, bundle: Path) -> None:
    source = newest_database(
        """
        CREATE DOMAIN price AS numeric;
        CREATE TABLE p (n price UNIQUE, c char(3) UNIQUE, t text UNIQUE, b bigint UNIQUE, i interval UNIQUE);
        CREATE TABLE o (n numeric(9,3) REFERENCES p (n), c char(8) REFERENCES p (c),
                        t varchar REFERENCES p (t), b smallint REFERENCES p (b));
        INSERT INTO p VALUES (1.5, 'a', E'tab\\tand\\\\', 7), (200, 'b', 'x ', 8);
        INSERT INTO o VALUES (1.5, 'a', E'tab\\tand\\\\', 7), (200, 'b', 'x ', 8);
        SET session_replication_role = replica;
        INSERT INTO o VALUES (20, 'ab', 'x', 9), (NULL, NULL, NULL, NULL);
        """
    )
    assert found_in(url(source), bundle) == {
        "o_n_fkey": (1, (("20.000",),)),
        "o_c_fkey": (1, (("ab      ",),)),
        "o_t_fkey": (1, (("x",),)),
        "o_b_fkey": (1, (("9",),)),
    }
    # Rows alone come without their types: texts that hardly differ are not held against them.
    assert set(found_in(url(source), bundle, "--data-only", "--force")) == {
        "o_n_fkey",
        "o_c_fkey",
        "o_b_fkey",
    }


def test_half_a_key(newest_database: Make, bundle: Path) -> None:
    source = newest_database(
        """
        CREATE TABLE p (a int, b int, PRIMARY KEY (b, a));
        CREATE TABLE o (a int, b int, CONSTRAINT simple FOREIGN KEY (a, b) REFERENCES p (a, b),
                        CONSTRAINT whole FOREIGN KEY (a, b) REFERENCES p (a, b) MATCH FULL);
        INSERT INTO p VALUES (1, 2);
        SET session_replication_role = replica;
        INSERT INTO o VALUES (1, 2), (NULL, NULL), (5, NULL), (2, 1);
        """
    )
    assert found_in(url(source), bundle) == {
        "simple": (1, (("2", "1"),)),
        "whole": (2, (("5", "NULL"), ("2", "1"))),
    }


def test_partitions(newest_database: Make, bundle: Path) -> None:
    source = newest_database(
        """
        CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
        CREATE TABLE o (p int CONSTRAINT o_p REFERENCES p, k int) PARTITION BY LIST (k);
        CREATE TABLE o1 PARTITION OF o FOR VALUES IN (1);
        CREATE TABLE o2 PARTITION OF o FOR VALUES IN (2);
        ALTER TABLE o2 ADD CONSTRAINT o2_p2 FOREIGN KEY (p) REFERENCES p2;
        INSERT INTO p VALUES (1), (2);
        SET session_replication_role = replica;
        INSERT INTO o VALUES (1, 1), (3, 1), (1, 2), (2, 2);
        """
    )
    expected = {"o_p": (1, (("3",),)), "o2_p2": (1, (("1",),))}
    for words in (("--constraints", "after-data"), ("--data-only", "--force")):
        assert found_in(url(source), bundle, *words) == expected
        partitioned = {each.key.name: each.key.partitioned for each in orphans_in(bundle, load(bundle))}
        assert partitioned == {"o_p": True, "o2_p2": False}


def test_keys_that_were_not_valid_and_carried_ones_pass(newest_database: Make, bundle: Path) -> None:
    source = url(newest_database(BROKEN + "ALTER TABLE rooms ALTER CONSTRAINT rooms_hotel DEFERRABLE"))
    for words in ((), ("--constraints", "with-schema", "--force"), ("--data-only", "--force")):
        assert found_in(source, bundle, "--carry-orphans", *words) == {}


NOT_TOLD = """
CREATE TABLE a (id int PRIMARY KEY, b int);
CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a, i interval UNIQUE);
ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES b;
CREATE TABLE c (i interval CONSTRAINT c_i REFERENCES b (i));
INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1, '1 day'); UPDATE a SET b = 1;
INSERT INTO c VALUES ('24:00:00');
"""


def test_what_cannot_be_told_is_said(newest_database: Make, bundle: Path) -> None:
    source = url(newest_database(NOT_TOLD))
    export(source, bundle, "--constraints", "with-schema")
    found = {each.key.name: each.unread for each in orphans_in(bundle, load(bundle))}
    assert found == {
        "a_b": "its values come in a second pass",
        "c_i": "equal values of type interval may have different texts",
    }
    export(source, bundle, "--data-format", "insert", "--force")
    assert {each.unread for each in orphans_in(bundle, load(bundle))} == {"the rows are INSERT statements"}


def test_more_values_than_memory_may_hold(
    newest_database: Make, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = newest_database(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE o (p int CONSTRAINT o_p REFERENCES p, q text);"
        "INSERT INTO p SELECT generate_series(1, 1000); SET session_replication_role = replica;"
        "INSERT INTO o SELECT n, repeat('x', n) FROM generate_series(1, 1007) n"
    )
    monkeypatch.setattr(file_orphans, "HELD", 100)
    rows, samples = found_in(url(source), bundle)["o_p"]
    assert rows == 7
    assert len(set(samples)) == 3
    assert set(samples) <= {(str(number),) for number in range(1001, 1008)}
    with Hashes(3) as hashes:
        hashes.hold(range(-50, 50))
        for number in range(-60, 60):
            assert hashes.may_have(number, 0, number)
        assert sorted(at for _, at in hashes.missing()) == [*range(-60, -50), *range(50, 60)]
