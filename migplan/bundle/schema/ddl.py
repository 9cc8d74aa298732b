"""Schema and constraints files: pg_dump's definitions under our headings."""

import re
from collections.abc import Iterable, Iterator, Mapping

from migplan.bundle.schema.ownership import FOLLOWERS
from migplan.bundle.schema.roles import Owners
from migplan.names import QualifiedName, quoted
from migplan.postgres.archive import Entry
from migplan.sql.text import do_block, literal, one_line

SESSION = """\
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET client_min_messages = warning;
SET row_security = off;
"""

DATA = """\
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
SET lc_monetary = 'C';
SET xmloption = content;
SET array_nulls = on;
"""

# The same within a transaction of a data file, whose other statements rely on the path of the source.
LOCALLY = "SELECT pg_catalog.set_config('search_path', '', true);"

EMPTY_PATH = "SELECT pg_catalog.set_config('search_path', '', false);\n"

DEFINING = f"""\
{EMPTY_PATH}\
SET check_function_bodies = false;
SET xmloption = content;
"""

# Of these, and of no others, pg_dump names an owner that can be set.
_OWNED = frozenset(
    {
        "AGGREGATE",
        "COLLATION",
        "CONVERSION",
        "DOMAIN",
        "EVENT TRIGGER",
        "FOREIGN DATA WRAPPER",
        "FOREIGN TABLE",
        "FUNCTION",
        "MATERIALIZED VIEW",
        "OPERATOR",
        "OPERATOR CLASS",
        "OPERATOR FAMILY",
        "PROCEDURAL LANGUAGE",
        "PROCEDURE",
        "PUBLICATION",
        "SCHEMA",
        "SEQUENCE",
        "SERVER",
        "STATISTICS",
        "TABLE",
        "TEXT SEARCH CONFIGURATION",
        "TEXT SEARCH DICTIONARY",
        "TYPE",
        "VIEW",
    }
)
_NOTHING: Mapping[int, str] = {}
_DROP = re.compile(r"DROP (.+?)(?: CASCADE)?;\s*", re.DOTALL)


def statements(
    entries: Iterable[Entry],
    owner_of: Mapping[int, QualifiedName],
    owners: Owners,
    behind: Mapping[int, str] = _NOTHING,
) -> Iterator[str]:
    """Yield the text of a file below its settings: for each table a heading, then its statements.

    ``behind`` has what comes right behind an entry.
    """
    heading: QualifiedName | None = None
    access_method, tablespace = "heap", ""
    for entry in entries:
        owner = owner_of.get(entry.id)
        if owner is not None and owner != heading:
            yield f"\n--\n-- {one_line(str(owner))}\n--\n"
            heading = owner
        elif owner is None and entry.kind not in FOLLOWERS:
            yield f"\n-- {entry.kind.lower()} {one_line(entry.tag)}"
            heading = None
        if _stores(entry) and (entry.access_method or "heap") != access_method:
            access_method = entry.access_method or "heap"
            yield f"SET default_table_access_method = {quoted(access_method)};"
        if entry.section.value != "none" and entry.tablespace != tablespace:
            tablespace = entry.tablespace
            yield f"SET default_tablespace = {literal(tablespace)};"
        definition = owners.definition(entry).strip("\n")
        yield _as_the_role_may(definition) if is_of_extension(entry) else definition
        if entry.partitioned and entry.access_method:
            # What its later partitions get; the setting above would not be kept.
            named = str(QualifiedName(entry.schema, entry.tag))
            yield f"ALTER TABLE {named} SET ACCESS METHOD {quoted(entry.access_method)};"
        role = owners.of(entry)
        if role and (named := _named(entry)):
            yield f"ALTER {named} OWNER TO {quoted(role)};"
        if entry.id in behind:
            yield behind[entry.id]


def _stores(entry: Entry) -> bool:
    """Return whether an entry's own rows are stored by an access method."""
    return entry.kind == "MATERIALIZED VIEW" or (entry.kind == "TABLE" and not entry.partitioned)


def is_of_extension(entry: Entry) -> bool:
    """Return whether an entry is the comment of an extension, which only the extension's owner may change."""
    return entry.kind == "COMMENT" and entry.tag.startswith("EXTENSION ")


def _as_the_role_may(definition: str) -> str:
    return do_block(
        f"    {definition}\nEXCEPTION WHEN insufficient_privilege THEN\n"
        "    RAISE NOTICE 'the extension keeps its own comment: only its owner may change it';"
    )


def has_owner(entry: Entry) -> bool:
    """Return whether the files set an owner for an entry, where owners are kept."""
    return bool(_named(entry))


def _named(entry: Entry) -> str:
    """Return an entry as ALTER ... OWNER names it; empty if it has no owner."""
    if entry.kind == "SCHEMA" and entry.drop.startswith("--"):
        return f"SCHEMA {quoted(entry.tag)}"  # public is never dropped, but it has an owner like any other
    found = _DROP.fullmatch(entry.drop) if entry.kind in _OWNED else None
    return found.group(1) if found else ""
