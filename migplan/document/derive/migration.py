"""What a move of a table has to mind: only what follows from facts, each with its reason."""

from collections.abc import Callable, Iterator

from migplan.catalog.model import Column, ForeignKey, Table, TableKind
from migplan.document.derive.facts import Facts
from migplan.document.derive.platforms import credentials, external_ids, is_integration, sync_fields
from migplan.document.derive.triggers import keeps_record, sets_time
from migplan.document.derive.wording import columns_of
from migplan.document.model import MigrationNotes
from migplan.names import quoted
from migplan.plan.model import PlannedTable
from migplan.text.wording import counted, joined, listed

LARGE = 100_000

Noter = Callable[[Table, Facts], Iterator[str]]


def notes(table: Table, planned: PlannedTable, facts: Facts) -> MigrationNotes:
    """Return the notes for one table."""
    return MigrationNotes(
        before=facts.graph.needs.get(table.name, ()),
        do=_all(DO, table, facts),
        dont=_all(DONT, table, facts),
        handling=(*_circle(table, facts), *_all(HANDLING, table, facts)),
        volume=tuple(_volume(table, planned, facts)),
    )


def _all(noters: tuple[Noter, ...], table: Table, facts: Facts) -> tuple[str, ...]:
    return tuple(note for noter in noters for note in noter(table, facts))


def _keep_referenced(table: Table, facts: Facts) -> Iterator[str]:
    columns = sorted(facts.graph.referenced_columns.get(table.name, ()))
    if columns:
        others = [name.name for name in facts.graph.dependents[table.name]] or ["its own rows"]
        yield f"Keep the values of {columns_of(columns)}: rows of {listed(others)} refer to them."


def _keep_external(table: Table, facts: Facts) -> Iterator[str]:
    for names in _some(external_ids(table, facts.platforms)):
        yield f"Keep {names} as it is: another system knows the rows by it."


def _keep_sync(table: Table, _: Facts) -> Iterator[str]:
    for names in _some(name for name, _ in sync_fields(table)):
        yield f"Bring {names} along: without it the first sync does everything again."


def _parents_first(table: Table, facts: Facts) -> Iterator[str]:
    for key in _own_keys(table, facts):
        yield (
            f"Load parents before children where keys hold already: {columns_of(key.columns)} refers to "
            f"{columns_of(key.referenced_columns)} of the same table."
        )


def _triggers_off(table: Table, _: Facts) -> Iterator[str]:
    firing = [trigger for trigger in table.triggers if trigger.fires]
    for trigger in firing:
        if not {"INSERT", "UPDATE"} & set(trigger.events):
            continue
        if sets_time(trigger):
            why = "it would write the time of the move"
        elif keeps_record(trigger):
            why = "it would record the move as if people had done it"
        else:
            why = f"it calls {trigger.function} for rows that have been through it once"
        yield f"Switch trigger {quoted(trigger.name)} off until all rows are in: {why}."


def _set_sequences(table: Table, facts: Facts) -> Iterator[str]:
    for sequence in facts.sequences.get(table.name, ()):
        column = quoted(sequence.owned_column or "")
        yield f"Set sequence {sequence.name} after the load: else {column} gets numbers that are taken."


def _keep_secrets_safe(table: Table, facts: Facts) -> Iterator[str]:
    for names in _some(_secrets(table, facts)):
        yield f"Move {names} over an encrypted way, and change it afterwards: it may let people in."


def _see_all_rows(table: Table, _: Facts) -> Iterator[str]:
    if table.row_security and table.force_row_security:
        yield "Load as a role with BYPASSRLS: row-level security is forced, so it binds the owner, too."
    elif table.row_security:
        yield "Read and load as the owner or a role with BYPASSRLS: policies hide rows from others."


def _unchecked_keys(table: Table, _: Facts) -> Iterator[str]:
    for key in table.foreign_keys:
        if not (key.validated and key.enforced):
            how = "NOT VALID" if key.enforced else "NOT ENFORCED"
            yield f"Make key {quoted(key.name)} {how} there, too, or fix the rows: some may be astray."


def _truncate(table: Table, facts: Facts) -> Iterator[str]:
    direct = facts.graph.dependents.get(table.name, ())
    if direct:
        all_of_them = facts.graph.blocked[table.name]
        them = "it" if len(direct) == 1 else "them"
        emptied = f"{them}, too" if all_of_them == len(direct) else counted(all_of_them, "table")
        verb = "refers" if len(direct) == 1 else "refer"
        yield (
            f"Truncate it: {counted(len(direct), 'table')} {verb} to it "
            f"({listed(name.name for name in direct)}), "
            f"and CASCADE would empty {emptied}."
        )


def _delete(table: Table, facts: Facts) -> Iterator[str]:
    gone = sorted(
        {
            key.table.name
            for key in facts.incoming.get(table.name, ())
            if key.on_delete == "CASCADE" and not key.refers_to_itself
        }
    )
    if gone:
        yield f"Delete rows to load them again: ON DELETE CASCADE takes rows of {listed(gone)} along."


