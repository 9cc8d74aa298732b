"""A definition in other words is no difference of two states, and another definition always is one.

Definitions of every form are made again of what the server prints, as they are and with a word changed. What
is the same is what the server prints alike once it has read it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from migplan.catalog.state import Item, State, differences, digest, is_as_digested, read_state
from migplan.names import quoted
from migplan.postgres.session import Session, connect
from migplan.run.migrations.trying_back import what_differs
from tests.servers import Server
from tests.verify import expressions

pytestmark = pytest.mark.slow

SEED, OBJECTS = 20, 210
PLAIN = """
CREATE TYPE e.state AS ENUM ('open', 'closed');
CREATE TABLE e.orders (id int, code varchar(8), title varchar, note text, state e.state, price numeric(8, 2));
CREATE INDEX o1 ON e.orders (id) WHERE code IN ('a', 'b');
CREATE INDEX o2 ON e.orders (lower(title)) WHERE title NOT IN ('a', 'b') AND note IN ('c', 'd');
CREATE UNIQUE INDEX o3 ON e.orders (coalesce(code, 'a'), (price * 2)) WHERE state IN ('open', 'closed');
CREATE INDEX o4 ON e.orders (id) WHERE code = ANY (ARRAY['a', 'b']::varchar(8)[]) OR id IN (1, -2);
ALTER TABLE e.orders ADD CONSTRAINT o5 CHECK (title IN ('a', 'b') AND price BETWEEN -1 AND 1.5);
ALTER TABLE e.orders ADD CONSTRAINT o6 CHECK (coalesce(title, note) LIKE 'a%' AND (id + 1) * 2 > 3);
ALTER TABLE e.orders ADD COLUMN o7 text DEFAULT ('a'::varchar(8) || 'b');
CREATE VIEW e.o8 AS SELECT o.id, o.code FROM e.orders o WHERE o.code IN ('a', 'b') AND o.title::text <> 'c';
CREATE POLICY o9 ON e.orders USING (title IN ('a', 'b')) WITH CHECK (state IN ('open', 'closed'));
CREATE DOMAIN e.o10 AS varchar CHECK (VALUE IN ('a', 'b'));
CREATE DOMAIN e.o11 AS interval DEFAULT '1 day 02:00'::interval::interval day to second;
"""
CHANGES = (
    *((r"'a'", "'zz'"), (r" AND ", " OR "), (r"::text\b", "::bpchar"), (r"\(8\)", "(2)"), (r" < ", " <= ")),
    *((r"::character varying\b", ""), (r"\b1\b", "2"), (r"\(id \+ 1\)", "id + 1"), (r"= ANY", "<> ALL")),
    *((r"-1", "1"), (r" IS NULL", " IS NOT NULL"), (r"day to second", "day")),
)
_CONDITIONS = {"using": "USING", "check": "WITH CHECK"}
PARTS = {"policy": ("using", "check"), "column": ("default",), "domain": ("default",)}


def _texts(item: Item) -> dict[str, str]:
    """The definitions of an object, as the server prints them."""
    found = {part: item.get(part) for part in PARTS.get(item.kind, ("definition",))}
    return {part: text for part, text in found.items() if isinstance(text, str)}


def _anew(state: State, item: Item, texts: dict[str, str]) -> str:
    """The statements that make an object again of these definitions; empty, where that is not tried."""
    table = state.parent_of(item)
    of = f"{quoted(table.schema)}.{quoted(table.name)}" if table else ""
    name, text = quoted(item.name), next(iter(texts.values()), "")
    qualified = f"{quoted(item.schema)}.{name}"
    return {
        "index": f"DROP INDEX {qualified}; {text}",
        "view": f"CREATE OR REPLACE VIEW {qualified} AS {text}",
        "column": f"ALTER TABLE {of} ALTER {name} SET DEFAULT {text}",
        "constraint": f"ALTER TABLE {of} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {text}",
        "trigger": f"DROP TRIGGER {name} ON {of}; {text}",
        "rule": f"DROP RULE {name} ON {of}; {text}",
        "statistics": f"DROP STATISTICS {qualified}; {text}",
        "policy": f"ALTER POLICY {name} ON {of} "
        + " ".join(f"{_CONDITIONS.get(part)} ({said})" for part, said in texts.items()),
        "function": text,
        "domain constraint": f"ALTER DOMAIN {of} DROP CONSTRAINT {name}; "
        f"ALTER DOMAIN {of} ADD CONSTRAINT {name} {text}",
        "domain": f"ALTER DOMAIN {qualified} SET DEFAULT {text}",
    }.get(item.kind, "")


def _made(session: Session, state: State, texts: dict[str, dict[str, str]]) -> State:
    """Make objects again, as far as the server takes that; the state that comes of it."""
    session.execute("SET LOCAL check_function_bodies = off")
    for name, said in texts.items():
        item = state.named(name)
        statement = _anew(state, item, said) if item and said and item.get("options") is None else ""
        try:
            with session.transaction():
                session.execute(statement.encode())
        except psycopg.Error:
            continue
    return read_state(session)


def _all_texts(state: State) -> dict[str, dict[str, str]]:
    return {state.identity(item): _texts(item) for item in state.items.values()}


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def session(servers: dict[str, Server], request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session with definitions of every form."""
    server = list(servers.values())[request.param]
    name = server.create_database()
    with connect(server.address(name)) as session:
        expressions.make(session, SEED, OBJECTS, without="xml")
        session.execute(PLAIN)
        session.commit()
        yield session
    server.drop_database(name)


def test_what_is_made_again_of_its_own_text_is_as_before(session: Session) -> None:
    before = read_state(session)
    texts = _all_texts(before)
    after = _made(session, before, texts)
    reprinted = [name for name, said in _all_texts(after).items() if said != texts.get(name)]
    assert len(reprinted) > 20, "the server has printed definitions otherwise"
    assert not list(map(str, what_differs(session, before, read_state(session))))
    by_grammar = {each.name for each in differences(before, after)}
    was, now = before.described(), after.described()
    for name in set(reprinted) - by_grammar:
        assert is_as_digested(name, now[name], digest(name, was[name])), name


def test_another_definition_is_a_difference(session: Session) -> None:
    """Whether it is another one, the server says: it prints it otherwise also when it has read it twice."""
    before = read_state(session)
    texts = _all_texts(before)
    with session.transaction(force_rollback=True):
        fixed = _all_texts(_made(session, before, texts))
    for pattern, instead in CHANGES:
        with session.transaction(force_rollback=True):
            changed = {
                name: {part: re.sub(pattern, instead, text) for part, text in said.items()}
                for name, said in texts.items()
                if any(re.search(pattern, text) for text in said.values())
            }
            once = _made(session, before, changed)
            differing = what_differs(session, before, read_state(session))
            found = {each.name for each in differing} & changed.keys()
            again = {name: said for name, said in _all_texts(once).items() if name in changed}
            twice = _all_texts(_made(session, once, again))
            assert found == {name for name in changed if twice.get(name) != fixed[name]}, pattern
