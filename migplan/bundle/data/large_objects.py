"""Large objects in a file of their own: their pages by COPY into a temporary table, and from there into them.

They keep their numbers, because rows refer to them. A step brings some hundred of them, or a part of a large
one, so that a run that was interrupted goes on where it was. Pages of zeros are left out: the server takes
what is missing for zeros, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migplan.bundle.data.steps import DataStep, Part, RowBlock, Sql
from migplan.bundle.schema.chosen import Choice
from migplan.bundle.schema.roles import Owners
from migplan.catalog.large_objects import PAGE, LargeObject, read_large_objects
from migplan.errors import PlanError
from migplan.names import quoted
from migplan.plan.model import Plan
from migplan.postgres.session import Session
from migplan.sql.text import literal
from migplan.text.wording import amount, counted, listed

STEP_BYTES = 1 << 25
STEP_OBJECTS = 500
"""Who gives an object away, comments on it or unlinks it holds a lock on it until the transaction ends."""

PAGES = "migplan_large_objects"
_COLUMNS = ("loid", "place", "data")
_TYPES = ("oid", "bigint", "bytea")
_TABLE = f"CREATE TEMPORARY TABLE {PAGES} (loid pg_catalog.oid, place pg_catalog.int8, data pg_catalog.bytea)"
_PAGES = """\
SELECT o.loid, p.place, b.data
FROM {ranges} AS o (loid, first, upto)
CROSS JOIN LATERAL pg_catalog.generate_series(o.first, o.upto - 1, {page}) AS p (place)
CROSS JOIN LATERAL (
    SELECT pg_catalog.lo_get(o.loid, p.place, least({page}, o.upto - p.place)::pg_catalog.int4) AS data
    OFFSET 0
) AS b
WHERE p.place + {page} >= o.upto
   OR pg_catalog.octet_length(pg_catalog.btrim(b.data, '\\x00'::pg_catalog.bytea)) > 0"""

# As large as they are when they are read. 262144 is INV_READ, 2 is SEEK_END; OFFSET 0 as in catalog/.
_AS_LARGE_AS_NOW = """\
(SELECT r.loid, r.first, least(r.upto, (SELECT CASE WHEN pg_catalog.lo_close(s.fd) = 0 THEN s.size END FROM (
    SELECT f.fd, pg_catalog.lo_lseek64(f.fd, 0, 2) AS size FROM (
        SELECT pg_catalog.lo_open(r.loid, 262144) AS fd OFFSET 0) f OFFSET 0) s))
 FROM (VALUES {values}) AS r (loid, first, upto) OFFSET 0)"""

Range = tuple[LargeObject, int, int | None]
"""The bytes of an object from one place up to another; None: up to its end."""


def large_object_steps(
    objects: Sequence[LargeObject], owners: Owners, choice: Choice, *, live: bool = False
) -> Iterator[DataStep]:
    """Yield the steps that bring large objects; ``live``: their bytes are those of the moment of the run."""
    gathered: list[LargeObject] = []
    size = 0
    about = _About(owners, choice, live)
    for each in objects:
        large = _size(each) > STEP_BYTES
        if gathered and (large or size + _size(each) > STEP_BYTES or len(gathered) == STEP_OBJECTS):
            yield _several(gathered, about)
            gathered, size = [], 0
        if large:
            yield from _in_parts(each, about)
        else:
            gathered.append(each)
            size += _size(each)
    if gathered:
        yield _several(gathered, about)


def chosen(
    session: Session, *, wanted: bool | None, selected: bool, with_rows: bool
) -> tuple[tuple[LargeObject, ...], tuple[str, ...]]:
    """Return the large objects that travel, and what people should know; PlanError if they have to say more.

    With a selection of tables nobody knows which of them belong to it.
    """
    found = read_large_objects(session)
    if not found:
        return (), ()
    if not with_rows or wanted is False:
        why = "by choice" if wanted is False else "with the rows, for these are definitions alone"
        return (), (f"left behind {why}: {described(found)}",)
    if selected and not wanted:
        raise PlanError(
            f"{session.address} has {described(found)}, and a selection does not say which belong to it",
            do="--with-large-objects takes all of them; --without-large-objects leaves them behind",
        )
    unread = [each for each in found if not each.readable]
    if unread:
        owners = sorted({each.owner for each in unread})
        ((who,),) = session.ask("SELECT current_user::text", during="asking who we are")
        raise PlanError(
            f"this role may not read {len(unread):,} of {counted(len(found), 'large object')}: "
            f"{listed([str(each.oid) for each in unread], 10)}, of {listed(owners, 5)}",
            do=f"have it granted by {owners[0]}: {_granting(who, owners[0])}"
            f"{', and likewise by the others' if len(owners) > 1 else ''}; or leave all of them behind: "
            "--without-large-objects",
        )
    return found, ()


def _granting(who: str, owner: str) -> str:
    """Return the statement that lets somebody read all large objects of an owner."""
    grant = literal(f"GRANT SELECT ON LARGE OBJECT %s TO {quoted(who).replace('%', '%%')}")
    return (
        f"DO $$ BEGIN EXECUTE (SELECT string_agg(format({grant}, oid), ';') "  # noqa: S608 - for people
        f"FROM pg_largeobject_metadata WHERE pg_get_userbyid(lomowner) = {literal(owner)}); END $$"
    )


def expected(
    objects: Sequence[LargeObject],
    digests: Mapping[int, str],
    owners: Owners,
    choice: Choice,
    *,
    live: bool = False,
) -> list[dict[str, Any]]:
    """Return what each is to be in the target, as far as the files say it: of live ones they say no size."""
    found = []
    for each in objects:
        size = None if live else _size(each)
        value: dict[str, Any] = {"oid": each.oid, "size": size, "digest": digests.get(each.oid, "")}
        if owners.kept:
            value["owner"] = owners.roles.get(each.owner, each.owner)
        if choice.privileges:
            value["privileges"] = each.granted(owners.roles)
        if "COMMENT" not in choice.kinds:
            value["comment"] = each.comment
        if "SECURITY LABEL" not in choice.kinds:
            value["labels"] = each.labels
        found.append(value)
    return found


def file_name(plan: Plan) -> str:
    """Return the name of the file: it runs before the rows, and sorts so where the plan's names allow it."""
    data = sorted(group.data_file for group in plan.groups if group.data_file)
    digits = next((name.partition("-")[0] for name in data if name.partition("-")[0].isdecimal()), "02")
    name = f"{max(int(digits) - 1, 1):0{len(digits)}}-data-large-objects.sql"
    taken = {name for group in plan.groups for name in group.files}
    while name in taken:
        name = f"{name.removesuffix('.sql')}-too.sql"
    return name


