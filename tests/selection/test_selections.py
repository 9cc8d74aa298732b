"""Selections of a schema in which everything needs everything: refused before writing, or they load.

What loads is exactly what was selected, and what that needs where it was asked for; and it verifies.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migplan.bundle.check.examine import check
from migplan.bundle.manifest import Manifest, load
from migplan.bundle.schema.chosen import Choice, choose
from migplan.bundle.schema.ownership import Ownership, ownership_of
from migplan.bundle.schema.sort_entries import sort_entries
from migplan.catalog.counts import Exactness
from migplan.catalog.model import Catalog
from migplan.catalog.selection import Selection, select
from migplan.config import SelectionSection
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.choose import scope_of
from migplan.postgres import pg_dump
from migplan.postgres.address import parse
from migplan.postgres.session import reading
from migplan.verify.target import verify_target
from tests.cli.conftest import nowhere, run
from tests.servers import Server

__all__ = ["nowhere", "run"]

Run = Callable[..., Result]
CHOICES = (Path(__file__).parent / "choices.sql").read_text()
TABLES = (
    *("base.countries", "base.people", "shop.products", "shop.orders", "shop.items", "shop.events"),
    *("report.totals", "report.totals_more", "report.typed"),
)
KINDS = (
    *("TRIGGER", "POLICY", "INDEX", "FK CONSTRAINT", "VIEW", "FUNCTION", "TYPE", "SEQUENCE", "PUBLICATION"),
    *("CONSTRAINT", "RULE", "SCHEMA", "ACL", "DOMAIN", "MATERIALIZED VIEW", "STATISTICS", "COMMENT"),
)


@pytest.fixture(scope="module")
def source(newest: Server) -> Iterator[str]:
    name = newest.create_database(CHOICES)
    yield newest.url(name)
    newest.drop_database(name)


def exported(run: Run, source: str, bundle: Path, *words: str) -> Manifest:
    run("export", source, "--out", str(bundle), "--force", *words)
    assert check(bundle) == ()
    return load(bundle)


def refused(run: Run, source: str, bundle: Path, *words: str) -> str:
    result = run("export", source, "--out", str(bundle), *words, exit_code=2)
    assert not bundle.exists()
    return result.stderr


def names(manifest: Manifest, *kinds: str) -> set[str]:
    return {str(each) for each in manifest.objects if not kinds or each.kind in kinds}


# --- what a selection brings


def test_a_table_brings_what_is_its_own_and_nothing_else(run: Run, source: str, tmp_path: Path) -> None:
    manifest = exported(run, source, tmp_path / "b", "--table", "base.countries", "--with-needed")
    assert names(manifest) == {
        "SCHEMA base",
        "COLLATION base.plain",
        "TABLE base.countries",
        "CONSTRAINT base.countries countries_pkey",
    }
    assert [str(each) for each in manifest.taken_along] == ["COLLATION base.plain"]
    assert manifest.rows == 2


def test_a_lack_is_refused_with_who_needs_it_and_commands_that_work(
    run: Run, source: str, tmp_path: Path
) -> None:
    bundle = tmp_path / "b"
    said = refused(run, source, bundle, "--table", "shop.products")
    assert "TYPE base.status is the type of column state: TABLE shop.products" in said
    assert "FUNCTION base.tidy(text) is in a default, a check or a generated column" in said
    (way,) = [line for line in said.splitlines() if line.endswith("--with-needed")]
    command = shlex.split(way.partition("migplan ")[2])
    run(*command)
    assert names(load(bundle), "TABLE", "TYPE", "FUNCTION") == {
        "TABLE shop.products",
        "TYPE base.status",
        "FUNCTION base.tidy(text)",
    }


def test_keys_that_dangle_are_left_out_on_request_and_listed(run: Run, source: str, tmp_path: Path) -> None:
    words = ("--exclude", "base.countries")
    said = refused(run, source, tmp_path / "b", *words)
    assert "TABLE base.countries (2 rows) is what the key refers to: FK CONSTRAINT base.people" in said
    assert "--with-needed" not in said  # what is excluded is not taken along
    (way,) = [line for line in said.splitlines() if line.endswith("--without-dangling-keys")]
    shown = run(*shlex.split(way.partition("migplan ")[2])).stdout
    assert "people people_country_fkey: TABLE base.countries, to which it refers, is not brought" in shown
    left = {str(each): each.why for each in load(tmp_path / "b").left_out}
    assert left["VIEW report.same"] == "it needs TABLE base.countries, which is left out"


def test_a_sequence_of_another_table_comes_alone_and_is_set(run: Run, source: str, tmp_path: Path) -> None:
    words = ("--table", "shop.items", "--with-needed", "--without-dangling-keys")
    manifest = exported(run, source, tmp_path / "b", *words)
    assert names(manifest, "TABLE", "SEQUENCE") == {"TABLE shop.items", "SEQUENCE shop.products_id_seq"}
    assert [each.sequence for each in manifest.sequences] == ["shop.products_id_seq"]


def test_a_group_holds_nothing_of_other_groups(run: Run, source: str, nowhere: Path) -> None:
    groups = (
        "groups:\n  - {name: base, tables: ['base.*']}\n  - {name: rest, tables: ['shop.*', 'report.*']}\n"
    )
    (nowhere / "migplan.yaml").write_text(groups)
    manifest = exported(run, source, nowhere / "b", "--group", "base")
    assert {each.group for each in manifest.files} == {"base"}
    assert not {each for each in names(manifest) if "shop.orders" in each or "shop.items" in each}
    said = refused(run, source, nowhere / "c", "--group", "rest")
    assert "TABLE base.people (2 rows) is what the key refers to" in said
    assert "did you mean rest?" in refused(run, source, nowhere / "c", "--group", "rset")


def test_the_command_line_narrows_a_plan_file(run: Run, source: str, nowhere: Path) -> None:
    run("plan", source)
    manifest = exported(run, source, nowhere / "b", "--table", "base.countries", "--with-needed")
    assert names(manifest, "TABLE") == {"TABLE base.countries"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--without", "TRIGER"), "did you mean TRIGGER?"),
        (("--without", "foreign key"), "did you mean FK CONSTRAINT?"),
        (("--without", "grants"), "did you mean ACL?"),
        (("--exclude", "shop.ordrs"), "did you mean shop.orders?"),
    ],
)
def test_a_word_that_means_nothing_is_refused(
    run: Run, source: str, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    assert says in refused(run, source, tmp_path / "b", *words)


# --- any selection


def given_with(option: str, words: tuple[str, ...], most: int) -> st.SearchStrategy[list[str]]:
    """Some of the words, each behind the option."""
    some = st.lists(st.sampled_from(words), max_size=most, unique=True)
    return some.map(lambda found: [word for each in found for word in (option, each)])


OPTIONS = ("schema", "table", "exclude")
OWN = (
    *("TABLE", "SEQUENCE", "SEQUENCE OWNED BY", "DEFAULT", "CONSTRAINT", "FK CONSTRAINT", "INDEX", "RULE"),
    *("TRIGGER", "POLICY", "ROW SECURITY", "COMMENT", "ACL", "TABLE ATTACH", "INDEX ATTACH", "STATISTICS"),
    "CHECK CONSTRAINT",
)
quick = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Read = tuple[Catalog, Ownership, psycopg.Connection]


@pytest.fixture(scope="module")
def read(newest: Server, source: str) -> Iterator[Read]:
    """The catalog of the source, its entries, and a session in an empty database."""
    address = parse(source)
    catalog = read_catalog(address, Exactness.ESTIMATE)
    with reading(address) as session:
        program = pg_dump.suitable(session.version, encrypted=False)
        with pg_dump.dumping(address, program, session.export_snapshot()) as dump:
            ownership = ownership_of(dump.archive().entries, catalog)
    target = newest.create_database()
    with newest.connect(dbname=target) as connection:
        connection.execute("SET check_function_bodies = off; SET search_path = ''")
        yield catalog, ownership, connection
    newest.drop_database(target)


selections = st.one_of(
    given_with("--table", TABLES, 3),
    given_with("--exclude", TABLES, 3),
    given_with("--schema", ("base", "shop", "report"), 2),
)
kinds = given_with("--without", KINDS, 2)
flags = st.lists(st.sampled_from(["--with-needed", "--without-dangling-keys"]), max_size=2, unique=True)


@settings(quick, max_examples=60)
@given(selections, kinds, flags)
def test_any_selection_can_be_made_or_is_refused(
    newest: Server, read: Read, words: list[str], without: list[str], more: list[str]
) -> None:
    """Every definition that is brought can be created in an empty database, and none is a stranger's."""
    catalog, ownership, empty = read
    said = {name: tuple(w for o, w in itertools.pairwise(words) if o == f"--{name}") for name in OPTIONS}
    selection = Selection(said["schema"], said["table"], said["exclude"])
    section = SelectionSection(schemas=selection.schemas, tables=selection.tables, exclude=selection.exclude)
    tables = frozenset(select(catalog, selection).catalog.by_name)
    scope = scope_of(catalog, section, tables)
    choice = Choice(
        kinds=frozenset(without[1::2]),
        needed="--with-needed" in more,
        dangling_keys="--without-dangling-keys" not in more,
    )
    chosen = choose(ownership, scope, choice)
    entries = ownership.entries
    assert chosen.here.isdisjoint(chosen.left_out)
    assert chosen.here | chosen.left_out.keys() == entries.keys()
    assert not {entries[number].kind for number in chosen.here} & choice.kinds
    if chosen.lacks:
        assert words or without
        return
    with empty.transaction(force_rollback=True):
        for number in sort_entries(chosen.here, ownership, {}):
            empty.execute(entries[number].definition.encode())
    whose = {ownership.owner[number] for number in chosen.here if number in ownership.owner}
    if not choice.needed:
        assert whose <= tables
    if selection.tables and not choice.needed:
        assert {entries[number].kind for number in chosen.here} <= {*OWN, "SCHEMA"}


