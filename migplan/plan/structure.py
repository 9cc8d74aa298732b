"""What identifies the structure of a planned table, so that changes can be given their place."""

from __future__ import annotations

import hashlib

from migplan.catalog.fingerprint import table_fingerprint
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName


def structure_of(name: QualifiedName, graph: ForeignKeyGraph) -> str:
    """A short digest of a table; of a partitioned one it covers the partitions, too."""
    digests = [table_fingerprint(table) for table in graph.families[name]]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:12]
