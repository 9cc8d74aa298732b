"""What every page has to know of the others: which page has a table's section, and what it is called."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from markupsafe import Markup

from migplan.catalog.model import ForeignKey, Type
from migplan.document.markdown import marks
from migplan.document.model import Documentation, GroupDocument, TableDocument, title
from migplan.document.regions import purpose_key
from migplan.names import QualifiedName
from migplan.text import markdown

INDEX = "README.md"
ORDER = "MIGRATION_ORDER.md"
ADVISORS = "ADVISORS.md"
DROPPED = "DROPPED.md"

TABLES_A_PAGE = 50  # GitHub shows no page of more than 512 kB as it should look
_PLAIN = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")
_ODD = re.compile(r"[^a-z0-9_.]+")
_ONE_LINE = 140


def page_of_group(group: str, number: int = 1) -> str:
    """``TABLES_FOUNDATION.md``; the second page of a large group is ``TABLES_FOUNDATION.2.md``."""
    return f"TABLES_{group.upper()}{f'.{number}' if number > 1 else ''}.md"


def anchor(name: QualifiedName) -> Markup:
    """Return the table's id in its page. Headings get ids without dots, so that none is the same."""
    plain = f"{name.schema}.{name.name}"
    if _PLAIN.fullmatch(plain):
        return Markup(plain)
    digest = hashlib.sha256(str(name).encode()).hexdigest()[:8]
    return Markup(f"{_ODD.sub('-', plain.lower())[:60]}-{digest}")


def rule_anchor(code: str) -> Markup:
    """Return the id of a rule's findings in the page of findings."""
    return Markup(f"rule.{code.lower()}")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A page of a group."""

    group: GroupDocument
    number: int
    tables: tuple[TableDocument, ...]
    last: bool

    @property
    def file(self) -> str:
        """The page's name."""
        return page_of_group(self.group.name, self.number)


@dataclass(frozen=True)
class Book:
    """The documentation with what people wrote, and the way from each page to the others.

    In one page (``single``) all links stay in it. That is also how a section is rendered to see whether it is
    stale: it must not change because a neighbour has moved to another page.
    """

    documentation: Documentation
    kept: Mapping[str, str] = field(default_factory=dict)
    single: bool = False

    def to_table(self, name: QualifiedName, here: str = "") -> Markup:
        """Return a link to a table's section from the page ``here``; its name where it has none."""
        page = self.page_of.get(name)
        if page is None:
            return markdown.code(title(name))
        return markdown.link(title(name), self.target(page, anchor(self.home[name]), here))

    def to_tables(self, names: Iterable[QualifiedName], here: str = "", between: str = ", ") -> Markup:
        """Return several of them."""
        return Markup(between).join(self.to_table(name, here) for name in names)

    def to_rule(self, code: str, here: str = "") -> Markup:
        """Return a link to what a rule found; its code where the page has nothing of it."""
        if code not in self.rules:
            return markdown.text(code)
        return markdown.link(code, self.target(ADVISORS, rule_anchor(code), here))

    def to_page(self, label: str, page: str) -> Markup:
        """Return a link to a page; where all is one page, its name."""
        return markdown.text(label) if self.single else markdown.link(label, page)

    def region(self, key: str) -> Markup:
        """Return a region, with what people wrote there."""
        return Markup("\n".join(marks.region(key, self.kept.get(key, ""))))

    def target(self, page: str, place: str, here: str = "") -> str:
        """The relative address of a place."""
        return f"#{place}" if self.single or page == here else f"{page}#{place}"

    @cached_property
    def page_of(self) -> Mapping[QualifiedName, str]:
        """The page of each table's section; a partition's is that of its table."""
        pages: dict[QualifiedName, str] = {}
        for chapter in self.chapters:
            pages |= {document.name: chapter.file for document in chapter.tables}
        return pages | {name: pages[home] for name, home in self.home.items() if home in pages}

    @cached_property
    def chapters(self) -> tuple[Chapter, ...]:
        """The pages of the groups; a group without tables has one, too."""
        return tuple(
            Chapter(group, start // TABLES_A_PAGE + 1, part, last=start + TABLES_A_PAGE >= len(group.tables))
            for group in self.documentation.groups
            for start in range(0, max(len(group.tables), 1), TABLES_A_PAGE)
            for part in [group.tables[start : start + TABLES_A_PAGE]]
        )

    @cached_property
    def home(self) -> Mapping[QualifiedName, QualifiedName]:
        """The table whose section describes each table: a partition is described in its top table's."""
        homes = self.documentation.graph.home
        return {**homes} | {document.name: document.name for document in self.documentation.tables}

    @cached_property
    def enums(self) -> Mapping[str, Type]:
        """Enumerations by the name that columns have for them."""
        types = (type_ for type_ in self.documentation.catalog.types if type_.kind == "enum")
        return {str(type_.name): type_ for type_ in types}

    @cached_property
    def rules(self) -> frozenset[str]:
        """The codes of the rules that found something."""
        return frozenset(finding.code for finding in self.documentation.advice.findings)

    @cached_property
    def arriving(self) -> Mapping[QualifiedName, tuple[ForeignKey, ...]]:
        """The keys that lead to each node of the graph from others."""
        found: dict[QualifiedName, list[ForeignKey]] = {}
        for _, referenced, key in self.documentation.graph.hops:
            found.setdefault(referenced, []).append(key)
        return {name: tuple(keys) for name, keys in found.items()}

    def purpose(self, document: TableDocument) -> str:
        """Return what a table is for in one line; empty where nobody has said it."""
        said = document.table.comment or self.kept.get(purpose_key(document.name), "")
        line = next((line for line in said.splitlines() if line.strip()), "").strip()
        return line if len(line) <= _ONE_LINE else f"{line[: _ONE_LINE - 1]}…"

    def groups_needed_by(self, group: GroupDocument) -> list[str]:
        """Return the groups that hold what a group's tables need, in the order of loading."""
        needed = {
            self.documentation.group_of.get(need)
            for document in group.tables
            for need in document.migration.before
        }
        return [
            each.name for each in self.documentation.groups if each.name in needed and each.name != group.name
        ]

    def files_of(self, group: GroupDocument) -> tuple[str, ...]:
        """Return the files of the bundle that a group has."""
        return next((each.files for each in self.documentation.plan.groups if each.name == group.name), ())
