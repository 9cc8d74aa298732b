"""Addresses are read as libpq reads them, shown without their secrets, and refused without repeating them."""

from __future__ import annotations

import os
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from migplan.errors import AddressError
from migplan.postgres.address import Address, from_environment, parse
from migplan.text.redaction import memory_of_its_own


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in list(os.environ):
        if variable.startswith("PG"):
            monkeypatch.delenv(variable)


@pytest.mark.parametrize(
    ("text", "params", "shown"),
    [
        (
            "postgresql://me:secret@host:5433/db",
            {"user": "me", "password": "secret", "host": "host", "port": "5433", "dbname": "db"},
            "postgresql://me@host:5433/db",
        ),
        ("postgres://host/db", {"host": "host", "dbname": "db"}, "postgresql://host/db"),
        ("postgresql+psycopg://host/db", {"host": "host", "dbname": "db"}, "postgresql://host/db"),
        ("PostgreSQL://host", {"host": "host"}, "postgresql://host/"),
        ("  postgresql:///db\n", {"dbname": "db"}, "postgresql:///db"),
        (
            "postgresql://a%40b:x@h/d%2Fe",
            {"user": "a@b", "password": "x", "host": "h", "dbname": "d/e"},
            "postgresql://a%40b@h/d%2Fe",
        ),
        (
            "postgresql://me@/db?host=/var/run/postgresql&port=5433",
            {"user": "me", "dbname": "db", "host": "/var/run/postgresql", "port": "5433"},
            "postgresql://me@/db?host=/var/run/postgresql&port=5433",
        ),
        (
            "postgresql://%2Ftmp/db",
            {"host": "/tmp", "dbname": "db"},
            "postgresql:///db?host=/tmp",
        ),
        (
            "postgresql://[::1]:5432/db",
            {"host": "::1", "port": "5432", "dbname": "db"},
            "postgresql://[::1]:5432/db",
        ),
        (
            "postgresql://a:1,b:2/db",
            {"host": "a,b", "port": "1,2", "dbname": "db"},
            "postgresql://a,b:1,2/db",
        ),
        (
            "postgresql://h/db?sslmode=require&password=secret&sslpassword=other",
            {"host": "h", "dbname": "db", "sslmode": "require", "password": "secret", "sslpassword": "other"},
            "postgresql://h/db",
        ),
        (
            "host=h port=1 dbname=d user=u password='it''s'".replace("''", r"\'"),
            {"host": "h", "port": "1", "dbname": "d", "user": "u", "password": "it's"},
            "postgresql://u@h:1/d",
        ),
        (
            "hostaddr=127.0.0.1 dbname=d",
            {"hostaddr": "127.0.0.1", "dbname": "d"},
            "postgresql://127.0.0.1/d",
        ),
        ("service=prod", {"service": "prod"}, "service=prod"),
        (
            "service=prod dbname=other password=secret",
            {"service": "prod", "dbname": "other", "password": "secret"},
            "service=prod dbname=other",
        ),
    ],
)
def test_an_address_is_read_as_libpq_does(text: str, params: dict[str, str], shown: str) -> None:
    address = parse(text)
    assert dict(address.params) == params
    assert str(address) == shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://root@h/db", "the address begins with mysql://, and only PostgreSQL is understood"),
        (
            "jdbc:postgresql://h/db?user=u&password=secret",
            "the address begins with jdbc:postgresql://, and only PostgreSQL is understood",
        ),
        ("staging", "'staging' is neither a URL nor a name that migplan.yaml knows"),
        ("u:secret@h/db", "the address is neither a URL nor a name that migplan.yaml knows"),
        ("postgres:/u:secret@h/db", "the address is neither a URL nor a name that migplan.yaml knows"),
        ("", "'' is neither a URL nor a name that migplan.yaml knows"),
        ("hots=h", "the address cannot be read as a PostgreSQL address"),
        ("host=h password=two words", "the address cannot be read as a PostgreSQL address"),
        ("host=h password=ab://cd ef", "the address cannot be read as a PostgreSQL address"),
        ("host='h", "the address cannot be read as a PostgreSQL address"),
        ("postgresql://h/db?nonsense=1", "the address cannot be read as a PostgreSQL address"),
        ("postgresql://h:port/db", "the address cannot be read as a PostgreSQL address"),
        ("postgresql://u:100%@h/db", "the address cannot be read as a PostgreSQL address"),
        ("postgresql://h/db\udcff", "the address cannot be read as a PostgreSQL address"),
        ("postgresql://u:p@ss@h/db", "the address has a character in its password that must be escaped"),
        ("postgresql://u:@ss/@h/db", "the address has a character in its password that must be escaped"),
        ("postgresql://u:p/ss@h/db", "the address has a character in its password that must be escaped"),
        (
            "host=h dbname=postgresql://u:secret@h/db",
            "the address gives a whole address where the name of a database belongs",
        ),
        (
            "host=h dbname='host=h password=secret'",
            "the address gives a whole address where the name of a database belongs",
        ),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str, said: str) -> None:
    with pytest.raises(AddressError) as refused:
        parse(text)
    assert refused.value.what == said
    assert refused.value.do
    with pytest.raises(AddressError) as refused:
        parse(text, name="production")
    assert "'production'" in refused.value.what or text == "staging" or not text


