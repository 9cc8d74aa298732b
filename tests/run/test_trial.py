"""Folders of migrations are tried on a scratch server, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migplan.migrations.analysis import analyze
from migplan.names import QualifiedName
from migplan.postgres.session import Session
from migplan.run.migrations.trial import BLOCKS, TrialOptions, Trials, base_of, trials
from tests.servers import Server, connect

HOTELS = QualifiedName("public", "hotels")


@contextmanager
def trying(server: Server, folder: Path, files: dict[str, str]) -> Iterator[Trials]:
    """The trials of a folder with these files, on a server of the tests."""
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    with trials(analyze(folder), lent=server.address("postgres")) as found:
        yield found


def test_each_file_says_what_it_locks_and_rewrites(newest: Server, tmp_path: Path) -> None:
    files = {
        "1_hotels": "CREATE TABLE hotels (id int, name text, stars int);",
        "2_index": "CREATE INDEX ON hotels (name);",
        "3_type": "ALTER TABLE hotels ALTER stars TYPE bigint;",
        "4_again": "ALTER TABLE hotels RENAME TO inns; CREATE TABLE hotels (LIKE inns); DROP TABLE inns;",
        "5_concurrently": "CREATE INDEX CONCURRENTLY hotels_id ON hotels (id);",
        "6_empty": "CREATE TABLE more (id int); DO 'BEGIN TRUNCATE hotels; END';"
        "TRUNCATE more; ALTER TABLE more ADD n serial;",
    }
    with trying(newest, tmp_path, files) as found, found.build() as built:
        assert [each.state for each in built.files] == ["ok"] * 6
        held = [[(lock.relation, lock.mode) for lock in each.locks] for each in built.files]
        assert held[:4] == [
            [],
            [(HOTELS, "ShareLock")],
            [(HOTELS, "AccessExclusiveLock")],
            [(HOTELS, "AccessExclusiveLock")],
        ]
        assert built.files[1].locks[0].blocks == BLOCKS["ShareLock"]
        assert [each.rewritten for each in built.files] == [(), (), (HOTELS,), (), (), ()]
        assert [each.emptied for each in built.files] == [()] * 5 + [(HOTELS,)]


def test_after_a_failure_only_what_does_not_need_it_is_tried(newest: Server, tmp_path: Path) -> None:
    files = {
        "1_a": "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nSELECT 1 / 0;",
        "2_of_a": "ALTER TABLE a ADD x int;",
        "3_c": "CREATE TABLE c (id int);",
    }
    with trying(newest, tmp_path, files) as found:
        with found.build() as built:
            assert [each.state for each in built.files] == ["failed", "not tried", "not tried"]
            failure = built.files[0].failure
            assert failure is not None
            assert (failure.sqlstate, failure.file, failure.line) == ("22012", "1_a.sql", 3)
            assert failure.statement == "SELECT 1 / 0"
        with found.build(options=TrialOptions(keep_going=True)) as built:
            assert [each.state for each in built.files] == ["failed", "not tried", "ok"]
            with connect(built.address) as session:
                there = session.execute("SELECT to_regclass('a'), to_regclass('c')").fetchone()
            assert there == (None, "c")


def test_who_watches_looks_between_the_files(newest: Server, tmp_path: Path) -> None:
    seen: list[tuple[str, str, int]] = []

    class Watching:
        def before(self, name: str, session: Session) -> None:
            self._look("before", name, session)

        def after(self, name: str, session: Session) -> None:
            self._look("after", name, session)

        def _look(self, when: str, name: str, session: Session) -> None:
            question = "SELECT count(*) FROM pg_class WHERE relname IN ('a', 'b', 'b_id')"
            seen.append((when, name, session.ask(question, during="a test")[0][0]))

    files = {
        "1_a": "CREATE TABLE a (id int);",
        "2_b": "CREATE TABLE b (id int);\nCREATE INDEX CONCURRENTLY b_id ON b (id);",
    }
    with trying(newest, tmp_path, files) as found, found.build(options=TrialOptions(watching=Watching())):
        assert seen == [("before", "1_a", 0), ("after", "1_a", 1), ("before", "2_b", 1), ("after", "2_b", 3)]


def test_roles_of_the_files_do_not_stay_on_the_server(newest: Server, tmp_path: Path) -> None:
    files = {
        "1_role": "CREATE ROLE migplan_trial_reader; CREATE TABLE t (id int);",
        "2_grant": "GRANT SELECT ON t TO migplan_trial_reader;",
    }
    with trying(newest, tmp_path, files) as found:
        for _ in range(2):
            with found.build() as built:
                assert built.holds
        assert "migplan_trial_reader" not in found.judge.roles()


def test_a_role_that_a_file_looks_for_is_not_made_for_it(newest: Server, tmp_path: Path) -> None:
    grant = "GRANT SELECT ON {} TO migplan_trial_{}; "
    looks = "IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'migplan_trial_web') THEN {}END IF; "
    files = {
        "1_looks": f"CREATE TABLE t (); DO $$ BEGIN {looks.format(grant.format('nowhere', 'web'))}END $$;",
        "2_does_not": f"DO $$ BEGIN {grant.format('t', 'app')}END $$; {grant.format('t', 'other')}",
    }
    with trying(newest, tmp_path, files) as found, found.build() as built:
        assert [(each.state, each.failure) for each in built.files] == [("ok", None)] * 2
        roles = {each for each in found.judge.roles() if each.startswith("migplan_trial_")}
        assert roles == {"migplan_trial_app", "migplan_trial_other"}


def test_roles_that_the_files_name_are_those_of_the_target(newest: Server, tmp_path: Path) -> None:
    files = {
        "1_named": "DO $$ BEGIN EXECUTE 'GRANT CREATE ON SCHEMA public TO migplan_trial_named'; END $$;",
        "2_made": "DO $$ BEGIN CREATE ROLE migplan_trial_made; END $$;",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.sql").write_text(text)
    roles = {"migplan_trial_named", "migplan_trial_made", "migplan_trial_other"}
    with connect(newest.address("postgres")) as session:
        for role in roles:
            session.execute(f"CREATE ROLE {role}")
        try:
            base = base_of(analyze(tmp_path), target=newest.address("postgres"))
        finally:
            for role in roles:
                session.execute(f"DROP ROLE {role}")
    assert base.roles & roles == {"migplan_trial_named"}


@pytest.mark.parametrize("schema", ["", " WITH SCHEMA extensions"])
def test_functions_of_an_extension_that_is_lacking_have_stand_ins(
    newest: Server, tmp_path: Path, schema: str
) -> None:
    files = {
        "1_extension": f"CREATE SCHEMA extensions;\nCREATE EXTENSION IF NOT EXISTS pgcrypto{schema};\n"
        "COMMENT ON EXTENSION pgcrypto IS 'ours';",
        "2_use": "CREATE TABLE t (id uuid DEFAULT gen_random_uuid(), secret text);\n"
        "SET LOCAL search_path TO extensions, public;\n"
        "INSERT INTO t (secret) VALUES (crypt('x', gen_salt('bf', 8)));",
    }
    with trying(newest, tmp_path, files) as found:
        found.judge = type(found.judge)(
            found.judge.address, found.judge.version, found.judge.said, frozenset(), is_lent=True
        )
        with found.build() as built:
            assert built.holds, built.failed
            assert any("pgcrypto" in note for note in built.notes)
