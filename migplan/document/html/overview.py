"""What is not about one table: the database, its groups, the advice, the order of a move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from migplan.advise import Advice, Finding
from migplan.document.html.blocks import bullets, facts, folded, grid, mark, muted, paragraph, part
from migplan.document.html.links import Links, group_id
from migplan.document.html.practice import finding
from migplan.document.html.section import Sections
from migplan.document.html.svg import drawn
from migplan.document.html.writing import NOTHING, Markup, code, element, joined
from migplan.document.markdown.book import overview_key
from migplan.document.markdown.homes import without_home
from migplan.document.model import Documentation, GroupDocument
from migplan.graph.graph import Rows
from migplan.level import Level
from migplan.plan.model import PlannedGroup
from migplan.report.tree import tree
from migplan.report.words import amount, count, rows


def database(sections: Sections) -> Markup:
    """The first screen."""
    documentation, links = sections.documentation, sections.links
    catalog, graph = documentation.catalog, documentation.graph
    tables = list(documentation.tables)
    sizes = [each.total_bytes for each in catalog.tables if each.total_bytes is not None]
    picture = sections.pictures.whole()
    return element(
        "section",
        element("h1", catalog.server.database),
        element("p", f"PostgreSQL {catalog.server.version_text.split()[0]}", class_="muted"),
        sections.said(overview_key()),
        facts(
            (
                ("Tables", f"{len(tables):,}"),
                ("Groups", f"{len(documentation.groups):,}"),
                ("Foreign keys", f"{len(graph.all_keys):,}"),
                ("Levels", f"{max(graph.depth.values(), default=0) + 1:,}"),
                ("Rows", _rows(documentation)),
                ("Size", amount(sum(sizes)) if sizes else "?"),
                ("Findings", _levels(documentation.advice.findings)),
            )
        ),
        drawn(picture),
        muted(picture.description),
        element("h4", "Groups, in the order of loading"),
        grid(("Group", "Purpose", "Tables", "Rows"), _groups(documentation), {2, 3}),
        _hubs(documentation, links),
        _unread(documentation),
        _homeless(sections),
        id="overview",
    )


def _rows(documentation: Documentation) -> str:
    known = [document.rows for document in documentation.tables if document.rows is not None]
    exact = len(known) == sum(1 for document in documentation.tables if document.rows_exact)
    return rows(Rows(sum(known), exact))


def _levels(findings: Iterable[Finding]) -> str:
    found = list(findings)
    numbers = [(level, sum(1 for each in found if each.level is level)) for level in Level]
    return ", ".join(count(number, level.value) for level, number in numbers if number) or "none"


def _groups(documentation: Documentation) -> Iterator[tuple[str, ...]]:
    for group in documentation.groups:
        name = element("a", group.name, href=f"#{group_id(group.name)}")
        known = [document.rows for document in group.tables if document.rows is not None]
        exact = all(document.rows_exact for document in group.tables)
        yield name, group.purpose, f"{len(group.tables):,}", rows(Rows(sum(known), exact))


def _hubs(documentation: Documentation, links: Links) -> Markup:
    hubs = [hub for hub in documentation.graph.hubs[:10] if hub.direct > 1]
    lines = ((links.table(hub.table), f"{hub.direct:,}", f"{hub.transitive:,}") for hub in hubs)
    return part(
        "Tables that most others lean on",
        grid(("Table", "Refer to it", "Cannot go before it"), lines, {1, 2}),
    )


def _unread(documentation: Documentation) -> Markup:
    lines = ((code(gap.what), gap.why) for gap in documentation.catalog.unread)
    return part("Not read", grid(("What", "Why"), lines))


def _homeless(sections: Sections) -> Markup:
    """What people wrote about what is not there any more."""
    left = without_home(sections.documentation, sections.kept)
    return part(
        "Written about what is gone",
        *(joined((element("p", code(key)), sections.said(key))) for key in left),
    )


def group(found: GroupDocument, sections: Sections) -> Markup:
    """What opens a group; its tables' sections follow."""
    picture = sections.pictures.group(found)
    shown = [drawn(picture), muted(picture.description)] if picture else []
    if picture is None:
        shown = [muted(f"{count(len(found.tables), 'table')} are too many for one picture.")]
    return element(
        "section",
        element("h2", found.name),
        paragraph(found.purpose) if found.purpose else NOTHING,
        sections.said(overview_key(found.name)),
        *shown,
        id=group_id(found.name),
        class_=f"group {sections.links.hue_of(found.name)}",
    )