def test_an_address_may_have_a_name_of_its_own() -> None:
    assert str(parse("postgresql://u:secret@h/db", name="production")) == "production (postgresql://u@h/db)"


def test_what_the_address_leaves_open_is_shown_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_environment() is None
    for variable, value in {"PGHOST": "h", "PGPORT": "7", "PGUSER": "u", "PGDATABASE": "d"}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PGPASSWORD", "secret")
    found = from_environment()
    assert found is not None
    assert (str(found), dict(found.params)) == ("postgresql://u@h:7/d", {})
    assert str(parse("postgresql://other/db")) == "postgresql://u@other:7/db"
    assert found.secrets == ("secret",)


@pytest.mark.parametrize("variable", ["PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE"])
def test_one_variable_that_leads_somewhere_is_enough(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "x")
    assert from_environment() == Address({})


def test_the_service_of_the_environment_does_not_hide_where_an_address_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGSERVICE", "prod")
    assert str(Address({})) == "service=prod"
    assert str(parse("postgresql://staging/db")) == "postgresql://staging/db"


def test_a_whole_url_in_pgdatabase_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATABASE", "postgresql://u:secret@h/db")
    with pytest.raises(AddressError, match="'PGDATABASE' gives a whole address"):
        from_environment()


def test_secrets_are_struck_out_of_foreign_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    address = parse("postgresql://u:p%40ss%20word@h/db?sslpassword=other")
    assert sorted(address.secrets) == ["other", "p@ss word"]
    said = address.without_secrets("p@ss word, p%40ss%20word and other things")
    assert said == "********, ******** and ******** things"
    monkeypatch.setenv("PGPASSWORD", "third")
    assert address.without_secrets("the third") == "the ********"


# Each contains the mark, so that it can be looked for in whatever is said.
MARK = "S3kr1t"
ODD = [
    f"{before}{MARK}{after}"
    for before, after in [
        *[("", c) for c in "@:/?#%&=+ ,;!$'\"\\[]{}()<>|^~`*\t"],
        *[(c, "") for c in "@:/?#%&= '"],
        ("p@", "@w"),
        ("p:", ":w"),
        ("p/", "/w@x"),
        ("p?", "=w"),
        ("p?host=", "/x"),
        ("p?user=", "/x"),
        ("p?dbname=", "/x"),
        ("%", "%"),
        ("%zz", ""),
        ("://", "://"),
        ("x://", ""),
        ("x=", " y="),
        ("ä", "ß"),
        ("日", "本"),
        ("a b", " c"),
    ]
]
FORMS = [
    "postgresql://u:{}@h/db",
    "postgresql://u:{}@h:5432/db?sslmode=disable",
    "postgresql+psycopg://u:{}@/db?host=/tmp",
    "postgres://u:{}@h",
    "postgresql://h/db?user=u&password={}",
    "postgresql://h/db?sslpassword={}",
    "host=h user=u password={} dbname=db",
    "host=h user=u password='{}' dbname=db",
    "password={} host=h",
    "u:{}@h/db",
    "postgres//u:{}@h/db",
    "jdbc:postgresql://h/db?user=u&password={}",
    "mysql://u:{}@h/db",
]


