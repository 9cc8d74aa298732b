"""Names, comments, rows and servers' messages cannot do anything to a terminal, a page or a reader."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migplan.text.printable import printable, printable_sql
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

# Escape sequences that paint, type and link; bells; C1; marks that turn round; characters without width;
# separators of lines; and what rich, HTML and Markdown would take for markup.
SIGNS = {
    "red": "\x1b[31m",
    "link": "\x1b]8;;http://x\x07",
    "c1": "\x9b2J\x7f",
    "turned": "\u202e\u2066\u200e\u200f",
    "thin": "\u200b\u200d\ufeff\u2060",
    "lines": "\u2028\u2029\r\x0b",
    "markup": "[red]<b>`|",
    "far": "\U000e0041",
}
HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def script() -> str:
    """A database in which everything that can have a name or a text has one of these."""
    parts = []
    for word, signs in SIGNS.items():
        name = f"{word}{signs}"
        parts.append(f"""
            CREATE SCHEMA "s {name}";
            CREATE TYPE "s {name}"."e {name}" AS ENUM ('{name}', 'b');
            CREATE TABLE "s {name}"."t {name}" (
                "id {name}" int PRIMARY KEY, "v {name}" text DEFAULT '{name}' CHECK ("v {name}" <> '{name}x'),
                "e {name}" "s {name}"."e {name}", "up {name}" int,
                CONSTRAINT "k {name}" FOREIGN KEY ("up {name}") REFERENCES "s {name}"."t {name}");
            CREATE INDEX "i {name}" ON "s {name}"."t {name}" ("v {name}") WHERE "v {name}" <> '{name}';
            COMMENT ON SCHEMA "s {name}" IS 'schema {name}';
            COMMENT ON TABLE "s {name}"."t {name}" IS 'table {name}';
            COMMENT ON COLUMN "s {name}"."t {name}"."v {name}" IS 'column {name}';
            ALTER TABLE "s {name}"."t {name}" ENABLE ROW LEVEL SECURITY;
            CREATE POLICY "p {name}" ON "s {name}"."t {name}" USING ("v {name}" <> '{name}');
            CREATE VIEW "s {name}"."w {name}" AS SELECT '{name}' AS "x {name}", * FROM "s {name}"."t {name}";
            CREATE FUNCTION "s {name}"."f {name}"() RETURNS trigger LANGUAGE plpgsql
                AS $$BEGIN RAISE NOTICE 'notice {name}'; RETURN NEW; END$$;
            CREATE TRIGGER "g {name}" BEFORE UPDATE ON "s {name}"."t {name}"
                FOR EACH ROW EXECUTE FUNCTION "s {name}"."f {name}"();
            CREATE SEQUENCE "s {name}"."q {name}" OWNED BY "s {name}"."t {name}"."id {name}";
            INSERT INTO "s {name}"."t {name}" VALUES (1, 'row {name}', '{name}', 1);
        """)
    return "".join(parts)


@pytest.fixture(scope="module")
def hostile(newest: Server) -> Iterator[str]:
    name = newest.create_database(script())
    yield newest.url(name)
    newest.drop_database(name)


def seen(text: str) -> list[str]:
    """What should not be there, with its surroundings."""
    return [text[max(found.start() - 30, 0) : found.end() + 10] for found in HARMFUL.finditer(text)]


def pages(folder: Path) -> dict[str, list[str]]:
    """What should not be in the files that people look at; of SQL only the comments."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            text = file.read_text("utf-8", "surrogateescape")
            if file.suffix == ".sql":
                text = "\n".join(line for line in text.split("\n") if line.startswith("--"))
            if wrong := seen(text):
                found[str(file.relative_to(folder))] = wrong[:3]
    return found


