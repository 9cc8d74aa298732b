"""What a catalog does not hold: looked for by name where that is possible, else said not to be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from migplan.bundle.manifest import MovedObject
from migplan.postgres.failures import explained
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference

# As pg_dump calls them; each question gives their schemas ('' for none) and names.
_NAMES: Mapping[str, bytes] = {
    "EVENT TRIGGER": b"SELECT '', evtname FROM pg_catalog.pg_event_trigger",
    "PUBLICATION": b"SELECT '', pubname FROM pg_catalog.pg_publication",
    "STATISTICS": b"SELECT n.nspname, s.stxname FROM pg_catalog.pg_statistic_ext s "
    b"JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace",
    "COLLATION": b"SELECT n.nspname, c.collname FROM pg_catalog.pg_collation c "
    b"JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace",
    "TEXT SEARCH CONFIGURATION": b"SELECT n.nspname, c.cfgname FROM pg_catalog.pg_ts_config c "
    b"JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace",
    "TEXT SEARCH DICTIONARY": b"SELECT n.nspname, d.dictname FROM pg_catalog.pg_ts_dict d "
    b"JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace",
    "FOREIGN DATA WRAPPER": b"SELECT '', fdwname FROM pg_catalog.pg_foreign_data_wrapper",
    "SERVER": b"SELECT '', srvname FROM pg_catalog.pg_foreign_server",
}

# Compared as structure or rows, or said together with what they are about.
_COMPARED = frozenset(
    {
        *("SCHEMA", "EXTENSION", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "AGGREGATE", "SEQUENCE"),
        *("TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "DEFAULT", "CONSTRAINT", "FK CONSTRAINT"),
        *("CHECK CONSTRAINT", "INDEX", "INDEX ATTACH", "TABLE ATTACH", "TRIGGER", "RULE", "POLICY"),
        *("ROW SECURITY", "ACL", "DEFAULT ACL", "COMMENT", "SEQUENCE OWNED BY", "SEQUENCE SET", "SHELL TYPE"),
        *("MATERIALIZED VIEW DATA", "TABLE DATA", "REPLICA IDENTITY"),
    }
)


def looked_for(expectation: Expectation, target: Moment) -> tuple[Check, tuple[str, ...]]:
    """Whether what can be found by its name is there; and what was not compared at all."""
    expected = [moved for moved in expectation.manifest.objects if moved.kind in _NAMES]
    there: dict[str, set[tuple[str, str]]] = {}
    for kind in {moved.kind for moved in expected}:
        with explained(target.address, f"looking for objects of the kind {kind}"):
            there[kind] = {(schema, name) for schema, name in target.driver.execute(_NAMES[kind])}
    missing = [moved for moved in expected if (moved.in_schema, moved.name) not in there[moved.kind]]
    check = Check(
        "Others, by name",
        len(expected) - len(missing),
        len(expected),
        tuple(Difference(_shown(moved), "missing") for moved in missing),
    )
    unknown = Counter(
        moved.kind
        for moved in expectation.manifest.objects
        if moved.kind not in _COMPARED and moved.kind not in _NAMES
    )
    said = ", ".join(f"{kind} {number:,}" for kind, number in sorted(unknown.items()))
    return check, (f"not compared: {said}",) if said else ()


def _shown(moved: MovedObject) -> str:
    return str(moved).replace(moved.kind, moved.kind.lower(), 1)
