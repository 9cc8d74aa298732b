"""Roles under other names in the target: owners, grants, default privileges and policies."""

import re
from collections.abc import Mapping
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
        stored = name[1:-1].replace('""', '"') if name.startswith('"') else name
        return quoted(self.roles[stored]) if stored in self.roles else name
