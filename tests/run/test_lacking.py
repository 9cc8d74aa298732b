"""What a target's server lacks is known before the first change: the server itself tells."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migplan.bundle.verified import load_verified
from migplan.postgres.session import connect
from migplan.run.preflight import Obstacle, examine
from migplan.run.preflight.wants import wants_of
from tests.export.conftest import bundle, nowhere
from tests.export.loading import export
from tests.servers import Server, Throwaway

pytestmark = pytest.mark.slow

__all__ = ["bundle", "nowhere"]

# By what a refusal calls them: servers that were built without something, or are older, cannot run them.
STATEMENTS = {
    "public.of_column": 'CREATE TABLE of_column (t text COLLATE "de-x-icu")',
    "public.of_index": 'CREATE TABLE base (t text); CREATE INDEX of_index ON base (t COLLATE "fr-x-icu")',
    "public.of_domain": 'CREATE DOMAIN of_domain AS text COLLATE "en-x-icu"',
    "public.of_view": """CREATE VIEW of_view AS SELECT 'a'::text COLLATE "sv-x-icu" AS a""",
    "public.of_range": 'CREATE TYPE of_range AS RANGE (subtype = text, collation = "fi-x-icu")',
    "public.of_composite": 'CREATE TYPE of_composite AS (t text COLLATE "da-x-icu")',
    "public.by_icu": "CREATE COLLATION by_icu (provider = icu, locale = 'de')",
    "public.by_default": "CREATE TABLE by_default (x xml DEFAULT '<a/>'::xml)",
    "public.in_view": "CREATE VIEW in_view AS SELECT '<b/>'::xml AS x",
    "public.rows": "CREATE TABLE rows (id int, x xml); INSERT INTO rows VALUES (1, '<a/>'), (2, NULL)",
    "public.filled": "CREATE MATERIALIZED VIEW filled AS SELECT xmlelement(name a, 1) AS x",
    "lz4": "CREATE TABLE packed (t text COMPRESSION lz4)",
    "hstore": "CREATE EXTENSION hstore",
    "public.ruled": "CREATE COLLATION ruled (provider = icu, locale = 'und', rules = '&a < g')",
    "public.built_in": "CREATE COLLATION built_in (provider = builtin, locale = 'C.UTF-8')",
    "public.maintained": "CREATE TABLE maintained (a int); GRANT SELECT, MAINTAIN ON maintained TO PUBLIC",
    "public.is_json": "CREATE VIEW is_json AS SELECT '1'::text IS JSON AS a",
    "public.of_json": "CREATE VIEW of_json AS SELECT JSON_VALUE('1'::jsonb, '$') AS a",
    "not_null_not_valid": (
        "CREATE TABLE unproven (a int); ALTER TABLE unproven ADD CONSTRAINT not_null_not_valid "
        "NOT NULL a NOT VALID"
    ),
}


# The libraries, and what only a server that was built with them can do.
LIBRARIES = {"icu": "public.by_icu", "libxml": "public.by_default", "lz4": "lz4"}


def able(server: Server) -> dict[str, bool]:
    """Which of the statements a server runs."""
    name = server.create_database()
    found = {}
    with server.connect(dbname=name) as connection:
        for what, script in STATEMENTS.items():
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(script.encode())
                found[what] = True
            except psycopg.Error:
                found[what] = False
    server.drop_database(name)
    return found


def test_what_one_server_has_and_another_lacks(servers: dict[str, Server], bundle: Path) -> None:
    can = {name: able(server) for name, server in servers.items()}
    for number, (name, source) in enumerate(servers.items()):
        made = [what for what in STATEMENTS if can[name][what]]
        database = source.create_database(
            "; ".join(["CREATE TABLE t ()", *(STATEMENTS[what] for what in made)])
        )
        folder = bundle.with_name(f"from_{number}")
        export(source.url(database), folder)
        needed = {library for library, what in LIBRARIES.items() if can[name][what]}
        assert wants_of(load_verified(folder)).libraries == needed
        if isinstance(source.origin, Throwaway):
            built = {each for each in LIBRARIES if source.origin.installation.has_library(each)}
            assert built == needed, "what its program tells is what it can"
        for other, server in servers.items():
            target = server.create_database()
            stops = [each for each in looked_at(server, target, folder) if each.level == "stop"]
            said = "\n".join(each.what for each in stops if "is the database from which" not in each.what)
            # What the version alone forbids hides nothing, and is said of all newer features together.
            wrong = {what for what in made if (what in said) == can[other][what]}
            assert not wrong, (name, other, said)
            server.drop_database(target)
        source.drop_database(database)


def looked_at(server: Server, target: str, folder: Path) -> tuple[Obstacle, ...]:
    with connect(server.address(target)) as session:
        session.autocommit = True
        return examine(load_verified(folder), session)


def test_characters_that_an_encoding_lacks(newest: Server, bundle: Path) -> None:
    source = newest.create_database(
        "CREATE TABLE names (name text); INSERT INTO names VALUES ('Zoë'), ('10 €'), ('Ωmega €');"
        "CREATE TABLE plain (id int); COMMENT ON TABLE plain IS 'without Ω'"
    )
    export(newest.url(source), bundle)
    name = f"{source}_latin"
    with newest.connect() as connection:
        make = sql.SQL("CREATE DATABASE {} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        connection.execute(make.format(sql.Identifier(name)))
    (found,) = (each for each in looked_at(newest, name, bundle) if each.subject == "encoding")
    assert found.level == "stop"
    assert "lacks 2 characters of the files: Ω (U+03A9), € (U+20AC)" in found.what
    assert "2 rows of public.names" in found.what
    assert "COMMENT ON TABLE public.plain" in found.what
    newest.drop_database(name)
    newest.drop_database(source)


def test_files_that_dictionaries_need(newest: Server, bundle: Path) -> None:
    source = newest.create_database("CREATE TABLE t (id int)")
    export(newest.url(source), bundle)
    verified = load_verified(bundle)
    text = verified.texts[verified.manifest.files[0].file]
    text.add(
        b"CREATE TEXT SEARCH DICTIONARY public.odd (TEMPLATE = pg_catalog.synonym, synonyms = 'not_there');\n"
    )
    target = newest.create_database()
    with connect(newest.address(target)) as session:
        session.autocommit = True
        (found,) = examine(verified, session)
    assert found.subject == "text search"
    assert "cannot make text search dictionary public.odd" in found.what
    newest.drop_database(target)
    newest.drop_database(source)
