"""Managed hosts of PostgreSQL: what each brings along, how it is recognised, and what it does not allow.

The presets stand in ``platforms.yaml`` beside this module; ``platforms:`` in migplan.yaml changes and adds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from migplan import yamlfile
from migplan.config import ConnectionSection, Platform, Presets, Signs
from migplan.errors import SelectionError
from migplan.text.wording import nearest
from migplan.yamlfile import Section

NONE = "none"
"""The name that means a plain server, where nothing is provided."""


@cache
def presets() -> Mapping[str, Platform]:
    """The platforms that migplan knows by itself."""
    text = resources.files("migplan").joinpath("platforms.yaml").read_text("utf-8")
    found, _ = yamlfile.loads(text, Path("platforms.yaml"), Presets)
    return found.platforms


def known(own: Mapping[str, Platform]) -> dict[str, Platform]:
    """The presets, with what people change of them or add; what they do not speak of stays."""
    every = dict(presets())
    for name, platform in own.items():
        every[name] = _changed(every[name], platform) if name in every else platform
    return every


def find(name: str, platforms: Mapping[str, Platform]) -> str | None:
    """The name under which a platform stands, an alias resolved; None for a plain server.

    Raise SelectionError for a name that is neither.
    """
    if name == NONE:
        return None
    names = {alias: key for key, platform in platforms.items() for alias in (*platform.aliases, key)}
    if name in names:
        return names[name]
    near = nearest(name, [*names, NONE])
    raise SelectionError(
        f"no platform is called {name!r}",
        do=(f"did you mean {near}? " if near else "")
        + f"there are: {', '.join(sorted(names))}, and {NONE} for a plain server; "
        "platforms in migplan.yaml adds others",
    )


def recognise(
    platforms: Mapping[str, Platform], schemas: Iterable[str], roles: Iterable[str], settings: Iterable[str]
) -> tuple[str, tuple[str, ...]] | None:
    """The platform whose signs are there, and these signs; None where there is none.

    Of several, the one that more signs speak for.
    """
    there = {"schema": frozenset(schemas), "role": frozenset(roles), "setting": frozenset(settings)}
    fitting = [
        (name, seen) for name, platform in platforms.items() for seen in _seen(platform.recognised, there)
    ]
    return max(fitting, key=lambda found: len(found[1]), default=None)


def connection(platforms: Mapping[str, Platform], host: str, port: int) -> ConnectionSection | None:
    """What is known of a host and port."""
    every = (each for platform in platforms.values() for each in platform.connections)
    return next((each for each in every if each.answers(host, port)), None)


def _seen(recognised: Iterable[Signs], there: Mapping[str, Collection[str]]) -> Iterator[tuple[str, ...]]:
    """The signs of each line of which all are there."""
    for signs in recognised:
        named = {"schema": signs.schemas, "role": signs.roles, "setting": signs.settings}
        if all(set(names) <= set(there[kind]) for kind, names in named.items()):
            yield tuple(f"{kind} {name}" for kind, names in named.items() for name in names)


def _changed(section: Section, own: Section) -> Any:
    """A section with what another one says; within sections, entry by entry."""
    changes = {}
    for field in own.model_fields_set:
        old, new = getattr(section, field), getattr(own, field)
        changes[field] = _changed(old, new) if isinstance(old, Section) and isinstance(new, Section) else new
    return section.model_copy(update=changes)
