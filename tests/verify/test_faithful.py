"""A faithful move is never called different: every form of expression, in every place, on every version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migplan.config import Layout
from migplan.postgres import binaries
from migplan.sql.definitions import same
from migplan.sql.split import Statement, pieces
from migplan.verify import target as verifying
from migplan.verify.target import verify_target
from tests.cli.conftest import Run, nowhere, run
from tests.export.conftest import PASSWORD, role
from tests.export.loading import export, run_with_psql
from tests.servers import Server
from tests.verify import expressions
from tests.verify.conftest import said, verified

pytestmark = pytest.mark.slow

__all__ = ["nowhere", "role", "run"]

OBJECTS = 420
"""Definitions of a generated schema: each place has twenty."""

MOVES = {"same": (-1, -1), "to the newest": (0, -1), "between the oldest": (0, 0)}


@contextmanager
def moved(
    source: Server, target: Server, script: str, folder: Path, *words: str
) -> Iterator[tuple[str, str]]:
    """A database made by the script, and what psql makes of its bundle; the names of both."""
    made = source.create_database(script)
    there = target.create_database()
    try:
        export(source.url(made), folder, *words)
        run_with_psql(folder, target.url(there))
        yield made, there
    finally:
        source.drop_database(made)
        target.drop_database(there)


@pytest.mark.parametrize("move", MOVES)
@settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32))
def test_whatever_a_definition_says_comes_out_the_same(
    servers: dict[str, Server], move: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hundreds of definitions in one schema: one move tries them all."""
    source, target = (list(servers.values())[place] for place in MOVES[move])
    folder = tmp_path_factory.mktemp("faithful") / "bundle"
    made, there = source.create_database(), target.create_database()
    try:
        with source.connect(dbname=made) as connection:
            taken = expressions.make(connection, seed + list(MOVES).index(move), OBJECTS, without="xml")
        assert len(taken) > OBJECTS / 2
        layout = Layout.WITH_SCHEMA if move == "same" else Layout.AFTER_DATA
        export(source.url(made), folder, "--constraints", layout.value)
        run_with_psql(folder, target.url(there))
        for origin in (None, (source, made)):
            assert said(verified(target, there, folder, origin)) == [], f"seed {seed}"
    finally:
        source.drop_database(made)
        target.drop_database(there)


SCHEMAS = sorted((Path(__file__).parent / "schemas").glob("*.sql"))
"""Odd structures, a file a kind; what a server is too old for is left out."""


@pytest.mark.parametrize("move", ["same", "to the newest"])
@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
def test_odd_structures_come_out_the_same(
    servers: dict[str, Server], move: str, file: Path, tmp_path: Path
) -> None:
    source, target = (list(servers.values())[place] for place in MOVES[move])
    made, there = source.create_database("CREATE TABLE public.always (n int)"), target.create_database()
    try:
        with source.connect(dbname=made) as connection, file.open("rb") as stream:
            for piece in pieces(stream, file):
                with suppress(psycopg.Error):
                    assert isinstance(piece, Statement)
                    connection.execute(piece.text.encode())
        export(source.url(made), tmp_path / "bundle")
        run_with_psql(tmp_path / "bundle", target.url(there))
        for origin in (None, (source, made)):
            assert said(verified(target, there, tmp_path / "bundle", origin)) == []
    finally:
        source.drop_database(made)
        target.drop_database(there)


