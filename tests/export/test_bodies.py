"""Functions name others in bodies that are strings: what pg_dump restores loads as well, in any groups."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from migplan import config as configuration
from migplan.config import Layout
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.plan import make_plan, request_of, write_plan
from migplan.plan.groups import Wish
from migplan.postgres import pg_dump
from tests.export.loading import assert_same, contents, copied, export, psql
from tests.servers import Server

pytestmark = pytest.mark.slow

SCHEMAS = ("s1", "s2", '"S 3"')

# Each takes and returns a text; {0} and {1} are functions, {t} a table, {d} a domain, {o} an operator.
SQL = "LANGUAGE sql IMMUTABLE"
PLPGSQL = "LANGUAGE plpgsql IMMUTABLE"
BODIES = (
    f"{SQL} AS $$SELECT {{0}}($1)$$",
    f"{SQL} AS $$SELECT {{0}}({{1}}($1))$$",
    f"{SQL} AS 'SELECT coalesce((SELECT max(x) FROM {{t}} WHERE false), {{0}}($1))'",
    f"{SQL} AS 'SELECT ($1::{{d}})::text'",
    f"{SQL} AS 'SELECT $1 OPERATOR({{o}}) $1'",
    f"{SQL} SET search_path TO {{schema}} AS 'SELECT {{bare}}($1)'",
    f"{PLPGSQL} AS $$DECLARE v {{t}}%ROWTYPE; BEGIN RETURN {{0}}($1); END$$",
    f"{PLPGSQL} AS $$BEGIN PERFORM FROM {{t}} WHERE false; RETURN {{0}}($1); END$$",
    f"{PLPGSQL} AS $$DECLARE v text; BEGIN EXECUTE 'SELECT {{0}}($1)' INTO v USING $1; RETURN v; END$$",
    f"{PLPGSQL} SET search_path TO {{schema}} AS $$BEGIN RETURN {{bare}}($1); END$$",
)
ENDINGS = (f"{SQL} AS 'SELECT $1'", f"{PLPGSQL} AS $$BEGIN RETURN $1; END$$")

COLUMNS = (
    "g text GENERATED ALWAYS AS ({0}(x)) STORED",
    "g text GENERATED ALWAYS AS (x || {0}('c')) STORED",
    "g text DEFAULT {0}('c')",
    "g text CHECK ({0}(g) <> 'never')",
    "g {d}",
    "g text",
)
ON_TABLES = (
    "CREATE INDEX ON {t} ({0}(x));",
    "CREATE INDEX ON {t} ((x || {0}('c')), {1}(x));",
    "CREATE INDEX ON {t} (x) WHERE {0}(x) = {1}('c');",
    "CREATE POLICY {p} ON {t} USING ({0}(x) = x);",
    "CREATE STATISTICS {n} ON ({0}(x)), x FROM {t};",
    "ALTER TABLE {t} ADD CHECK ({0}(x) <> 'never');",
    "ALTER TABLE {t} ADD EXCLUDE (({0}(x)) WITH =);",
    "CREATE VIEW {n} AS SELECT {0}(x) AS x FROM {t};",
    "CREATE MATERIALIZED VIEW {n} AS SELECT {0}(x) AS x FROM {t};",
    "CREATE VIEW {n} AS SELECT id, x FROM {t} GROUP BY id;",
)


@dataclass
class Sample:
    """A database to be, and how its tables are to be grouped."""

    script: str
    tables: list[str]
    groups: list[int]

    @property
    def wishes(self) -> tuple[Wish, ...]:
        found: dict[int, list[str]] = {}
        for table, group in zip(self.tables, self.groups, strict=True):
            found.setdefault(group, []).append(table)
        return tuple(Wish(f"g{group}", tuple(tables)) for group, tables in found.items())


class Builder:
    """Things are made after what they need, under names in any order of the alphabet."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._numbers = iter(self._chance.sample(range(100), 100))
        self.lines = [f"CREATE SCHEMA {schema};" for schema in SCHEMAS]
        self.functions: list[str] = []
        self.tables: list[str] = []
        self.readable: list[str] = []
        self.domains: list[str] = []
        self.operators: list[str] = []

    def name(self) -> str:
        return f"{self.pick(SCHEMAS)}.n{next(self._numbers):02}"

    def pick(self, things: tuple[str, ...] | list[str]) -> str:
        # The latest are the likeliest, so that chains grow long.
        return str(self._chance.choice([*things, *things[-2:]]))

    def filled(self, template: str, **more: str) -> str:
        function = self.pick(self.functions)
        schema, bare = function.rsplit(".", 1)
        return template.format(
            function,
            self.pick(self.functions),
            schema=schema,
            bare=bare,
            **{"t": self.pick(self.readable), "d": self.pick(self.domains), "o": self.pick(self.operators)}
            | more,
        )

    def function(self, first: bool = False) -> None:
        body = self.pick(ENDINGS) if first else self.filled(self.pick(BODIES))
        name = self.name()
        self.lines.append(f"CREATE FUNCTION {name}(text) RETURNS text {body};")
        self.functions.append(name)

    def domain(self) -> None:
        name = self.name()
        self.lines.append(
            f"CREATE DOMAIN {name} AS text CHECK ({self.pick(self.functions)}(VALUE) <> 'never');"
        )
        self.domains.append(name)

    def operator(self) -> None:
        inner, name = self.pick(self.functions), self.name()
        self.lines.append(f"CREATE FUNCTION {name}(text, text) RETURNS text {SQL} AS 'SELECT {inner}($1)';")
        operator = f"{self.pick(SCHEMAS)}.{'@' * (len(self.operators) + 1)}#"
        self.lines.append(f"CREATE OPERATOR {operator} (LEFTARG = text, RIGHTARG = text, FUNCTION = {name});")
        self.operators.append(operator)

    def table(self, first: bool = False) -> None:
        name = self.name()
        columns = ["id int", "x text"] if first else ["id int", "x text", self.filled(self.pick(COLUMNS))]
        if not first and self._chance.random() < 0.4:
            key = self.filled(self.pick(["{0}(x)", "{0}(x || {1}('c'))", "(x::{d})"]))
            part = self.name()
            self.lines += [
                f"CREATE TABLE {name} ({', '.join(columns)}) PARTITION BY LIST ({key});",
                f"CREATE TABLE {part} PARTITION OF {name} FOR VALUES IN ('c', 'k', 'kc');",
                f"CREATE TABLE {self.name()} PARTITION OF {name} DEFAULT;",
            ]
        else:
            columns[0] += " PRIMARY KEY"
            self.lines.append(f"CREATE TABLE {name} ({', '.join(columns)});")
        self.lines.append(f"INSERT INTO {name} (id, x) VALUES (1, 'k'), (2, 'c'), (3, 'r');")
        self.tables.append(name)
        self.readable.append(name)

    def on_table(self) -> None:
        template = self.pick(ON_TABLES)
        name = self.name()
        table = self.pick(self.tables)
        partitioned = f"CREATE TABLE {table} (" in "\n".join(
            line for line in self.lines if "PARTITION BY" in line
        )
        if partitioned and ("EXCLUDE" in template or "GROUP BY" in template):
            return
        self.lines.append(self.filled(template, t=table, n=name, p=f"p{len(self.lines)}"))
        if "VIEW" in template:
            self.readable.append(name)

    def built(self) -> Sample:
        self.function(first=True)
        self.table(first=True)
        self.domain()
        self.operator()
        weights = {self.function: 6, self.domain: 1, self.operator: 1, self.table: 3, self.on_table: 5}
        for step in self._chance.choices(
            list(weights), list(weights.values()), k=self._chance.randint(10, 26)
        ):
            step()
        groups = [self._chance.randrange(3) for _ in self.tables]
        return Sample("\n".join(self.lines), self.tables, groups)


