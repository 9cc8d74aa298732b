from __future__ import annotations

import re
from pathlib import Path

import pytest

from migplan.anonymise import Anonymiser
from migplan.catalog.model import Type
from migplan.config import AnonymiseSection, ColumnKind, loads
from migplan.errors import YamlError
from migplan.names import QualifiedName
from tests.anonymise.making import catalog, column, kind, shown, table

KINDS = {
    "name": "full_name; guestName; nombre; apellidos; Odd Name: text; username; legal_name; name_es",
    "email": "email; contactEmail; correo; correo_electronico; e_mail; mail",
    "phone": "phone; telefono bigint; guest_phone; whatsapp_number; celular; mobile numeric",
    "address": "address; direccion; postal_code; ciudad; zip integer; street",
    "text": "notes; x; message; comentario; titles_of_all; description; tags text[]; path public.ltree; "
    "page xml",
    "secret": "password; api_key; apiKey; access_token; token uuid; contraseña; clave; webhook_secret; "
    "password_hash; storage_key; cookie_id; secrets jsonb; tokens text[]",
    "url": "feed_url; avatar; website; enlace",
    "ip": "visitor_ip inet; ip; mac macaddr; last_ip_address",
    "document": "passport; document_number; cedula bigint; dni; tax_number; pasaporte; ssn integer",
    "birth": "birth_date date; dob; fecha_nacimiento date; age integer",
    "number": "iban; card_number bigint; tarjeta; account_number bigint",
    "place": "latitude double precision; home point; lng real; coordinates; shape "
    "public.geometry(Point,4326)",
    "money": "salary numeric(10,2); sueldo; balance numeric",
    "external-id": "motopress_id; booking_reference; external_id bigint; confirmation_code; guest_id",
    "json": "payload jsonb; settings json; address jsonb; bag public.hstore",
    "binary": "photo bytea; bits bit(8)",
    "size": "embedding public.vector(32); words tsvector",
    "keep": "id uuid; count integer; price numeric; flag boolean; created_at timestamp with time zone; "
    "status; "
    "currency; language; token_count integer; max_tokens bigint; password_changed_at timestamp with "
    "time zone; "
    "email_verified boolean; guest_id uuid; hotel_id bigint; document_type; moneda; country_code; "
    "session_id uuid; "
    "guests smallint; valid_during daterange",
}


@pytest.mark.parametrize(
    ("wanted", "text"), [(wanted, text) for wanted, all_ in KINDS.items() for text in all_.split("; ")]
)
def test_a_name_and_a_type_say_what_a_column_holds(wanted: str, text: str) -> None:
    assert kind(text) == wanted


def test_a_comment_says_what_a_name_does_not() -> None:
    things = table("things", column("x", "the guest's phone"), column("id uuid", "not the phone"))
    anonymiser = Anonymiser(catalog(things))
    assert anonymiser.kind_of(things, "x").kind is ColumnKind.PHONE
    assert anonymiser.kind_of(things, "id").kind is ColumnKind.KEEP


def test_a_domain_says_what_a_name_does_not() -> None:
    types = (Type(QualifiedName("public", "email_address"), "domain", ("text",)),)
    things = table("things", "x public.email_address")
    assert Anonymiser(catalog(things, types=types)).kind_of(things, "x").kind is ColumnKind.EMAIL


def test_a_check_that_lists_values_makes_them_harmless() -> None:
    things = table("things", "x", checks=("CHECK ((x = ANY (ARRAY['In Use'::text, 'Ann Lee'::text])))",))
    anonymiser = Anonymiser(catalog(things))
    assert anonymiser.row(things, {"x": "Ann Lee"}) == ("Ann Lee",)
    assert anonymiser.row(things, {"x": "Bob Lee"}) != ("Bob Lee",)


def test_keys_have_the_kind_of_what_they_refer_to() -> None:
    people = table("people", "login text", "mail", key=("login",), unique=("mail",))
    letters = table(
        "letters",
        "author",
        "reader",
        key=("author",),
        refers={"author": "people.login", "reader": "people.mail"},
    )
    answers = table("answers", "to_whom", refers={"to_whom": "letters.author"})
    anonymiser = Anonymiser(catalog(people, letters, answers))
    of = {
        each: anonymiser.kind_of(one, each)
        for one in (people, letters, answers)
        for each in (c.name for c in one.columns)
    }
    assert of["to_whom"].kind is of["author"].kind is of["login"].kind is ColumnKind.NAME
    assert of["reader"].kind is of["mail"].kind is ColumnKind.EMAIL
    assert "public.letters (author)" in of["to_whom"].why
    same = anonymiser.row(people, {"login": "Ann", "mail": "a@x.com"})
    assert anonymiser.row(letters, {"author": " ann", "reader": "A@X.com"}) == same


def test_a_circle_of_keys_ends() -> None:
    first = table("first", "a", refers={"a": "second.b"})
    second = table("second", "b", refers={"b": "first.a"})
    assert Anonymiser(catalog(first, second)).kind_of(first, "a").kind in ColumnKind


def test_a_chain_of_keys_may_be_longer_than_the_stack() -> None:
    ends = ["t0.login", *(f"t{number}.x" for number in range(1, 2000))]
    links = [table(f"t{number}", "x", refers={"x": end}) for number, end in enumerate(ends, 1)]
    found = Anonymiser(catalog(table("t0", "login"), *links)).kind_of(links[-1], "x")
    assert found.kind is ColumnKind.NAME


def test_what_people_say_comes_first_and_the_most_exact_of_it() -> None:
    settings = AnonymiseSection(
        columns={"*": "secret", "things.x": "keep", "public.things.y": "name", "z_*": "email", "z_a": "phone"}
    )
    things = table("things", "x", "y", "z_a", "z_b", "id uuid")
    anonymiser = Anonymiser(catalog(things), settings)
    kinds = [anonymiser.kind_of(things, each).kind.value for each in things.columns]
    assert kinds == ["keep", "name", "phone", "email", "secret"]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("Ann Lee, ann@x.com", "Ann Lee, ann@x.com"), ("use sk_live_51Habc123 here", "use [redacted] here")],
)
def test_keep_is_obeyed_but_for_what_surely_is_a_secret(value: str, wanted: str) -> None:
    assert shown("x", value, settings=AnonymiseSection(columns={"x": "keep"})) == wanted


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        (
            "anonymise:\n  columns:\n    users.nick: nickname\n",
            "3:5: anonymise.columns.users.nick: .*'keep', 'name'",
        ),
        ("anonymise:\n  columns:\n    a.b.c.d: keep\n", "'a.b.c.d' is no column"),
    ],
)
def test_the_settings_refuse_what_they_do_not_know(yaml: str, said: str) -> None:
    with pytest.raises(YamlError) as refused:
        loads(yaml, Path("migplan.yaml"))
    assert re.search(said, str(refused.value))
