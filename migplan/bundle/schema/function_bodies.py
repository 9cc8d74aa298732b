"""What functions name in their bodies: pg_dump knows no dependencies of a body that is a string.

PostgreSQL looks into bodies where an expression is planned or evaluated while something is made: the key of
a partitioned table, a generated column, an index. What such a body names has to be there then
(https://www.postgresql.org/docs/current/xfunc-volatility.html: constants are folded when a query is planned).

Every word of a body counts that is the name of something in the archive, also in its strings, which may be
run as SQL. To count one too many does no harm: such a need is kept only where pg_dump's own order, the one
that people restore, has it already. So it never closes a circle either.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import postgast
from postgast import pg_query_pb2 as pg

from migplan.catalog.model import Catalog
from migplan.names import QualifiedName
from migplan.postgres.archive import ROUTINES, Entry
from migplan.sql.tree import options, words

_NAMED = ROUTINES | {
    "TABLE",
    "FOREIGN TABLE",
    "VIEW",
    "MATERIALIZED VIEW",
    "SEQUENCE",
    "TYPE",
    "SHELL TYPE",
    "DOMAIN",
    "COLLATION",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
}
_OF_A_RELATION = frozenset({"CONSTRAINT", "RULE"})
"""Without its key a query cannot group by it, and a view that was split in two is empty without its rule."""

_EVALUATED = frozenset(
    {"INDEX", "INDEX ATTACH", "STATISTICS", "TABLE ATTACH", "CHECK CONSTRAINT", "CONSTRAINT", "AGGREGATE"}
)
_READ = frozenset({"sql", "plpgsql"})
"""Languages whose bodies name things as SQL does. Elsewhere the parts of a name may stand apart."""

_NAME = r"""(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)"""
_CHAIN = re.compile(rf"{_NAME}(?:\s*\.\s*{_NAME})*")
_PART = re.compile(_NAME)
_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|`?]+")
_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """The names in a function's body, and the search path that it sets for itself, if it does."""

    chains: frozenset[tuple[str, ...]] = frozenset()
    operators: frozenset[str] = frozenset()
    path: Path | None = None
    loose: bool = False  # the parts of a name may stand apart


def _has_body(entry: Entry) -> bool:
    """Return whether an entry names objects that pg_dump does not list as its dependencies."""
    return entry.kind in ROUTINES or (entry.kind == "CONSTRAINT" and " EXCLUDE " in entry.definition)


def body_of(entry: Entry) -> Body:
    """Return the names in an entry's body; none if the body is not a string."""
    if entry.kind not in ROUTINES:
        return _names(entry.definition, None, loose=False)
    try:
        statement = postgast.parse(entry.definition).stmts[0].stmt.create_function_stmt
    except (postgast.PgQueryError, IndexError):
        return _names(entry.definition, None, loose=True)
    said = options(statement.options)
    texts = words(said["as"].arg.list.items) if "as" in said else ()
    settings = [node.def_elem.arg.variable_set_stmt for node in statement.options]
    paths = [_path(each, entry) for each in settings if each.name == "search_path"]
    language = said["language"].arg.string.sval if "language" in said else "sql"
    return _names("\n".join(texts), paths[-1] if paths else None, loose=language not in _READ)


def _path(setting: pg.VariableSetStmt, entry: Entry) -> Path:
    names = (name for node in setting.args for name in re.split(r"\s*,\s*", node.a_const.sval.sval))
    return tuple(entry.owner if name.strip('"') == "$user" else name.strip('"') for name in names if name)


def _names(text: str, path: Path | None, *, loose: bool) -> Body:
    chains = frozenset(tuple(map(_bare, _PART.findall(chain))) for chain in _CHAIN.findall(text))
    loose = loose or ("execute",) in chains
    return Body(chains, frozenset(_OPERATOR.findall(text)), path, loose)


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.translate(_UPPER)


