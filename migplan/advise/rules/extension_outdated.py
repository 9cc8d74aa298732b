"""MP310: an extension that is older in the database than what the server has installed.

### What fires

An installed extension with another version than the one that `CREATE EXTENSION` would install on this
server today.

What does not: an extension whose files the server does not have any more; the server's own files being old.
It is observed: an upgrade of the server's packages makes it come up without a change in the database.

### Why

The library that the server loads is the new one, the SQL objects around it are the old ones. Fixed bugs,
security among them, often need both.

### How to fix it

`ALTER EXTENSION ... UPDATE`, after a look at the extension's notes.

### Compared with splinter (0022)

- splinter skips an extension whose installed version the server no longer lists among those that it can
  install; here it fires, since that version is even older.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Need, Rule
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP310", "extension out of date", Level.WARNING, (Need.VITALS,), observed=True)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each extension."""
    offered = {each.extension: each.version for each in context.vitals.available}
    for extension in context.catalog.extensions:
        version = offered.get(extension.name, extension.version)
        if version != extension.version:
            yield RULE.finding(
                f"extension {quoted(extension.name)}",
                f"it is at version {extension.version}, and the server offers {version}",
                f"ALTER EXTENSION {quoted(extension.name)} UPDATE;",
            )
