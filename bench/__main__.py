"""``python -m bench``: every benchmark at every size, on a throwaway server."""

from __future__ import annotations

import argparse
import compileall
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import migplan
from bench import (
    applying,
    copying,
    databases,
    documenting,
    exporting,
    figures,
    migrating,
    planning,
    records,
    scaling,
)
from bench.stopwatch import Contender, measure
from migplan.postgres.binaries import find_server
from migplan.postgres.server import ThrowawayServer

BENCHMARKS: tuple[ModuleType, ...] = (planning, documenting, exporting, applying, copying, scaling, migrating)
"""Each has TITLE, PEER (the stage to compare with), contenders(server, tables, folder), and perhaps SIZES."""

QUIET = {"autovacuum": "off", "shared_buffers": "2GB", "max_wal_size": "16GB"}
"""Nothing may happen in the background while the others are timed."""


def main() -> None:
    """Measure, and print as it comes."""
    wanted = _arguments()
    compileall.compile_dir(Path(migplan.__file__).parent, quiet=1)  # as an installation does
    with ThrowawayServer(find_server(wanted.major), settings=QUIET) as server:
        facts = figures.machine(server.installation)
        print(figures.machine_line(facts))
        definitions = {"database": databases.DEFINITION}
        how = f"one warm-up each, then {wanted.runs} runs in turn (A B C A B C ...); medians; seconds"
        for benchmark in wanted.only or BENCHMARKS:
            for size in getattr(benchmark, "SIZES", wanted.tables):
                if wanted.sizes and str(size) not in wanted.sizes:
                    continue
                page, contenders = _measured(benchmark, server, size, wanted.runs)
                print("", *figures.as_text(page), sep="\n", flush=True)
                definitions |= {each.name: each.definition for each in contenders}
                if wanted.record:
                    records.keep(
                        wanted.record, page, {"machine": facts, "server": dict(server.settings), "how": how}
                    )
        print("", how, *(f"{name}: {definition}" for name, definition in definitions.items()), sep="\n")


def _measured(
    benchmark: ModuleType, server: ThrowawayServer, size: int | str, runs: int
) -> tuple[figures.Page, tuple[Contender, ...]]:
    """The figures at one size, and what they are of; files go into a folder of their own."""
    unit = getattr(benchmark, "UNIT", "tables")
    _tell(f"{benchmark.TITLE}: making {size} {unit}")
    with tempfile.TemporaryDirectory() as folder:
        contenders = benchmark.contenders(server, size, Path(folder))
        found = measure(contenders, runs, _tell)
    _tell("")
    return figures.Page(benchmark.TITLE, size, benchmark.PEER, found, unit), contenders


def _by_name(name: str) -> ModuleType:
    for benchmark in BENCHMARKS:
        if name == benchmark.TITLE:
            return benchmark
    raise argparse.ArgumentTypeError(f"there are: {', '.join(each.TITLE for each in BENCHMARKS)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--tables", type=int, nargs="+", default=[100, 1000, 5000], metavar="N")
    parser.add_argument("--only", type=_by_name, nargs="+", metavar="TITLE", help="some of the benchmarks")
    parser.add_argument(
        "--sizes", nargs="+", metavar="SIZE", help="some of the sizes: narrow, wide, 2000 ..."
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--major", type=int, metavar="N", help="the server's version; default: the embedded one"
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FOLDER",
        help="keep every single figure there: docs/benchmarks is what is drawn",
    )
    wanted = parser.parse_args()
    if wanted.runs < 1 or min(wanted.tables) < 1:
        parser.error("there must be tables, and runs")
    return wanted


def _tell(what: str) -> None:
    """What is going on, for those who watch."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
