"""What is known of a migration when its file was read: uses, what cannot be in a transaction, risks."""

from dataclasses import dataclass

from migplan.config import Platform
from migplan.migrations.lint import NO_LEVELS, Context, Levels, Risk, Sizes, lint
from migplan.migrations.model import How, Migration, Style, ThingKind, Told, Use
from migplan.migrations.source_files import statements_of
from migplan.migrations.transactions import NonTransactional, non_transactional, outside_effects, refuse_ends
from migplan.migrations.uses import uses


@dataclass(frozen=True, slots=True)
class FileAnalysis:
    """A migration, read."""

    migration: Migration
    uses: tuple[Use, ...] = ()
    non_transactional: tuple[NonTransactional, ...] = ()
    outside_effects: tuple[NonTransactional, ...] = ()
    risks: tuple[Risk, ...] = ()
    statements: int = 0
    rows: int = 0  # of COPY

    @property
    def in_transaction(self) -> bool:
        """Whether it can be, and is to be, one transaction."""
        return self.migration.in_transaction and not self.non_transactional

    @property
    def leaves_nothing(self) -> bool:
        """Whether a failure leaves everything as it was."""
        return self.in_transaction and not self.outside_effects


def analysis_of_file(
    migration: Migration,
    *,
    style: Style = Style.PLAIN,
    sizes: Sizes | None = None,
    levels: Levels = NO_LEVELS,
    platform: Platform | None = None,
    path: tuple[str, ...] = ("public",),
) -> FileAnalysis:
    """Read a migration's file. Of one in Python, nothing is known but what it says it requires."""
    if migration.kind == "python":
        return FileAnalysis(migration, _with_told((), migration))
    statements = tuple(statements_of(migration.up))
    refuse_ends(statements, migration.up.file)
    outside = non_transactional(statements, together=migration.in_transaction)
    context = Context(migration, migration.in_transaction and not outside, sizes, style, platform=platform)
    return FileAnalysis(
        migration,
        _with_told(uses(statements, path), migration),
        outside,
        outside_effects(statements),
        lint(statements, context, levels),
        len(statements),
        sum(each.rows or 0 for each in statements),
    )


def _with_told(found: tuple[Use, ...], migration: Migration) -> tuple[Use, ...]:
    """What statements do, and what lines of the file tell: needs come first, the rest in its place."""
    needs = [_of(told, number) for number, told in enumerate(migration.told, -len(migration.told))]
    first = [use for use in needs if use.how == "needs"]
    provided = [use for use in needs if use.how == "creates"]
    at = next((at for at, use in enumerate(found) if provided and use.line > provided[0].line), len(found))
    return (*first, *found[:at], *provided, *found[at:])


def _of(told: Told, number: int) -> Use:
    how: How = "needs" if told.is_needed else "creates"
    word = "needs" if told.is_needed else "provides"
    said = f"-- migplan: {word} {told.thing}"
    detail = "v" if told.thing.kind is ThingKind.TABLE else ""
    return Use(how, told.thing, told.line, said, tolerant=not told.is_needed, number=number, detail=detail)
