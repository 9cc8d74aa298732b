"""Whatever a bundle would carry is compared with the plan: each change is seen from within its transaction.

Nothing is seen where nothing was altered, whatever the database does meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from migplan.catalog import read, store
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog
from migplan.catalog.read_attributes import read_attributes
from migplan.config import Config, SelectionSection
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.plan import (
    Planned,
    drift_of,
    find_drift,
    find_uncompared,
    make_plan,
    request_of,
    write_plan,
)
from migplan.plan import baseline
from migplan.postgres import settings
from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect
from tests.servers import Server

HERE = Path(__file__).parent
VERIFY = HERE.parent / "verify"
SECRETS = ("a-secret", "other-secret")


@dataclass(frozen=True)
class Shop:
    """A database with something of every kind, its plan, and the one session that changes it and looks."""

    session: Session
    catalog: Catalog
    planned: Planned
    major: int

    def drift_after(self, change: str) -> tuple[str, ...]:
        """What differs from the plan after a change that is then rolled back."""
        with self.session.transaction(force_rollback=True):
            self.session.execute(change.encode())
            return self.drift(catalog_of(self.session))

    def drift(self, catalog: Catalog) -> tuple[str, ...]:
        return drift_of(self.planned.plan, self.planned.baseline, catalog, Config())

    def unseen(self, file: Path) -> list[str]:
        return [change for change in changes(file, self.major) if not self.sees(change)]

    def sees(self, change: str) -> bool:
        """Whether a change is seen; attributes, which take longest to read, only if nothing else tells it."""
        with self.session.transaction(force_rollback=True):
            self.session.execute(change.encode())
            then = replace(structure_of(self.session), attributes=self.catalog.attributes)
            if self.drift(then):
                return True
            return bool(self.drift(replace(then, attributes=read_attributes(self.session))))


def catalog_of(session: Session) -> Catalog:
    attributes = read_attributes(session)
    return replace(structure_of(session), attributes=attributes)


def structure_of(session: Session) -> Catalog:
    return read.read(session, Counting(Exactness.ESTIMATE))


def changes(file: Path, major: int) -> list[str]:
    """The paragraphs of a file that a server of that version knows."""
    text = re.sub(r"^-- .*\n", "", file.read_text("utf-8"), flags=re.M)
    found = []
    for part in filter(None, (paragraph.strip() for paragraph in text.split("\n\n"))):
        since = re.match(r"--\[ since (\d+) \]\n", part)
        if since is None or major >= int(since[1]):
            found.append(part.removeprefix(since[0]) if since else part)
    return found


def planned(catalog: Catalog, config: Config = Config()) -> Planned:  # noqa: B008 - it is frozen
    return make_plan(catalog, config, request_of(config, catalog))


@contextmanager
def shop_on(server: Server) -> Iterator[Shop]:
    with ExitStack() as stack:
        name = server.create_database((VERIFY / "every_kind.sql").read_text("utf-8"))
        stack.callback(server.drop_database, name)
        session = stack.enter_context(connect(server.address(name)))
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute(settings.reading(server.version))
        with session.transaction():
            catalog = catalog_of(session)
        yield Shop(session, catalog, planned(catalog), server.major)


@pytest.fixture(scope="module")
def shop(newest: Server) -> Iterator[Shop]:
    with shop_on(newest) as shop:
        yield shop


def test_every_change_is_seen(server: Server) -> None:
    with server.connect() as connection:
        found = connection.execute("SELECT FROM pg_available_extensions WHERE name = 'hstore'").fetchone()
        if found is None:
            pytest.skip("this server has no hstore")
    with shop_on(server) as shop:
        assert shop.drift_after("SELECT 1") == ()
        assert len(changes(HERE / "changes.sql", shop.major)) > 80
        assert shop.unseen(HERE / "changes.sql") == []


@pytest.mark.slow
def test_every_alteration_is_seen(shop: Shop) -> None:
    assert shop.unseen(VERIFY / "alterations.sql") == []


def test_a_line_names_the_object_and_both_values(shop: Shop) -> None:
    for change, said in (
        (
            "ALTER TABLE shop.customer ALTER note SET STORAGE EXTERNAL",
            "changed: column note of shop.customer (storage: extended -> external)",
        ),
        (
            "ALTER PUBLICATION shop_tables SET (publish_via_partition_root)",
            "changed: publication shop_tables (published via the partition root: no -> yes)",
        ),
        (
            "ALTER EVENT TRIGGER shop_ddl DISABLE",
            "changed: event trigger shop_ddl (state: replica -> disabled)",
        ),
        (
            "ALTER TEXT SEARCH DICTIONARY shop.words OWNER TO pg_monitor",
            "changed: text search dictionary shop.words (owner: postgres -> pg_monitor)",
        ),
        ("DROP STATISTICS shop.orders_statistics", "dropped: statistics shop.orders_statistics"),
        ("GRANT USAGE ON FOREIGN SERVER shop_server TO pg_monitor", "(privileges: none -> USAGE)"),
    ):
        assert said in "\n".join(shop.drift_after(change)), change


def test_what_may_be_secret_is_seen_and_not_shown(shop: Shop) -> None:
    database = shop.session.info.dbname
    for change in (
        "ALTER SERVER shop_server OPTIONS (SET password 'other-secret')",
        "ALTER FOREIGN TABLE shop.far OPTIONS (SET token 'other-secret')",
        f"ALTER DATABASE {database} SET app.key = 'a-secret'",
    ):
        said = "\n".join(shop.drift_after(change))
        assert said
        assert not any(secret in said for secret in SECRETS), change


def test_use_and_maintenance_change_nothing(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    address = newest_database((VERIFY / "every_kind.sql").read_text("utf-8"))
    found = planned(read_catalog(address))
    with newest.connect(dbname=address.params["dbname"]) as connection:
        for statement in (
            "INSERT INTO shop.animal SELECT 'cat' FROM generate_series(1, 1000)",
            "SELECT nextval('shop.numbers') FROM generate_series(1, 50)",
            "ANALYZE",
            "VACUUM FULL shop.customer",
            "VACUUM",
            "REINDEX SCHEMA shop",
            "CLUSTER shop.orders USING orders_pkey",
            "ALTER TABLE shop.orders SET WITHOUT CLUSTER",
            "TRUNCATE shop.animal",
            "REFRESH MATERIALIZED VIEW shop.sums",
        ):
            connection.execute(statement.encode())
    assert drift_of(found.plan, found.baseline, read_catalog(address), Config()) == ()


def test_what_stands_beside_the_plan_holds_no_secret_and_what_is_committed_comes_back(
    shop: Shop, tmp_path: Path
) -> None:
    """The plan's files, and a saved catalog, tell the same as the database."""
    database = shop.session.info.dbname
    file = tmp_path / "plan.yaml"
    with shop.session.transaction(force_rollback=True):
        shop.session.execute(f"ALTER DATABASE {database} SET app.key = 'a-secret'".encode())
        catalog = catalog_of(shop.session)
    found = planned(catalog)
    write_plan(found, file)
    assert "secret" not in file.read_text() + baseline.beside(file).read_text()
    store.save(catalog, tmp_path / "catalog.json")
    assert "secret" not in (tmp_path / "catalog.json").read_text()
    saved = store.load(tmp_path / "catalog.json")
    assert saved.attributes == catalog.attributes
    assert (find_drift(file, saved, Config()), find_uncompared(file, saved)) == ((), ())
    with shop.session.transaction():
        assert find_drift(file, catalog_of(shop.session), Config()) == (
            "dropped: setting app.key of the database",
        )
    baseline.beside(file).unlink()
    with shop.session.transaction():
        (said,) = find_drift(file, catalog_of(shop.session), Config())
    assert said.startswith("something has changed of this: storage, publications")


