"""Whatever things are called: there and back again, the rows counted right, and all as it was before."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from migplan.bundle.check.examine import check
from migplan.bundle.verified import load_verified
from migplan.names import QualifiedName, quoted
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.bundle.kept import LocalBundle
from migplan.run.engine.options import RunOptions
from migplan.run.undo.rollback import RollbackOptions, rollback
from migplan.verify.target import verify_target
from tests.export.loading import export
from tests.run.rolling import ask, lost, schema
from tests.servers import Server
from tests.strategies import identifiers
from tests.verify.conftest import said

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Named:
    """A database of two schemas, three tables, and what belongs to them, all under names of some kind."""

    schemas: tuple[str, str]
    tables: tuple[str, str, str]
    column: str
    others: tuple[str, ...]  # a key, an index, a trigger, a function, a view, a sequence, a type, a policy

    @property
    def where(self) -> list[QualifiedName]:
        """The tables: the first two are in the first schema."""
        one, two = self.schemas
        return [QualifiedName(home, name) for home, name in zip((one, one, two), self.tables, strict=True)]

    def script(self) -> str:
        parent, child, tree = map(str, self.where)
        column = quoted(self.column)
        home = quoted(self.schemas[0])
        key, index, trigger, function, view, sequence, type_, policy = map(quoted, self.others)
        return (
            f"""
            CREATE SCHEMA {home}; CREATE SCHEMA {quoted(self.schemas[1])};
            CREATE TYPE {home}.{type_} AS ENUM ('x', 'y');
            CREATE TABLE {parent} ({column} int PRIMARY KEY, kind_of_it {home}.{type_} DEFAULT 'x');
            CREATE TABLE {child} ({column} int CONSTRAINT {key} REFERENCES {parent}, plain_b int);
            CREATE TABLE {tree} (id int PRIMARY KEY, {column}_ int REFERENCES {tree})
            """.replace(f"{column}_", quoted("up"))
            + f""";
            INSERT INTO {parent} SELECT g FROM generate_series(1, 3) g;
            INSERT INTO {child} VALUES (1, 1), (2, 2);
            INSERT INTO {tree} VALUES (1, NULL), (2, 1);
            CREATE INDEX {index} ON {child} (plain_b);
            CREATE FUNCTION {home}.{function}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER {trigger} BEFORE INSERT ON {child}
                FOR EACH ROW EXECUTE FUNCTION {home}.{function}();
            CREATE VIEW {quoted(self.schemas[1])}.{view} AS SELECT {column} FROM {parent};
            CREATE SEQUENCE {quoted(self.schemas[1])}.{sequence};
            CREATE POLICY {policy} ON {child} USING (plain_b > 0);
            COMMENT ON TABLE {child} IS 'x';
        """
        )


@st.composite
def named(draw: st.DrawFn) -> Named:
    # All different, and not what the server calls an index, a sequence or a row's type by itself.
    names = draw(st.lists(identifiers, min_size=14, max_size=14, unique=True))
    return Named((names[0], names[1]), (names[2], names[3], names[4]), names[5], tuple(names[6:]))


DOTS = Named(
    ("a", "a.b"), ("b.c", "c", "c "), 'id"', ("k.", "Invoice Line", "t", "f(x", "V", "s'", "{t}", "%s")
)
CASES = Named(("S", "s"), ("Users", "users", "USERS"), "Id", ("K", "I", "T", "F", "V", "Q", "Y", "P"))


def there_and_back(server: Server, names: Named, *words: str) -> None:
    source = server.create_database(names.script())
    target = server.create_database()
    address = server.address(target)
    try:
        before = schema(server, target)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "bundle")
            export(server.url(source), folder, *words)
            assert check(folder) == ()
            bundle = load_verified(folder)
            apply(bundle, address, ApplyOptions(RunOptions(2)))
            assert said(verify_target(address, bundle.paths.folder, scratch=server.address("postgres"))) == []
            ask(
                server,
                target,
                f"UPDATE {names.where[0]} SET kind_of_it = 'y' WHERE {quoted(names.column)} = 3 RETURNING 1",
            )
            undone = rollback(LocalBundle.of(bundle), address, RollbackOptions())
        rows = {table.name: (table.rows, table.own) for table in lost(undone).tables}
        assert rows == dict(zip(names.where, [(3, 2), (2, 2), (2, 2)], strict=True))
        assert undone.whole
        assert schema(server, target) == before
    finally:
        server.drop_database(source)
        server.drop_database(target)


def rows_alone(server: Server, names: Named) -> None:
    source = server.create_database(names.script())
    target = server.create_database(names.script())
    address = server.address(target)
    try:
        for table in reversed(names.where):
            ask(server, target, f"DELETE FROM {table} RETURNING 1")
        with tempfile.TemporaryDirectory() as place:
            export(server.url(source), Path(place, "bundle"), "--data-only")
            bundle = load_verified(Path(place, "bundle"))
            apply(bundle, address, ApplyOptions(RunOptions(2)))
            assert said(verify_target(address, bundle.paths.folder, scratch=server.address("postgres"))) == []
        undone = rollback(LocalBundle(named=False), address, RollbackOptions())
        assert (undone.whole, lost(undone).own) == (True, 7)
        for table in names.where:
            assert ask(server, target, f"SELECT count(*) FROM {table}") == [(0,)]
    finally:
        server.drop_database(source)
        server.drop_database(target)


FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # to shrink would take minutes
    suppress_health_check=list(HealthCheck),
)


@FEW
@example(DOTS, "after-data")
@example(CASES, "with-schema")
@given(named(), st.sampled_from(["after-data", "with-schema"]))
def test_any_name_goes_there_and_back(newest: Server, names: Named, layout: str) -> None:
    there_and_back(newest, names, "--constraints", layout)


@FEW
@example(DOTS)
@given(named())
def test_rows_alone_of_any_name(newest: Server, names: Named) -> None:
    rows_alone(newest, names)


@pytest.mark.in_turn
@pytest.mark.parametrize("names", [DOTS, CASES])
def test_names_that_are_hard_to_take_apart(server: Server, names: Named) -> None:
    there_and_back(server, names)
