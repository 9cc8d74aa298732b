"""Rows: how many, and what is in them, table by table, with the strength of each proof."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from migplan.catalog.digests import Digest, TableMethod, fastest, wanted
from migplan.catalog.model import Table
from migplan.names import QualifiedName
from migplan.progress import Progress
from migplan.text.wording import listed
from migplan.verify import proved
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.proved import Proofs
from migplan.verify.samples import Examples
from migplan.verify.verification import Check, Difference, TableProof

_GONE = "there is no such table"
_SAMPLED = 20  # tables of which rows are named


@dataclass(frozen=True, slots=True)
class Content:
    """The checks of rows, and what they rest on."""

    checks: tuple[Check, ...]
    tables: tuple[TableProof, ...]
    notes: tuple[str, ...]


def compared(
    expectation: Expectation,
    target: Moment,
    source: Moment | None,
    on_progress: Progress,
    live: Proofs | None = None,
) -> Content:
    """Counts and content of every table whose rows are in the bundle, or came live and were proved then."""
    if source is None and expectation.manifest.is_live:
        return Content(*proved.compared(expectation, target, live or Proofs(), on_progress))
    edited = expectation.manifest.edited_tables if source is not None else frozenset()
    loaded = {name: table for name, table in expectation.loaded.items() if str(name) not in edited}
    method = _method(expectation, target, source)
    tables = [expectation.catalog.by_name[name] for name in loaded]
    found = _digests(target, tables, method, "digesting the target", on_progress)
    then = _promised(expectation)
    now = then
    notes: list[str] = []
    if edited:
        notes.append(
            "not compared with the source, for the bundle's queries were edited by hand: "
            f"{listed(sorted(edited), 5)}; without --source they are compared with their proof"
        )
    if source is not None:
        now = _digests(source, tables, method, "digesting the source", on_progress)
        notes += [] if expectation.manifest.is_live else _moved_on(then, now)
    proofs: list[TableProof] = []
    rows: list[Difference] = []
    contents: list[Difference] = []
    examples = Examples(expectation, target, source, "sha256" if method == "sha256" else "lookup3")
    for name in loaded:
        expected = now.get(name, Digest(name, None, why=_GONE))
        here = found.get(name, Digest(name, None, why=_GONE))
        strength = _strength(expected, here)
        proofs.append(TableProof(str(name), expected.rows or 0, here, strength))
        wrong = _count_differs(name, expected, here) or _content_differs(name, expected, here, strength)
        if wrong is None:
            continue
        if len(rows) + len(contents) < _SAMPLED and strength != "not read":
            on_progress("looking for the rows that differ", len(rows) + len(contents), 0)
            wrong = Difference(wrong.what, wrong.detail, examples.of(name))
        (contents if expected.rows == here.rows else rows).append(wrong)
    total = sum(proof.expected_rows for proof in proofs)
    there = sum(proof.found.rows or 0 for proof in proofs)
    by_content = [proof for proof in proofs if proof.strength == "content"]
    checks = (
        Check("Rows", there, total, tuple(rows)),
        Check("Contents", len(by_content) - len(contents), len(by_content), tuple(contents)),
    )
    return Content(checks if loaded else (), tuple(proofs), (*notes, *_weak(proofs), *_unread(proofs)))


def _digests(
    moment: Moment, tables: Iterable[Table], method: TableMethod, what: str, on_progress: Progress
) -> dict[QualifiedName, Digest]:
    return moment.workers.each(
        wanted(moment.catalog, tables), method, lambda done, total: on_progress(what, done, total)
    )


def _promised(expectation: Expectation) -> dict[QualifiedName, Digest]:
    return {
        name: Digest(name, table.rows, table.digest, "" if table.digest else "the bundle has no digest of it")
        for name, table in expectation.loaded.items()
    }


def _method(expectation: Expectation, target: Moment, source: Moment | None) -> TableMethod:
    """Return the hash to use: the export's, if the servers can; else, with a source, one that they share."""
    methods = {moment.workers.method for moment in (target, source) if moment is not None}
    used = {table.digest.partition(":")[0] for table in expectation.loaded.values() if table.digest}
    if "sha256" not in methods:
        for way in ("columns", "lookup3"):
            if used == {way}:
                return way
    if source is None:
        return "sha256"
    return fastest(methods, same_types=expectation.with_schema)


def _comparable(expected: Digest, found: Digest) -> bool:
    ways = {digest.value.partition(":")[0] for digest in (expected, found)}
    return len(ways) == 1 and ways != {""}


def _strength(expected: Digest, found: Digest) -> str:
    if found.rows is None or expected.rows is None:
        return "not read"
    return "content" if _comparable(expected, found) else "count"


def _count_differs(name: QualifiedName, expected: Digest, found: Digest) -> Difference | None:
    if found.rows is None or expected.rows is None:
        side, digest = ("the target", found) if found.rows is None else ("the source", expected)
        return Difference(f"rows of {name}", f"not read in {side}: {digest.why}", known=digest.why == _GONE)
    if expected.rows == found.rows:
        return None
    gap = found.rows - expected.rows
    return Difference(
        f"rows of {name}", f"{found.rows:,} instead of {expected.rows:,}, {abs(gap):,} {_word(gap)}"
    )


def _word(gap: int) -> str:
    return "too many" if gap > 0 else "missing"


def _content_differs(
    name: QualifiedName, expected: Digest, found: Digest, strength: str
) -> Difference | None:
    if strength != "content" or expected.value == found.value:
        return None
    return Difference(f"content of {name}", f"{found.rows:,} rows, as many as expected, but not the same")


def _moved_on(then: Mapping[QualifiedName, Digest], now: Mapping[QualifiedName, Digest]) -> list[str]:
    """Return a note if the source has changed since the export."""
    changed = [
        name
        for name, digest in now.items()
        if digest.rows != then[name].rows
        or (_comparable(digest, then[name]) and digest.value != then[name].value)
    ]
    if not changed:
        return []
    return [f"the source has changed since the export: {listed(changed, 5)}"]


def _weak(proofs: list[TableProof]) -> list[str]:
    weak = [proof for proof in proofs if proof.strength == "count"]
    if not weak:
        return []
    whys = sorted({proof.found.why for proof in weak if proof.found.why})
    why = "; ".join(whys) or "the bundle has no digest that this server can come to"
    return [f"only counted: {listed((proof.table for proof in weak), 5)} ({why})"]


def _unread(proofs: list[TableProof]) -> list[str]:
    closed = [proof.table for proof in proofs if proof.found.rows is None and proof.found.why != _GONE]
    if not closed:
        return []
    return [
        f"not read in the target: {listed(closed, 5)}; verify as a role that may read all of it, "
        "which under FORCE ROW LEVEL SECURITY takes BYPASSRLS, even from the owner"
    ]
