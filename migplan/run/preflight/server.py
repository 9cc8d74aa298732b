"""The server and the database: whether they can take the bundle, have room for it, and are not its source."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from migplan.bundle.manifest import Manifest
from migplan.bundle.schema.requirements import OLDEST
from migplan.catalog.event_triggers import FIRING, EventTrigger
from migplan.catalog.provided import Provided
from migplan.config import Act
from migplan.names import quoted
from migplan.postgres.identity import identity_of, place_of
from migplan.postgres.versions import dotted
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.run.preflight.wants import Wants
from migplan.text.wording import listed

_STATE = """
SELECT pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('default_transaction_read_only') = 'on',
       d.datallowconn, d.datconnlimit, pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate,
       current_database()::text
FROM pg_catalog.pg_database d WHERE d.datname = current_database()
"""
# One of the sessions that are counted is this one, and it will stay.
_SLOTS = """
SELECT pg_catalog.current_setting('max_connections')::int
         - pg_catalog.current_setting('superuser_reserved_connections')::int * (NOT %(superuser)s)::int
         - coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int
           * (NOT %(superuser)s)::int
         - (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid = %(role)s AND datid IS NOT NULL)
"""

# Settings of a role or a database that change what the files mean, with the value that they expect.
_EXPECTED = {
    "session_replication_role": ("origin", "triggers and keys are not looked at"),
    "default_tablespace": ("", "tables and indexes are made in it"),
    "default_table_access_method": ("heap", "tables are made with it"),
    "transform_null_equals": ("off", "x = NULL in checks and functions means x IS NULL"),
}


def server(target: Target, manifest: Manifest, jobs: int) -> Iterator[Obstacle]:
    """Yield what is wrong with the server and the database as a whole."""
    yield from _version(target, manifest)
    for recovery, read_only, open_, limit, encoding, collation, name in target.ask("database", _STATE):
        if recovery:
            yield stop("server", f"{target.address} is a standby, and takes no changes", "use its primary")
        if read_only:
            yield stop(
                "database",
                "sessions there are read-only from the start (default_transaction_read_only)",
                f"if you may: ALTER DATABASE {name} or ALTER ROLE ... RESET default_transaction_read_only",
            )
        if not open_:
            yield stop(
                "database",
                f"{name} allows no new connections",
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS true",
            )
        yield from _slots(target, limit, jobs)
        yield from _texts(manifest, encoding, collation)
    yield from _settings(target)
    yield from _watchers(target, manifest)
    yield from _platform(target)
    yield from _way(target)


def not_the_source(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """Yield an obstacle if the target is the database from which the bundle came."""
    known = manifest.origin.identity
    here = identity_of(target.session) if known else ""
    same = here == known if here else manifest.origin.place == place_of(target.session)
    if same and (known or manifest.origin.place):
        yield stop(
            "target",
            f"{target.address} is the database from which the bundle came"
            + (", or a copy of its server's files" if here else ""),
            "name another target",
        )


def _way(target: Target) -> Iterator[Obstacle]:
    """Yield a warning if a pooler stands between; those that share sessions were refused with the lock."""
    instead = target.address.sessions_at
    if instead and not target.session.pooled:
        yield warn(
            "connection",
            f"{target.address} is known to be a pooler in transaction mode; this session does not look "
            "shared",
            f"if you can, connect to {instead}",
        )
    if target.session.pooled:
        yield warn(
            "connection",
            "a pooler in session mode is in between: its own time-outs end sessions, and it decides when "
            "the server hears that a client is gone",
            "if you can, connect to the server itself",
        )


def _version(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    needed = max(manifest.needs_postgresql, OLDEST)
    if target.major < needed:
        why = [note for note in manifest.notes if note.endswith(f"needs PostgreSQL {needed} or newer")]
        yield stop(
            "server",
            f"{target.address} is PostgreSQL {dotted(target.version)}, and the bundle needs {needed}"
            + (f": {listed(why, 3)}" if why else ""),
            f"use a server of version {needed} or newer",
        )
    elif target.major < manifest.postgresql:
        yield warn(
            "server",
            f"{target.address} is PostgreSQL {dotted(target.version)}, older than the source, which is "
            f"{manifest.postgresql}: functions and views may use what it does not know",
            "rehearse on a server of the target's version",
        )


def _slots(target: Target, database_limit: int, jobs: int) -> Iterator[Obstacle]:
    values = {"superuser": target.role.superuser, "role": target.role.oid}
    for free, in_database, of_role in target.ask("connections", _SLOTS, values):
        left = {"the server": free}
        if not target.role.superuser and database_limit >= 0:
            left["the database"] = database_limit - in_database
        if not target.role.superuser and target.role.connection_limit >= 0:
            left[f"the role {target.role.name}"] = target.role.connection_limit - of_role
        for where, number in left.items():
            if number < jobs:
                yield stop(
                    "connections",
                    f"{where} has {max(number, 0)} connections to spare, and {jobs} more are needed",
                    f"end some, or go on with fewer: --jobs {number}"
                    if number > 0
                    else "end some of the others",
                )


def _texts(manifest: Manifest, encoding: str, collation: str) -> Iterator[Obstacle]:
    if encoding == "SQL_ASCII":
        yield warn(
            "encoding",
            "the database takes bytes for text (SQL_ASCII): it neither checks nor converts what comes in",
            "create it again with ENCODING 'UTF8'",
        )
    expected = manifest.origin.collation
    if expected and _plain(expected) != _plain(collation):
        yield warn(
            "locale",
            f"text sorts by {collation}, in the source by {expected}: order, ranges and partitions of text "
            "may differ",
            f"if it matters, create the database with LOCALE '{expected}'",
        )


def _plain(locale: str) -> str:
    """``en_US.UTF-8`` and ``en_US.utf8`` are the same, and so are C and POSIX."""
    name = locale.lower().replace("-", "")
    return "c" if name == "posix" else name


def _settings(target: Target) -> Iterator[Obstacle]:
    for name, (expected, effect) in _EXPECTED.items():
        value = target.setting(name)
        if value and value != expected:
            yield warn(
                "settings",
                f"{name} is {value} there: {effect}",
                f"if that is not meant: ALTER ROLE {target.role.name} RESET {name}, or for the database",
            )


def _platform(target: Target) -> Iterator[Obstacle]:
    """Yield what people should know of the managed host where the target is."""
    if target.platform.notes:
        yield warn("platform", f"{target.platform.title}: {'; '.join(target.platform.notes)}")


def _watchers(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """Yield the event triggers that see what the files define, but for the host's and the bundle's own."""
    host = Provided.of(target.platform.provided)
    ours = {each.name for each in manifest.objects if each.kind == "EVENT TRIGGER"}
    every = map(EventTrigger.of, target.ask("event triggers", FIRING))
    found = [
        each for each in every if each.name not in ours and not host.entry("EVENT TRIGGER", "", each.name)
    ]
    if found:
        owners = sorted({each.owner for each in found})
        yield warn(
            "event triggers",
            f"they see, and may refuse, what the files define: {listed(found, 10)}",
            f"where one of them refuses, {listed(owners)} can disable it for the time of the run: "
            f"{' '.join(each.disable for each in found[:5])} Afterwards: "
            f"{' '.join(each.enable for each in found[:5])}",
        )


# initdb imports ICU's collations where the server knows ICU; "unicode" alone is there in any case.
_ICU = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_collation c
               WHERE c.collprovider = 'i' AND c.collname LIKE '%-x-icu')
"""
_COMPRESSIONS = """
SELECT unnest(s.enumvals)::text FROM pg_catalog.pg_settings s WHERE s.name = 'default_toast_compression'
"""


