"""``python -m bench``: every benchmark at every size, on a throwaway server."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from bench import applying, databases, documenting, exporting, figures, migrating, planning
from bench.stopwatch import Contender, measure
from migplan.postgres.server import ThrowawayServer

BENCHMARKS: tuple[ModuleType, ...] = (planning, documenting, exporting, applying, migrating)
"""Each has TITLE, PEER (the stage to compare with), contenders(server, tables, folder), and perhaps SIZES."""

# Nothing may happen in the background while the others are timed.
QUIET = {"autovacuum": "off"}


def main() -> None:
    """Measure, and print as it comes."""
    wanted = _arguments()
    with ThrowawayServer(settings=QUIET) as server, tempfile.TemporaryDirectory() as folder:
        facts = figures.machine(server.installation)
        print(figures.machine_line(facts))
        pages: list[figures.Page] = []
        defined: dict[str, tuple[Contender, ...]] = {}
        for benchmark in BENCHMARKS:
            for tables in getattr(benchmark, "SIZES", wanted.tables):
                _tell(f"{benchmark.TITLE}: making {tables:,} {getattr(benchmark, 'UNIT', 'tables')}")
                contenders = benchmark.contenders(server, tables, Path(folder))
                page = figures.Page(
                    benchmark.TITLE,
                    tables,
                    benchmark.PEER,
                    measure(contenders, wanted.runs, _tell),
                    getattr(benchmark, "UNIT", "tables"),
                )
                _tell("")
                print("", *figures.as_text(page), sep="\n", flush=True)
                pages.append(page)
                defined[benchmark.TITLE] = contenders
    definitions = {
        "how": f"one warm-up each, then {wanted.runs} runs in turn (A B C A B C ...); medians; seconds",
        "database": databases.DEFINITION,
        **{contender.name: contender.definition for each in defined.values() for contender in each},
    }
    print("", *(f"{name}: {definition}" for name, definition in definitions.items()), sep="\n")
    if wanted.json:
        content = {
            "machine": facts,
            "definitions": definitions,
            "pages": [figures.as_json(page) for page in pages],
        }
        _save(content, wanted.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--tables", type=int, nargs="+", default=[100, 1000, 5000], metavar="N")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure to a file")
    wanted = parser.parse_args()
    if wanted.runs < 1 or min(wanted.tables) < 1:
        parser.error("there must be tables, and runs")
    return wanted


def _save(content: dict[str, Any], file: Path) -> None:
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _tell(what: str) -> None:
    """What is going on, for those who watch."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
