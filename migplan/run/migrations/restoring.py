"""The statements that drop an object, make it again, or give it back what it was, from its state; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from migplan.catalog.state import CLASS, Item, Key, State
from migplan.names import QualifiedName, quoted, quoted_list
from migplan.sql.text import literal

_WORDS = {
    "composite type": "TYPE",
    "enum": "TYPE",
    "range": "TYPE",
    "text search configuration": "TEXT SEARCH CONFIGURATION",
    "text search dictionary": "TEXT SEARCH DICTIONARY",
}
OF_TABLES = frozenset({"constraint", "trigger", "rule", "policy"})
ROUTINES = frozenset({"function", "procedure", "aggregate"})
RELATIONS = frozenset({"table", "foreign table", "view", "materialized view", "sequence", "index"})
TABLES = frozenset({"table", "foreign table"})
_OWNED = (
    ROUTINES
    | (RELATIONS - {"index"})
    | {"schema", "composite type", "enum", "range", "type", "domain", "publication", "event trigger"}
    | {"statistics", "server", "foreign data wrapper", "operator", "operator class", "operator family"}
    | {"collation", "text search configuration", "text search dictionary", "database", "language"}
)
_GRANTED = {
    **dict.fromkeys(("table", "foreign table", "view", "materialized view"), "TABLE"),
    **dict.fromkeys(("composite type", "enum", "range", "domain", "type"), "TYPE"),
    "aggregate": "FUNCTION",
    "server": "FOREIGN SERVER",
}
_ENABLED = {"O": "ENABLE", "D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_IDENTITY = {"a": "ALWAYS", "d": "BY DEFAULT"}
_REPLICA = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL"}
_ACL_OF = {
    "r": "TABLES",
    "S": "SEQUENCES",
    "f": "FUNCTIONS",
    "T": "TYPES",
    "n": "SCHEMAS",
    "L": "LARGE OBJECTS",
}
# Of these the value is a list of names, quoted as it has to be.
_LISTS = frozenset(
    {
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
        "unix_socket_directories",
    }
)


class CannotError(Exception):
    """There are no statements for it, and why."""


class AddedValuesError(CannotError):
    """An enum keeps values that it has got, and is as it was but for them."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = ", ".join(map(literal, labels))
        super().__init__(f"a value cannot be taken from an enum, and it has got {self.labels}")


