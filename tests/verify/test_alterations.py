"""Whatever can be altered is seen: every form in ``alterations.sql``, every column of the system catalogs.

The target is a rich database that was moved by a bundle. Each change is made in a transaction, looked at from
within, and rolled back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import psycopg
import pytest

from migplan.catalog import read
from migplan.catalog.attributes import REFERENCES
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.uncompared import CATALOGS, COLUMNS, READ, STRUCTURE, UNCOMPARED
from migplan.postgres import settings
from migplan.postgres.session import Session, connect
from migplan.verify import target as verifying
from migplan.verify.expectation import Expectation, load
from migplan.verify.moment import Moment
from migplan.verify.rebuilt import rebuilt
from tests.export.loading import export, run_with_psql
from tests.servers import Server

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
_PARTS = 6  # in which the alterations are tried, each in a minute at the most


@dataclass(frozen=True)
class Target:
    """A faithful target, and the one session that changes it and looks."""

    server: Server
    name: str
    expectation: Expectation
    session: Session

    def differences_after(self, change: str) -> list[str]:
        """What verify says of the structure after a change that is then rolled back."""
        with self.session.transaction(force_rollback=True):
            self.session.execute(change.encode())
            return self.differences()

    def differences(self) -> list[str]:
        catalog = read.read(self.session, Counting(Exactness.ESTIMATE))
        moment = Moment(self.session, catalog, None, None)  # type: ignore[arg-type]  # no rows are read
        checks, _notes = verifying.structure_of(self.expectation, moment, None, lambda *_: None, None)
        return [f"{check.name}: {each}" for check in checks for each in check.differences]


@pytest.fixture(scope="module")
def target(newest: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("alterations") / "bundle"
    with ExitStack() as stack:
        source = newest.create_database((HERE / "every_kind.sql").read_text("utf-8"))
        stack.callback(newest.drop_database, source)
        name = newest.create_database()
        stack.callback(newest.drop_database, name)
        export(newest.url(source), folder)
        run_with_psql(folder, newest.url(name))
        # What a scratch server makes of the bundle is the same each time.
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        once = cache(partial(rebuilt, load(folder), newest.major))
        patch.setattr(verifying, "rebuilt", lambda *_: once())
        session = stack.enter_context(connect(newest.address(name)))
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute(settings.reading(newest.version))
        yield Target(newest, name, load(folder), session)


def alterations(major: int) -> list[str]:
    """The statements that a server of that version knows."""
    text = re.sub(r"^-- .*\n", "", (HERE / "alterations.sql").read_text("utf-8"), flags=re.M)
    found = []
    for part in filter(None, (paragraph.strip() for paragraph in text.split("\n\n"))):
        since = re.match(r"--\[ since (\d+) \]\n", part)
        if since is None or major >= int(since[1]):
            found.append(part.removeprefix(since[0]) if since else part)
    return found


def test_a_faithful_target_differs_in_nothing(target: Target) -> None:
    assert target.differences() == []


@pytest.mark.parametrize("part", range(_PARTS))
def test_every_alteration_is_seen(target: Target, part: int) -> None:
    statements = alterations(target.server.major)[part::_PARTS]
    assert len(statements) > 200 // _PARTS
    assert [statement for statement in statements if not target.differences_after(statement)] == []


# What a column is set to by its type; {other} is another value of that column, or of what it refers to.
_OTHERWISE = {
    "boolean": "NOT {column}",
    "text": "coalesce({column}, '') || 'x'",
    "name": "({column} || 'x')::name",
    "text[]": "array_append({column}, 'x=1')",
    '"char"': "CASE WHEN {column} = '{one}' THEN '{other}' ELSE '{one}' END::\"char\"",
    "smallint": "coalesce({column}, 0) + 1",
    "integer": "coalesce({column}, 0) + 1",
    "real": "{column} + 1",
    "regproc": "'pg_catalog.now'::regproc",
    "oid": "CASE WHEN {column} = {one} THEN {other} ELSE {one} END::oid",
}
# Given another value row by row, these lead the server astray; alterations.sql has what ALTER makes of them.
_ASTRAY = frozenset(
    {
        *(
            "amopopr",
            "attoptions",
            "opcdefault",
            "proargnames",
            "prokind",
            "relam",
            "relkind",
            "relpersistence",
        ),
        *("contype", "indclass", "indcollation", "indkey", "indoption", "proallargtypes", "proargmodes"),
        *("proargtypes", "prosqlbody", "protrftypes"),
    }
)
# A type's functions are called wherever a value is printed: only of this one is there no value.
_ROWS = {"pg_type": "typname = 'whole'", "pg_seclabel": "false"}
# Of a base type these make no sense; alterations.sql has domains.
_OF_DOMAINS = frozenset({"typtype", "typnotnull", "typbasetype", "typtypmod"})
# Columns of servers before the newest.
_OLDER = frozenset({"attcacheoff"})


@dataclass(frozen=True)
class Column:
    """A column of a system catalog; ``key`` is the catalog's first, an oid."""

    catalog: str
    name: str
    type: str
    key: str
    refers_to: str | None

    def change(self, session: Session) -> str:
        """An UPDATE that gives it another value in every row of the users' own."""
        one, other = "", ""
        if self.type == '"char"':
            found = session.execute(f"SELECT DISTINCT {self.name} FROM pg_catalog.{self.catalog}").fetchall()
            one, other = [*sorted(value for (value,) in found if value), "D", "x"][:2]
        elif self.type == "oid":
            found = session.execute(
                f"SELECT oid FROM pg_catalog.{self.refers_to} ORDER BY 1 LIMIT 2"
            ).fetchall()
            one, other = (str(value) for (value,) in found)
        value = _OTHERWISE[self.type].format(column=self.name, one=one, other=other)
        rows = _ROWS.get(self.catalog, f"{self.key}::oid >= 16384")
        return f"UPDATE pg_catalog.{self.catalog} SET {self.name} = {value} WHERE {rows}"


