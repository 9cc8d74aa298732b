"""The rules, by their codes: 1xx keys, 2xx indexes and time, 3xx who gets at what, 4xx types.

Each module of this folder is one.

## Compared with splinter

Where Supabase's linter, splinter, has the same rule, the page of ours names every difference. This is how
the two stand to each other:

| splinter | here | |
|---|---|---|
| 0001 unindexed foreign keys | MP106 | |
| 0002 auth users exposed | MP314 | |
| 0003 auth RLS initplan | MP207 | |
| 0004 no primary key | MP104 | |
| 0005 unused index | MP203 | |
| 0006 multiple permissive policies | MP206 | |
| 0007 policy exists, RLS disabled | MP301 | |
| 0008 RLS enabled, no policy | MP302 | |
| 0009 duplicate index | MP201 | |
| 0010 security definer view | MP305 | |
| 0011 function search path mutable | MP307 | |
| 0013 RLS disabled in public | MP303 | |
| 0014 extension in public | MP309 | |
| 0015 RLS references user metadata | MP311 | |
| 0016 materialized view in API | MP312 | |
| 0017 foreign table in API | MP313 | |
| 0018 unsupported reg types | MP401 | |
| 0019 insecure queue exposed | none | its tables are an extension's, and not in a catalog |
| 0020 table bloat | MP204 | |
| 0021 foreign key to auth unique | MP315 | |
| 0022 extension versions outdated | MP310 | |
| 0023 sensitive columns exposed | MP308 | |
| 0024 RLS policy always true | MP304 | |
| 0025 public bucket allows listing | none | which are public stands in rows, not in the structure |
| 0026, 0027 pg_graphql table exposed | none | they are about names; MP303 to MP314 are about rows |
| 0028, 0029 security definer function | MP306 | |

splinter leaves about thirty schemas of Supabase's platform out of most of its rules. Here no schema is
special: leave those that are not yours out by the selection of `migplan.yaml`, or by its ignore list.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from migplan.advise.finding import RuleModule

RULES: tuple[RuleModule, ...] = tuple(
    sorted(
        (cast("RuleModule", import_module(f"{__name__}.{module.name}")) for module in iter_modules(__path__)),
        key=lambda module: module.RULE.code,
    )
)
