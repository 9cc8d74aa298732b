"""The structure as it is to be in the target: the source's, less what was left out, under other roles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from migplan.bundle.manifest import Manifest
from migplan.bundle.schema.roles import Owners
from migplan.catalog.grant import Grant
from migplan.catalog.model import Catalog, Index, Key, Policy, Table, View
from migplan.postgres.archive import Entry

Part = TypeVar("Part")
Gone = Collection[tuple[str, str, str]]
"""Objects that are in no file, by pg_dump's kind, their schema ('' for none) and pg_dump's tag."""


def gone(manifest: Manifest, entries: Iterable[Entry]) -> Gone:
    """What of the source is in no file of the bundle."""
    if manifest.contents == "data":
        return frozenset()
    here = {(moved.kind, moved.in_schema, moved.name) for moved in manifest.objects}
    return {(entry.kind, entry.schema, entry.tag) for entry in entries} - here


def left_out(manifest: Manifest) -> Gone:
    """The same, as far as the manifest itself names it."""
    return {(left.kind, left.in_schema, left.name) for left in manifest.left_out}


def as_in_target(catalog: Catalog, missing: Gone, owners: Owners) -> Catalog:
    """The catalog of a target in which every file of the bundle has run."""
    return _Target(missing, owners).catalog(catalog)


class _Target:
    def __init__(self, missing: Gone, owners: Owners) -> None:
        self._missing = missing
        self._functions = {
            (schema, tag.partition("(")[0])
            for kind, schema, tag in missing
            if kind in {"FUNCTION", "PROCEDURE", "AGGREGATE"}
        }
        self._owners = owners
        self._said = {kind for kind, _, _ in missing}

    def catalog(self, catalog: Catalog) -> Catalog:
        tables = tuple(
            self._table(table)
            for table in self._here(catalog.tables, "TABLE", "FOREIGN TABLE")
            if table.partition_of is None or table.partition_of in catalog.by_name
        )
        return replace(
            catalog,
            schemas=self._owned(s for s in catalog.schemas if ("SCHEMA", "", s.name) not in self._missing),
            tables=self._owned(tables),
            sequences=self._owned(self._here(catalog.sequences, "SEQUENCE")),
            views=self._owned(
                self._view(view) for view in self._here(catalog.views, "VIEW", "MATERIALIZED VIEW")
            ),
            functions=self._owned(
                f for f in catalog.functions if (f.name.schema, f.name.name) not in self._functions
            ),
            types=self._owned(self._here(catalog.types, "TYPE", "DOMAIN")),
            extensions=tuple(e for e in catalog.extensions if ("EXTENSION", "", e.name) not in self._missing),
            grants=tuple(
                sorted(
                    (self._grant(g) for g in catalog.grants if not self._lost(g)),
                    key=lambda grant: grant.name,
                )
            ),
        )

    def _here(self, things: Iterable[Part], *kinds: str) -> Iterable[Part]:
        for thing in things:
            name = getattr(thing, "name")  # noqa: B009
            if not any((kind, name.schema, name.name) in self._missing for kind in kinds):
                yield thing

    def _table(self, table: Table) -> Table:
        schema, name = table.name.schema, table.name.name

        def parts(found: Iterable[Part], *kinds: str) -> tuple[Part, ...]:
            return tuple(
                part
                for part in found
                if not any(
                    (kind, schema, f"{name} {getattr(part, 'name')}") in self._missing  # noqa: B009
                    for kind in kinds
                )
            )

        keys: tuple[Key, ...] = (table.primary_key,) if table.primary_key else ()
        kept = parts((*keys, *table.unique_keys), "CONSTRAINT")
        dropped = {key.name for key in (*keys, *table.unique_keys)} - {key.name for key in kept}
        off = ("ROW SECURITY", schema, name) in self._missing
        return replace(
            table,
            primary_key=next((key for key in kept if key.primary), None),
            unique_keys=tuple(key for key in kept if not key.primary),
            foreign_keys=tuple(
                # In the bundle no trigger behind a key is altered, and only a superuser could.
                replace(key, triggers=()) if key.triggers else key
                for key in parts(table.foreign_keys, "FK CONSTRAINT")
            ),
            checks=parts(table.checks, "CHECK CONSTRAINT"),
            exclusions=parts(table.exclusions, "CONSTRAINT"),
            indexes=tuple(i for i in self._indexes(table) if i.constraint not in dropped),
            policies=tuple(map(self._policy, parts(table.policies, "POLICY"))),
            triggers=parts(table.triggers, "TRIGGER"),
            rules=parts(table.rules, "RULE"),
            row_security=table.row_security and not off,
            force_row_security=table.force_row_security and not off,
        )

    def _view(self, view: View) -> View:
        return replace(
            view,
            indexes=tuple(self._indexes(view)),
            triggers=tuple(
                t
                for t in view.triggers
                if ("TRIGGER", view.name.schema, f"{view.name.name} {t.name}") not in self._missing
            ),
        )

    def _indexes(self, owner: Table | View) -> Iterable[Index]:
        schema = owner.name.schema
        whole = isinstance(owner, Table) and owner.partition_key
        for index in owner.indexes:
            # pg_dump leaves an invalid index behind, but for those of partitioned tables.
            if (index.valid or whole) and ("INDEX", schema, index.name) not in self._missing:
                yield index

    def _policy(self, policy: Policy) -> Policy:
        return replace(
            policy, roles=tuple(sorted(self._owners.roles.get(role, role) for role in policy.roles))
        )

    def _owned(self, things: Iterable[Part]) -> tuple[Part, ...]:
        kept, roles = self._owners.kept, self._owners.roles
        owned: Any = things
        return tuple(
            replace(thing, owner=roles.get(thing.owner, thing.owner) if kept else "") for thing in owned
        )

    def _grants(self, grants: Iterable[Grant]) -> Iterable[Grant]:
        return (self._grant(grant) for grant in grants if not self._lost(grant))

    def _grant(self, grant: Grant) -> Grant:
        roles: Mapping[str, str] = self._owners.roles
        return replace(
            grant,
            grantee=roles.get(grant.grantee, grant.grantee),
            of_role=roles.get(grant.of_role, grant.of_role),
        )

    def _lost(self, grant: Grant) -> bool:
        """Whether the bundle has no statement for it. pg_dump names privileges by what they are on."""
        if grant.kind == "default privileges":
            tag = f"DEFAULT PRIVILEGES FOR {grant.object.upper()}"
            return ("DEFAULT ACL", grant.schema, tag) in self._missing
        if "ACL" not in self._said:
            return False
        if grant.kind in ("function", "type"):
            return any(
                kind == "ACL" and schema == grant.schema and _is_about(tag, grant)
                for kind, schema, tag in self._missing
            )
        schema, tag = {
            "schema": ("", f"SCHEMA {grant.schema}"),
            "column": (grant.schema, f"COLUMN {grant.object}.{grant.part}"),
        }.get(grant.kind, (grant.schema, f"{_ACLS.get(grant.kind, grant.kind.upper())} {grant.object}"))
        return ("ACL", schema, tag) in self._missing


_ACLS = {"view": "TABLE"}


def _is_about(tag: str, grant: Grant) -> bool:
    about = f" {grant.object}"
    return f"{about}(" in tag or tag.endswith(about)
