"""What is known of a migration when its file was read: uses, what cannot be in a transaction, risks."""

from __future__ import annotations

from dataclasses import dataclass

from migplan.handwritten.lint import NO_LEVELS, Context, Finding, Levels, Sizes, lint
from migplan.handwritten.model import Folder, Migration, Part, Style, Use
from migplan.handwritten.statements import parsed
from migplan.handwritten.transactions import Alone, alone
from migplan.handwritten.uses import uses


@dataclass(frozen=True, slots=True)
class Account:
    """A migration, read."""

    migration: Migration
    uses: tuple[Use, ...] = ()
    alone: tuple[Alone, ...] = ()
    findings: tuple[Finding, ...] = ()
    statements: int = 0
    rows: int = 0  # of COPY

    @property
    def in_transaction(self) -> bool:
        """Whether it can be, and is to be, one transaction."""
        return self.migration.in_transaction and not self.alone


def account_of(
    migration: Migration,
    *,
    style: Style = Style.PLAIN,
    sizes: Sizes | None = None,
    levels: Levels = NO_LEVELS,
) -> Account:
    """Read a migration's file. Of one in Python, nothing is known but what it says it requires."""
    if migration.kind == "python":
        return Account(migration)
    statements = tuple(parsed(migration.up))
    lonely = alone(statements)
    context = Context(migration, migration.in_transaction and not lonely, sizes, style)
    return Account(
        migration,
        uses(statements),
        lonely,
        lint(statements, context, levels),
        len(statements),
        sum(each.rows or 0 for each in statements),
    )


def accounts(
    folder: Folder, *, sizes: Sizes | None = None, levels: Levels = NO_LEVELS
) -> tuple[Account, ...]:
    """The accounts of all migrations of a folder, in its order."""
    return tuple(
        account_of(each, style=folder.style, sizes=sizes, levels=levels) for each in folder.migrations
    )


def part_alone(part: Part) -> tuple[Alone, ...]:
    """What of another part, such as the way back, cannot be in a transaction."""
    return alone(tuple(parsed(part)))