def roles_of(objects: Sequence[LargeObject], owners: Owners, choice: Choice) -> dict[str, set[str]]:
    """Return the roles that the file names, under their names in the target, and what for."""
    found: dict[str, set[str]] = {}
    for each in objects:
        if owners.kept:
            found.setdefault(owners.roles.get(each.owner, each.owner), set()).add("ownership")
        for to, _, _ in (each.privileges or ()) if choice.privileges else ():
            if to and to != each.owner:
                found.setdefault(owners.roles.get(to, to), set()).add("privileges")
    return found


def described(objects: Sequence[LargeObject]) -> str:
    """Return how many they are, and how large as far as that is known."""
    unread = sum(1 for each in objects if each.size is None)
    size = amount(sum(map(_size, objects)))
    more = f", without {unread:,} that the role may not read" if unread else ""
    return f"{counted(len(objects), 'large object')} of {size}{more}"


def _size(each: LargeObject) -> int:
    return each.size or 0


def _several(objects: Sequence[LargeObject], about: _About) -> DataStep:
    first, last = objects[0].oid, objects[-1].oid
    name = f"large object {first}" if len(objects) == 1 else f"large objects {first} to {last}"
    ranges: list[Range] = [(each, 0, each.size) for each in objects if each.size]
    if about.live:
        ranges = [(each, 0, None) for each in objects]
    said = [statement for each in objects for statement in about.statements(each)]
    oids = [each.oid for each in objects]
    return _step(name, ranges, oids, oids, about, said)


