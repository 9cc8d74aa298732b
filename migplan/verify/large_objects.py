"""Large objects: each is there, as large as it was, with the same bytes, owner, privileges and comment."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migplan.catalog.large_objects import LargeObject, batches, digests, read_large_objects
from migplan.progress import Progress
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference, Tally

Found = tuple[LargeObject, str]
"""An object, and the digest of its bytes; empty where the role may not read them."""


def compared(
    expectation: Expectation,
    target: Moment,
    source: Moment | None,
    on_progress: Progress,
    *,
    just_proved: bool = False,
) -> tuple[Check, tuple[str, ...]]:
    """Compare the large objects of a target with the bundle's, and with those of the source of today.

    Others that the target has are its own. ``just_proved``: the bytes were, as they came live. The note is
    about what could not be compared.
    """
    expected = expectation.large_objects
    tally = Tally()
    if not expected:
        return tally.check("Large objects"), ()
    found = _found(target, list(expected), on_progress)
    now = _found(source, None, on_progress) if source is not None else None
    for oid, wanted in expected.items():
        tally.of += 1
        wrong = list(_differences(wanted, found.get(oid)))
        if now is not None and not wrong:
            wrong = list(_since(oid, now.get(oid), found[oid]))
        tally.differences += wrong
        tally.right += not wrong
    for oid in now or ():
        if oid not in expected:
            tally.differences.append(Difference(f"large object {oid}", "missing (source of today)"))
    bare = not just_proved and any(not wanted["digest"] for wanted in expected.values())
    note = "only the sizes of large objects were compared: the bundle has no digests of them"
    if expectation.manifest.is_live:
        note = (
            "bytes of large objects were compared when they came live, and not again; beside a source that "
            "is as it was then, they are compared with: --source"
        )
    return tally.check("Large objects"), ((note,) if bare else ())


def _since(oid: int, today: Found | None, there: Found) -> Iterator[Difference]:
    """Yield how an object that is as it was exported differs from the source of today."""
    if today is None:
        yield Difference(f"large object {oid}", "is no more in the source of today")
        return
    if today[0].size is None:
        yield Difference(f"large object {oid}", "not read in the source", known=False)
        return
    for each in _content(oid, {"size": today[0].size, "digest": today[1]}, there):
        yield Difference(each.what, f"{each.detail} (source of today)", known=each.known)


def _found(moment: Moment, oids: Sequence[int] | None, on_progress: Progress) -> dict[int, Found]:
    objects = read_large_objects(moment.session, oids)
    found = {each.oid: (each, "") for each in objects}
    readable = [each for each in objects if each.readable]
    done = 0
    for batch in batches(readable):
        on_progress("computing digests of large objects", done, len(readable))
        done += len(batch)
        values = digests(moment.session, batch)
        found |= {each.oid: (each, values.get(each.oid, "")) for each in batch}
    return found


def _differences(wanted: Mapping[str, Any], there: Found | None) -> list[Difference]:
    what = f"large object {wanted['oid']}"
    if there is None:
        return [Difference(what, "missing")]
    found = list(_content(wanted["oid"], wanted, there))
    each = there[0]
    pairs = {"owner": each.owner, "comment": each.comment, "labels": [list(one) for one in each.labels]}
    said = [
        f"{name} {now or 'none'} instead of {wanted[name] or 'none'}"
        for name, now in pairs.items()
        if name in wanted and now != wanted[name]
    ]
    if "privileges" in wanted and each.granted() != [tuple(one) for one in wanted["privileges"]]:
        said.append("privileges differ")
    if said:
        found.append(Difference(what, ", ".join(said)))
    return found


def _content(oid: int, wanted: Mapping[str, Any], there: Found) -> list[Difference]:
    each, digest = there
    what = f"large object {oid}"
    if each.size is None:
        return [Difference(what, f"not read in the target: it is {each.owner}'s", known=False)]
    if wanted["size"] is None:
        return []  # it came live, as large as it was then
    if each.size != wanted["size"]:
        return [Difference(what, f"{each.size:,} bytes instead of {wanted['size']:,}")]
    if wanted["digest"] and digest != wanted["digest"]:
        return [Difference(what, f"{each.size:,} bytes, as many as expected, but not the same")]
    return []