EVERYWHERE = """
CREATE SCHEMA s;
CREATE DOMAIN s.d AS varchar(10) CHECK (VALUE IN ('a', 'b'));
CREATE TABLE s.t (
    id int PRIMARY KEY, kind varchar(10) CONSTRAINT kinds CHECK (kind IN ('a', 'b')),
    net cidr CONSTRAINT nets CHECK (net IN ('10.0.0.0/8', '11.0.0.0/8')),
    class regclass CONSTRAINT classes CHECK (class IN ('pg_class', 'pg_proc')),
    made boolean GENERATED ALWAYS AS (kind IN ('a', 'b')) STORED,
    given boolean DEFAULT ('x'::varchar IN ('a', 'b')),
    CONSTRAINT one EXCLUDE USING btree (id WITH =) WHERE (kind IN ('a', 'b'))
);
CREATE INDEX partial ON s.t (id) WHERE kind IN ('a', 'b');
CREATE INDEX computed ON s.t ((kind IN ('a', 'b')));
ALTER TABLE s.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY chosen ON s.t USING (kind IN ('a', 'b')) WITH CHECK (kind IN ('a', 'b'));
CREATE VIEW s.seen AS SELECT id, kind FROM s.t WHERE kind IN ('a', 'b');
CREATE MATERIALIZED VIEW s.kept AS SELECT id, kind FROM s.t WHERE kind IN ('a', 'b');
CREATE VIEW s.named AS SELECT a, b FROM (SELECT 1 a, 2 b UNION ALL SELECT 3, NULL) q;
CREATE FUNCTION s.counted() RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT count(*) FROM s.t WHERE kind IN ('a', 'b'); END;
CREATE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON s.t FOR EACH ROW WHEN (NEW.kind IN ('a', 'b'))
    EXECUTE FUNCTION s.touch();
CREATE RULE quiet AS ON DELETE TO s.t WHERE OLD.kind IN ('a', 'b') DO ALSO NOTHING;
CREATE TABLE s.part (id int GENERATED ALWAYS AS IDENTITY, k varchar(3), PRIMARY KEY (id, k))
    PARTITION BY LIST (k);
CREATE TABLE s.part_1 PARTITION OF s.part FOR VALUES IN ('a', 'b');
CREATE TABLE s.parent (a int, b text);
CREATE TABLE s.child (c int, d int) INHERITS (s.parent);
CREATE TABLE s.grandchild (f int) INHERITS (s.child);
ALTER TABLE s.parent ADD e int DEFAULT 4 NOT NULL, ADD c2 int;
ALTER TABLE s.child ADD z int CHECK (z > 0);
CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE s.piled (n int) USING pile;
INSERT INTO s.t (id, kind, net) VALUES (1, 'a', '10.0.0.0/8'), (2, 'b', '11.0.0.0/8');
INSERT INTO s.child VALUES (1, 'x', 2, 3, 4, 5, 6);
"""
"""One condition, wherever there can be one, which a server prints in another way once it has read it back."""

# The same places with another condition, and what each is called when it differs.
OTHERWISE = """
Types: type s.d
    ALTER DOMAIN s.d DROP CONSTRAINT d_check; ALTER DOMAIN s.d ADD CONSTRAINT d_check CHECK (VALUE
    IN ('a', 'c'));
Checks: check kinds of s.t
    ALTER TABLE s.t DROP CONSTRAINT kinds, ADD CONSTRAINT kinds CHECK (kind IN ('b', 'a'));
Checks: check nets of s.t
    ALTER TABLE s.t DROP CONSTRAINT nets, ADD CONSTRAINT nets CHECK (net IN ('10.0.0.0/8',
    '11.0.0.0/9')) NOT VALID;
Checks: check classes of s.t
    ALTER TABLE s.t DROP CONSTRAINT classes, ADD CONSTRAINT classes CHECK (class IN ('pg_class',
    'pg_type'));
Columns: column made of s.t
    ALTER TABLE s.t DROP made, ADD made boolean GENERATED ALWAYS AS (kind IN ('a', 'x')) STORED;
Columns: column given of s.t
    ALTER TABLE s.t ALTER given SET DEFAULT ('y'::varchar IN ('a', 'b'));
Exclusions: exclusion constraint one of s.t
    ALTER TABLE s.t DROP CONSTRAINT one, ADD CONSTRAINT one EXCLUDE USING btree (id WITH =) WHERE
    (kind IN ('a'));
Indexes: index partial of s.t
    DROP INDEX s.partial; CREATE INDEX partial ON s.t (id) WHERE kind IN ('a', 'B');
Indexes: index computed of s.t
    DROP INDEX s.computed; CREATE INDEX computed ON s.t ((kind NOT IN ('a', 'b')));
Policies: policy chosen of s.t
    ALTER POLICY chosen ON s.t USING (kind IN ('a', 'b') OR true);
Policies: policy chosen of s.t
    ALTER POLICY chosen ON s.t WITH CHECK (kind IN ('a', 'b', 'c'));
Views: view s.seen
    CREATE OR REPLACE VIEW s.seen AS SELECT id, kind FROM s.t WHERE kind IN ('a', 'c');
Views: view s.kept
    DROP MATERIALIZED VIEW s.kept; CREATE MATERIALIZED VIEW s.kept AS SELECT id, kind FROM s.t WHERE
    kind IN ('a', 'c');
Views: view s.named
    CREATE OR REPLACE VIEW s.named AS SELECT a, b FROM (SELECT 1 a, 2 b UNION SELECT 3, NULL) q;
Functions: function s.counted()
    CREATE OR REPLACE FUNCTION s.counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*)
    FROM s.t WHERE kind IN ('a', 'c'); END;
Triggers: trigger touch of s.t
    CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON s.t FOR EACH ROW WHEN (OLD.kind IN ('a', 'b'))
    EXECUTE FUNCTION s.touch();
Rules: rule quiet of s.t
    CREATE OR REPLACE RULE quiet AS ON DELETE TO s.t WHERE OLD.kind IN ('a', 'c') DO ALSO NOTHING;
"""