def restored(server: Server, source: str) -> bool:
    """Whether psql restores what pg_dump makes of a database."""
    program = pg_dump.suitable(server.version, encrypted=False).program("pg_dump")
    with tempfile.TemporaryDirectory() as place:
        script = Path(place, "dump.sql")
        subprocess.run([str(program), "-f", str(script), "-d", server.url(source)], check=True)
        target = server.create_database()
        try:
            psql(server.url(target), "--file", str(script))
        except AssertionError:
            return False
        finally:
            server.drop_database(target)
    return True


# Each of these was in a wrong order once; others are as good.
@pytest.mark.parametrize("seed", [17, 23, 34, 136, 178])
def test_whatever_pg_dump_restores_loads(newest: Server, seed: int) -> None:
    assert check(newest, Builder(seed).built())


CALLED_BY_A_KEY = """
    CREATE FUNCTION zz(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
    CREATE FUNCTION aa(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT public.zz($1)';
    CREATE TABLE parted (x text) PARTITION BY LIST (aa(x));
    CREATE TABLE part PARTITION OF parted FOR VALUES IN ('k');
    CREATE TABLE indexed (x text);
    CREATE INDEX ON indexed (aa(x));
    INSERT INTO parted VALUES ('k');
    INSERT INTO indexed VALUES ('q');
"""


def test_functions_keep_the_order_of_pg_dump(newest: Server) -> None:
    assert check(newest, Sample(CALLED_BY_A_KEY, ["public.indexed", "public.parted"], [0, 1]))


def check(newest: Server, sample: Sample) -> bool:
    source = newest.create_database(sample.script)
    try:
        if not restored(newest, source):
            return False
        expected = contents(newest, source)
        catalog = read_catalog(newest.address(source))
        for layout in Layout:
            request = request_of(configuration.Config(), catalog)
            request = replace(request, layout=layout, groups=sample.wishes, reorder=True)
            with tempfile.TemporaryDirectory() as place:
                plan = Path(place, "plan.yaml")
                write_plan(make_plan(catalog, configuration.Config(), request), plan)
                bundle = Path(place, "bundle")
                export(newest.url(source), bundle, str(plan))
                with copied(newest, bundle) as target:
                    assert_same(contents(newest, target), expected, ordered=False)
    finally:
        newest.drop_database(source)
    return True
