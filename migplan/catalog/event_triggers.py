"""Event triggers that are enabled: what they see, what they call, and how they are disabled for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from migplan.names import QualifiedName, quoted
from migplan.text.wording import listed

FIRING: LiteralString = """
SELECT e.evtname::text, e.evtevent::text, e.evtenabled::text, coalesce(e.evttags, '{}'),
       n.nspname::text, p.proname::text, pg_catalog.pg_get_userbyid(e.evtowner)::text
FROM pg_catalog.pg_event_trigger e
JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE e.evtevent <> 'login' AND e.evtenabled IN ('O', 'A')
ORDER BY 1
"""
"""The question for those that are enabled; ``EventTrigger`` takes a row of the answer."""

_STATES = {"O": "ENABLE", "A": "ENABLE ALWAYS"}


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """An event trigger."""

    name: str
    event: str
    state: str  # as pg_event_trigger has it
    tags: tuple[str, ...]  # of the commands that it sees; none: of all
    schema: str
    function: str
    owner: str

    @classmethod
    def of(cls, row: Any) -> EventTrigger:
        """Return what a row of the answer says."""
        name, event, state, tags, schema, function, owner = row
        return cls(name, event, state, tuple(tags), schema, function, owner)

    def __str__(self) -> str:
        return f"{quoted(self.name)} ({self.event}, {listed(self.tags, 6) or 'all commands'})"

    @property
    def calls(self) -> QualifiedName:
        """The function that it calls."""
        return QualifiedName(self.schema, self.function)

    @property
    def disable(self) -> str:
        """The statement that disables it."""
        return f"ALTER EVENT TRIGGER {quoted(self.name)} DISABLE;"

    @property
    def enable(self) -> str:
        """The statement that enables it as it is now."""
        return f"ALTER EVENT TRIGGER {quoted(self.name)} {_STATES[self.state]};"

    def is_in(self, context: str) -> bool:
        """Whether its function is in the context of an error, as PL/pgSQL and SQL functions give it."""
        names = (str(self.calls), quoted(self.function))
        return any(f"function {name}()" in context for name in names) or (
            f'SQL function "{self.function}"' in context
        )
