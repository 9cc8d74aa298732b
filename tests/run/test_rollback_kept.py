"""Rolling back by the journal alone, whatever has become of the folder; and runs that are ended by hand."""

from __future__ import annotations

import hashlib
import shutil
import zlib
from pathlib import Path

import pytest

from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.errors import BundleError, JournalError, RefusedError
from migplan.postgres.address import Address
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.bundle.kept import LocalBundle
from migplan.run.engine.options import RunOptions
from migplan.run.engine.status import status_of
from migplan.run.undo.rollback import Abandoned, RollbackOptions, RollbackResult, abandon, foreseen, rollback
from tests.export import rich
from tests.export.conftest import PASSWORD, MakeRole, role
from tests.run.rolling import KilledError, applied, ask, lost, schema, stopping, taken_back, verified
from tests.servers import MakeDatabase, Server

pytestmark = pytest.mark.slow

__all__ = ["role"]

NOWHERE = LocalBundle(named=False)
TO_FORMAT_1 = """
    DROP TABLE migplan.kept, migplan.protection;
    ALTER TABLE migplan.run DROP COLUMN steps, DROP CONSTRAINT run_state_check;
    ALTER TABLE migplan.run ADD CONSTRAINT run_state_check
        CHECK (state IN ('running', 'stopped', 'failed', 'done', 'undoing', 'undone'));
    UPDATE migplan.format SET version = 1
"""
"""What makes a journal one that migplan 1 wrote."""
_SHAPE = """
    SELECT c.relname, a.attname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'migplan'::regnamespace AND c.relkind = 'r'
    UNION ALL
    SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid), ''
    FROM pg_constraint WHERE connamespace = 'migplan'::regnamespace
    ORDER BY 1, 2
"""


def _abandoned(address: Address) -> Abandoned:
    ended = abandon(address, RunOptions(), lambda _run, _stays: None)
    assert ended
    return ended


def alone(address: Address, **wanted: object) -> RollbackResult:
    """Roll back the last run, with no folder at hand."""
    return rollback(NOWHERE, address, RollbackOptions(**wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_the_journal_alone_takes_back(
    newest: Server, layout: str, newest_database: MakeDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(verified(newest, newest.demo, "--constraints", layout).paths.folder, folder)
    bundle = load_verified(folder)
    address = newest_database("")
    before = schema(newest, address.params["dbname"])
    applied(bundle, address)
    shutil.rmtree(folder)
    expected = foreseen(NOWHERE, address, RollbackOptions())
    assert expected
    losses, steps = expected
    assert (losses.rows, losses.own) == (bundle.manifest.rows, bundle.manifest.rows)
    with stopping(5, "rollback"), pytest.raises(KilledError):
        alone(address)
    undone = alone(address)
    assert (undone.whole, undone.resumed, undone.steps) == (True, True, len(steps) - 4)
    assert schema(newest, address.params["dbname"]) == before


def test_rows_alone_without_a_folder(newest: Server, newest_database: MakeDatabase) -> None:
    address = newest_database("")
    applied(verified(newest, newest.demo, "--constraints", "with-schema"), address)
    assert lost(alone(address, data_only=True)).data_only
    assert ask(newest, address.params["dbname"], "SELECT count(*) FROM public.hotels") == [(0,)]
    assert alone(address).whole


def test_a_folder_that_differs_is_said_and_what_was_applied_is_taken_back(
    newest: Server, newest_database: MakeDatabase, tmp_path: Path
) -> None:
    address = newest_database("")
    before = schema(newest, address.params["dbname"])
    applied(verified(newest, newest.demo), address, until=24)
    other = verified(newest, newest.demo, "--constraints", "with-schema")
    undone = taken_back(other, address)
    assert "20-constraints-foundation.sql is not there any more" in lost(undone).differs
    assert undone.whole
    assert schema(newest, address.params["dbname"]) == before


def test_a_folder_of_something_else_is_refused(
    newest: Server, newest_database: MakeDatabase, tmp_path: Path
) -> None:
    address = newest_database("")
    applied(verified(newest, newest.demo), address, until=3)
    with pytest.raises(
        RefusedError, match=r"is no bundle, and what was applied .* last is migration of"
    ) as caught:
        rollback(LocalBundle(tmp_path / "typo", None, "it is not there"), address, RollbackOptions())
    assert "leave out the folder" in caught.value.do
    name = newest.create_database("CREATE TABLE t ()")
    with pytest.raises(RefusedError, match="is migration of the database migplan_test"):
        taken_back(verified(newest, name), address)
    newest.drop_database(name)
    # Where the folder was, and is not any more, nobody is kept from what they typed before.
    folder = tmp_path / verified(newest, newest.demo).paths.folder.name
    assert (
        lost(rollback(LocalBundle(folder, None, "it is gone"), address, RollbackOptions())).differs
        == "it is gone"
    )


def test_what_is_kept_holds_no_rows_and_is_not_believed_when_it_was_changed(
    newest: Server, newest_database: MakeDatabase
) -> None:
    address = newest_database("")
    name = address.params["dbname"]
    bundle = verified(newest, newest.demo)
    applied(bundle, address, until=3)
    files = [file for (file,) in ask(newest, name, "SELECT file FROM migplan.kept ORDER BY 1")]
    assert files == sorted(["manifest.json", *(f"rollback/{each.file}" for each in bundle.manifest.files)])
    (size,) = ask(newest, name, "SELECT sum(length(content))::int FROM migplan.kept")[0]
    assert size < 40_000
    with newest.connect(dbname=name) as connection:
        connection.execute("UPDATE migplan.kept SET content = content || 'x'::bytea WHERE file LIKE '%10%'")
        connection.execute("UPDATE migplan.kept SET sha256 = repeat('0', 64) WHERE file LIKE '%20%'")
    with pytest.raises(JournalError, match="was changed by hand; nothing was changed"):
        alone(address)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("manifest.json", b"null"),
        ("manifest.json", b"[" * 100_000),
        ("manifest.json", b"\xff"),
        ("rollback/01-schema-foundation.sql", b"DROP SCHEMA public CASCADE;"),
    ],
)
def test_what_is_kept_is_not_believed_with_a_digest_that_fits(
    newest: Server, newest_database: MakeDatabase, file: str, content: bytes
) -> None:
    address = newest_database("")
    applied(verified(newest, newest.demo), address, until=3)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute(
            "UPDATE migplan.kept SET content = %s, sha256 = %s WHERE file = %s",
            [zlib.compress(content), hashlib.sha256(content).hexdigest(), file],
        )
    with pytest.raises(JournalError, match="changed by hand") as caught:
        alone(address)
    assert "--abandon" in caught.value.do
    assert _abandoned(address).run.state == "abandoned"


def owned(server: Server, role: MakeRole, database: MakeDatabase) -> Address:
    """A target of a plain role that owns the database, and nothing else."""
    owner = role(server, "migplan_kept_owner")
    address = database("")
    name = address.params["dbname"]
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} OWNER TO {owner}")
    return server.address(name, user=owner, password=PASSWORD)


