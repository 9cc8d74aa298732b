"""The documents: a folder of Markdown pages, what people wrote in them, and whether they are still true."""

from migplan.document.markdown.book import Book
from migplan.document.markdown.pages import Pages, written
from migplan.document.markdown.stale import stale

__all__ = ["Book", "Pages", "stale", "written"]
