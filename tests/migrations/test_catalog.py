"""The model of a catalog says what the server says, after each file of folders and generated statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migplan.migrations.analysis import Analysis, analyze
from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.order import Order, Walk
from migplan.migrations.source_files import reopened
from migplan.names import quoted
from migplan.postgres.session import Session, connect
from migplan.run.migrations.objects import present
from migplan.sql.split import Statement, pieces
from tests.migrations.folders import written
from tests.servers import Server

_OF_THE_CLUSTER = frozenset({ThingKind.ROLE, ThingKind.EXTENSION, ThingKind.OTHER})
_NOT_NULL = """
    SELECT nspname, relname, conname FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = conrelid JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE contype = 'n'
"""


def there(session: Session) -> frozenset[Thing]:
    """What the server has; NOT NULL is no constraint to the model, and row types are their tables."""
    unnamed = {
        Thing(ThingKind.CONSTRAINT, ".".join(map(quoted, row)))
        for row in session.ask(_NOT_NULL, during="reading constraints")
    }
    found = present(session) - unnamed
    rows = {each.name for each in found if each.kind is ThingKind.TABLE}
    return frozenset(
        each
        for each in found
        if each.kind not in _OF_THE_CLUSTER and not (each.kind is ThingKind.TYPE and each.name in rows)
    )


def compare(walk: Walk, now: frozenset[Thing], base: frozenset[Thing], where: str) -> None:
    """What the model says for certain is there, and what is there it knows, but for parts of open tables."""
    catalog = walk.catalog
    certain = {each for each in catalog.things() if each.kind not in _OF_THE_CLUSTER}
    assert not certain - now, f"{where}: the server has none of {certain - now}"
    open_tables = catalog.open_tables()
    may_be = set(catalog.things(sure=False)) | base
    unknown = {
        each
        for each in now - may_be
        if not any(each.name.startswith(f"{table}.") for table in open_tables)
        and each.kind not in walk.clouds
        and not (open_tables and each.kind in {ThingKind.INDEX, ThingKind.SEQUENCE})
    }
    assert not unknown, f"{where}: the model does not know {unknown}"


def refuses_nothing(order: Order) -> None:
    """What the server ran, nobody may refuse."""
    assert not order.contradictions
    assert not [each for each in order.duplicates if each.is_wrong]
    assert not [each for each in order.missing if each.is_sure and each.thing.kind not in _OF_THE_CLUSTER]


@pytest.fixture(scope="module")
def session(newest: Server) -> Iterator[Session]:
    name = newest.create_database()
    with closing(connect(newest.address(name))) as opened:
        yield opened
    newest.drop_database(name)


def walked(session: Session, analysis: Analysis) -> None:
    """Run the files one by one in a transaction that is rolled back, and compare after each."""
    with session.transaction(force_rollback=True):
        base = there(session)
        walk = Walk(analysis.order.file_analyses)
        for name in walk.files():
            part = analysis.by_name[name].migration.up
            for piece in pieces(reopened(part), part.file):
                assert isinstance(piece, Statement)
                session.execute(piece.text.encode())
            session.execute("SET LOCAL search_path = public")
            compare(walk, there(session), base, name)


# --- folders ----------------------------------------------------------------------------------------------

_T = "CREATE TABLE t (id serial PRIMARY KEY, x int CONSTRAINT k CHECK (x > 0), y text);"
FALSE_ALARMS: dict[str, tuple[str, ...]] = {
    "a constraint dropped and made again in one statement": (
        _T,
        "ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT k CHECK (x > 1);",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (x > 2), DROP CONSTRAINT k;",
        "ALTER TABLE t DROP CONSTRAINT k; ALTER TABLE t ADD CONSTRAINT k CHECK (x > 3);",
    ),
    "a policy dropped and made again on one line": (
        _T,
        "CREATE POLICY p ON t USING (x > 0);",
        "DROP POLICY p ON t; CREATE POLICY p ON t USING (x > 1);",
        "DROP POLICY IF EXISTS p ON t; DROP POLICY IF EXISTS q ON t; CREATE POLICY p ON t USING (true);",
        "ALTER POLICY p ON t RENAME TO q; ALTER POLICY q ON t USING (x > 0);",
    ),
    "tables and columns renamed, there and back": (
        _T,
        "CREATE INDEX i ON t (x, y); CREATE VIEW v AS SELECT x FROM t;",
        "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME x TO z;",
        "ALTER TABLE u ADD CONSTRAINT z UNIQUE (z); INSERT INTO u (z, y) VALUES (1, '');",
        "ALTER TABLE u RENAME TO t; ALTER TABLE t RENAME z TO x; ALTER TABLE t DROP CONSTRAINT z;",
        "CREATE TABLE u (t int REFERENCES t (id)); ALTER TABLE t DROP COLUMN y; DROP TABLE t CASCADE;",
        _T,
    ),
    "a rebuild": (
        _T,
        "CREATE TABLE t_new (id int PRIMARY KEY, x bigint); INSERT INTO t_new SELECT id, x FROM t;"
        "DROP TABLE t; ALTER TABLE t_new RENAME TO t; ALTER INDEX t_new_pkey RENAME TO t_pkey;",
        "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (x);",
        "ALTER TABLE t RENAME TO t_old; CREATE TABLE t (LIKE t_old INCLUDING ALL); DROP TABLE t_old;",
    ),
    "ALTER TABLE IF EXISTS": (
        "ALTER TABLE IF EXISTS t ADD COLUMN z int; ALTER TABLE IF EXISTS t RENAME TO u;",
        _T,
        "ALTER TABLE IF EXISTS t ADD COLUMN z int; ALTER TABLE t DROP COLUMN z;",
        "DROP TABLE t; ALTER TABLE IF EXISTS t DROP COLUMN x;",
    ),
    "bodies that nobody calls": (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO later VALUES (1); END $$;",
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM f(); RETURN NEW; END $$;",
        "CREATE TABLE later (x int);",
        "ALTER TABLE later RENAME TO late; DROP TABLE late;",
    ),
    "sequences of serial and identity columns": (
        'CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY, "N" serial);',
        "SELECT setval('t_id_seq', 9); SELECT nextval('T_ID_SEQ'), nextval('public.\"t_N_seq\"');",
        "ALTER TABLE t ALTER id DROP IDENTITY;",
        "CREATE SEQUENCE t_id_seq OWNED BY t.id; ALTER TABLE t RENAME TO u;",
        "ALTER SEQUENCE t_id_seq RENAME TO s; ALTER TABLE u ALTER id SET DEFAULT nextval('S');",
        "ALTER TABLE u ALTER id DROP DEFAULT, ALTER id ADD GENERATED ALWAYS AS IDENTITY;",
        "DROP SEQUENCE s; ALTER TABLE u DROP COLUMN id;",
    ),
    "array types": (
        "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE t (m mood[], n _mood, o public.mood[][]);",
        "CREATE FUNCTION f(mood[]) RETURNS SETOF mood[] LANGUAGE sql AS $$ SELECT '{a}'::_mood $$;",
        "ALTER TYPE mood RENAME TO feeling; ALTER TABLE t ADD p feeling[];",
        "ALTER TYPE feeling RENAME VALUE 'b' TO 'c'; DROP TYPE feeling CASCADE;",
        "CREATE TYPE mood AS ENUM ('x');",
    ),
    "ALTER CONSTRAINT": (
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (t int CONSTRAINT k REFERENCES t);",
        "ALTER TABLE u ALTER CONSTRAINT k DEFERRABLE; ALTER TABLE u RENAME CONSTRAINT k TO l;",
        "ALTER TABLE u ADD CONSTRAINT k UNIQUE (t); ALTER TABLE u RENAME CONSTRAINT k TO m;",
        "ALTER INDEX m RENAME TO k; ALTER TABLE u DROP CONSTRAINT k, DROP CONSTRAINT l;",
    ),
    "names that the server chooses": (
        "CREATE TABLE t (a int UNIQUE CHECK (a > 0) CHECK (a < 9), b int REFERENCES t (a), UNIQUE (a), "
        "UNIQUE (a, b));",
        "CREATE INDEX ON t (a); CREATE INDEX ON t (a); CREATE INDEX ON t (lower(a::text), b) WHERE a > 0;",
        "ALTER TABLE t ADD CHECK (a > b), ADD CHECK (b > a), ADD UNIQUE (b), "
        "ADD FOREIGN KEY (a) REFERENCES t (a);",
        "CREATE TABLE u (t_a_check int, EXCLUDE USING btree (t_a_check WITH =)); ALTER TABLE t RENAME TO v;",
        "CREATE TABLE t (a serial UNIQUE CHECK (a > 0), b int REFERENCES t (a) REFERENCES v (b));",
        "DROP INDEX t_a_idx; CREATE INDEX ON v (a); DROP TABLE v CASCADE;",
    ),
    "what uses a column goes with it by CASCADE": (
        _T + "ALTER TABLE t ADD z int, ADD w int; CREATE TABLE o (x int, y int);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;",
        "CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s; CREATE POLICY k ON s.t USING (x > 0);"
        "CREATE POLICY l ON s.t FOR INSERT WITH CHECK (t.x > 0); CREATE POLICY m ON s.t USING (z > 0);"
        "CREATE POLICY n ON s.t USING (EXISTS (SELECT FROM o WHERE o.y = t.w));"
        "CREATE POLICY p ON s.t USING (EXISTS (SELECT FROM o WHERE o.x = t.w));",
        "CREATE TRIGGER g BEFORE UPDATE ON s.t FOR EACH ROW WHEN (NEW.x > OLD.w) EXECUTE FUNCTION f();"
        "CREATE TRIGGER h BEFORE UPDATE OF x ON s.t FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE TRIGGER i BEFORE UPDATE OF z ON s.t FOR EACH ROW WHEN (NEW.w > 0) EXECUTE FUNCTION f();"
        "ALTER TABLE s.t ADD q int GENERATED ALWAYS AS (x + 1) STORED CHECK (q > 0);",
        "ALTER TABLE s.t RENAME x TO v; ALTER POLICY m ON s.t USING (v > 0);"
        "CREATE POLICY r ON s.t USING (v > 0); ALTER POLICY r ON s.t USING (true);",
        "ALTER TABLE s.t DROP v CASCADE;",
        "CREATE POLICY k ON s.t USING (z > 0); CREATE POLICY l ON s.t USING (true);"
        "CREATE TRIGGER g BEFORE UPDATE OF w ON s.t FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER TABLE s.t ADD q int;",
        "ALTER TABLE o DROP x CASCADE; ALTER TABLE s.t DROP w CASCADE; ALTER TABLE s.t DROP z CASCADE;",
    ),
    "a key goes with what it rests upon, and a trigger uses what it was replaced with": (
        "CREATE TABLE t (id int CONSTRAINT p PRIMARY KEY, x int CONSTRAINT u UNIQUE, y int UNIQUE, z int);"
        "CREATE TABLE o (t int CONSTRAINT k REFERENCES t, x int CONSTRAINT l REFERENCES t (x),"
        "y int CONSTRAINT m REFERENCES t (y)); CREATE MATERIALIZED VIEW v AS SELECT id FROM t;"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
        "CREATE FUNCTION g(int) RETURNS int IMMUTABLE LANGUAGE sql RETURN 1;"
        "CREATE TRIGGER h BEFORE UPDATE OF z ON t FOR EACH ROW WHEN (NEW.z > 0) EXECUTE FUNCTION f();",
        "ALTER TABLE t DROP CONSTRAINT u CASCADE, ADD w int GENERATED ALWAYS AS (g(z)) STORED;"
        "CREATE OR REPLACE TRIGGER h BEFORE UPDATE OF x ON t FOR EACH ROW WHEN (NEW.x > 0) "
        "EXECUTE FUNCTION f();",
        "DROP FUNCTION g CASCADE; ALTER TABLE t DROP z CASCADE, DROP id CASCADE;",
        "CREATE TABLE IF NOT EXISTS v (x int); ALTER TABLE t DROP y CASCADE, DROP x CASCADE;"
        "CREATE TRIGGER h BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
    ),
    "schemas": (
        "CREATE SCHEMA s CREATE TABLE t (id serial PRIMARY KEY) CREATE VIEW v AS SELECT * FROM t;",
        "SET search_path = s, public; CREATE TYPE m AS (a int); CREATE INDEX i ON t (id); DROP VIEW v;",
        "ALTER SCHEMA s RENAME TO r; CREATE TABLE r.u (m r.m, t int REFERENCES r.t);",
        "ALTER TABLE r.t SET SCHEMA public; ALTER TYPE r.m SET SCHEMA public; ALTER INDEX i RENAME TO j;",
        "DROP SCHEMA r CASCADE; DROP INDEX j; CREATE SCHEMA r; DROP TABLE t; DROP SCHEMA r;",
    ),
    "functions, triggers, by CASCADE": (
        _T + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE CONSTRAINT TRIGGER h AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
        "ALTER TRIGGER g ON t RENAME TO i; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN 1;",
        "DROP FUNCTION f() CASCADE; CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN 2;",
        "ALTER FUNCTION f(int) RENAME TO e; CREATE VIEW v AS SELECT e(1); DROP FUNCTION e CASCADE;",
    ),
    "partitions and parents": (
        "CREATE TABLE t (a int, b int) PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF t DEFAULT;",
        "ALTER TABLE t DETACH PARTITION p; CREATE TABLE q (LIKE p); "
        "ALTER TABLE t ATTACH PARTITION q DEFAULT;",
        "ALTER TABLE t ADD c int, DROP b; ALTER TABLE q ADD CHECK (c > 0); DROP TABLE t; "
        "ALTER TABLE p RENAME b TO c;",
        "CREATE TABLE t () INHERITS (p); ALTER TABLE t NO INHERIT p; DROP TABLE p; ALTER TABLE t DROP c;",
    ),
    "views that are replaced and dropped by CASCADE": (
        _T + "CREATE VIEW v AS SELECT id FROM t; CREATE MATERIALIZED VIEW m AS SELECT * FROM v;",
        "CREATE UNIQUE INDEX i ON m (id); CREATE OR REPLACE VIEW v AS SELECT id, x FROM t;",
        "DROP VIEW v CASCADE; CREATE VIEW v AS SELECT 1 AS id; "
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM v;",
        "ALTER VIEW v RENAME TO w; ALTER MATERIALIZED VIEW m RENAME TO v; DROP MATERIALIZED VIEW v;",
    ),
    "conditions": (
        "DO $$ BEGIN IF to_regclass('t') IS NULL THEN CREATE TABLE t (a int); END IF; END $$;",
        "CREATE TABLE IF NOT EXISTS t (a int, b int UNIQUE); "
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS b int UNIQUE;",
        "DO $$ BEGIN ALTER TABLE t ADD b int; EXCEPTION WHEN duplicate_column THEN NULL; END $$;",
        "DO $$ BEGIN EXECUTE format('CREATE TABLE %I (x int)', 'made'); END $$;",
        "ALTER TABLE made ADD y int; DROP TABLE made; CREATE INDEX IF NOT EXISTS i ON t (a);",
        "CREATE INDEX IF NOT EXISTS i ON t (b); DO $$ BEGIN IF false THEN RETURN; END IF; "
        "DROP TABLE t; END $$;",
        "CREATE TABLE t (c int);",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FALSE_ALARMS)
def test_what_the_server_runs_is_neither_refused_nor_missed(
    case: str, tmp_path: Path, session: Session
) -> None:
    files = {f"{number:02}_x.sql": text for number, text in enumerate(FALSE_ALARMS[case])}
    analysis = analyze(written(tmp_path, dict(files)))
    walked(session, analysis)
    refuses_nothing(analysis.order)


# --- generated --------------------------------------------------------------------------------------------

TEMPLATES = """
CREATE TABLE {t} (x serial PRIMARY KEY, y int UNIQUE, z int CHECK (z > 0), UNIQUE (x, y))
CREATE TABLE {t} (x int GENERATED ALWAYS AS IDENTITY, y int UNIQUE REFERENCES {t2} (y), z {n})
CREATE TABLE {t} (x int, y int, z int)
CREATE TABLE IF NOT EXISTS {t} (x int, y serial UNIQUE)
CREATE TABLE {t} AS SELECT 1 AS x, 2 AS y
CREATE TABLE {t} (LIKE {t2})
CREATE TABLE {t} (LIKE {t2} INCLUDING ALL)
CREATE TABLE {t} (x int) INHERITS ({t2})
CREATE TABLE {t} (x int, y int) PARTITION BY LIST (x)
CREATE TABLE {t} PARTITION OF {t2} DEFAULT
ALTER TABLE {t} ATTACH PARTITION {t2} DEFAULT
ALTER TABLE {t} DETACH PARTITION {t2}
DROP TABLE {t}
DROP TABLE {t} CASCADE
DROP TABLE IF EXISTS {t} CASCADE
ALTER TABLE {t} RENAME TO {n}
ALTER TABLE {t} SET SCHEMA {s}
ALTER TABLE IF EXISTS {t} RENAME {c} TO {c2}
ALTER TABLE {t} RENAME {c} TO {c2}
ALTER TABLE {t} RENAME CONSTRAINT {k} TO {k2}
ALTER TABLE {t} ADD {c} int
ALTER TABLE {t} ADD {c} serial
ALTER TABLE {t} ADD IF NOT EXISTS {c} int UNIQUE
ALTER TABLE {t} ADD {c} {n}
ALTER TABLE {t} DROP {c}
ALTER TABLE {t} DROP {c} CASCADE
ALTER TABLE {t} DROP IF EXISTS {c}, ADD {c} int
ALTER TABLE {t} ADD CONSTRAINT {k} UNIQUE ({c})
ALTER TABLE {t} ADD CONSTRAINT {k} CHECK ({c} > {c2}), DROP CONSTRAINT IF EXISTS {k}
ALTER TABLE {t} DROP CONSTRAINT {k}
ALTER TABLE {t} DROP CONSTRAINT IF EXISTS {k} CASCADE
ALTER TABLE {t} ADD UNIQUE ({c}), ADD CHECK ({c} > 0)
ALTER TABLE {t} ADD PRIMARY KEY ({c}, {c2})
ALTER TABLE {t} ADD FOREIGN KEY ({c}) REFERENCES {t2} ({c2})
ALTER TABLE {t} ALTER {c} SET NOT NULL, ALTER {c} ADD GENERATED ALWAYS AS IDENTITY
ALTER TABLE {t} ALTER {c} DROP IDENTITY
ALTER TABLE {t} ADD CONSTRAINT {k} UNIQUE USING INDEX {k2}
CREATE INDEX {k} ON {t} ({c})
CREATE UNIQUE INDEX {k} ON {t} ({c}, {c2})
CREATE INDEX ON {t} ({c}, ({c2} + 1))
CREATE INDEX IF NOT EXISTS {k} ON {t} ({c}) WHERE {c2} > 0
DROP INDEX {k}
ALTER INDEX {k} RENAME TO {k2}
CREATE VIEW {t} AS SELECT * FROM {t2}
CREATE OR REPLACE VIEW {t} AS SELECT {c} FROM {t2}
CREATE MATERIALIZED VIEW {t} AS SELECT * FROM {t2}
DROP VIEW {t}
DROP VIEW IF EXISTS {t} CASCADE
ALTER VIEW {t} RENAME TO {n}
CREATE SEQUENCE {t}
CREATE SEQUENCE {t} OWNED BY {t2}.{c}
ALTER SEQUENCE {t} RENAME TO {n}
DROP SEQUENCE {t} CASCADE
CREATE TYPE {t} AS ENUM ('a')
CREATE DOMAIN {t} AS int CHECK (VALUE > 0)
ALTER TYPE {t} RENAME TO {n}
ALTER TYPE {t} SET SCHEMA {s}
DROP TYPE {t}
DROP TYPE {t} CASCADE
CREATE FUNCTION {n}({n2}) RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE FUNCTION {n}(int) RETURNS int LANGUAGE sql RETURN 1
CREATE OR REPLACE FUNCTION {n}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$
ALTER FUNCTION {n} RENAME TO {n2}
ALTER FUNCTION {n} SET SCHEMA {s}
DROP FUNCTION {n}
DROP FUNCTION IF EXISTS {n}() CASCADE
CREATE TRIGGER {k} BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {n}()
DROP TRIGGER {k} ON {t}
ALTER TRIGGER {k} ON {t} RENAME TO {k2}
CREATE POLICY {k} ON {t} USING ({c} > 0)
DROP POLICY IF EXISTS {k} ON {t}
ALTER POLICY {k} ON {t} RENAME TO {k2}
ALTER POLICY {k} ON {t} USING ({c} > 0)
CREATE POLICY {k} ON {t} USING (EXISTS (SELECT FROM {t2} AS o WHERE o.{c} > 0))
CREATE TRIGGER {k} BEFORE UPDATE OF {c} ON {t} FOR EACH ROW WHEN (NEW.{c2} > 0) EXECUTE FUNCTION {n}()
ALTER TABLE {t} ADD {c} int GENERATED ALWAYS AS ({c2} + 1) STORED
CREATE SCHEMA {s}
DROP SCHEMA {s}
DROP SCHEMA {s} CASCADE
ALTER SCHEMA {s} RENAME TO {s2}
""".strip().splitlines()

_CHOICES = {
    "t": ("a", "b", "c", "s.a", "s.b"),
    "n": ("a", "b", "c", "d"),
    "c": ("x", "y", "z"),
    "k": ("k", "l", "a_y_key", "b_pkey", "a_x_seq"),
    "s": ("s", "public", "r"),
}


@st.composite
def statement(draw: st.DrawFn) -> str:
    """One of the templates, with names from a few."""
    template = draw(st.sampled_from(TEMPLATES))
    return re.sub(r"\{(\w)2?\}", lambda found: draw(st.sampled_from(_CHOICES[found[1]])), template)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(statements=st.lists(statement(), min_size=10, max_size=40))
def test_generated_statements(session: Session, statements: Sequence[str]) -> None:
    """What fails on the server is left out; what it ran, the model must follow."""
    first = ("CREATE TABLE a (x serial PRIMARY KEY, y int UNIQUE, z int)", "CREATE SCHEMA s")
    with TemporaryDirectory() as folder, session.transaction(force_rollback=True):
        base = there(session)
        ran: dict[str, str | bytes] = {}
        for text in (*first, *statements):
            try:
                with session.transaction():
                    session.execute(text.encode())
            except psycopg.Error:
                continue
            ran[f"{len(ran):03}_x.sql"] = text
        analysis = analyze(written(Path(folder), ran))
        walk = Walk(analysis.order.file_analyses)
        for _ in walk.files():
            pass
        said = "\n".join(map(str, ran.values()))
        compare(walk, there(session), base, said)
        refuses_nothing(analysis.order)
