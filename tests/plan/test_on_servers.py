"""What plans claim of live keys, proved on a server: in their order, by their strategies, rows get in.

The loader is written here, as plainly as can be: it knows the plan and the rows, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from migplan.catalog.model import Catalog
from migplan.catalog.selection import Selected
from migplan.config import Strategy
from migplan.graph import ForeignKeyGraph, build
from migplan.pipeline.analyze import read_catalog
from migplan.plan.cuts import nullable_columns
from migplan.plan.make import make
from migplan.plan.model import Plan
from migplan.postgres.address import Address
from tests.plan.making import request
from tests.servers import Server

pytestmark = pytest.mark.slow

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Case:
    """A schema, rows that only go in one way, and the strategies that the plan must find."""

    schema: str
    rows: Rows
    ways: dict[str, str]


CASES = {
    "nullable": Case(
        """
        CREATE TABLE depts (id int PRIMARY KEY, head int);
        CREATE TABLE people (id int PRIMARY KEY, dept int NOT NULL REFERENCES depts);
        ALTER TABLE depts ADD FOREIGN KEY (head) REFERENCES people;
        """,
        {
            "depts": [{"id": 1, "head": 10}, {"id": 2, "head": None}],
            "people": [{"id": 10, "dept": 1}, {"id": 11, "dept": 2}],
        },
        {"depts": "null-then-update"},
    ),
    "deferrable, NOT NULL": Case(
        """
        CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);
        CREATE TABLE b (id int PRIMARY KEY, c int NOT NULL);
        CREATE TABLE c (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
        ALTER TABLE b ADD FOREIGN KEY (c) REFERENCES c DEFERRABLE;
        """,
        {"a": [{"id": 1, "b": 1}], "b": [{"id": 1, "c": 1}], "c": [{"id": 1, "a": 1}]},
        {"b": "deferred"},
    ),
    "NOT NULL, not deferrable": Case(
        """
        CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);
        CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
        """,
        {"a": [{"id": 1, "b": 2}], "b": [{"id": 2, "a": 1}]},
        {"a": "constraint-later"},
    ),
    "hierarchy": Case(
        "CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff, deputy int REFERENCES staff);",
        {
            "staff": [
                {"id": 1, "boss": 3, "deputy": None},
                {"id": 2, "boss": 1, "deputy": 4},
                {"id": 3, "boss": None, "deputy": None},
                {"id": 4, "boss": 3, "deputy": 1},
            ]
        },
        {"staff": "levels"},
    ),
    "three schemas and a composite key": Case(
        """
        CREATE SCHEMA x; CREATE SCHEMA y; CREATE SCHEMA z;
        CREATE TABLE x.a (t int, id int, b int NOT NULL, PRIMARY KEY (t, id));
        CREATE TABLE y.b (t int, id int, c int, PRIMARY KEY (t, id));
        CREATE TABLE z.c (t int, id int, a int NOT NULL, PRIMARY KEY (t, id),
                          FOREIGN KEY (t, a) REFERENCES x.a);
        ALTER TABLE x.a ADD FOREIGN KEY (t, b) REFERENCES y.b;
        ALTER TABLE y.b ADD FOREIGN KEY (t, c) REFERENCES z.c;
        """,
        {
            "x.a": [{"t": 1, "id": 1, "b": 1}],
            "y.b": [{"t": 1, "id": 1, "c": 1}],
            "z.c": [{"t": 1, "id": 1, "a": 1}],
        },
        {"y.b": "null-then-update"},
    ),
    "a partition that refuses NULL": Case(
        """
        CREATE TABLE e (id int, note int) PARTITION BY LIST (id);
        CREATE TABLE e_1 PARTITION OF e FOR VALUES IN (1);
        ALTER TABLE e_1 ALTER note SET NOT NULL;
        ALTER TABLE e ADD PRIMARY KEY (id);
        CREATE TABLE notes (id int PRIMARY KEY, e int NOT NULL REFERENCES e);
        ALTER TABLE e ADD FOREIGN KEY (note) REFERENCES notes;
        """,
        {"e": [{"id": 1, "note": 7}], "notes": [{"id": 7, "e": 1}]},
        {"e": "constraint-later"},
    ),
    "a key that its rows break": Case(
        """
        CREATE TABLE a (id int PRIMARY KEY);
        CREATE TABLE b (id int PRIMARY KEY, a int);
        ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a NOT VALID;
        """,
        {"a": [{"id": 1}], "b": [{"id": 1, "a": 1}, {"id": 2, "a": 99}]},
        {"b": "constraint-later"},
    ),
}


def planned(catalog: Catalog) -> tuple[Plan, ForeignKeyGraph]:
    graph = build(catalog)
    return make(Selected(catalog), graph, request(live=True)), graph


class Loader:
    """Loads rows into a database in which the keys are live, as a plan says."""

    def __init__(
        self, connection: psycopg.Connection, plan: Plan, graph: ForeignKeyGraph, rows: Rows
    ) -> None:
        self.connection = connection
        self.plan = plan
        self.graph = graph
        self.rows = rows
        self.afterwards: list[Callable[[], object]] = []

    def load(self) -> None:
        with self.connection.transaction():
            self.connection.execute("SET CONSTRAINTS ALL DEFERRED")
            for table in self.plan.tables:
                getattr(self, f"_{table.strategy.name.lower()}")(table.table, table.keys)
            for step in self.afterwards:
                step()

    def _copy(self, table: str, _: tuple[str, ...] = ()) -> None:
        for row in self.rows.get(table.removeprefix("public."), []):
            self._insert(table, row)

    _deferred = _copy

    def _levels(self, table: str, keys: tuple[str, ...]) -> None:
        left = list(self.rows[table.removeprefix("public.")])
        columns = [column for key in keys for column in self._key(table, key).columns]
        there: set[Any] = {None}
        while left:
            ready = [row for row in left if all(row[column] in there for column in columns)]
            assert ready
            for row in ready:
                self._insert(table, row)
                left.remove(row)
                there.add(row["id"])

    def _null_then_update(self, table: str, keys: tuple[str, ...]) -> None:
        node = next(name for name in self.graph.tables if str(name) == table)
        empty = [
            column for key in keys for column in nullable_columns(self._key(table, key), node, self.graph)
        ]
        for row in self.rows[table.removeprefix("public.")]:
            self._insert(table, {**row, **dict.fromkeys(empty)})
            for column in empty:
                statement = sql.SQL("UPDATE {} SET {} = %s WHERE id = %s").format(
                    as_sql(table), sql.Identifier(column)
                )
                values = [row[column], row["id"]]
                self.afterwards.append(partial(self.connection.execute, statement, values))

    def _constraint_later(self, table: str, keys: tuple[str, ...]) -> None:
        for key in keys:
            found = self.connection.execute(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid = %s::regclass AND conname = %s",
                [table, key],
            ).fetchone()
            assert found
            change = sql.SQL("ALTER TABLE {} {{}} CONSTRAINT {} {{}}").format(
                as_sql(table), sql.Identifier(key)
            )
            text = change.as_string(self.connection)
            self.connection.execute(text.format("DROP", "").encode())
            again = text.format("ADD", found[0]).encode()
            self.afterwards.append(partial(self.connection.execute, again))
        self._copy(table)

    def _key(self, table: str, key: str) -> Any:
        return next(each for each in self.graph.all_keys if (str(each.table), each.name) == (table, key))

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        self.connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                as_sql(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Literal, row.values())),
            )
        )


def as_sql(table: str) -> sql.SQL:
    return sql.SQL(table)


def in_order_of_names(plan: Plan) -> Plan:
    """The same tables as someone without a plan would load them."""
    groups = tuple(
        group.model_copy(
            update={
                "tables": tuple(
                    table.model_copy(update={"strategy": Strategy.COPY})
                    for table in sorted(group.tables, key=lambda table: table.table)
                )
            }
        )
        for group in plan.groups
    )
    return plan.model_copy(update={"groups": groups})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_rows_get_in_as_planned_and_not_in_the_order_of_names(
    newest: Server, newest_database: Callable[[str], Address], case: Case
) -> None:
    address = newest_database(case.schema)
    plan, graph = planned(read_catalog(address))
    assert {
        table.table.removeprefix("public."): table.strategy.value
        for table in plan.tables
        if table.strategy is not Strategy.COPY
    } == case.ways
    with newest.connect(dbname=address.params["dbname"]) as connection:
        keys = (
            "SELECT conrelid::regclass, conname, convalidated FROM pg_constraint "
            "WHERE contype = 'f' ORDER BY 1, 2"
        )
        before = connection.execute(keys).fetchall()
        with pytest.raises(errors.ForeignKeyViolation):
            Loader(connection, in_order_of_names(plan), graph, case.rows).load()
        Loader(connection, plan, graph, case.rows).load()
        assert connection.execute(keys).fetchall() == before
        for table, rows in case.rows.items():
            columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
            query = sql.SQL("SELECT {} FROM {}").format(columns, as_sql(table))
            found = connection.execute(query).fetchall()
            assert sorted(map(repr, found)) == sorted(repr(tuple(row.values())) for row in rows)
