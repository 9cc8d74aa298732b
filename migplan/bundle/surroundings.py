"""What a source has around its tables and pg_dump does not put into a schema: said, or refused."""

from __future__ import annotations

from typing import Any

import psycopg

from migplan.bundle.wording import counted
from migplan.errors import PlanError
from migplan.postgres.address import Address
from migplan.postgres.failures import explained

# Their values stay where they are: platforms keep the secrets of their tokens there.
_SETTINGS = """
SELECT CASE WHEN s.setrole = 0
            THEN pg_catalog.format('ALTER DATABASE %I SET %s', d.datname, n.name)
            ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET %s',
                                   pg_catalog.pg_get_userbyid(s.setrole), d.datname, n.name)
       END
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) c
CROSS JOIN LATERAL (SELECT pg_catalog.split_part(c, '=', 1) AS name) n
WHERE d.datname = current_database()
ORDER BY 1
"""


def settings_of_the_database(driver: psycopg.Connection[Any], address: Address) -> tuple[str, ...]:
    """The names of settings that defaults and policies may depend on: the target has its own."""
    with explained(address, "reading the settings of the database"):
        found = driver.execute(_SETTINGS).fetchall()
    return tuple(
        f"not in any file, set it on the target if you need it (its value is not shown): {statement}"
        for (statement,) in found
    )


def refuse_large_objects(
    driver: psycopg.Connection[Any], address: Address, *, left_behind: bool
) -> tuple[str, ...]:
    """Large objects have no table, and no place in a bundle: people must say that they stay behind."""
    with explained(address, "looking for large objects"):
        (count,) = driver.execute("SELECT count(*) FROM pg_catalog.pg_largeobject_metadata").fetchone() or (
            0,
        )
    if not count:
        return ()
    if left_behind:
        return (f"left behind by choice: {counted(count, 'large object')}",)
    raise PlanError(
        f"{address} has {counted(count, 'large object')}, and a bundle cannot carry any",
        do="move them with pg_dump --large-objects; --without-large-objects goes on without them",
    )