def advice(found: Advice, links: Links) -> Iterator[Markup]:
    """Every finding, the most severe first, those of one rule together."""
    yield element("h2", "Advice")
    yield muted(f"Findings: {_levels(found.findings)}.")
    for level in Level:
        own = sorted((each for each in found.findings if each.level is level), key=lambda each: each.code)
        if own:
            yield element("h4", mark(level.value, level.value), f" {count(len(own), 'finding')}")
        for (rule, title), some in groupby(own, key=lambda each: (each.code, each.title)):
            every = list(some)
            about = joined([code(rule), " ", title, " ", element("span", f"{len(every):,}", class_="muted")])
            yield folded(about, *(finding(each, _object(each, links)) for each in every))
    lines = ((code(each.finding.code), code(each.finding.what), each.reason) for each in found.ignored)
    yield part("Known, and left as they are", grid(("Rule", "Object", "Reason"), lines))
    blind = (
        (code(each.code), each.title, code(each.what) if each.what else "", each.why) for each in found.blind
    )
    yield part("Could not be looked at", grid(("Rule", "What it looks for", "Object", "Why"), blind))
    if found.off:
        yield part("Switched off", element("p", joined(map(code, found.off), ", ")))


def _object(found: Finding, links: Links) -> Markup:
    """What a finding is about, as a link where a section tells of it."""
    href = links.href(found.table) if found.table else None
    return element("a", code(found.what), href=href) if href else code(found.what)


def order(sections: Sections) -> Iterator[Markup]:
    """The groups and their tables in the order of loading, and the tree."""
    documentation = sections.documentation
    yield element("h2", "Migration order")
    yield muted("Each table comes after all that it needs, group by group.")
    lines = (
        (_link(each.table, sections), mark(each.how.value), each.reason) for each in documentation.plan.breaks
    )
    yield part("Where circles are cut open", grid(("Table", "How", "Why"), lines))
    place = 0
    for group_of_plan in documentation.plan.groups:
        yield element("h4", group_of_plan.name)
        yield grid(
            ("", "Table", "Level", "Rows", "Strategy", "Why"),
            _steps(group_of_plan, place, sections),
            {0, 2, 3},
        )
        place += len(group_of_plan.tables)
    yield _ways(sections)
    yield element("h4", "The tree")
    branches = "\n".join(
        "  ".join(bit for bit in (line.branches + line.text, line.rows, line.mark) if bit)
        for line in tree(documentation.graph)
    )
    yield element("pre", branches, class_="tree")


def _ways(sections: Sections) -> Markup:
    """The chain that decides how long a move takes, the ways round in circles, and keys that lead out."""
    graph, links = sections.documentation.graph, sections.links
    chain = joined(map(links.table, graph.critical_chain), " → ")
    cycles = (
        joined([joined(map(links.table, (*cycle.tables, cycle.tables[0])), " → ")]) for cycle in graph.cycles
    )
    leaving = (code(str(key)) for key in graph.leaving)
    return joined(
        (
            part("The longest chain", element("p", chain)) if len(graph.critical_chain) > 1 else NOTHING,
            part("Circles", bullets(cycles)),
            part("Keys to what is not documented here", bullets(leaving)),
        )
    )


def _steps(found: PlannedGroup, place: int, sections: Sections) -> Iterator[tuple[str, ...]]:
    for number, table in enumerate(found.tables, place + 1):
        expected = rows(Rows(table.rows, not table.estimated))
        yield (
            f"{number:,}",
            _link(table.table, sections),
            str(table.depth),
            expected,
            mark(table.strategy.value),
            table.reason,
        )


def _link(name: str, sections: Sections) -> Markup:
    """A link to a table by the name that the plan has for it."""
    found = sections.links.named(name)
    return code(name) if found is None else sections.links.table(found)
