"""Measurements that are kept, as tables and pictures: what docs/benchmarks.md shows is drawn from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from bench import figures
from bench.stopwatch import ASIDE, CLIENT, MEMORY, SERVER, SLOW_SECONDS, Figure

OURS = "migplan"
LIMIT = "limit"

ROW, BAR, LEFT, ACROSS = 26, 15, 210, 720
"""Of a picture, in pixels: from bar to bar, a bar, what stands left of it, all of it."""

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f } .s { fill: #57606a }
  .ours { fill: #1f6feb } .peer { fill: #b1bac4 }
  .limit { fill: none; stroke: #57606a; stroke-dasharray: 3 2 }
  .span { stroke: #24292f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .s { fill: #9198a1 } .ours { fill: #4493f8 } .peer { fill: #656c76 }
    .limit { stroke: #9198a1 } .span { stroke: #e6edf3 }
  }
"""


def keep(folder: Path, page: figures.Page, about: Mapping[str, Any]) -> None:
    """Write down a page, in place of the same that was measured before."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {**figures.as_json(page), "when": date.today().isoformat(), **about}
    file = folder / f"{page.title}-{page.size}-{about['machine']['major']}.json"
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read(file: Path) -> tuple[figures.Page, dict[str, Any]]:
    """A page that was kept, and what it was measured on."""
    content = json.loads(file.read_text(encoding="utf-8"))
    found = [
        Figure(each["stage"], tuple(each["seconds"]), warmed_up=each["warmed_up"], stopped=each["stopped"])
        for each in content["figures"]
    ]
    page = figures.Page(content["benchmark"], content["size"], content["peer"], found, content["unit"])
    return page, content


def section(page: figures.Page, about: Mapping[str, Any], name: str) -> Iterator[str]:
    """Picture, table, and what it was measured on."""
    yield f"![seconds of {page.title}, {page.size}](benchmarks/{name}.svg)"
    yield ""
    yield from table(page)
    yield ""
    yield f"Ratio: to {page.peer}. {about['how']}. {figures.machine_line(about['machine'])}; {about['when']}."


def overview(pages: Sequence[figures.Page]) -> Iterator[str]:
    """In Markdown: the seconds of each contender on all data."""
    pages = sorted(pages, key=lambda page: isinstance(page.size, int))
    if not pages:
        return
    sizes = [f"{page.size:,} {page.unit}" if isinstance(page.size, int) else page.size for page in pages]
    yield f"| seconds | {' | '.join(sizes)} |"
    yield f"|---|{'---:|' * len(pages)}"
    for name in dict.fromkeys(figure.stage for page in pages for figure in _times(page)):
        if name == LIMIT:
            continue
        found = [next((each for each in _times(page) if each.stage == name), None) for page in pages]
        yield f"| {_named(name)} | {' | '.join(map(_seconds, found))} |"


def _seconds(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"over {figure.median:.0f}" if figure.stopped else f"{figure.median:.1f}"


def _named(stage: str) -> str:
    name = stage.replace("|", "\\|")
    return f"**{name}**" if name.startswith(OURS) else name


def table(page: figures.Page) -> Iterator[str]:
    """In Markdown: of each whole run the seconds, the ratio, and what it took of the machine."""
    yield "| | median s | least to most | ratio | client CPU s | server CPU s | client memory MB |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for figure in _times(page):
        least, most = min(figure.seconds), max(figure.seconds)
        aside = [_aside(page, figure, what) for what in (CLIENT, SERVER, MEMORY)]
        name = _named(figure.stage)
        if figure.stopped:
            yield f"| {name} | stopped after {most:.0f} | | | | | |"
            continue
        span = f"{least:.2f} to {most:.2f}" if figure.warmed_up else f"once: over {SLOW_SECONDS:.0f} s"
        yield f"| {name} | {figure.median:.2f} | {span} | {page.ratio(figure):.2f} | {' | '.join(aside)} |"


def picture(page: figures.Page) -> str:
    """An SVG: a bar for each, as long as its median, with a line from the least to the most."""
    times = _times(page)
    done = [figure for figure in times if not figure.stopped]
    scale = (ACROSS - LEFT - 90) / max(max(figure.seconds) for figure in done)
    height = ROW * len(times) + 12
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ACROSS} {height}" role="img">']
    parts += [f"<title>{escape(page.title)}, {page.size}: seconds</title><style>{STYLE}</style>"]
    for place, figure in enumerate(times):
        parts += _bar(figure, 6 + place * ROW, scale)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(figure: Figure, top: int, scale: float) -> Iterator[str]:
    base = top + BAR - 3
    yield f'<text x="{LEFT - 10}" y="{base}" text-anchor="end">{escape(figure.stage)}</text>'
    if figure.stopped:
        yield f'<text class="s" x="{LEFT}" y="{base}">stopped after {figure.median:.0f} s</text>'
        return
    kind = "ours" if figure.stage.startswith(OURS) else LIMIT if figure.stage == LIMIT else "peer"
    size = f'width="{figure.median * scale:.1f}" height="{BAR}"'
    yield f'<rect class="{kind}" x="{LEFT}" y="{top}" {size} rx="2"/>'
    least, most = (LEFT + each * scale for each in (min(figure.seconds), max(figure.seconds)))
    if most - least > 1:
        middle = top + BAR / 2
        yield f'<path class="span" d="M{least:.1f} {middle}H{most:.1f}"/>'
    end = max(most, LEFT + figure.median * scale) + 8
    yield f'<text class="s" x="{end:.1f}" y="{base}">{figure.median:.2f} s</text>'


def _times(page: figures.Page) -> Sequence[Figure]:
    """Whole runs: no stages of one, and nothing that is no time."""
    return [
        each for each in page.figures if not each.stage.endswith(ASIDE) and each.stage == each.stage.strip()
    ]


def _aside(page: figures.Page, figure: Figure, what: str) -> str:
    for other in page.figures:
        if other.stage.strip() == f"{figure.stage}: {what}":
            return f"{other.median:.0f}" if what == MEMORY else f"{other.median:.2f}"
    return ""
