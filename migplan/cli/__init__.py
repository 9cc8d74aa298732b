"""The commands. Thin: they read options, call the pipeline, print its values and choose the exit code."""

from importlib import import_module

import click

from migplan import __version__
from migplan.cli import logs
from migplan.cli.boundary import Boundary
from migplan.text.wording import nearest

__all__ = ["main"]

# In the order of a move. Each is a module of commands/ with a command of its name, imported when it is asked
# for: what one command needs, the others do not wait for.
COMMANDS = (
    "analyze",
    "advise",
    "plan",
    "export",
    "check",
    "sign",
    "copy",
    "apply",
    "status",
    "verify",
    "rollback",
    "rehearse",
    "maintain",
    "document",
    "catalog",
    "new",
    "init",
    "schema",
    "demo",
)


class Commands(Boundary):
    """The commands by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click gives it
        """Every name."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant, and its words; UsageError names the nearest one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], COMMANDS)
            said = f" Did you mean {near}?" if near else ""
            raise click.UsageError(f"{error.message}{said}", error.ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"{__name__}.commands.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        command.params.extend(each for each in logs.OPTIONS if each not in command.params)
        return command


@click.group(
    cls=Commands,
    params=[*logs.OPTIONS],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0    done, and the answer is yes
  1    done, and the answer is no: drift, orphans, a difference, grave findings, stale documents
  2    it could not be done: bad input, no connection, a missing privilege
  3    something that nobody foresaw; a file, which is named, has the details, without passwords
  130  stopped by Ctrl-C, SIGTERM or SIGHUP

Every command works with nothing but a URL; migplan.yaml only saves typing. libpq's environment variables,
.pgpass and service files work as they do for psql. Passwords are never printed, also not those of an address
that is wrong, or stands in the wrong place.
""",
)
@click.version_option(__version__, prog_name="migplan")
def main() -> None:
    """Plan, write, run and prove the move of a PostgreSQL database, from the live database itself.

    \b
    Begin with:
      migplan analyze --source postgresql://user@host/database
      migplan plan --source postgresql://user@host/database --out plan.yaml
      migplan demo                 the same, on an example, with no server at all
    """
