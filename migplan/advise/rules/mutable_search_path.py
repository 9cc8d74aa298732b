"""MP307: a function that finds its tables by the search path of whoever calls it.

### What fires

A function or procedure without `SET search_path` of its own, in SQL, PL/pgSQL or another procedural
language. With SECURITY DEFINER it is a warning, else a note.

What does not: any `SET search_path`, also `FROM CURRENT`; functions in `c` and `internal`, which do not
look names up by the text of a body; aggregates and window functions.

### Why

Names in the body that are not qualified mean what the caller's path makes them mean. With SECURITY DEFINER
the caller so chooses which tables and functions are used with the owner's rights. Without it the function
works for one role and not for another, or fails while a dump is restored, where the path is empty.

### How to fix it

`SET search_path = ''`, with every name in the body qualified: do that first, the SQL does not. A function
in SQL that has a setting is no longer inlined into queries, so small ones that matter to performance may
stay as they are, with a reason in the ignore list, as long as their names are qualified.

### Compared with splinter (0011)

- splinter gives all the same level.
- splinter fires for aggregates, which cannot have a setting, and for functions in `c` and `internal`, among
  them those that the server makes with a range type.
- splinter leaves the schemas of Supabase's platform out; here a selection does that.
- Both fire for bodies as the SQL standard has them (`BEGIN ATOMIC`), whose names were bound when they were
  made.
"""

from collections.abc import Iterator

from migplan.advise.context import Context, routine
from migplan.advise.finding import Finding, Rule, Subject
from migplan.level import Level

RULE = Rule("MP307", "function without a search path of its own", Level.WARNING)

_LOOKED_UP_OTHERWISE = frozenset({"c", "internal"})


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each function."""
    for function in context.catalog.functions:
        if function.kind not in {"function", "procedure"} or function.language in _LOOKED_UP_OTHERWISE:
            continue
        if any(setting.startswith("search_path=") for setting in function.settings):
            continue
        why = "names in it that are not qualified mean what the caller's search path says"
        if function.security_definer:
            why += ", and it uses them with its owner's rights"
        yield RULE.finding(
            Subject.routine(function),
            f"{why}; qualify them before the path is set",
            f"ALTER ROUTINE {routine(function)} SET search_path = '';",
            level=RULE.level if function.security_definer else Level.NOTE,
        )
