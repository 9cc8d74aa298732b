"""The opposite of single entries: pg_dump's drops made safe to repeat, and inverses where it has none."""

import re
from collections.abc import Iterator, Sequence

from migplan.names import QualifiedName
from migplan.postgres.archive import Entry
from migplan.sql.text import do_block, literal

_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[\w$])+'
_NAME = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
_OUTSIDE_QUOTES = r'(?:"(?:[^"]|"")*"|[^"])'

_ALTER = re.compile(rf"ALTER (TABLE|FOREIGN TABLE|VIEW|DOMAIN) ((?:ONLY )?)({_NAME}) (.+);", re.DOTALL)
_DUMMY_VIEW = re.compile(rf"CREATE OR REPLACE VIEW ({_NAME}) .+;", re.DOTALL)
_BASE_TYPE = re.compile(rf"DROP TYPE ({_NAME}) CASCADE;")
_ATTACHING = re.compile(rf"(ALTER TABLE (?:ONLY )?{_NAME}) ATTACH PARTITION ({_NAME}) .+;", re.DOTALL)
_STATEMENT = re.compile(r'(?:"(?:[^"]|"")*"|[^";])+')
_PRIVILEGE = re.compile(
    rf"({_OUTSIDE_QUOTES}*?)\b(GRANT|REVOKE) ({_OUTSIDE_QUOTES}*) (?:TO|FROM) ({_IDENTIFIER})"
    r"(?: WITH GRANT OPTION)?",
    re.DOTALL,
)
_TRIGGER = re.compile(rf"DROP TRIGGER ({_IDENTIFIER}) ON ({_NAME});")
_SAYING = re.compile(r"""((?:"(?:[^"]|"")*"|[^"'])*?) IS (?:NULL|E?'.*');\s*""", re.DOTALL)

_SESSION = "SET SESSION AUTHORIZATION "
_SESSION_ENDS = "RESET SESSION AUTHORIZATION"

PUBLIC = "public"
_STANDARD_COMMENT = "standard public schema"

_STANDARD_OWNER = """\
DO $undo$
BEGIN
    IF pg_catalog.current_setting('server_version_num')::int >= 150000 THEN
        ALTER SCHEMA public OWNER TO pg_database_owner;
    ELSE  -- the role that initdb made
        EXECUTE pg_catalog.format('ALTER SCHEMA public OWNER TO %I', pg_catalog.pg_get_userbyid(10));
    END IF;
END
$undo$;"""

_BASE_TYPE_GUARD = """\
-- A base type and its input and output functions need each other, and only CASCADE drops them. Whether
-- anything else needs the type is looked at before.
DO $undo$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_type t
        JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_type'::regclass
                                   AND d.refobjid IN (t.oid, t.typarray)
                                   AND d.deptype = 'n'
        WHERE t.oid = pg_catalog.to_regtype({type})
          AND NOT (d.classid = 'pg_catalog.pg_proc'::regclass
                   AND d.objid IN (t.typinput, t.typoutput, t.typreceive, t.typsend,
                                   t.typmodin, t.typmodout, t.typanalyze))
    ) THEN
        RAISE EXCEPTION 'type % is in use by other objects', {type};
    END IF;
END
$undo$;
DROP TYPE IF EXISTS {name} CASCADE;"""


# Whoever may put a trigger on a table of others may not drop it again: it goes with its function.
_GUARDED_FUNCTION = """\
DO $undo$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass
          AND d.refobjid = pg_catalog.to_regprocedure({function})
          AND NOT (d.classid = 'pg_catalog.pg_trigger'::regclass
                   AND d.objid IN (SELECT t.oid FROM pg_catalog.pg_trigger t WHERE {known}))
    ) THEN
        RAISE EXCEPTION {said};
    END IF;
    {drop}
END
$undo$;"""


def can_be_dropped(entry: Entry) -> bool:
    """Return whether pg_dump has a DROP for an entry; for schema public it has a comment instead."""
    return bool(entry.drop) and not entry.drop.startswith("--")


def is_standard_schema(entry: Entry) -> bool:
    """Return whether an entry is schema public, which every new database has."""
    return entry.kind == "SCHEMA" and entry.tag == PUBLIC and not can_be_dropped(entry)


def drop_if_exists(entry: Entry) -> str:
    """Return pg_dump's DROP, so that it may be repeated when the object is gone."""
    drop = entry.drop.strip()
    if view := _DUMMY_VIEW.fullmatch(drop):
        return _only_if(f"pg_catalog.to_regclass({literal(view[1])}) IS NOT NULL", drop)
    if base_type := _BASE_TYPE.fullmatch(drop):
        return _BASE_TYPE_GUARD.format(name=base_type[1], type=literal(base_type[1]))
    if altered := _ALTER.fullmatch(drop):
        return _altered(*altered.groups())
    head = f"DROP {entry.kind} "
    return f"{head}IF EXISTS {drop.removeprefix(head)}" if drop.startswith(head) else drop


def drop_trigger_of_others(entry: Entry) -> str:
    """Return what drops a trigger on a table of somebody else's, which only the table's owner may do.

    Whoever may not drops it with the function that it calls: see :func:`drop_with_triggers`.
    """
    said = literal(
        f"trigger {entry.tag} stays until its function goes: it is on a table of others".replace("%", "%%")
    )
    return do_block(
        f"    {drop_if_exists(entry)}\nEXCEPTION WHEN insufficient_privilege THEN\n    RAISE WARNING {said};"
    )


