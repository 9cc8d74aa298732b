"""Fingerprints and differences: the same for the same structure, and what was altered is named."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
import pytest

from migplan.catalog.compare import differences
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.fingerprint import fingerprint, table_fingerprint
from migplan.catalog.model import Catalog
from migplan.catalog.read import read
from migplan.postgres.session import Session, connect
from tests.catalog import nasty
from tests.catalog.conftest import catalog_of
from tests.servers import Server

pytestmark = pytest.mark.slow

BASE = """
CREATE SCHEMA s;
CREATE TABLE s.parent (
    id int PRIMARY KEY, a text, b int DEFAULT 1, c int, part int,
    CONSTRAINT parent_check CHECK (c > 0), CONSTRAINT parent_unique UNIQUE (a)
);
CREATE INDEX parent_idx ON s.parent (b);
CREATE UNIQUE INDEX parent_c_idx ON s.parent (c);
CREATE TABLE s.child (id int, parent int, other int,
    CONSTRAINT child_parent FOREIGN KEY (parent) REFERENCES s.parent);
CREATE TABLE s.whole (k int, v text) PARTITION BY LIST (k);
CREATE TABLE s.whole_1 PARTITION OF s.whole FOR VALUES IN (1);
CREATE TABLE s.single (k int NOT NULL, v text);
CREATE TABLE s.not_null (k int NOT NULL, UNIQUE (k));
CREATE FUNCTION s.f(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION s.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE s.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE FUNCTION s.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER child_note BEFORE INSERT ON s.child FOR EACH ROW EXECUTE FUNCTION s.note();
CREATE POLICY child_policy ON s.child;
CREATE VIEW s.v AS SELECT id, a FROM s.parent;
CREATE MATERIALIZED VIEW s.m AS SELECT id FROM s.parent;
CREATE TYPE s.color AS ENUM ('red', 'green');
CREATE DOMAIN s.age AS int CHECK (VALUE > 0);
CREATE TYPE s.pair AS (x int, y int);
CREATE SEQUENCE s.numbers;
"""

# What one does to a database, and what is said about it: the change, and the object.
CHANGES: dict[str, tuple[str, ...]] = {
    "CREATE TABLE s.fresh (id int)": ("added: table s.fresh",),
    "DROP TABLE s.single": ("dropped: table s.single",),
    "ALTER TABLE s.single RENAME TO s2": ("added: table s.s2", "dropped: table s.single"),
    "ALTER TABLE s.single SET SCHEMA public": ("added: table public.single", "dropped: table s.single"),
    "ALTER TABLE s.single ADD COLUMN n int": ("added: column n of table s.single",),
    "ALTER TABLE s.single DROP COLUMN v": ("dropped: column v of table s.single",),
    "ALTER TABLE s.single DROP COLUMN k; ALTER TABLE s.single ADD k int NOT NULL": (
        "changed: table s.single (order of columns: k, v -> v, k)",
    ),
    "ALTER TABLE s.single RENAME COLUMN v TO w": (
        "dropped: column v of table s.single",
        "added: column w of table s.single",
    ),
    "ALTER TABLE s.single ALTER k TYPE bigint": (
        "changed: column k of table s.single (type: integer -> bigint)",
    ),
    "ALTER TABLE s.single ALTER v TYPE varchar(10)": (
        "changed: column v of table s.single (type: text -> character varying(10))",
    ),
    'ALTER TABLE s.single ALTER v TYPE text COLLATE "C"': (
        'changed: column v of table s.single (collation: none -> pg_catalog."C")',
    ),
    "ALTER TABLE s.single ALTER k DROP NOT NULL": (
        "changed: column k of table s.single (not null: yes -> no)",
    ),
    "ALTER TABLE s.parent ALTER b SET DEFAULT 2": ("changed: column b of table s.parent (default: 1 -> 2)",),
    "ALTER TABLE s.parent ALTER b DROP DEFAULT": (
        "changed: column b of table s.parent (default: 1 -> none)",
    ),
    "ALTER TABLE s.single ALTER k ADD GENERATED ALWAYS AS IDENTITY": (
        "changed: column k of table s.single (identity: none -> always)",
        "added: sequence s.single_k_seq",
    ),
    "ALTER TABLE s.single ADD twice int GENERATED ALWAYS AS (k * 2) STORED": (
        "added: column twice of table s.single",
    ),
    "COMMENT ON COLUMN s.single.k IS 'x'": ("changed: column k of table s.single (comment: none -> x)",),
    "COMMENT ON TABLE s.single IS 'x'": ("changed: table s.single (comment: none -> x)",),
    "ALTER TABLE s.single ADD CONSTRAINT single_pk PRIMARY KEY (k)": (
        "added: primary key single_pk of table s.single",
        "added: index single_pk of table s.single",
    ),
    "ALTER TABLE s.parent DROP CONSTRAINT parent_pkey CASCADE": (
        "dropped: foreign key child_parent of table s.child",
        "dropped: primary key parent_pkey of table s.parent",
        "dropped: index parent_pkey of table s.parent",
    ),
    "ALTER TABLE s.single ADD CONSTRAINT k_uq UNIQUE (k) DEFERRABLE": (
        "added: unique key k_uq of table s.single",
        "added: index k_uq of table s.single",
    ),
    "COMMENT ON CONSTRAINT parent_pkey ON s.parent IS 'x'": (
        "changed: primary key parent_pkey of table s.parent (comment: none -> x)",
    ),
    "ALTER TABLE s.child ADD CONSTRAINT o FOREIGN KEY (other) REFERENCES s.parent (c)": (
        "added: foreign key o of table s.child",
    ),
    "ALTER TABLE s.child DROP CONSTRAINT child_parent": (
        "dropped: foreign key child_parent of table s.child",
    ),
    "ALTER TABLE s.child ALTER CONSTRAINT child_parent DEFERRABLE INITIALLY DEFERRED": (
        "changed: foreign key child_parent of table s.child "
        "(deferrable: no -> yes; initially deferred: no -> yes)",
    ),
    "ALTER TABLE s.child DROP CONSTRAINT child_parent, ADD CONSTRAINT child_parent FOREIGN KEY (parent) "
    "REFERENCES s.parent (c) ON DELETE CASCADE ON UPDATE SET NULL NOT VALID": (
        "changed: foreign key child_parent of table s.child (referenced columns: id -> c; "
        "referenced key: parent_pkey -> parent_c_idx; on delete: NO ACTION -> CASCADE; "
        "on update: NO ACTION -> SET NULL; validated: yes -> no)",
    ),
    "ALTER TABLE s.parent ADD CONSTRAINT c2 CHECK (b > 0) NOT VALID": ("added: check c2 of table s.parent",),
    "ALTER TABLE s.parent DROP CONSTRAINT parent_check": ("dropped: check parent_check of table s.parent",),
    "ALTER TABLE s.parent RENAME CONSTRAINT parent_check TO c2": (
        "added: check c2 of table s.parent",
        "dropped: check parent_check of table s.parent",
    ),
    "ALTER TABLE s.single ADD CONSTRAINT x EXCLUDE (k WITH =)": (
        "added: exclusion constraint x of table s.single",
        "added: index x of table s.single",
    ),
    "CREATE INDEX i ON s.single (v)": ("added: index i of table s.single",),
    "DROP INDEX s.parent_idx": ("dropped: index parent_idx of table s.parent",),
    "DROP INDEX s.parent_idx; CREATE INDEX parent_idx ON s.parent (b DESC)": (
        "changed: index parent_idx of table s.parent "
        "(definition: none -> CREATE INDEX parent_idx ON s.parent USING btree (b DESC))",
    ),
    "DROP INDEX s.parent_idx; CREATE INDEX parent_idx ON s.parent USING hash (b)": (
        "changed: index parent_idx of table s.parent (method: btree -> hash)",
    ),
    "COMMENT ON INDEX s.parent_idx IS 'x'": (
        "changed: index parent_idx of table s.parent (comment: none -> x)",
    ),
    "CREATE INDEX i ON s.m (id)": ("added: index i of view s.m",),
    "ALTER TABLE s.single ENABLE ROW LEVEL SECURITY": ("changed: table s.single (row security: no -> yes)",),
    "ALTER TABLE s.single FORCE ROW LEVEL SECURITY": (
        "changed: table s.single (force row security: no -> yes)",
    ),
    "ALTER POLICY child_policy ON s.child USING (id > 1)": (
        "changed: policy child_policy of table s.child (using: none -> (id > 1))",
    ),
    "CREATE POLICY p ON s.single FOR INSERT TO PUBLIC WITH CHECK (true)": (
        "added: policy p of table s.single",
    ),
    "DROP TRIGGER child_note ON s.child": ("dropped: trigger child_note of table s.child",),
    "ALTER TABLE s.child DISABLE TRIGGER child_note": (
        "changed: trigger child_note of table s.child (enabled: origin -> disabled)",
    ),
    "CREATE TRIGGER t INSTEAD OF DELETE ON s.v FOR EACH ROW EXECUTE FUNCTION s.note()": (
        "added: trigger t of view s.v",
    ),
    "CREATE RULE r AS ON DELETE TO s.single DO INSTEAD NOTHING": ("added: rule r of table s.single",),
    "ALTER TABLE s.single SET UNLOGGED": ("changed: table s.single (persistence: permanent -> unlogged)",),
    "ALTER TABLE s.single SET (fillfactor = 50)": (
        "changed: table s.single (options: none -> fillfactor=50)",
    ),
    "ALTER TABLE s.single REPLICA IDENTITY NOTHING": (
        "changed: table s.single (replica identity: default -> nothing)",
    ),
    "ALTER TABLE s.not_null REPLICA IDENTITY USING INDEX not_null_k_key": (
        "changed: table s.not_null (replica identity: default -> index not_null_k_key)",
    ),
    "ALTER TABLE s.single OWNER TO migplan_nasty_reader": (
        "changed: table s.single (owner: postgres -> migplan_nasty_reader)",
    ),
    "ALTER TABLE s.single INHERIT s.not_null": ("changed: table s.single (inherits: none -> s.not_null)",),
    "ALTER TABLE s.whole DETACH PARTITION s.whole_1": (
        "changed: table s.whole_1 "
        "(partition of: s.whole -> none; partition bound: FOR VALUES IN (1) -> none)",
    ),
    "CREATE TABLE s.whole_2 PARTITION OF s.whole DEFAULT": ("added: table s.whole_2",),
    "CREATE OR REPLACE VIEW s.v AS SELECT id, a FROM s.parent WHERE id > 1": ("changed: view s.v",),
    "ALTER VIEW s.v SET (security_barrier = true)": (
        "changed: view s.v (options: none -> security_barrier=true)",
    ),
    "REFRESH MATERIALIZED VIEW s.m WITH NO DATA": ("changed: view s.m (populated: yes -> no)",),
    "DROP MATERIALIZED VIEW s.m": ("dropped: view s.m",),
    "CREATE OR REPLACE FUNCTION s.f(a text) RETURNS int LANGUAGE sql STRICT AS 'SELECT 1'": (
        "changed: function s.f(a text)",
    ),
    "CREATE OR REPLACE FUNCTION s.f(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql AS 'SELECT a'": (
        "changed: function s.f(a integer, b integer)",
    ),
    "ALTER FUNCTION s.f(text) SET work_mem = '8MB'": (
        "changed: function s.f(a text) (settings: none -> work_mem=8MB)",
    ),
    "ALTER FUNCTION s.f(text) SECURITY DEFINER": (
        "changed: function s.f(a text) (security definer: no -> yes)",
    ),
    "DROP FUNCTION s.f(text)": ("dropped: function s.f(a text)",),
    "CREATE OR REPLACE AGGREGATE s.total(int) (SFUNC = int4mul, STYPE = int, INITCOND = '1')": (
        "changed: function s.total(integer)",
    ),
    "CREATE PROCEDURE s.p() LANGUAGE sql AS ''": ("added: function s.p()",),
    "ALTER TYPE s.color ADD VALUE 'blue' BEFORE 'green'": (
        "changed: type s.color (definition: red, green -> red, blue, green)",
    ),
    "ALTER TYPE s.color RENAME VALUE 'red' TO 'rose'": (
        "changed: type s.color (definition: red, green -> rose, green)",
    ),
    "ALTER DOMAIN s.age SET NOT NULL": (
        "changed: type s.age "
        "(definition: integer, CHECK ((VALUE > 0)) -> integer, NOT NULL, CHECK ((VALUE > 0)))",
    ),
    "ALTER TYPE s.pair ADD ATTRIBUTE z text": (
        "changed: type s.pair (definition: x integer, y integer -> x integer, y integer, z text)",
    ),
    "CREATE TYPE s.r AS RANGE (subtype = int4)": ("added: type s.r",),
    "ALTER SEQUENCE s.numbers INCREMENT 5 CYCLE": (
        "changed: sequence s.numbers (increment: 1 -> 5; cycles: no -> yes)",
    ),
    "ALTER SEQUENCE s.numbers OWNED BY s.single.k": (
        "changed: sequence s.numbers (owned by: none -> s.single; owned column: none -> k)",
    ),
    "CREATE SCHEMA t": ("added: schema t",),
    "COMMENT ON SCHEMA s IS 'x'": ("changed: schema s (comment: none -> x)",),
    "GRANT SELECT, UPDATE ON s.single TO PUBLIC": (
        "added: grant on table s.single to public (SELECT, UPDATE)",
    ),
    "GRANT SELECT (v) ON s.single TO PUBLIC": ("added: grant on column s.single.v to public (SELECT)",),
    "REVOKE EXECUTE ON FUNCTION s.f(text) FROM PUBLIC": (
        "added: grant on function s.f(a text) to public (not EXECUTE)",
    ),
    "GRANT USAGE ON SCHEMA s TO PUBLIC": ("added: grant on schema s to public (USAGE)",),
    "ALTER DEFAULT PRIVILEGES FOR ROLE pg_monitor IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC": (
        "added: grant on default privileges of pg_monitor in schema s for tables to public (SELECT)",
    ),
    "GRANT SELECT ON s.single TO pg_monitor; ALTER TABLE s.single OWNER TO pg_database_owner": (
        "changed: table s.single (owner: postgres -> pg_database_owner)",
        "added: grant on table s.single to pg_monitor (SELECT)",
    ),
}
# What happens all the time, and is no change of structure.
NO_CHANGES = (
    "INSERT INTO s.parent SELECT n, n, n, n FROM generate_series(1, 1000) n",
    "INSERT INTO s.single VALUES (1); DELETE FROM s.single",
    "SELECT nextval('s.numbers')",
    "ANALYZE s.parent",
    "ALTER TABLE s.single ADD passing int; ALTER TABLE s.single DROP passing",
    "DROP INDEX s.parent_idx; CREATE INDEX parent_idx ON s.parent (b)",
    "GRANT SELECT ON s.single TO PUBLIC; REVOKE SELECT ON s.single FROM PUBLIC",
    "CREATE SCHEMA migplan; CREATE TABLE migplan.step (id int); GRANT ALL ON migplan.step TO PUBLIC",
)


@dataclass
class Base:
    """A database whose changes are all rolled back, and its catalog before."""

    session: Session
    before: Catalog

    def after(self, change: str) -> Catalog:
        """The catalog as it would be after a change."""
        try:
            self.session.execute("SET LOCAL search_path = ''")
            self.session.execute(change.encode())
            return read(self.session, Counting(Exactness.ESTIMATE))
        finally:
            self.session.rollback()


_bases: dict[str, Base] = {}


@pytest.fixture
def base(server: Server) -> Base:
    """One on the server under test, made once."""
    if server.origin.name not in _bases:
        nasty.make_roles(server)
        _bases[server.origin.name] = make_base(server, BASE)
    return _bases[server.origin.name]


def make_base(server: Server, script: str) -> Base:
    name = server.create_database(script)
    server.stack.callback(server.drop_database, name)
    address = server.address(name)
    session = server.stack.enter_context(connect(address))
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return Base(session, catalog_of(address, Exactness.ESTIMATE))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named_and_nothing_else(base: Base, change: str) -> None:
    before, now = base.before, base.after(change)
    said = [str(difference) for difference in differences(before, now)]
    expected = list(CHANGES[change])
    owner = before.server.role
    # Where a digest or a whole definition changed, it is enough that the object is named.
    assert [
        text if re.search(r" \(\w[\w ]*: |: grant ", wanted) or " (" not in text else text.split(" (")[0]
        for text, wanted in zip(said, expected, strict=False)
    ] == [text.replace("(owner: postgres", f"(owner: {owner}") for text in expected]
    assert len(said) == len(expected)
    assert fingerprint(now) != fingerprint(before)
    assert [str(d).replace("added", "?").replace("dropped", "?") for d in differences(now, before)]


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_is_no_change_of_structure_is_not_seen(base: Base, change: str) -> None:
    before, now = base.before, base.after(change)
    assert differences(before, now) == ()
    assert fingerprint(now) == fingerprint(before)


def test_two_databases_of_the_same_script_have_the_same_fingerprint(
    server: Server, nasty_catalog: Catalog
) -> None:
    """Also after rows came, statistics were made and sequences moved in one of them."""
    name = nasty.create(server)
    try:
        with server.connect(dbname=name) as connection:
            connection.execute(
                "INSERT INTO keys.country (code, edition, name) "
                "SELECT 'xx', n, 'country ' || n FROM generate_series(1, 2000) n"
            )
            connection.execute("SELECT setval('code.from_zero', 17)")
            connection.execute("ANALYZE")
        other = catalog_of(server.address(name), Exactness.ESTIMATE)
    finally:
        server.drop_database(name)
    assert differences(nasty_catalog, other) == ()
    assert fingerprint(other) == fingerprint(nasty_catalog)
    assert other != nasty_catalog
    for one, two in zip(nasty_catalog.tables, other.tables, strict=True):
        assert table_fingerprint(one) == table_fingerprint(two)


def test_of_long_definitions_the_place_where_they_differ_is_shown(newest: Server) -> None:
    columns = ", ".join(f"{n} AS column_{n}" for n in range(50))
    base = make_base(newest, f"CREATE VIEW v AS SELECT {columns}, 1 AS last")
    now = base.after(f"CREATE OR REPLACE VIEW public.v AS SELECT {columns}, 2 AS last")
    (difference,) = differences(base.before, now)
    assert difference.detail == "definition: ... column_49, 1 AS last; -> ... column_49, 2 AS last;"
