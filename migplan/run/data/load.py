"""Loading the file of a data step: a module of its own, which leaves nothing behind but itself.

It may import what stands beside it, ``from ._words import ...``, in files that begin with ``_`` and so are no
migrations. ``sys.path`` is not touched, and nothing compiled is put into the folder.
"""

import ast
import hashlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from migplan.data import DataStep
from migplan.errors import FileError

NAME = "STEP"
_HOW = "write STEP = DataStep(read=..., key=..., into=...), as docs/data-steps.md has it"


@dataclass(eq=False)
class DataFileError(FileError):
    """The file of a data step that cannot be loaded, and where (lines start at 1)."""

    line: int = field(default=1, kw_only=True)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A data step, and on which lines of its file it says what."""

    file: Path
    step: DataStep
    lines: Mapping[str, int]

    def line(self, word: str) -> int:
        """Return the line of ``word=``, or the first line of the step if there is none."""
        return self.lines.get(word) or self.lines.get(NAME, 1)


def load(file: Path, source: bytes | None = None) -> Loaded:
    """Run the file, and return its step; raise DataFileError with the line when that fails.

    ``source`` is what the file was when it was checked, and what runs whatever it is by now.
    """
    file = file.resolve()
    if source is None:
        try:
            source = file.read_bytes()
        except OSError as error:
            raise FileError(f"{file} cannot be read: {error.strerror}", file=file) from None
    module = _module(file, source)
    step = getattr(module, NAME, None)
    if not isinstance(step, DataStep):
        what = f"{NAME} is a {type(step).__name__}, not a DataStep" if step else f"it defines no {NAME}"
        raise DataFileError(what, file=file, do=_HOW)
    return Loaded(file, step, _lines(source))


def line_in(file: Path, traceback: TracebackType | None) -> int | None:
    """Return the last line of the file in a traceback; None if it is not in it."""
    found = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(file):
            found = traceback.tb_lineno
        traceback = traceback.tb_next
    return found


class _Loader(importlib.machinery.SourceFileLoader):
    """Runs the source alone: a compiled file would lie in the folder, and might be an older one."""

    def __init__(self, fullname: str, path: str, source: bytes) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        code = self.source_to_code(self._source, self.get_filename(fullname))
        assert isinstance(code, CodeType)
        return code


def _module(file: Path, source: bytes) -> ModuleType:
    package = _package(file.parent)
    name = f"{package}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file, loader=_Loader(name, str(file), source))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the file look for it there
    try:
        with _nothing_compiled():
            spec.loader.exec_module(module)
    except SyntaxError as error:
        where = file if error.filename is None else Path(error.filename)
        raise DataFileError(error.msg, file=where, line=error.lineno or 1) from None
    except (Exception, SystemExit) as error:
        raise _failed(file, error) from error
    return module


def _package(folder: Path) -> str:
    """What the files of a folder have in common, so that one can import another."""
    name = f"_migplan_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    for known in [each for each in sys.modules if each.startswith(f"{name}.")]:
        del sys.modules[known]  # they may have been changed since
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


@contextmanager
def _nothing_compiled() -> Iterator[None]:
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _failed(file: Path, error: BaseException) -> DataFileError:
    line = line_in(file, error.__traceback__) or 1
    return DataFileError(f"{type(error).__name__}: {error}", file=file, line=line)


def _lines(source: bytes) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        if NAME in names:
            found[NAME] = node.lineno
            if isinstance(node.value, ast.Call):
                found |= {word.arg: word.value.lineno for word in node.value.keywords if word.arg}
    return found