def drop_with_triggers(function: Entry, triggers: Sequence[Entry]) -> str:
    """Return what drops a function with triggers of the bundle that call it, and with nothing else."""
    name = drop_if_exists(function).partition(" IF EXISTS ")[2].removesuffix(";")
    known = " OR ".join(
        f"(t.tgname = {literal(name)} AND t.tgrelid = pg_catalog.to_regclass({literal(table)}))"
        for name, table in map(_trigger, triggers)
    )
    return _GUARDED_FUNCTION.format(
        drop=f"DROP {function.kind} IF EXISTS {name} CASCADE;",
        function=literal(_unnamed(function)),
        said=literal(f"{function.kind.lower()} {name}".replace("%", "%%") + " is in use by other objects"),
        known=known,
    )


def _trigger(entry: Entry) -> tuple[str, str]:
    """Return the name of a trigger, as it is stored, and its table, as SQL has it."""
    found = _TRIGGER.fullmatch(entry.drop.strip())
    assert found is not None, entry.drop
    name = found[1]
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name), found[2]


def _unnamed(function: Entry) -> str:
    """Return a function as to_regprocedure has it: its schema, its name, and the types of its arguments."""
    name, arguments = function.tag.partition("(")[0], function.tag.partition("(")[2]
    return f"{QualifiedName(function.schema, name)}({arguments}"


def drop_index_over_keys(index: Entry, keyed: Sequence[tuple[Entry, Entry]]) -> str:
    """Return what drops an index of a partitioned table, and keys of partitions that are parts of it.

    The server drops neither as long as the one is a part of the other, and parts them only with their tables.
    """
    lines = []
    for _, attaching in keyed:
        parts = _ATTACHING.fullmatch(attaching.definition.strip())
        assert parts is not None, attaching.definition
        lines.append(f"{parts[1]} DETACH PARTITION {parts[2]};")
    lines.append(drop_if_exists(index))
    lines += [drop_if_exists(key) for key, _ in keyed]
    lines += [attaching.definition.strip() for _, attaching in keyed]
    name = drop_if_exists(index).removeprefix("DROP INDEX IF EXISTS ").removesuffix(";")
    return _only_if(f"pg_catalog.to_regclass({literal(name)}) IS NOT NULL", "\n        ".join(lines))


def _altered(kind: str, only: str, name: str, action: str) -> str:
    head = "DROP CONSTRAINT "
    if action.startswith(head):
        action = f"{head}IF EXISTS {action.removeprefix(head)}"
    if kind == "DOMAIN":  # alone of these it cannot be altered IF EXISTS
        return _only_if(
            f"pg_catalog.to_regtype({literal(name)}) IS NOT NULL", f"ALTER DOMAIN {name} {action};"
        )
    return f"ALTER {kind} IF EXISTS {only}{name} {action};"


def no_row_security(entry: Entry) -> str:
    """Return what disables the row-level security of a table."""
    altered = _ALTER.fullmatch(entry.definition.strip())
    assert altered is not None, entry.definition
    _, only, name, _ = altered.groups()
    return f"ALTER TABLE IF EXISTS {only}{name} DISABLE ROW LEVEL SECURITY;"


def comment_removed(entry: Entry) -> str:
    """Return what removes a comment or security label; schema public gets its standard comment back."""
    said = _SAYING.fullmatch(entry.definition)
    assert said is not None, entry.definition
    standard = entry.kind == "COMMENT" and said[1] == f"COMMENT ON SCHEMA {PUBLIC}"
    return f"{said[1]} IS {literal(_STANDARD_COMMENT) if standard else 'NULL'};"


def silenced(definition: str) -> str:
    """Return what removes a comment or security label that was given to something which had none."""
    said = _SAYING.fullmatch(definition.strip())
    assert said is not None, definition
    return f"{said[1]} IS NULL;"


def privileges_back(definition: str) -> Iterator[str]:
    """Yield a REVOKE for each GRANT, and a GRANT for each REVOKE, the last first."""
    for role, statement in reversed(list(_with_roles(definition))):
        parts = _PRIVILEGE.fullmatch(statement)
        assert parts is not None, statement
        context, verb, what, whom = parts.groups()
        way = f"REVOKE {what.rstrip()} FROM" if verb == "GRANT" else f"GRANT {what.rstrip()} TO"
        opposite = f"{context}{way} {whom};"
        yield f"{_SESSION}{role};\n{opposite}\n{_SESSION_ENDS};" if role else opposite


def default_privileges_back(entry: Entry, definition: str) -> Iterator[str]:
    """Yield the same for default privileges, as long as their schema exists."""
    for statement in privileges_back(definition):
        if entry.schema in {"", PUBLIC}:
            yield statement
        else:
            schema = literal(entry.schema)
            yield _only_if(
                f"EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {schema})", statement
            )


def standard_owner() -> str:
    """Return what gives schema public to its owner in a new database."""
    return _STANDARD_OWNER


def _with_roles(definition: str) -> Iterator[tuple[str, str]]:
    """Yield the statements of an ACL, each with the role that it runs as, if that is not the session's."""
    role = ""
    for found in _STATEMENT.findall(definition):
        statement = found.strip()
        if statement.startswith(_SESSION):
            role = statement.removeprefix(_SESSION)
        elif statement == _SESSION_ENDS:
            role = ""
        elif statement:
            yield role, statement


def _only_if(condition: str, statement: str) -> str:
    return do_block(f"    IF {condition} THEN\n        {statement}\n    END IF;")