@pytest.mark.parametrize("move", ["same", "to the newest"])
def test_conditions_that_are_printed_in_other_words(
    servers: dict[str, Server], move: str, tmp_path: Path
) -> None:
    """None is a difference after a move; each is one when the target has another condition there."""
    source, target = (list(servers.values())[place] for place in MOVES[move])
    folder = tmp_path / "bundle"
    with moved(source, target, EVERYWHERE, folder) as (made, there):
        for origin in (None, (source, made)):
            assert said(verified(target, there, folder, origin)) == []
        named = [line for line in OTHERWISE.splitlines() if line and not line.startswith(" ")]
        changes = [line.strip() for line in OTHERWISE.splitlines() if line.startswith(" ")]
        with target.connect(dbname=there) as connection:
            connection.execute(" ".join(changes).encode())
        found = [line for line in said(verified(target, there, folder)) if not line.startswith("Contents")]
    # The index of the exclusion constraint, and the column that was made anew at the end, differ with them.
    beside = {"Indexes: index one of s.t", "Columns: order of the columns of s.t"}
    assert {":".join(line.split(":")[:2]) for line in found} == {*named, *beside}
    assert not [line for line in found if "could not be told" in line]


@pytest.mark.parametrize(
    "public",
    [
        "DROP SCHEMA public; CREATE SCHEMA public",
        "DROP SCHEMA public; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
        "DROP SCHEMA public; CREATE SCHEMA public AUTHORIZATION pg_monitor;"
        "GRANT ALL ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'ours'",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC; COMMENT ON SCHEMA public IS NULL",
        "DROP SCHEMA public",
    ],
    ids=["alone", "usable", "given away", "closed", "gone"],
)
def test_a_schema_public_of_ones_own(newest: Server, public: str, tmp_path: Path) -> None:
    script = f"{public}; CREATE SCHEMA s; CREATE TABLE s.t (n int);"
    with moved(newest, newest, script, tmp_path / "bundle") as (made, there):
        for origin in (None, (newest, made)):
            assert said(verified(newest, there, tmp_path / "bundle", origin)) == []
        if "DROP SCHEMA public; CREATE" in public:
            with newest.connect(dbname=there) as connection:
                connection.execute("GRANT CREATE ON SCHEMA public TO pg_read_all_stats, CURRENT_USER")
            proof = verified(newest, there, tmp_path / "bundle")
            noted = "may create in schema public, as a run needs it" in " ".join(proof.notes)
            assert noted == ("pg_monitor" in public), "an owner may, anyhow"
            found = said(proof)
            assert found == [
                "Grants: grant on schema public to pg_read_all_stats: not in the bundle (CREATE)"
            ]


