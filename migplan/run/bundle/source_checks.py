"""Whether a source will give the rows that a live bundle wants, before anything is changed for them."""

from __future__ import annotations

from migplan.bundle.verified import VerifiedBundle
from migplan.errors import RefusedError
from migplan.postgres.session import Session
from migplan.text.wording import counted, listed

_HIDDEN = """
    SELECT name FROM pg_catalog.unnest(%s::text[]) name
    WHERE pg_catalog.row_security_active(pg_catalog.to_regclass(name)::oid) ORDER BY 1
"""


def refuse_hidden_rows(bundle: VerifiedBundle, session: Session) -> None:
    """RefusedError where policies of row security could keep rows from the role that reads."""
    tables = sorted({block.table for _, _, block in bundle.manifest.blocks if not block.is_temporary})
    found = [name for (name,) in session.ask(_HIDDEN, [tables], during="asking for row security")]
    if found:
        role = session.info.user
        raise RefusedError(
            f"policies of row-level security decide which rows of {listed(found, 5)} {role} sees in "
            f"{session.address}; nothing was changed",
            do="read them as their owner (unless row security is forced), or as a role that policies do not "
            f"bind: ALTER ROLE {role} BYPASSRLS",
        )


def refuse_queries(bundle: VerifiedBundle, session: Session) -> None:
    """RefusedError where a query that people wrote does not give what its table takes."""
    for file, _, block in bundle.manifest.blocks:
        if not block.edited:
            continue
        during = f"asking for no row by the query for {block.table} in {file.file}"
        with session.translate_errors(during), session.transaction(force_rollback=True):
            cursor = session.execute(f"SELECT * FROM ({block.query}) rows LIMIT 0".encode())  # noqa: S608
            found = len(cursor.description or ())
        if found != len(block.columns):
            raise RefusedError(
                f"the query for {block.table} in {bundle.paths.folder / file.file} gives "
                f"{counted(found, 'column')}, and {len(block.columns)} are to come; nothing was changed",
                do=f"edit it, and take it over with: migplan check {bundle.paths.folder} --accept",
            )
