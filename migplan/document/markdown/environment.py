"""What the templates of the Markdown pages have at hand: escaping, numbers, links, definitions as SQL."""

from collections.abc import Iterable, Sequence
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from migplan.document import regions
from migplan.document.markdown import book as pages
from migplan.document.markdown import definitions, numbers, pictures
from migplan.document.markdown.book import Book
from migplan.document.model import Integration, title
from migplan.document.templating import environment as environment_of
from migplan.graph import ForeignKeyGraph
from migplan.level import Level
from migplan.names import QualifiedName, quoted
from migplan.postgres.versions import dotted
from migplan.report.advice import levels
from migplan.report.tree import folded_tree
from migplan.text import markdown
from migplan.text.markdown import code, text
from migplan.text.wording import counted

_WAYS = 5  # round in a circle, that are shown


def lines(template: str, book: Book, **values: object) -> list[str]:
    """Return the lines of a part of a page, with a blank one at its end."""
    written = environment().get_template(template).render(book=book, **values)
    return [*written.rstrip("\n").split("\n"), ""]


def some_labels(labels: Sequence[str], limit: int) -> Markup:
    """Some values of an enumeration, and how many more there are."""
    more = f" and {len(labels) - limit:,} more" if len(labels) > limit else ""
    return Markup(", ").join(map(code, labels[:limit])) + more


def ways_round(circle: frozenset[QualifiedName], graph: ForeignKeyGraph) -> list[str]:
    """Return the ways round in a circle, each with its keys."""
    ways = [cycle for cycle in graph.cycles if circle.issuperset(cycle.tables)]
    found = []
    for way in ways[:_WAYS]:
        found.append(" -> ".join(title(name) for name in (*way.tables, way.tables[0])))
        found += [f"  {' '.join(f'{quoted(key.name)}: {key}'.split())}" for hop in way.keys for key in hop]
    if len(ways) > _WAYS:
        found.append(f"and {counted(len(ways) - _WAYS, 'more way')} round, or more")
    return found


def key_fields(tie: Integration) -> list[tuple[str, str]]:
    """Return the columns that matter to an integration, and what each says."""
    fields = [(column, "Identifier in the other system.") for column in tie.external_ids]
    fields += [pair for pair in tie.sync_fields if pair[0] not in tie.external_ids]
    named = {column for column, _ in fields}
    return fields + [(column, "Credential.") for column in tie.credentials if column not in named]


def sentence(said: str) -> Markup:
    """Return the text with a full stop, unless it ends like a sentence."""
    shown = text(said)
    return shown if shown.endswith((".", "!", "?", ":")) else shown + "."


def _block(lines: Iterable[str]) -> Markup:
    """Return lines without the blank ones at their end, which the templates write themselves."""
    return Markup("\n".join(lines).rstrip("\n"))


@cache
def environment() -> Environment:
    """Return the environment of the pages' templates."""
    found = environment_of("migplan.document.markdown", text, trim_blocks=True, lstrip_blocks=True)
    found.filters |= {
        "code": code,
        "columns": lambda names: Markup(", ").join(code(quoted(name)) for name in names),
        "cut": lambda value, length: value if len(value) <= length else f"{value[: length - 1]}…",
        "ended": definitions.ended,
        "fence": lambda content, language="sql": _block(markdown.fence(content, language)),
        "foreign_key_definition": definitions.foreign_key,
        "index_definition": definitions.index,
        "key_definition": definitions.key,
        "number": "{:,}".format,
        "prose": lambda value: _block(markdown.prose(value)),
        "sentence": sentence,
    }
    for module, names in (
        (pages, ("INDEX", "ORDER", "ADVISORS", "anchor", "page_of_group", "rule_anchor")),
        (regions, ("integration_key", "notes_key", "overview_key", "purpose_key")),
        (pictures, ("neighbourhood", "of_all", "of_group", "of_groups")),
        (numbers, ("bytes_of", "depths", "rows", "rows_in_all", "size", "size_in_all")),
    ):
        found.globals |= {name: getattr(module, name) for name in names}
    found.globals |= {
        "Level": Level,
        "constraint_definitions": definitions.constraints,
        "counted": counted,
        "dotted": dotted,
        "folded_tree": folded_tree,
        "key_fields": key_fields,
        "levels": levels,
        "some_labels": some_labels,
        "title": title,
        "ways_round": ways_round,
    }
    return found
