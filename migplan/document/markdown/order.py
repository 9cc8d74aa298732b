"""``MIGRATION_ORDER.md``: what needs what, what is loaded when and how, and what order alone cannot solve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from migplan.document.markdown import wording
from migplan.document.markdown.book import INDEX, Book, page_of_group, title
from migplan.document.model import TableDocument
from migplan.names import QualifiedName, quoted
from migplan.plan.model import Break
from migplan.report.tree import folded_tree
from migplan.text import markdown
from migplan.text.markdown import code, text
from migplan.text.wording import counted

WHOLE_TREE = 500  # tables
SHOWN_HUBS = 20
SHOWN_WAYS = 5


def order(book: Book) -> Iterator[str]:
    """The page."""
    database = book.documentation.catalog.server.database
    yield from markdown.heading(1, f"Migration order of {text(database)}")
    yield from markdown.block(
        f"Every table stands after all that it needs. All tables: {book.to_page(INDEX, INDEX)}."
    )
    yield from _tree(book)
    yield from _levels(book)
    yield from _chain(book)
    yield from _hubs(book)
    yield from _groups(book)
    yield from _cycles(book)
    yield from _own_keys(book)
    yield from _left_out(book)


def _tree(book: Book) -> Iterator[str]:
    graph = book.documentation.graph
    yield from markdown.heading(2, "Dependency Tree")
    lines, folded = folded_tree(graph, whole=len(graph.tables) <= WHOLE_TREE)
    shown = (line.plain for line in lines)
    yield from markdown.fence("\n".join(shown), "text")
    if folded:
        yield from markdown.block("Folded: the levels below name every table.")


def _levels(book: Book) -> Iterator[str]:
    levels: dict[int, list[TableDocument]] = defaultdict(list)
    for document in book.documentation.tables:
        levels[document.depth].append(document)
    yield from markdown.heading(2, "Levels")
    yield from markdown.table(
        ("Level", "Tables", "Rows", "Which"),
        (
            (
                str(level),
                f"{len(found):,}",
                wording.rows_in_all(found),
                book.to_tables(sorted(document.name for document in found)),
            )
            for level, found in sorted(levels.items())
        ),
        align="rrr-",
    )


def _chain(book: Book) -> Iterator[str]:
    chain = book.documentation.graph.critical_chain
    if len(chain) > 1:
        yield from markdown.heading(2, "Longest Chain")
        yield from markdown.block(" → ".join(book.to_table(name) for name in chain))


def _hubs(book: Book) -> Iterator[str]:
    hubs = book.documentation.graph.hubs
    if not hubs:
        return
    yield from markdown.heading(2, "Hubs")
    yield from markdown.block("Tables that others wait for, those that hold up most of them first.")
    yield from markdown.table(
        ("Table", "Level", "Needed by", "Blocks in all"),
        (
            (
                book.to_table(hub.table),
                str(book.documentation.graph.depth[hub.table]),
                f"{hub.direct:,}",
                f"{hub.transitive:,}",
            )
            for hub in hubs[:SHOWN_HUBS]
        ),
        align="-rrr",
    )
    if len(hubs) > SHOWN_HUBS:
        yield from markdown.block(f"And {counted(len(hubs) - SHOWN_HUBS, 'more table')} that others need.")


def _groups(book: Book) -> Iterator[str]:
    planned = {group.name: group for group in book.documentation.plan.groups}
    yield from markdown.heading(2, "Groups in Order")
    for place, group in enumerate(book.documentation.groups, 1):
        yield from markdown.heading(3, f"{place}. {book.to_page(group.name, page_of_group(group.name))}")
        if group.purpose:
            yield from markdown.block(text(group.purpose))
        files = planned[group.name].files if group.name in planned else ()
        if files:
            yield from markdown.block(f"Files of the bundle: {', '.join(map(code, files))}.")
        yield from markdown.table(
            ("#", "Table", "Level", "Rows", "Strategy", "Reason"),
            (
                (
                    str(number),
                    book.to_table(document.name),
                    str(document.depth),
                    wording.rows(document),
                    code(document.strategy.value),
                    text(document.reason),
                )
                for number, document in enumerate(group.tables, 1)
            ),
            align="r-rr",
        )


def _cycles(book: Book) -> Iterator[str]:
    graph = book.documentation.graph
    yield from markdown.heading(2, "Cycles")
    if not graph.circles:
        yield from markdown.block("None: no table needs itself by way of others.")
    for number, circle in enumerate(graph.circles, 1):
        yield from markdown.heading(3, f"Cycle {number}")
        yield from markdown.block(f"{counted(len(circle), 'table')}: {book.to_tables(sorted(circle))}.")
        ways = [cycle for cycle in graph.cycles if circle.issuperset(cycle.tables)]
        lines = []
        for way in ways[:SHOWN_WAYS]:
            lines.append(" -> ".join(title(name) for name in (*way.tables, way.tables[0])))
            lines += [f"  {_one_line(f'{quoted(key.name)}: {key}')}" for hop in way.keys for key in hop]
        if len(ways) > SHOWN_WAYS:
            lines.append(f"and {counted(len(ways) - SHOWN_WAYS, 'more way')} round, or more")
        yield from markdown.fence("\n".join(lines), "text")
        yield from markdown.bullets(
            _cut(cut) for cut in book.documentation.plan.breaks if _is_in(cut, circle)
        )


def _is_in(cut: Break, circle: frozenset[QualifiedName]) -> bool:
    return cut.table in {str(name) for name in circle}


def _cut(cut: Break) -> str:
    return f"Cut at {code(cut.key)} of {code(cut.table)} by {code(cut.how.value)}: {text(cut.reason)}"


def _own_keys(book: Book) -> Iterator[str]:
    keys = book.documentation.graph.self_keys
    if keys:
        yield from markdown.heading(2, "Tables that Refer to Themselves")
        yield from markdown.bullets(
            f"{book.to_table(name)}: "
            + "; ".join(
                f"{', '.join(code(quoted(column)) for column in key.columns)} → "
                f"{', '.join(code(quoted(column)) for column in key.referenced_columns)}"
                for key in own
            )
            for name, own in keys.items()
        )


def _left_out(book: Book) -> Iterator[str]:
    plan, graph = book.documentation.plan, book.documentation.graph
    lines = [text(each) for each in plan.left_out]
    lines += [f"{text(f'{key.name}: {key}')} leads to what is not documented here." for key in graph.leaving]
    if lines:
        yield from markdown.heading(2, "Left Out")
        yield from markdown.bullets(lines)


def _one_line(value: str) -> str:
    return " ".join(value.split())
