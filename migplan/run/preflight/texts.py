"""What the bundle holds and a target cannot: characters of other encodings, xml without libxml."""

import re
from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from io import BytesIO

import psycopg

from migplan.bundle.manifest import Block, Manifest
from migplan.bundle.verified import VerifiedBundle
from migplan.names import quoted
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.run.preflight.wants import Wants
from migplan.sql.split import Statement, pieces
from migplan.sql.statements import beginning
from migplan.text.wording import counted, listed

_BLOCK = 1 << 20
_ENCODING = """
SELECT pg_catalog.pg_encoding_to_char(d.encoding) FROM pg_catalog.pg_database d
WHERE d.datname = current_database()
"""
_SHOWN = 10
_ASCII = 128


def encodings(target: Target, bundle: VerifiedBundle) -> Iterator[Obstacle]:
    """Yield an obstacle if the target's encoding lacks characters of the files, with their rows."""
    manifest = bundle.manifest
    ((encoding,),) = target.ask("encoding", _ENCODING) or [("UTF8",)]
    if encoding in {"UTF8", "SQL_ASCII"}:
        return
    lacking = _lacking(target, _characters(bundle))
    where = _places(bundle, lacking) if lacking else []
    if where:
        shown = listed((f"{letter} (U+{ord(letter):04X})" for letter in lacking), _SHOWN)
        yield stop(
            "encoding",
            f"the database holds {encoding}, which lacks {counted(len(lacking), 'character')} of the files: "
            f"{shown}; in {listed(where, _SHOWN)}",
            "create it again: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0; or replace them in the "
            "source",
        )
    elif encoding != manifest.origin.encoding:
        rows = "; rows that come live may have others, and the run would stop at these" * manifest.is_live
        yield warn(
            "encoding",
            f"the database holds {encoding}, in which all texts of the files can be written, but not all "
            f"that the source ({manifest.origin.encoding or 'UTF8'}) could take{rows}",
            "if that is not meant: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
        )


def _characters(bundle: VerifiedBundle) -> str:
    """Return every character of the files that is not ASCII."""
    found: set[str] = set()
    for file in bundle.manifest.files:
        decoder = getincrementaldecoder("utf-8")("replace")
        with bundle.files.open(file.file) as stream:
            while data := stream.read(_BLOCK):
                if not data.isascii():
                    found.update(decoder.decode(data))
    return "".join(sorted(letter for letter in found if ord(letter) >= _ASCII and letter != "\ufffd"))


def _lacking(target: Target, letters: str) -> str:
    """Return those of the characters that the server cannot convert: it is asked for halves, and so on."""
    if not letters or _converts(target, letters):
        return ""
    if len(letters) == 1:
        return letters
    middle = len(letters) // 2
    return _lacking(target, letters[:middle]) + _lacking(target, letters[middle:])


def _converts(target: Target, letters: str) -> bool:
    try:
        with target.session.transaction(force_rollback=True):
            target.session.execute("SELECT %s::text", [letters])
    except (psycopg.errors.UntranslatableCharacter, psycopg.errors.CharacterNotInRepertoire):
        return False
    return True


def _places(bundle: VerifiedBundle, letters: str) -> list[str]:
    """Return the tables whose rows have one of the characters, with how many, and the definitions that do."""
    wanted = re.compile(b"|".join(re.escape(letter.encode()) for letter in letters))
    found: Counter[str] = Counter()
    for file, _, block in bundle.manifest.blocks:
        found[block.table] += sum(1 for line in _lines(bundle, file.file, block) if wanted.search(line))
    said = [f"{counted(number, 'row')} of {table}" for table, number in found.items() if number]
    for file in bundle.manifest.files:
        text = bytes(bundle.texts[file.file])
        if file.phase == "data" or not wanted.search(text):
            continue
        said += [
            f"{file.file}:{piece.line} ({beginning(piece.text)})"
            for piece in pieces(BytesIO(text), bundle.paths.step(file.file))
            if isinstance(piece, Statement) and wanted.search(piece.text.encode())
        ]
    return said


def _lines(bundle: VerifiedBundle, file: str, block: Block) -> Iterator[bytes]:
    with bundle.files.open(file) as stream:
        stream.seek(block.start)
        left = block.end - block.start
        while left > 0 and (line := stream.readline(left)):
            left -= len(line)
            yield line


def xml(target: Target, bundle: VerifiedBundle, wants: Wants) -> Iterator[Obstacle]:
    """Yield what needs libxml, if the server is built without."""
    if not (wants.xml_columns or wants.xml_values or wants.xml_functions) or _reads_xml(target):
        return
    without = "the server is built without libxml"
    do = f"{target.with_library('libxml')}, or leave these out of the bundle"
    if wants.xml_values:
        held = listed(sorted(wants.xml_values), _SHOWN)
        yield stop("xml", f"{without}, and definitions hold values of xml: {held}", do)
    filled = {f"materialized view {_name(*name)}" for name in bundle.manifest.refreshed}
    if refreshed := sorted(wants.xml_functions & filled):
        made = listed(refreshed, _SHOWN)
        yield stop("xml", f"{without}, and these make xml when they are filled: {made}", do)
    if others := sorted(wants.xml_functions - filled):
        yield warn("xml", f"{without}: these will fail when they are used: {listed(others, _SHOWN)}", do)
    if values := _values(bundle, wants.xml_columns):
        yield stop("xml", f"{without}, and takes no value but NULL: {listed(values, _SHOWN)}", do)
    elif wants.xml_columns:
        columns = (f"{table}.{quoted(column)}" for table, column in sorted(wants.xml_columns))
        yield warn("xml", f"{without}, and takes no value but NULL for {listed(columns, _SHOWN)}", do)


def _name(schema: str, name: str) -> str:
    return f"{quoted(schema)}.{quoted(name)}"


def _reads_xml(target: Target) -> bool:
    try:
        with target.session.transaction(force_rollback=True):
            target.session.execute("SELECT pg_catalog.xml_is_well_formed('<a/>')")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def _values(bundle: VerifiedBundle, columns: Collection[tuple[str, str]]) -> list[str]:
    """Return the columns that have values in the rows of the bundle, with how many."""
    if bundle.manifest.is_live:
        return _live_values(bundle.manifest, columns)
    found: Counter[str] = Counter()
    copied = bundle.manifest.data_format == "copy"
    for file, _, block in bundle.manifest.blocks:
        places = [(at, name) for at, name in enumerate(block.columns) if (block.table, name) in columns]
        if places and not copied:
            found[block.table] += block.rows
        elif places:
            for line in _lines(bundle, file.file, block):
                fields: Sequence[bytes] = line.rstrip(b"\n").split(b"\t")
                for at, name in places:
                    found[f"{block.table}.{quoted(name)}"] += fields[at] != b"\\N"
    return [
        f"{counted(number, 'value' if copied else 'row')} of {what}"
        for what, number in found.items()
        if number
    ]


def _live_values(manifest: Manifest, columns: Collection[tuple[str, str]]) -> list[str]:
    """Return the columns that may have values in rows that come from the source."""
    blocks = [block for _, _, block in manifest.blocks if block.bytes != 0]
    found = {(block.table, name) for block in blocks for name in block.columns} & set(columns)
    return [f"values of {table}.{quoted(name)}" for table, name in sorted(found)]
