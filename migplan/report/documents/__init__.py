"""The documents: a folder of Markdown pages, what people wrote in them, and whether they are still true."""

from __future__ import annotations

from migplan.report.documents.book import Book
from migplan.report.documents.pages import Pages, written
from migplan.report.documents.sections import section
from migplan.report.documents.stale import stale

__all__ = ["Book", "Pages", "section", "stale", "written"]
