"""The commands. Thin: they read options, call the pipeline, print its values and choose the exit code."""

from __future__ import annotations

import click

from migplan import __version__
from migplan.cli.analyze import analyze
from migplan.cli.apply import apply
from migplan.cli.boundary import Boundary
from migplan.cli.catalog import catalog
from migplan.cli.check import check
from migplan.cli.demo import demo
from migplan.cli.export import export
from migplan.cli.init import init
from migplan.cli.plan import plan
from migplan.cli.schema import schema
from migplan.cli.status import status

__all__ = ["main"]


@click.group(
    cls=Boundary,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Exit codes:
  0    done, and the answer is yes
  1    done, and the answer is no: drift, orphans, a difference
  2    it could not be done: bad input, no connection, a missing privilege
  130  stopped by Ctrl-C

Every command works with nothing but a URL; migplan.yaml only saves typing. libpq's environment variables,
.pgpass and service files work as they do for psql. Passwords are never printed.
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


for command in (analyze, plan, export, check, apply, status, catalog, init, schema, demo):
    main.add_command(command)
