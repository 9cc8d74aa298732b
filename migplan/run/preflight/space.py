"""Room on the disk, where it can be known: the server is on this machine, and says where its files are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from migplan.bundle.manifest import Manifest
from migplan.names import quoted
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.run.preflight.wants import Wants
from migplan.text.wording import listed

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
    """Whether the rows will fit."""
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
    """Tablespaces, access methods and collations that the files name and do not make."""
    if wants.tablespaces:
        yield from _tablespaces(target, wants)
    methods = wants.methods - wants.new_methods
    if methods and not manifest.extensions:  # which could bring them
        there = {name for (name,) in target.ask("access methods", _METHODS, [sorted(methods)])}
        if methods - there:
            yield stop(
                "access methods",
                f"the files name table access methods that are not there: {listed(methods - there, 10)}",
                "have their extension installed",
            )
    pairs = sorted(pair for pair in wants.collations - wants.new_collations if len(pair) == 2)
    named = [[schema for schema, _ in pairs], [name for _, name in pairs]]
    absent = target.ask("collations", _COLLATIONS, named) if pairs else []
    if absent:
        yield stop(
            "collations",
            "columns use collations that the server does not have: "
            + listed((name for _, name in absent), 10),
            "use a server with these locales, or with ICU",
        )


def _tablespaces(target: Target, wants: Wants) -> Iterator[Obstacle]:
    there = dict(target.ask("tablespaces", _TABLESPACES, [sorted(wants.tablespaces)]))
    missing = sorted(wants.tablespaces - there.keys())
    if missing:
        yield stop(
            "tablespaces",
            f"the files name tablespaces that are not there: {listed(missing, 10)}",
            "have them created: CREATE TABLESPACE ... LOCATION ..., by a superuser",
        )
    refused = sorted(name for name, may in there.items() if not may)
    if refused:
        yield stop(
            "tablespaces",
            f"{target.role.name} may not create anything in tablespaces {listed(refused, 10)}",
            f"GRANT CREATE ON TABLESPACE {quoted(refused[0])} TO {quoted(target.role.name)}, and so on",
        )


def _data_directory(target: Target) -> Path | None:
    """Where the server's files are, if they are on this machine and the role may know it."""
    host = target.connection.info.hostaddr or target.connection.info.host
    here = host.startswith(("/", "@", "127.")) or host in {"", "::1", "localhost"}
    if not here or target.ask("disk", _MAY_ASK) != [(True,)]:
        return None
    folder = Path(target.setting("data_directory"))
    return folder if folder.is_absolute() else None
