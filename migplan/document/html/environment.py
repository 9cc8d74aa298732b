"""What the templates of the page have at hand: escaping, the colours of SQL, and how numbers are said."""

import re
from collections.abc import Hashable, Iterator, Sequence
from functools import cache, lru_cache
from html import escape
from itertools import groupby
from operator import itemgetter

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup
from pygments.lexers.sql import PostgresLexer
from pygments.token import Comment, Keyword, Name, String

from migplan.advise import by_rule
from migplan.document.derive.policies import parenthesised
from migplan.document.html.links import group_id, table_id
from migplan.document.model import title
from migplan.document.regions import integration_key, notes_key, overview_key, purpose_key
from migplan.document.templating import environment as environment_of
from migplan.graph.graph import RowCount
from migplan.level import Level
from migplan.report.advice import levels
from migplan.text.printable import printable, printable_sql
from migplan.text.wording import amount, counted, listed

_LEXER = PostgresLexer()
_CLASSES = ((Comment, "c"), (String, "q"), (Name.Variable, "v"), (Keyword, "w"))


class Joined(Extension):
    """Line breaks and indentation are the templates' own: the page is written without them."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Join the lines of the text between tags."""
        for token in stream:
            if token.type != "data":
                yield token
            elif text := re.sub(r"\s*\n\s*", "", token.value):
                yield Token(token.lineno, "data", text)


@lru_cache(maxsize=2**13)  # names and types come again and again
def safe(text: str) -> Markup:
    """Return the text as HTML that shows it, characters that cannot be seen spelled out."""
    return Markup(escape(printable(text, keep="\n\t")))


@lru_cache(maxsize=2**12)  # defaults and conditions of policies come again and again
def coloured(text: str) -> Markup:
    """Return SQL as HTML, with its words, strings, comments and placeholders marked."""
    # The server writes its words in capitals; others are names of columns.
    tokens = (
        ("" if (name := _class(kind)) == "w" and not value.isupper() else name, value)
        for _, kind, value in _LEXER.get_tokens_unprocessed(text)
    )
    found = []
    for name, same in groupby(tokens, key=itemgetter(0)):
        piece = safe("".join(value for _, value in same))
        found.append(f'<i class="{name}">{piece}</i>' if name else piece)
    return Markup("".join(found))


@cache
def _class(kind: Hashable) -> str:
    """Return the style sheet's class for a kind of token."""
    return next((name for group, name in _CLASSES if kind in group), "")


def size(value: int | None) -> str:
    """``812 B``, or ``?`` where nobody knows."""
    return "?" if value is None else amount(value)


def remarks(*found: tuple[object, str]) -> str:
    """Return the remarks that apply, in a line."""
    return "; ".join(text for applies, text in found if applies)


def numbered(thing: str, items: Sequence[object]) -> list[str]:
    """``Row 1``, ``Row 2``: a heading for each of the items."""
    return [f"{thing} {number}" for number, _ in enumerate(items, 1)]


def with_comment(said: str, comment: str | None) -> str:
    """What follows from the structure, and a comment where it is not the same."""
    return said if not comment or comment in said else f"{said} ({comment})" if said else comment


@cache
def environment() -> Environment:
    """Return the environment of the page's templates."""
    found = environment_of("migplan.document.html", safe, [Joined])
    found.filters |= {
        "coloured": coloured,
        "number": "{:,}".format,
        "printable_sql": printable_sql,
        "short": "{:g}".format,
    }
    found.globals |= {
        "Level": Level,
        "by_rule": by_rule,
        "counted": counted,
        "group_id": group_id,
        "integration_key": integration_key,
        "levels": levels,
        "listed": listed,
        "notes_key": notes_key,
        "numbered": numbered,
        "overview_key": overview_key,
        "parenthesised": parenthesised,
        "purpose_key": purpose_key,
        "remarks": remarks,
        "rows": lambda number, exact: str(RowCount(number, exact)),
        "size": size,
        "table_id": table_id,
        "title": title,
        "with_comment": with_comment,
    }
    return found