def _in_parts(each: LargeObject, about: _About) -> Iterator[DataStep]:
    starts = list(range(0, _size(each), STEP_BYTES))
    for number, start in enumerate(starts, 1):
        upto = min(start + STEP_BYTES, _size(each))
        name = f"large object {each.oid}, {number} of {len(starts)}"
        last = number == len(starts)
        said = list(about.statements(each)) if last else []  # who has given it away may write no more of it
        end = None if last and about.live else upto
        yield _step(name, [(each, start, end)], [each.oid] if number == 1 else [], [each.oid], about, said)


def _step(
    name: str,
    ranges: Sequence[Range],
    made: Sequence[int],
    filled: Sequence[int],
    about: _About,
    said: list[str],
) -> DataStep:
    size = sum((_size(each) if upto is None else upto) - start for each, start, upto in ranges)
    parts: list[Part] = []
    body = []
    if made:
        numbers = ",".join(map(str, made))
        body.append(f"PERFORM pg_catalog.lo_create(o) FROM unnest('{{{numbers}}}'::pg_catalog.oid[]) o;")
    if ranges:
        parts += [Sql(f"{_TABLE} ON COMMIT DROP;"), _rows(ranges, size, live=about.live)]
        body.append(f"PERFORM pg_catalog.lo_put(p.loid, p.place, p.data) FROM pg_temp.{PAGES} p;")
    lines = "\n".join(f"    {line}" for line in body)
    parts.append(Sql("\n".join([f"DO $large_objects$\nBEGIN\n{lines}\nEND\n$large_objects$;", *said])))
    comment = name if about.live else f"{name}: {amount(size)}"
    return DataStep(name, (comment,), tuple(parts), large_objects=tuple(filled))


def _rows(ranges: Sequence[Range], size: int, *, live: bool) -> RowBlock:
    values = ", ".join(
        f"({each.oid}::pg_catalog.oid, {start}::int8, {'NULL' if upto is None else upto}::int8)"
        for each, start, upto in ranges
    )
    found = _AS_LARGE_AS_NOW if live else "(VALUES {values})"
    query = _PAGES.format(ranges=found.format(values=values), page=PAGE)
    weight = 2 * size + 32 * len(ranges)  # bytea is text of twice its size
    return RowBlock(f"pg_temp.{PAGES}", _COLUMNS, query, counted=False, bytes=weight, types=_TYPES)


class _About:
    """What is said of an object once its bytes are there: comment, labels, owner, privileges."""

    def __init__(self, owners: Owners, choice: Choice, live: bool) -> None:
        self.live = live  # the bytes are those of the moment of the run
        self._owners = owners
        self._privileges = choice.privileges
        self._left_out = choice.kinds

    def statements(self, each: LargeObject) -> Iterator[str]:
        """Yield them, each with its semicolon."""
        named = f"LARGE OBJECT {each.oid}"
        if each.comment and "COMMENT" not in self._left_out:
            yield f"COMMENT ON {named} IS {literal(each.comment)};"
        for provider, label in each.labels if "SECURITY LABEL" not in self._left_out else ():
            yield f"SECURITY LABEL FOR {quoted(provider)} ON {named} IS {literal(label)};"
        if self._owners.kept:
            yield f"ALTER {named} OWNER TO {quoted(self._renamed(each.owner))};"
        if self._privileges and each.privileges is not None:
            yield from self._granted(each, named)

    def _granted(self, each: LargeObject, named: str) -> Iterator[str]:
        own = {privilege for to, privilege, _ in each.privileges or () if to == each.owner}
        lost = sorted({"SELECT", "UPDATE"} - own)
        if lost:
            owner = quoted(self._renamed(each.owner)) if self._owners.kept else "CURRENT_USER"
            yield f"REVOKE {', '.join(lost)} ON {named} FROM {owner};"
        for to, privilege, more in each.privileges or ():
            if to != each.owner:
                whom = quoted(self._renamed(to)) if to else "PUBLIC"
                yield f"GRANT {privilege} ON {named} TO {whom}{' WITH GRANT OPTION' if more else ''};"

    def _renamed(self, role: str) -> str:
        return self._owners.roles.get(role, role)
