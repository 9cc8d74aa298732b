"""Schemas full of expressions of every form, wherever a definition can hold one; made from a seed.

The forms stand in ``grammar/``. What a server refuses (an index on something that is not immutable, an
operator that two types do not have) is left out when it is met: so the grammar may try anything, and the
server decides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import psycopg

COLUMNS = {
    "i": "int",
    "b": "bigint",
    "sm": "smallint",
    "n": "numeric(10,2)",
    "f": "float8",
    "r": "real",
    "t": "text",
    "v": "varchar(10)",
    "c": "char(5)",
    "nm": "name",
    "q": '"char"',
    "bo": "boolean",
    "d": "date",
    "ts": "timestamp",
    "ts3": "timestamp(3)",
    "tz": "timestamptz",
    "tm": "time",
    "tt": "timetz",
    "iv": "interval",
    "j": "json",
    "jb": "jsonb",
    "u": "uuid",
    "by": "bytea",
    "ip": "inet",
    "ci": "cidr",
    "ma": "macaddr",
    "bi": "bit(4)",
    "vb": "varbit(8)",
    "ir": "int4range",
    "tr": "tstzrange",
    "mr": "int4multirange",
    "ia": "int[]",
    "ta": "text[]",
    "va": "varchar(10)[]",
    "ea": "e.mood[]",
    "en": "e.mood",
    "dv": "e.dv",
    "di": "e.di",
    "co": "e.pair",
    "rc": "regclass",
    "ty": "regtype",
    "pt": "point",
    "bx": "box",
    "m": "money",
    "tsv": "tsvector",
    "tsq": "tsquery",
    "o": "oid",
    "ls": "pg_lsn",
    "wt": 'e."Odd type"',
}
"""The columns of every table, and their types."""

LITERALS = {
    "int": ("1", "-2", "0", "2147483647", "'7'"),
    "bigint": ("5000000000", "-1"),
    "smallint": ("3",),
    "numeric(10,2)": ("1.50", "-0.1", "1e10", ".5"),
    "float8": ("1.5", "1e-5", "'NaN'", "'-infinity'"),
    "real": ("2.5", "'inf'"),
    "text": ("'a'", "''", "'it''s'", "E'tab\\t\\\\'", "'100%'", "U&'\\00e4'", "'ä€'"),
    "varchar(10)": ("'a'", "'b'"),
    "char(5)": ("'c'", "'d  '"),
    "name": ("'pg'",),
    '"char"': ("'x'",),
    "boolean": ("true", "false", "'t'"),
    "date": ("'2020-01-31'", "'infinity'"),
    "timestamp": ("'2020-01-31 10:00'",),
    "timestamp(3)": ("'2020-01-31 10:00:00.1234'",),
    "timestamptz": ("'2020-01-31 10:00+02'",),
    "time": ("'10:00'",),
    "timetz": ("'10:00+01'",),
    "interval": ("'1 day 02:00'", "'-3 mons'"),
    "json": ("'{\"a\": [1, 2]}'",),
    "jsonb": ("'{\"a\": 1}'", "'[]'"),
    "uuid": ("'00000000-0000-0000-0000-000000000001'",),
    "bytea": ("'\\x00ff'",),
    "inet": ("'10.0.0.1/8'",),
    "cidr": ("'10.0.0.0/8'", "'::/0'"),
    "macaddr": ("'08:00:2b:01:02:03'",),
    "bit(4)": ("B'1010'", "X'f'"),
    "varbit(8)": ("B'101'",),
    "int4range": ("'[1,5)'", "'empty'"),
    "tstzrange": ("'[2020-01-01,)'",),
    "int4multirange": ("'{[1,3),[5,7)}'",),
    "int[]": ("'{1,2}'", "ARRAY[1, NULL]", "'{{1},{2}}'"),
    "text[]": ("'{a,\"b c\"}'", "ARRAY['x', 'y']"),
    "varchar(10)[]": ("'{a,b}'", "ARRAY['a', 'b']"),
    "e.mood[]": ("'{sad,\"so so\"}'",),
    "e.mood": ("'sad'", "'so so'"),
    "e.dv": ("'a'",),
    "e.di": ("5",),
    "e.pair": ("ROW(1, 'x')", "'(2,y)'"),
    "regclass": ("'e.t0'", "'pg_class'"),
    "regtype": ("'int4'",),
    "point": ("'(1,2)'",),
    "box": ("'(2,2),(0,0)'",),
    "money": ("'1.00'",),
    "tsvector": ("'a b'",),
    "tsquery": ("'a & b'",),
    "oid": ("1259",),
    "pg_lsn": ("'0/10'",),
    'e."Odd type"': ("'x''y'",),
}
"""Values of each type, as SQL has them."""

SCHEMA = """
CREATE SCHEMA e;
CREATE TYPE e.mood AS ENUM ('sad', 'so so', 'it''s');
CREATE TYPE e.pair AS (x int, y text);
CREATE DOMAIN e.dv AS varchar(10);
CREATE DOMAIN e.di AS int;
CREATE DOMAIN e."Odd type" AS text;
CREATE FUNCTION e.add(a int DEFAULT 1, b int DEFAULT 2) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION e.vary(VARIADIC n int[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n[1]';
CREATE FUNCTION e.make(n int) RETURNS e.pair IMMUTABLE LANGUAGE sql AS 'SELECT n, ''''::text';
CREATE FUNCTION e.is_odd(n int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT n % 2 = 1';
CREATE FUNCTION e.rows(n int) RETURNS TABLE (x int, y text) LANGUAGE sql AS 'SELECT n, ''''::text';
CREATE FUNCTION e.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE OPERATOR e.=== (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int);
"""
TABLES = tuple(f"e.t{number}" for number in range(6))
_GAP = re.compile("«([^»]+)»")
_FOLDER = Path(__file__).parent / "grammar"


@cache
def forms() -> dict[str, list[str]]:
    """Templates of expressions, by the type that comes out."""
    found: dict[str, list[str]] = defaultdict(list)
    kind = ""
    for line in _lines("expressions.txt"):
        if line.startswith("[") and line.endswith("]"):
            kind = line[1:-1]
        else:
            found[kind].append(line)
    return found


@cache
def queries() -> list[str]:
    """Templates of queries."""
    return list(_lines("queries.txt"))


def _lines(name: str) -> Iterator[str]:
    lines = (_FOLDER / name).read_text("utf-8").splitlines()
    return (line for line in lines if line and not line.startswith("#"))


@dataclass
class Grammar:
    """What fills the gaps of templates, from one source of chance."""

    chance: Random
    qualifier: str = ""  # of columns: NEW, OLD, a table's alias
    columns: bool = True  # whether there are any to be named
    value: str = ""  # of a domain's VALUE, its type
    within: bool = False  # whether there may be queries within expressions

    def of(self, kind: str, depth: int = 2) -> str:
        """An expression of a type."""
        if depth <= 0 or self.chance.random() < 0.15 or not forms()[kind]:
            return self._leaf(kind)
        form = self.chance.choice(forms()[kind])
        return self.filled(form, depth - 1) if self.within or "SELECT" not in form else self._leaf(kind)

    def filled(self, form: str, depth: int = 2) -> str:
        """The template with expressions in its gaps."""

        def gap(found: re.Match[str]) -> str:
            if found[1] == "table":
                return self.chance.choice(TABLES)
            inner = self.any(depth)[1] if found[1] == "any" else self.of(found[1], depth)
            return inner if inner.replace(".", "_").isidentifier() else f"({inner})"

        return _GAP.sub(gap, form)

    def any(self, depth: int = 2) -> tuple[str, str]:
        """A type, and an expression of it."""
        kind = self.chance.choice(list(COLUMNS.values()))
        return kind, self.of(kind, depth)

    def _leaf(self, kind: str) -> str:
        if kind == self.value:
            return "VALUE"
        names = [name for name, type_ in COLUMNS.items() if type_ == kind]
        if self.columns and names and self.chance.random() < 0.7:
            return self.qualifier + self.chance.choice(names)
        literal = self.chance.choice(LITERALS[kind])
        if self.chance.random() < 0.2 and literal.startswith("'"):
            return literal
        return f"CAST({literal} AS {kind})" if self.chance.random() < 0.3 else f"({literal})::{kind}"


def tables() -> str:
    """What the expressions speak of."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    made = "".join(
        f"CREATE TABLE {table} ({columns}); ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        for table in TABLES
    )
    return SCHEMA + made


def statements(seed: int, count: int) -> Iterator[str]:
    """Definitions, in one place after the other."""
    chance = Random(seed)
    for number in range(count):
        yield PLACES[number % len(PLACES)](chance, number)


def make(connection: psycopg.Connection, seed: int, count: int, without: str = "") -> dict[str, str]:
    """Make a schema; the definitions that the server took, by the name that each gives to its object.

    ``without`` is a word that is in none of them: of what another server was built without.
    """
    connection.execute(tables().encode())
    taken = {}
    for statement in statements(seed, count):
        if without and without in statement.lower():
            continue
        try:
            with connection.transaction():
                connection.execute(statement.encode())
                # Predicates are computed when a query is planned: tables that cannot be read move nowhere.
                for table in TABLES:
                    if table in statement:
                        connection.execute(f"SELECT FROM {table}".encode())
        except psycopg.Error:
            continue
        named = re.search(r"\bx_\w+_\d+\b", statement)
        taken[named[0] if named else statement] = statement
    return taken


def _check(chance: Random, number: int) -> str:
    after = chance.choice(["", "", " NOT VALID", " NO INHERIT"])
    said = Grammar(chance).of("boolean", 3)
    return f"ALTER TABLE {chance.choice(TABLES)} ADD CONSTRAINT x_check_{number} CHECK ({said}){after}"


def _domain(chance: Random, number: int) -> str:
    kind = chance.choice(list(COLUMNS.values()))
    grammar = Grammar(chance, columns=False, value=kind)
    default = f" DEFAULT {Grammar(chance, columns=False).of(kind, 1)}" if chance.random() < 0.4 else ""
    return f"CREATE DOMAIN e.x_domain_{number} AS {kind}{default} CHECK ({grammar.of('boolean', 3)})"


def _default(chance: Random, number: int) -> str:
    kind, said = Grammar(chance, columns=False).any(3)
    return f"ALTER TABLE {chance.choice(TABLES)} ADD COLUMN x_default_{number} {kind} DEFAULT {said}"


def _generated(chance: Random, number: int) -> str:
    kind, said = Grammar(chance).any(3)
    stored = chance.choice(["STORED", "STORED", "VIRTUAL"])
    table = chance.choice(TABLES)
    return f"ALTER TABLE {table} ADD COLUMN x_gen_{number} {kind} GENERATED ALWAYS AS ({said}) {stored}"


def _index(chance: Random, number: int) -> str:
    grammar = Grammar(chance)
    keys = [f"({grammar.any(2)[1]}){chance.choice(['', ' DESC', ' NULLS FIRST'])}"]
    keys += [f'({grammar.of("text", 2)}) COLLATE "C" text_pattern_ops'] * (chance.random() < 0.3)
    keys += [chance.choice(["i", "v", "v varchar_pattern_ops", 't COLLATE "C" DESC'])] * (
        chance.random() < 0.5
    )
    where = f" WHERE {grammar.of('boolean', 3)}" if chance.random() < 0.5 else ""
    unique = chance.choice(["", "UNIQUE "])
    include = chance.choice(["", " INCLUDE (n, d)"])
    table = chance.choice(TABLES)
    return f"CREATE {unique}INDEX x_index_{number} ON {table} ({', '.join(keys)}){include}{where}"


def _partial_index(chance: Random, number: int) -> str:
    said = Grammar(chance).of("boolean", 3)
    return f"CREATE INDEX x_partial_{number} ON {chance.choice(TABLES)} (i) WHERE {said}"


def _exclusion(chance: Random, number: int) -> str:
    grammar = Grammar(chance)
    key = chance.choice(["USING gist (ir WITH &&)", f"USING btree (({grammar.any(2)[1]}) WITH =)"])
    where = f" WHERE ({grammar.of('boolean', 3)})" if chance.random() < 0.7 else ""
    return f"ALTER TABLE {chance.choice(TABLES)} ADD CONSTRAINT x_excl_{number} EXCLUDE {key}{where}"


def _statistics(chance: Random, number: int) -> str:
    said = Grammar(chance).any(2)[1]
    return f"CREATE STATISTICS e.x_stat_{number} ON i, ({said}) FROM {chance.choice(TABLES)}"


def _policy(chance: Random, number: int) -> str:
    grammar = Grammar(chance, within=True)
    command = chance.choice(["ALL", "SELECT", "UPDATE", "INSERT", "DELETE"])
    using = f" USING ({grammar.of('boolean', 3)})" if command != "INSERT" else ""
    check = f" WITH CHECK ({grammar.of('boolean', 3)})" if command in {"ALL", "INSERT", "UPDATE"} else ""
    restrictive = chance.choice(["", " AS RESTRICTIVE"])
    table = chance.choice(TABLES)
    return f"CREATE POLICY x_policy_{number} ON {table}{restrictive} FOR {command}{using}{check}"


def _trigger(chance: Random, number: int) -> str:
    event, row = chance.choice(
        [("INSERT", "NEW."), ("UPDATE OF v, i", "NEW."), ("UPDATE", "OLD."), ("DELETE", "OLD.")]
    )
    said = Grammar(chance, qualifier=row).of("boolean", 3)
    return (
        f"CREATE TRIGGER x_trigger_{number} {chance.choice(['BEFORE', 'AFTER'])} {event}"
        f" ON {chance.choice(TABLES)} FOR EACH ROW WHEN ({said}) EXECUTE FUNCTION e.touch('a', '{number}')"
    )


def _rule(chance: Random, number: int) -> str:
    event, row = chance.choice(
        [("INSERT", "NEW."), ("UPDATE", "NEW."), ("UPDATE", "OLD."), ("DELETE", "OLD.")]
    )
    grammar = Grammar(chance, qualifier=row, within=True)
    other = chance.choice(TABLES)
    action = chance.choice(
        [
            f"INSERT INTO {other} (i, t) VALUES ({grammar.of('int')}, {grammar.of('text')})",
            f"INSERT INTO {other} (i, v) SELECT a.i, a.v FROM {other} a"
            f" WHERE a.v IN ('a', 'b') AND {grammar.of('boolean')}",
            f"UPDATE {other} SET t = {grammar.of('text')}, (i, b) = (SELECT 1, 2) WHERE i = {row}i",
            f"UPDATE {other} AS u SET v = {grammar.of('varchar(10)')} FROM e.t1 x WHERE x.i = u.i",
            f"DELETE FROM {other} d USING e.t2 y WHERE d.i = y.i AND {grammar.of('boolean')}",
            f"(INSERT INTO {other} (i) VALUES (1); DELETE FROM {other} WHERE i = {row}i)",
            f"INSERT INTO {other} (i) VALUES ({row}i) ON CONFLICT DO NOTHING",
            "NOTIFY changed",
            "NOTHING",
        ]
    )
    table = chance.choice(TABLES)
    return (
        f"CREATE RULE x_rule_{number} AS ON {event} TO {table} WHERE {grammar.of('boolean')} DO ALSO {action}"
    )


def _query(chance: Random) -> str:
    template = chance.choice(queries())
    alias = "a." if re.search(r"\ba\b", template) else ""
    return Grammar(chance, qualifier=alias, within=True).filled(template)


def _view(chance: Random, number: int) -> str:
    options = chance.choice(["", "", "", " (x1)", ' ("X 1", y2)', " WITH (security_barrier)"])
    return f"CREATE VIEW e.x_view_{number}{options} AS {_query(chance)}"


def _materialized(chance: Random, number: int) -> str:
    data = chance.choice(["", " WITH NO DATA"])
    return f"CREATE MATERIALIZED VIEW e.x_mat_{number} AS {_query(chance)}{data}"


def _body(chance: Random, number: int) -> str:
    return (
        f"CREATE FUNCTION e.x_body_{number}(i int, v varchar DEFAULT 'a') RETURNS SETOF record LANGUAGE sql"
        f" BEGIN ATOMIC {_query(chance)}; END"
    )


def _returning(chance: Random, number: int) -> str:
    """A function whose body is an expression, of parameters with defaults."""
    kind, said = Grammar(chance).any(3)
    columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    other, default = Grammar(chance, columns=False).any(2)
    return (
        f"CREATE FUNCTION e.x_returns_{number}({columns}, last {other} DEFAULT {default}) RETURNS {kind}"
        f" LANGUAGE sql RETURN {said}"
    )


def _partitioned(chance: Random, number: int) -> str:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    how = chance.choice(["LIST", "RANGE", "HASH"])
    return f"CREATE TABLE e.x_part_{number} ({columns}) PARTITION BY {how} (({Grammar(chance).any(2)[1]}))"


def _partition(chance: Random, number: int) -> str:
    kind = chance.choice(list(COLUMNS.values()))
    one, other = LITERALS[kind][0], LITERALS[kind][-1]
    return (
        f"CREATE TABLE e.x_bound_{number} (k {kind}, n int) PARTITION BY LIST (k);"
        f"CREATE TABLE e.x_bound_{number}_1 PARTITION OF e.x_bound_{number} FOR VALUES IN ({one}, {other});"
        f"CREATE TABLE e.x_bound_{number}_2 PARTITION OF e.x_bound_{number} DEFAULT"
        " PARTITION BY RANGE (k, n);"
        f"CREATE TABLE e.x_bound_{number}_3 PARTITION OF e.x_bound_{number}_2 FOR VALUES FROM"
        f" ({one}, 1) TO ({one}, MAXVALUE)"
    )


def _view_default(chance: Random, number: int) -> str:
    return (
        f"CREATE VIEW e.x_target_{number} AS SELECT i, v, d FROM e.t0"
        f" WHERE {Grammar(chance).of('boolean', 2)}"
        f" WITH CASCADED CHECK OPTION; ALTER VIEW e.x_target_{number} ALTER v SET DEFAULT"
        f" {Grammar(chance, columns=False).of('varchar(10)')}"
    )


PLACES: tuple[Callable[[Random, int], str], ...] = (
    *(_check, _domain, _default, _generated, _index, _partial_index, _exclusion, _statistics, _policy),
    *(_trigger, _rule, _view, _view, _view, _materialized, _body, _body, _returning, _partitioned),
    *(_partition, _view_default),
)
