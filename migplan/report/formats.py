"""An analysis in every shape that people may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rich.text import Text

from migplan.report import diagrams, machine, markdown, terminal

FORMATS: Mapping[str, Callable[..., Iterator[Text | str]]] = {
    "tree": terminal.as_tree,
    "levels": terminal.as_levels,
    "json": machine.as_json,
    "mermaid": diagrams.as_mermaid,
    "dot": diagrams.as_dot,
    "markdown": markdown.as_markdown,
}
"""Every shape of an analysis: a function of the analysis, ``depth`` and ``whole``."""
