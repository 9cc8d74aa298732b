"""A source that holds its texts in another encoding than the target: the same texts, the same digests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migplan.verify.target import verify_target
from tests.export.loading import export, run_with_psql
from tests.servers import Server
from tests.verify.conftest import said

pytestmark = pytest.mark.slow

# Characters that LATIN9, WIN1252 and UTF-8 have all three, as other bytes in each.
TEXTS = """
CREATE SCHEMA "Straße";
CREATE TYPE "Straße"."Größe" AS ENUM ('groß', 'klein €');
CREATE DOMAIN "Straße".gruß AS text DEFAULT 'Grüße' CHECK (VALUE <> 'Ä€');
CREATE TABLE "Straße"."Größen" (
    id int PRIMARY KEY, "Höhe" text DEFAULT 'höher €' CHECK ("Höhe" <> 'ÄÖÜ'), art "Straße"."Größe",
    lang text GENERATED ALWAYS AS (id || 'ß') STORED, anrede "Straße".gruß
);
COMMENT ON TABLE "Straße"."Größen" IS 'für Süßes: 5 €';
CREATE INDEX "Höhen" ON "Straße"."Größen" (("Höhe" || 'ö')) WHERE "Höhe" <> 'Ö';
ALTER TABLE "Straße"."Größen" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "für alle" ON "Straße"."Größen" USING ("Höhe" <> 'ü');
CREATE VIEW "Straße"."Übersicht" AS SELECT id AS "Zähler", 'ä €' AS "Währung" FROM "Straße"."Größen";
CREATE FUNCTION "Straße"."prüfe"("wörter" text DEFAULT 'ö') RETURNS text LANGUAGE plpgsql
    AS 'BEGIN RETURN ''für 5 €: '' || "wörter"; END';
CREATE FUNCTION "Straße"."zähle"() RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT count(*) FROM "Straße"."Größen" WHERE "Höhe" = 'ä €'; END;
CREATE FUNCTION "Straße"."rühre"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "rühren" BEFORE UPDATE ON "Straße"."Größen" FOR EACH ROW WHEN (NEW."Höhe" = 'ß')
    EXECUTE FUNCTION "Straße"."rühre"();
INSERT INTO "Straße"."Größen" (id, "Höhe", art)
    SELECT n, 'Maß ' || n || ' €', (ARRAY['groß', 'klein €'])[1 + n % 2]::"Straße"."Größe"
    FROM generate_series(1, 50) n;
"""


@contextmanager
def encoded(server: Server, encoding: str, script: str = "") -> Iterator[str]:
    """A database in that encoding, with what the script makes in it."""
    name = server.create_database()
    with server.connect() as connection:
        connection.execute(f'DROP DATABASE "{name}"')
        connection.execute(
            f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    try:
        with server.connect(dbname=name, client_encoding="UTF8") as connection:
            connection.execute(script.encode())
        yield name
    finally:
        server.drop_database(name)


@pytest.mark.parametrize(
    "encodings",
    [("LATIN9", "UTF8"), ("WIN1252", "UTF8"), ("LATIN9", "LATIN9"), ("SQL_ASCII", "UTF8")],
    ids=" to ".join,
)
def test_texts_are_the_same_in_another_encoding(
    newest: Server, encodings: tuple[str, str], tmp_path: Path
) -> None:
    """Names, bodies, defaults, checks, comments and rows; against the bundle and beside the source."""
    bundle = tmp_path / "bundle"
    with encoded(newest, encodings[0], TEXTS) as source, encoded(newest, encodings[1]) as target:
        export(newest.url(source), bundle)
        run_with_psql(bundle, newest.url(target))
        for origin in (None, newest.address(source)):
            found = verify_target(newest.address(target), bundle, origin)
            assert said(found) == []
            assert {proof.strength for proof in found.tables} == {"content"}
        with newest.connect(dbname=target, client_encoding="UTF8") as connection:
            connection.execute(
                'CREATE OR REPLACE FUNCTION "Straße"."prüfe"("wörter" text DEFAULT \'ö\') RETURNS text '
                "LANGUAGE plpgsql AS 'BEGIN RETURN ''fur 5 €: '' || \"wörter\"; END';"
                'ALTER TABLE "Straße"."Größen" DISABLE TRIGGER USER;'
                'UPDATE "Straße"."Größen" SET "Höhe" = \'Mass 7 €\' WHERE id = 7;'
                'ALTER TABLE "Straße"."Größen" ENABLE TRIGGER USER'
            )
        changed = said(verify_target(newest.address(target), bundle))
    assert [line.partition(":")[0] for line in changed] == ["Functions", "Contents"]
    assert changed[1].endswith("other values: id 7 in Höhe, lang") or changed[1].endswith("id 7 in Höhe")