def _new_ids(table: Table, facts: Facts) -> Iterator[str]:
    used = facts.graph.referenced_columns.get(table.name, frozenset())
    for column in table.columns:
        if column.name in used and _is_numbered(column):
            yield f"Let the server number {quoted(column.name)} anew: rows that refer to it would go astray."


def _change_external(table: Table, facts: Facts) -> Iterator[str]:
    for names in _some(external_ids(table, facts.platforms)):
        yield f"Change {names}: the next sync would bring the same things in a second time."


def _copy_secrets(table: Table, facts: Facts) -> Iterator[str]:
    for names in _some(_secrets(table, facts)):
        yield f"Copy {names} to staging or into files that others read: it may let people in."


def _load_generated(table: Table, _: Facts) -> Iterator[str]:
    for names in _some(column.name for column in table.columns if column.generated):
        yield f"Load {names}: the server works it out, and refuses a value."


def _identity_always(table: Table, _: Facts) -> Iterator[str]:
    for column in table.columns:
        if column.identity == "always":
            yield f"{quoted(column.name)} is GENERATED ALWAYS: INSERT needs OVERRIDING SYSTEM VALUE."


def _circle(table: Table, facts: Facts) -> Iterator[str]:
    circle = next((each for each in facts.graph.circles if table.name in each), None)
    if circle is not None:
        others = sorted(name.name for name in circle if name != table.name)
        yield f"It is in a circle with {listed(others)}: no order alone loads them."


def _hierarchy(table: Table, facts: Facts) -> Iterator[str]:
    for key in _own_keys(table, facts):
        yield f"A hierarchy by {columns_of(key.columns)}: rows refer to rows of the same table."


def _kinds(table: Table, facts: Facts) -> Iterator[str]:
    parts = len(facts.graph.partitions.get(table.name, ()))
    if table.kind is TableKind.PARTITIONED:
        yield (f"Partitioned by {table.partition_key}: {counted(parts, 'partition')} must be there before.")
    if table.kind is TableKind.FOREIGN:
        yield "A foreign table: its rows lie elsewhere, and only its definition is moved."
    if table.persistence == "unlogged":
        yield "Unlogged: a crash empties it, and it is not replicated."
    if table.inherits:
        yield f"It inherits from {listed(table.inherits)}, which must be there before."
    for exclusion in table.exclusions:
        yield f"Exclusion constraint {quoted(exclusion.name)}: of rows that clash one is refused."


def _junction(table: Table, _: Facts) -> Iterator[str]:
    key = set(table.primary_key.columns) if table.primary_key else set()
    met = [k for k in table.foreign_keys if set(k.columns) < key and not k.refers_to_itself]
    others = list(dict.fromkeys(each.referenced.name for each in met))
    if len(others) > 1 and len(table.foreign_keys) > 1:
        yield f"A junction of {joined(others)}: both sides of a row must be there before it."


def _integration(table: Table, facts: Facts) -> Iterator[str]:
    if _secrets(table, facts) and is_integration(table, facts.platforms):
        yield "Sign in to the other system again after the move, and see that it calls the new place."


def _volume(table: Table, planned: PlannedTable, facts: Facts) -> Iterator[str]:
    rows = facts.graph.rows.get(table.name)
    if rows is None or rows.count is None or not planned.brings_rows:
        return
    if rows.count == 0 and rows.exact:
        yield "It is empty: there is nothing to load."
    elif rows.count >= LARGE:
        about = f"{rows.count:,}" if rows.exact else f"about {rows.count:,}"
        yield f"High volume, {about} rows: load it with COPY, and watch how far it has got."


def _own_keys(table: Table, facts: Facts) -> tuple[ForeignKey, ...]:
    return facts.graph.self_keys.get(table.name, ())


def _secrets(table: Table, facts: Facts) -> tuple[str, ...]:
    return credentials(table, integrated=is_integration(table, facts.platforms))


def _is_numbered(column: Column) -> bool:
    return column.identity is not None or (column.default or "").startswith("nextval(")


def _some(names: object) -> Iterator[str]:
    """Return the names as one text, or nothing where there are none."""
    every = [quoted(name) for name in names]  # type: ignore[attr-defined]
    if every:
        yield joined(every)


DO: tuple[Noter, ...] = (
    _keep_referenced,
    _keep_external,
    _keep_sync,
    _parents_first,
    _triggers_off,
    _set_sequences,
    _unchecked_keys,
    _keep_secrets_safe,
    _see_all_rows,
)
DONT: tuple[Noter, ...] = (
    _truncate,
    _delete,
    _new_ids,
    _change_external,
    _load_generated,
    _copy_secrets,
)
HANDLING: tuple[Noter, ...] = (_hierarchy, _junction, _identity_always, _kinds, _integration)
