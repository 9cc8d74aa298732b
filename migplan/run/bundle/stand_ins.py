"""Stand-ins on a throwaway server for what the bundle's targets provide by themselves."""

from collections.abc import Iterator

from psycopg.errors import Diagnostic

from migplan.bundle.verified import VerifiedBundle
from migplan.postgres.address import Address
from migplan.postgres.session import connect
from migplan.text.wording import counted

_RAISED = "01000"
_END = b"\\.\n"


def load_stand_ins(bundle: VerifiedBundle, address: Address) -> tuple[str, ...]:
    """Make what the bundle needs of what its targets provide, and return what is to be said of it."""
    manifest, paths = bundle.manifest, bundle.paths
    names = {each.file for each in manifest.companions}
    stubs, keys = (path.relative_to(paths.folder).as_posix() for path in (paths.stubs, paths.keys))
    said: list[str] = []
    with connect(address) as session, session.translate_errors("making stand-ins for what is provided"):
        session.autocommit = True
        session.add_notice_handler(lambda notice: _note(notice, said))
        if stubs in names:
            session.execute(bundle.files.read(stubs))
        if keys in names:
            for statement, rows in _blocks(bundle, keys):
                with session.cursor() as cursor, cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write(row)
    return tuple(_notes(bundle, said)) if stubs in names or keys in names else ()


def _blocks(bundle: VerifiedBundle, file: str) -> Iterator[tuple[bytes, Iterator[bytes]]]:
    with bundle.files.open(file) as lines:
        for line in lines:
            if line.startswith(b"COPY "):
                yield line.rstrip(b";\n"), iter(lines.readline, _END)


def _note(notice: Diagnostic, said: list[str]) -> None:
    """Keep what the stand-ins themselves say: the server warns of other things."""
    if notice.sqlstate == _RAISED:
        said.append(notice.message_primary or "")


def _notes(bundle: VerifiedBundle, said: list[str]) -> Iterator[str]:
    manifest = bundle.manifest
    made = counted(len(manifest.provided), "object")
    are = "is a stand-in" if len(manifest.provided) == 1 else "are stand-ins"
    if manifest.contents == "data":
        tables = counted(len(manifest.tables), "table")
        are = "is a stand-in" if len(manifest.tables) == 1 else "are stand-ins"
        yield f"{tables} to which the rows go {are} here: columns as in the source, no checks, no triggers"
    else:
        yield f"{made} that the targets provide {are} here: structure only, as the source has it"
    for key in manifest.referred:
        rows = "row" if key.values == 1 else "rows"
        yield f"{key.values:,} {rows} of {key.table} to which rows refer: here as keys alone"
    yield from said
