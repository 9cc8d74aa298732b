"""The objects of a target by name, to compare with what migrations need and create."""

from migplan.migrations.model import Thing, ThingKind
from migplan.names import quoted
from migplan.postgres.session import Session

# Names part by part; what belongs to a table has the table's before its own.
_QUESTION = """
    SELECT 'schema', ARRAY[nspname::text] FROM pg_catalog.pg_namespace
    UNION ALL
    SELECT 'extension', ARRAY[extname::text] FROM pg_catalog.pg_extension
    UNION ALL
    SELECT 'role', ARRAY[rolname::text] FROM pg_catalog.pg_roles
    UNION ALL
    SELECT CASE WHEN relkind IN ('i', 'I') THEN 'index' WHEN relkind = 'S' THEN 'sequence' ELSE 'table' END,
           ARRAY[nspname::text, relname::text]
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I', 'S') AND nspname NOT LIKE 'pg\\_%'
    UNION ALL
    SELECT 'column', ARRAY[nspname::text, relname::text, attname::text]
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v', 'm', 'f')
      AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    UNION ALL
    SELECT 'type', ARRAY[nspname::text, typname::text]
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = typnamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND typelem = 0
    UNION ALL
    SELECT 'function', ARRAY[nspname::text, proname::text]
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = pronamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    UNION ALL
    SELECT 'constraint', ARRAY[nspname::text, relname::text, conname::text]
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    UNION ALL
    SELECT 'trigger', ARRAY[nspname::text, relname::text, tgname::text]
    FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace WHERE NOT tgisinternal
    UNION ALL
    SELECT 'policy', ARRAY[nspname::text, relname::text, polname::text]
    FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
"""


def present(session: Session) -> frozenset[Thing]:
    """Return everything that has a name in a database, except what comes with the server."""
    with session.translate_errors("looking at what is there"):
        rows = session.execute(_QUESTION.encode()).fetchall()
    return frozenset(Thing(ThingKind(kind), ".".join(map(quoted, parts))) for kind, parts in rows)
