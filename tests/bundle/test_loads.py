"""What a bundle cannot be loaded without is named, wherever it was taken away; and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from migplan.bundle import manifest as manifests
from migplan.bundle.check.examine import check
from migplan.bundle.check.loads import Loads
from migplan.bundle.check.problem import Kind, Place, Problem
from migplan.bundle.manifest import Manifest
from migplan.bundle.paths import BundlePaths
from migplan.config import Layout
from migplan.sql.statements import Parsed, parsed
from migplan.sql.tree import relation_name, words
from tests.bundle.test_check import edit
from tests.export.loading import export
from tests.servers import Server

SCRIPT = """
    CREATE SCHEMA app;
    CREATE TYPE app.mood AS ENUM ('calm', 'loud');
    CREATE DOMAIN app.code AS text CHECK (length(VALUE) < 20);
    CREATE COLLATION app.plain FROM "C";
    CREATE SEQUENCE app.loose START 7;
    CREATE TABLE app.people (id serial PRIMARY KEY, mood app.mood, code app.code,
        name text COLLATE app.plain);
    CREATE TABLE app.rooms (id int PRIMARY KEY, owner int REFERENCES app.people, wide int, number int
        DEFAULT nextval('app.loose'));
    CREATE TABLE app.stays (id int GENERATED ALWAYS AS IDENTITY, day date) PARTITION BY RANGE (day);
    CREATE TABLE app.stays_old PARTITION OF app.stays FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE INDEX stays_day ON app.stays (day);
    CREATE VIEW app.names AS SELECT name FROM app.people;
    CREATE MATERIALIZED VIEW app.counts AS SELECT count(*) AS n FROM app.names;
    CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION app.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
    CREATE FUNCTION app.twice(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1 || $1';
    COMMENT ON FUNCTION app.twice(text) IS 'of texts';
    CREATE INDEX rooms_twice ON app.rooms (app.twice(wide));
    CREATE TRIGGER touch BEFORE UPDATE ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch();
    COMMENT ON TRIGGER touch ON app.people IS 'touches';
    ALTER TABLE app.people ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON app.people USING (EXISTS (SELECT FROM app.rooms r WHERE r.owner = people.id));
    CREATE STATISTICS app.st ON id, owner FROM app.rooms;
    COMMENT ON STATISTICS app.st IS 'together';
    CREATE TYPE app.span AS RANGE (subtype = int, multirange_type_name = app.spans);
    CREATE TABLE app.spanning (id int PRIMARY KEY, s app.spans);
    COMMENT ON COLUMN app.rooms.wide IS 'in feet';
    GRANT SELECT ON app.names TO pg_monitor;
    CREATE PUBLICATION pub FOR TABLE app.rooms;
    INSERT INTO app.people (mood, code, name) VALUES ('calm', 'a', 'Ann');
    INSERT INTO app.rooms (id, owner, wide) VALUES (1, 1, 9);
    INSERT INTO app.stays (day) VALUES ('2020-05-05');
"""


@pytest.fixture(scope="module")
def bundles(newest: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The database in bundles of either layout, and as rows or definitions alone."""
    source = newest.create_database(SCRIPT)
    folder = tmp_path_factory.mktemp("loads")
    ways = {
        "after": ("--constraints", Layout.AFTER_DATA.value),
        "with": ("--constraints", Layout.WITH_SCHEMA.value, "--data-format", "insert"),
        "rows": ("--data-only",),
        "schema": ("--schema-only",),
    }
    for name, options in ways.items():
        export(newest.url(source), folder / name, *options)
    yield {name: folder / name for name in ways}
    newest.drop_database(source)


@pytest.mark.parametrize("way", ["after", "with", "rows", "schema"])
def test_what_was_exported_lacks_nothing(bundles: dict[str, Path], way: str) -> None:
    assert check(bundles[way]) == ()


def statements(folder: Path) -> tuple[Manifest, list[tuple[Place, Parsed]]]:
    manifest, found = manifests.load(folder), []
    for number, file in enumerate(manifest.files):
        path = BundlePaths(folder).step(file.file)
        with path.open("rb") as stream:
            for each in parsed(stream, path):
                place = Place(number, each.start, each.line, file.file)
                found.append((place, each))
    return manifest, found


def lacking(manifest: Manifest, found: list[tuple[Place, Parsed]]) -> list[Problem]:
    loads = Loads(manifest)
    for place, each in found:
        if each.node.HasField("copy_stmt"):
            copy = each.node.copy_stmt
            loads.copy(relation_name(copy.relation), words(copy.attlist), place)
        else:
            loads.run(each.node, place, each.beginning)
    return list(loads.problems())


@pytest.mark.parametrize("way", ["after", "with", "schema"])
def test_whatever_is_not_created_is_named_where_it_is_needed(bundles: dict[str, Path], way: str) -> None:
    """Every CREATE in turn is taken away; nobody needs the last ones of a chain."""
    manifest, found = statements(bundles[way])
    assert lacking(manifest, found) == []
    silent = []
    for number, (_, each) in enumerate(found):
        if each.text.startswith("CREATE "):
            problems = lacking(manifest, found[:number] + found[number + 1 :])
            assert {problem.kind for problem in problems} <= {Kind.LACKS}
            if not problems:
                silent.append(each.beginning.partition(" ON ")[0].partition(" (")[0])
    assert sorted(silent) == ["CREATE INDEX rooms_twice", "CREATE POLICY own"]


Case = tuple[str, str, str, str, str]
CASES: list[Case] = [
    (
        "after",
        "setval('app.loose'",
        "setval('app.lose'",
        "app.lose",
        "SELECT pg_catalog.setval",
    ),
    ("after", "COPY app.rooms (", "COPY app.room (", "app.room", "COPY app.room"),
    (
        "with",
        "INSERT INTO app.rooms (",
        "INSERT INTO app.room (",
        "app.room",
        "INSERT INTO",
    ),
    (
        "after",
        "COPY app.rooms (id, owner, wide",
        "COPY app.rooms (id, owner, wider",
        "column wider of app.rooms",
        "COPY app.rooms",
    ),
    (
        "with",
        "    wide integer,\n",
        "",
        "column wide of app.rooms",
        "INSERT INTO app.rooms",
    ),
    ("after", "    wide integer,\n", "", "column wide of app.rooms", "COPY app.rooms"),
    (
        "after",
        "REFERENCES app.people(id)",
        "REFERENCES app.persons(id)",
        "app.persons",
        "rooms_owner_fkey refers to",
    ),
    (
        "after",
        "REFERENCES app.people(id)",
        "REFERENCES app.people(nr)",
        "column nr of app.people",
        "ALTER TABLE ONLY app.rooms",
    ),
    (
        "after",
        "EXECUTE FUNCTION app.touch()",
        "EXECUTE FUNCTION app.tuoch()",
        "function app.tuoch",
        "CREATE TRIGGER touch",
    ),
    (
        "after",
        "ATTACH PARTITION app.stays_old ",
        "ATTACH PARTITION app.stays_new ",
        "app.stays_new",
        "ALTER TABLE ONLY app.stays",
    ),
    (
        "after",
        "   FROM app.people;",
        "   FROM app.folk;",
        "app.folk",
        "CREATE VIEW app.names",
    ),
    (
        "after",
        "COMMENT ON COLUMN app.rooms.wide",
        "COMMENT ON COLUMN app.rooms.with",
        'column "with" of app.rooms',
        "COMMENT ON COLUMN",
    ),
    (
        "after",
        "COMMENT ON FUNCTION app.twice(text)",
        "COMMENT ON FUNCTION app.twice(date)",
        "function app.twice(date)",
        "COMMENT ON FUNCTION",
    ),
    (
        "after",
        "GRANT SELECT ON TABLE app.names",
        "GRANT SELECT ON TABLE app.nmaes",
        "app.nmaes",
        "GRANT SELECT",
    ),
    (
        "after",
        "ON app.rooms USING btree (app.twice",
        "ON app.zimmer USING btree (app.twice",
        "app.zimmer",
        "CREATE INDEX rooms_twice",
    ),
    (
        "after",
        "FROM app.rooms r",
        "FROM app.roms r",
        "app.roms",
        "CREATE POLICY own",
    ),
    (
        "after",
        "CREATE POLICY own ON app.people",
        "CREATE POLICY own ON app.pepole",
        "app.pepole",
        "CREATE POLICY own",
    ),
    (
        "after",
        "    mood app.mood,",
        "    mood app.moods,",
        "type app.moods",
        "CREATE TABLE app.people",
    ),
    (
        "after",
        "nextval('app.loose'",
        "nextval('app.lose'",
        "app.lose",
        "CREATE TABLE app.rooms",
    ),
    ("after", "CREATE SCHEMA app;", "", "schema app", "ALTER SCHEMA"),
]


@pytest.mark.parametrize(("way", "old", "new", "missing", "who"), CASES)
def test_an_edit_by_hand_that_cannot_load_is_named(
    bundles: dict[str, Path], tmp_path: Path, way: str, old: str, new: str, missing: str, who: str
) -> None:
    folder = tmp_path / "edited"
    shutil.copytree(bundles[way], folder)
    path = next(each for each in sorted(folder.glob("*.sql")) if old in each.read_text())
    edit(path, old, new)
    changed, *found = check(folder)
    assert (changed.kind, changed.file) == (Kind.CHANGED, path.name)
    lacks = [each for each in found if missing in each.what and each.what.startswith(who)]
    assert [each.kind for each in lacks] == [Kind.LACKS]
    assert lacks[0].line
