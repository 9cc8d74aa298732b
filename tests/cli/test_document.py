"""``migplan document``, as people use it: written, kept, checked, and never with anybody's data in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, status text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT '2025-01-01');
CREATE INDEX orders_by_customer ON orders (customer_id, created_at DESC);
COMMENT ON TABLE customers IS 'Who buys.';
INSERT INTO customers SELECT n, 'Customer ' || n, 'c' || n || '@shop.example' FROM generate_series(1, 20) n;
INSERT INTO orders SELECT n, n, 'open' FROM generate_series(1, 20) n;
"""
OUT = Path("docs/database")


@pytest.fixture
def shop(newest: Server) -> Iterator[str]:
    name = newest.create_database(SHOP)
    yield newest.url(name)
    newest.drop_database(name)


def alter(url: str, script: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script.encode())


def pages() -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted(OUT.iterdir())}


def page_with(text: str) -> Path:
    (found,) = (OUT / name for name, page in pages().items() if text in page)
    return found


def test_a_section_a_table_an_index_the_order_and_the_advice(run: Run, shop: str) -> None:
    text = run("document", "--source", shop).stdout
    found = pages()
    assert {"README.md", "MIGRATION_ORDER.md", "ADVISORS.md"} < found.keys()
    tables = "".join(page for name, page in found.items() if name.startswith("TABLES_"))
    for word in ("Who buys.", "orders_by_customer", "ON DELETE", "```mermaid", "CREATE INDEX", "$1"):
        assert word in tables
    assert all(name in text for name in found)
    assert "2 tables" in text


def test_what_was_not_read_is_said(run: Run, shop: str) -> None:
    run("document", "--source", shop)
    assert "which statements are asked most" in pages()["README.md"]


def test_running_twice_changes_nothing(run: Run, shop: str) -> None:
    run("document", "--source", shop)
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in OUT.iterdir()}
    assert "nothing has changed" in run("document", "--source", shop).stdout
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in OUT.iterdir()} == before


def test_check_is_about_the_structure_and_strict_about_everything(run: Run, shop: str) -> None:
    run("document", "--source", shop)
    run("document", "--source", shop, "--check", "--strict")
    alter(shop, "INSERT INTO customers VALUES (100, 'New', 'new@shop.example'); ANALYZE")
    run("document", "--source", shop, "--check")
    run("document", "--source", shop, "--check", "--strict", exit_code=1)
    alter(shop, "ALTER TABLE orders ADD note text; CREATE TABLE extra (id int PRIMARY KEY)")
    before = pages()
    said = run("document", "--source", shop, "--check", exit_code=1).stdout
    assert "orders" in said
    assert "extra" in said
    assert "migplan document --out" in said
    assert pages() == before, "a check writes nothing"
    run("document", "--source", shop)
    run("document", "--source", shop, "--check")


def test_check_without_pages_says_that_there_are_none(run: Run, shop: str) -> None:
    said = run("document", "--source", shop, "--check", exit_code=1).stdout
    assert "README.md" in said
    assert not OUT.exists()


def test_what_people_write_stays_and_what_is_dropped_is_reported(run: Run, shop: str) -> None:
    run("document", "--source", shop)
    mark = "<!-- migplan:keep notes public.orders -->"
    page = page_with(mark)
    page.write_text(page.read_text().replace(mark, f"{mark}\nAsk Ana before you touch these.", 1))
    alter(shop, "ALTER TABLE orders ADD note text")
    run("document", "--source", shop)
    assert "Ask Ana" in page.read_text()
    alter(shop, "DROP TABLE orders")
    said = run("document", "--source", shop).stdout
    assert "orders" in said
    assert "Ask Ana" in (OUT / "DROPPED.md").read_text()
    alter(shop, "CREATE TABLE orders (id int PRIMARY KEY)")
    run("document", "--source", shop)
    assert "Ask Ana" in page_with(mark).read_text()


