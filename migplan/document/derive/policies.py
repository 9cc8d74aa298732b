"""Policies as SQL, and what they come to: recognised where the expression is one of the usual ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from migplan.catalog.model import Policy, Table
from migplan.document.derive.columns import is_tenant
from migplan.document.model import DescribedPolicy
from migplan.names import quoted
from migplan.text.wording import joined, listed

NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_]\w*)'
_CAST = rf"(?:::(?:{NAME}\.)?(?:{NAME}|character varying|bigint)(?:\[\])?)?"
_SETTING = re.compile(r"current_setting\('([^']+)'")
_CLAIM = re.compile(r"(?:auth\.jwt\(\)|request\.jwt).*?->>\s*'([^']+)'", re.DOTALL)
_PERSON = re.compile(r"\bauth\.uid\(\)|\b(?:CURRENT_USER|SESSION_USER|current_user_id\(\))", re.IGNORECASE)
_CALL = re.compile(rf"((?:{NAME}\.)?{NAME})\(\)")
_CALLED = re.compile(rf"((?:{NAME}\.)?{NAME})\(")
_WORDS = re.compile(r"[()]|\b(?:CASE|END|BETWEEN|OR|AND)\b")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_VERBS = {"SELECT": "read", "INSERT": "add", "UPDATE": "change", "DELETE": "delete", "ALL": "read and write"}
_SUBSELECT = re.compile(rf"^(?:(.*?) IN |EXISTS )\(\s*SELECT\b.*?\bFROM\s+((?:{NAME}\.)?{NAME})", re.DOTALL)
_VALUES = re.compile(r"'((?:[^']|'')*)'::")
_CAST_LITERAL = re.compile(r"(?:'(?:[^']|'')*')?::[\w.\" ]+(?:\[\])?")
_LISTED = re.compile(r"(?:ANY|ARRAY|[\s()\[\],])*")
_ASKS = re.compile(r"auth\.(?:uid|jwt)\(\)|current_setting\(|CURRENT_USER|SESSION_USER")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column that a policy compares with something of the session."""

    column: str
    source: str  # what of the session, in words
    personal: bool = False  # a person's own rows, rather than those of a tenant


@lru_cache(maxsize=2**14)
def stripped(text: str) -> str:
    """Return an expression without the parentheses around all of it."""
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def parenthesised(text: str) -> str:
    """Return an expression in exactly one pair of parentheses."""
    return f"({stripped(text)})"


@lru_cache(maxsize=2**14)
def conjuncts(text: str) -> tuple[str, ...]:
    """Return the parts of a condition that are joined by AND."""
    return (stripped(text),) if len(alternatives(text)) > 1 else _divided(text, "AND")


@lru_cache(maxsize=2**14)
def alternatives(text: str) -> tuple[str, ...]:
    """Return the parts of a condition that are joined by OR. The server puts AND within OR in parentheses."""
    return _divided(text, "OR")


def _divided(text: str, by: str) -> tuple[str, ...]:
    text = stripped(text)
    depth, start, parts = 0, 0, []
    for found in _WORDS.finditer(_hidden(text)):
        word = found.group()
        if word in ("(", "CASE"):
            depth += 1
        elif word in (")", "END"):
            depth -= 1
        elif depth == 0 and word == "BETWEEN":
            return (text,)
        elif depth == 0 and word == by:
            parts.append(text[start : found.start()])
            start = found.end()
    return tuple(stripped(part) for part in (*parts, text[start:]))


def call_in(text: str) -> tuple[str, str] | None:
    """Return function and arguments, where the whole expression is a call; else None."""
    found = _CALLED.match(text)
    if found is None or not closes_at_end(text, found.end() - 1):
        return None
    return found[1], text[found.end() : -1]


def compared(condition: str, table: Table) -> Iterator[Comparison]:
    """Return the comparisons of a column with something of the session that a condition demands."""
    for part in conjuncts(condition):
        found = comparison(part, table)
        if found is not None:
            yield found


def comparison(part: str, table: Table) -> Comparison | None:
    """Return a comparison of a column with the session, or None; a function may do it by itself."""
    if len(alternatives(part)) > 1:
        return None
    if (call := call_in(part)) and (column := column_in(call[1], table)) and is_tenant(column):
        return Comparison(column, f"what {call[0]}() looks for")
    for left, right in _sides(part):
        column = column_in(left, table)
        if column is None or _speaks_of(column, right):
            continue
        source = source_in(right)
        if source:
            return Comparison(column, source, personal=bool(_PERSON.search(right)))
    return None


