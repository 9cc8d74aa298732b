"""A new migration to begin with: the next number of its folder, or the time, and a file to write into."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from migplan.errors import FileError
from migplan.migrations.folder import holds_migrations, read
from migplan.migrations.model import Folder, Style

_TIME_STAMP = re.compile(r"\d{12,14}")
_NAME = re.compile(r"[\w-]+")

_UP = """\
-- {title}
--
-- One transaction, unless a line says: -- migplan: no-transaction
-- What the SQL does not tell, you can: -- migplan: requires NAME

SET LOCAL lock_timeout = '5s';
"""
_DOWN = "-- Takes {name} back.\n"
_SECTIONS = """\

-- migplan: down


-- migplan: verify

"""
_SQITCH = "sqitch keeps a plan of its own"
_DATA_STEP = '''\
"""{title}"""

from migplan.data import DataStep, Row

# What this step needs is not read from its code; a line tells it, such as: # migplan: requires NAME


def changed(row: Row) -> Row:
    """The row as it is to be written."""
    return row


STEP = DataStep(
    read="SELECT id FROM public.source_table",
    key=("id",),
    transform=changed,
    into="public.target_table",
    conflict=("id",),  # a row that is there is updated
)
'''


_MARKS = {
    Style.DBMATE: ("-- migrate:up", "-- migrate:down"),
    Style.GOOSE: ("-- +goose Up", "-- +goose Down"),
    Style.SQL_MIGRATE: ("-- +migrate Up", "-- +migrate Down"),
}


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written."""

    path: Path
    text: str


def new_sql(folder: Path, name: str, now: datetime) -> tuple[NewFile, ...]:
    """The files of a new migration in SQL, after the habits of the folder."""
    there = _there(folder)
    style = there.style if there else Style.PLAIN
    number, title = _next(there, now), _title(name)
    up = _UP.format(title=title)
    match style:
        case Style.FLYWAY:
            stem = f"V{number}__{_word(name)}"
            return (NewFile(folder / f"{stem}.sql", up),)
        case Style.GOLANG_MIGRATE:
            stem = f"{number}_{_word(name)}"
            down = _DOWN.format(name=stem)
            return NewFile(folder / f"{stem}.up.sql", up), NewFile(folder / f"{stem}.down.sql", down)
        case Style.DBMATE | Style.GOOSE | Style.SQL_MIGRATE:
            up_mark, down_mark = _MARKS[style]
            text = f"{up_mark}\n{up}\n{down_mark}\n\n"
            return (NewFile(folder / f"{number}_{_word(name)}.sql", text),)
        case Style.PRISMA | Style.DIESEL:
            home = folder / f"{number}_{_word(name)}"
            way_back = NewFile(home / "down.sql", _DOWN.format(name=home.name))
            is_prisma = style is Style.PRISMA
            file = NewFile(home / ("migration.sql" if is_prisma else "up.sql"), up)
            return (file,) if is_prisma else (file, way_back)
        case Style.SUPABASE:
            return (NewFile(folder / f"{number}_{_word(name)}.sql", up),)
        case Style.SQITCH:
            raise FileError(
                f"{folder} is sqitch's, and {_SQITCH}", do=f"sqitch add {_word(name)}", file=folder
            )
        case _:
            return (NewFile(folder / f"{number}_{_word(name)}.sql", up + _SECTIONS),)


def new_data_step(folder: Path, name: str, now: datetime) -> tuple[NewFile, ...]:
    """The file of a new data step in Python."""
    there = _there(folder)
    if there and there.style not in {Style.PLAIN, Style.SUPABASE}:
        what = f"{folder} follows {there.style}, which knows no data steps in Python"
        raise FileError(what, do="put them into a folder of plain files", file=folder)
    text = _DATA_STEP.format(title=_title(name))
    return (NewFile(folder / f"{_next(there, now)}_{_word(name)}.py", text),)


def _there(folder: Path) -> Folder | None:
    return read(folder) if holds_migrations(folder) else None


def _next(there: Folder | None, now: datetime) -> str:
    """The next number where the folder counts, else the time: people who work side by side do not meet."""
    numbers = [each.number for each in there.migrations if each.number] if there else []
    numbers = (
        [each for each in numbers if each.isdigit()] if there and there.style is not Style.FLYWAY else numbers
    )
    if not numbers or _TIME_STAMP.fullmatch(numbers[-1]):
        return f"{now:%Y%m%d%H%M%S}"
    last = max(int(number.partition(".")[0]) for number in numbers)
    return str(last + 1).zfill(max(len(number.partition(".")[0]) for number in numbers))


def _word(name: str) -> str:
    word = re.sub(r"\s+", "_", name.strip())
    if not _NAME.fullmatch(word):
        raise FileError(f"{name!r} cannot be part of a file's name", do="use letters, digits, _ and -")
    return word


def _title(name: str) -> str:
    words = re.sub(r"[\s_-]+", " ", name).strip()
    return f"{words[:1].upper()}{words[1:]}."
