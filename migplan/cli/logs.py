"""What migplan does, told as it happens: ``-v`` on stderr, ``--log-file`` into a file for its owner alone.

Each room tells it to a logger of its own name (``migplan.postgres.session``), and nobody hears that who does
not ask for it: here, or with :mod:`logging` in a program that uses migplan. Both ways out strike out secrets
and spell out what a terminal would obey; a message is one line, whatever is in it.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

import migplan
from migplan.cli import streams
from migplan.errors import FileError

_ALL = logging.getLogger("migplan")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_VERBOSITY = "migplan.verbosity"
_FORMAT = "migplan.log_format"
_ALREADY = "migplan_already_on_stderr"


def _verbose(context: click.Context, _parameter: click.Parameter, count: int) -> None:
    """Tell on stderr; ``-v`` may stand before and after the command's name, and counts at both places."""
    if count:
        if not any(isinstance(each, _OnStderr) for each in _ALL.handlers):
            _ALL.addHandler(_OnStderr(context.meta))
        context.meta[_VERBOSITY] = context.meta.get(_VERBOSITY, 0) + count
        _listen(context.meta[_VERBOSITY])


def _into(context: click.Context, _parameter: click.Parameter, file: Path | None) -> None:
    if file is not None and file not in [each.file for each in _ALL.handlers if isinstance(each, _InFile)]:
        _ALL.addHandler(_InFile(file))
        _listen(max(context.meta.get(_VERBOSITY, 0), 1))
        words = " ".join(context.find_root().obj)
        _ALL.info(
            "migplan %s, Python %s: migplan %s",
            migplan.__version__,
            platform.python_version(),
            words,
            extra={_ALREADY: True},
        )


def _listen(verbosity: int) -> None:
    level = _LEVELS[min(verbosity, len(_LEVELS) - 1)]
    _ALL.setLevel(min(level, _ALL.level or level))


OPTIONS = (
    click.Option(
        ["-v", "--verbose"],
        count=True,
        expose_value=False,
        callback=_verbose,
        help="Say on stderr what is done: sessions, snapshots, steps, files; -vv: statements, too.",
    ),
    click.Option(
        ["--log-file"],
        metavar="FILE",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_into,
        help="Append the same to FILE, with the details of what nobody foresaw. It is for its owner only.",
    ),
)
"""Of every command, and of ``migplan`` itself."""


def of_progress(context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """The callback of ``--log-format``: where progress is told in JSON, so is everything on stderr."""
    context.meta[_FORMAT] = value
    return value


@contextmanager
def kept() -> Iterator[None]:
    """While a block runs, options may add handlers; they go with it."""
    level, before, started = _ALL.level, list(_ALL.handlers), time.monotonic()
    try:
        yield
    except SystemExit as end:
        if len(_ALL.handlers) > len(before):
            _ALL.info("ended with exit code %s after %.1f s", end.code or 0, time.monotonic() - started)
        raise
    finally:
        for handler in [each for each in _ALL.handlers if each not in before]:
            _ALL.removeHandler(handler)
            handler.close()
        _ALL.setLevel(level)


def failed(said: str, error: BaseException | None = None) -> None:
    """Write what a command failed over, which stderr says anyhow, to the file; with the whole of an error."""
    lines = "; ".join(line.strip() for line in said.splitlines())
    _ALL.error("%s", lines, exc_info=error, extra={_ALREADY: True})


class _Line(logging.Formatter):
    """When (UTC), how grave, who and what, in one line; only ``whole`` has the traceback below it."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self._whole = whole

    def format(self, record: logging.LogRecord) -> str:
        text = f"{_moment(record)} {record.levelname} {record.name}: {message(record)}"
        if self._whole and record.exc_info:
            text += f"\n{streams.cleaned(self.formatException(record.exc_info))}"
        return text


def message(record: logging.LogRecord) -> str:
    """What a record says, in one line, without secrets."""
    return streams.cleaned(record.getMessage(), keep="")


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _OnStderr(logging.Handler):
    """Tells on stderr, between the lines of progress, in their format."""

    def __init__(self, meta: MutableMapping[str, Any]) -> None:
        super().__init__()
        self._meta = meta
        self.setFormatter(_Line(whole=False))

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, _ALREADY):
            return
        if self._meta.get(_FORMAT) != "json":
            click.echo(self.format(record), err=True)
            return
        said = {
            "at": _moment(record),
            "event": "log",
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": message(record),
        }
        click.echo(json.dumps(said), err=True)


class _InFile(logging.Handler):
    """Appends to a file that only its owner may read."""

    def __init__(self, file: Path) -> None:
        if file.exists() and not file.is_file():
            raise FileError(f"cannot write {file}: it is there, and is not a regular file", file=file)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.fchmod(descriptor, 0o600)  # also where it was there, for all to read
        except OSError as error:
            raise FileError(f"cannot write {file}: {error.strerror}", file=file) from None
        super().__init__()
        self.setFormatter(_Line(whole=True))
        self.file = file
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._stream.write(f"{self.format(record)}\n")
            self._stream.flush()
        except OSError as error:  # what is being done is worth more than its log
            _ALL.removeHandler(self)
            self.close()
            click.echo(f"migplan: {self.file} is not written any more: {error.strerror}", err=True)

    def close(self) -> None:
        with suppress(OSError):  # it has been said
            self._stream.close()
        super().close()