@dataclass
class Bodies:
    """The archive's entries by the names that bodies may use."""

    entries: Mapping[int, Entry]
    catalog: Catalog
    _by_name: dict[str, dict[str, list[int]]] = field(default_factory=dict)  # by schema, then by name
    _operators: dict[str, list[int]] = field(default_factory=dict)
    _with: dict[int, list[int]] = field(default_factory=dict)  # what makes a relation or a type whole

    def __post_init__(self) -> None:
        """Look at every entry once."""
        self._body = cache(lambda number: body_of(self.entries[number]))
        self._named = cache(self._named_by)
        for number, entry in self.entries.items():
            if entry.kind in _NAMED:
                for name in _names_of(entry):
                    self._by_name.setdefault(entry.schema, {}).setdefault(name, []).append(number)
            elif entry.kind == "OPERATOR":
                self._operators.setdefault(entry.tag, []).append(number)
            elif entry.kind in _OF_A_RELATION or entry.kind == "CAST":
                for need in entry.needs:
                    self._with.setdefault(need, []).append(number)

    def needs(self, order: Mapping[int, int]) -> dict[int, frozenset[int]]:
        """Return what entries need because of bodies, as far as pg_dump's ``order`` has it before them."""
        leading = self._leading()
        found = {}
        for number, entry in self.entries.items():
            if number in leading and self._evaluates(entry):
                reached = self._reached(number, leading)
                if before := frozenset(each for each in reached if order[each] < order[number]):
                    found[number] = before
        return found

    def named_in(self, number: int) -> frozenset[int]:
        """Return what a routine's body names, of what has a name of its own.

        A name without a schema counts where the routine's own search path has it; one that sets none is
        taken to be called with its own schema in the path, and ``public``.
        """
        entry = self.entries[number]
        body = self._body(number)
        path = (entry.schema, "public") if body.path is None else body.path
        found = self._named(number, path)
        return frozenset(each for each in found if each != number and self.entries[each].kind in _NAMED)

    def _leading(self) -> set[int]:
        """Return the entries that have a body, and all that need one of them."""
        users: dict[int, list[int]] = {}
        for number, entry in self.entries.items():
            for need in entry.needs:
                users.setdefault(need, []).append(number)
        waiting = [number for number, entry in self.entries.items() if _has_body(entry)]
        leading = set(waiting)
        while waiting:
            new = set(users.get(waiting.pop(), ())) - leading
            leading |= new
            waiting += new
        return leading

    def _evaluates(self, entry: Entry) -> bool:
        """Return whether PostgreSQL plans or evaluates an expression when it creates this."""
        if entry.kind == "TABLE":
            table = self.catalog.by_name.get(QualifiedName(entry.schema, entry.tag))
            by_expression = table is not None and (table.partition_key or "").count("(") > 1
            return by_expression or any(column.generated for column in (table.columns if table else ()))
        return entry.kind in _EVALUATED or (entry.kind == "DEFAULT" and "GENERATED" in entry.definition)

    def _reached(self, start: int, leading: set[int]) -> set[int]:
        """Return everything that bodies name on the way down from an entry, and all that this needs."""
        found: set[int] = set()
        waiting: list[tuple[int, Path, bool]] = [(start, (), False)]
        seen = set(waiting)
        while waiting:
            number, path, named = waiting.pop()
            if named:
                found.add(number)
            entry = self.entries[number]
            after = [(need, named) for need in entry.needs if named or need in leading]
            if named:
                after += [(each, True) for each in self._with.get(number, ())]
            if _has_body(entry):
                own = self._body(number).path
                path = path if own is None else own
                after += [(each, True) for each in self._named(number, path)]
            new = {(each, path, how) for each, how in after if each in self.entries} - seen
            seen |= new
            waiting += new
        return found - {start}

    def _named_by(self, number: int, path: Path) -> frozenset[int]:
        """Return what a function's body names, seen from a search path."""
        body = self._body(number)
        found: set[int] = set()
        for chain in body.chains:
            for schema in path:
                found.update(self._by_name.get(schema, {}).get(chain[0], ()))
            for schema, name in itertools.pairwise(chain):
                found.update(self._by_name.get(schema, {}).get(name, ()))
        if body.loose:
            words = {word for chain in body.chains for word in chain}
            for schema in words & self._by_name.keys():
                names = self._by_name[schema]
                found.update(each for word in words & names.keys() for each in names[word])
        for symbol in body.operators & self._operators.keys():
            found.update(self._operators[symbol])
        for need in (*found, *self.entries[number].needs):
            found.update(each for each in self._with.get(need, ()) if self.entries[each].kind == "CAST")
        return frozenset(found)


def _names_of(entry: Entry) -> Iterator[str]:
    """Yield the possible names of an entry: a routine's ends at one of the parentheses of its tag."""
    if entry.kind not in ROUTINES:
        yield entry.tag
        return
    for found in re.finditer(r"\(", entry.tag):
        yield entry.tag[: found.start()]
