from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migplan.anonymise import Anonymiser
from migplan.anonymise.stand_ins import StandIns, masked_id
from migplan.catalog.model import Type
from migplan.config import AnonymiseSection, ColumnKind
from migplan.names import QualifiedName
from tests.anonymise.making import catalog, shown, table

WORDS = st.text(string.ascii_lowercase, min_size=4, max_size=9)
DIGITS = st.text("123456789", min_size=9, max_size=9)
RANDOM = st.text(string.ascii_letters + string.digits, min_size=20, max_size=40).filter(
    lambda text: len(re.findall(r"\d", text)) > 2 and len(re.findall(r"[A-Z]", text)) > 2
)
SECRETS = st.one_of(
    st.builds("{}@{}.example".format, WORDS, WORDS),
    st.builds(lambda a, b: f"{a.title()}q {b.title()}q", WORDS, WORDS),
    st.builds("+57 {}".format, DIGITS),
    DIGITS,
    st.builds("sk_live_{}".format, RANDOM),
    st.builds("eyJhbGciOiJI.{}.{}".format, RANDOM, RANDOM),
    st.builds("https://{}:{}@host.example/".format, WORDS, WORDS),
    st.builds("https://cal.example/{}/feed.ics".format, WORDS),
    st.builds("password=q{}".format, WORDS),
    st.builds("203.{}.113.{}".format, st.integers(1, 255), st.integers(1, 255)),
    st.sampled_from(["4539578763621486", "DE89370400440532013000", "12345678Z", "123-45-6789"]),
)
AROUND = st.sampled_from(["{}", " {} ", "x {} y", "{}\n", '"{}"', "see:{}", "({})"])

TYPES = (
    Type(
        QualifiedName("public", "pair"),
        "composite",
        ("status text", "who text", '"the name" text', "tags text[]"),
    ),
)
TABLE = table(
    "things", "id text", "status", "kind", "code", "slug", "x", "name", "email", "phone", "notes", "language",
    "listed", "tags text[]", "states status[]", "type character varying(20)", "payload jsonb",
    "settings json",
    "pair public.pair", "pairs public.pair[]", "bag public.hstore", "external_id",
    "odd public.unheard_of", "url",
    "span text_range", "category public.citext",
    key=("id",), unique=("code",), checks=("CHECK ((listed = ANY (ARRAY['a'::text])))",),
)  # fmt: skip
ANONYMISER = Anonymiser(catalog(TABLE, types=TYPES))


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def planted(secret: str) -> dict[str, object]:
    row: dict[str, object] = {each.name: secret for each in TABLE.columns}
    record = "(" + ",".join('"' + secret.replace('"', '""') + '"' for _ in range(3)) + ",{})"
    return row | {
        "tags": "{" + quoted(secret) + "}",
        "states": "{" + quoted(secret) + ",NULL}",
        "payload": {"status": secret, secret: 1, "list": [secret, {"id": secret}], "name": {"x": secret}},
        "settings": [secret, {secret: {secret: [secret]}}],
        "pair": record,
        "pairs": "{" + quoted(record) + "}",
        "bag": f"{quoted(secret)}=>{quoted(secret)}, {quoted('status')}=>{quoted(secret)}",
    }


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(secret=SECRETS, around=AROUND)
def test_no_secret_comes_through_in_any_kind_of_column(secret: str, around: str) -> None:
    value = around.format(secret)
    for name, cell in zip(
        (each.name for each in TABLE.columns), ANONYMISER.row(TABLE, planted(value)), strict=True
    ):
        assert secret not in cell, f"{name} shows {cell}"
        assert len(cell) <= 60
        assert "\n" not in cell


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    value=st.one_of(st.text(), st.none(), st.integers(), st.recursive(st.text() | st.integers(), st.lists))
)
def test_every_value_becomes_a_line(value: object) -> None:
    for cell in ANONYMISER.row(TABLE, dict.fromkeys((each.name for each in TABLE.columns), value)):
        assert cell.isprintable()
        assert 0 < len(cell) <= 60


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        ("status", "checked_in", "checked_in"), ("status", "COP", "COP"), ("status", "Confirmed",
        "Confirmed"),
        ("timezone", "America/Bogota", "America/Bogota"), ("locale", "es-CO", "es-CO"),
        ("flag boolean", True, "true"), ("flag boolean", "f", "false"), ("price numeric", "12.50", "12.50"),
        ("id bigint", 7, "7"), ("x", None, "NULL"), ("x", "", "''"), ("x", "  ", "''"),
        ("id uuid", "11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555"),
        ("at timestamp with time zone", "2025-01-02 03:04:05+00", "2025-01-02 03:04:05+00"),
        ("days daterange", "[2025-01-01,2025-02-01)", "[2025-01-01,2025-02-01)"),
        ("photo bytea", 12345, "(12,345 bytes)"), ("photo bytea", b"abc", "(3 bytes)"),
        ("payload jsonb", 70000, "(70,000 bytes)"), ("x", 70000, "(70,000 bytes)"),
        ("pages integer[]", "{1,2}", "{1, 2}"), ("pages integer[]", [1, 2], "{1, 2}"),
        ("payload jsonb", '{"id": 12.50, "ok": true, "status": "open"}',
        '{"id": 12.50, "ok": true, "status": "open"}'),
        ("payload jsonb", {"token": {"a": 1}, "ok": None}, '{"token": {"a": "[redacted]"}, "ok": null}'),
        ("payload jsonb", "{broken", "[JSON]"), ("tags text[]", "broken", shown("x", "broken")),
        ("stripe_id", "cus_AbC123", "cus_xxxxxx"), ("motopress_id", "MOTO_12345", "MOTO_xxxxx"),
        ("birth date", "1977-08-19", "1900-01-01"), ("password", "x", "[redacted]"),
        ("bag public.hstore", '"token"=>"a", "n"=>NULL', '{"token": "[redacted]", "n": null}'),
    ],
)  # fmt: skip
def test_what_is_shown(text: str, value: object, wanted: str) -> None:
    assert shown(text, value) == wanted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("status", "Ann Lee"),
        ("status", "call 5551234"),
        ("kind", "Rosalind"),
        ("status", "rosalind"),
        ("status", "perpetua quintanilla"),
        ("type character varying(20)", "ROSALIND"),
        ("slug", "casa-rosalind"),
    ],
)
def test_a_category_that_looks_like_none_is_masked(text: str, value: str) -> None:
    assert shown(text, value).startswith("Text ")


