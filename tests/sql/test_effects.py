"""What statements create, drop, alter and refer to, under the names that they say."""

from __future__ import annotations

import pytest
from postgast import pg_query_pb2 as pg

from migplan.sql.effects import Effects, Object, effects, relations
from migplan.sql.tree import relation_name, statement_tree

CASES = {
    "CREATE TABLE s.t (x int REFERENCES u)": "+TABLE s.t; key s.t.x -> u",
    'CREATE TEMP TABLE "T t" ()': '+TABLE "T t" (temporary)',
    "CREATE FOREIGN TABLE s.f () SERVER w": "+FOREIGN_TABLE s.f",
    "CREATE TABLE s.p PARTITION OF s.t DEFAULT": "+TABLE s.p; ?TABLE s.t; s.p is a partition of s.t",
    "CREATE TABLE c () INHERITS (a, b)": "+TABLE c; ?TABLE a; ?TABLE b; c inherits a; c inherits b",
    "CREATE TABLE t AS SELECT 1": "+TABLE t",
    "CREATE MATERIALIZED VIEW s.m AS SELECT 1": "+MATVIEW s.m",
    "CREATE VIEW v AS SELECT * FROM t": "+VIEW v",
    "CREATE INDEX ON s.t (x, lower(y))": "+INDEX s.t_x_lower_idx; ~TABLE s.t",
    "CREATE TRIGGER g AFTER INSERT ON s.t EXECUTE FUNCTION f()": "+TRIGGER s.t.g; ~TABLE s.t",
    'CREATE POLICY "p q" ON t': '+POLICY t."p q"; ~TABLE t',
    "CREATE RULE r AS ON INSERT TO t DO NOTHING": "+RULE t.r; ~TABLE t",
    "CREATE STATISTICS s.x ON a, b FROM s.t": "+STATISTIC_EXT s.x; ?TABLE s.t",
    "CREATE FUNCTION f(x int, OUT y text) LANGUAGE sql AS ''": "+FUNCTION f(int4)",
    "CREATE PROCEDURE s.p(a text[], b s.kind) LANGUAGE sql AS ''": "+PROCEDURE s.p(text[], s.kind)",
    "CREATE AGGREGATE a(int, text) (SFUNC = f, STYPE = int)": "+AGGREGATE a(int4, text)",
    "CREATE AGGREGATE a(*) (SFUNC = f, STYPE = int)": "+AGGREGATE a(*)",
    "CREATE AGGREGATE a(BASETYPE = int, SFUNC = f, STYPE = int)": "+AGGREGATE a(int4)",
    "CREATE TYPE s.e AS ENUM ()": "+TYPE s.e",
    "CREATE DOMAIN d AS int": "+DOMAIN d",
    "CREATE SCHEMA AUTHORIZATION me": "+SCHEMA me",
    "CREATE EXTENSION IF NOT EXISTS citext": "+EXTENSION citext",
    "ALTER TABLE s.t ADD CONSTRAINT k FOREIGN KEY (a, b) REFERENCES u (c, d) NOT VALID": (
        "+TABCONSTRAINT s.t.k; ~TABLE s.t; key s.t.a,b -> u.c,d"
    ),
    "ALTER TABLE t ADD FOREIGN KEY (x) REFERENCES u": "+TABCONSTRAINT t.t_x_fkey; ~TABLE t; key t.x -> u",
    "ALTER TABLE t ADD EXCLUDE USING gist (x WITH =)": "+TABCONSTRAINT t.t_x_excl; ~TABLE t",
    "ALTER TABLE t ADD x int, DROP y": "+COLUMN t.x; -COLUMN t.y; ~TABLE t",
    "ALTER TABLE t DROP CONSTRAINT z": "-TABCONSTRAINT t.z; ~TABLE t",
    "ALTER TABLE s.t ATTACH PARTITION s.p DEFAULT": "~TABLE s.t; ?TABLE s.p; s.p is a partition of s.t",
    "ALTER INDEX s.i ATTACH PARTITION s.j": "~INDEX s.i; ?INDEX s.j; s.j is a partition of s.i",
    "ALTER TABLE s.t CLUSTER ON i": "~TABLE s.t; ?INDEX s.i",
    "DROP TABLE s.a, b": "-TABLE s.a; -TABLE b",
    "DROP FUNCTION s.f(int)": "-FUNCTION s.f(int4)",
    "DROP TRIGGER g ON s.t": "-TRIGGER s.t.g",
    "COMMENT ON COLUMN s.t.x IS ''": "?COLUMN s.t.x",
    "COMMENT ON CAST (int AS text) IS ''": "",
    "GRANT SELECT ON s.t TO me": "?TABLE s.t",
    "GRANT SELECT ON ALL TABLES IN SCHEMA s TO me": "?SCHEMA s",
    "ALTER FUNCTION f() OWNER TO me": "~FUNCTION f()",
    "INSERT INTO t SELECT 1": "",
    "VACUUM": "",
}


def shown(each: Object) -> str:
    kind = pg.ObjectType.Name(each.type).removeprefix("OBJECT_")
    return f"{kind} {each.name}{each.signature}" + " (temporary)" * each.temporary


def told(found: Effects) -> str:
    marks = {"+": found.creates, "-": found.drops, "~": found.alters, "?": found.refers}
    said = [mark + shown(each) for mark, objects in marks.items() for each in objects]
    for key in found.keys:
        of = ".".join(filter(None, [key.referenced.name, ",".join(key.referenced_columns)]))
        said.append(f"key {key.table.name}.{','.join(key.columns)} -> {of}")
    for each in found.children:
        how = "is a partition of" if each.is_partition else "inherits"
        said += [f"{each.child.name} {how} {each.parent.name}"]
    return "; ".join(said)


@pytest.mark.parametrize("sql", CASES)
def test_a_statement_s_effects(sql: str) -> None:
    assert told(effects(statement_tree(sql))) == CASES[sql]


def test_a_key_says_whether_it_is_checked() -> None:
    sql = "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES u MATCH FULL NOT VALID"
    (key,) = effects(statement_tree(sql)).keys
    assert (key.name, key.full, key.valid, key.enforced, key.period) == ("k", True, False, True, False)


def test_a_name_stands_in_the_schema_that_the_reader_gives() -> None:
    (table,) = effects(statement_tree("DROP TABLE t")).drops
    (column,) = effects(statement_tree("COMMENT ON COLUMN t.x IS ''")).refers
    (schema,) = effects(statement_tree("DROP SCHEMA s")).drops
    assert [each.name_in("public") for each in (table, column, schema)] == ["public.t", "public.t.x", "s"]


def test_relations_are_found_at_any_depth_and_those_of_with_are_none() -> None:
    sql = "WITH w AS (SELECT * FROM a) UPDATE s.b SET x = (SELECT 1 FROM c) FROM w JOIN s.w USING (x)"
    assert [relation_name(each) for each in relations(statement_tree(sql))] == ["s.b", "c", "s.w", "a"]
