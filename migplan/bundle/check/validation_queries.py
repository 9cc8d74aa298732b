"""Queries with which people look for themselves whether everything has arrived.

Three files, for psql and for reading. They change nothing: each is one read-only transaction, at one moment.
Every line of an answer says ``ok`` or what is wrong; the numbers in them are those of the manifest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from migplan.bundle.data.orphan_keys import conditions
from migplan.bundle.data.self_references import DEEPEST, linked, operators, own_keys, reached
from migplan.bundle.manifest import LoadedTable, Manifest, SelfReference
from migplan.catalog.large_objects import PAGE
from migplan.catalog.model import Catalog, ForeignKey
from migplan.names import quoted_list
from migplan.sql.text import literal, one_line
from migplan.text.wording import counted

_END = "COMMIT;\n"
_SHOWN_ONE_BY_ONE = 20


def row_counts(manifest: Manifest, catalog: Catalog) -> str:
    """One query: a line for each table whose rows are in the bundle, and one for all of them."""
    if manifest.is_live:
        return _live_row_counts(manifest, catalog)
    rows = [
        (literal(table.group), literal(table.table), str(table.rows), _count_of(table, catalog))
        for table in manifest.tables
        if table.brings_rows
    ]
    head = _head(
        "Row counts",
        manifest,
        catalog,
        f"Expected: {counted(len(rows), 'table')} with {counted(manifest.rows, 'row')}, as in the files.",
        "A partitioned table is counted with its partitions; ONLY leaves out tables that inherit from one.",
    )
    if not rows:
        return f"{head}-- No rows are in this bundle.\n{_END}"
    return f"""{head}
WITH counted (place, group_name, table_name, expected, actual) AS (
    VALUES
{_values(rows)}
)
SELECT group_name AS "group", table_name AS "table", expected, actual,
       CASE WHEN actual = expected THEN 'ok' ELSE 'DIFFERS' END AS status
FROM (
    SELECT place, group_name, table_name, expected::numeric, actual::numeric FROM counted
    UNION ALL
    SELECT 1 + max(place), 'in all', count(*) || ' tables', sum(expected), sum(actual) FROM counted
) AS every_line
ORDER BY place;

{_END}"""


def _live_row_counts(manifest: Manifest, catalog: Catalog) -> str:
    """The same where rows come live: nothing is expected of the numbers but what the source says itself."""
    rows = [
        (literal(table.group), literal(table.table), _count_of(table, catalog))
        for table in manifest.tables
        if table.brings_rows
    ]
    head = _head(
        "Row counts",
        manifest,
        catalog,
        f"Expected: {counted(len(rows), 'table')}, with the rows that the source had when the bundle ran.",
        "Run the same file on the source, and compare: it has to be as it was then. With what was proved of",
        "each step when it ran, the rows of the target are compared by: migplan verify --target TARGET.",
        "A partitioned table is counted with its partitions; ONLY leaves out tables that inherit from one.",
    )
    if not rows:
        return f"{head}-- No rows are brought by this bundle.\n{_END}"
    return f"""{head}
WITH counted (place, group_name, table_name, actual) AS (
    VALUES
{_values(rows)}
)
SELECT group_name AS "group", table_name AS "table", actual
FROM (
    SELECT place, group_name, table_name, actual::numeric FROM counted
    UNION ALL
    SELECT 1 + max(place), 'in all', count(*) || ' tables', sum(actual) FROM counted
) AS every_line
ORDER BY place;

