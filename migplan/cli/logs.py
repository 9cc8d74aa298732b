"""What migplan does, told as it happens: ``-v`` on stderr, ``--log-file`` into a file for its owner alone.

Each room tells it to a logger of its own name (``migplan.postgres.session``), and nobody hears that who does
not ask for it: here, or with :mod:`logging` in a program that uses migplan. Both ways out strike out secrets
and spell out what a terminal would obey; a message is one line, whatever is in it.
"""

import itertools
import json
import logging
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import click

import migplan
from migplan.cli import streams
from migplan.errors import FileError

_ALL = logging.getLogger("migplan")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_VERBOSITY = "migplan.verbosity"
_ALREADY = "migplan_already_on_stderr"


def _verbose(context: click.Context, _parameter: click.Parameter, count: int) -> None:
    """Tell on stderr; ``-v`` may stand before and after the command's name, and counts at both places."""
    if count:
        verbosity = context.meta[_VERBOSITY] = context.meta.get(_VERBOSITY, 0) + count
        _listen(verbosity)
        if not any(isinstance(each, _OnStderr) for each in _ALL.handlers):
            _begin(_OnStderr(as_json=_tells_in_json(context.find_root().obj)), context)


def _into(context: click.Context, _parameter: click.Parameter, file: Path | None) -> None:
    if file is not None and file not in [each.file for each in _ALL.handlers if isinstance(each, _InFile)]:
        _listen(max(context.meta.get(_VERBOSITY, 0), 1))
        _begin(_InFile(file), context)


def _listen(verbosity: int) -> None:
    level = _LEVELS[min(verbosity, len(_LEVELS) - 1)]
    _ALL.setLevel(min(level, _ALL.level or level))


def _begin(handler: logging.Handler, context: click.Context) -> None:
    """Let it hear everything from now on, and first who is speaking."""
    said = (migplan.__version__, platform.python_version(), " ".join(context.find_root().obj))
    text = "migplan %s, Python %s: migplan %s"
    _ALL.addHandler(handler)
    handler.handle(_ALL.makeRecord(_ALL.name, logging.INFO, __file__, 0, text, said, None))


def _tells_in_json(words: Sequence[str]) -> bool:
    """Whether a command line has ``--log-format json``: what is on stderr is for a program then."""
    return "--log-format=json" in words or ("--log-format", "json") in itertools.pairwise(words)


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

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json
        self.setFormatter(_Line(whole=False))

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, _ALREADY):
            return
        if not self._as_json:
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