def test_what_cannot_be_compared_is_said(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    write_plan(shop.planned, file)
    with shop.session.transaction(force_rollback=True):
        shop.session.execute("DROP PUBLICATION shop_tables")
        catalog = catalog_of(shop.session)
    assert find_drift(file, catalog, Config()) == ("dropped: publication shop_tables",)
    bare = replace(catalog, attributes=None)
    assert find_drift(file, bare, Config()) == ()
    assert "the saved catalog lacks them" in find_uncompared(file, bare)[0]
    # A plan as an earlier migplan left it.
    write_plan(planned(replace(shop.planned.baseline.catalog, attributes=None)), file)
    assert find_drift(file, catalog, Config()) == ()
    assert "plan again to have them" in find_uncompared(file, catalog)[0]


def test_what_is_outside_of_the_selection_is_not_compared(shop: Shop) -> None:
    with shop.session.transaction():
        catalog = catalog_of(shop.session)
    only = Config(selection=SelectionSection(tables=("shop.customer", "shop.orders")))
    found = planned(catalog, only)
    outside = replace(shop, planned=found)
    assert outside.drift_after("ALTER TABLE shop.animal ALTER name SET STORAGE PLAIN") == ()
    assert outside.drift_after("ALTER PUBLICATION shop_tables DROP TABLE shop.animal") == ()
    assert outside.drift_after("ALTER TABLE shop.customer ALTER name SET STORAGE PLAIN")
