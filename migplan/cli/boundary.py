"""Where errors become sentences and exit codes: the only place that knows both."""

import gc
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import click

import migplan
from migplan.cli import logs, named, streams
from migplan.errors import DatabaseError, LaunchError, MigplanError
from migplan.text import redaction

FAILED = 2
UNFORESEEN = 3
INTERRUPTED = 130
_LONGEST = 200_000  # characters of details


class Boundary(click.Group):
    """A group of commands that lets no exception out as a traceback, and no secret at all."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run a command line; what it says goes through the guarded streams."""
        words = list(sys.argv[1:] if args is None else args)
        redaction.remember_words(words)
        redaction.remember_environment(os.environ)
        with streams.guarded(), logs.kept(), sentences(), interruptible():
            try:
                return super().main(words, *rest, obj=words, **options)
            finally:
                sys.stdout.flush()  # a full disk is noticed now, or by Python when it is too late to say so

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        gc.freeze()
        with sentences():
            return super().invoke(ctx)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP are a Ctrl-C: what is half-made is cleared away, a run is rolled back."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # once is enough: clearing away is not to be disturbed
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    with suppress(ValueError):  # outside of the main thread nobody may say this
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn whatever goes wrong in a block into a sentence and an exit code."""
    try:
        yield
    except MigplanError as error:
        _end(sentence(error), FAILED)
    except (KeyboardInterrupt, click.Abort):
        _stopped()
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`).
        streams.discard(sys.stdout)
        sys.exit(0)
    except (click.ClickException, click.exceptions.Exit):
        raise
    except OSError as error:
        _end(_of_system(error), FAILED)
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # as Python puts it while a class is being made
            _stopped()
        _end(_unforeseen(error), UNFORESEEN, error)


def sentence(error: MigplanError) -> str:
    """What happened, what the server said beside it, and what to do."""
    lines = [f"migplan: {named.filled_in(str(error))}"]
    if isinstance(error, DatabaseError) and error.detail and error.detail not in str(error):
        lines.append(f"  {error.detail}")
    if isinstance(error, LaunchError) and error.log:
        lines += [f"  {line}" for line in error.log.splitlines()]
    if error.do:
        lines.append(f"  -> {named.filled_in(error.do)}")
    return "\n".join(lines)


def _stopped() -> None:
    with suppress(ValueError):  # outside of the main thread nobody may say this
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is impatient gets no traceback either
    _end("migplan: stopped", INTERRUPTED)


def _end(said: str, code: int, error: Exception | None = None) -> None:
    logs.failed(said, error)
    with suppress(BrokenPipeError):
        click.echo(said, err=True)
    sys.exit(code)


def _of_system(error: OSError) -> str:
    """What the operating system refused, and where."""
    where = f" {error.filename}" if error.filename else ""
    return f"migplan: the system refused{where}: {error.strerror or type(error).__name__}"


def _unforeseen(error: Exception) -> str:
    """One sentence, and the details in a file that only its owner may read."""
    home = Path(migplan.__file__).parent
    frames = [
        each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).is_relative_to(home)
    ]
    place = (
        f" in {Path(frames[-1].filename).relative_to(home.parent)}, line {frames[-1].lineno}"
        if frames
        else ""
    )
    lines = [f"migplan: this was not foreseen: {type(error).__name__}{place}"]
    try:
        file = _written(_details(error))
        lines.append(f"  -> please report it with {file}, which holds the details, without passwords")
    except OSError as refused:
        lines.append(f"  -> please report it; the details could not be written: {refused.strerror}")
    lines.append(
        "     what was not committed in a database was rolled back; "
        + named.filled_in("`migplan status --target TARGET` tells what was done")
    )
    return "\n".join(lines)


def _details(error: Exception) -> str:
    """Where it happened, without the values of any variable; what an exception says may hold a secret."""
    words = " ".join(sys.argv[1:])
    about = f"migplan {migplan.__version__}, Python {platform.python_version()}, {platform.platform()}"
    with suppress(Exception):
        return redaction.redacted(
            f"{about}\nmigplan {words}\n\n{''.join(traceback.format_exception(error))[-_LONGEST:]}"
        )
    return f"{about}\n\n{type(error).__name__}, and it cannot be printed\n"


def _written(text: str) -> str:
    descriptor, file = tempfile.mkstemp(prefix="migplan-", suffix=".txt")  # with 0600
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(text)
    return file
