"""Whether the migrations of a folder did what they say: on the screen, as a report to hand on, as data."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from migplan.anonymise.texts import shown
from migplan.run.bundle.receipt import Receipt
from migplan.run.migrations.status import MigrationStatus, State
from migplan.text.wording import counted
from migplan.verify.counts import Counts, TableCounts, total_of
from migplan.verify.migrations import NOT_SEEN, MigrationsVerified
from migplan.verify.verification import Difference

_WIDTH = 22


@dataclass(frozen=True)
class Told:
    """What is to be told of a folder and a target."""

    folder: Path
    target: str
    server: str
    known: Sequence[MigrationStatus]
    found: MigrationsVerified
    holds: bool
    receipts: Sequence[Receipt] = ()

    @property
    def differences(self) -> list[str]:
        """Every difference, less secrets: a definition that differs may hold somebody's key."""
        return _told(self.found.differences)

    @property
    def drift(self) -> list[str]:
        """What else differs, likewise."""
        return _told(self.found.drift)

    @property
    def answer(self) -> str:
        """All of it in a sentence."""
        states = Counter(each.state for each in self.known if not each.is_seed)
        others = [f"{number:,} {state}" for state, number in states.items() if state is not State.APPLIED]
        applied = counted(states[State.APPLIED], "migration")
        said = "did what they say" if self.found.did else "did NOT do what they say"
        if self.found.why and self.found.looked:
            said += ", as far as names tell"
        others += [f"{counted(len(self.found.drift), 'other difference')}"] if self.found.drift else []
        rest = f"; {', '.join(others)}" if others else ""
        return f"{applied} of {self.folder} in {self.target} {said}{rest}."

    @property
    def judged(self) -> str:
        """By what it was judged."""
        if self.found.judge:
            return f"Compared with what the same migrations make on {self.found.judge}."
        return f"Judged by inference only ({self.found.why}); not seen: {NOT_SEEN}."


def _told(differences: Sequence[Difference]) -> list[str]:
    return [
        f"{each.detail}: {each.what}" if each.detail == "missing" else shown(str(each))
        for each in differences
    ]


def adopted(told: Told, names: Sequence[str]) -> Iterator[Text]:
    """Yield in what a target differs from what migrations make that are to be taken as applied."""
    for name in names:
        yield Text(f"  {name}")
    yield Text(told.judged, style="" if told.found.judge else "yellow")
    for note in told.found.notes:
        yield Text(f"  note: {note}")
    for each in told.differences:
        yield Text(f"  differs: {each}", style="bold red")
    for looked in told.found.looked:
        for wrong in () if looked.holds else looked.wrong:
            yield Text(f"  {looked.name}: {wrong.what}", style="bold red")
    if told.found.holds:
        yield Text(
            f"{counted(len(names), 'migration')}: the target has what they make; rows are not compared."
        )


def as_text(told: Told) -> Iterator[Text]:
    """Yield what the verify parts said, what was compared of all that was made, and the answer."""
    found = told.found
    yield from _each(told)
    if found.looked:
        yield Text()
        yield Text(told.judged, style="" if found.judge else "yellow")
        for note in found.notes:
            yield Text(f"  note: {note}")
    for check in found.checks:
        mark = "ok" if check.holds else "DIFFERS"
        line = f"  {check.name:{_WIDTH}}{check.right:>8,}/{check.of:<8,}{mark}"
        yield Text(line, style="" if check.holds else "bold red")
    if found.tables:
        yield Text(f"  {'Rows':{_WIDTH}}{found.rows:>8,}")
    for difference in told.differences:
        yield Text(f"  {difference}", style="red")
    for difference in told.drift:
        yield Text(f"  other drift: {difference}", style="red")
    yield Text(told.answer, style="bold")


def _each(told: Told) -> Iterator[Text]:
    """Yield what the verify part of each migration said, and which are not applied."""
    found = told.found
    width = max((len(each.name) for each in found.looked), default=0)
    for each in found.looked:
        said = f"{each.rows:,} rows, {each.answer}" if each.exists else "no verify part"
        said = f"verify part not run: done anew by {each.reworked_as}" if each.reworked_as else said
        said = f"{said} by a later migration, as on the scratch server" if each.undone else said
        yield Text(f"  {each.name:{width}}  {said}", style="" if each.holds else "bold red")
        for complaint in each.wrong:
            yield Text(f"      {complaint}", style="dim" if each.undone else "red")
    for status in told.known:
        if status.state is not State.APPLIED and not status.is_seed:
            yield Text(f"  {status.name:{width}}  {status.state}", style="bold red")


