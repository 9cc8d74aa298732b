"""``migplan.yaml``, and every way to get it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan import config
from migplan.config import Config, Layout, Strategy
from migplan.errors import AddressError, FileError, YamlError

FILE = Path("migplan.yaml")


def refused(text: str) -> YamlError:
    with pytest.raises(YamlError) as error:
        config.loads(text, FILE)
    return error.value


def test_a_whole_file() -> None:
    found = config.loads(
        """
source: {url: "${SOURCE}"}
targets:
  production: {url: postgresql://app@db/shop, protected: true}
selection:
  schemas: [public, sales_*]
  exclude: [audit]
plan: {name: shop, constraints: with-schema}
groups:
  - {name: base, number: 3, purpose: " What all need. ", tables: [tenants, country_*]}
strategies:
  public.log: schema-only
""",
        FILE,
    )
    assert found.targets["production"].protected
    assert found.selection.schemas == ("public", "sales_*")
    assert found.plan.constraints is Layout.WITH_SCHEMA
    assert (found.groups[0].number, found.groups[0].purpose) == (3, "What all need.")
    assert found.strategies == {"public.log": Strategy.SCHEMA_ONLY}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null\n", "\ufeff"])
def test_an_empty_file_is_nothing_but_defaults(text: str) -> None:
    assert config.loads(text, FILE) == Config()


def test_empty_sections_mean_none() -> None:
    text = "source:\ntargets:\nselection:\n  schemas:\n  tables:\nplan:\ngroups:\nstrategies:\n"
    assert config.loads(text, FILE) == Config()
    assert config.loads("selection:\n", FILE) == Config()


@pytest.mark.parametrize(
    ("text", "line", "column", "what", "do"),
    [
        ("source:\n  url: [\n", 3, 1, "while parsing", ""),
        ("source: {url: a}\nsource: {url: b}\n", 2, 1, "'source' stands here a second time", ""),
        ("tagets: {}\n", 1, 1, "'tagets' is not known here", "did you mean targets?"),
        ("source:\n  ulr: x\n", 2, 3, "'ulr' is not known here", "did you mean url?"),
        ("source:\n  xyzzy: x\n", 2, 3, "'xyzzy' is not known here", "known here and elsewhere: "),
        ("source: postgresql://h/d\n", 1, 1, "source must hold entries of the form key: value", ""),
        ("targets:\n  prod:\n", 2, 3, "targets.prod must hold entries", ""),
        ("- a\n- b\n", 1, 1, "the file must hold entries of the form key: value", ""),
        ("groups:\n  - name: a\n    tables: hotels\n", 3, 5, "groups.0.tables must hold a list", ""),
        ("groups:\n  - name: a\n    tables: []\n", 3, 5, "groups.0.tables must not be empty", ""),
        ("groups:\n  - name: a\n", 2, 5, "groups.0.tables is missing", ""),
        ("groups:\n  - name: A b\n    tables: [a]\n", 2, 5, "groups.0.name: String should match", ""),
        ("groups:\n  - {name: a, number: 0, tables: [a]}\n", 2, 15, "groups.0.number: Input should be", ""),
        ("groups:\n  - {name: a, tables: [1]}\n", 2, 24, "groups.0.tables.0 must be text", "put"),
        ("strategies:\n  a: fast\n", 2, 3, "strategies.a: Input should be 'copy'", ""),
        ("plan:\n  name: 2024-01-01\n", 2, 3, "plan.name must be text", "put it in quotes"),
        ("plan:\n  name: 2024-13-45\n", 2, 9, "month must be in 1..12", ""),
        ("plan:\n  name: ../x\n", 2, 3, "plan.name: String should match", ""),
        ("plan:\n  ? [a]\n  : b\n", 2, 5, "a list or a mapping cannot be a key", ""),
        ("plan:\n  name: !odd x\n", 2, 9, "could not determine a constructor for the tag '!odd'", ""),
        ("plan:\n  name: *nowhere\n", 2, 9, "found undefined alias", ""),
        ("plan:\n  name: a\x07b\n", 2, 10, "the character U+0007 is not allowed here", ""),
        ("plan:\n\tname: a\n", 2, 1, "found character", ""),
        ("plan: {}\n---\nplan: {}\n", 2, 1, "but found another document", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_column(
    text: str, line: int, column: int, what: str, do: str
) -> None:
    error = refused(text)
    assert what in error.what
    assert (error.line, error.column) == (line, column)
    assert error.do.startswith(do)
    assert str(error).startswith(f"migplan.yaml:{line}:{column}: ")


def test_two_groups_of_one_name_are_refused() -> None:
    error = refused("groups:\n  - {name: a, tables: [x]}\n  - {name: a, tables: [y]}\n")
    assert error.what == "there are two groups called a"
    assert error.line == 3


def test_an_alias_that_leads_round_does_not_lead_us_round() -> None:
    assert refused("targets: &t\n  a: *t\n").line == 2


def test_aliases_of_aliases_are_not_unfolded_for_ever() -> None:
    lines = ["x0: &x0 [a, a]"] + [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "'x0' is not known here" in refused("\n".join(lines)).what


def test_nesting_without_end_is_refused() -> None:
    assert refused("a: " + "[" * 20_000).what


PASSWORDS = [
    "postgresql://app:hush@db/shop",
    "postgres://app:h%75sh@db:5432/shop",
    "postgresql://app:12hush@db",
    "postgresql://app:hu/sh@db/shop",
    "postgresql+psycopg://app:hush@db/shop",
    "postgresql://db/shop?password=hush",
    "postgresql://db/shop?user=a&password=hush&sslmode=require",
    "postgresql://db/shop?%70assword=hush",
    "postgresql://db/shop?sslpassword=hush",
    "host=db oauth_client_secret=hush",
    "host=db password=hush",
    "host=db password = 'hu sh'",
    "PASSWORD=hush",
    "postgresql://app:${PART}hush@db/shop",
    "host=${HOST} password=x${PART}",
]


@pytest.mark.parametrize("url", PASSWORDS)
@pytest.mark.parametrize("section", ["source:\n", "targets:\n  staging:\n"])
def test_a_password_in_the_file_is_refused_and_not_repeated(url: str, section: str) -> None:
    indent = " " * (len(section.splitlines()[-1]) - len(section.splitlines()[-1].lstrip()) + 2)
    error = refused(f'{section}{indent}url: "{url}"\n')
    assert error.what == "a password does not belong into this file"
    assert (error.line, error.column) == (section.count("\n") + 1, len(indent) + 1)
    assert "${NAME}" in error.do
    assert not [part for part in ("hush", "h%75sh", "hu sh") if part in repr(error) + str(error)]


@pytest.mark.parametrize(
    "url",
    [
        "${URL}",
        "postgresql://app@db:5432/shop",
        "postgresql://db1:5432,db2:5433/shop?application_name=a@b",
        "postgresql://[::1]:5432/shop",
        "postgresql://app:${PASSWORD}@db/shop",
        "postgresql://app:@db/shop",
        "host=db password=${PASSWORD}",
        "host=db password='${PASSWORD}' dbname=x",
        "host=db passfile=/etc/passwords",
    ],
)
def test_a_url_without_one_is_taken(url: str) -> None:
    assert config.loads(f'source: {{url: "{url}"}}\n', FILE).source


def test_a_password_is_not_repeated_in_other_complaints_either() -> None:
    for text in (
        "postgresql://app:hush@db/shop: x\n",
        "source:\n  postgresql://app:hush@db/shop: x\n",
        "targets:\n  a: {url: postgresql://app:hush@db, url: b}\n  a: b\n",
        "plan:\n  name: postgresql://app:hush@db\n",
        "strategies:\n  a: postgresql://app:hush@db\n",
        "strategies:\n  postgresql://app:hush@db: a\n",
    ):
        error = refused(text)
        assert "hush" not in str(error) + error.do, text


def test_urls_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHO", "app")
    monkeypatch.setenv("WHERE", "db:5432")
    found = config.loads("source: {url: 'postgresql://${WHO}@${WHERE}/shop'}\ntargets: {a: {url: b}}\n", FILE)
    assert config.url_of(found, "source") == "postgresql://app@db:5432/shop"
    assert config.url_of(found, "a") == "b"
    assert config.url_of(found, "other") is None


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    if value is not None:
        monkeypatch.setenv("NOWHERE", value)
    found = config.loads("source: {url: '${NOWHERE}'}\n", FILE)
    with pytest.raises(AddressError, match="NOWHERE is not set") as error:
        config.url_of(found, "source")
    assert error.value.do.startswith("export NOWHERE=")


def test_a_name_that_is_nearly_right_gets_a_suggestion() -> None:
    found = config.loads("source: {url: a}\ntargets: {staging: {url: b}}\n", FILE)
    assert config.suggestion(found, "stagin") == "did you mean staging?"
    assert config.suggestion(found, "zzz") == ""


def test_the_file_of_this_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.find(None) == Config()
    Path("migplan.yaml").write_text("plan: {name: here}\n")
    assert config.find(None).plan.name == "here"
    with pytest.raises(FileError, match=r"there is no other\.yaml") as error:
        config.find(Path("other.yaml"))
    assert error.value.do == "write one with: migplan init"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"plan: \xff")
    with pytest.raises(FileError, match="is not UTF-8 text: byte 6"):
        config.load(tmp_path / "x.yaml")
    with pytest.raises(FileError, match="cannot read"):
        config.load(tmp_path)


def test_a_bare_off_is_the_word_and_not_what_yaml_takes_it_for() -> None:
    found = config.loads("lint: {ML401: off}\nadvise:\n  levels: {MP106: off, MP207: note}\n", Path("x.yaml"))
    assert found.lint == {"ML401": "off"}
    assert found.advise.levels == {"MP106": "off", "MP207": "note"}
    assert "'off'" in str(refused("lint: {ML401: on}\n"))


def test_findings_are_ignored_by_code_and_with_a_reason() -> None:
    refused("advise:\n  ignore:\n    - {code: MP106, object: public.a}\n")
    refused("advise:\n  ignore:\n    - {code: nonsense, reason: x}\n")
    found = config.loads("advise:\n  ignore:\n    - {code: MP106, reason: x}\n", Path("x.yaml"))
    assert found.advise.ignore[0].object == "*"


def test_the_key_of_stand_ins_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hunter2" not in str(refused("anonymise:\n  key: hunter2\n"))
    found = config.loads("anonymise:\n  key: ${STAND_INS}\n", Path("x.yaml"))
    monkeypatch.delenv("STAND_INS", raising=False)
    with pytest.raises(AddressError, match="STAND_INS is not set"):
        config.key_of(found)
    monkeypatch.setenv("STAND_INS", "abc")
    assert config.key_of(found) == b"abc"
    assert config.key_of(Config()) == b""
