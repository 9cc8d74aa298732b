"""A constraint whose index is built before it is the one that ALTER TABLE would have made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from migplan.bundle.verified import load_verified
from migplan.run.bundle import constraints
from migplan.run.bundle.constraints import unique_of
from migplan.run.bundle.steps import steps_of
from migplan.sql.tree import statement_tree
from tests.export.loading import contents, export
from tests.run.rolling import applied as partly
from tests.run.rolling import ask, taken_back, verified
from tests.run.running import applied, bundle_of, empty, options
from tests.servers import Server

TABLE = """
CREATE TABLE "{table}" (a int NOT NULL, "B b" text COLLATE "C" NOT NULL, c numeric(5, 2), d date,
    e text COLLATE pg_catalog."C");
"""
KEYS = ["(a)", '("B b")', "(c, a)", '("B b", d, e)']
MORE = ["", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED", " INCLUDE (d)", " WITH (fillfactor = 70)"]
FACTS = """
    SELECT t.relname, i.relname, x.indisunique, x.indisprimary, x.indisexclusion,
           x.indimmediate, x.indisclustered,
           x.indisvalid, x.indisready, x.indislive, x.indisreplident, x.indkey::text, x.indcollation::text,
           x.indclass::text, x.indoption::text, x.indnkeyatts, i.reloptions,
           i.relpersistence, i.reltablespace,
           c.conname, c.contype, c.condeferrable, c.condeferred, c.convalidated, c.conislocal, c.coninhcount,
           c.connoinherit, c.conkey, pg_get_constraintdef(c.oid), pg_get_indexdef(i.oid), d.deptype,
           to_jsonb(x) ->> 'indnullsnotdistinct',
           (SELECT array_agg(attnotnull ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = t.oid AND attnum > 0)
    FROM pg_class t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_constraint c ON c.conindid = i.oid
    JOIN pg_depend d ON d.objid = i.oid AND d.refobjid = c.oid
    WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace ORDER BY 1, 2, 20
"""


def additions(version: int) -> Iterator[tuple[str, str]]:
    """Tables, and what is added to each."""
    kinds = ["PRIMARY KEY", "UNIQUE", *(["UNIQUE NULLS NOT DISTINCT"] if version >= 150000 else [])]
    for number, (key, more) in enumerate(product(KEYS, MORE)):
        table = f"t {number}"
        for kind in kinds:
            name = f'"odd;""{number} {kind}"'
            yield table, f'ALTER TABLE ONLY public."{table}" ADD CONSTRAINT {name} {kind} {key}{more};'


def test_the_catalog_is_the_same_both_ways(server: Server) -> None:
    with server.connect() as connection:
        version = connection.info.server_version
    added = list(additions(version))
    turned = []
    for _, text in added:
        unique = unique_of(statement_tree(text))
        assert unique is not None, text
        turned.append(f"{unique.building};{unique.adding};")
    tables = "".join(TABLE.format(table=table) for table in dict.fromkeys(table for table, _ in added))
    found = []
    for texts in ([text for _, text in added], turned):
        with empty(server) as name, server.connect(dbname=name) as connection:
            connection.execute((tables + "".join(texts)).encode())
            connection.commit()
            found.append((connection.execute(FACTS).fetchall(), contents(server, name)))
    assert found[0] == found[1]
    assert len(found[0][0]) == len(added)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE t ADD PRIMARY KEY (a)",  # whose name the server chooses
        "ALTER TABLE t ADD CONSTRAINT x UNIQUE USING INDEX x",
        "ALTER TABLE t ADD CONSTRAINT x EXCLUDE USING gist (a WITH =)",
        "ALTER TABLE t ADD CONSTRAINT x PRIMARY KEY (a, b WITHOUT OVERLAPS)",
        "ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0)",
        "ALTER TABLE t ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES u",
        "ALTER TABLE t ADD CONSTRAINT x UNIQUE (a), ADD CONSTRAINT y UNIQUE (b)",
        "CREATE UNIQUE INDEX x ON t (a)",
    ],
)
def test_what_stays_as_it_is_written(text: str) -> None:
    assert unique_of(statement_tree(text)) is None


PARTS = """
CREATE TABLE whole (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a, b), UNIQUE (b, a)) PARTITION BY LIST (a);
CREATE TABLE one PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE alone (a int NOT NULL) PARTITION BY LIST (a);
ALTER TABLE alone ADD CONSTRAINT alone_pkey PRIMARY KEY (a);
CREATE TABLE plain (a int PRIMARY KEY, b int, c int UNIQUE);
CREATE INDEX ON plain (b);
COMMENT ON CONSTRAINT plain_c_key ON plain IS 'said';
CREATE TABLE child (p int UNIQUE DEFERRABLE REFERENCES plain, q int, r int);
ALTER TABLE child ADD FOREIGN KEY (q, r) REFERENCES whole;
COMMENT ON CONSTRAINT child_p_fkey ON child IS 'said of a key';
INSERT INTO whole VALUES (1, 1), (1, 2);
INSERT INTO plain SELECT n, n, n FROM generate_series(1, 50) n;
INSERT INTO child SELECT n, 1, 1 + n % 2 FROM generate_series(1, 50) n;
"""


@pytest.mark.parametrize("large", [True, False])
def test_partitioned_tables_take_part(server: Server, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:
        monkeypatch.setattr(constraints, "LARGE_BYTES", 0)
    source = server.create_database(PARTS)
    bundle = load_verified(bundle_of(server, source))
    names = [step.name for step in steps_of(bundle)]
    assert ("index of a constraint: public.plain_pkey" in names) == large
    assert "index of a constraint: public.whole_pkey" not in names
    if large:  # all indexes of a table may be built before one is made a constraint's
        first = "CREATE INDEX plain_b_idx ON public.plain USING btree (b)"
        assert names.index(first) < names.index("constraint that has the index public.plain_pkey")
    with empty(server) as target:
        applied(bundle, server.address(target), options(3))
        assert contents(server, target) == contents(server, source)
    server.drop_database(source)


def test_an_index_whose_constraint_was_not_added_goes_again(
    newest: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constraints, "LARGE_BYTES", 0)
    source = newest.create_database(PARTS)
    bundle = verified(newest, source)
    added = "constraint that has the index public.child_p_key"
    (stops,) = (step.number for step in steps_of(bundle) if step.name == added)
    with empty(newest) as target:
        where = newest.address(target)
        partly(bundle, where, until=stops)
        indexes = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'child'::regclass"
        assert ask(newest, target, indexes) == [("child_p_key",)]
        taken_back(bundle, where, to=next(f.file for f in bundle.manifest.files if f.phase == "data"))
        assert ask(newest, target, indexes) == []
        applied(bundle, where, options())
        assert contents(newest, target) == contents(newest, source)
    newest.drop_database(source)


WATCHED = """
CREATE TABLE seen (tag text, memory text, workers text);
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO public.seen VALUES (tg_tag, current_setting('maintenance_work_mem'),
        current_setting('max_parallel_maintenance_workers'));
