"""``NAME.sql``, plain SQL that psql can run, and what may stand beside it or in it.

==========================  ================================================================================
``NAME.sql``                the migration; ``NAME`` may begin with a number: ``001_``, ``20251001015000_``
``NAME.down.sql``           rolls it back; or a section of the file, after a line ``-- migplan: down``
``NAME.verify.sql``         looks at it afterwards; or a section, after ``-- migplan: verify``
``NAME.seed.sql``           rows to begin with: a migration of its own, ``NAME.seed``, that requires ``NAME``
``seeds/X.sql``             the same, ``seeds/X``
``maintenance/X.sql``       runs again and again, ``X``; or a file with ``-- migplan: maintenance SCHEDULE``
``NNN_name.py``             a data step in Python
==========================  ================================================================================

A folder of Supabase is the same, with ``seed.sql`` beside it.
"""

from collections.abc import Iterator
from pathlib import Path

from migplan.migrations.model import Kind, Migration, Part, Style
from migplan.migrations.styles.building import Listing, number_of
from migplan.migrations.styles.building import listing as listed

STYLE = Style.PLAIN
_COMPANIONS = ("down", "verify", "seed")


def recognises(listing: Listing) -> bool:
    """Any folder may be one."""
    return any(file.suffix in {".sql", ".py"} for file in listing.files) or any(
        (listing.path / folder).is_dir() for folder in ("seeds", "maintenance")
    )


def is_supabase(listing: Listing) -> bool:
    """``supabase/migrations``, wherever it lies, or beside the configuration of its tool."""
    path = listing.path.resolve()
    tool = path.parent.name == "supabase" or (path.parent / "config.toml").is_file()
    return path.name == "migrations" and tool


def read(listing: Listing) -> Iterator[Migration]:
    """The migrations of the folder, its seeds and its upkeep."""
    for file in listing.files:
        if file.suffix == ".sql":
            yield from _of_sql(listing, file)
        elif file.suffix == ".py" and number_of(file.stem):
            yield _of_python(listing, file)
        elif file.suffix == ".py" and not file.stem.startswith("_"):
            listing.note(file, "has no number, and is not taken for a migration", left_out=True)
    yield from _of_folder(listing, "seeds", "seed", "seeds/")
    yield from _of_folder(listing, "maintenance", "maintenance", "")
    seed = listing.path.parent / "seed.sql"
    if is_supabase(listing) and seed.is_file():
        source = listing.source(seed)
        yield listing.migration(source, "seed", kind="seed")


def _of_sql(listing: Listing, file: Path) -> Iterator[Migration]:
    name, _, word = file.stem.rpartition(".")
    if name and word in _COMPANIONS:
        if not {f"{name}.sql", f"{name}.py"} & listing.names:
            listing.note(file, f"stands beside nothing: there is no {name}.sql")
        elif word == "seed":
            source = listing.source(file)
            yield listing.migration(source, file.stem, number_of(name), kind="seed", requires=(name,))
        return
    yield _with_companions(listing, file, file.stem, "sql")


def _of_python(listing: Listing, file: Path) -> Migration:
    source = listing.source(file)
    down, verify = (_beside(listing, file, word) for word in ("down", "verify"))
    number = number_of(file.stem)
    return listing.migration(source, file.stem, number, kind="python", down=down, verify=verify)


def _of_folder(listing: Listing, folder: str, kind: Kind, prefix: str) -> Iterator[Migration]:
    if not (listing.path / folder).is_dir():
        return
    for file in listed(listing.path / folder).files:
        if file.suffix == ".sql":
            yield _with_companions(listing, file, prefix + file.stem, kind)


def _with_companions(listing: Listing, file: Path, name: str, kind: Kind) -> Migration:
    down, verify = (_beside(listing, file, word) for word in ("down", "verify"))
    number = number_of(file.stem)
    return listing.migration(listing.source(file), name, number, kind=kind, down=down, verify=verify)


def _beside(listing: Listing, file: Path, word: str) -> Part | None:
    companion = file.with_name(f"{file.stem}.{word}.sql")
    there = companion.name in listing.names if file.parent == listing.path else companion.is_file()
    return listing.whole(companion) if there else None
