"""What a source has around its tables and pg_dump does not put into a schema: said, or refused."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from migplan.names import quoted
from migplan.postgres.archive import Archive, Entry, Section
from migplan.postgres.session import Session
from migplan.sql.text import do_block, literal

SETTING = "DATABASE SETTING"
"""A kind that pg_dump does not have: what ALTER DATABASE, or ALTER ROLE IN DATABASE, has set."""

_SETTINGS = """
SELECT CASE WHEN s.setrole <> 0 THEN pg_catalog.pg_get_userbyid(s.setrole)::text END,
       pg_catalog.split_part(c, '=', 1), pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) c
WHERE d.datname = current_database()
ORDER BY 1 NULLS FIRST, 2
"""

# Lists whose items the server itself has quoted (GUC_LIST_QUOTE), as pg_dump knows them.
_LISTS = frozenset(
    {
        *("local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries"),
        *("temp_tablespaces", "unix_socket_directories"),
    }
)
_ITEM = re.compile(r'"((?:[^"]|"")*)"|([^",\s]+)')

_SETTING_DONE = """\
    EXECUTE pg_catalog.format({statement}, pg_catalog.current_database());
EXCEPTION WHEN OTHERS THEN  -- whose own words may hold the value
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = {message};"""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that belongs to a database. Its value may be a secret, and is shown nowhere."""

    name: str
    value: str = field(repr=False)
    role: str | None = None  # for whom; None: for everybody

    def __str__(self) -> str:
        return f"{self.name} of role {quoted(self.role)}" if self.role is not None else self.name

    def entry(self, number: int, roles: Mapping[str, str]) -> Entry:
        """Return the setting as an entry of the archive, for whatever database the files run in."""
        role = roles.get(self.role, self.role) if self.role is not None else None
        whose = "ALTER DATABASE " if role is None else f"ALTER ROLE {quoted(role)} IN DATABASE "
        named = ".".join(map(quoted, self.name.split(".")))
        return Entry(
            id=number,
            kind=SETTING,
            schema="",
            tag=str(self),
            section=Section.POST_DATA,
            definition=self._done(whose, f" SET {named} TO {self._written()}"),
            drop=self._done(whose, f" RESET {named}"),
            owner="",
            tablespace="",
            access_method="",
            needs=(),
        )

    def _written(self) -> str:
        if self.name not in _LISTS:
            return literal(self.value)
        items = [
            inside.replace('""', '"') if inside or not plain else plain
            for inside, plain in _ITEM.findall(self.value)
        ]
        return ", ".join(map(literal, items)) or literal("")

    def _done(self, whose: str, what: str) -> str:
        """Return a statement about the current database, given what stands before and behind its name."""
        escaped = whose.replace("%", "%%") + "%I" + what.replace("%", "%%")
        message = literal(f"the setting {self} cannot be made in this database")
        return do_block(_SETTING_DONE.format(statement=literal(escaped), message=message)) + "\n"


def settings_of_the_database(session: Session) -> tuple[Setting, ...]:
    """Return the settings of the database, on which defaults and policies may depend."""
    found = session.ask(_SETTINGS, during="reading the settings of the database")
    return tuple(Setting(name, value, role) for role, name, value in found)


def left_behind(settings: Iterable[Setting]) -> tuple[str, ...]:
    """Return a note about settings that are in no file; it has their names alone."""
    names = ", ".join(map(str, settings))
    if not names:
        return ()
    return (
        f"settings of the database are in no file, set them on the target if you need them: {names} "
        "(--database-settings carries them)",
    )


def with_settings(archive: Archive, settings: Iterable[Setting], roles: Mapping[str, str]) -> Archive:
    """Return the archive with an entry for each setting, behind all others."""
    first = 1 + max((entry.id for entry in archive.entries), default=0)
    more = tuple(setting.entry(first + place, roles) for place, setting in enumerate(settings))
    return replace(archive, entries=archive.entries + more)
