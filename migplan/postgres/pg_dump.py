"""pg_dump: which one of those on the machine suits a source, and what it says of its schema."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache

from migplan.errors import DatabaseError, LaunchError, PrivilegeError
from migplan.postgres import archive
from migplan.postgres.address import Address
from migplan.postgres.archive import Archive, Entry
from migplan.postgres.binaries import Installation, find_installations
from migplan.postgres.versions import dotted

_NO_TLS = "SSL support is not compiled in"

# Words that a version made its own (pg_get_keywords() of two servers): an older server writes a name of that
# kind without quotes, and from that version on the same text is an error, or a call of something else.
_LATER_WORDS = {
    16: ("json_array", "json_arrayagg", "json_objectagg", "system_user"),
    17: (
        *("json_exists", "json_query", "json_scalar", "json_serialize", "json_table", "json_value"),
        "merge_action",
    ),
}
# From 17 on a parameter cannot be called json without quotes; everything else can.
_JSON_PARAMETER = re.compile(r"[(,]\s*(?:(?:IN|OUT|INOUT|VARIADIC) )?json [a-z\"]")


def suitable(version: int, *, encrypted: bool) -> Installation:
    """The pg_dump for a server of that ``server_version_num``; LaunchError that says what is missing.

    It must be at least as new as the server, and able to encrypt where the connection is encrypted. Of
    those that fit the nearest version is taken: what it writes is what that server would say of itself.
    """
    having = [each for each in find_installations() if each.has("pg_dump")]
    fitting = [each for each in having if each.major >= version // 10000]
    for installation in sorted(fitting, key=lambda each: each.version):
        if not encrypted or _can_encrypt(installation):
            return installation
    found = ", ".join(f"{each.major} ({each.origin})" for each in having) or "none"
    wanted = f"pg_dump of PostgreSQL {version // 10000} or newer"
    if encrypted:
        wanted += " that can encrypt"
    raise LaunchError(
        f"the source is PostgreSQL {dotted(version)}{' and encrypted' if encrypted else ''}: "
        f"it takes a {wanted}, and found is: {found}",
        do=f"apt-get install postgresql-client-{version // 10000}, or name its folder in MIGPLAN_PG_BIN",
    )


def schema_of(address: Address, installation: Installation, snapshot: str) -> Archive:
    """Every object of the database at the moment of a snapshot, as pg_dump defines it.

    Every name is quoted where a later server would not understand one without.
    """
    found = _dumped(address, installation, snapshot)
    if any(_misread_later(entry, found.server_version) for entry in found.entries):
        return _dumped(address, installation, snapshot, "--quote-all-identifiers")
    return found


def _misread_later(entry: Entry, server_version: str) -> bool:
    """Whether its definition has a name that is a word of its own from a later version on."""
    major = int(server_version.partition(".")[0])
    words = [word for since, later in _LATER_WORDS.items() if major < since for word in later]
    if not words:
        return False
    if re.search(rf'(?<![\w"])(?:{"|".join(words)})(?![\w"])', entry.definition):
        return True
    routine = entry.kind in {"AGGREGATE", "FUNCTION", "PROCEDURE"}
    return routine and bool(_JSON_PARAMETER.search(entry.definition))


def _dumped(address: Address, installation: Installation, snapshot: str, *more: str) -> Archive:
    words = ["--schema-only", "--format=custom", "--compress=0", "--encoding=UTF8", "--no-password", *more]
    ran = subprocess.run(
        [str(installation.program("pg_dump")), *words, f"--snapshot={snapshot}"],
        capture_output=True,
        env=_environment(address),
        check=False,
    )
    if ran.returncode:
        raise _failure(address, ran.stderr.decode("utf-8", "replace"))
    return archive.read(ran.stdout)


def _environment(address: Address) -> dict[str, str]:
    """The address as libpq's variables: arguments would show the password to the whole machine."""
    variables = {
        "host": "PGHOST",
        "hostaddr": "PGHOSTADDR",
        "port": "PGPORT",
        "dbname": "PGDATABASE",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "service": "PGSERVICE",
        "passfile": "PGPASSFILE",
        "options": "PGOPTIONS",
        "sslmode": "PGSSLMODE",
        "sslrootcert": "PGSSLROOTCERT",
        "sslcert": "PGSSLCERT",
        "sslkey": "PGSSLKEY",
        "sslcrl": "PGSSLCRL",
        "channel_binding": "PGCHANNELBINDING",
        "gssencmode": "PGGSSENCMODE",
        "connect_timeout": "PGCONNECT_TIMEOUT",
        "target_session_attrs": "PGTARGETSESSIONATTRS",
        "krbsrvname": "PGKRBSRVNAME",
    }
    said = {variables[name]: value for name, value in address.params.items() if name in variables}
    return {**os.environ, "LC_ALL": "C", "PGAPPNAME": "migplan", **said}


@cache
def _can_encrypt(installation: Installation) -> bool:
    """Asked of the program itself: where nobody listens, only one that can encrypt gets as far as that."""
    ran = subprocess.run(
        [str(installation.program("pg_dump")), "--no-password"],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C", "PGHOST": "127.0.0.1", "PGPORT": "1", "PGSSLMODE": "require"},
        check=False,
    )
    return _NO_TLS not in ran.stderr


def _failure(address: Address, said: str) -> DatabaseError:
    lines = [line for line in address.without_secrets(said).splitlines() if line.strip()]
    what = next((line for line in lines if "error:" in line), lines[0] if lines else "it said nothing")
    kind = PrivilegeError if "permission denied" in what else DatabaseError
    return kind(
        f"pg_dump could not read the schema of {address}: {what.removeprefix('pg_dump: error: ')}",
        detail=" ".join(lines[1:3]) if len(lines) > 1 else "",
        do="a role that may read every table can also dump the schema: GRANT pg_read_all_data TO the role",
        address=str(address),
        during="reading the schema",
    )
