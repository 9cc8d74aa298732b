"""All that can be said of a folder without a server, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from migplan.config import Platform
from migplan.level import Level
from migplan.migrations.file_analysis import FileAnalysis, analysis_of_file
from migplan.migrations.folder import read
from migplan.migrations.levels import CONTRADICTION, TWICE, level_of
from migplan.migrations.lint import NO_LEVELS, Levels, Risk, Sizes
from migplan.migrations.model import Folder, Thing
from migplan.migrations.order import Order


@dataclass(frozen=True)
class Analysis:
    """A folder, what its migrations do, and in which order they can."""

    folder: Folder
    file_analyses: tuple[FileAnalysis, ...]
    order: Order
    levels: Levels = field(default_factory=lambda: NO_LEVELS)

    def trusting_names(self) -> "Analysis":
        """Return the same, with the order of the names taken as it is."""
        order = Order(self.file_analyses, trust_names=True, lacking=self.order.lacking)
        return replace(self, order=order)

    def lacking(self, things: frozenset[Thing]) -> "Analysis":
        """Return the same for a target that lacks what is dropped before a file makes it."""
        return replace(self, order=Order(self.file_analyses, lacking=things)) if things else self

    @property
    def contradicts(self) -> bool:
        """Whether a statement surely fails in the order of the names, and that is an error here."""
        wrong = any(each.is_wrong for each in self.order.duplicates)
        return (bool(self.order.contradictions) and level_of(CONTRADICTION, self.levels) is Level.ERROR) or (
            wrong and level_of(TWICE, self.levels) is Level.ERROR
        )

    @cached_property
    def risks(self) -> tuple[Risk, ...]:
        """What lint has to say, the most severe first, then by file and line."""
        found = [risk for each in self.file_analyses for risk in each.risks]
        return tuple(sorted(found, key=lambda risk: risk.level.rank))

    @cached_property
    def by_name(self) -> Mapping[str, FileAnalysis]:
        """The analysis of each migration's file."""
        return {each.migration.name: each for each in self.file_analyses}


def analyze(
    path: Path,
    *,
    sizes: Sizes | None = None,
    levels: Levels = NO_LEVELS,
    platform: Platform | None = None,
) -> Analysis:
    """Read a folder, and every file of it."""
    return analysis_of(read(path), sizes=sizes, levels=levels, platform=platform)


def analysis_of(
    folder: Folder,
    *,
    sizes: Sizes | None = None,
    levels: Levels = NO_LEVELS,
    platform: Platform | None = None,
    path: tuple[str, ...] = ("public",),
) -> Analysis:
    """The same, of a folder that was read.

    ``platform`` is the managed host of the target, ``path`` the search path of its database.
    """
    found = tuple(
        analysis_of_file(each, style=folder.style, sizes=sizes, levels=levels, platform=platform, path=path)
        for each in folder.migrations
    )
    return Analysis(folder, found, Order(found), levels)
