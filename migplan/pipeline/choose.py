"""What of a database an export is about: the plan, its tables, and the entries of pg_dump's archive."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass, replace

from migplan.bundle.options import Options
from migplan.bundle.schema.assign_files import assign_files
from migplan.bundle.schema.chosen import Choice, Chosen, LacksError, Scope, choose
from migplan.bundle.schema.expectation import catalog_in_target
from migplan.bundle.schema.needs import described
from migplan.bundle.schema.ownership import Ownership, ownership_of
from migplan.bundle.schema.provided import ProvidedEntries
from migplan.bundle.schema.roles import FUNCTIONS, Owners, roles_in
from migplan.catalog import selection
from migplan.catalog.model import Catalog
from migplan.catalog.selection import Selected, Selection
from migplan.config import Config, SelectionSection, Strategy
from migplan.errors import PlanError, SelectionError
from migplan.graph import build
from migplan.names import QualifiedName, part_matches
from migplan.pipeline.plan import ChosenPlan, UsedPlan, plan_for
from migplan.plan.edited import cut_down
from migplan.plan.model import Plan
from migplan.postgres.archive import Archive
from migplan.text.wording import did_you_mean, listed, nearest


@dataclass(frozen=True)
class Subject:
    """What an export is about."""

    plan: Plan
    selected: Selected  # by the plan, before anything was narrowed or taken along
    catalog: Catalog  # of what the bundle brings
    of_graph: Catalog  # what keys have to be minded while rows come in: with rows alone, those of all tables
    chosen: Chosen
    provided: ProvidedEntries
    notes: tuple[str, ...] = ()
    digest: str = ""  # of the plan's file, if there is one


@dataclass(frozen=True)
class _Asked:
    """What people want, and of what."""

    catalog: Catalog
    ownership: Ownership
    config: Config
    options: Options
    file: ChosenPlan


def subject_of(
    catalog: Catalog, archive: Archive, config: Config, options: Options, file: ChosenPlan
) -> Subject:
    """Return what is exported; raise LacksError if a bundle of it could not be loaded."""
    asked = _Asked(catalog, ownership_of(archive.entries, catalog), config, options, file)
    _refuse_unknown_kinds(options.choice, archive)
    _refuse_unknown_roles(options.owners, archive, config, catalog)
    used = plan_for(catalog, config, file)
    _refuse_what_cannot_be(used.plan, options)
    selected = used.selected
    provided = ProvidedEntries(archive.entries, selected.provides, selected.catalog.provided)
    scope = scope_of(catalog, used.plan.selection, frozenset(selected.catalog.by_name))
    scope = replace(scope, provided=frozenset(selected.provided))
    if options.groups:
        scope = _of_groups(asked, used, scope, provided)
    chosen = choose(asked.ownership, scope, options.choice, provided)
    if options.contents == "data":
        return _rows_alone(used, scope, chosen, provided)
    if chosen.lacks:
        raise LacksError.of(chosen, catalog)
    if chosen.tables:
        used = _with_tables(asked, used, chosen.tables)
    part = _brought(asked, used.selected, chosen)
    plan = cut_down(used.plan, {str(name) for name in part.by_name})
    if not plan.groups:
        raise SelectionError(
            "nothing is left to export: every table was left out",
            do="choose more: migplan analyze shows what there is",
        )
    return Subject(plan, used.selected, part, part, chosen, provided, used.notes, used.digest)


def _refuse_what_cannot_be(plan: Plan, options: Options) -> None:
    names = [group.name for group in plan.groups]
    for name in options.groups:
        if name not in names:
            do = did_you_mean(name, names, "its groups are: {names}")
            raise PlanError(f"the plan has no group {name}", do=do)
    at_once = [table.table for table in plan.tables if table.strategy is Strategy.COPY and table.keys]
    if at_once and options.inserts is not None:
        raise PlanError(
            f"{at_once[0]} is to be loaded at once, and INSERT checks its keys to itself one by one",
            do="set its strategy to levels, or leave out --data-format insert",
        )


KINDS = frozenset(
    {
        *("ACCESS METHOD", "ACL", "AGGREGATE", "CAST", "CHECK CONSTRAINT", "COLLATION", "COMMENT"),
        *("CONSTRAINT", "CONVERSION", "DATABASE SETTING", "DEFAULT", "DEFAULT ACL", "DOMAIN"),
        *("EVENT TRIGGER", "EXTENSION", "FK CONSTRAINT", "FOREIGN DATA WRAPPER", "FOREIGN TABLE"),
        *("FUNCTION", "INDEX", "INDEX ATTACH", "MATERIALIZED VIEW", "OPERATOR", "OPERATOR CLASS"),
        *("OPERATOR FAMILY", "POLICY", "PROCEDURAL LANGUAGE", "PROCEDURE", "PUBLICATION"),
        *("PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA", "ROW SECURITY", "RULE", "SCHEMA"),
        *("SECURITY LABEL", "SEQUENCE", "SEQUENCE OWNED BY", "SERVER", "STATISTICS", "SUBSCRIPTION"),
        *("TABLE", "TABLE ATTACH", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY"),
        *("TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "TRANSFORM", "TRIGGER", "TYPE", "USER MAPPING"),
        "VIEW",
    }
)
"""What pg_dump calls the kinds of objects."""

# What people may call them.
_ALSO_CALLED = {
    "CHECK": "CHECK CONSTRAINT",
    "ENUM": "TYPE",
    "FOREIGN KEY": "FK CONSTRAINT",
    "GRANT": "ACL",
    "LANGUAGE": "PROCEDURAL LANGUAGE",
    "PRIMARY KEY": "CONSTRAINT",
    "PRIVILEGE": "ACL",
    "UNIQUE": "CONSTRAINT",
}


def _refuse_unknown_kinds(choice: Choice, archive: Archive) -> None:
    """Raise SelectionError for a kind that pg_dump does not know."""
    known = KINDS | {entry.kind for entry in archive.entries}
    for kind in sorted(choice.kinds - known):
        other = _ALSO_CALLED.get(kind) or _ALSO_CALLED.get(nearest(kind, _ALSO_CALLED, 0.8))
        raise SelectionError(
            f"pg_dump has no kind of object that is called {kind}",
            do=f"did you mean {other}?" if other else did_you_mean(kind, known, "they are: {names}"),
        )


def _refuse_unknown_roles(owners: Owners, archive: Archive, config: Config, catalog: Catalog) -> None:
    """Raise SelectionError for a role that nothing in the database names, and that somebody speaks of.

    The whole database counts, so that one command line serves for several bundles. What the target provides
    may be called by its new name.
    """
    known: dict[str, set[str]] = {}
    for entry in archive.entries:
        for role, reason in ((entry.owner, "ownership"), *roles_in(entry, Owners())):
            known.setdefault(role, set()).add(reason)
    named = {role for role, reasons in known.items() if role and reasons != {FUNCTIONS}}
    for role in owners.roles:
        if role in known and role not in named:
            raise SelectionError(
                f"--role {role}=...: only bodies of functions name {role}, and these are not rewritten",
                do="leave out the option, and change the functions in the bundle's files",
            )
        if role not in named:
            raise SelectionError(
                f"--role {role}=...: no owner, grant, policy or setting of the database names a role {role}",
                do=did_you_mean(role, named, "they name: {names}"),
            )
    roles = {*known, *catalog.signs.roles, *owners.roles.values()} - {""}
    for text in config.provided.roles:
        if not any(part_matches(text, role) for role in roles):
            raise SelectionError(
                f"provided.roles: no role matches {text!r}", do=did_you_mean(text, roles, "they are: {names}")
            )


def notes_about(chosen: Chosen) -> tuple[str, ...]:
    """Return what is to be known of functions that will miss something when they are called."""
    missed: dict[str, list[str]] = {}
    for need in chosen.named:
        missed.setdefault(described(need.by), []).append(described(need.what))
    return tuple(
        f"the body of {function} names what is not brought, and may miss it when called: {listed(names)}"
        for function, names in missed.items()
    )


def scope_of(catalog: Catalog, section: SelectionSection, tables: frozenset[QualifiedName]) -> Scope:
    """Return the scope of a selection that means these tables."""
    said = Selection(section.schemas, section.tables, section.exclude)
    return Scope(
        tables,
        None if said.tables else selection.schemas_of(catalog, said),
        alone=bool(said.tables),
        excluded=selection.excluded(catalog, said),
    )


def _of_groups(asked: _Asked, used: UsedPlan, scope: Scope, provided: ProvidedEntries) -> Scope:
    """Return the part of a scope whose definitions go into the files of some groups."""
    plan, wanted = used.plan, asked.options.groups
    names = [group.name for group in plan.groups]
    graph = build(used.selected.catalog)
    groups = plan.group_of
    tables = frozenset(name for name, home in graph.home.items() if groups.get(str(home)) in wanted)
    every = choose(asked.ownership, scope, replace(asked.options.choice, needed=False), provided)
    place: dict[int, int] = {}  # of each entry, the last group that it has to do with
    for number, (_, group) in assign_files(asked.ownership, plan, graph, every).items():
        needs = asked.ownership.needs[number]
        place[number] = max([group, *(place[need] for need in needs if need in place)])
    return replace(
        scope,
        tables=tables,
        elsewhere={
            number: f"it is in group {names[last]}, which is not chosen"
            for number, last in place.items()
            if names[last] not in wanted and number not in asked.ownership.owner
        },
    )


def _with_tables(asked: _Asked, used: UsedPlan, tables: Collection[QualifiedName]) -> UsedPlan:
    """Return plan and selection with the tables that were taken along."""
    tops = {asked.catalog.tops[name] for name in tables}
    if tops <= set(used.selected.catalog.by_name):
        return used
    more = plan_for(asked.catalog, asked.config, asked.file, tops)
    missing = sorted(name for name in tops if str(name) not in more.plan.group_of)
    if missing:
        file = shlex.quote(str(asked.file.file))
        words = " ".join(
            f"--table {shlex.quote(str(name))}"
            for name in sorted({*used.selected.catalog.tops.values(), *tops})
        )
        raise PlanError(
            f"{asked.file.file} has no place for {', '.join(map(str, missing))}, which is needed",
            do=f"make a plan with all of them: migplan plan {words} --out {file}",
        )
    return more


def _brought(asked: _Asked, selected: Selected, chosen: Chosen) -> Catalog:
    """Return the catalog of what the bundle brings."""
    entries = asked.ownership.entries
    # Default privileges have one tag whosever they are: the selection tells those that are provided.
    names = {number: entry.named for number, entry in entries.items()}
    here = {names[number] for number in chosen.here}
    gone = set(names.values()) - here
    whole = replace(asked.catalog, provided=selected.catalog.provided)
    brought = catalog_in_target(whole, gone, Owners())
    created = {entries[number].tag for number in chosen.here if entries[number].kind == "SCHEMA"}
    created |= {schema.name for schema in selected.catalog.schemas}
    selected_grants = {grant.name for grant in selected.catalog.grants}
    return replace(
        brought,
        grants=tuple(
            grant
            for grant in brought.grants
            if grant.kind != "default privileges" or grant.name in selected_grants
        ),
        schemas=tuple(schema for schema in brought.schemas if schema.name in created),
        vitals=None,
        attributes=None,
    )


def _rows_alone(used: UsedPlan, scope: Scope, chosen: Chosen, provided: ProvidedEntries) -> Subject:
    """Return what rows alone are about: the definitions, and what they need, are the target's."""
    selected = used.selected
    graph = build(selected.catalog)
    plan = cut_down(used.plan, {str(graph.home[name]) for name in scope.tables})
    last = plan.groups[-1].name == used.plan.groups[-1].name
    filled = selected.catalog.filled_columns
    part = replace(
        selected.catalog,
        tables=tuple(table for table in selected.catalog.tables if table.name in scope.tables),
        sequences=tuple(
            sequence
            for sequence in selected.catalog.sequences
            if (
                sequence.owned_by in scope.tables
                if sequence.owned_by
                else (last and not scope.alone)
                or any(table.name in scope.tables for table, _ in filled.get(sequence.name, ()))
            )
        ),
        vitals=None,
        attributes=None,
    )
    graph_of = replace(selected.catalog, vitals=None, attributes=None)
    return Subject(plan, selected, part, graph_of, chosen, provided, used.notes, used.digest)