def test_a_journal_of_the_former_format(
    newest: Server, role: MakeRole, newest_database: MakeDatabase
) -> None:
    script = (
        "CREATE TABLE a (n int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (n int REFERENCES a);"
    )
    source = newest_database(script).params["dbname"]
    bundle = verified(newest, source, "--no-owner")
    address = owned(newest, role, newest_database)
    name = address.params["dbname"]
    applied(bundle, address)
    shape = ask(newest, name, _SHAPE)
    with newest.connect(dbname=name) as connection:
        connection.execute(TO_FORMAT_1)
    assert [run.run.state for run in status_of(address).runs] == ["done"], "it is read as it is"
    with pytest.raises(BundleError, match=r"keeps nothing of run 1 \(migration\)") as caught:
        alone(address)
    assert bundle.digest in caught.value.do
    with pytest.raises(BundleError, match="is not there any more"):
        taken_back(verified(newest, source, "--constraints", "with-schema", "--no-owner"), address)
    assert taken_back(bundle, address).whole
    assert ask(newest, name, _SHAPE) == shape, "it was brought up to date in its place"
    applied(bundle, address)
    assert alone(address).whole


def test_a_run_of_the_former_format_is_gone_on_with(newest: Server, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address, until=9)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute(TO_FORMAT_1)
    applied(bundle, address)
    assert alone(address).whole, "what was missing was kept as soon as the folder was there"


def test_steps_that_are_gone_are_not_called_taken_back(newest: Server, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    name = address.params["dbname"]
    applied(bundle, address)
    for change in ("DELETE FROM migplan.step WHERE step > 20", "DELETE FROM migplan.step"):
        with newest.connect(dbname=name) as connection:
            connection.execute(change)
        for way in (alone, lambda address: foreseen(LocalBundle.of(bundle), address, RollbackOptions())):
            with pytest.raises(JournalError, match=r"changed by hand: it has \d+ of the \d+ steps of run 1"):
                way(address)
    assert _abandoned(address).run.state == "abandoned"
    assert alone(address).run is None


def test_a_run_that_cannot_go_on_is_ended_by_hand(newest: Server, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address, until=4)
    seen: list[str] = []
    ended = abandon(address, RunOptions(), lambda _run, stays: seen.append(stays))
    assert ended
    assert seen == [ended.stays]
    assert "3 of " in ended.stays
    *_, note = ended.run.notes
    assert f"by {address.params['user']} from" in note
    assert "stays: 3 of" in note
    assert alone(address).run is None, "nobody rolls it back any more"
    assert abandon(address, RunOptions(), lambda _run, _stays: None) is None
    other = verified(newest, newest.demo, "--constraints", "with-schema")
    with pytest.raises(Exception, match="already exists"):
        apply(other, address, ApplyOptions(RunOptions(1, retries=0)))
    assert [run.run.state for run in status_of(address).runs] == ["abandoned", "failed"]


def test_a_rollback_that_cannot_go_on_is_ended_with_its_run(
    newest: Server, newest_database: MakeDatabase
) -> None:
    address = newest_database("")
    applied(verified(newest, newest.demo), address)
    with stopping(4, "rollback"), pytest.raises(KilledError):
        alone(address)
    abandon(address, RunOptions(), lambda _run, _stays: None)
    assert [run.run.state for run in status_of(address).runs] == ["abandoned", "abandoned"]


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (
            "CREATE VIEW theirs AS SELECT id FROM public.hotels",
            "view public.theirs depends on table public.hot",
        ),
        (
            "CREATE TABLE theirs (unit uuid REFERENCES public.accommodation_units (id))",
            r"theirs_unit_fkey on table public.theirs depends on .* public.accommodation_units",
        ),
        (
            "CREATE TABLE theirs () INHERITS (public.exchange_rates)",
            "public.theirs depends on table public.exch",
        ),
        (
            "CREATE TABLE theirs (r public.exchange_rates)",
            "r of table public.theirs depends on type",
        ),
    ],
)
def test_what_others_made_is_seen_before_anything_is_promised(
    newest: Server, newest_database: MakeDatabase, theirs: str, said: str
) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute(theirs)
    ways = [RollbackOptions(), RollbackOptions(to="04")] if "REFERENCES" in theirs else [RollbackOptions()]
    for wanted in ways:  # rows that are referred to cannot be truncated, either
        with pytest.raises(RefusedError, match=said):
            foreseen(NOWHERE, address, wanted)
        with pytest.raises(RefusedError, match="nothing was changed"):
            rollback(NOWHERE, address, wanted)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute(f"DROP {theirs.split()[1]} theirs")
    assert alone(address).whole


