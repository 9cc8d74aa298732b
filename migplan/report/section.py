"""A part of a report: a title, and the lines below it."""

from collections.abc import Iterable, Iterator

from rich.text import Text


def section(title: str, lines: Iterable[str], limit: int | None = None, rest: str = "") -> Iterator[Text]:
    """Return the lines under their title, a blank line before it; nothing where there are none.

    Beyond the limit they are only counted; ``rest`` says where they can be read.
    """
    every = list(lines)
    if every:
        yield Text()
        yield Text(title, style="bold")
        yield from (Text(f"  {line}") for line in every[:limit])
    if limit is not None and len(every) > limit:
        yield Text(f"  … and {len(every) - limit:,} more{rest}", style="dim")
