"""Stand-ins on a throwaway server for what the bundle's targets provide by themselves."""

from collections.abc import Iterator

from migplan.bundle.schema.building import make_stand_ins
from migplan.bundle.verified import VerifiedBundle
from migplan.postgres.address import Address
from migplan.postgres.session import connect
from migplan.text.wording import counted

_END = b"\\.\n"


def load_stand_ins(bundle: VerifiedBundle, address: Address) -> tuple[str, ...]:
    """Make what the bundle needs of what its targets provide, and return what is to be said of it."""
    manifest, paths = bundle.manifest, bundle.paths
    names = {each.file for each in manifest.companions}
    stubs, keys = (path.relative_to(paths.folder).as_posix() for path in (paths.stubs, paths.keys))
    said = make_stand_ins(address, bundle.files.read(stubs)) if stubs in names else []
    if keys in names:
        with connect(address) as session, session.translate_errors("filling in keys that are provided"):
            session.autocommit = True
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