@dataclass
class Restoring:
    """Writes statements about the objects of a state that is to come back.

    ``renamed`` has the names of objects that are called otherwise at that moment; ``rest`` is where
    objects are looked up that the state does not have.
    """

    state: State
    rest: State
    renamed: dict[Key, tuple[str, str]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)  # of types that got their former names back

    # --- names --------------------------------------------------------------------------------------------

    def name(self, item: Item) -> str:
        """Return the name of an object of its own, qualified."""
        schema, name = self.renamed.get(item.key, (item.schema, item.name))
        if item.kind == "operator":
            return f"{quoted(schema)}.{name}"
        return str(QualifiedName(schema, name)) if schema else quoted(name)

    def table(self, oid: int) -> str:
        """Return the name of a relation, or of a domain."""
        for state in (self.state, self.rest):
            found = state.relations.get(oid) or state.items.get(Key(1247, oid))
            if found is not None:
                return self.name(found)
        raise CannotError("its table is not known")

    def parent(self, item: Item) -> Item | None:
        """Return the table of which it is a part."""
        return self.state.parent_of(item) or self.rest.parent_of(item)

    def identity(self, item: Item) -> str:  # noqa: PLR0911 - one a kind
        """Return the kind and the name as COMMENT ON has them."""
        words = _WORDS.get(item.kind, item.kind.upper())
        if item.kind == "column":
            return f"COLUMN {self.table(item.parent)}.{self.own_name(item)}"
        if item.kind in OF_TABLES:
            return f"{words} {self.own_name(item)} ON {self.table(item.parent)}"
        if item.kind == "domain constraint":
            return f"CONSTRAINT {self.own_name(item)} ON DOMAIN {self.table(item.parent)}"
        if item.kind in ROUTINES:
            return f"{words} {self.name(item)}({self.arguments(item) or '*' * (item.kind == 'aggregate')})"
        if item.kind == "operator":
            return f"OPERATOR {self.name(item)} ({item.get('left') or 'NONE'}, {item.get('right')})"
        if item.kind in {"operator class", "operator family"}:
            return f"{words} {self.name(item)} USING {quoted(item.get('method'))}"
        if item.kind == "cast":
            return f"CAST {item.name}"
        return f"{words} {self.name(item)}"

    def arguments(self, item: Item) -> str:
        """Return the arguments by which a routine is known."""
        text = str(item.get("arguments") or "")
        if item.key not in self.state.items:
            for old, new in self.types.items():
                text = re.sub(rf"(?<![\w.\"]){re.escape(old)}(?![\w\"])", new.replace("\\", r"\\"), text)
        return text

    def own_name(self, item: Item) -> str:
        """Return the name of a part within its table."""
        return quoted(self.renamed.get(item.key, ("", item.name))[1])

    def alter_table(self, item: Item, *, only: bool = True) -> str:
        """Return the beginning of ALTER TABLE, for a table, or for the one of which it is a part."""
        table = item if item.kind in RELATIONS | {"composite type"} else self.parent(item)
        if table is None:
            raise CannotError("its table is not known")
        words = _WORDS.get(table.kind, table.kind.upper())
        one = "ONLY " if only and table.kind == "table" and not table.get("partition_key") else ""
        return f"ALTER {words} {one}{self.name(table)}"

    # --- drop ---------------------------------------------------------------------------------------------

    def drop(self, item: Item) -> str:
        """Return the statement that drops an object."""
        if item.kind == "column":
            word = "ATTRIBUTE" if item.get("of") == "c" else "COLUMN"
            return f"{self.alter_table(item, only=False)} DROP {word} {self.own_name(item)}"
        if item.kind == "constraint":
            return f"{self.alter_table(item, only=False)} DROP CONSTRAINT {self.own_name(item)}"
        if item.kind == "domain constraint":
            return f"ALTER DOMAIN {self.table(item.parent)} DROP CONSTRAINT {self.own_name(item)}"
        if item.kind == "membership":
            granted, _, to = item.name.partition(" TO ")
            return f"REVOKE {granted} FROM {to}"
        if item.kind == "setting":
            return f"{self._setting(item)} RESET {_parameter(item)}"
        return f"DROP {self.identity(item)}"

    def _setting(self, item: Item) -> str:
        role, where = item.get("role"), item.schema == "database"
        database = next((each for each in self.rest.items.values() if each.kind == "database"), None)
        base = f"DATABASE {quoted(database.name)}" if database else ""
        if role and where:
            return f"ALTER ROLE {quoted(role)} IN {base}"
        return f"ALTER ROLE {quoted(role)}" if role else f"ALTER {base}" if where else "ALTER ROLE ALL"

    # --- make ---------------------------------------------------------------------------------------------

    def make(self, item: Item) -> Iterator[str]:
        """Yield the statements that make an object again, bare: the rest is what :meth:`alter` gives it."""
        yield from getattr(self, f"_make_{item.kind.replace(' ', '_')}", self._make_unknown)(item)

    def _make_unknown(self, item: Item) -> Iterator[str]:
        raise CannotError(f"how a {item.kind} is made again is not known here")

    def fresh(self, item: Item) -> Item:
        """Return an object as it is right after :meth:`make`."""
        keep: dict[str, Any] = {}
        if item.kind in TABLES:
            names = ("partition_key", "method", "persistence", "tablespace", "options", "toast_options")
            keep = {name: item.get(name) for name in (*names, "of_type")}
            keep |= {"row_security": False, "force_row_security": False}
            keep["replica_identity"] = "d" if item.kind == "table" else None
            keep["parents"] = [] if item.get("bound") else item.get("parents")
        elif item.kind == "column":
            keep = {name: value for name, value in item.attributes.items() if name not in _LATER}
        elif item.kind in {"trigger", "rule", "event trigger"}:
            keep = {**item.attributes, "enabled": "O"}
        elif item.kind == "index":
            keep = {**item.attributes, "clustered": False, "replica_identity": False, "statistics": None}
        elif item.kind in {"sequence", "statistics"}:
            keep = {
                name: value for name, value in item.attributes.items() if name not in {"owned_by", "target"}
            }
        else:
            keep = dict(item.attributes)
        acl = item.acl if item.acl is None else self._initial_acl(item)
        return replace(item, attributes=keep, comment=None, acl=acl, owner=self.rest.role or item.owner)

    def _initial_acl(self, item: Item) -> tuple[tuple[str, str, bool], ...]:
        """Return the privileges that a new object may have: the usual ones, and those by default."""
        usual: set[tuple[str, str, bool]] = set()
        if item.kind in ROUTINES:
            usual |= {("", "EXECUTE", False)}
        if item.kind in {"composite type", "enum", "range", "domain", "type", "language"}:
            usual |= {("", "USAGE", False)}
        kind = {"schema": "n", "sequence": "S"}.get(item.kind)
        kind = kind or ("f" if item.kind in ROUTINES else "r" if item.kind in RELATIONS else "T")
        for each in self.state.items.values():
            if (
                each.kind == "default privileges"
                and each.get("type") == kind
                and each.schema
                in {
                    "",
                    item.schema,
                }
            ):
                usual |= {one for one in each.acl or () if one[0] != each.owner}
        owner = {(who, what, grantable) for who, what, grantable in item.acl or () if who == item.owner}
        return tuple(usual | owner)

    def _make_schema(self, item: Item) -> Iterator[str]:
        yield f"CREATE SCHEMA {self.name(item)}"

    def _make_table(self, item: Item) -> Iterator[str]:
        parents = item.get("parents") or []
        columns = [
            self.column(each)
            for each in self.state.columns(item)
            if item.get("bound") or (each.get("inherited") or [0, True])[1]
        ]
        unlogged = "UNLOGGED " if item.get("persistence") == "u" else ""
        text = f"CREATE {unlogged}TABLE {self.name(item)} (" + ", ".join(columns) + ")"
        if parents and not item.get("bound"):
            text += f" INHERITS ({', '.join(map(self.table, parents))})"
        if item.get("partition_key"):
            text += f" PARTITION BY {item.get('partition_key')}"
        if item.get("method") not in {None, "heap"}:
            text += f" USING {quoted(item.get('method'))}"
        toast = [f"toast.{each}" for each in item.get("toast_options") or ()]
        text += _with([*(item.get("options") or ()), *toast])
        if item.get("tablespace"):
            text += f" TABLESPACE {quoted(item.get('tablespace'))}"
        yield text
        if item.get("of_type"):
            yield f"{self.alter_table(item)} OF {item.get('of_type')}"

    def _make_foreign_table(self, item: Item) -> Iterator[str]:
        if item.get("secret_options") or any(each.get("secret_options") for each in self.state.columns(item)):
            raise CannotError("its options may hold secrets, and were not read")
        columns = ", ".join(self.column(each) for each in self.state.columns(item))
        yield f"CREATE FOREIGN TABLE {self.name(item)} ({columns}) SERVER {quoted(item.get('server'))}"

    def column(self, item: Item) -> str:
        """Return the definition of a column, without its default."""
        text = f"{quoted(item.name)} {item.get('type')}"
        if item.get("collation"):
            text += f" COLLATE {item.get('collation')}"
        if item.get("generated"):
            how, expression = item.get("generated")
            text += f" GENERATED ALWAYS AS ({expression}) {'VIRTUAL' if how == 'v' else 'STORED'}"
        if item.get("not_null"):
            text += self._not_null(item.get("not_null"))
        if item.get("identity"):
            text += f" GENERATED {_IDENTITY[item.get('identity')]} AS IDENTITY{self._sequence_of(item)}"
        return text

    @staticmethod
    def _not_null(said: Any) -> str:
        if not isinstance(said, list):
            return " NOT NULL"
        name, no_inherit, _ = said
        return f" CONSTRAINT {quoted(name)} NOT NULL{' NO INHERIT' if no_inherit else ''}"

    def _sequence_of(self, column: Item) -> str:
        for each in self.state.items.values():
            owner = each.get("owned_by") if each.kind == "sequence" else None
            if owner and owner[0] == "i" and (owner[1], owner[2]) == (column.key.oid, column.key.sub):
                return f" (SEQUENCE NAME {self.name(each)} {_sequence(each, with_type=False)})"
        return ""

    def _make_column(self, item: Item) -> Iterator[str]:
        if item.get("of") == "c":
            collation = f" COLLATE {item.get('collation')}" if item.get("collation") else ""
            yield (
                f"{self.alter_table(item)} ADD ATTRIBUTE {quoted(item.name)} {item.get('type')}{collation}"
            )
            return
        yield f"{self.alter_table(item, only=False)} ADD COLUMN {self.column(item)}"

    def _make_view(self, item: Item, words: str = "CREATE VIEW") -> Iterator[str]:
        options = _with(item.get("options") or ())
        yield f"{words} {self.name(item)}{options} AS\n{item.get('definition').strip().rstrip(';')}"

    def replace_view(self, item: Item) -> Iterator[str]:
        """Yield the statement that gives a view its definition back, columns being the same."""
        yield from self._make_view(item, "CREATE OR REPLACE VIEW")

    def _make_materialized_view(self, item: Item) -> Iterator[str]:
        method = item.get("method")
        using = f" USING {quoted(method)}" if method not in {None, "heap"} else ""
        space = f" TABLESPACE {quoted(item.get('tablespace'))}" if item.get("tablespace") else ""
        yield (
            f"CREATE MATERIALIZED VIEW {self.name(item)}{using}{_with(item.get('options') or ())}{space} AS\n"
            f"{item.get('definition').strip().rstrip(';')}\nWITH{'' if item.get('populated') else ' NO'} DATA"
        )

    def _make_sequence(self, item: Item) -> Iterator[str]:
        unlogged = "UNLOGGED " if item.get("persistence") == "u" else ""
        yield f"CREATE {unlogged}SEQUENCE {self.name(item)} {_sequence(item)}"
        if item.get("last_value"):
            yield f"SELECT pg_catalog.setval({literal(self.name(item))}, {item.get('last_value')})"

    def _make_index(self, item: Item) -> Iterator[str]:
        yield item.get("definition")
        # A table that becomes a partition brings its indexes into those of the partitioned table.
        if item.get("parent_index") and Key(CLASS, item.parent) in self.rest.items:
            yield f"ALTER INDEX {self.table(item.get('parent_index'))} ATTACH PARTITION {self.name(item)}"

    def _make_constraint(self, item: Item) -> Iterator[str]:
        one = item.get("type") != "c"
        yield (
            f"{self.alter_table(item, only=one)} ADD CONSTRAINT {quoted(item.name)} {item.get('definition')}"
        )

    def _make_domain_constraint(self, item: Item) -> Iterator[str]:
        yield (
            f"ALTER DOMAIN {self.table(item.parent)} ADD CONSTRAINT {quoted(item.name)} "
            f"{item.get('definition')}"
        )

    def _make_trigger(self, item: Item) -> Iterator[str]:
        yield item.get("definition").rstrip(";")

    _make_rule = _make_statistics = _make_function = _make_procedure = _make_trigger

    def _make_policy(self, item: Item) -> Iterator[str]:
        roles = ", ".join(quoted(each) if each else "PUBLIC" for each in item.get("roles"))
        text = (
            f"CREATE POLICY {quoted(item.name)} ON {self.table(item.parent)} "
            f"AS {'PERMISSIVE' if item.get('permissive') else 'RESTRICTIVE'} "
            f"FOR {_COMMANDS[item.get('command')]} TO {roles}"
        )
        if item.get("using") is not None:
            text += f" USING ({item.get('using')})"
        if item.get("check") is not None:
            text += f" WITH CHECK ({item.get('check')})"
        yield text

    def _make_aggregate(self, item: Item) -> Iterator[str]:
        said: Mapping[str, Any] = item.get("aggregate")
        if said["kind"] != "n" or said.get("moving") or said.get("sort"):
            raise CannotError("an aggregate of this kind is not made again")
        words = {
            "finalfunc": "FINALFUNC",
            "combinefunc": "COMBINEFUNC",
            "serialfunc": "SERIALFUNC",
            "deserialfunc": "DESERIALFUNC",
        }
        parts = [f"SFUNC = {said['sfunc']}", f"STYPE = {said['stype']}"]
        if said.get("sspace"):
            parts.append(f"SSPACE = {said['sspace']}")
        parts += [f"{word} = {said[name]}" for name, word in words.items() if said.get(name)]
        if said["finalextra"]:
            parts.append("FINALFUNC_EXTRA")
        if said.get("finalfunc"):
            modify = {"r": "READ_ONLY", "s": "SHAREABLE", "w": "READ_WRITE"}[said["finalmodify"]]
            parts.append(f"FINALFUNC_MODIFY = {modify}")
        if said.get("initial") is not None:
            parts.append(f"INITCOND = {literal(said['initial'])}")
        parallel = {"s": "SAFE", "r": "RESTRICTED", "u": "UNSAFE"}[said["parallel"]]
        arguments = item.get("arguments") or "*"
        yield f"CREATE AGGREGATE {self.name(item)}({arguments}) ({', '.join(parts)}, PARALLEL = {parallel})"

    def _make_composite_type(self, item: Item) -> Iterator[str]:
        columns = [
            f"{quoted(each.name)} {each.get('type')}"
            + (f" COLLATE {each.get('collation')}" if each.get("collation") else "")
            for each in self.state.columns(item)
        ]
        yield f"CREATE TYPE {self.name(item)} AS ({', '.join(columns)})"

    def _make_enum(self, item: Item) -> Iterator[str]:
        yield f"CREATE TYPE {self.name(item)} AS ENUM ({', '.join(map(literal, item.get('labels') or ()))})"

    def _make_domain(self, item: Item) -> Iterator[str]:
        text = f"CREATE DOMAIN {self.name(item)} AS {item.get('base')}"
        if item.get("collation"):
            text += f" COLLATE {item.get('collation')}"
        if item.get("default") is not None:
            text += f" DEFAULT {item.get('default')}"
        yield text + (" NOT NULL" if item.get("not_null") else "")

    def _make_range(self, item: Item) -> Iterator[str]:
        words = {
            "subtype": "SUBTYPE",
            "class": "SUBTYPE_OPCLASS",
            "collation": "COLLATION",
            "canonical": "CANONICAL",
            "diff": "SUBTYPE_DIFF",
        }
        parts = [f"{word} = {item.get(name)}" for name, word in words.items() if item.get(name)]
        if item.get("multirange"):
            parts.append(f"MULTIRANGE_TYPE_NAME = {quoted(item.schema)}.{quoted(item.get('multirange'))}")
        yield f"CREATE TYPE {self.name(item)} AS RANGE ({', '.join(parts)})"

    def _make_extension(self, item: Item) -> Iterator[str]:
        yield (
            f"CREATE EXTENSION {quoted(item.name)} SCHEMA {item.get('schema')} "
            f"VERSION {literal(item.get('version'))}"
        )

    def _make_publication(self, item: Item) -> Iterator[str]:
        yield f"CREATE PUBLICATION {quoted(item.name)}{_published(item)} WITH ({_publication(item)})"

    def _make_event_trigger(self, item: Item) -> Iterator[str]:
        tags = f" WHEN TAG IN ({', '.join(map(literal, item.get('tags')))})" if item.get("tags") else ""
        yield (
            f"CREATE EVENT TRIGGER {quoted(item.name)} ON {item.get('event')}{tags} "
            f"EXECUTE FUNCTION {item.get('function')}()"
        )

    def _make_cast(self, item: Item) -> Iterator[str]:
        how = {
            "f": f"WITH FUNCTION {item.get('function')}",
            "i": "WITH INOUT",
            "b": "WITHOUT FUNCTION",
        }[item.get("method")]
        context = {"e": "", "a": " AS ASSIGNMENT", "i": " AS IMPLICIT"}[item.get("context")]
        yield f"CREATE CAST {item.name} {how}{context}"

    def _make_operator(self, item: Item) -> Iterator[str]:
        words = {
            "left": "LEFTARG",
            "right": "RIGHTARG",
            "commutator": "COMMUTATOR",
            "negator": "NEGATOR",
            "restrict": "RESTRICT",
            "join": "JOIN",
        }
        parts = [f"FUNCTION = {item.get('function')}"]
        parts += [f"{word} = {item.get(name)}" for name, word in words.items() if item.get(name)]
        parts += [word for name, word in (("hashes", "HASHES"), ("merges", "MERGES")) if item.get(name)]
        yield f"CREATE OPERATOR {self.name(item)} ({', '.join(parts)})"

    def _make_collation(self, item: Item) -> Iterator[str]:
        provider = {"i": "icu", "c": "libc", "b": "builtin"}[item.get("provider")]
        parts = [f"PROVIDER = {provider}"]
        if item.get("locale"):
            parts.append(f"LOCALE = {literal(item.get('locale'))}")
        elif item.get("collate"):
            parts += [
                f"LC_COLLATE = {literal(item.get('collate'))}",
                f"LC_CTYPE = {literal(item.get('ctype'))}",
            ]
        parts.append(f"DETERMINISTIC = {'true' if item.get('deterministic') else 'false'}")
        if item.get("rules"):
            parts.append(f"RULES = {literal(item.get('rules'))}")
        yield f"CREATE COLLATION {self.name(item)} ({', '.join(parts)})"

    def _make_text_search_configuration(self, item: Item) -> Iterator[str]:
        yield f"CREATE TEXT SEARCH CONFIGURATION {self.name(item)} (PARSER = {item.get('parser')})"
        for token, dictionaries in sorted((item.get("mappings") or {}).items()):
            yield (
                f"ALTER TEXT SEARCH CONFIGURATION {self.name(item)} ADD MAPPING FOR {quoted(token)} "
                f"WITH {', '.join(dictionaries)}"
            )

    def _make_text_search_dictionary(self, item: Item) -> Iterator[str]:
        options = f", {item.get('options')}" if item.get("options") else ""
        yield f"CREATE TEXT SEARCH DICTIONARY {self.name(item)} (TEMPLATE = {item.get('template')}{options})"

    def _make_foreign_data_wrapper(self, item: Item) -> Iterator[str]:
        self._refuse_secrets(item)
        parts = [
            f" {word} {item.get(name)}"
            for name, word in (("handler", "HANDLER"), ("validator", "VALIDATOR"))
            if item.get(name)
        ]
        yield f"CREATE FOREIGN DATA WRAPPER {quoted(item.name)}{''.join(parts)}"

    def _make_server(self, item: Item) -> Iterator[str]:
        self._refuse_secrets(item)
        text = f"CREATE SERVER {quoted(item.name)}"
        for name in ("type", "version"):
            if item.get(name):
                text += f" {name.upper()} {literal(item.get(name))}"
        yield f"{text} FOREIGN DATA WRAPPER {quoted(item.get('wrapper'))}"

    @staticmethod
    def _refuse_secrets(item: Item) -> None:
        if item.get("secret_options"):
            raise CannotError("its options may hold secrets, and were not read")

    def _make_role(self, item: Item) -> Iterator[str]:
        if item.get("login"):
            raise CannotError("its password cannot be read, and would be lost")
        yield f"CREATE ROLE {quoted(item.name)} {_role(item)}"

    def _make_membership(self, item: Item) -> Iterator[str]:
        with_: list[str] = []
        if item.get("inherit") is not None:  # since 16
            names = ("admin", "inherit", "set")
            with_ += [f"{name.upper()} {'TRUE' if item.get(name) else 'FALSE'}" for name in names]
        elif item.get("admin"):
            with_.append("ADMIN OPTION")
        yield f"GRANT {item.name}{' WITH ' + ', '.join(with_) if with_ else ''}"

    def _make_setting(self, item: Item) -> Iterator[str]:
        if item.get("secret_value"):
            raise CannotError("its former value may be a secret, and was not read")
        value = item.get("value")
        said = value if item.get("name") in _LISTS and value else literal(value)
        yield f"{self._setting(item)} SET {_parameter(item)} TO {said}"

    # --- alter --------------------------------------------------------------------------------------------

    def owner(self, item: Item, now: Item) -> Iterator[str]:
        """Yield what gives an object back to its owner."""
        if item.owner and item.owner != now.owner and item.kind in _OWNED:
            if item.kind == "sequence" and item.get("owned_by"):
                return  # goes with its table
            yield f"ALTER {self.identity(item)} OWNER TO {quoted(item.owner)}"

    def comment(self, item: Item, now: Item) -> Iterator[str]:
        """Yield what puts the comment back."""
        if item.comment != now.comment:
            said = literal(item.comment) if item.comment is not None else "NULL"
            yield f"COMMENT ON {self.identity(item)} IS {said}"

    def privileges(self, item: Item, now: Item) -> Iterator[str]:
        """Yield what grants what was held, and revokes what was not."""
        if item.acl is None and now.acl is None:
            return
        held, holds = set(item.acl or ()), set(now.acl or ())
        if now.owner != item.owner and item.kind != "default privileges":
            holds = {(item.owner if who == now.owner else who, *more) for who, *more in holds}  # type: ignore[misc]
        for who, what in sorted({one[:2] for one in holds - held}):
            if (who, what, False) in held:
                yield self._acl("REVOKE GRANT OPTION FOR", item, what, "FROM", who)
            elif (who, what, True) not in held:
                yield self._acl("REVOKE", item, what, "FROM", who)
                for column in self.state.columns(item) if item.kind in RELATIONS else ():
                    again = [one for one in column.acl or () if one[:2] == (who, what)]
                    for _, _, grantable in again:  # a REVOKE of the table's is one of its columns', too
                        more = " WITH GRANT OPTION" if grantable else ""
                        yield self._acl("GRANT", column, what, "TO", who) + more
        for who, what, grantable in sorted(held - holds):
            if not grantable and (who, what, True) in holds:
                continue
            yield self._acl("GRANT", item, what, "TO", who) + (" WITH GRANT OPTION" if grantable else "")

    def _acl(self, verb: str, item: Item, privilege: str, word: str, who: str) -> str:
        whom = quoted(who) if who else "PUBLIC"
        if item.kind == "default privileges":
            kind = _ACL_OF[item.get("type")]
            space = f" IN SCHEMA {item.schema}" if item.schema else ""
            role = quoted(item.owner or "")
            return (
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {role}{space} {verb} {privilege} ON {kind} {word} {whom}"
            )
        if item.kind == "column":
            return (
                f"{verb} {privilege} ({self.own_name(item)}) ON TABLE {self.table(item.parent)} {word} {whom}"
            )
        kind = _GRANTED.get(item.kind, item.kind.upper())
        arguments = f"({item.get('arguments') or ''})" if item.kind in ROUTINES else ""
        return f"{verb} {privilege} ON {kind} {self.name(item)}{arguments} {word} {whom}"

    def alter(self, item: Item, now: Item) -> Iterator[str]:
        """Yield what gives an object back its attributes, as far as no definition is concerned.

        Defaults, types of columns and definitions are not among them.
        """
        kind = item.kind.replace(" ", "_")
        yield from getattr(self, f"_alter_{kind}", self._alter_nothing)(item, now)

    def _alter_nothing(self, _item: Item, _now: Item) -> Iterator[str]:
        yield from ()

    def _alter_table(self, item: Item, now: Item) -> Iterator[str]:
        start = self.alter_table(item)
        yield from self._join(item, now)
        for name, on, off in (
            ("row_security", "ENABLE", "DISABLE"),
            ("force_row_security", "FORCE", "NO FORCE"),
        ):
            if bool(item.get(name)) != bool(now.get(name)):
                yield f"{start} {on if item.get(name) else off} ROW LEVEL SECURITY"
        identity = item.get("replica_identity")
        if identity != now.get("replica_identity") and identity in _REPLICA:
            yield f"{start} REPLICA IDENTITY {_REPLICA[identity]}"
        yield from self._options(item, now)
        if item.get("persistence") != now.get("persistence"):
            yield f"{start} SET {'UNLOGGED' if item.get('persistence') == 'u' else 'LOGGED'}"
        if item.get("method") != now.get("method"):
            yield f"{start} SET ACCESS METHOD {quoted(item.get('method'))}"
        if item.get("of_type") != now.get("of_type"):
            yield f"{start} {'OF ' + item.get('of_type') if item.get('of_type') else 'NOT OF'}"
        if item.get("partition_key") != now.get("partition_key"):
            raise CannotError("how it is partitioned cannot be altered")

    _alter_foreign_table = _alter_table

    def leave(self, item: Item, now: Item) -> Iterator[str]:
        """Yield what takes a table from what it was not a part of."""
        was, are = item.get("parents") or [], now.get("parents") or []
        for each in are:
            if now.get("bound") and (was, item.get("bound")) != (are, now.get("bound")):
                yield f"ALTER TABLE {self.table(each)} DETACH PARTITION {self.name(item)}"
            elif each not in was:
                yield f"ALTER TABLE {self.name(item)} NO INHERIT {self.table(each)}"

    def _join(self, item: Item, now: Item) -> Iterator[str]:
        """Yield what makes a table a part again of what it was a part of."""
        was, are = item.get("parents") or [], now.get("parents") or []
        for each in was:
            if item.get("bound") and (was, item.get("bound")) != (are, now.get("bound")):
                yield f"ALTER TABLE {self.table(each)} ATTACH PARTITION {self.name(item)} {item.get('bound')}"
            elif each not in are:
                yield f"ALTER TABLE {self.name(item)} INHERIT {self.table(each)}"

    def _options(self, item: Item, now: Item) -> Iterator[str]:
        start = f"ALTER {_WORDS.get(item.kind, item.kind.upper())} {self.name(item)}"
        for name, prefix in (("options", ""), ("toast_options", "toast.")):
            was, are = set(item.get(name) or ()), set(now.get(name) or ())
            names = {each.partition("=")[0] for each in was}
            gone = sorted({each.partition("=")[0] for each in are} - names)
            if gone:
                yield f"{start} RESET ({', '.join(prefix + _option(each) for each in gone)})"
            if was - are:
                yield f"{start} SET ({', '.join(prefix + _given(each) for each in sorted(was - are))})"
        if item.get("tablespace") != now.get("tablespace") and item.kind in {
            "table",
            "index",
            "materialized view",
        }:
            yield f"{start} SET TABLESPACE {quoted(item.get('tablespace') or 'pg_default')}"

    def _alter_view(self, item: Item, now: Item) -> Iterator[str]:
        yield from self._options(item, now)

    def _alter_materialized_view(self, item: Item, now: Item) -> Iterator[str]:
        yield from self._options(item, now)
        if item.get("method") != now.get("method"):
            yield f"ALTER MATERIALIZED VIEW {self.name(item)} SET ACCESS METHOD {quoted(item.get('method'))}"
        if item.get("populated") != now.get("populated"):
            data = "" if item.get("populated") else " WITH NO DATA"
            yield f"REFRESH MATERIALIZED VIEW {self.name(item)}{data}"

    def _alter_sequence(self, item: Item, now: Item) -> Iterator[str]:
        names = ("type", "start", "increment", "min", "max", "cache", "cycle")
        if any(item.get(name) != now.get(name) for name in names):
            yield f"ALTER SEQUENCE {self.name(item)} {_sequence(item)}"
        was, are = item.get("owned_by"), now.get("owned_by")
        if was != are and "i" not in {(was or ["a"])[0], (are or ["a"])[0]}:
            owner = "NONE"
            if was:
                column = self.state.items[Key(CLASS, was[1], was[2])]
                owner = f"{self.table(was[1])}.{quoted(column.name)}"
            yield f"ALTER SEQUENCE {self.name(item)} OWNED BY {owner}"
        if item.get("persistence") != now.get("persistence") and "i" not in {(was or ["a"])[0]}:
            logged = "UNLOGGED" if item.get("persistence") == "u" else "LOGGED"
            yield f"ALTER SEQUENCE {self.name(item)} SET {logged}"

    def _alter_index(self, item: Item, now: Item) -> Iterator[str]:
        yield from self._options(item, now)
        start = f"ALTER TABLE {self.table(item.parent)}"
        if item.get("clustered") != now.get("clustered") and item.get("clustered"):
            yield f"{start} CLUSTER ON {quoted(item.name)}"
        elif item.get("clustered") != now.get("clustered"):
            yield f"{start} SET WITHOUT CLUSTER"
        if item.get("replica_identity") and not now.get("replica_identity"):
            yield f"{start} REPLICA IDENTITY USING INDEX {quoted(item.name)}"
        was, are = item.get("statistics") or {}, now.get("statistics") or {}
        for number in sorted(was.keys() | are.keys()):
            if was.get(number) != are.get(number):
                target = was.get(number, -1)
                yield f"ALTER INDEX {self.name(item)} ALTER COLUMN {number} SET STATISTICS {target}"

    def _alter_column(self, item: Item, now: Item) -> Iterator[str]:
        if item.get("of") == "c":
            return
        start = f"{self.alter_table(item, only=False)} ALTER COLUMN {quoted(item.name)}"
        if item.get("storage") != now.get("storage"):
            said = item.get("storage")
            yield f"{start} SET STORAGE {_STORAGE[said] if said else 'DEFAULT'}"
        if item.get("compression") != now.get("compression"):
            methods = {"p": "pglz", "l": "lz4", None: "default"}
            yield f"{start} SET COMPRESSION {methods[item.get('compression')]}"
        if item.get("statistics") != now.get("statistics"):
            said = item.get("statistics")
            yield f"{start} SET STATISTICS {-1 if said is None else said}"
        was, are = set(item.get("options") or ()), set(now.get("options") or ())
        gone = sorted({each.partition("=")[0] for each in are} - {each.partition("=")[0] for each in was})
        if gone:
            yield f"{start} RESET ({', '.join(map(_option, gone))})"
        if was - are:
            yield f"{start} SET ({', '.join(map(_given, sorted(was - are)))})"
        if item.get("secret_options") != now.get("secret_options"):
            raise CannotError("its options may hold secrets, and were not read")

    def _alter_trigger(self, item: Item, now: Item) -> Iterator[str]:
        if item.get("enabled") != now.get("enabled"):
            state = _ENABLED[item.get("enabled")]
            yield f"{self.alter_table(item)} {state} {item.kind.upper()} {quoted(item.name)}"

    def _alter_rule(self, item: Item, now: Item) -> Iterator[str]:
        if item.get("enabled") != now.get("enabled"):
            start = self.alter_table(item, only=False)
            yield f"{start} {_ENABLED[item.get('enabled')]} RULE {quoted(item.name)}"

    def _alter_event_trigger(self, item: Item, now: Item) -> Iterator[str]:
        if item.get("enabled") != now.get("enabled"):
            yield f"ALTER EVENT TRIGGER {quoted(item.name)} {_ENABLED[item.get('enabled')]}"

    def _alter_statistics(self, item: Item, now: Item) -> Iterator[str]:
        if item.get("target") != now.get("target"):
            said = item.get("target")
            yield f"ALTER STATISTICS {self.name(item)} SET STATISTICS {-1 if said is None else said}"

    def _alter_domain(self, item: Item, now: Item) -> Iterator[str]:
        start = f"ALTER DOMAIN {self.name(item)}"
        if item.get("default") != now.get("default"):
            said = item.get("default")
            yield f"{start} {'DROP DEFAULT' if said is None else f'SET DEFAULT {said}'}"
        if bool(item.get("not_null")) != bool(now.get("not_null")):
            yield f"{start} {'SET' if item.get('not_null') else 'DROP'} NOT NULL"

    def _alter_enum(self, item: Item, now: Item) -> Iterator[str]:
        was, are = item.get("label_oids") or {}, now.get("label_oids") or {}
        renamed = {label: was[oid] for oid, label in are.items() if was.get(oid, label) != label}
        if new := [label for oid, label in are.items() if oid not in was]:
            added = AddedValuesError(new)
            raise CannotError(str(added)) if renamed else added
        aside = {now_: f"{now_}_of_migplan" for now_ in renamed if now_ in renamed.values()}
        for one, other in aside.items():
            yield f"ALTER TYPE {self.name(item)} RENAME VALUE {literal(one)} TO {literal(other)}"
        for one, other in renamed.items():
            now_ = literal(aside.get(one, one))
            yield f"ALTER TYPE {self.name(item)} RENAME VALUE {now_} TO {literal(other)}"

    def _alter_extension(self, item: Item, now: Item) -> Iterator[str]:
        if item.get("version") != now.get("version"):
            raise CannotError(f"it was updated from {item.get('version')}, and extensions have no way back")
        if item.get("schema") != now.get("schema"):
            yield f"ALTER EXTENSION {quoted(item.name)} SET SCHEMA {item.get('schema')}"

    def _alter_publication(self, item: Item, now: Item) -> Iterator[str]:
        if item.get("all") != now.get("all"):
            raise CannotError("FOR ALL TABLES cannot be altered")
        if _publication(item) != _publication(now):
            yield f"ALTER PUBLICATION {quoted(item.name)} SET ({_publication(item)})"
        if _published(item) != _published(now):
            if _published(item):
                yield f"ALTER PUBLICATION {quoted(item.name)} SET{_published(item).removeprefix(' FOR')}"
            else:
                # Tables that the migration made are out of it since they were dropped.
                there = {self.name(each) for each in self.state.relations.values()}
                tables = [each for each in now.get("tables") or () if each[0] in there]
                left = replace(now, attributes={**now.attributes, "tables": tables})
                if published := _published(left, bare=True).removeprefix(" FOR"):
                    yield f"ALTER PUBLICATION {quoted(item.name)} DROP{published}"

    def _alter_role(self, item: Item, now: Item) -> Iterator[str]:
        if item.attributes != now.attributes:
            yield f"ALTER ROLE {quoted(item.name)} {_role(item)}"

    def _alter_setting(self, item: Item, now: Item) -> Iterator[str]:
        if item.attributes != now.attributes:
            yield from self._make_setting(item)

    def _alter_text_search_configuration(self, item: Item, now: Item) -> Iterator[str]:
        was, are = item.get("mappings") or {}, now.get("mappings") or {}
        start = f"ALTER TEXT SEARCH CONFIGURATION {self.name(item)}"
        for token in sorted(are.keys() - was.keys()):
            yield f"{start} DROP MAPPING FOR {quoted(token)}"
        for token in sorted(was):
            if was[token] != are.get(token):
                verb = "ALTER" if token in are else "ADD"
                yield f"{start} {verb} MAPPING FOR {quoted(token)} WITH {', '.join(was[token])}"

    def _alter_server(self, item: Item, now: Item) -> Iterator[str]:
        yield from ()
        if item.attributes != now.attributes:
            raise CannotError("it was altered, and its options, which may hold secrets, were not read")

    _alter_foreign_data_wrapper = _alter_server


