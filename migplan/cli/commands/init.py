"""``migplan init``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen
from migplan.errors import FileError
from migplan.files import write_whole
from migplan.sql.text import one_line
from migplan.text.wording import counted

if TYPE_CHECKING:
    from migplan.catalog.model import Catalog
    from migplan.pipeline.platforms import Host

_TEMPLATE = """\
# What migplan knows of your databases. Commit this file: no password belongs into it.
# `migplan schema config` prints the JSON Schema of this file for your editor.

source:
  url: ${SOURCE_URL}          # export SOURCE_URL=postgresql://user@host:5432/database

# Databases that may be written to, by the names that --target takes.
targets:
  staging:
    url: ${STAGING_URL}
  production:
    url: ${PRODUCTION_URL}
    protected: true           # asks for a rehearsal's receipt first

%PLATFORM%

# What is to be moved. Nothing said means everything that is not the system's or an extension's.
selection:
%SCHEMAS%
  # tables: [orders, guest_*, sales.*]
  # exclude: [audit_*, sales.tmp_*]

plan:
  name: %NAME%             # plans/%NAME%.yaml
  constraints: after-data     # fast; or with-schema: keys are live while the rows come in

# Groups share a schema file and a data file. Without any, migplan proposes them.
# groups:
#   - name: foundation
#     number: 1               # 01-schema-foundation.sql and 10-data-foundation.sql
#     purpose: What everything else needs.
#     tables: [tenants, countries, currency_*]
#   - name: sales
#     tables: [sales.*]

# How single tables are loaded, where you know better than migplan: copy, levels, null-then-update,
# deferred, constraint-later, or schema-only (leave the rows behind).
# strategies:
#   public.audit_log: schema-only

# What `migplan advise` cannot know: which schemas an API such as PostgREST exposes, and to which roles.
# advise:
#   exposed_schemas: [public]
#   api_roles: [anon, authenticated]        # a platform says them by itself
#   ignore:                                 # what you know of and live with, and why
#     - {code: MP106, object: "public.audit_log*", reason: nothing is ever deleted above it}

# Who may vouch for bundles and receipts, and whether somebody has to: `migplan sign --help`.
# signatures:
#   allowed_signers: signers                # a file of ssh-keygen's form
#   required: true

# How `migplan document` shows sample rows: values that are not known to be harmless get a stand-in.
# anonymise:
#   rows: 3                                 # of each table; 0 reads none
#   key: ${ANONYMISE_KEY}                   # a secret of your own: nobody can try out stand-ins
#   columns:
#     public.hotels.name: keep
"""


@click.command()
@named.arguments("source")
@click.option("--source", metavar="URL", help="Look at this database and fill in its schemas.")
@click.option("--name", default="migration", show_default=True, metavar="NAME", help="The plan's name.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("migplan.yaml"),
    show_default=True,
    metavar="FILE",
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@options.platform
def init(source: str | None, name: str, out: Path, force: bool, platform: str | None) -> None:
    """Write a migplan.yaml with comments, to begin with.

    A managed host that the source is recognised as is proposed for the targets, too, and why is said: take it
    away, or name another one, if they are somewhere else.
    """
    from migplan import config as configuration
    from migplan.catalog.counts import Exactness
    from migplan.config import Config
    from migplan.pipeline.analyze import read_catalog
    from migplan.pipeline.platforms import host_named, source_host

    if out.exists() and not force:
        raise FileError(
            f"{out} is there already, and was left as it is", do="--force overwrites it", file=out
        )
    schemas = "  # schemas: [public]"
    host = host_named(Config(), platform) if platform else None
    if source:
        address = named.resolved(source, Config())
        with screen.progress("reading the catalog") as on_progress:
            catalog = read_catalog(address, Exactness.ESTIMATE, on_progress, attributes=False)
        host = host or source_host(Config(), catalog)
        schemas = _schemas(catalog, host)
    text = _TEMPLATE.replace("%SCHEMAS%", schemas).replace("%NAME%", name)
    text = text.replace("%PLATFORM%", _platform(host))
    configuration.loads(text, out)
    write_whole(out, text)
    screen.show(_written(out, host))


def _written(out: Path, host: Host | None) -> Iterator[str]:
    if host and host.signs:
        yield (
            f"The source looks like {host.platform.title} ({', '.join(host.signs)}): {out} says "
            f"platform: {host.name}, so that what it provides is left alone in the target. If the targets "
            "are somewhere else, name that, or none"
        )
    yield f"{out} is written: set SOURCE_URL, then: migplan analyze"


def _platform(host: Host | None) -> str:
    """The lines that say where the targets are."""
    lines = [
        "# The managed host of the targets: supabase, rds, cloudsql, azure, neon, heroku, or none. What it",
        "# provides is not created, not dropped, and its rows are not taken. docs/platforms.md has more.",
    ]
    if host is None:
        return "\n".join([*lines, "# platform: supabase"])
    if host.signs:
        lines.append(f"# Proposed, because of the source: {', '.join(map(one_line, host.signs))}.")
    return "\n".join([*lines, f"platform: {host.name}"])


def _schemas(catalog: Catalog, host: Host | None) -> str:
    tables = Counter(table.name.schema for table in catalog.tables)
    if host and any(host.provided.schema(schema) for schema in tables):
        own = sorted(schema for schema in tables if not host.provided.schema(schema))
        of = ", ".join(f"{one_line(schema)} ({counted(tables[schema], 'table')})" for schema in own)
        return (
            f"  # {host.platform.title} provides the other schemas; yours are: {of or 'none yet'}.\n"
            "  # schemas: [public]"
        )
    if not tables:
        return "  # schemas: [public]      # the database has no tables yet"
    lines = ["  schemas:                    # take away what is not yours to move"]
    lines += [f"    - {_quoted(schema):25} # {tables[schema]:,} tables" for schema in sorted(tables)]
    return "\n".join(lines)


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'" if not name.isidentifier() else name
