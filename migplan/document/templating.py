"""Templates say what pages look like; every value that they show is escaped unless it is markup already."""

from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup


def environment(
    package: str, escape: Callable[[str], Markup], extensions: Sequence[type[Extension]] = (), **options: Any
) -> Environment:
    """Return the environment of a package's templates; ``escape`` makes markup of what is none yet."""

    def escaped(value: object) -> Markup:
        return value if isinstance(value, Markup) else escape(str(value))

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=escaped,
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=extensions,
        **options,
    )
