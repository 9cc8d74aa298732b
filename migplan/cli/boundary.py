"""Where errors become sentences and exit codes: the only place that knows both."""

from __future__ import annotations

import gc
import os
import sys
from typing import Any

import click

from migplan.errors import DatabaseError, LaunchError, MigplanError

FAILED = 2
INTERRUPTED = 130


class Boundary(click.Group):
    """A group of commands that lets no exception of migplan's out as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        # Commands are short and their values are many: searching them for garbage takes a fifth of the time.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        try:
            return super().invoke(ctx)
        except MigplanError as error:
            click.echo(sentence(error), err=True)
            sys.exit(FAILED)
        except (KeyboardInterrupt, click.Abort):
            click.echo("migplan: stopped; nothing was changed", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # Whoever read our output has seen enough (`| head`). Python would complain once more at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)


def sentence(error: MigplanError) -> str:
    """What happened, what the server said beside it, and what to do."""
    lines = [f"migplan: {error}"]
    if isinstance(error, DatabaseError) and error.detail and error.detail not in str(error):
        lines.append(f"  {error.detail}")
    if isinstance(error, LaunchError) and error.log:
        lines += [f"  {line}" for line in error.log.splitlines()]
    if error.do:
        lines.append(f"  -> {error.do}")
    return "\n".join(lines)
