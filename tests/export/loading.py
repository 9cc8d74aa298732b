"""From a database to a bundle, from the bundle with psql alone to another database, and the two compared."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from click.testing import CliRunner

from migplan.bundle.check.examine import check
from migplan.bundle.manifest import Manifest, load
from migplan.bundle.paths import BundlePaths
from migplan.cli import main
from migplan.postgres import pg_dump
from migplan.postgres.binaries import Installation, find_installations
from tests.servers import Server

# pg_dump guards its scripts with a new password each time, and says which versions took part.
_HEADING = re.compile(r"^(?=--\n-- )", re.MULTILINE)
_NEVER_ALIKE = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Contents:
    """What pg_dump says of a database."""

    schema: str
    rows: str

    @property
    def by_table(self) -> Contents:
        """The same with the tables in the order of their headings: pg_dump gives circles any order."""
        return Contents(self.schema, "".join(sorted(_HEADING.split(self.rows))))

    @property
    def unordered(self) -> Contents:
        """The same, whatever the order of tables, and of rows within them."""
        return Contents(self.schema, "\n".join(sorted(self.rows.splitlines())))

    def but_for_numbers(self, sequence: str, before: Contents) -> Contents:
        """The same with another's value of a sequence, which may be further on here, never back."""
        call = re.compile(rf"(?<=setval\('{re.escape(sequence)}', )\d+(?=, true\);)")
        (here,), (there,) = call.findall(self.rows), call.findall(before.rows)
        assert int(here) >= int(there), f"{sequence} went back from {there} to {here}"
        return Contents(self.schema, call.sub(there, self.rows))


def export(url: str, out: Path, *words: str) -> Manifest:
    """Run ``migplan export``, and read the manifest that it wrote."""
    with chdir(out.parent):  # the project has a plan of its own, which is the demo's
        result = CliRunner().invoke(main, ["export", "--source", url, "--out", str(out.absolute()), *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    assert check(out) == ()
    return load(out)


def run_with_psql(folder: Path, url: str) -> None:
    """Run the files of a bundle in the order of their names, as people without migplan would."""
    names = [file.file for file in load(folder).files]
    assert names == sorted(names)
    for name in names:
        psql(url, "--file", str(BundlePaths(folder).step(name)))


def psql(url: str, *words: str) -> str:
    program = str(next(each for each in reversed(_by_age()) if each.has("psql")).program("psql"))
    command = [program, "-qAtX", "-v", "ON_ERROR_STOP=1", *words, "-d", url]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=_quiet())
    assert ran.returncode == 0, f"{' '.join(words)}\n{ran.stderr[:2000]}"
    return ran.stdout


@contextmanager
def copied(server: Server, folder: Path, onto: str | None = None) -> Iterator[str]:
    """The bundle in a database of its own (or one that is there): its name."""
    name = onto or server.create_database()
    try:
        run_with_psql(folder, server.url(name))
        yield name
    finally:
        if onto is None:
            server.drop_database(name)


def contents(server: Server, name: str, *, by: int | None = None) -> Contents:
    """What the pg_dump of the server's version, or of a newer one, says of the database."""
    program = pg_dump.suitable((by or server.major) * 10000, encrypted=False).program("pg_dump")
    text = [_dump(program, server.url(name), words) for words in ("--schema-only", "--data-only")]
    return Contents(*text)


_remembered: dict[tuple[str, str], Contents] = {}


def remembered(server: Server, name: str) -> Contents:
    """The contents of a database that nobody changes."""
    key = (server.origin.name, name)
    if key not in _remembered:
        _remembered[key] = contents(server, name)
    return _remembered[key]


def assert_same(found: Contents, expected: Contents, *, ordered: bool = True) -> None:
    """Fail with the first lines that differ: pytest would compare megabytes."""
    found = found.by_table if ordered else found.unordered
    expected = expected.by_table if ordered else expected.unordered
    for part in ("schema", "rows"):
        here, there = getattr(found, part).splitlines(), getattr(expected, part).splitlines()
        if here != there:
            raise AssertionError(f"{part} differ:\n" + "\n".join(_differences(here, there)))


def _differences(found: list[str], expected: list[str]) -> Iterator[str]:
    from difflib import unified_diff  # noqa: PLC0415

    if len(found) + len(expected) > 50_000:
        found, expected = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
    lines = (line[:300] for line in unified_diff(expected, found, "expected", "found", n=1, lineterm=""))
    yield from (line for _, line in zip(range(40), lines, strict=False))


def _dump(program: Path, url: str, words: str) -> str:
    ran = subprocess.run(
        [str(program), words, "--exclude-schema=migplan", "-d", url],  # the journal of an apply
        capture_output=True,
        text=True,
        check=False,
        env=_quiet(),
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stderr
    return _NEVER_ALIKE.sub("", ran.stdout)


def _quiet() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "15"}


@cache
def _by_age() -> tuple[Installation, ...]:
    return tuple(sorted(find_installations(), key=lambda each: each.version))