{_END}"""


def _count_of(table: LoadedTable, catalog: Catalog) -> str:
    return f"(SELECT count(*) FROM {catalog.rows_of(catalog.by_text[table.table])})"


def large_objects(manifest: Manifest, catalog: Catalog, expected: Sequence[Mapping[str, Any]]) -> str:
    """One query: a line for each large object that is not what it was, and one for all of them."""
    size = sum(each["size"] or 0 for each in expected)
    are = "as the source had it" if manifest.is_live else f"with {counted(size, 'byte')}, each as it was"
    head = _head(
        "Large objects",
        manifest,
        catalog,
        f"Expected: {counted(len(expected), 'large object')} {are}.",
        *(["Only whether they are there is looked at: their bytes came live."] if manifest.is_live else []),
        "They are read by whoever runs this: it takes a superuser, or a member of their owners.",
    )
    rows = [
        (
            f"{each['oid']}::oid",
            f"{'NULL' if each['size'] is None else each['size']}::bigint",
            literal(each["digest"]),
        )
        for each in expected
    ]
    page = str(PAGE)
    return f"""{head}
WITH expected (place, number, size, digest) AS (
    VALUES
{_values(rows)}
), compared (number, status) AS (
    SELECT e.number, CASE
        WHEN m.oid IS NULL THEN 'MISSING'
        WHEN octet_length(lo_get(e.number, e.size, 1)) > 0 THEN 'DIFFERS'
        WHEN e.digest NOT IN ('', (
            SELECT encode(sha256(coalesce(string_agg(
                sha256(lo_get(e.number, p.place, {page})), ''::bytea ORDER BY p.place), ''::bytea)), 'hex')
            FROM generate_series(0::bigint, e.size - 1, {page}::bigint) AS p (place))) THEN 'DIFFERS'
        ELSE 'ok' END
    FROM expected e LEFT JOIN pg_catalog.pg_largeobject_metadata m ON m.oid = e.number
)
SELECT "large object", status FROM (
    SELECT 0 AS place, number::text AS "large object", status FROM compared WHERE status <> 'ok'
    UNION ALL
    SELECT 1, 'in all, ' || count(*), CASE WHEN bool_and(status = 'ok') THEN 'ok' ELSE 'DIFFERS' END
    FROM compared
) AS every_line
ORDER BY place, "large object";

{_END}"""


def foreign_keys(manifest: Manifest, catalog: Catalog) -> str:
    """Two queries: whether each key is there and valid, and how many rows refer to nothing."""
    expected = set(manifest.foreign_keys)
    keys = [key for key in catalog.foreign_keys if key.label in expected]
    valid = sum(key.validated for key in keys)
    head = _head(
        "Foreign keys",
        manifest,
        catalog,
        f"Expected: {counted(len(keys), 'foreign key')}, {valid:,} of them validated, and no orphans:",
        "rows that refer to nothing. Only keys that are not validated in the source, too, may have orphans.",
        *(
            f"  Carried by choice, one of these: {one_line(key.key)}, with {counted(key.rows, 'such row')}"
            for key in manifest.carried
            if not key.in_source
        ),
    )
    if not keys:
        return f"{head}-- No foreign keys are in this bundle.\n{_END}"
    present = [
        (
            literal(str(key.table)),
            literal(key.name),
            literal(str(key.referenced)),
            "true" if key.validated else "false",
        )
        for key in keys
    ]
    return f"""{head}