def test_no_command_shows_what_a_terminal_would_obey(
    run: Run, nowhere: Path, hostile: str, newest: Server
) -> None:
    target = newest.create_database()
    url = newest.url(target)
    said = {}

    def tried(*words: str) -> str:
        result = run(*words, exit_code=None)
        assert result.exit_code in {0, 1}, (words, result.output)
        said[" ".join(word for word in words if word not in (hostile, url))] = seen(result.output)
        return result.stdout

    try:
        for shape in ("tree", "levels", "mermaid", "dot", "markdown"):
            tried("analyze", hostile, "--format", shape, "--all")
        content = json.loads(tried("analyze", hostile, "--format", "json"))
        assert any(f"t red{SIGNS['red']}" in table["table"] for table in content["tables"])
        for shape in ("table", "sql", "json", "sarif"):
            tried(
                "advise",
                hostile,
                "--format",
                shape,
                "--exposed-schema",
                f"s red{SIGNS['red']}",
                "--api-role",
                "x",
            )
        tried("catalog", hostile, "--out", "c.json")
        tried("plan", hostile)
        tried("plan", "--from", "c.json", "--out", "-")
        tried("plan", hostile, "--check")
        for shape in ("markdown", "html", "json"):
            tried("document", hostile, "--format", shape, "--out", shape)
        tried("export", hostile, "--out", "b")
        tried("check", "b")
        tried("apply", "b", url, "--dry-run")
        tried("apply", "b", url, "--log-format", "json")
        tried("status", url)
        tried("status", url, "--format", "json")
        for shape in ("text", "json", "markdown"):
            tried("verify", "b", url, "--source", hostile, "--format", shape)
        with newest.connect(dbname=target) as connection:
            for word, signs in SIGNS.items():
                connection.execute(
                    f'UPDATE "s {word}{signs}"."t {word}{signs}" SET "v {word}{signs}" = \'other\''.encode()
                )
                connection.execute(f'DROP INDEX "s {word}{signs}"."i {word}{signs}"'.encode())
        for shape in ("text", "json", "markdown"):
            tried("verify", "b", url, "--source", hostile, "--format", shape)
        tried("rollback", "b", url, "--dry-run")
        tried("rollback", "b", url, "--yes")
        assert {words: wrong for words, wrong in said.items() if wrong} == {}
        assert list(pages(nowhere)) == [], list(pages(nowhere).items())[:2]
    finally:
        newest.drop_database(target)


def test_messages_of_servers_and_files_of_people(run: Run, nowhere: Path, new_target: str) -> None:
    signs = "".join(SIGNS.values()).replace("\r", "")
    folder = nowhere / f"m{SIGNS['turned']}"
    folder.mkdir()
    (folder / "001_a.sql").write_text(
        f"DO $$BEGIN RAISE NOTICE 'said {signs}'; RAISE WARNING 'warned {signs}'; END$$;\n"
        f'CREATE TABLE "t {signs[:20]}" (id int PRIMARY KEY);\n'
    )
    (folder / "002_b.sql").write_text(
        f"DO $$BEGIN RAISE EXCEPTION 'failed {signs}' USING HINT = 'h {signs}'; END$$;\n"
    )
    words = [
        ("analyze", str(folder)),
        ("apply", str(folder), new_target, "--dry-run"),
        ("apply", str(folder), new_target),
        ("apply", str(folder), new_target, "--log-format", "json"),
        ("status", str(folder), new_target),
        ("verify", str(folder), new_target),
        ("rollback", str(folder), new_target, "--dry-run"),
        ("rollback", str(folder), new_target, "--yes"),
        ("new", f"x{signs}"),
        ("check", f"no{signs}"),
        ("analyze", "--config", f"no{signs}"),
        ("advise", "--explain", f"no{signs}"),
        ("analyze", f"postgresql://{signs}@127.0.0.1:1/{signs}"),
        ("analyze", f"--no{signs}"),
    ]
    for each in words:
        result = run(*each, exit_code=None)
        assert result.exit_code != 3, result.output
        assert not seen(result.output), each


def test_only_our_own_escape_sequences_reach_a_terminal(hostile: str) -> None:
    """On a terminal, with colours and a bar of progress."""
    main, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "migplan", "analyze", hostile, "--all"],
        stdin=end, stdout=end, stderr=end, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "300"},
    ) as process:  # fmt: skip
        os.close(end)
        data = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:
                break
            if not piece:
                break
            data += piece
    os.close(main)
    assert process.returncode == 0
    text = data.decode()
    assert "\x1b[" in text  # rich's own
    own = re.compile("\x1b\\[[0-9;]*m|\x1b\\[\\?25[lh]|\x1b\\[[0-9]*[AK]|\r")
    assert "\x1b[31mt" not in text
    assert "\\u001b[31m" in text
    assert not seen(own.sub("", text))


TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("".join(SIGNS.values()) + "\u200c\u200d\ud800éñ字 ")),
    max_size=30,
)


@given(TEXTS)
def test_what_is_spelled_out_can_be_seen_and_means_the_same_in_json(text: str) -> None:
    shown = printable(text)
    assert not seen(shown)
    assert all(unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"} for sign in shown)
    written = printable(json.dumps(text, ensure_ascii=False))
    assert not seen(written)
    assert json.loads(written) == text


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_sql_that_is_shown_means_what_it_meant(newest: Server, text: str) -> None:
    quoted = text.replace("'", "''")
    shown = printable_sql(f"SELECT '{quoted}'")
    assert not seen(shown)
    with newest.connect() as connection:
        (found,) = connection.execute(shown.encode()).fetchone() or ("",)
    assert found == text