def build(target: Target, manifest: Manifest, wants: Wants) -> Iterator[Obstacle]:
    """Yield libraries that the files need and the server was built without."""
    if wants.icu_collations and target.ask("collations", _ICU) == [(False,)]:
        yield stop(
            "collations",
            f"the server is built without ICU, which these need: {listed(sorted(wants.icu_collations), 10)}",
            target.with_library("ICU"),
        )
    if wants.compressions:
        known = {name for (name,) in target.ask("compression", _COMPRESSIONS)}
        if known and (missing := wants.compressions - known):
            yield stop(
                "compression",
                f"the server is built without {listed(sorted(missing), 10)}, by which columns are compressed",
                f"{target.with_library(listed(sorted(missing)))}, or choose pglz for them in the source",
            )
    if wants.languages:
        yield from _languages(target, manifest, wants)
    newer = {major: what for major, what in wants.features.items() if major > target.major}
    if newer:
        said = sorted(f"{each} (PostgreSQL {major})" for major, what in newer.items() for each in what)
        yield stop(
            "server",
            f"{target.address} is PostgreSQL {dotted(target.version)}, and the files use what newer versions "
            f"brought: {listed(said, 10)}",
            f"use a server of version {max(newer)} or newer, or leave these out of the bundle",
        )


_LANGUAGES = """
SELECT l.lanname::text, pg_catalog.has_language_privilege(l.oid, 'USAGE') FROM pg_catalog.pg_language l
"""