-- Is every key there? MISSING: it is not. DIFFERS: it refers to another table. NOT VALIDATED: nobody has
-- looked yet whether its rows keep to it, which in the source was done.
WITH expected (place, table_name, key_name, refers_to, validated) AS (
    VALUES
{_values(present)}
), found AS (
    SELECT e.*,
           CASE WHEN c.oid IS NULL THEN 'MISSING'
                WHEN c.confrelid IS DISTINCT FROM pg_catalog.to_regclass(e.refers_to) THEN 'DIFFERS'
                WHEN e.validated AND NOT c.convalidated THEN 'NOT VALIDATED'
                ELSE 'ok'
           END AS status
    FROM expected e
    LEFT JOIN pg_catalog.pg_constraint c
           ON c.contype = 'f'
          AND c.conname = e.key_name
          AND c.conrelid = pg_catalog.to_regclass(e.table_name)
)
SELECT table_name AS "table", key_name AS "foreign key", refers_to AS "refers to", status
FROM (
    SELECT place, table_name, key_name, refers_to, status FROM found
    UNION ALL
    SELECT 1 + max(place), 'in all', count(*) || ' expected',
           count(*) FILTER (WHERE status = 'ok') || ' as expected',
           CASE WHEN bool_and(status = 'ok') THEN 'ok' ELSE 'DIFFERS' END
    FROM found
) AS every_line
ORDER BY place;
{_orphans(keys, catalog)}
{_END}"""


def self_references(manifest: Manifest, catalog: Catalog) -> str:
    """Roots and linked rows of tables that refer to themselves, and how deep their hierarchies go."""
    found = list(_own_keys(manifest, catalog))
    head = _head(
        "Self-references",
        manifest,
        catalog,
        f"Expected: {counted(len(found), 'table')} whose rows refer to rows of the same table.",
        *(
            "  " + one_line(f"{table.table}: {_rows_of(table, manifest)}by {', '.join(map(_columns, keys))}")
            for table, keys in found
        ),
    )
    queries = (_hierarchy(table, keys, catalog, live=manifest.is_live) for table, keys in found)
    return "\n".join([head, *queries, _END])


def _rows_of(table: LoadedTable, manifest: Manifest) -> str:
    return "" if manifest.is_live else f"{counted(table.rows, 'row')}, "


def _orphans(keys: Sequence[ForeignKey], catalog: Catalog) -> str:
    looked_at = [key for key in keys if not key.period]
    skipped = [key for key in keys if key.period]
    lines = [
        f"-- Not looked at: {one_line(key.name)} of {one_line(str(key.table))}, a key by PERIOD."
        for key in skipped
    ]
    if not looked_at:
        return "\n".join(lines)
    rows = [
        (
            literal(str(key.table)),
            literal(key.name),
            "true" if key.validated else "false",
            _orphans_of(key, catalog),
        )
        for key in looked_at
    ]
    lines.insert(0, "-- Orphans: rows that refer to nothing.")
    said = "\n".join(lines)
    return f"""
{said}
WITH orphans (place, table_name, key_name, validated, number) AS (
    VALUES
{_values(rows)}
)
SELECT table_name AS "table", key_name AS "foreign key", number AS orphans,
       CASE WHEN number = 0 THEN 'ok'
            WHEN validated THEN 'ORPHANS'
            ELSE 'ORPHANS, and not validated in the source'
       END AS status
FROM (
    SELECT place, table_name, key_name, validated, number::numeric FROM orphans
    UNION ALL
    SELECT 1 + max(place), 'in all', count(*) || ' keys', bool_or(validated AND number > 0), sum(number)
    FROM orphans
) AS every_line
ORDER BY place;
"""


def _orphans_of(key: ForeignKey, catalog: Catalog) -> str:
    refers, match = conditions(key)
    return (
        f"\n         (SELECT count(*) FROM {catalog.rows_of(key.table)} o\n"
        f"          WHERE ({refers})\n"
        f"            AND NOT EXISTS (SELECT FROM {catalog.rows_of(key.referenced)} r WHERE {match}))"
    )


def _own_keys(manifest: Manifest, catalog: Catalog) -> Iterator[tuple[LoadedTable, list[ForeignKey]]]:
    keys = {str(name): found for name, found in own_keys(catalog).items()}
    for table in manifest.tables:
        if table.self_keys and table.table in keys:
            yield table, keys[table.table]


def _hierarchy(table: LoadedTable, keys: Sequence[ForeignKey], catalog: Catalog, *, live: bool) -> str:
    names = catalog.by_text
    any_key = " OR ".join(map(linked, keys))
    title = one_line(table.table)
    roots = "" if table.roots is None else f" AND count(*) FILTER (WHERE NOT ({any_key})) = {table.roots}"
    expectation = f""",
       {table.rows} AS expected,
       CASE WHEN count(*) = {table.rows}{roots} THEN 'ok' ELSE 'DIFFERS' END AS status"""
    text = f"""
