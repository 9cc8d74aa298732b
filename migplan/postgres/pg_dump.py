"""pg_dump: which one of those on the machine suits a source, and what it says of its schema."""

import logging
import os
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from threading import Event
from typing import Any

from psycopg.conninfo import make_conninfo

from migplan.errors import ChangedError, DatabaseError, LaunchError, PrivilegeError
from migplan.postgres import archive
from migplan.postgres.address import Address
from migplan.postgres.archive import ROUTINES, Archive, Entry
from migplan.postgres.binaries import Installation, find_installations
from migplan.postgres.failures import VANISHED
from migplan.postgres.locking import blocked, lock_table_too_small
from migplan.postgres.session import Session, connect, first_packet
from migplan.postgres.settings import careful, options
from migplan.postgres.stall import Program, StalledError
from migplan.postgres.versions import dotted

log = logging.getLogger(__name__)

_DURING = "reading the schema with pg_dump"
_WORDS = (
    *("--schema-only", "--format=custom", "--compress=0", "--encoding=UTF8", "--no-password"),
    "--lock-wait-timeout=5s",
)
_WATCHED, _LOOKS = 0.2, 3  # seconds between two looks, and how many in vain are enough
_WAITS = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_locks l ON l.pid = a.pid "
    "WHERE a.application_name = %s AND NOT l.granted)"
)
_END = (
    "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE application_name = %s"
)
_GRANT = "a role that may read every table can also dump the schema: GRANT pg_read_all_data TO the role"
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


class Dump:
    """pg_dump at work on the schema of a snapshot, while others read the catalog."""

    def __init__(self, address: Address, installation: Installation, snapshot: str) -> None:
        self._address = address
        program = str(installation.program("pg_dump"))
        self._command = (program, *_WORDS, f"--snapshot={snapshot}", *_careful(address))
        self._name = f"migplan pg_dump {secrets.token_hex(4)}"
        self._stop = Event()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="pg_dump")
        self._read = self._pool.submit(self._schema)

    def archive(self) -> Archive:
        """Every object of the database at the moment of the snapshot, as pg_dump defines it."""
        return self._read.result()

    def close(self) -> None:
        """End it, if it is not at its end."""
        self._stop.set()
        self._pool.shutdown(wait=True)

    def _schema(self) -> Archive:
        """What it says; every name quoted where a later server would not understand one without."""
        found = self._said()
        if any(_misread_later(entry, found.server_version) for entry in found.entries):
            return self._said("--quote-all-identifiers")
        return found

    def _said(self, *more: str) -> Archive:
        with subprocess.Popen(
            [*self._command, *more],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**_environment(self._address), "PGAPPNAME": self._name},
        ) as process:
            log.info("pg_dump begins: process %d, %s", process.pid, self._command[0])
            try:
                out, err = self._waited(process)
            finally:
                process.kill()
        log.info("pg_dump ended with %s: %d bytes", process.returncode, len(out))
        if process.returncode:
            raise _failure(self._address, err.decode("utf-8", "replace"))
        found = archive.read(out)
        if any(each.kind == "STDSTRINGS" and "'off'" in each.definition for each in found.entries):
            raise DatabaseError(
                f"sessions of {self._address} begin with standard_conforming_strings = off, and the pooler "
                "that stands between does not let that be changed",
                do="connect to the server itself",
                address=str(self._address),
                during=_DURING,
            )
        return found

    def _waited(self, process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
        """What it wrote. Where it waits for a lock it is ended soon: by itself it would wait for ever."""
        with ExitStack() as stack:
            watching: Session | None = None
            waiting, program = 0, Program(process.pid, self._name)
            while not self._stop.is_set():
                try:
                    return process.communicate(timeout=_WATCHED)
                except subprocess.TimeoutExpired:
                    watching = watching or stack.enter_context(closing(connect(self._address)))
                with watching.translate_errors(_DURING):
                    waiting = waiting + 1 if self._stands(watching) else 0
                    why = program.look(watching)
                    watching.rollback()  # what pg_stat_activity shows is kept for a transaction
                    if waiting > _LOOKS or why:
                        error = StalledError(why) if why else blocked(watching, _DURING)
                        watching.execute(_END, [self._name])
                        watching.commit()
                        raise error
            raise DatabaseError(
                "pg_dump was ended before its end", address=str(self._address), during=_DURING
            )

    def _stands(self, watching: Session) -> bool:
        ((waits,),) = watching.ask(_WAITS, [self._name], during=_DURING)
        return bool(waits)


@contextmanager
def dumping(address: Address, installation: Installation, snapshot: str) -> Iterator[Dump]:
    """Have pg_dump read the schema in the background; it does not live longer than the block."""
    dump = Dump(address, installation, snapshot)
    try:
        yield dump
    finally:
        dump.close()


def _misread_later(entry: Entry, server_version: str) -> bool:
    """Whether its definition has a name that is a word of its own from a later version on."""
    major = int(server_version.partition(".")[0])
    words = [word for since, later in _LATER_WORDS.items() if major < since for word in later]
    if not words:
        return False
    if re.search(rf'(?<![\w"])(?:{"|".join(words)})(?![\w"])', entry.definition):
        return True
    routine = entry.kind in ROUTINES
    return routine and bool(_JSON_PARAMETER.search(entry.definition))


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
    # Its definitions are to mean the same whatever the role sets, and nothing is to cut it off half-way.
    if settings := first_packet(address):
        said["PGOPTIONS"] = options(address, settings)
    return {**os.environ, "LC_ALL": "C", "PGAPPNAME": "migplan", **said}


def _careful(address: Address) -> list[str]:
    """Keepalives and time-outs of the connection have no variables; libpq takes them with the database."""
    return ["--dbname", make_conninfo(**careful(address))]


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
    about: dict[str, Any] = {
        "detail": " ".join(lines[1:3]) if len(lines) > 1 else "",
        "address": str(address),
        "during": "reading the schema",
    }
    sentence = f"pg_dump could not read the schema of {address}: {what.removeprefix('pg_dump: error: ')}"
    if "permission denied" in what:
        return PrivilegeError(sentence, do=_GRANT, **about)
    if "out of shared memory" in said:
        return _asked(address, lambda session: lock_table_too_small(session, _tables(session)))
    if "statement timeout" in what or "lock timeout" in what:
        return _asked(address, lambda session: blocked(session, _DURING))
    if VANISHED.search(said):
        again = "something was dropped while it was being read: run the same command again"
        return ChangedError(sentence, do=again, **about)
    return DatabaseError(sentence, do=_GRANT, **about)


def _asked(address: Address, question: Callable[[Session], DatabaseError]) -> DatabaseError:
    with closing(connect(address)) as session:
        return question(session)


def _tables(session: Session) -> int:
    question = "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p')"
    ((found,),) = session.ask(question, during=_DURING)
    return int(found)
