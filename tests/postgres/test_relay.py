"""Rows go from server to server byte for byte, and whatever happens on the way nothing is half done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from random import Random

import psycopg
import pytest

from migplan.postgres import wire
from migplan.postgres.address import parse
from migplan.postgres.relay import (
    Copy,
    Relayed,
    SourceFailedError,
    TargetFailedError,
    digests_of_rows,
    relay,
)
from migplan.postgres.row_digests import Hashing, InOrder, RowSum
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import Session, connect
from tests.relays import Relay

pytestmark = pytest.mark.slow

KINDS = """
CREATE TABLE kinds AS SELECT n AS id, n * 100 AS many, 'd' || repeat(E'\\n\\\\', n % 5) AS said,
    CASE WHEN n % 3 > 0 THEN n * 1.10 END AS price, ARRAY[n, NULL, 100] AS list,
    decode(md5(n::text), 'hex') AS raw, timestamptz '2025-01-01Z' + n * interval '1 h' AS at
    FROM generate_series(1, 30000) n;
CREATE TABLE long_rows AS SELECT n AS id, repeat(md5(n::text), 40000 * n) AS said
    FROM generate_series(1, 3) n;
CREATE TABLE lengths AS SELECT repeat(chr(97 + n % 26), n) AS said FROM generate_series(1, 900) n;
CREATE TABLE no_rows (id int);
CREATE TABLE no_columns ();
INSERT INTO no_columns SELECT FROM generate_series(1, 20000);
CREATE FUNCTION noisy(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    IF n % 1000 = 0 THEN
        RAISE NOTICE 'row %', n;
        PERFORM set_config('application_name', 'name ' || n, false);
    END IF;
    RETURN n;
END $$;
"""
ALL = "(SELECT * FROM kinds)"


@pytest.fixture(scope="module")
def pair() -> Iterator[ThrowawayServer]:
    with ThrowawayServer(tcp=True) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(KINDS)
        yield server


@contextmanager
def sessions(
    pair: ThrowawayServer, source: Relay | None = None, target: Relay | None = None
) -> Iterator[tuple[Session, Session]]:
    def opened(between: Relay | None) -> Session:
        params = {**pair.params(), **({"port": str(between.port)} if between else {})}
        found = connect(parse(" ".join(f"{name}={value}" for name, value in params.items())))
        found.address = parse(pair.conninfo())
        return found

    with closing(opened(source)) as reads, closing(opened(target)) as writes:
        yield reads, writes


def moved(
    source: Session, target: Session, rows: str, into: str, options: str = "", hashing: Hashing = InOrder
) -> Relayed:
    """Copy rows, and expect the target to give back the very same; the target's transaction goes on."""
    copy = Copy(f"COPY {rows} TO STDOUT {options}", f"COPY {into} FROM STDIN {options}", hashing)
    (found,) = relay(source, target, [copy], lambda: None, lambda _size: None)
    back = f"COPY (SELECT * FROM ONLY {into}) TO STDOUT {options}"
    assert digests_of_rows(target, [(back, hashing)], lambda: None) == [(found.read, found.digest)]
    assert found.read == found.written
    return found


def plain(into: str) -> Copy:
    return Copy(f"COPY {ALL} TO STDOUT", f"COPY {into} FROM STDIN")


def made_like(target: Session, table: str) -> str:
    target.execute(f"CREATE TABLE IF NOT EXISTS public.copied_{table} (LIKE {table})")
    return f"public.copied_{table}"


@pytest.mark.parametrize("encrypted", ["", "source", "target", "both"])
@pytest.mark.parametrize("options", ["", "(FORMAT binary)"])
def test_what_arrives_is_what_was_sent(pair: ThrowawayServer, options: str, encrypted: str) -> None:
    """Whichever of the two goes through libpq."""
    with sessions(pair) as (source, target):
        source.encrypted = encrypted in {"source", "both"}
        target.encrypted = encrypted in {"target", "both"}
        for table, rows in (("kinds", 30_000), ("long_rows", 3), ("no_rows", 0), ("no_columns", 20_000)):
            into = made_like(target, table)
            for hashing in (InOrder, RowSum):
                target.execute(f"TRUNCATE {into}")
                assert moved(source, target, f"(SELECT * FROM {table})", into, options, hashing).read == rows
            query = f"SELECT count(*) FROM (SELECT * FROM {table} EXCEPT ALL SELECT * FROM {into}) x"
            assert target.execute(query).fetchone() == (0,)


def test_digests_do_not_depend_on_the_way(pair: ThrowawayServer) -> None:
    with sessions(pair) as (source, target):
        into = made_like(target, "kinds")
        first = moved(source, target, ALL, into)
        target.rollback()
        source.encrypted = True
        assert moved(source, target, ALL, made_like(target, "kinds")) == first
        target.rollback()
        other = moved(source, target, "(SELECT * FROM kinds ORDER BY id DESC)", made_like(target, "kinds"))
        assert other.digest != first.digest


@pytest.mark.parametrize("options", ["", "(FORMAT binary)"])
@pytest.mark.parametrize("table", ["kinds", "long_rows", "no_columns", "lengths"])
def test_sums_ask_for_no_order_and_add_up(pair: ThrowawayServer, table: str, options: str) -> None:
    """Whatever the order, the pieces in which they come, and the way; and they miss no change."""
    between = Relay("127.0.0.1", int(pair.params()["port"]), lambda data: (data[:70_001], data[70_001:]))

    def summed(query: str, session: Session) -> tuple[int, int]:
        reading = f"COPY (SELECT {query}) TO STDOUT {options}"
        ((_, value),) = digests_of_rows(session, [(reading, RowSum)], lambda: None)
        way, _, digits = value.partition(":")
        assert way == "rows"
        return int(digits[:16], 16), int(digits[16:], 16)

    with closing(between), sessions(pair, between) as (cut, whole):
        expected = summed(f"* FROM {table}", whole)
        assert summed(f"* FROM {table} ORDER BY ctid DESC", whole) == expected
        assert summed(f"* FROM {table} ORDER BY md5(ctid::text)", cut) == expected
        parts = [summed(f"* FROM {table} WHERE ctid {how} '(3,2)'", whole) for how in ("<=", ">")]
        assert tuple(sum(halves) % 2**64 for halves in zip(*parts, strict=True)) == expected
        less = summed(f"* FROM {table} WHERE ctid > '(0,1)'", whole)
        twice = summed(f"* FROM {table} UNION ALL (SELECT * FROM {table} LIMIT 1)", whole)
        assert len({expected, less, twice}) == 3
        whole.encrypted = True
        assert summed(f"* FROM {table}", whole) == expected


def test_a_sum_sees_each_bit_of_each_row(pair: ThrowawayServer) -> None:
    """Of rows of any length, and values that change their places."""
    with sessions(pair) as (_, session):

        def summed(query: str) -> str:
            ((_, value),) = digests_of_rows(session, [(f"COPY ({query}) TO STDOUT", RowSum)], lambda: None)
            return value

        lengths = [*range(1, 40), 255, 256, 257, 760, 767, 768, 769]
        for length in lengths:
            at = sorted({1, (length + 1) // 2, length})
            changed = [f"SELECT overlay(repeat('x', {length}) placing 'y' from {place})" for place in at]
            texts = [f"SELECT repeat('x', {length})", *changed]
            assert len({summed(text) for text in texts}) == len(texts), length
        pairs = "SELECT * FROM (VALUES ('aaaaaaaa', 'bbbbbbbb'), ('cccccccc', 'dddddddd')) v"
        crossed = pairs.replace("bbbb", "tmp").replace("dddd", "bbbb").replace("tmp", "dddd")
        assert summed(pairs) != summed(crossed)


SEVERAL = ("kinds", "no_rows", "long_rows", "no_columns", "lengths")


@pytest.mark.parametrize("encrypted", [False, True])
def test_several_tables_at_once(pair: ThrowawayServer, encrypted: bool) -> None:
    with sessions(pair) as (source, target):
        source.encrypted = encrypted
        copies = [
            Copy(f"COPY (SELECT * FROM {table}) TO STDOUT {form}", f"COPY {into} FROM STDIN {form}", hashing)
            for table in SEVERAL
            for into in [made_like(target, table)]
            for form, hashing in (("", InOrder), ("(FORMAT binary)", RowSum))
        ]
        done = relay(source, target, copies, lambda: None, lambda _: None)
        assert [each.read for each in done] == [each.written for each in done]
        assert [each.read for each in done][::2] == [30_000, 0, 3, 20_000, 900]
        alone = [relay(source, target, [copy], lambda: None, lambda _: None)[0] for copy in copies]
        assert [each.digest for each in done] == [each.digest for each in alone]
        assert [each.bytes for each in done] == [each.bytes for each in alone]
        (rows,) = target.execute("SELECT count(*) FROM public.copied_kinds").fetchone() or (0,)
        assert rows == 4 * 30_000


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("end", ["source", "target"])
def test_which_of_several_tables_failed(
    pair: ThrowawayServer, end: str, number: int, encrypted: bool
) -> None:
    with sessions(pair) as (source, target):
        source.encrypted = encrypted
        into = made_like(target, "kinds")
        copies = [plain(into), plain(into), plain(into)]
        bad = copies[number]
        reading = "COPY (SELECT k.* FROM kinds k WHERE 1 / (29000 - id) < 1) TO STDOUT"
        copies[number] = (
            bad._replace(reading=reading)
            if end == "source"
            else bad._replace(writing="COPY public.copied_kinds (id) FROM STDIN")
        )
        target.execute("SELECT")
        with pytest.raises((SourceFailedError, TargetFailedError)) as caught:
            relay(source, target, copies, lambda: None, lambda _: None)
        assert isinstance(caught.value, SourceFailedError if end == "source" else TargetFailedError)
        assert caught.value.number == number
        if not target.closed:
            target.rollback()
            assert target.execute("SELECT 1").fetchone() == (1,)


def test_notices_and_changed_parameters_in_the_middle(pair: ThrowawayServer) -> None:
    with sessions(pair) as (source, target):
        heard: list[str | None] = []
        source.add_notice_handler(lambda said: heard.append(said.message_primary))
        target.execute("CREATE TABLE public.numbers (n int)")
        rows = "(SELECT noisy(n) FROM generate_series(1, 20000) n)"
        assert moved(source, target, rows, "public.numbers").written == 20_000
        assert heard == [f"row {n}" for n in range(1000, 20_001, 1000)]
        assert source.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("sizes", [(1,), (2, 3, 4, 5, 7), (8192, 1), (70_000,)])
def test_pieces_of_any_size(pair: ThrowawayServer, sizes: tuple[int, ...]) -> None:
    chance = Random(1)

    def pieces(data: bytes) -> Iterable[bytes]:
        while data:
            size = chance.choice(sizes)
            yield data[:size]
            data = data[size:]

    few = "(SELECT * FROM kinds WHERE id <= 300)" if sizes[0] < 8192 else ALL
    between = Relay("127.0.0.1", int(pair.params()["port"]), pieces)
    with closing(between), sessions(pair, between, between) as (source, target):
        moved(source, target, few, made_like(target, "kinds"), "(FORMAT binary)")


def test_an_error_of_the_source_in_the_middle(pair: ThrowawayServer) -> None:
    """The target's transaction has failed; both sessions are there."""
    with sessions(pair) as (source, target):
        target.execute("CREATE TABLE public.quotients (n int)")
        rows = "(SELECT 1 / (n - 150000) FROM generate_series(1, 300000) n)"
        with pytest.raises(SourceFailedError, match="division by zero") as caught:
            moved(source, target, rows, "public.quotients")
        assert caught.value.error.sqlstate == "22012"
        assert caught.value.beside is None
        for each in (source, target):
            each.rollback()
            assert each.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("encrypted", [False, True])
def test_an_error_of_the_target_in_the_middle(pair: ThrowawayServer, encrypted: bool) -> None:
    with sessions(pair) as (source, target):
        target.encrypted = encrypted
        target.execute("CREATE TABLE public.positive (n int CHECK (n > 0))")
        rows = "(SELECT 1500 - n FROM generate_series(1, 3000000) n)"
        with pytest.raises(TargetFailedError, match="positive_n_check") as caught:
            moved(source, target, rows, "public.positive")
        assert caught.value.error.sqlstate == "23514"
        assert caught.value.error.diag.table_name == "positive"
        assert "line 1500" in (caught.value.error.diag.context or "")
        target.rollback()
        assert target.execute("SELECT 1").fetchone() == (1,)


def test_a_table_that_is_not_there(pair: ThrowawayServer) -> None:
    with sessions(pair) as (source, target):
        target.execute("SELECT")
        with pytest.raises(TargetFailedError, match="absent"):
            moved(source, target, ALL, "public.absent")
        target.rollback()
    with sessions(pair) as (source, target):
        into = made_like(target, "kinds")
        with pytest.raises(SourceFailedError, match="absent"):
            moved(source, target, "(SELECT * FROM absent)", into)
        target.rollback()
        assert target.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("end", ["source", "target"])
def test_an_end_that_goes_at_any_byte(pair: ThrowawayServer, end: str) -> None:
    """Whichever byte was the last: nothing is there afterwards, and no session is left in between."""
    chance = Random(3)
    for _ in range(12):
        between = Relay("127.0.0.1", int(pair.params()["port"]))
        with closing(between), sessions(pair, **{end: between}) as (source, target):
            into = made_like(target, "kinds")
            target.commit()
            target.execute("SELECT")
            limit, seen = chance.randrange(1, 2_000_000), 0

            def cut(size: int, limit: int = limit, between: Relay = between) -> None:
                nonlocal seen
                seen += size
                if seen > limit:
                    between.close()

            with pytest.raises((SourceFailedError, TargetFailedError)):
                relay(source, target, [plain(into)], lambda: None, cut)
            assert (source if end == "source" else target).closed
        with sessions(pair) as (_, target):
            assert target.execute("SELECT count(*) FROM public.copied_kinds").fetchone() == (0,)


def test_whoever_looks_may_end_it(pair: ThrowawayServer) -> None:
    class EnoughError(Exception):
        pass

    def look() -> None:
        raise EnoughError

    with sessions(pair) as (source, target):
        into = made_like(target, "kinds")
        with pytest.raises(EnoughError):
            relay(source, target, [plain(into)], look, lambda _: None)
        assert source.closed
        assert target.closed


INJECTED = b"c\0\0\0\4Q\0\0\0\x28CREATE TABLE public.injected (n int);\0"


@pytest.mark.parametrize("injected", [INJECTED, INJECTED[5:], b"S\0\0\0\4", b"d\0\0\0\3", b"Q\0\0\0\0"])
def test_a_source_cannot_speak_to_the_target(pair: ThrowawayServer, injected: bytes) -> None:
    """What is no row's message never gets to the target, wherever it comes."""
    after = [400_000]

    def meddled(data: bytes) -> Iterable[bytes]:
        if after[0] > 0:
            after[0] -= len(data)
            if after[0] <= 0 and (place := data.find(b"\nd\0")) >= 0:
                return data[: place + 1], injected, data[place + 1 :]
        return (data,)

    between = Relay("127.0.0.1", int(pair.params()["port"]), meddled)
    with closing(between), sessions(pair, source=between) as (source, target):
        into = made_like(target, "kinds")
        target.commit()
        target.execute("SELECT")
        with suppress(SourceFailedError, TargetFailedError, psycopg.Error, AssertionError):
            moved(source, target, ALL, into)
        if not target.closed:
            target.rollback()
    with sessions(pair) as (_, target):
        assert target.execute("SELECT to_regclass('public.injected')").fetchone() == (None,)
        assert target.execute("SELECT count(*) FROM public.copied_kinds").fetchone() == (0,)


def test_a_block_holds_no_more_than_it_may(pair: ThrowawayServer) -> None:
    """A row of many times its size passes through."""
    with sessions(pair) as (source, target):
        target.execute("CREATE TABLE public.vast (said text)")
        rows = f"(SELECT repeat('x', {30 * wire.BLOCK}))"
        assert moved(source, target, rows, "public.vast").bytes > 30 * wire.BLOCK