-- {title}: roots refer to no other row of the table, linked rows do.
SELECT {literal(table.table)} AS "table",
       count(*) FILTER (WHERE NOT ({any_key})) AS roots,
       count(*) FILTER (WHERE {any_key}) AS linked,
       count(*) AS total{"" if live else expectation}
FROM {catalog.rows_of(names[table.table])} t;
"""
    expected = {(each.table, each.key): each for each in table.self_references}
    return text + "".join(
        _depths(key, expected[str(key.table), key.name], catalog)
        for key in keys
        if (str(key.table), key.name) in expected
    )


def _depths(key: ForeignKey, expected: SelfReference, catalog: Catalog) -> str:
    lines = [*expected.levels[:_SHOWN_ONE_BY_ONE], sum(expected.levels[_SHOWN_ONE_BY_ONE:])]
    values = ", ".join(f"({place}, {number})" for place, number in enumerate(lines) if number)
    return f"""
-- {one_line(str(key.table))} by {one_line(_columns(key))}: how many rows stand how deep below a root.
-- Rows of a loop, and all below one, are not reached; the bound ends the search even if keys are missing.
{reached(key, catalog)}, expected (place, number) AS (
    VALUES {values or "(0, 0)"}
), found AS (
    SELECT least(depth, {_SHOWN_ONE_BY_ONE}) AS place, max(depth) AS deepest, count(*) AS number
    FROM reached
    GROUP BY least(depth, {_SHOWN_ONE_BY_ONE})
)
SELECT {literal(str(key.table))} AS "table", {literal(key.name)} AS "foreign key", depth, expected, actual,
       CASE WHEN actual = expected THEN 'ok' ELSE 'DIFFERS' END AS status
FROM (
    SELECT place, place || CASE WHEN f.deepest > place THEN ' to ' || f.deepest ELSE '' END AS depth,
           coalesce(e.number, 0)::numeric AS expected, coalesce(f.number, 0)::numeric AS actual
    FROM expected e FULL JOIN found f USING (place)
    UNION ALL
    SELECT {DEEPEST} + 1, 'not reached', {expected.unreached},
           (SELECT count(*) FROM {catalog.rows_of(catalog.tops[key.table])}) - coalesce(sum(f.number), 0)
    FROM found f
) AS every_line
ORDER BY place;
"""


def _columns(key: ForeignKey) -> str:
    pairs = (quoted_list(columns) for columns in (key.columns, key.referenced_columns))
    return " -> ".join(pairs)


def _values(rows: Iterable[Sequence[str]]) -> str:
    """Lines of VALUES, numbered, their columns below each other as far as that is of use."""
    every = [(str(number), *row) for number, row in enumerate(rows, 1)]
    widths = [min(60, max(len(row[column]) for row in every)) + 1 for column in range(len(every[0]) - 1)]
    lines = []
    for row in every:
        head = "".join(f"{cell + ',':{width}} " for cell, width in zip(row, widths, strict=False))
        lines.append((head.rstrip() if row[-1].startswith("\n") else head) + row[-1])
    return ",\n".join(f"        ({line})" for line in lines)


def _head(title: str, manifest: Manifest, catalog: Catalog, *lines: str) -> str:
    """What the file is for, and the transaction that it begins."""
    comment = "\n".join(f"-- {line}" for line in lines)
    return f"""\
-- {title} of the bundle {one_line(manifest.name)}, to be run by hand when all of its files have run:
--
--     psql -X -v ON_ERROR_STOP=1 -f {_FILES[title]} "$TARGET"
--
{comment}
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL search_path = {operators(catalog)};
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
"""


_FILES: Mapping[str, str] = {
    "Row counts": "validate/row-counts.sql",
    "Foreign keys": "validate/foreign-keys.sql",
    "Self-references": "validate/self-references.sql",
    "Large objects": "validate/large-objects.sql",
}
