"""The code of a data step while it runs: what is done when it does not end, or would end all of us."""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class OwnCode:
    """A block in which the step's own code runs, and which another thread can interrupt."""

    def __init__(self) -> None:
        self._thread: int | None = None
        self._changing = threading.Lock()

    def __enter__(self) -> None:
        self._thread = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._thread = None

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the block, if it is being run.

        Code that waits for something outside of Python gets it when that ends.
        """
        with self._changing:
            if self._thread is not None:
                thread = ctypes.c_ulong(self._thread)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(KeyboardInterrupt))


@contextmanager
def no_silent_end() -> Iterator[None]:
    """Let ``os._exit`` raise SystemExit in a block: it would end migplan without a word, and perhaps with 0.

    Child processes may end as they like.
    """
    ends, ours = os._exit, os.getpid()

    def refuse(status: int) -> NoReturn:
        if os.getpid() != ours:
            ends(status)
        raise SystemExit(f"os._exit({status}) was called, which would have ended migplan without a word")

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = ends