def test_columns_that_were_not_read_are_told_from_null() -> None:
    things = table("things", "id bigint", "x")
    assert Anonymiser(catalog(things)).row(things, {"id": 1}) == ("1", "[not read]")


def test_stand_ins_are_the_same_for_every_spelling_and_every_run() -> None:
    one, other = StandIns(b"key"), StandIns(b"key")
    assert one.of(ColumnKind.EMAIL, "Ann@X.com ") == other.of(ColumnKind.EMAIL, "ann@x.com")
    assert one.of(ColumnKind.PHONE, "+57 300-1") == other.of(ColumnKind.PHONE, "573001")
    assert one.of(ColumnKind.NAME, "ANN  lee") == other.of(ColumnKind.NAME, "Ann Lee")


def test_another_key_gives_others() -> None:
    people = [f"person {number}" for number in range(50)]
    with_one, with_other = (
        [StandIns(key).of(ColumnKind.NAME, each) for each in people] for key in (b"a", b"b")
    )
    assert with_one != with_other


def test_stand_ins_are_too_few_to_tell_a_value_by() -> None:
    words = {StandIns(b"").of(ColumnKind.NAME, str(number)) for number in range(60_000)}
    assert 15_000 < len(words) <= 17_576


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("MOTO_12345", "MOTO_xxxxx"), ("rosalind_12345", "xxxxxxxx_xxxxx"), ("Ann-1/2", "xxx-x/x"),
        ("12345", "xxxxx"), ("a" * 90, "xxxxxxxx"), ("MOTO", "xxxx"), ("moto:é,ü", "moto:x-x"),
    ],
)  # fmt: skip
def test_ids_of_others_keep_their_structure_only(value: str, wanted: str) -> None:
    assert masked_id(value, frozenset(("moto",))) == wanted


def test_what_was_replaced_is_said_with_the_reason() -> None:
    things = table("things", "id bigint", "email", "x", "status", key=("id",))
    anonymiser = Anonymiser(catalog(things), AnonymiseSection(columns={"x": "name"}))
    assert anonymiser.replaced(things) == (("email", "its name says email"), ("x", "the settings say so (x)"))


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        ("d1 date", "1975-03-02", "1900-01-01"),
        ("d1 date", "2019-03-02", "2019-03-02"),
        ("valid_from date", "1975-03-02", "1975-03-02"),
        ("ts: timestamp with time zone", "1975-03-02 00:00:00+00", "1900-01-01"),
        ("ts: timestamp with time zone", "1975-03-02 11:20:31+00", "1975-03-02 11:20:31+00"),
        ("a numeric", "48.137154", "(0, 0)"),
        ("b: double precision", "-103.5821", "(0, 0)"),
        ("a numeric", "0.137154", "0.137154"),
        ("a numeric", "48.13", "48.13"),
        ("exchange_rate numeric", "48.137154", "48.137154"),
        ("data jsonb", '{"x": 48.137154, "y": [11.5761]}', '{"x": "(0, 0)", "y": ["(0, 0)"]}'),
    ],
)
def test_birthdays_and_places_in_columns_whose_names_say_nothing(text: str, value: str, wanted: str) -> None:
    only = table("things", text)
    assert Anonymiser(catalog(only)).row(only, {only.columns[0].name: value}) == (wanted,)