def _speaks_of(column: str, text: str) -> bool:
    """Whether the column stands in it, other than in a literal."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", _LITERAL.sub("", text)) is not None


def source_in(text: str) -> str:
    """Return what an expression reads from the session, in words; empty where it reads something else."""
    inner = stripped(text)
    if re.match(r"SELECT\b", inner) and re.search(r"\bFROM\b", _hidden(inner)):
        return ""
    if setting := _SETTING.search(inner):
        return f"the setting {setting[1]}"
    if claim := _CLAIM.search(inner):
        return f"the claim {claim[1]} of the token"
    if person := _PERSON.search(inner):
        return f"the one who asks ({person.group()})"
    if call := _CALL.search(inner):
        return f"what {call[1]}() says"
    return ""


def column_in(text: str, table: Table) -> str | None:
    """Return the column that an expression is, casts aside; None where it is something else."""
    inner = stripped(text)
    found = re.fullmatch(rf"\(?({NAME})\)?{_CAST}", inner)
    if found is None:
        return None
    name = found[1]
    name = name[1:-1].replace('""', '"') if name.startswith('"') else name
    return name if any(column.name == name for column in table.columns) else None


def _sides(part: str) -> Iterator[tuple[str, str]]:
    """Both sides of an equation, either way round."""
    bare = _hidden(part)
    depth = 0
    for place, character in enumerate(bare):
        depth += (character == "(") - (character == ")")
        if depth == 0 and bare[place : place + 3] == " = ":
            left, right = part[:place], part[place + 3 :]
            yield left, right
            yield right, left
            return


def closes_at_end(text: str, place: int) -> bool:
    """Whether the parenthesis that opens there is closed at the very end."""
    return _closing(text[place:]) == len(text) - place - 1


def _closing(text: str) -> int:
    """Return where the first character, a parenthesis, is closed; -1 where it is not."""
    depth = 0
    for place, character in enumerate(_hidden(text)):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place
    return -1


def _hidden(text: str) -> str:
    """Return the text with quoted parts replaced by underscores, at the same length."""
    return _QUOTED.sub(lambda found: "_" * len(found.group()), text)


# --- what a policy comes to ----------------------------------------------------------------------------


def described(table: Table) -> tuple[DescribedPolicy, ...]:
    """Every policy of the table."""
    return tuple(
        DescribedPolicy(policy, definition(policy, table), purpose(policy, table))
        for policy in table.policies
    )


def definition(policy: Policy, table: Table) -> str:
    """The statement that makes the policy."""
    roles = ", ".join(role if role == "PUBLIC" else quoted(role) for role in policy.roles) or "PUBLIC"
    lines = [f"CREATE POLICY {quoted(policy.name)} ON {table.name}"]
    if not policy.permissive:
        lines.append("AS RESTRICTIVE")
    lines += [f"FOR {policy.command}", f"TO {roles}"]
    if policy.using is not None:
        lines.append(f"USING {parenthesised(policy.using)}")
    if policy.check is not None:
        lines.append(f"WITH CHECK {parenthesised(policy.check)}")
    return "\n  ".join(lines) + ";"


def purpose(policy: Policy, table: Table) -> str:
    """Return what the policy allows in a sentence; it says so where the condition is not a usual one."""
    if policy.comment:
        return policy.comment
    who = _who(policy.roles)
    verb = _VERBS[policy.command]
    condition = policy.using if policy.using is not None else policy.check
    rows = "every row" if condition is None else _rows(condition, table)
    if rows is None:
        said = f"{who} may {verb} rows that meet its condition, which is none of the usual ones."
    else:
        said = f"{who} may {verb} {rows}."
    if policy.using is not None and policy.check is not None and policy.using != policy.check:
        after = _rows(policy.check, table)
        said += f" What they leave must be {after}." if after else " What they leave must meet WITH CHECK."
    if not policy.permissive:
        return f"A limit on top of the other policies: {said[:1].lower()}{said[1:]}"
    return said


def _who(roles: tuple[str, ...]) -> str:
    return "Everyone" if not roles or "PUBLIC" in roles else f"Role {joined(roles, 'or')}"


def _rows(condition: str, table: Table) -> str | None:
    """Return the rows that a condition lets through, in words; None where a part of it is not understood."""
    choices = alternatives(condition)
    if len(choices) > 1:
        said = [_rows(choice, table) for choice in choices]
        return None if None in said else ", or ".join(filter(None, said))
    parts = [_part(part, table) for part in conjuncts(condition)]
    if any(part is None for part in parts):
        return None
    words = [part for part in parts if part]
    if "no row" in words:
        return "no row"
    if all(word == "every row" for word in words):
        return "every row"
    of_rows = [word for word in words if word != "every row" and not word.startswith("all, ")]
    provided = [word.removeprefix("all, ") for word in words if word.startswith("all, ")]
    return ", ".join(["; of these only ".join(of_rows) or "all", *provided])


def _part(part: str, table: Table) -> str | None:
    """Return the rows that one part of a condition lets through, in words."""
    if part in ("true", "false"):
        return "every row" if part == "true" else "no row"
    return (
        _flag(part, table)
        or _session(part, table)
        or _among_values(part, table)
        or _by_subselect(part, table)
        or _by_function(part, table)
        or _regardless_of_row(part)
        or None
    )


def _flag(part: str, table: Table) -> str:
    wanted = part.removeprefix("NOT ")
    column = column_in(wanted, table)
    if column is None:
        return ""
    return f"rows {'without' if wanted != part else 'with'} {column}" if _is_flag(column, table) else ""


def _is_flag(column: str, table: Table) -> bool:
    return table.column(column).type == "boolean"


def _session(part: str, table: Table) -> str:
    found = comparison(part, table)
    if found is None:
        return ""
    if found.personal:
        return f"their own rows, those whose {found.column} is {found.source}"
    whose = f"whose {found.column} is {found.source}"
    return (
        f"rows of their {_owner(found.column)}, those {whose}" if is_tenant(found.column) else f"rows {whose}"
    )


def _owner(column: str) -> str:
    """``tenant`` of ``tenant_id``."""
    return re.sub(r"_?(?:id|uuid|key)$", "", column, flags=re.IGNORECASE).replace("_", " ") or "own"


def _among_values(part: str, table: Table) -> str:
    left, operator, right = part.partition(" = ")
    column = column_in(left, table)
    values = _VALUES.findall(right)
    if not operator or column is None or not values or not _LISTED.fullmatch(_CAST_LITERAL.sub("", right)):
        return ""
    return f"rows whose {column} is {joined([value.replace(chr(39) * 2, chr(39)) for value in values], 'or')}"


def _by_subselect(part: str, table: Table) -> str:
    found = _SUBSELECT.match(part)
    if found is None or not closes_at_end(part, part.index("(", found.end(1) if found[1] else 0)):
        return ""
    whose = column_in(found[1], table) if found[1] else None
    if found[1] and whose is None:
        return ""
    other = found[2]
    about = f"rows whose {whose} is in {other}" if whose else f"rows that go with a row of {other}"
    if _ASKS.search(part):
        return f"{about}, as far as that names the one who asks"
    return f"{about}, as far as they may read that"


def _by_function(part: str, table: Table) -> str:
    found = call_in(part)
    if found is None or found[0].upper() in ("EXISTS", "NOT", "COALESCE"):
        return ""
    columns = [column for each in found[1].split(",") if (column := column_in(stripped(each), table))]
    if len(columns) == 1 and is_tenant(columns[0]):
        return f"rows of their {_owner(columns[0])}, those for which {found[0]}() says yes of {columns[0]}"
    given = f" of {listed(columns)}" if columns else ""
    return f"rows for which {found[0]}() says yes{given}"


def _regardless_of_row(part: str) -> str:
    """Return what a part means that depends on the session only: all rows or none."""
    if found := re.match(r".*\bauth\.role\(\).*? = '([^']+)'(?:::text)?$", part):
        return f"all, as long as they are signed in as {found[1]}"
    if re.fullmatch(r"\(?\s*(?:SELECT )?auth\.uid\(\)(?: AS uid\s*)?\)? IS NOT NULL", part):
        return "all, as long as they are signed in"
    if found := re.fullmatch(r"\(?current_setting\('([^']+)'::text(?:, true)?\)\)? = '([^']*)'::text", part):
        return f"all, as long as the setting {found[1]} is {found[2]}"
    return ""
