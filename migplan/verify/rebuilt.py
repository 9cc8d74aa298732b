"""The bundle's definitions on a scratch server: what a server of the target's version makes of them.

A server prints a definition from the tree that it read, and so two servers may print one definition in two
ways. What the target must say is what another server of its version says after it has read the same files.
Nothing of this touches the target.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from migplan.bundle.schema.building import build, make_stand_ins, roles_of
from migplan.bundle.schema.definitions import stand_ins, texts
from migplan.catalog import read
from migplan.catalog.attributes import Attributes
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog
from migplan.catalog.read_attributes import read_attributes
from migplan.errors import DatabaseError, FileError, LaunchError, RefusedError
from migplan.postgres.address import Address
from migplan.postgres.binaries import LIBRARIES, find_server
from migplan.postgres.scratch import lent_database, scratch
from migplan.postgres.session import connect, reading
from migplan.verify.expectation import Expectation


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it: a catalog, or why there is none."""

    catalog: Catalog | None
    attributes: Attributes | None = None
    why: str = ""  # what could not be made, too
    do: str = ""


def rebuilt(expectation: Expectation, major: int, lent: Address | None = None) -> Rebuilt:
    """Build the bundle's definitions on a server of that version, and read the catalog there.

    ``lent`` is a running server on which a database is made and dropped; without one, a throwaway server is
    started. RefusedError says that the server that was lent is of another version.
    """
    try:
        folder, manifest = expectation.paths.folder, expectation.manifest
        provided, statements = stand_ins(folder, manifest), list(texts(folder, manifest))
        with _server(expectation, major, lent) as address:
            if provided:
                make_stand_ins(address, provided)
            failed = build(address, statements, comments=False)
            with reading(address) as session:
                catalog = read.read(session, Counting(Exactness.ESTIMATE))
                found = read_attributes(session)
    except (LaunchError, DatabaseError) as error:
        if lent is not None:
            raise  # who names a server wants to know what is wrong with it
        return Rebuilt(None, None, error.what, "name a running server of the target's version: --scratch URL")
    except FileError as error:
        return Rebuilt(None, None, error.what, error.do)
    if not failed:
        return Rebuilt(catalog, found)
    return Rebuilt(
        catalog,
        found,
        f"{len(failed):,} statements could not be run on the scratch server, the first for: {failed[0]}",
        "name a server of the target's version that has what is missing: --scratch URL",
    )


@contextmanager
def _server(expectation: Expectation, major: int, lent: Address | None) -> Iterator[Address]:
    if lent is not None:
        with lent_database(lent) as address:
            _refuse_other_version(address, lent, major)
            yield address
        return
    extensions = {extension.name for extension in expectation.catalog.extensions} - {"plpgsql"}
    roles = roles_of(expectation.catalog)
    extensions = _to_be_had(major, extensions)
    with scratch(major=major, extensions=extensions, libraries=LIBRARIES, roles=roles) as made:
        yield made.address


def _to_be_had(major: int, extensions: set[str]) -> set[str]:
    """The extensions, if a server of that version on this machine has them all.

    What needs no extension can be told without them, too.
    """
    try:
        find_server(major, extensions=extensions)
    except LaunchError:
        return set()
    return extensions


def _refuse_other_version(address: Address, lent: Address, major: int) -> None:
    with connect(address) as session:
        found = session.version // 10000
    if found != major:
        raise RefusedError(
            f"{lent} is PostgreSQL {found}, and definitions must be read as the target's {major} reads them",
            do=f"name a scratch server of version {major}",
        )
