"""The documentation as one page that needs nothing else: no network, no other file, no script to be read."""

from migplan.document.html.page import as_html

__all__ = ["as_html"]
