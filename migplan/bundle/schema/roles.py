"""Roles under other names in the target: owners, grants, default privileges and policies."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migplan.names import quoted
from migplan.postgres.archive import Entry

_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)'
# Where pg_dump names roles in these entries. It writes each statement in one way, so the places are sure.
_PLACES: Mapping[str, re.Pattern[str]] = {
    "ACL": re.compile(
        rf"(?:^SET SESSION AUTHORIZATION | TO | FROM )({_NAME})(?=;|\s+WITH GRANT OPTION;| GRANTED BY)", re.M
    ),
    "DEFAULT ACL": re.compile(
        rf"(?: FOR ROLE | TO | FROM )({_NAME})(?=;| IN SCHEMA | GRANT | REVOKE | WITH GRANT OPTION;)", re.M
    ),
    "POLICY": re.compile(rf"(?<= TO )({_NAME}(?:, {_NAME})*)(?=;| USING | WITH CHECK )"),
}


@dataclass(frozen=True, slots=True)
class Owners:
    """Who will own what: everyone as in the source, by a map of roles, or whoever runs the files."""

    kept: bool = True
    roles: Mapping[str, str] = field(default_factory=dict)

    def of(self, entry: Entry) -> str:
        """Return the role that will own an entry; empty if owners are not set."""
        return self.roles.get(entry.owner, entry.owner) if self.kept else ""

    def definition(self, entry: Entry) -> str:
        """Return the entry's definition with roles under their new names."""
        places = _PLACES.get(entry.kind)
        if not self.roles or places is None:
            return entry.definition

        def renamed(found: re.Match[str]) -> str:
            whole, names = found.group(), found.group(1)
            new = ", ".join(self._renamed(name) for name in re.findall(_NAME, names))
            return whole[: len(whole) - len(names)] + new

        return places.sub(renamed, entry.definition)

    def _renamed(self, name: str) -> str:
        stored = _stored(name)
        return quoted(self.roles[stored]) if stored in self.roles else name


FUNCTIONS = "functions"
"""What a role is named for that a function or a policy mentions: whether it is one, the source knows."""

_REASONS = {"ACL": "privileges", "DEFAULT ACL": "default privileges", "POLICY": "policies"}
_NO_ROLES = frozenset({"public", "current_user", "current_role", "session_user", "none", "default"})
# What a routine does with a role by its name: asks what it may, or becomes it.
_MENTIONED = re.compile(
    r"\bpg_has_role\s*\(\s*(?:[\w.()\"]+\s*,\s*)?'((?:[^']|'')+)'"
    r"|\bhas_\w+_privilege\s*\(\s*'((?:[^']|'')+)'\s*(?:::\s*\w+\s*)?,[^,()]*,"
    r"|\bSET\s+(?:LOCAL\s+|SESSION\s+)?\"?(?:ROLE|SESSION\s+AUTHORIZATION)\"?(?:\s+TO|\s*=)?\s+"
    rf"(?:'((?:[^']|'')+)'|({_NAME}))",
    re.IGNORECASE,
)
_SETTING = "DATABASE SETTING"


def roles_in(entry: Entry, owners: Owners) -> Iterator[tuple[str, str]]:
    """Yield the roles that an entry's definition names, as the target calls them, and what for."""
    if entry.kind in _REASONS:
        reason = _REASONS[entry.kind]
        for found in _PLACES[entry.kind].finditer(owners.definition(entry)):
            is_grantee = entry.kind == "DEFAULT ACL" and "FOR ROLE" not in found[0]
            for name in re.findall(_NAME, found[1]):
                if name != "public":
                    yield _stored(name), "privileges" if is_grantee else reason
    if entry.kind == _SETTING:
        _, of, role = entry.tag.partition(" of role ")
        if of:
            yield owners.roles.get(_stored(role), _stored(role)), "settings"
    elif entry.kind in {"FUNCTION", "PROCEDURE", "POLICY", "VIEW"}:
        for found in _MENTIONED.finditer(entry.definition):
            text, name = found[1] or found[2] or found[3], found[4]
            role = text.replace("''", "'") if text else _stored(name)
            if text or role.lower() not in _NO_ROLES:
                yield role, FUNCTIONS  # a body is not rewritten: its own word is what it asks for


def _stored(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
