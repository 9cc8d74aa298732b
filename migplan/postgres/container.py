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
from dataclasses import dataclass
from urllib.parse import quote

from migplan.errors import ConnectError, LaunchError
from migplan.postgres import address
from migplan.postgres.session import connect

log = logging.getLogger(__name__)

VARIABLE = "MIGPLAN_IMAGE"
"""The variable that names the images of servers, with {major} in place of the version."""
_OFFICIAL = "docker.io/library/postgres:{major}"
_ENGINES = ("docker", "podman")
_ANSWER_SECONDS = 5.0
_PULL_SECONDS = 180.0
_START_SECONDS = 60.0
_LOG_LINES = 3
_FAST = ("postgres", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")
_WHEN_WE_END = 'read -r _; exec "$@"'


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is at hand, and the program of the engine that has it."""

    engine: str
    name: str

    def __str__(self) -> str:
        return self.name


def image_of(major: int) -> Image | None:
    """Return the image of a major version, pulled if need be; None where there is no engine for containers.

    LaunchError says why it cannot be had where there is one.
    """
    programs = [name for name in _ENGINES if shutil.which(name)]
    if not programs:
        return None
    name = _name_of(major)
    engine = _answering(programs)
    if _run([engine, "image", "inspect", name], _ANSWER_SECONDS).fault:
        log.info("pulling %s", name)
        pulled = _run([engine, "pull", "--quiet", name], _PULL_SECONDS)
        if pulled.fault:
            raise LaunchError(
                f"{engine} has no image {name}, and cannot pull it: {pulled.fault}",
                do=f"let {VARIABLE} name the image of a mirror, such as mirror.example/postgres:{{major}}",
            )
    return Image(engine, name)


@contextmanager
def running(image: Image, superuser: str) -> Iterator[str]:
    """Run an image for a block, and yield the URL of its server, which listens on loopback alone.

    LaunchError if it does not start. However this process ends, the container is removed.
    """
    password = secrets.token_urlsafe(24)
    name = f"migplan-{secrets.token_hex(6)}"
    with _removed_at_the_end(image, name):
        started = _run(
            [
                *(image.engine, "run", "--detach", "--name", name, "--publish", "127.0.0.1::5432"),
                *("--env", f"POSTGRES_USER={superuser}", "--env", "POSTGRES_PASSWORD"),
                *("--env", "POSTGRES_DB=postgres", image.name, *_FAST),
            ],
            _START_SECONDS,
            {"POSTGRES_PASSWORD": password},  # the words of a command are seen by the whole machine
        )
        if started.fault:
            raise LaunchError(f"{image} does not start: {started.fault}")
        login = f"{quote(superuser, safe='')}:{password}"
        url = f"postgresql://{login}@127.0.0.1:{_port(image, name)}/postgres"
        _wait(url, image, name)
        yield url


@contextmanager
def _removed_at_the_end(image: Image, name: str) -> Iterator[None]:
    """Remove a container after the block; where this process is killed in it, a shell of its own does so."""
    remove = [image.engine, "rm", "--force", "--volumes", name]
    with subprocess.Popen(
        ["/bin/sh", "-c", _WHEN_WE_END, "sh", *remove],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal does not reach it
    ):
        yield


def _name_of(major: int) -> str:
    pattern = os.environ.get(VARIABLE) or _OFFICIAL
    if "{major}" not in pattern:
        raise LaunchError(
            f"{VARIABLE} is {pattern}, in which no {{major}} stands for the version",
            do=f"name it as {_OFFICIAL} is named",
        )
    return pattern.replace("{major}", str(major))


def _answering(programs: list[str]) -> str:
    """Return the first engine that answers; LaunchError says why none does."""
    faults = []
    for program in programs:
        said = _run([program, "version", "--format", "{{.Server.Version}}"], _ANSWER_SECONDS)
        if not said.fault:
            return program
        faults.append(f"{program} does not answer: {said.fault}")
    raise LaunchError("; ".join(faults))


def _port(image: Image, name: str) -> int:
    said = _run([image.engine, "inspect", name], _ANSWER_SECONDS)
    try:
        ports = json.loads(said.output)[0]["NetworkSettings"]["Ports"]["5432/tcp"]
        return int(ports[0]["HostPort"])
    except (ValueError, LookupError, TypeError):
        raise LaunchError(
            f"the port of a container of {image} cannot be found out{_last_words(image, name)}"
        ) from None


def _wait(url: str, image: Image, name: str) -> None:
    """Wait until the server takes sessions; while it sets itself up it listens on no port."""
    deadline = time.monotonic() + _START_SECONDS
    running = [image.engine, "inspect", "--format", "{{.State.Running}}", name]
    while True:
        try:
            connect(address.parse(url)).close()
        except ConnectError as error:
            if _run(running, _ANSWER_SECONDS).output.strip() != "true":
                raise LaunchError(
                    f"a container of {image} ended when it began{_last_words(image, name)}"
                ) from None
            if time.monotonic() > deadline:
                raise LaunchError(
                    f"the server in a container of {image} takes no session: {error.what}"
                ) from None
            time.sleep(0.2)
        else:
            return


def _last_words(image: Image, name: str) -> str:
    said = _run([image.engine, "logs", "--tail", str(_LOG_LINES), name], _ANSWER_SECONDS)
    lines = [line.strip() for line in (said.errors or said.output).splitlines() if line.strip()]
    return f": {'; '.join(lines)}" if lines else ""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a program printed, and why it failed; an empty fault if it did not."""

    output: str
    errors: str = ""
    fault: str = ""


def _run(words: list[str], seconds: float, environment: Mapping[str, str] | None = None) -> _Said:
    """Run a program of an engine; out of the reach of Ctrl-C, which is ours to answer."""
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return _Said("", fault=f"nothing came within {seconds:.0f} seconds")
    except OSError as error:
        return _Said("", fault=error.strerror or str(error))
    lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    return _Said(done.stdout, done.stderr, lines[-1].strip() if done.returncode else "")
