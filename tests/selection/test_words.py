"""Words that match nothing: refused with the nearest one before anything is written, or said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click
import pytest

from migplan.bundle.options import Options
from migplan.bundle.schema.chosen import Choice
from migplan.bundle.schema.roles import Owners
from migplan.catalog.counts import Exactness
from migplan.cli.options import with_provided
from migplan.config import Config, SelectionSection
from migplan.errors import MigplanError
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.choose import subject_of
from migplan.pipeline.plan import ChosenPlan
from migplan.postgres import pg_dump
from migplan.postgres.session import reading
from tests.cli.conftest import Run, nowhere, run
from tests.servers import Server

__all__ = ["nowhere", "run"]

SOURCE = """
CREATE TABLE guests (id int PRIMARY KEY, email text);
CREATE VIEW emails AS SELECT email FROM guests;
CREATE SEQUENCE numbers;
GRANT SELECT ON guests TO pg_monitor;
CREATE POLICY p ON guests TO pg_read_all_stats USING (true);
CREATE FUNCTION f() RETURNS bool LANGUAGE sql AS $$ SELECT pg_has_role('pg_checkpoint', 'USAGE') $$;
"""


@pytest.fixture(scope="module")
def source(newest: Server) -> Iterator[str]:
    name = newest.create_database(SOURCE)
    yield newest.url(name)
    newest.drop_database(name)


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        ("--role pg_monitro=x", "", "names a role pg_monitro\n  -> did you mean pg_monitor?"),
        ("--role pg_read_all_stat=x", "", "did you mean pg_read_all_stats?"),
        ("--role nobody=x", "", "they name: "),
        ("--role pg_checkpoint=x", "", "only bodies of functions name pg_checkpoint"),
        ("--role pg_monitor=x --role pg_monitor=y", "", "pg_monitor is to be both x and y"),
        (
            "",
            "provided: {roles: [pg_monitro]}",
            "no role matches 'pg_monitro'\n  -> did you mean pg_monitor?",
        ),
        ("--table emials", "", "did you mean public.emails? It is no table"),
        ("--table emails", "", "no table matches 'emails': public.emails is a view"),
        ("--exclude numbers", "", "--without SEQUENCE leaves out all of its kind"),
        ("", "strategies: {guest: copy}", "did you mean public.guests?"),
        ("", "groups: [{name: a, tables: [geusts]}]", "did you mean public.guests?"),
        ("", "targets: {scratch: {url: a}}", "migplan.yaml:1:11: no target can be called scratch"),
        ("", "targets: {source: {url: a}}", "give it another name"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_an_export_refuses_words_that_match_nothing(
    run: Run, source: str, words: str, settings: str, said: str, dry: tuple[str, ...]
) -> None:
    Path("migplan.yaml").write_text(settings)
    text = run("export", source, "--out", "b", *words.split(), *dry, exit_code=2).stderr
    assert said in text
    assert not Path("b").exists()


def test_roles_that_something_names_are_taken(run: Run, source: str) -> None:
    Path("migplan.yaml").write_text("provided: {roles: [x, 'pg_*']}")
    words = ("--role", "pg_monitor=x", "--role", "pg_read_all_stats=y", "--table", "guests")
    run("export", source, "--out", "b", *words)
    assert "TO x" in next(Path("b").glob("*schema*.sql")).read_text()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("advise: {levels: {MP999: off}}", "advise speaks of MP999"),
        ("advise: {levels: {mp106: off}}", "did you mean MP106?"),
        (
            "lint: {ml401: off}",
            "lint in migplan.yaml speaks of ml401, and no rule has that code\n  -> did you mean ML401?",
        ),
    ],
)
def test_codes_of_no_rule_are_refused(run: Run, source: str, settings: str, said: str) -> None:
    Path("migplan.yaml").write_text(settings)
    Path("m").mkdir()
    Path("m/0001_a.sql").write_text("SELECT 1;")
    words = ("analyze", "m") if "lint" in settings else ("advise", source)
    assert said in run(*words, exit_code=2).stderr


def test_what_the_api_is_said_to_be_and_is_not_there_is_said(run: Run, source: str) -> None:
    for schema, role, said in (("publik", "pg_monitor", "public"), ("public", "pg_monitro", "pg_monitor")):
        words = ("--exposed-schema", schema, "--api-role", role, "--fail-on", "never")
        assert f"did you mean {said}?" in " ".join(run("advise", source, *words).stdout.split())


def test_columns_that_no_table_has_are_noted(run: Run, source: str) -> None:
    Path("migplan.yaml").write_text("anonymise: {columns: {guests.emial: email, '*.email': email}}")
    text = run("document", source, "--out", "d").stdout
    assert "Note: anonymise.columns: no column matches 'guests.emial'; did you mean guests.email?" in text
    assert text.count("anonymise.columns") == 1


def test_a_rehearsal_takes_the_advice_that_it_gives(run: Run, newest: Server) -> None:
    name = newest.create_database(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a);"
    )
    try:
        Path("migplan.yaml").write_text("selection: {tables: [b]}")
        words = ("rehearse", newest.url(name), "--without-dangling-keys")
        assert "FK CONSTRAINT public.b" in run(*words[:2], exit_code=2).stderr
        assert not Path("migrations").exists()
        run(*words)
        assert "is there, and rehearsed as it is: --without-dangling-keys applies only" in run(*words).stderr
        run(*words[:2], "--with-needed", "--fresh")
        assert "CREATE TABLE public.a" in "".join(
            each.read_text() for each in Path("migrations").rglob("*.sql")
        )
    finally:
        newest.drop_database(name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("anlayze", "Did you mean analyze?"),
        ("zzz", "No such command 'zzz'."),
        ("apply bundel prodd", "did you mean prod?"),
        ("apply bundel prod", "did you mean bundle?"),
        ("analyze zzz", "a database is a URL, or a name under targets of migplan.yaml"),
        ("rehearse migrations/zzz", "migplan export --out migrations/zzz"),
    ],
)
def test_a_slip_in_a_command_is_answered_with_what_was_meant(run: Run, words: str, said: str) -> None:
    Path("migplan.yaml").write_text("targets: {prod: {url: a}}")
    Path("bundle").mkdir()
    assert said in run(*words.split(), exit_code=2).stderr


ODD = (
    *('S "q".D', '"S ""q"".D"', '"S ""q"".D"."T "".1"', '"S "q".D".T', '"S ""q"".D".*', "a.b.c", '"', '""'),
    *(".", "a.", ".a", '"a".', "[", "[!", "*.*.*", " ", "", "\x1b[31m", "'; drop", '"x"y', "%s", "{}", "\n"),
)


@pytest.mark.parametrize(("needed", "keys"), [(False, True), (True, True), (False, False)])
def test_odd_words_work_or_are_refused(newest: Server, needed: bool, keys: bool) -> None:
    name = newest.create_database(
        """CREATE SCHEMA "S ""q"".D"; CREATE TABLE "S ""q"".D"."T "".1" (id int PRIMARY KEY);
        CREATE TABLE child (id int REFERENCES "S ""q"".D"."T "".1")"""
    )
    address = newest.address(name)
    catalog = read_catalog(address, Exactness.ESTIMATE)
    with reading(address) as session:
        program = pg_dump.suitable(session.version, encrypted=False)
        with pg_dump.dumping(address, program, session.export_snapshot()) as dump:
            archive = dump.archive()
    newest.drop_database(name)
    choice = Choice(needed=needed, dangling_keys=keys)
    for word in ODD:
        selections = (
            SelectionSection(tables=(word,)),
            SelectionSection(exclude=(word,)),
            SelectionSection(schemas=(word,)),
        )
        asked = [(Config(selection=each), Options(choice=choice)) for each in selections]
        asked += [
            (Config(), Options(choice=choice, groups=(word,))),
            (Config(), Options(choice=choice, owners=Owners(roles={word: "x"}))),
            (Config(), Options(choice=replace(choice, kinds=frozenset({word})))),
        ]
        with suppress(click.BadParameter):
            asked.append((with_provided(Config(), (word,)), Options(choice=choice)))
        for settings, options in asked:
            with suppress(MigplanError):
                subject_of(catalog, archive, settings, options, ChosenPlan())
