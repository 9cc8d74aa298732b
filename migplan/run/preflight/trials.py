"""What only an attempt tells: collations and dictionaries are made as temporary objects, and rolled back."""

from collections.abc import Iterator

import psycopg

from migplan.postgres.session import Session
from migplan.run.preflight.obstacle import Obstacle, stop
from migplan.run.preflight.wants import Wants

# Said elsewhere, or by nobody: the server is a standby, or the role may make nothing temporary.
_NOT_TOLD = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)


def trials(session: Session, wants: Wants) -> Iterator[Obstacle]:
    """Yield what the server refuses to make, and why."""
    if not wants.trials:
        return
    with session.translate_errors("trying what the files make"), session.transaction(force_rollback=True):
        session.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
        for label, statement in wants.trials.items():
            try:
                with session.transaction(force_rollback=True):
                    session.execute(statement.encode())
            except _NOT_TOLD:
                return
            except psycopg.Error as error:
                if session.closed:
                    raise
                said = session.address.without_secrets(
                    error.diag.message_primary or "an error without a message"
                )
                yield stop(
                    "collations" if label.startswith("collation") else "text search",
                    f"the server cannot make {label}: {said}",
                    "have its locale or its files installed on the server, or use one that has them",
                )
