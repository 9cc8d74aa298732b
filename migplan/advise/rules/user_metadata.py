"""MP311: a policy that believes what people say of themselves.

### What fires

A policy whose `USING` or `WITH CHECK`

- takes `user_metadata` out of the claims of a token: `auth.jwt()`, or
  `current_setting('request.jwt.claims')` or one of its parts, followed by `->`, `->>`, `#>`, `#>>`, a
  subscript or `jsonb_extract_path`, with that name in the key; or
- reads a column `raw_user_meta_data`, which is where Supabase keeps it.

Whether row-level security is on does not matter.

What does not: `app_metadata`, which only the server's side can write; the words in a string that is not a
key, or as the name of a column of one's own; functions that the policy calls: their bodies are not looked
at.

### Why

Every user can write their own `user_metadata`. A policy that decides by it lets people give themselves any
role or tenant.

### How to fix it

Decide by `app_metadata`, or by a table that people cannot write to. No SQL is offered: the claim has to be
moved first.

### Compared with splinter (0015)

- splinter looks for the words anywhere behind the call, and so fires for `(auth.jwt() ->> 'sub') = owner
  AND kind = 'user_metadata'`; here the key has to be taken from the claims.
- `raw_user_meta_data` fires only here.
- splinter leaves the schemas of Supabase's platform out; here a selection does that.
"""

import re
from collections.abc import Iterator
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.advise.context import Context
from migplan.advise.expressions import judge_policies, text_constants, tree
from migplan.advise.finding import Blind, Finding, Rule, Subject
from migplan.catalog.model import Policy, Table
from migplan.level import Level
from migplan.sql.tree import words

RULE = Rule("MP311", "policy that believes users", Level.ERROR)

_KEY = re.compile(r"(?:\{\s*\"?)?user_metadata\b")
_OPERATORS = frozenset({"->", "->>", "#>", "#>>"})
_FUNCTIONS = frozenset(f"{kind}_extract_path{text}" for kind in ("json", "jsonb") for text in ("", "_text"))


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each policy."""
    return judge_policies(RULE, context, _judge)


def _judge(table: Table, policy: Policy) -> Iterator[Finding]:
    expressions = [tree(each) for each in (policy.using, policy.check) if each]
    if any(map(_believes, expressions)):
        yield RULE.finding(
            Subject.policy(table, policy), "it decides by user_metadata, which each user may write"
        )


def _believes(expression: Any) -> bool:
    return any(_is_key_of_claims(part) or _is_column(part) for _, part in postgast.walk(expression))


def _is_column(part: Any) -> bool:
    return isinstance(part, pg.ColumnRef) and words(part.fields)[-1:] == ("raw_user_meta_data",)


def _is_key_of_claims(part: Any) -> bool:
    if isinstance(part, pg.A_Expr) and words(part.name)[-1:] and words(part.name)[-1] in _OPERATORS:
        return _has_claims(part.lexpr) and _has_key(part.rexpr)
    if isinstance(part, pg.A_Indirection):
        return _has_claims(part.arg) and any(map(_has_key, part.indirection))
    if isinstance(part, pg.FuncCall) and words(part.funcname)[-1] in _FUNCTIONS and part.args:
        return _has_claims(part.args[0]) and any(map(_has_key, part.args[1:]))
    return False


def _has_key(message: Any) -> bool:
    return any(_KEY.match(text) for text in text_constants(message))


def _has_claims(message: Any) -> bool:
    for call in postgast.find_nodes(message, pg.FuncCall):
        name = words(call.funcname)
        if name[-2:] == ("auth", "jwt"):
            return True
        if name[-1] == "current_setting" and call.args:
            setting = next(text_constants(call.args[0]), "")
            if setting.startswith("request.jwt.claim"):
                return True
    return False