_LESS_USUAL = """
    CREATE SCHEMA "less usual";
    SET search_path = "less usual";
    CREATE COLLATION by_bytes FROM "C";
    CREATE TEXT SEARCH CONFIGURATION plain (COPY = pg_catalog.simple);
    CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = pg_catalog.simple);
    CREATE FUNCTION same (integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE
        AS 'SELECT $1 OPERATOR(pg_catalog.=) $2';
    CREATE OPERATOR === (FUNCTION = same, LEFTARG = integer, RIGHTARG = integer);
    CREATE OPERATOR CLASS in_order FOR TYPE integer USING btree AS
        OPERATOR 1 pg_catalog.<, OPERATOR 2 pg_catalog.<=, OPERATOR 3 pg_catalog.=, OPERATOR 4 pg_catalog.>=,
        OPERATOR 5 pg_catalog.>, FUNCTION 1 pg_catalog.btint4cmp(integer, integer);
    CREATE FOREIGN DATA WRAPPER nowhere;
    CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
    CREATE TABLE by_year (year integer) PARTITION BY LIST (year);
    CREATE TABLE by_year_1 PARTITION OF by_year FOR VALUES IN (1);
"""
_OF_OTHERS = """
    CREATE TABLE public.theirs (a text COLLATE "less usual".by_bytes, b integer);
    CREATE INDEX theirs_b ON public.theirs (b "less usual".in_order);
    CREATE INDEX theirs_words ON public.theirs USING gin (to_tsvector('"less usual".plain'::regconfig, a));
    CREATE VIEW public.same_to_them AS SELECT b OPERATOR("less usual".===) 1 AS is_it FROM public.theirs;
    CREATE TABLE public.their_words (a regdictionary DEFAULT '"less usual".words'::regdictionary);
    CREATE FOREIGN TABLE public.theirs_far (a integer) SERVER far;
    CREATE TABLE public.by_year_2 PARTITION OF "less usual".by_year FOR VALUES IN (2);
"""


def test_whatever_others_use_stops_a_rollback_before_it_begins(
    newest: Server, newest_database: MakeDatabase
) -> None:
    database = newest.create_database(_LESS_USUAL)
    bundle = verified(newest, database)
    address = newest_database("")
    applied(bundle, address)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute(_OF_OTHERS.encode())
    with pytest.raises(RefusedError, match="nothing was changed") as refused:
        foreseen(NOWHERE, address, RollbackOptions())
    for said in (
        'column a of table public.theirs depends on collation "less usual".by_bytes',
        'index public.theirs_b depends on operator class "less usual".in_order',
        'index public.theirs_words depends on text search configuration "less usual".plain',
        'view public.same_to_them depends on operator "less usual".===',
        'table public.their_words depends on text search dictionary "less usual".words',
        "foreign table public.theirs_far depends on server far",
        'table public.by_year_2 depends on table "less usual".by_year',
    ):
        assert said in refused.value.what
    assert "by_year_1" not in refused.value.what, "the run brought it"
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute(
            "DROP VIEW same_to_them; DROP FOREIGN TABLE theirs_far; DROP TABLE theirs, their_words, by_year_2"
        )
    assert alone(address).whole
    newest.drop_database(database)


def test_nothing_of_a_rich_database_is_taken_for_somebody_elses(
    newest: Server, newest_database: MakeDatabase
) -> None:
    for layout in ("after-data", "with-schema"):
        bundle: VerifiedBundle = verified(newest, rich.database(newest), "--constraints", layout)
        address = newest_database("")
        applied(bundle, address)
        for file in bundle.manifest.files[:-1]:
            assert foreseen(NOWHERE, address, RollbackOptions(to=file.file)) is not None
        assert alone(address).whole
