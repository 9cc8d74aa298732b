"""``migplan init``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import options, screen
from migplan.errors import FileError
from migplan.files import write_whole

if TYPE_CHECKING:
    from migplan.catalog.model import Catalog

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
#   api_roles: [anon, authenticated]        # Supabase's
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
@options.arguments("source")
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
def init(source: str | None, name: str, out: Path, force: bool) -> None:
    """Write a migplan.yaml with comments, to begin with."""
    from migplan import config as configuration
    from migplan.catalog.counts import Exactness
    from migplan.config import Config
    from migplan.pipeline.analyze import read_catalog

    if out.exists() and not force:
        raise FileError(
            f"{out} is there already, and was left as it is", do="--force overwrites it", file=out
        )
    schemas = "  # schemas: [public]"
    if source:
        address = options.resolved(source, Config())
        with screen.progress("reading the catalog") as on_progress:
            schemas = _schemas(read_catalog(address, Exactness.ESTIMATE, on_progress))
    text = _TEMPLATE.replace("%SCHEMAS%", schemas).replace("%NAME%", name)
    configuration.loads(text, out)
    write_whole(out, text)
    screen.show([f"{out} is written: set SOURCE_URL, then: migplan analyze"])


def _schemas(catalog: Catalog) -> str:
    tables = Counter(table.name.schema for table in catalog.tables)
    if not tables:
        return "  # schemas: [public]      # the database has no tables yet"
    lines = ["  schemas:                    # take away what is not yours to move"]
    lines += [f"    - {_quoted(schema):25} # {tables[schema]:,} tables" for schema in sorted(tables)]
    return "\n".join(lines)


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'" if not name.isidentifier() else name