def columns(session: Session) -> list[Column]:
    """Every column of the catalogs that are read, as the server knows them."""
    found = session.execute(
        """
        SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, NULL), k.attname, (
            SELECT f.pktable::regclass::text FROM pg_catalog.pg_get_catalog_foreign_keys() f
            WHERE f.fktable = c.oid AND f.fkcols = ARRAY[a.attname::text] AND NOT f.is_array)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_catalog.pg_attribute k ON k.attrelid = c.oid AND k.attnum = 1
        WHERE c.relname = ANY (%s) AND c.relnamespace = 'pg_catalog'::regnamespace
        ORDER BY c.relname, a.attnum
        """,
        [sorted(READ)],
    ).fetchall()
    return [Column(*row) for row in found]


def test_every_column_of_the_catalogs_is_compared_or_said_not_to_be(target: Target) -> None:
    """Also one that a newer server brings: it is compared, and is given a value here that it can have."""
    changes: dict[str, list[Column]] = {}
    for column in columns(target.session):
        reason = UNCOMPARED.get(column.name)
        if column.name in _ASTRAY or _ROWS.get(column.catalog) == "false":
            continue
        if reason == STRUCTURE and column.name not in _OF_DOMAINS:
            changes[f"{column.catalog}.{column.name}"] = [column]
        elif reason is None:
            changes.setdefault(column.catalog, []).append(column)
    alone = [column for together in changes.values() for column in together if len(together) == 1]
    for together in changes.values():
        if len(together) > 1:
            change = "; ".join(each.change(target.session) for each in together)
            said = " ".join(target.differences_after(change))
            alone += [each for each in together if not re.search(rf"\b{each.name}\b", said)]
    missed = [each for each in alone if not target.differences_after(each.change(target.session))]
    assert sum(map(len, changes.values())) > 150
    assert missed == []


def test_every_catalog_is_read_or_said_not_to_be(target: Target) -> None:
    found = target.session.execute(
        "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = 'pg_catalog'::regnamespace "
        "AND relkind = 'r' AND NOT relisshared"
    ).fetchall()
    there = {name for (name,) in found}
    assert there - READ == set(CATALOGS)
    assert there >= READ


def test_the_list_of_what_is_not_compared_names_only_what_there_is(target: Target) -> None:
    there = {(column.catalog, column.name) for column in columns(target.session)}
    listed = {
        (catalog, column)
        for catalog, reasons in COLUMNS.items()
        for words in reasons.values()
        for column in words.split()
    }
    assert {name for name in listed - there if name[1] not in _OLDER} == set()


def test_every_reference_is_resolved(target: Target) -> None:
    """What holds an oid is compared by the name of what it refers to: the server itself says what that is."""
    oids = [
        column
        for column in columns(target.session)
        if column.type in ("oid", "oid[]", "oidvector") and column.name not in UNCOMPARED
    ]
    assert {column.name: column.refers_to for column in oids if column.type == "oid"} == {
        name: catalog for name, catalog in REFERENCES.items() if name != "protrftypes"
    }
    assert {column.name for column in oids if column.type != "oid"} == {"protrftypes"}
    assert "unknown" not in str(target.expectation.attributes)
