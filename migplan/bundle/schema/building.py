"""Building definitions in an empty database, as a bundle's files have them, without the bundle's run."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import psycopg
from psycopg.errors import Diagnostic

from migplan.catalog.model import Catalog
from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect

_AT_ONCE = 100  # statements in one message
# Without a say in how definitions are printed; the first two would run functions of the bundle, or reach out.
_LEFT_OUT = re.compile(r"(CREATE|ALTER) (EVENT TRIGGER|SUBSCRIPTION) |REFRESH ")
_RAISED = "01000"
_COMMENT = re.compile(r"COMMENT ON ")


def build(address: Address, statements: Iterable[str], *, comments: bool = True) -> list[str]:
    """Run statements, many in one message while none fails; return what the server said of those that did.

    Event triggers and subscriptions are left out, and nothing is refreshed.
    """
    failed: list[str] = []
    wanted = iter(
        text for text in statements if not _LEFT_OUT.match(text) and (comments or not _COMMENT.match(text))
    )
    with connect(address) as session, session.translate_errors("building definitions on the scratch server"):
        session.autocommit = True
        while batch := list(islice(wanted, _AT_ONCE)):
            if _ran(session, "\n".join(batch)) is None:
                continue
            failed += [said for said in (_ran(session, text) for text in batch) if said is not None]
    return failed


def make_stand_ins(address: Address, text: bytes) -> list[str]:
    """Run ``provided/stubs.sql`` in an empty database; return what its statements say of themselves."""
    said: list[str] = []

    def note(notice: Diagnostic) -> None:
        if notice.sqlstate == _RAISED:  # the server warns of other things
            said.append(notice.message_primary or "")

    with connect(address) as session, session.translate_errors("making stand-ins for what is provided"):
        session.autocommit = True
        session.add_notice_handler(note)
        session.execute(text)
    return said


def roles_of(catalog: Catalog) -> frozenset[str]:
    """Return every role that the definitions of a catalog name."""
    return frozenset(_roles(catalog))


def _roles(catalog: Catalog) -> Iterator[str]:
    owned: tuple[Any, ...] = (
        *(catalog.schemas + catalog.tables + catalog.views),
        *(catalog.sequences + catalog.functions + catalog.types),
    )
    yield from (thing.owner for thing in owned if thing.owner)
    for grant in catalog.grants:
        yield from {grant.grantee, grant.of_role} - {"", "public", "(owner)"}
    for table in catalog.tables:
        for policy in table.policies:
            yield from set(policy.roles) - {"PUBLIC"}


def _ran(session: Session, text: str) -> str | None:
    """Why the server would not run it, or nothing; what one message holds is done whole or not at all."""
    try:
        session.execute(text.encode())
    except psycopg.Error as error:
        if session.closed:
            raise
        return error.diag.message_primary or "an error without a message"
    return None
