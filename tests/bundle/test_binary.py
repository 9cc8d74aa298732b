"""Binary is for types that mean the same to every server; the others travel as text, and it is said why."""

from __future__ import annotations

import pytest
from psycopg import sql

from migplan.bundle.data.binary import TYPES, is_allowed, notes
from tests.servers import Server, connect


@pytest.mark.parametrize(
    "type_",
    [
        *("integer", "character varying(20)", "numeric(10,2)", "numeric(3,-2)[]", '"char"', "real[]"),
        *("timestamp(3) without time zone", "time(2) with time zone[]", "bit varying(5)", "bit(1)"),
        *("interval", "interval(3)", "interval day to second(3)", "interval year to month[]"),
    ],
)
def test_types_that_travel_in_binary(type_: str) -> None:
    assert is_allowed(type_)


@pytest.mark.parametrize(
    "type_",
    [
        *("regclass", "regproc[]", "money", "xml", "record", "aclitem", "public.mood", "public.text[]"),
        *("public.vector(3)", '"Text"', "interval soon", "integer[][", "numeric(10,2", ""),
    ],
)
def test_types_that_do_not(type_: str) -> None:
    assert not is_allowed(type_)


def test_every_allowed_type_is_one_of_the_server_and_goes_there_and_back(newest: Server) -> None:
    """Its binary form, sent by the server, is taken by it."""
    with connect(newest.address("postgres")) as connection:
        for type_ in sorted(TYPES):
            name = sql.SQL(type_)
            asked = sql.SQL(
                "SELECT t.typnamespace = 'pg_catalog'::regnamespace AND t.typsend <> 0 "
                "AND t.typreceive <> 0, format_type(t.oid, NULL) FROM pg_type t WHERE t.oid = {}::regtype"
            ).format(sql.Literal(type_))
            assert connection.execute(asked).fetchone() == (True, type_)
            connection.execute(sql.SQL("CREATE TEMPORARY TABLE sent (one {0}, many {0}[])").format(name))
            connection.execute("INSERT INTO sent VALUES (NULL, NULL), (NULL, '{}'), (NULL, '{NULL}')")
            with connection.cursor() as cursor:
                with cursor.copy("COPY sent TO STDOUT WITH (FORMAT binary)") as out:
                    data = b"".join(bytes(block) for block in out)
                with cursor.copy("COPY sent FROM STDIN WITH (FORMAT binary)") as into:
                    into.write(data)
                assert cursor.rowcount == 3
            connection.execute("DROP TABLE sent")


def test_the_reason_for_text_is_said_by_type() -> None:
    assert notes({"public.a": ["integer", "text"]}) == []
    (said,) = notes({"public.a": ["integer", "money"], "public.b": ["regclass"], "public.c": ["date"]})
    assert "2 tables have columns of types such as money, regclass" in said
