"""What is generated: the reference, the README's transcript, schemas, the demo's plan and its bundle.

``python docs/generate.py`` writes it, ``--check`` only says what is stale (exit code 1).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bench import records
from migplan.cli import main as commands
from migplan.config import Config
from migplan.plan.model import Plan
from migplan.report import rules

ROOT = Path(__file__).resolve().parents[1]
MOMENT = "1761955200"  # the first of November 2025, when the demo's figures were taken
BEGIN, END = "<!-- transcript -->\n", "<!-- end of transcript -->"
SETTINGS: dict[str, Any] = {"terminal_width": 100, "help_option_names": ["-h", "--help"]}
FIRST_SCREEN = "Longest chain"  # the README shows the demo down to here; docs/demo.md shows all of it


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file, and what should stand in it today."""
    yield ROOT / "docs" / "reference.md", reference()
    for name, model in (("migplan.schema.json", Config), ("plan.schema.json", Plan)):
        yield ROOT / "docs" / name, json.dumps(model.model_json_schema(), indent=2) + "\n"
    yield ROOT / "docs" / "advice.md", "\n".join(rules.every_page()) + "\n"
    yield from benchmarks()
    with tempfile.TemporaryDirectory() as folder:
        transcript = demo(Path(folder))
        yield ROOT / "docs" / "demo.md", demo_page(transcript)
        yield ROOT / "README.md", readme(transcript)
        for file in sorted(path for path in Path(folder).rglob("*") if path.parent != Path(folder)):
            if file.is_file() and not file.parent.name.endswith(".receipts"):  # these are of today
                yield ROOT / file.relative_to(folder), file.read_text(encoding="utf-8")


def benchmarks() -> Iterator[tuple[Path, str]]:
    """The page with the tables of what was measured, and a picture of each."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for file in sorted((ROOT / "docs" / "benchmarks").glob("*.json")):
        measured, about = records.read(file)
        yield file.with_suffix(".svg"), records.picture(measured)
        shown = "\n".join(records.section(measured, about, file.stem)) + "\n"
        page = filled(page, f"<!-- measured: {file.stem} -->\n", "<!-- end -->", shown)
    yield ROOT / "docs" / "benchmarks.md", page


def reference() -> str:
    """Every command's help, as it prints itself."""
    found = list(walk(click.Context(commands, info_name="migplan", **SETTINGS)))
    parts = [
        "# Reference",
        "",
        "Written by `make fix` from the commands' own help; `make check` compares.",
        "",
        *(f"- [{at.command_path}](#{at.command_path.replace(' ', '-')})" for at in found),
    ]
    for at in found:
        parts += ["", f"## {at.command_path}", "", "```text", at.get_help().rstrip(), "```"]
    return "\n".join(parts) + "\n"


# What is another number each time, and what stands in its place.
MEASURED = (
    (r"\d+\.\d s$", "1.2 s"),
    (r"^(  [a-z ]{12}) +\d+\.\d s ", r"\1      1.2 s "),
    (r"about \d+\.\d s with", "about 1.2 s with"),
    (r"[\d,]+ rows a second", "5,786 rows a second"),
    (r"\d{8}T\d{6}-", "20251101T000000-"),
    (r"digest [0-9a-f]{16}", "digest 5d40ca71c1b2a973"),
    (r"(The longest steps:\n)(?: {4}.*\n)+", r"\1    [...]\n"),
)


def walk(context: click.Context) -> Iterator[click.Context]:
    """A command and all below it, as they are when someone asks them for help."""
    yield context
    if isinstance(context.command, click.Group):
        for name in sorted(context.command.list_commands(context)):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from walk(click.Context(command, parent=context, info_name=name, **SETTINGS))


def demo(folder: Path) -> str:
    """What ``make demo`` prints, with the seconds that it took on nobody's machine in particular."""
    ran = subprocess.run(
        [sys.executable, "-m", "migplan", "demo", "--out", str(folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONUTF8": "1", "SOURCE_DATE_EPOCH": MOMENT},
    )
    if ran.returncode:
        raise SystemExit(f"migplan demo failed with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    text = ran.stdout.replace(str(folder.resolve()), "build/demo").replace(str(folder), "build/demo")
    for pattern, instead in MEASURED:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


def demo_page(transcript: str) -> str:
    """The whole transcript."""
    return (
        "# The demo\n\n"
        "What `make demo` (or `migplan demo`) prints. Written by `make fix`; `make check` compares.\n\n"
        f"```text\n$ make demo\n{transcript.rstrip()}\n```\n"
    )


def readme(transcript: str) -> str:
    """The README with the beginning of the transcript, and the refusal that the demo is about."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = transcript.partition(f"\n{FIRST_SCREEN}")[0].rstrip()
    refusal = "$ migplan plan" + transcript.partition("$ migplan plan")[2].partition("\n$ migplan plan")[0]
    shown = f"```text\n$ make demo\n{tree}\n\n[...]\n\n{refusal.rstrip()}\n\n[...]\n```\n"
    return costs(filled(text, BEGIN, END, shown))


def costs(text: str) -> str:
    """The README with the seconds of whole copies, from what was measured."""
    kept = sorted((ROOT / "docs" / "benchmarks").glob("copy-*.json"))
    newest = max((int(file.stem.rpartition("-")[2]) for file in kept), default=0)
    pages = [records.read(file)[0] for file in kept if file.stem.endswith(f"-{newest}")]
    shown = "\n".join(records.overview(pages)) + "\n"
    return filled(text, "<!-- costs -->\n", "<!-- end of costs -->", shown)


def filled(text: str, begin: str, end: str, shown: str) -> str:
    """A page with something else between two marks."""
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise SystemExit(f"a page has lost its marks {begin.strip()} and {end}")
    return f"{before}{begin}{shown}{end}{after}"


def main() -> None:
    """Write, or compare."""
    check = sys.argv[1:] == ["--check"]
    stale = []
    for file, text in generated():
        old = file.read_text(encoding="utf-8") if file.is_file() else ""
        if old == text:
            continue
        stale.append(str(file.relative_to(ROOT)))
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    if stale:
        print(("stale: " if check else "written: ") + ", ".join(stale))
    if stale and check:
        print("`make fix` writes them anew")
        sys.exit(1)


if __name__ == "__main__":
    main()
