"""Programs, timed with what they and the server took of the machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from bench.stopwatch import CLIENT, MEMORY, SERVER, Laps

PATIENCE_SECONDS = 120.0
"""A program that takes longer is stopped, and this is its figure."""


def timed(name: str, commands: Sequence[list[str]], laps: Laps, server: int = 0) -> None:
    """Time programs that run one after the other on the server whose postmaster has this process number.

    Of their memory the most counts, without that of workers; of the CPU the sum, with them.
    """
    peak, client, before = 0.0, 0.0, _server_seconds(server)
    with laps.lap(name):
        for command in commands:
            left = laps.patience_of(name, PATIENCE_SECONDS)
            with tempfile.TemporaryFile() as said:
                memory, seconds = _run(command, said, left)
            if seconds is None:
                laps.stopped.add(name)
                break
            peak, client = max(peak, memory), client + seconds
    if name in laps.stopped:
        return
    laps.seconds[f"  {name}: {MEMORY}"] = peak
    laps.seconds[f"  {name}: {CLIENT}"] = client
    if before is not None:
        laps.seconds[f"  {name}: {SERVER}"] = (_server_seconds(server) or before) - before


def _run(command: list[str], said: IO[bytes], patience: float) -> tuple[float, float | None]:
    """The memory of a program and its CPU seconds; none of these where it was stopped."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
    )
    peak, end = 0.0, time.monotonic() + patience
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return peak, None
        peak = max(peak, _peak_memory(process.pid))
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said.seek(0)
        words = said.read().decode("utf-8", "replace")[-500:]
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}: {words}")
    return peak, used.ru_utime + used.ru_stime


def _peak_memory(pid: int) -> float:
    """In MB, of the program that the process runs now; nothing where the kernel does not say (not Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def _server_seconds(postmaster: int) -> float | None:
    """CPU that a server has taken so far, of processes that ended and that run; None if not known."""
    try:
        mine = _stat(postmaster)
    except OSError:
        return None
    ticks = sum(mine[11:15])  # its own, and of its children that ended
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (one := _stat(int(entry.name)))[1] == postmaster:
                ticks += sum(one[11:13])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[int]:
    """The numbers of ``/proc/PID/stat`` behind the program's name; the state, a letter, is 0."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [0, *map(int, words[1:])]