def test_changes_outside_of_the_marks_are_not_overwritten_in_silence(run: Run, shop: str) -> None:
    run("document", "--source", shop)
    page = page_with("<!-- migplan:keep notes public.customers -->")
    page.write_text(page.read_text().replace("Who buys.", "Who pays."))
    alter(shop, "ALTER TABLE orders ADD note text")
    said = run("document", "--source", shop, exit_code=2).stderr
    assert page.name in said
    assert "--overwrite" in said
    assert "Who pays." in page.read_text()
    run("document", "--source", shop, "--overwrite")
    assert "Who buys." in page.read_text()


def test_a_page_that_is_not_ours_is_left_alone(run: Run, shop: str) -> None:
    OUT.mkdir(parents=True)
    (OUT / "README.md").write_text("# Ours\n")
    assert "README.md" in run("document", "--source", shop, exit_code=2).stderr
    assert (OUT / "README.md").read_text() == "# Ours\n"
    assert len(pages()) == 1, "nothing is written when anything stands in the way"


def test_one_page_of_html_and_one_document_of_json(run: Run, shop: str) -> None:
    run("document", "--source", shop)
    mark = "<!-- migplan:keep notes public.orders -->"
    page = page_with(mark)
    page.write_text(page.read_text().replace(mark, f"{mark}\nAsk Ana <b>first</b>.", 1))
    run("document", "--source", shop, "--format", "html")
    run("document", "--source", shop, "--format", "json")
    html, content = (OUT / "database.html").read_text(), json.loads((OUT / "database.json").read_text())
    assert "Ask Ana &lt;b&gt;first" in html
    assert "orders_by_customer" in html
    assert content["migplan_documentation"] == 1
    assert "Ask Ana" in json.dumps(content)
    run("document", "--source", shop, "--format", "html", "--check", exit_code=2)


def test_a_saved_catalog_is_documented_without_rows(run: Run, shop: str) -> None:
    run("catalog", "--source", shop, "--out", "shop.json")
    run("document", "--from", "shop.json")
    run("document", "--source", shop, "--check")
    assert "@shop.example" not in "".join(pages().values())


def test_no_samples_are_read_where_none_are_wanted(run: Run, shop: str) -> None:
    assert "\nSamples" not in run("document", "--source", shop, "--samples", "0").stdout


SECRETS = {
    "name": "Perpetua Quintanilla",
    "full_text": "wholly unexpected zanzibar",
    "email": "perpetua.q@hidden.example",
    "phone": "+57 311 555 0182",
    "address": "Calle 93 No 11-27 Bogota",
    "token": "sk_live_51HiddenTokenValue",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJoaWRkZW4ifQ.c2lnbmF0dXJlX2hpZGRlbg",
    "url": "https://user:hidden-pass@feeds.example/cal/a8f3hiddenpath77.ics?key=hiddenkey99",
    "ip": "203.0.113.77",
    "passport": "AV9182736",
    "card": "4111111111111111",
    "status": "perpetua quintanilla",
    "code": "perpetua.q@hidden.example",
}
PLANTED = """
CREATE TYPE person AS (nick text, mail text);
CREATE DOMAIN handle AS text;
CREATE TABLE planted (
    id int PRIMARY KEY, name text, full_text text, email text, phone varchar(40), address text, token text,
    jwt text, url text, ip inet, passport char(9), card numeric, status text, code varchar(60),
    body json, extra jsonb, tags text[], who person, called handle, raw bytea, phone_number bigint,
    born date, session_token uuid, words tsvector, seen_from cidr, span tstzrange,
    CONSTRAINT no_boss CHECK (email <> 'boss.hidden@corner.example')
);
COMMENT ON TABLE planted IS 'Write to owner.hidden@corner.example about these.';
COMMENT ON COLUMN planted.code IS 'such as sk_live_51CommentTokenValue';
ALTER TABLE planted ALTER token SET DEFAULT 'sk_live_51DefaultTokenValue';
ALTER TABLE planted ENABLE ROW LEVEL SECURITY;
CREATE POLICY boss ON planted USING (email = 'policy.hidden@corner.example');
CREATE INDEX planted_boss ON planted (id) WHERE email = 'index.hidden@corner.example';
CREATE TABLE planted_keys (email text PRIMARY KEY, planted_id int REFERENCES planted);
CREATE TABLE planted_uses (id int PRIMARY KEY, email text REFERENCES planted_keys);
CREATE TABLE planted_lists (mail text, n int) PARTITION BY LIST (mail);
CREATE TABLE planted_lists_1 PARTITION OF planted_lists FOR VALUES IN ('list.hidden@corner.example');
"""
IN_TEXTS = (
    *(f"{who}.hidden@corner.example" for who in ("boss", "owner", "policy", "index", "list")),
    "sk_live_51CommentTokenValue",
    "sk_live_51DefaultTokenValue",
    "5731155501",
    "1961-07-23",
    "5e55104e-70c3-4e55-8000-00000000f00d",
    "quintanilla",
    "hidden-pass",
    "hiddenpath77",
    "hiddenkey99",
    "zanzibar",
    "68696464656e20626c6f62",
    "203.0.113",
    "198.51.100.24",
)