def whole_story(error: BaseException) -> str:
    """All that a program could print of an error, whatever it was raised in front of included."""
    story = ["".join(traceback.format_exception(error))]
    seen: BaseException | None = error
    while seen is not None:
        story += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(story)


def shown_of(text: str) -> str:
    """All that is said of an address, whether it can be read or not, by who has met no other one."""
    with memory_of_its_own():
        try:
            address = parse(text)
        except AddressError as error:
            return whole_story(error)
        named = Address(address.params, "name")
        return f"{address} {address!r} {named} {named!r} {address.without_secrets(' '.join(address.secrets))}"


@pytest.mark.parametrize("password", ODD)
def test_no_password_appears_in_what_is_said_of_an_address(password: str) -> None:
    in_url, in_words = quote(password, safe=""), password.replace("\\", "\\\\").replace("'", "\\'")
    for form in FORMS:
        assert MARK not in shown_of(form.format(password)), form
        assert MARK not in shown_of(form.format(in_url if "://" in form else in_words)), form


@pytest.mark.parametrize("password", [f"?@{MARK}", f"?@/{MARK}", f"?@{MARK},", f"a?b@/x{MARK}"])
def test_no_piece_of_a_password_becomes_a_host_or_a_database(password: str) -> None:
    assert MARK not in shown_of(f"postgresql://u:{password}@h/db")


@given(
    st.text(st.sampled_from("@:/?#%&= ,'\"\\ab9[]"), max_size=6),
    st.text(st.sampled_from("@:/?#%&= ,'\"\\ab9[]"), max_size=6),
    st.sampled_from(FORMS),
)
def test_no_password_appears_whatever_surrounds_it(before: str, after: str, form: str) -> None:
    assert MARK not in shown_of(form.format(before + MARK + after))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_an_escaped_password_arrives_as_it_is(password: str) -> None:
    url = f"postgresql://u:{quote(password, safe='')}@h/db"
    assert parse(url).params["password"] == password
    assert str(parse(url)) == "postgresql://u@h/db"
    assert parse(make_conninfo(host="h", password=password)).params["password"] == password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pw@db:5433/shop?sslmode=require", "postgresql://me@db:5433/shop?sslmode=require"),
        ("host=/run/pg user=me password='b c' dbname='my shop'", "postgresql://me@/my%20shop?host=/run/pg"),
        ("postgresql://a%40b:p@[::1]:5/x", "postgresql://a%40b@/x?host=%3A%3A1&port=5"),
        ("service=shop password=hush", "postgresql:///?service=shop"),
        ("postgresql://me@db/shop", "postgresql://me@db/shop"),
    ],
)
def test_an_address_can_be_pasted_without_its_password(text: str, shown: str) -> None:
    parsed = parse(text)
    assert parsed.without_password(text) == shown
    rest = {key: value for key, value in parsed.params.items() if key != "password"}
    assert parse(shown).params == rest


def test_an_address_in_short_has_no_parameters() -> None:
    url = "postgresql://me@here:5433/shop"
    assert parse(f"{url}?sslmode=require", name="production").in_short == f"production ({url})"
    assert parse(f"{url}?sslmode=require").in_short == url
    assert parse(url, name="production").in_short == f"production ({url})"