@pytest.mark.slow
@settings(quick, max_examples=4)
@given(selections, st.sampled_from(["after-data", "with-schema"]), kinds)
def test_any_selection_with_rows(
    run: Run, newest: Server, source: str, tmp_path: Path, words: list[str], layout: str, without: list[str]
) -> None:
    more = ["--with-needed", "--without-dangling-keys", "--constraints", layout]
    tried(run, newest, source, tmp_path / "b", [*words, *without, *more])


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        *(
            "--table shop.items --with-needed",
            "--exclude base.people --without POLICY --without-dangling-keys",
        ),
        *(
            "--schema base",
            "--exclude shop.events --schema-only",
            "--without TRIGGER --constraints with-schema",
        ),
    ],
)
def test_selections_load_and_verify(
    run: Run, newest: Server, source: str, tmp_path: Path, words: str
) -> None:
    assert tried(run, newest, source, tmp_path / "b", words.split())


def tried(run: Run, newest: Server, source: str, bundle: Path, words: list[str]) -> bool:
    """Export, apply to an empty database, verify; return whether it was not refused."""
    result = run("export", source, "--out", str(bundle), "--force", *words, exit_code=None)
    if result.exit_code == 2:
        assert "nothing was written" in result.stderr or "nothing is left" in result.stderr, result.output
        return False
    assert result.exit_code == 0, result.output
    assert check(bundle) == ()
    target = newest.create_database()
    try:
        run("apply", str(bundle), "--target", newest.url(target))
        found = verify_target(newest.address(target), bundle)
        assert [str(each) for c in found.checks for each in c.differences] == [], words
    finally:
        newest.drop_database(target)
    return True
