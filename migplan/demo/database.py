"""The SQL that builds the source database of the demo, in the order in which to run it."""

import re
from importlib.resources import files

# Files that mean something only where the extension pgvector is installed.
NEEDS_VECTORS = frozenset({"01_vector_extension.sql", "31_vector_search.sql"})

_VECTOR_TYPE = re.compile(r"\bvector\(\d+\)")


def scripts(*, vectors: bool = True) -> list[tuple[str, str]]:
    """File names and SQL texts, first to last; each text is meant to run as a whole.

    Without ``vectors``, embeddings are plain arrays of numbers and nothing searches them. That
    builds the demo on a server without pgvector: the same tables, keys and rows.
    """
    folder = files(__package__) / "sql"
    texts = sorted(
        (entry.name, entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    )
    if vectors:
        return texts
    return [(name, _VECTOR_TYPE.sub("real[]", text)) for name, text in texts if name not in NEEDS_VECTORS]