def test_no_server_is_asked_where_texts_or_trees_agree(
    newest: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "CREATE TABLE t (v varchar CHECK (v IN ('a', 'b')), n int); CREATE VIEW w AS SELECT n FROM t;"

    def never(*_: Any) -> None:
        raise AssertionError("a server was asked")

    monkeypatch.setattr(verifying, "rebuilt", never)
    with moved(newest, newest, script, tmp_path / "bundle") as (_, there):
        assert said(verified(newest, there, tmp_path / "bundle")) == []


def test_what_cannot_be_told_is_said_to_be_so(
    newest: Server, role: Callable[..., str], tmp_path: Path, run: Run
) -> None:
    """A role that may not build what a definition needs decides nothing."""
    script = (
        "CREATE FUNCTION positive(int) RETURNS int LANGUAGE internal IMMUTABLE AS 'int4abs';"
        "CREATE TABLE t (v varchar); CREATE FUNCTION f() RETURNS int LANGUAGE sql"
        " BEGIN ATOMIC SELECT positive(1) FROM t WHERE v IN ('a', 'b'); END;"
    )
    maker = role(newest, "migplan_scratch_maker", "CREATEDB")
    folder = tmp_path / "bundle"
    with moved(newest, newest, script, folder) as (_, there):
        scratch = newest.url("postgres", user=maker, password=PASSWORD)
        answer = run("verify", str(folder), "--target", newest.url(there), "--scratch", scratch, exit_code=1)
        assert said(verified(newest, there, folder)) == []
    assert "function public.f(): body: " in answer.output
    assert "whether the texts mean the same could not be told: " in answer.output
    assert "Functions   1/2  NOT COMPARED" in answer.output
    assert (
        "It is not proven that the target is what migration says: 1 thing could not be compared"
        in answer.output
    )


def test_without_a_server_at_hand(newest: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees still tell most; the rest is said not to be known, with what would help."""
    script = (
        "CREATE TABLE t (v varchar CHECK (v IN ('a', 'b')));"
        "CREATE VIEW w AS SELECT a, b FROM (SELECT 1 a, 2 b UNION ALL SELECT 3, NULL) q;"
    )
    body = (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql"
        " BEGIN ATOMIC SELECT 1 FROM t WHERE v IN ('a', 'b'); END;"
    )
    with (
        moved(newest, newest, script, tmp_path / "one") as (_, there),
        moved(newest, newest, script + body, tmp_path / "other") as (_, other),
    ):
        monkeypatch.setattr(binaries, "_WHEELS", ())
        monkeypatch.setattr(binaries, "_SYSTEM", ())
        monkeypatch.setenv("PATH", "/")
        assert said(verify_target(newest.address(there), tmp_path / "one")) == []
        found = verify_target(newest.address(other), tmp_path / "other")
    (difference,) = found.differences
    assert difference.what == "function public.f()"
    assert f"could not be told: no PostgreSQL {newest.major} server found" in difference.detail
    assert not difference.known
    assert "--scratch URL" in found.notes[-1]


def test_a_scratch_server_of_another_version_is_refused(
    servers: dict[str, Server], tmp_path: Path, run: Run
) -> None:
    first, *_, last = servers.values()
    if first.major == last.major:
        pytest.skip("one version only")
    script = "CREATE TABLE t (n int); CREATE VIEW w AS SELECT 1 a UNION ALL SELECT NULL ORDER BY 1;"
    with moved(last, last, script, tmp_path / "bundle") as (_, there):
        with last.connect(dbname=there) as connection:
            connection.execute("CREATE OR REPLACE VIEW w AS SELECT 1 a UNION ALL SELECT 2 ORDER BY 1")
        words = ["--target", last.url(there), "--scratch", first.url("postgres")]
        answer = run("verify", str(tmp_path / "bundle"), *words, exit_code=2)
        with first.connect() as connection:
            left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'migplan_scratch%'"
            assert connection.execute(left.encode()).fetchone() == (0,)
    assert (
        f"is PostgreSQL {first.major}, and definitions must be read as the target's {last.major}"
        in answer.output
    )


def test_grammar_tells_only_what_is_sure() -> None:
    one = "((k)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"
    other = "((k)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text]))"
    assert same("expression", one, other)
    assert same("statement", "SELECT t.a FROM t WHERE t.b > 1;", "SELECT a FROM t WHERE (b > 1)")
    assert same("domain", ("text", f"CHECK ({one})"), ("text", f"CHECK ({other})"))
    for here, there in (
        ("SELECT 1 a UNION SELECT NULL::integer", "SELECT 1 a UNION SELECT NULL::integer AS int4"),
        ("SELECT (- 5), (- 1.5)", "SELECT '-5'::integer, '-1.5'::numeric"),
        ("SELECT t.a + 1 AS a FROM t ORDER BY (t.a + 1)", "SELECT a + 1 AS a FROM t ORDER BY (a + 1)"),
    ):
        assert same("statement", here, there)
    for syntax, here, there in (
        ("statement", "SELECT 1 a UNION SELECT 2 b ORDER BY 1", "SELECT 1 b UNION SELECT 2 b ORDER BY 1"),
        (
            "statement",
            "SELECT 1 UNION (SELECT 2 b, x ORDER BY b)",
            "SELECT 1 UNION (SELECT 2, x AS b ORDER BY b)",
        ),
        ("statement", "SELECT a ORDER BY 1", "SELECT a ORDER BY '1'::integer"),
        ("statement", "SELECT -5", "SELECT '-5'::smallint"),
        ("statement", "SELECT -1.50", "SELECT '-1.5'::numeric"),
        ("expression", one, other.replace("'b'", "'c'")),
        ("expression", "a OR b AND c", "(a OR b) AND c"),
        ("statement", "SELECT (SELECT t.a FROM u) FROM t", "SELECT (SELECT a FROM u) FROM t"),
        ("statement", "SELECT b AS a FROM t ORDER BY t.a", "SELECT b AS a FROM t ORDER BY a"),
        ("statement", "SELECT DISTINCT ON (t.a) b AS a FROM t", "SELECT DISTINCT ON (a) b AS a FROM t"),
        ("digest", "0", "1"),
        ("expression", "not SQL (", "nor (this"),
    ):
        assert not same(syntax, here, there)