def as_json(told: Told) -> dict[str, Any]:
    """Return the same as data."""
    found = told.found
    prefix, now, then = found.indexes_named
    total = {name: _numbers(each) for name, each in _totals(found).items()}
    return {
        "folder": str(told.folder),
        "target": told.target,
        "server": told.server,
        "holds": told.holds,
        "judged_by": found.judge or None,
        "inference_only": None if found.judge else {"why": found.why, "not_seen": NOT_SEEN},
        "migrations": _migrations_as_json(told),
        "checks": [
            {
                "kind": check.name,
                "right": check.right,
                "of": check.of,
                "differences": _differences_as_json(check.differences),
            }
            for check in found.checks
        ],
        "drift": _differences_as_json(found.drift),
        "tables": [
            {
                "table": str(table.name),
                "rows": table.rows,
                "expected": _numbers(table.expected),
                "found": _numbers(table.found) if table.found else None,
            }
            for table in found.tables
        ],
        "totals": {"tables": len(found.tables), "rows": found.rows, **total},
        "tables_changed": list(found.changed),
        "views": list(found.views),
        "functions": list(found.functions),
        "indexes_by_name": {"prefix": prefix, "found": now, "expected": then} if prefix else None,
        "notes": list(found.notes),
        "receipts": [
            {"verified_at": each.verified_at, "target": each.target, "rows": each.rows}
            for each in told.receipts
        ],
    }


def _migrations_as_json(told: Told) -> list[dict[str, Any]]:
    looked = {each.name: each for each in told.found.looked if each.exists}
    return [
        {
            "name": each.name,
            "state": str(each.state),
            "seed": each.is_seed,
            "applied_at": each.at.isoformat(timespec="seconds") if each.at else None,
            "by": each.by or None,
            "verify": {"rows": part.rows, "holds": part.holds, "wrong": list(map(str, part.wrong))}
            if (part := looked.get(each.name))
            else None,
        }
        for each in told.known
    ]


def _differences_as_json(differences: Sequence[Difference]) -> list[dict[str, str]]:
    return [{"what": each.what, "detail": shown(each.detail)} for each in differences]


def _numbers(counts: Counts) -> dict[str, int]:
    more = ("all_indexes", "constraints", "constraints_as_listed", "constraints_less_primary_keys")
    return {**asdict(counts), **{name: getattr(counts, name) for name in more}}


def _totals(found: MigrationsVerified) -> Mapping[str, Counts]:
    return {
        "found": total_of(table.found for table in found.tables if table.found),
        "expected": total_of(table.expected for table in found.tables),
    }


def as_markdown(told: Told) -> str:
    """Return the report that teams put beside their migrations."""
    return "\n".join(_markdown(told)) + "\n"