_LATER = frozenset({"default", "storage", "compression", "statistics", "options"})
"""What a column gets after it is there."""


def _sequence(item: Item, *, with_type: bool = True) -> str:
    kind = f"AS {item.get('type')} " if with_type else ""
    return (
        f"{kind}INCREMENT BY {item.get('increment')} MINVALUE {item.get('min')} MAXVALUE {item.get('max')} "
        f"START WITH {item.get('start')} CACHE {item.get('cache')} {'' if item.get('cycle') else 'NO '}CYCLE"
    )


def _option(name: str) -> str:
    return ".".join(map(quoted, name.split("."))) if re.search(r"[^a-z0-9_.]", name) else name


def _given(said: str) -> str:
    name, _, value = said.partition("=")
    return f"{_option(name)} = {literal(value)}"


def _with(options: Any) -> str:
    given = ", ".join(
        f"toast.{_given(each.removeprefix('toast.'))}" if each.startswith("toast.") else _given(each)
        for each in options
    )
    return f" WITH ({given})" if given else ""


def _publication(item: Item) -> str:
    done = [name for name in ("insert", "update", "delete", "truncate") if item.get(name)]
    root = "true" if item.get("via_root") else "false"
    generated = {"s": "stored", "true": "stored"}.get(item.get("generated") or "")
    more = f", publish_generated_columns = {generated}" if generated else ""
    return f"publish = {literal(', '.join(done))}, publish_via_partition_root = {root}{more}"


