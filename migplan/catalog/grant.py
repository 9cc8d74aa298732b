"""Privileges, as far as they are not those that every object has by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from migplan.names import QualifiedName, quoted


@dataclass(frozen=True, slots=True)
class Grant:
    """What one grantee may do with an object beyond, or short of, what everybody may by default.

    The owner stands as ``(owner)``, whoever that is, and what an owner may do anyhow is not repeated:
    an object in other hands is one difference, not many.
    """

    kind: str  # table, view, column, sequence, function, type, schema or default privileges
    schema: str  # empty for default privileges that hold everywhere
    object: str  # empty for a schema; of default privileges, the kind of objects
    part: str = field(metadata={"printed": "name"})  # a column's name, a function's arguments
    grantee: str  # public, (owner), or a role
    privileges: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()  # of the default ones: EXECUTE of public, say
    of_role: str = ""  # of default privileges, whose new objects get them

    @property
    def name(self) -> str:
        """``on table public.rooms to reader``, the way messages name it."""
        return f"on {self.on} to {self.grantee}"

    @property
    def on(self) -> str:
        """``column public.rooms.price``, ``default privileges of keeper for tables``."""
        if self.kind == "default privileges":
            where = f" in schema {quoted(self.schema)}" if self.schema else ""
            return f"default privileges of {self.of_role}{where} for {self.object}"
        if self.kind == "schema":
            return f"schema {quoted(self.schema)}"
        part = {"column": f".{quoted(self.part)}" if self.part else "", "function": f"({self.part})"}
        return f"{self.kind} {QualifiedName(self.schema, self.object)}{part.get(self.kind, '')}"