END$$;
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN tag IN ('CREATE TABLE', 'CREATE INDEX')
    EXECUTE FUNCTION watch();
"""


@pytest.mark.parametrize(
    ("before", "jobs", "given", "had", "said"),
    [
        ("", 1, ("256MB", "8"), ("", "2"), "maintenance_work_mem 256MB (server: {server}) and max_para"),
        ("", 2, ("128MB", "4"), ("", "2"), "max_parallel_maintenance_workers 4 (server: 2)"),
        ("maintenance_work_mem = '48MB'", 1, ("48MB", "8"), ("48MB", "2"), "had max_parallel"),
        ("max_parallel_maintenance_workers = 0", 1, ("256MB", "0"), ("", "0"), "had maintenance"),
    ],
)
def test_indexes_are_given_memory_and_helpers(
    newest: Server,
    tmp_path: Path,
    before: str,
    jobs: int,
    given: tuple[str, str],
    had: tuple[str, str],
    said: str,
) -> None:
    """What a database says of them stays; everything else has what the server gives."""
    source, target = newest.create_database(), newest.create_database()
    with newest.connect(dbname=source) as connection:
        connection.execute("CREATE TABLE t (n int PRIMARY KEY, m int); CREATE INDEX t_m ON t (m)")
    with newest.connect(dbname=target) as connection:
        connection.execute(WATCHED.encode())
        ((server,),) = connection.execute("SHOW maintenance_work_mem").fetchall()
        if before:
            connection.execute(f"ALTER DATABASE {target} SET {before}".encode())
    export(newest.url(source), tmp_path / "bundle", "--without-digests")
    run = applied(tmp_path / "bundle", newest.url(target), options(jobs)).run
    seen = ask(newest, target, "SELECT DISTINCT tag, memory, workers FROM seen WHERE tag ~ 'INDEX'")
    assert seen == [("CREATE INDEX", *given)]
    made = ask(newest, target, "SELECT DISTINCT memory, workers FROM seen WHERE tag ~ 'TABLE'")
    assert made == [(had[0] or server, had[1])]
    assert [note for note in run.notes if said.format(server=server) in note]
