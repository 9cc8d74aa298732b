"""What the target's server was built with: its version says nothing of libraries that are a choice."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.run.preflight.wants import Wants
from migplan.text.wording import listed

# initdb imports ICU's collations where the server knows ICU; "unicode" alone is there in any case.
_ICU = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_collation c
               WHERE c.collprovider = 'i' AND c.collname LIKE '%-x-icu')
"""
_COMPRESSIONS = """
SELECT unnest(s.enumvals)::text FROM pg_catalog.pg_settings s WHERE s.name = 'default_toast_compression'
"""


def build(target: Target, wants: Wants) -> Iterator[Obstacle]:
    """Libraries that the files need and that the server may have been built without."""
    if wants.icu_collations and target.ask("collations", _ICU) == [(False,)]:
        yield stop(
            "collations",
            f"the server is built without ICU, which these need: {listed(sorted(wants.icu_collations), 10)}",
            "use a server that is built with ICU",
        )
    if wants.compressions:
        known = {name for (name,) in target.ask("compression", _COMPRESSIONS)}
        if known and (missing := wants.compressions - known):
            yield stop(
                "compression",
                f"the server is built without {listed(sorted(missing), 10)}, by which columns are compressed",
                "use a server that is built with it, or choose pglz for them in the source",
            )
    if wants.xml_columns and not _reads_xml(target):
        yield warn(
            "xml",
            "the server is built without libxml, and takes no values but NULL for "
            f"{listed(sorted(wants.xml_columns), 10)}",
            "use a server that is built with libxml if there are any",
        )


def _reads_xml(target: Target) -> bool:
    try:
        with target.connection.transaction(force_rollback=True):
            target.connection.execute("SELECT pg_catalog.xml_is_well_formed('<a/>')")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True