def plant(url: str) -> None:
    """A row with a secret in every kind of column."""
    name, email = SECRETS["name"], SECRETS["email"]
    inside = json.dumps({"contact": {"name": name, "mail": [email]}, email: SECRETS["full_text"], "n": 1})
    row = {
        "id": 1,
        **SECRETS,
        "body": inside,
        "extra": inside,
        "tags": [name, email],
        "called": name,
        "raw": b"hidden blob",
        "phone_number": 573115550182,
        "session_token": "5e55104e-70c3-4e55-8000-00000000f00d",
        "words": "'quintanilla':1 'zanzibar':2",
        "born": "1961-07-23",
        "seen_from": "198.51.100.24/32",
        "span": "[2020-01-01, 2020-02-01)",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(PLANTED.encode())
        columns = ", ".join(row)
        values = ", ".join(["%s"] * len(row))
        connection.execute(
            f"INSERT INTO planted ({columns}, who) VALUES ({values}, ROW(%s, %s))".encode(),
            [*row.values(), name, email],
        )
        connection.execute("INSERT INTO planted_keys VALUES (%s, 1)", [email])
        connection.execute("INSERT INTO planted_uses VALUES (1, %s)", [email])
        connection.execute("INSERT INTO planted_lists VALUES ('list.hidden@corner.example', 1)")
        connection.execute("ANALYZE")


def test_nobody_s_data_is_in_anything_that_is_written(run: Run, newest: Server) -> None:
    database = newest.create_database()
    url = newest.url(database)
    try:
        plant(url)
        said = [
            run("document", "--source", url, *more, "--samples", "5").output
            for more in ((), ("--format", "html"), ("--format", "json"))
        ]
        written = {**pages(), "output": "".join(said)}
        assert {"database.html", "database.json"} < written.keys()
        for where, text in written.items():
            lower = text.lower()
            for secret in (*SECRETS.values(), *IN_TEXTS):
                assert secret.lower() not in lower, f"{secret!r} stands in {where}"
    finally:
        newest.drop_database(database)


def test_a_value_has_the_same_stand_in_in_every_table(run: Run, newest: Server) -> None:
    database = newest.create_database()
    url = newest.url(database)
    try:
        plant(url)
        run("document", "--source", url, "--format", "json")
        content = json.loads((OUT / "database.json").read_text())
        documents = {each["table"]: each for each in content["tables"]}

        def shown(table: str, column: str) -> str:
            samples = documents[table]["samples"]
            return str(samples["rows"][0][samples["columns"].index(column)])

        stand_in = shown("public.planted", "email")
        assert stand_in == shown("public.planted_keys", "email") == shown("public.planted_uses", "email")
        assert "@" in stand_in
        assert shown("public.planted_uses", "id") == "1", "ids stay"
    finally:
        newest.drop_database(database)
