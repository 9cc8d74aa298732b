"""Large objects of a database: who owns them, who may read them, how large they are, and their digests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, LiteralString

from migplan.postgres.session import Session

PAGE = 1 << 18
"""Bytes that are read, written and digested at a time."""

TOGETHER = 1 << 26
MOST_TOGETHER = 1000
"""Objects of so many bytes, and so many of them, are digested by one question."""

_MAY_READ_BEFORE_18: LiteralString = """
    (pg_catalog.current_setting('lo_compat_privileges')::bool
     OR (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
     OR EXISTS (SELECT FROM pg_catalog.aclexplode(
                    coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) x
                WHERE x.privilege_type = 'SELECT'
                  AND (x.grantee = 0 OR pg_catalog.pg_has_role(x.grantee, 'USAGE'))))"""
_MAY_READ: LiteralString = "pg_catalog.has_largeobject_privilege(m.oid, 'SELECT')"
_OBJECTS: LiteralString = """
    SELECT m.oid::bigint, pg_catalog.pg_get_userbyid(m.lomowner)::text, {may_read},
           CASE WHEN m.lomacl IS NOT NULL THEN ARRAY(
               SELECT ARRAY[
                   CASE x.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee)::text END,
                   x.privilege_type, x.is_grantable::text]
               FROM pg_catalog.aclexplode(m.lomacl) x ORDER BY 1) END,
           coalesce(pg_catalog.obj_description(m.oid, 'pg_largeobject'), ''),
           ARRAY(SELECT ARRAY[l.provider, l.label] FROM pg_catalog.pg_seclabel l
                 WHERE l.objoid = m.oid AND l.classoid = 'pg_catalog.pg_largeobject'::regclass ORDER BY 1)
    FROM pg_catalog.pg_largeobject_metadata m
    WHERE %(oids)s::bigint[] IS NULL OR m.oid = ANY (%(oids)s::bigint[]::oid[])
    ORDER BY m.oid
"""
# 262144 is INV_READ, 2 is SEEK_END. OFFSET 0 keeps each of these a step of its own.
_SIZES: LiteralString = """
    SELECT o.oid, (SELECT CASE WHEN pg_catalog.lo_close(s.fd) = 0 THEN s.size END FROM (
        SELECT f.fd, pg_catalog.lo_lseek64(f.fd, 0, 2) AS size FROM (
            SELECT pg_catalog.lo_open(o.oid::oid, 262144) AS fd OFFSET 0) f OFFSET 0) s)
    FROM unnest(%s::bigint[]) o (oid)
"""
# Of the digests of its pages, so that an object of any size can be digested.
_DIGESTS: LiteralString = """
    SELECT o.oid, pg_catalog.encode(pg_catalog.sha256(coalesce(pg_catalog.string_agg(
               pg_catalog.sha256(pg_catalog.lo_get(o.oid::oid, p.place, %s)), ''::bytea ORDER BY p.place),
               ''::bytea)), 'hex')
    FROM unnest(%s::bigint[], %s::bigint[]) o (oid, size)
    LEFT JOIN LATERAL pg_catalog.generate_series(0::bigint, o.size - 1, %s::bigint) p (place) ON true
    GROUP BY o.oid
"""
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class LargeObject:
    """A large object without its bytes."""

    oid: int
    owner: str
    readable: bool  # by the role that asks
    privileges: tuple[tuple[str, str, bool], ...] | None = None  # to whom ('' for public); None: the standard
    comment: str = ""
    labels: tuple[tuple[str, str], ...] = ()  # provider and label
    size: int | None = None  # None: the role may not read it

    def granted(self, roles: Mapping[str, str] | None = None) -> list[tuple[str, str, bool]]:
        """Return who may do what, under new names of roles, with ``(owner)`` for whoever owns it."""
        if self.privileges is None:
            return [("(owner)", "SELECT", False), ("(owner)", "UPDATE", False)]
        renamed = roles or {}
        return sorted(
            ("(owner)" if to == self.owner else renamed.get(to, to), privilege, more)
            for to, privilege, more in self.privileges
        )


def read_large_objects(session: Session, oids: Sequence[int] | None = None) -> tuple[LargeObject, ...]:
    """Return the large objects of a database, or those of these numbers that are there."""
    may_read = _MAY_READ if session.info.server_version >= 180000 else _MAY_READ_BEFORE_18
    question = _OBJECTS.replace("{may_read}", may_read)
    values = {"oids": list(oids) if oids is not None else None}
    found = [
        LargeObject(
            oid, owner, readable, _privileges(acl), comment, tuple((one, other) for one, other in labels)
        )
        for oid, owner, readable, acl, comment, labels in session.ask(
            question, values, during="looking for large objects"
        )
    ]
    sizes: dict[int, int] = {}
    readable = [each.oid for each in found if each.readable]
    for start in range(0, len(readable), _AT_ONCE):
        some = readable[start : start + _AT_ONCE]
        sizes.update(session.ask(_SIZES, [some], during="measuring large objects"))
    return tuple(replace(each, size=sizes.get(each.oid)) for each in found)


def _privileges(acl: Iterable[Any] | None) -> tuple[tuple[str, str, bool], ...] | None:
    if acl is None:
        return None
    return tuple((to, privilege, more == "true") for to, privilege, more in acl)


def batches(objects: Iterable[LargeObject]) -> Iterator[list[LargeObject]]:
    """Yield objects that are digested together."""
    batch: list[LargeObject] = []
    size = 0
    for each in objects:
        if batch and (size + (each.size or 0) > TOGETHER or len(batch) == MOST_TOGETHER):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += each.size or 0
    if batch:
        yield batch


def digests(session: Session, objects: Sequence[LargeObject]) -> dict[int, str]:
    """Return the digests of some objects that the role may read."""
    values = [PAGE, [each.oid for each in objects], [each.size for each in objects], PAGE]
    return dict(session.ask(_DIGESTS, values, during="computing digests of large objects"))
