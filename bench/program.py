"""Programs, timed with the memory that their own processes take."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.stopwatch import MEMORY, Laps


def timed(name: str, commands: Sequence[list[str]], laps: Laps) -> None:
    """Time programs that run one after the other; of their memory, the most. Workers are not counted."""
    peak = 0.0
    with laps.lap(name):
        for command in commands:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            assert process.stderr is not None
            while process.poll() is None:
                peak = max(peak, _peak_memory(process.pid))
                time.sleep(0.01)
            if process.returncode:
                said = process.stderr.read().decode("utf-8", "replace")[-500:]
                raise RuntimeError(f"{command[:3]} ended with {process.returncode}: {said}")
    laps.seconds[f"  {name}: {MEMORY}"] = peak


def _peak_memory(pid: int) -> float:
    """In MB, of the program that the process runs now; nothing where the kernel does not say (not Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
