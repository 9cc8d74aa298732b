"""Whatever refers to whatever, and however people group it: the same database comes out, in both layouts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migplan import config as configuration
from migplan.config import Layout
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.plan import make_plan, request_of, write_plan
from migplan.plan.groups import Wish
from tests.export.loading import assert_same, contents, copied, export
from tests.servers import Server

pytestmark = pytest.mark.slow

SCHEMAS = ("s1", "s2", '"S 3"')
TIMING = ("", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED")


@dataclass(frozen=True)
class Key:
    """A foreign key, and by row the row that it refers to; None for NULL."""

    table: int
    referenced: int
    required: bool
    timing: str
    rows: tuple[int | None, ...]


@dataclass(frozen=True)
class Sample:
    """A database to be: tables with their schema, kind of key and rows, and what refers to what."""

    schemas: tuple[str, ...]
    composite: tuple[bool, ...]
    counts: tuple[int, ...]
    keys: tuple[Key, ...]
    triggers: frozenset[int]
    groups: tuple[int, ...]

    def name(self, table: int) -> str:
        return f"{self.schemas[table]}.t{table}"

    def script(self) -> str:
        """Tables, rows, and only then keys: the rows may need each other."""
        lines = [f"CREATE SCHEMA {schema};" for schema in SCHEMAS]
        lines.append(
            "CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql"
            " AS $$BEGIN NEW.note := 'touched'; RETURN NEW; END$$;"
        )
        for table in range(len(self.schemas)):
            lines += self._table(table)
        for number, key in enumerate(self.keys):
            here, there = self._columns(number, key)
            lines.append(
                f"ALTER TABLE {self.name(key.table)} ADD CONSTRAINT k{number} FOREIGN KEY ({here})"
                f" REFERENCES {self.name(key.referenced)} ({there}){key.timing};"
            )
        lines += [
            f"CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON {self.name(table)}"
            " FOR EACH ROW EXECUTE FUNCTION public.stamp();"
            for table in self.triggers
        ]
        return "\n".join(lines)

    def _table(self, table: int) -> list[str]:
        keys = [(number, key) for number, key in enumerate(self.keys) if key.table == table]
        primary = "a, id" if self.composite[table] else "id"
        columns = ["id int", "a int DEFAULT 7 NOT NULL", "note text"]
        for number, key in keys:
            columns.append(f"k{number} int{' NOT NULL' if key.required else ''}")
            if self.composite[key.referenced]:
                columns.append(f"k{number}_a int{' NOT NULL' if key.required else ''}")
        lines = [f"CREATE TABLE {self.name(table)} ({', '.join(columns)}, PRIMARY KEY ({primary}));"]
        for row in range(self.counts[table]):
            values = [str(row), "7", f"'row {row}'"]
            for _, key in keys:
                other, count = key.rows[row], self.counts[key.referenced]
                known = other is not None and count
                values.append("NULL" if other is None or not count else str(other % count))
                if self.composite[key.referenced]:
                    values.append("7" if known else "NULL")
            lines.append(f"INSERT INTO {self.name(table)} VALUES ({', '.join(values)});")
        return lines

    def _columns(self, number: int, key: Key) -> tuple[str, str]:
        if self.composite[key.referenced]:
            return f"k{number}_a, k{number}", "a, id"
        return f"k{number}", "id"

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """Groups in some order, which the keys may forbid."""
        found: dict[int, list[str]] = {}
        for table, group in enumerate(self.groups):
            found.setdefault(group, []).append(self.name(table))
        return tuple(Wish(f"g{group}", tuple(tables)) for group, tables in found.items())


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    count = draw(st.integers(3, 8))
    tables = st.integers(0, count - 1)

    def each(strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(strategy, min_size=count, max_size=count)))

    counts = each(st.integers(1, 6))
    keys = []
    for _ in range(draw(st.integers(2, count + 3))):
        table, referenced, required = draw(tables), draw(tables), draw(st.booleans())
        row = st.integers(0, 5) if required else st.none() | st.integers(0, 5)
        rows = draw(st.lists(row, min_size=counts[table], max_size=counts[table]))
        keys.append(Key(table, referenced, required, draw(st.sampled_from(TIMING)), tuple(rows)))
    return Sample(
        schemas=each(st.sampled_from(SCHEMAS)),
        composite=each(st.booleans()),
        counts=counts,
        keys=tuple(keys),
        triggers=draw(st.frozensets(tables)),
        groups=each(st.integers(0, 2)),
    )


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # to shrink would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(samples(), st.sampled_from(["copy", "insert"]))
def test_any_schema_comes_out_the_same(newest: Server, sample: Sample, form: str) -> None:
    source = newest.create_database(sample.script())
    try:
        expected = contents(newest, source)
        catalog = read_catalog(newest.address(source))
        for layout in Layout:
            request = request_of(configuration.Config(), catalog)
            request = replace(request, layout=layout, groups=sample.wishes, reorder=True)
            with tempfile.TemporaryDirectory() as place:
                plan = Path(place, "plan.yaml")
                write_plan(make_plan(catalog, configuration.Config(), request), plan)
                bundle = Path(place, "bundle")
                export(newest.url(source), bundle, str(plan), "--data-format", form)
                with copied(newest, bundle) as target:
                    found = contents(newest, target)
            assert_same(found, expected, ordered=layout is Layout.AFTER_DATA)
    finally:
        newest.drop_database(source)
