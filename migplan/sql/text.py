"""Texts that stand in SQL files: literals, names in comments, numbers with their word."""

from migplan.text.printable import printable


def literal(text: str) -> str:
    """The text as an SQL string; the file must have ``standard_conforming_strings`` on.

    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def one_line(text: str) -> str:
    """A text that stays within its line, and so within its comment, and that any terminal can show.

    >>> one_line("two\\nlines")
    'two lines'
    """
    return printable(" ".join(text.split()))


def do_block(body: str) -> str:
    """Statements of PL/pgSQL as one of SQL, done whole or not at all; whatever quotes stand in them."""
    tag = "$undo$"
    while tag in body:
        tag = f"{tag[:-1]}_$"
    return f"DO {tag}\nBEGIN\n{body}\nEND\n{tag};"
