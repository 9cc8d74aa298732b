"""MP401 to MP404: types that stand in the way of an upgrade, or say less than they seem to."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from migplan.advise.rules.reg_type import NOT_UPGRADABLE
from migplan.level import Level
from migplan.postgres.address import Address
from tests.advise.advising import advice_of, blind, fix, found
from tests.servers import Server

SCHEMA = """
CREATE DOMAIN how AS regproc; CREATE DOMAIN how_else AS how;
CREATE TYPE "made of" AS (plain int, "a ""b" regoper[]);
CREATE TYPE nested AS (inner_one "made of");
CREATE TABLE regs (id int PRIMARY KEY, fine regclass, also_fine regrole, fine_too regtype,
    fine_array regclass[],
    "Bad" regproc DEFAULT 'now'::regproc, config regconfig, many regnamespace[], of_domain how_else,
    deep nested, plain_domain text);
CREATE TABLE reg_parts (n int, r regprocedure) PARTITION BY LIST (n);
CREATE TABLE reg_parts_1 PARTITION OF reg_parts FOR VALUES IN (1);
CREATE TABLE reg_heir (own regoperator) INHERITS (regs);

CREATE DOMAIN moment AS timestamp(3);
CREATE TABLE times (id int PRIMARY KEY, plain timestamp DEFAULT now(), short timestamp(3), of_domain moment,
    zoned timestamptz, day date, hour time, listed timestamp[]);
CREATE TABLE by_time (t timestamp) PARTITION BY RANGE (t);
CREATE TABLE by_time_1 PARTITION OF by_time DEFAULT;

CREATE DOMAIN document AS json;
CREATE TABLE documents (id int PRIMARY KEY, old json DEFAULT '{}', new jsonb, of_domain document,
    listed json[],
    text_only text);
CREATE VIEW reads AS SELECT new, zoned FROM documents, times;
INSERT INTO documents VALUES (1, '{"b": 1, "a": 2}');
INSERT INTO times VALUES (1, '2024-05-01 12:00', '2024-05-01 12:00');
INSERT INTO regs ("Bad", config, id) VALUES ('pg_catalog.now'::regproc, 'english', 1);
"""

EXPECTED = {
    "MP401": [
        *("public.reg_heir.own", "public.reg_parts.r", 'public.regs."Bad"', "public.regs.config"),
        *("public.regs.deep", "public.regs.many", "public.regs.of_domain"),
    ],
    "MP402": ["public.by_time.t", "public.times.of_domain", "public.times.plain", "public.times.short"],
    "MP403": ["public.documents.of_domain", "public.documents.old"],
}
LEFT = {
    "MP401": ["public.regs.deep", "public.regs.many", "public.regs.of_domain"],
    "MP402": ["public.by_time.t", "public.times.of_domain"],
    "MP403": ["public.documents.of_domain"],
}


def test_types(newest: Server, newest_database: Callable[[str], Address]) -> None:
    address = newest_database(SCHEMA)
    advice = advice_of(address)
    assert {code: found(advice, code) for code in EXPECTED} == EXPECTED
    assert all(finding.table for finding in advice.findings if finding.code in EXPECTED)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        fix(connection, (finding for finding in advice.findings if finding.code in EXPECTED))
        assert connection.execute("""SELECT "Bad", config FROM regs""").fetchone() == ("now", "english")
        moment = connection.execute("SELECT plain = '2024-05-01 12:00+00', old ->> 'a' FROM times, documents")
        assert moment.fetchone() == (True, "2")
    after = advice_of(address)
    assert {code: found(after, code) for code in LEFT} == LEFT


def test_the_server_has_no_other_reg_type(server: Server) -> None:
    """What is new among them has to be looked at before it is passed in silence."""
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT typname FROM pg_type WHERE typname ~ '^reg' AND typtype = 'b'"
        ).fetchall()
    assert {name for (name,) in rows} == NOT_UPGRADABLE | {"regclass", "regrole", "regtype"}


KEYS = """
CREATE EXTENSION citext;
CREATE DOMAIN web_address AS text;
CREATE TABLE pages (url text PRIMARY KEY, title citext UNIQUE, link web_address, code varchar(900), note text,
    raw bytea, hashed text);
CREATE INDEX ON pages (link); CREATE INDEX ON pages (code); CREATE INDEX ON pages (raw);
CREATE INDEX ON pages USING hash (hashed); CREATE INDEX ON pages (md5(note));
CREATE INDEX ON pages (url, link);
CREATE TABLE unknown (name text PRIMARY KEY) WITH (autovacuum_enabled = off);
INSERT INTO unknown VALUES ('a');
CREATE TABLE empty (name text PRIMARY KEY);
-- Rows of more than 2 kB would be stored apart, and their texts counted as pointers.
INSERT INTO pages
SELECT n || left(s, 700), left(s, 150) || n, left(s, 30), left(s, 300), 'n', left(s, 560)::bytea, 'h'
FROM generate_series(1, 50) n, (SELECT string_agg(md5(m::text), '') FROM generate_series(1, 30) m) k (s);
ANALYZE pages;
"""


def test_long_texts_in_keys(newest_database: Callable[[str], Address]) -> None:
    advice = advice_of(newest_database(KEYS))
    levels = {finding.what: finding.level for finding in advice.findings if finding.code == "MP404"}
    assert levels == {
        "public.pages.url": Level.WARNING,
        "public.pages.raw": Level.WARNING,
        "public.pages.title": Level.NOTE,
    }
    assert blind(advice, "MP404") == {
        "1 columns": "never analysed, or the role may not see their statistics: public.unknown.name"
    }


def test_what_the_rule_warns_of_does_happen(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    name = newest_database(KEYS).params["dbname"]
    with newest.connect(dbname=name) as connection, pytest.raises(psycopg.errors.ProgramLimitExceeded):
        connection.execute(
            "INSERT INTO pages SELECT string_agg(md5(m::text), '') FROM generate_series(1, 200) m"
        )
