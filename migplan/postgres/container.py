"""A server in a container, where an engine answers: for a version that this machine has no server of."""

import json
import logging
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import quote

from migplan.errors import ConnectError, LaunchError
from migplan.postgres import address
from migplan.postgres.session import connect

log = logging.getLogger(__name__)

_ENGINES = ("docker", "podman")
_ANSWER_SECONDS = 1.0
_PULL_SECONDS = 180.0
_START_SECONDS = 60.0


def image_of(major: int) -> str:
    """Return the official image of a major version, once it is at hand; empty where it cannot be had.

    An engine that does not answer within a second counts as none.
    """
    image = f"docker.io/library/postgres:{major}"
    if not _engine():
        return ""
    if _asked("image", "inspect", image, seconds=_ANSWER_SECONDS * 5) is not None:
        return image
    log.info("pulling %s", image)
    return image if _asked("pull", "--quiet", image, seconds=_PULL_SECONDS) is not None else ""


@contextmanager
def running(image: str, superuser: str) -> Iterator[str]:
    """Run an image for a block, and yield the URL of its server, which listens on loopback alone.

    LaunchError if it does not start.
    """
    password = secrets.token_urlsafe(24)
    name = f"migplan-{secrets.token_hex(6)}"
    started = _asked(
        *("run", "--detach", "--rm", "--name", name, "--publish", "127.0.0.1::5432"),
        *(
            "--env",
            f"POSTGRES_USER={superuser}",
            "--env",
            "POSTGRES_PASSWORD",
            "--env",
            "POSTGRES_DB=postgres",
        ),
        image,
        *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"),
        seconds=_START_SECONDS,
        environment={"POSTGRES_PASSWORD": password},  # the words of a command are seen by the whole machine
    )
    if started is None:
        raise LaunchError(
            f"{image} does not start", do="name a server of the target's version: --scratch URL"
        )
    try:
        url = f"postgresql://{quote(superuser, safe='')}:{password}@127.0.0.1:{_port(name, image)}/postgres"
        _wait(url, image)
        yield url
    finally:
        _asked("rm", "--force", "--volumes", name, seconds=_START_SECONDS)


def _port(name: str, image: str) -> int:
    said = _asked("inspect", name, seconds=_ANSWER_SECONDS * 5)
    try:
        ports = json.loads(said or "")[0]["NetworkSettings"]["Ports"]["5432/tcp"]
        return int(ports[0]["HostPort"])
    except (ValueError, LookupError, TypeError):
        raise LaunchError(f"the port of a container of {image} cannot be found out") from None


def _wait(url: str, image: str) -> None:
    """Wait until the server takes sessions; while it sets itself up it listens on no port."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            connect(address.parse(url)).close()
        except ConnectError as error:
            if time.monotonic() > deadline:
                raise LaunchError(
                    f"the server in a container of {image} takes no session: {error.what}"
                ) from None
            time.sleep(0.2)
        else:
            return


@lru_cache(maxsize=1)
def _engine() -> str:
    """The program of an engine that answers; empty if none does."""
    for program in filter(None, map(shutil.which, _ENGINES)):
        if _run([program, "version", "--format", "{{.Server.Version}}"], _ANSWER_SECONDS) is not None:
            return program
    return ""


def _asked(*words: str, seconds: float, environment: Mapping[str, str] | None = None) -> str | None:
    engine = _engine()
    return _run([engine, *words], seconds, environment) if engine else None


def _run(words: list[str], seconds: float, environment: Mapping[str, str] | None = None) -> str | None:
    """What a program says; None if it fails, or takes too long."""
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
