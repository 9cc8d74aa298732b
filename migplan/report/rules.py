"""The rules' own pages: their docstrings, for ``--explain``, the documentation and SARIF."""

import inspect
from collections.abc import Iterator
from typing import Any

from migplan.advise import RULES, RuleModule
from migplan.advise import rules as room


def text_of(module: RuleModule) -> str:
    """The rule's page, without its code."""
    text = _docstring(module).partition(": ")[2]
    return text[:1].upper() + text[1:]


def first_sentence(module: RuleModule) -> str:
    """What it is about, in a line."""
    return " ".join(text_of(module).partition("\n\n")[0].split())


def page(module: RuleModule) -> Iterator[str]:
    """A rule's page in Markdown, its own headings one level below its name."""
    rule = module.RULE
    yield f'<a id="{rule.code.lower()}"></a>'
    yield ""
    yield from explained(module)


def explained(module: RuleModule) -> Iterator[str]:
    """The same for a terminal."""
    rule = module.RULE
    yield f"## {rule.code}: {rule.title}"
    yield ""
    needs = f" Needs {' and '.join(rule.needs)}." if rule.needs else ""
    seen = " Seen in what the server has counted or estimated." if rule.observed else ""
    yield f"Level: {rule.level.value}.{needs}{seen}"
    yield ""
    yield text_of(module)


def every_page() -> Iterator[str]:
    """One page of all rules, for the documentation."""
    yield "# Advice"
    yield ""
    yield "What `migplan advise` looks for; `migplan advise --explain CODE` shows one of these."
    yield "Written by `make fix` from the rules themselves; `make check` compares."
    yield ""
    yield "| Code | Level | Rule |"
    yield "|---|---|---|"
    for module in RULES:
        rule = module.RULE
        yield f"| [{rule.code}](#{rule.code.lower()}) | {rule.level.value} | {rule.title} |"
    for module in RULES:
        yield ""
        yield from page(module)
    compared = inspect.getdoc(room) or ""
    _, mark, rest = compared.partition("\n\n")
    if mark:
        yield ""
        yield rest


def as_sarif() -> Iterator[dict[str, Any]]:
    """The rules as SARIF's reporting descriptors, in the order of ``RULES``."""
    for module in RULES:
        rule = module.RULE
        yield {
            "id": rule.code,
            "name": "".join(word.capitalize() for word in rule.title.replace("-", " ").split()),
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": first_sentence(module)},
            "help": {"text": text_of(module), "markdown": text_of(module)},
            "defaultConfiguration": {"level": rule.level.value},
        }


def _docstring(module: RuleModule) -> str:
    return inspect.getdoc(module) or ""