def _languages(target: Target, manifest: Manifest, wants: Wants) -> Iterator[Obstacle]:
    role = target.role.name
    there = dict(target.ask("languages", _LANGUAGES))
    brought = {each.name for each in manifest.objects if each.kind in {"EXTENSION", "PROCEDURAL LANGUAGE"}}
    for language, functions in sorted(wants.languages.items()):
        where = listed(sorted(functions), 5)
        if there and language not in there and language not in brought:
            yield stop(
                "languages",
                f"the language {quoted(language)} is not there, in which these are: {where}",
                f"have it installed: CREATE EXTENSION {quoted(language)}; or leave these out of the bundle",
            )
        elif not there.get(language, True):
            yield stop(
                "languages",
                f"{role} may not use the language {quoted(language)}, in which these are: {where}",
                f"GRANT USAGE ON LANGUAGE {quoted(language)} TO {quoted(role)}, or run as a superuser if it "
                "is not trusted",
            )


FACTOR = 2
"""Rows with their indexes and the log of their writing take about so many times the bytes of the files."""

_MAY_ASK = "SELECT pg_catalog.pg_has_role('pg_read_all_settings', 'MEMBER')"
_TABLESPACES = """
SELECT t.spcname::text, pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')
FROM pg_catalog.pg_tablespace t WHERE t.spcname = ANY (%s)
"""
_METHODS = "SELECT a.amname::text FROM pg_catalog.pg_am a WHERE a.amname = ANY (%s)"
_COLLATIONS = """
SELECT w.schema, w.name FROM unnest(%s::text[], %s::text[]) w (schema, name)
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    JOIN pg_catalog.pg_database d ON d.datname = current_database()
    WHERE c.collname = w.name AND n.nspname = w.schema AND c.collencoding IN (-1, d.encoding))
"""


def space(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """Yield an obstacle if the disk has no room for the rows."""
    folder = _data_directory(target)
    if folder is None:
        return
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    wanted = sum(file.bytes for file in manifest.files)
    if free >= wanted * FACTOR:
        return
    what = (
        f"{free:,} bytes are free where the server keeps its files, the bundle has {wanted:,}, "
        f"and with indexes and the log may take {FACTOR} times as many"
    )
    do = f"make room under {folder}"
    # Text is compressed in the server, so that up to half of the files' bytes may still fit.
    yield stop("disk", what, do) if free < wanted / 2 else warn("disk", what, do)


def places(target: Target, manifest: Manifest, wants: Wants) -> Iterator[Obstacle]:
    """Yield tablespaces, access methods and collations that the files name, and that do not exist."""
    if wants.tablespaces:
        yield from _tablespaces(target, wants)
    methods = (wants.methods | wants.index_methods) - wants.new_methods
    if methods and not manifest.extensions:  # which could bring them
        there = {name for (name,) in target.ask("access methods", _METHODS, [sorted(methods)])}
        if methods - there:
            yield stop(
                "access methods",
                f"the files name access methods that are not there: {listed(methods - there, 10)}",
                "have their extension installed",
            )
    # Without a schema is meant what the server brings.
    used = {name if len(name) == 2 else ("pg_catalog", *name): by for name, by in wants.collations.items()}
    pairs = sorted(used.keys() - wants.new_collations)
    named = [[schema for schema, _ in pairs], [name for _, name in pairs]]
    absent = target.ask("collations", _COLLATIONS, named) if pairs else []
    if absent:
        said = (f"{name}, for {listed(sorted(used[schema, name]), 5)}" for schema, name in absent)
        yield stop(
            "collations",
            f"the server does not have these collations: {listed(said, 10, '; ')}",
            target.with_library("ICU")
            if all(name.endswith("-x-icu") for _, name, *_ in absent)
            else "use a server with these locales, or with ICU",
        )


def _tablespaces(target: Target, wants: Wants) -> Iterator[Obstacle]:
    there = dict(target.ask("tablespaces", _TABLESPACES, [sorted(wants.tablespaces)]))
    missing = sorted(wants.tablespaces - there.keys())
    if missing:
        yield stop(
            "tablespaces",
            f"the files name tablespaces that are not there: {listed(missing, 10)}",
            target.platform.instead.get(Act.TABLESPACES)
            or "have them created: CREATE TABLESPACE ... LOCATION ..., by a superuser",
        )
    refused = sorted(name for name, may in there.items() if not may)
    if refused:
        yield stop(
            "tablespaces",
            f"{target.role.name} may not create anything in tablespaces {listed(refused, 10)}",
            f"GRANT CREATE ON TABLESPACE {quoted(refused[0])} TO {quoted(target.role.name)}, and so on",
        )


def _data_directory(target: Target) -> Path | None:
    """Return the data directory, if it is on this machine and the role may know it."""
    host = target.session.info.hostaddr or target.session.info.host
    here = host.startswith(("/", "@", "127.")) or host in {"", "::1", "localhost"}
    if not here or target.ask("disk", _MAY_ASK) != [(True,)]:
        return None
    folder = Path(target.setting("data_directory"))
    return folder if folder.is_absolute() else None
