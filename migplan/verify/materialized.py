"""Materialised views: whether each holds what its query gives, in the target itself.

A source may be behind its own tables, for nobody has refreshed it since; the target's was filled from the
rows that were moved. So it is held against its own query, unless that would run functions that people made: a
verification runs nobody's code. Where the query may give something else each time, nothing is claimed.
"""

import re

import psycopg

from migplan.catalog.model import View
from migplan.names import QualifiedName
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference

# Functions and operators that somebody made, as far as the query, and the views that it reads, lean on them.
_FUNCTIONS = b"""
WITH RECURSIVE needed (class, oid) AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid, pg_catalog.to_regclass($1)::oid
    UNION
    SELECT d.refclassid, d.refobjid
    FROM needed n
    JOIN pg_catalog.pg_rewrite w ON n.class = 'pg_catalog.pg_class'::regclass AND w.ev_class = n.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
)
SELECT count(*) FROM needed n
WHERE n.oid >= 16384 AND (
    n.class IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
    OR n.class = 'pg_catalog.pg_type'::regclass  -- checks of domains call functions, too
       AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = n.oid AND t.typtype = 'd')
    OR n.class = 'pg_catalog.pg_class'::regclass
       AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = n.oid AND c.relkind = 'f'))
"""
_CONTENT = (
    "SELECT count(*), coalesce(sum(pg_catalog.hashtextextended("
    't::pg_catalog.text COLLATE "C", 0)::numeric), 0) FROM {rows} t'
)
# What runs SQL that stands in a text, or does more than to answer.
_RUNS_TEXTS = re.compile(r"\b(\w+_to_xml\w*|set_config|lo_\w+|pg_\w+)\b", re.IGNORECASE)
# What depends on the clock, on chance, on who asks, or on the order in which rows happen to come.
_EACH_TIME = re.compile(
    r"\b(now|random\w*|gen_random_uuid|uuidv[47]|clock_timestamp|\w+_timestamp|timeofday|age|nextval|"
    r"current_\w+|localtime\w*|session_user|user|\w+_agg|xmlagg|limit|fetch|over|tablesample|distinct on|"
    r"txid_\w+|pg_\w+|first_value|float[48]|double precision|real)\b",
    re.IGNORECASE,
)


def compared(expectation: Expectation, target: Moment) -> tuple[Check, tuple[str, ...]]:
    """Every materialised view that is to be filled, and those of which nothing can be told."""
    there = {view.name: view for view in target.catalog.views if view.materialized and view.populated}
    views = [
        there[view.name]
        for view in expectation.catalog.views
        if view.materialized and view.populated and view.name in there
    ]
    texts = {view.name: view for view in target.catalog.views}
    differences: list[Difference] = []
    unknown: list[str] = []
    for view in views:
        found = _held_against_its_query(target, view, texts)
        if isinstance(found, Difference):
            differences.append(found)
        elif found:
            unknown.append(f"{view.name} ({found})")
    of = len(views) - len(unknown)
    notes = (f"contents of materialised views that were not compared: {', '.join(unknown)}",)
    check = Check("Materialised views", of - len(differences), of, tuple(differences))
    return check, notes if unknown else ()


def _held_against_its_query(
    target: Moment, view: View, views: dict[QualifiedName, View]
) -> Difference | str | None:
    """What differs, or why that cannot be told."""
    texts = _texts(view, views)
    if any(_RUNS_TEXTS.search(text) for text in texts):
        return "its query calls functions that do more than to answer"
    session = target.session
    with session.translate_errors(f"reading {view.name}"):
        try:
            with session.transaction(force_rollback=True):
                cursor = psycopg.RawCursor(session)
                ((functions,),) = cursor.execute(_FUNCTIONS, [str(view.name)]).fetchall()
                if functions:
                    return "its query calls functions that people made, or reads foreign tables"
                query = f"({view.definition.rstrip().rstrip(';')})"
                (here, then) = (
                    session.execute(_CONTENT.format(rows=rows).encode()).fetchone()
                    for rows in (str(view.name), query)
                )
        except psycopg.Error as error:
            if session.closed:
                raise
            return f"the server said: {error.diag.message_primary}"
    if here == then or here is None or then is None:
        return None
    if any(_EACH_TIME.search(text) for text in texts):
        return "its query may give something else each time"
    other = f"holds {here[0]:,} rows, and its query gives {then[0]:,}"
    same_number = f"its {here[0]:,} rows are not those that its query gives"
    return Difference(str(view.name), other if here[0] != then[0] else same_number)


def _texts(
    view: View, views: dict[QualifiedName, View], seen: frozenset[QualifiedName] = frozenset()
) -> list[str]:
    """The definition, and those of the views that it reads."""
    found = [view.definition]
    for name in view.reads:
        if name in views and name not in seen and not views[name].materialized:
            found += _texts(views[name], views, seen | {name})
    return found
