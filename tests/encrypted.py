"""A server that speaks TLS only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from migplan.postgres import pg_dump
from migplan.postgres.binaries import find_installations
from migplan.postgres.server import ThrowawayServer

HBA = "hostssl all migplan_certified all cert\nhostssl all all all scram-sha-256\n"


def certificate(place: Path, name: str, common_name: str) -> None:
    """Make a key and a certificate that it signs itself."""
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={common_name}"
    more = f"-addext subjectAltName=DNS:{common_name} -keyout {name}.key -out {name}.crt"
    subprocess.run(["openssl", *words.split(), *more.split()], cwd=place, check=True, capture_output=True)


@contextmanager
def encrypted_server(place: Path) -> Iterator[ThrowawayServer]:
    """The server, for a block; its certificate is ``server.crt`` in the folder, its name localhost.

    The role migplan_certified logs in by ``client.crt``.
    """
    installation = next(
        (each for each in find_installations() if each.has("pg_dump") and pg_dump._can_encrypt(each)), None
    )
    if shutil.which("openssl") is None or installation is None:
        pytest.skip("no server that can encrypt, or no openssl")
    certificate(place, "server", "localhost")
    certificate(place, "client", "migplan_certified")
    with ThrowawayServer(installation, tcp=True) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            ((data,),) = connection.execute("SHOW data_directory").fetchall()
            owner = Path(data).stat()
            for name in ("server.key", "server.crt", "client.crt"):
                file = Path(shutil.copy(place / name, data))
                file.chmod(0o600)
                if os.geteuid() == 0:
                    os.chown(file, owner.st_uid, owner.st_gid)
            ((hba,),) = connection.execute("SHOW hba_file").fetchall()
            Path(hba).write_text(HBA, encoding="utf-8")
            connection.execute("ALTER SYSTEM SET ssl = on")
            connection.execute("ALTER SYSTEM SET ssl_ca_file = 'client.crt'")
            connection.execute("CREATE ROLE migplan_certified LOGIN")
        server.restart()
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            psycopg.connect(server.conninfo(), sslmode="disable")
        yield server