def _published(item: Item, *, bare: bool = False) -> str:
    if item.get("all"):
        return " FOR ALL TABLES"
    parts = []
    for table, condition, columns in item.get("tables") or ():
        text = table
        if columns and not bare:
            text += f" ({quoted_list(columns)})"
        if condition and not bare:
            text += f" WHERE ({condition})"
        parts.append(text)
    said = [f"TABLE {', '.join(parts)}"] if parts else []
    if item.get("schemas"):
        said.append(f"TABLES IN SCHEMA {quoted_list(item.get('schemas'))}")
    return f" FOR {', '.join(said)}" if said else ""


def _role(item: Item) -> str:
    words = {
        "super": "SUPERUSER",
        "inherit": "INHERIT",
        "createrole": "CREATEROLE",
        "createdb": "CREATEDB",
        "login": "LOGIN",
        "replication": "REPLICATION",
        "bypassrls": "BYPASSRLS",
    }
    said = [word if item.get(name) else f"NO{word}" for name, word in words.items()]
    until = f" VALID UNTIL {literal(item.get('until') or 'infinity')}"
    return f"{' '.join(said)} CONNECTION LIMIT {item.get('limit')}{until}"


def _parameter(item: Item) -> str:
    return ".".join(map(quoted, item.get("name").split(".")))
