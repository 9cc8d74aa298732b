"""Files that are replaced while a run goes on: nothing of them is executed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.errors import FileError, StepError
from migplan.migrations.analysis import Analysis, analysis_of
from migplan.migrations.folder import read
from migplan.run.bundle.kept import LocalBundle
from migplan.run.engine import events
from migplan.run.migrations.apply import MigrateOptions, migrate
from migplan.run.undo.rollback import RollbackOptions, rollback
from tests.export.loading import export
from tests.run.running import applied, empty, options, the_run
from tests.servers import Server

pytestmark = pytest.mark.slow

SCRIPT = """
CREATE TABLE t (n int, said text);
INSERT INTO t SELECT n, 'honest' FROM generate_series(1, 2000) n;
CREATE INDEX t_n ON t (n);
"""


@pytest.fixture
def target(newest: Server) -> Iterator[str]:
    with empty(newest) as name:
        yield name


@pytest.fixture(scope="module")
def source(newest: Server) -> Iterator[str]:
    name = newest.create_database(SCRIPT)
    yield name
    newest.drop_database(name)


def exported(newest: Server, source: str, tmp_path: Path, *words: str) -> VerifiedBundle:
    export(newest.url(source), tmp_path / "bundle", *words)
    return load_verified(tmp_path / "bundle")


def replacing(file: Path, old: str, new: str) -> Callable[[events.Event], None]:
    """Replace the file when the first of its steps begins; by one of the same length."""

    def told(event: events.Event) -> None:
        if isinstance(event, events.Began) and event.step.file == file.name:
            assert len(old) == len(new)
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))

    return told


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("10-data-*.sql", "honest", "forged", ()),
        ("10-data-*.sql", "honest", "forged", ("--data-format", "insert")),
        ("01-schema-*.sql", "said text", "said date", ()),
        ("20-constraints-*.sql", "t_n", "t_m", ()),
    ],
)
def test_a_file_of_a_bundle(
    newest: Server,
    source: str,
    target: str,
    tmp_path: Path,
    file: str,
    old: str,
    new: str,
    words: tuple[str, ...],
) -> None:
    verified, where = exported(newest, source, tmp_path, *words), newest.address(target)
    (path,) = verified.paths.folder.glob(file)
    honest = path.read_bytes()
    with pytest.raises(StepError, match="was changed after it was read, when the command began") as refused:
        applied(verified, where, told=replacing(path, old, new))
    assert refused.value.do == "put it back as it was, and run the same command again"
    with newest.connect(dbname=target) as connection:
        found = connection.execute("SELECT state FROM migplan.step WHERE file = %s", [path.name])
        assert {state for (state,) in found} <= {"failed", "pending"}
    path.write_bytes(honest)
    applied(verified, where)
    assert the_run(where).run.state == "done"
    with newest.connect(dbname=target) as connection:
        assert connection.execute("SELECT DISTINCT said FROM t").fetchall() == [("honest",)]


def test_a_rollback_file_before_it_is_kept(newest: Server, source: str, target: str, tmp_path: Path) -> None:
    verified, where = exported(newest, source, tmp_path), newest.address(target)
    (path,) = (verified.paths.folder / "rollback").glob("01-*.sql")
    path.write_text("DROP DATABASE prod;\n")
    with pytest.raises(FileError, match="was changed after it was read"):
        applied(verified, where)


def test_what_was_kept_is_what_takes_back(newest: Server, source: str, target: str, tmp_path: Path) -> None:
    verified, where = exported(newest, source, tmp_path), newest.address(target)
    applied(verified, where)
    (path,) = (verified.paths.folder / "rollback").glob("01-*.sql")
    path.write_text("DROP DATABASE prod;\n")
    rollback(LocalBundle.of(verified), where, RollbackOptions(options=options()))
    with newest.connect(dbname=target) as connection:
        assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)


def analysis(folder: Path, **files: str) -> Analysis:
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return analysis_of(read(folder))


@pytest.mark.parametrize(
    ("name", "text", "old", "new"),
    [
        ("001_t__sql", "CREATE TABLE public.honest (n int);", "honest", "forged"),
        (
            "001_t__sql",
            "-- migplan: no-transaction\nCREATE TABLE public.honest (n int);\nVACUUM public.honest;",
            "honest",
            "forged",
        ),
        (
            "001_t__py",
            "from migplan.data import DataStep\n"
            "STEP = DataStep(read='SELECT 1 AS n', key=('n',), "
            "write=lambda c, _: c.execute('CREATE TABLE honest ()'))",
            "honest",
            "forged",
        ),
    ],
)
def test_a_migration(
    newest: Server, target: str, tmp_path: Path, name: str, text: str, old: str, new: str
) -> None:
    found, where = analysis(tmp_path / "m", **{name: text}), newest.address(target)
    told = replacing(tmp_path / "m" / name.replace("__", "."), old, new)
    with pytest.raises((StepError, FileError), match="was changed after it was read"):
        migrate(found, where, MigrateOptions(options=options()), told)
    with newest.connect(dbname=target) as connection:
        assert connection.execute("SELECT to_regclass('honest'), to_regclass('forged')").fetchone() == (
            None,
            None,
        )


def test_a_migration_between_its_reading_and_its_run(newest: Server, target: str, tmp_path: Path) -> None:
    found, where = (
        analysis(tmp_path / "m", **{"001_t__sql": "CREATE TABLE honest ();"}),
        newest.address(target),
    )
    (tmp_path / "m" / "001_t.sql").write_text("CREATE TABLE forged ();")
    with pytest.raises(FileError, match="was changed after it was read, when the command began"):
        migrate(found, where, MigrateOptions(options=options()))
