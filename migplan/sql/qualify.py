"""Bare names of a file that sets its search path: in which schema they stand, written into the tree."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.sql.statements import Parsed

_LISTS = ("funcname", "type_name", "domainname", "defnames", "objname")


def search_path(setting: pg.VariableSetStmt) -> tuple[str, ...]:
    """The schemas of a SET search_path in which names of people's are looked for."""
    found = [name for node in setting.args for name in re.split(r"\s*,\s*", node.a_const.sval.sval)]
    return tuple(name for name in found if name and not name.startswith(("pg_", "$", '"$')))


def qualified(statements: Iterable[Parsed]) -> Iterator[Parsed]:
    """The statements; after SET search_path, what they make and change has its schema."""
    home = "public"
    for statement in statements:
        if statement.kind == "variable_set_stmt" and statement.node.variable_set_stmt.name == "search_path":
            home = next(iter(search_path(statement.node.variable_set_stmt)), "public")
        if home == "public":
            yield statement
            continue
        node = pg.Node()
        node.CopyFrom(statement.node)
        _qualify(getattr(node, statement.kind), home)
        yield replace(statement, node=node)


def _qualify(message: Any, home: str) -> None:
    if message.DESCRIPTOR.name == "RangeVar":
        if not message.schemaname and message.relpersistence != "t":
            message.schemaname = home
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.name in _LISTS and field.is_repeated and len(value) == 1:
            name = value[0].string.sval
            value[0].string.sval = home
            value.add().string.sval = name
        for each in value if field.is_repeated else [value]:
            if field.name not in _LISTS and each.DESCRIPTOR.name != "FuncCall":
                _qualify(each, home)
