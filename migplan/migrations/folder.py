"""Reading a folder of migrations: whose habits it follows, what stands in it, in which order by name."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from migplan.errors import FileError
from migplan.migrations.model import ID_FILE, Folder, Migration, Style
from migplan.migrations.source_files import load
from migplan.migrations.styles import flyway, golang_migrate, plain, sqitch
from migplan.migrations.styles.building import Listing, by_number, listing, number_of
from migplan.migrations.styles.foreign_marks import refuse_foreign_marks
from migplan.migrations.styles.marked import DBMATE, GOOSE, SQL_MIGRATE
from migplan.migrations.styles.nested import DIESEL, PRISMA
from migplan.text.wording import counted

_LONGEST_ID = 100
_PROGRAMS = frozenset({".cs", ".go", ".java", ".js", ".kt", ".mjs", ".py", ".rb", ".sh", ".ts"})

IN_ORDER = (sqitch, flyway, golang_migrate, DBMATE, GOOSE, SQL_MIGRATE, PRISMA, DIESEL, plain)
"""The styles in the order in which they are asked; plain takes what is left."""


def read(path: Path) -> Folder:
    """The migrations of a folder, in the order of their numbers and names, or of the plan it has."""
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "is not there"
        raise FileError(f"{path} {what}", do="name a folder of migrations", file=path)
    found = listing(path)
    style = next((each for each in IN_ORDER if each.recognises(found)), plain)
    migrations: list[Migration] = list(style.read(found))
    if not migrations:
        raise FileError(f"there are no migrations in {path}", do=_elsewhere(path), file=path)
    planned = style is sqitch
    if not planned:
        migrations.sort(key=by_number)
    _distinct(migrations)
    called = Style.SUPABASE if style is plain and plain.is_supabase(found) else style.STYLE
    for migration in migrations:
        refuse_foreign_marks(found.source(migration.up.file), migration, called)
    _say_what_shares_numbers(found, migrations)
    if not planned:
        _say_what_is_left_out(found, migrations)
    return Folder(path, called, tuple(_resolved(migrations)), planned, tuple(found.remarks), _id_of(path))


def _id_of(path: Path) -> str:
    """The id that a folder's file says; '' without one."""
    file = path / ID_FILE
    if not file.is_file():
        return ""
    said = load(file).data.decode("utf-8-sig").strip()
    if not said or len(said) > _LONGEST_ID or not said.isprintable():
        raise FileError(
            f"{file} is to hold one line: the name by which journals are to know these migrations",
            do=f"echo NAME > {file}, or remove it",
            file=file,
        )
    return said


def holds_migrations(path: Path) -> bool:
    """Whether a folder looks like one, without reading more than is needed."""
    return path.is_dir() and any(style.recognises(listing(path)) for style in IN_ORDER)


def _elsewhere(path: Path) -> str:
    """Where they are, if they lie one folder further down."""
    for folder in ("migrations", "supabase/migrations", "db/migrations"):
        if (path / folder).is_dir():
            return f"name the folder itself: {path / folder}"
    return "write one with: migplan new NAME"


def _distinct(migrations: Iterable[Migration]) -> None:
    known: dict[str, Migration] = {}
    for migration in migrations:
        other = known.setdefault(migration.name, migration)
        if other is not migration:
            raise FileError(
                f"{other.up.file} and {migration.up.file} are both called {migration.name}",
                do="rename one of them",
                file=migration.up.file,
            )


def _say_what_shares_numbers(found: Listing, migrations: Iterable[Migration]) -> None:
    numbered = defaultdict(list)
    for migration in migrations:
        if migration.number and migration.kind in {"sql", "python"}:
            numbered[by_number(migration)[2]].append(migration)
    for first, *others in numbered.values():
        if others:
            names = ", ".join(each.name for each in others)
            found.note(
                first.up.file, f"number {first.number} is also that of {names}: names decide the order"
            )


def _say_what_is_left_out(found: Listing, migrations: Iterable[Migration]) -> None:
    """Say what looks like a migration's file, in the folder and in those directly in it, and was not read."""
    known = {part.file for each in migrations for part in (each.up, each.down, each.verify) if part}
    known |= {each.file for each in found.remarks}
    for file in (file for file in found.files if file not in known):
        if file.suffix == ".sql":
            found.note(file, "is not read", left_out=True)
        elif file.suffix in _PROGRAMS and number_of(file.stem.lstrip("VvUu")):
            found.note(file, "is a program, which migplan does not run", left_out=True)
    for folder in sorted(each for each in found.path.iterdir() if each.is_dir() and each.name[0] != "."):
        unread = [file for file in listing(folder).files if file.suffix == ".sql" and file not in known]
        if unread:
            others = f", and {counted(len(unread) - 1, 'other')}" if len(unread) > 1 else ""
            found.note(unread[0], f"lies in a folder of its own, and is not read{others}", left_out=True)


def _resolved(migrations: list[Migration]) -> list[Migration]:
    """The migrations with the full names of what they require."""
    if not any(migration.requires for migration in migrations):
        return migrations
    means: dict[str, list[str]] = defaultdict(list)
    for each in migrations:
        bare = each.name.removeprefix(each.number).lstrip("_-.")
        for word in {each.number, bare, f"{each.name}.sql", f"{each.name}.py"} - {"", each.name}:
            means[word].append(each.name)
    names = {each.name for each in migrations}
    return [
        replace(each, requires=tuple(_named(wanted, each, names, means) for wanted in each.requires))
        for each in migrations
    ]


def _named(wanted: str, migration: Migration, names: set[str], means: dict[str, list[str]]) -> str:
    found = [wanted] if wanted in names else means.get(wanted, [])
    if len(found) == 1:
        return found[0]
    what = f"{migration.up.file} requires {wanted}, "
    if found:
        raise FileError(f"{what}which may be {' or '.join(found)}", do="say which", file=migration.up.file)
    raise FileError(f"{what}which the folder does not have", file=migration.up.file)