def _markdown(told: Told) -> Iterator[str]:
    found = told.found
    said = "verified" if told.holds else "NOT verified"
    yield f"# Migrations of {_cell(told.folder.resolve().name)}: {said}"
    yield ""
    yield f"{_cell(told.answer)} PostgreSQL {_cell(told.server)}. {_cell(told.judged)}"
    for note in found.notes:
        yield f"Note: {_cell(note)}."
    yield from _section(
        "Migrations", ("migration", "state", "applied", "by", "verify part"), _migrations(told)
    )
    yield from _tables(found.tables)
    yield from _section("Summary", ("", "there", "expected"), _summary(found))
    if found.tables:
        yield ""
        yield from _ways_of_counting(found)
    for title, names in (
        ("Views", found.views),
        ("Functions", found.functions),
        ("Tables that were there before, and were changed", found.changed),
    ):
        yield from _section(title, (), [(_code(name),) for name in names])
    rows = [
        (check.name, f"{check.right:,} of {check.of:,}", "ok" if check.holds else "**DIFFERS**")
        for check in found.checks
    ]
    yield from _section("Compared", ("what", "right", ""), rows)
    yield from _section("Differences", (), [(_cell(each),) for each in told.differences])
    yield from _section("Other drift", (), [(_cell(each),) for each in told.drift])
    wrong = [(_cell(line),) for each in found.looked if not each.holds for line in each.wrong]
    yield from _section("What verify parts complain of", (), wrong)
    receipts = [(each.verified_at, _cell(each.target), f"{each.rows:,}") for each in told.receipts]
    yield from _section("Receipts", ("verified", "target", "rows"), receipts)


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A heading with a table below it, or with a list where there is no head; nothing without rows."""
    if not rows:
        return
    yield from ("", f"## {title}", "")
    if not head:
        yield from (f"- {row[0]}" for row in rows)
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _migrations(told: Told) -> list[tuple[str, ...]]:
    looked = {each.name: each for each in told.found.looked if each.exists}
    rows: list[tuple[str, ...]] = []
    for each in told.known:
        part = looked.get(each.name)
        said = f"{part.rows:,} rows, {part.answer if part.holds else '**DIFFERS**'}" if part else ""
        at = f"{each.at:%Y-%m-%d %H:%M:%S}" if each.at else ""
        rows.append((_code(each.name), str(each.state), at, _cell(each.by), said))
    return rows


def _tables(tables: Sequence[TableCounts]) -> Iterator[str]:
    head = (
        "table",
        "columns",
        "rows",
        "indexes",
        "with those of keys",
        "triggers",
        "policies",
        "constraints",
        "columns NOT NULL",
    )
    rows = []
    for table in tables:
        now, then = table.found or Counts(), table.expected
        numbers = [
            (now.columns, then.columns),
            (now.indexes, then.indexes),
            (now.all_indexes, then.all_indexes),
            (now.triggers, then.triggers),
            (now.policies, then.policies),
            (now.constraints, then.constraints),
            (now.not_null, then.not_null),
        ]
        said = [_of(*pair) for pair in numbers]
        counted_rows = (
            "missing" if table.found is None else "not counted" if table.rows is None else f"{table.rows:,}"
        )
        rows.append((_code(table.name), said[0], counted_rows, *said[1:]))
    yield from _section("Tables", head, rows)


def _of(found: int, expected: int) -> str:
    return f"{found:,}" if found == expected else f"**{found:,} of {expected:,}**"


_LINES: Mapping[str, str] = {
    "Columns": "columns",
    "Indexes, by CREATE INDEX": "indexes",
    "Indexes of unique constraints": "indexes_of_unique_constraints",
    "Indexes of primary keys": "indexes_of_primary_keys",
    "Indexes of exclusion constraints": "indexes_of_exclusions",
    "Indexes, all": "all_indexes",
    "Triggers": "triggers",
    "Policies": "policies",
    "Primary keys": "primary_keys",
    "Foreign keys": "foreign_keys",
    "Unique constraints": "unique_constraints",
    "Check constraints": "checks",
    "Exclusion constraints": "exclusions",
    "Constraints": "constraints",
    "Columns NOT NULL": "not_null",
}


def _summary(found: MigrationsVerified) -> list[tuple[str, ...]]:
    total = _totals(found)
    there = sum(table.found is not None for table in found.tables)
    rows: list[tuple[str, ...]] = [("Tables", f"{there:,}", f"{len(found.tables):,}")] if found.tables else []
    for said, name in _LINES.items():
        now, then = (getattr(total[each], name) for each in ("found", "expected"))
        if now or then:
            rows.append((said, f"{now:,}", f"{then:,}"))
    prefix, now, then = found.indexes_named
    if prefix:
        rows.insert(6, (f"Indexes called {_code(f'{prefix}...')}", f"{now:,}", f"{then:,}"))
    for kind, said in (
        ("Functions", "Functions"),
        ("Views", "Views"),
        ("Types", "Types"),
        ("Sequences", "Sequences"),
    ):
        rows += [(said, f"{check.right:,}", f"{check.of:,}") for check in found.checks if check.name == kind]
    if found.tables:
        rows.append(("Rows of these tables", f"{found.rows:,}", ""))
    return rows


def _ways_of_counting(found: MigrationsVerified) -> Iterator[str]:
    now = _totals(found)["found"]
    free = now.not_null - now.not_null_in_primary_keys
    yield (
        f"Constraints are counted in more than one way. By the catalog there are **{now.constraints:,}**: "
        f"{now.primary_keys:,} primary keys, {now.foreign_keys:,} foreign keys, "
        f"{now.unique_constraints:,} unique, {now.checks:,} check and {now.exclusions:,} exclusion "
        f"constraints. With the {free:,} columns NOT NULL that belong to no primary key, and without the "
        f"primary keys, there are **{now.constraints_less_primary_keys:,}**. "
        f"`information_schema.table_constraints` lists **{now.constraints_as_listed:,}**: each of the "
        f"{now.not_null:,} columns NOT NULL is a CHECK there, and exclusion constraints are not there. "
        "An index stands behind each primary key and unique constraint; whoever counts CREATE INDEX alone "
        "does not have those. Rows are those of tables: views have none of their own."
    )


def _code(name: object) -> str:
    """Return a name as code, in one cell of a table."""
    text = " ".join(str(name).split()).replace("`", "'").replace("|", "\\|")
    return f"`{text}`"


def _cell(value: object) -> str:
    """Return text that is in one cell of a table, and no markup."""
    text = " ".join(str(value).split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|" else letter for letter in text)
