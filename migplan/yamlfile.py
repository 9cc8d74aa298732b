"""YAML files that people write: checked against a model, and every complaint with its line and column."""

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from migplan.errors import FileError, YamlError
from migplan.files import read_text
from migplan.text.redaction import redacted
from migplan.text.wording import did_you_mean

Place = tuple[str | int, ...]

_DEEPEST = 100


class Section(BaseModel):
    """A part of a YAML file. What it does not know, it refuses.

    Texts stay as they are: names of PostgreSQL may begin and end with spaces. What checks it is built when it
    is first used: no command uses all of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


Content = TypeVar("Content", bound=Section)


class Marks:
    """Where each entry of a YAML file stands."""

    def __init__(self, file: Path, root: yaml.Node | None) -> None:
        self.file = file
        self._marks: dict[Place, yaml.Mark] = {}
        self._walked: set[int] = set()
        if root is not None:
            self._walk(root, ())

    def _walk(self, node: yaml.Node, place: Place) -> None:
        self._marks.setdefault(place, node.start_mark)
        # An alias leads to a node that was walked through: again would be for long, or for ever.
        if id(node) in self._walked:
            return
        self._walked.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = str(key.value)
                self._marks[*place, name] = key.start_mark
                self._walk(value, (*place, name))
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._walk(item, (*place, number))

    def error(self, place: Place, what: str, do: str = "") -> YamlError:
        """A complaint about the entry at a place, or about the nearest one above that stands in the file."""
        while place and place not in self._marks:
            place = place[:-1]
        mark = self._marks.get(place)
        return _complaint(what, self.file, (mark.line, mark.column) if mark else None, do)


def load(file: Path, model: type[Content]) -> tuple[Content, Marks]:
    """What the file says, checked, with the place of each entry for later complaints."""
    try:
        text = read_text(file)
    except FileError as error:
        raise FileError(f"cannot read {file}: {error.what}", file=file) from None
    return loads(text, file, model)


def loads(text: str, file: Path, model: type[Content]) -> tuple[Content, Marks]:
    """What a text says; ``file`` is what complaints call it."""
    try:
        _refuse_deep(text)
        loader = _Loader(text)
        root = loader.get_single_node()
        marks = Marks(file, root)
        content = loader.construct_document(root) if root else {}
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, file) from None
    except yaml.reader.ReaderError as error:
        raise _odd_character(error, text, file) from None
    except yaml.YAMLError as error:
        raise _complaint(str(error).splitlines()[0], file) from None
    except RecursionError:
        raise _complaint("lists and entries are nested too deep", file) from None
    if content is None:
        content = {}
    try:
        return model.model_validate(content), marks
    except ValidationError as error:
        raise _invalid(error, marks, model) from None


if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader
else:  # libyaml's parser where the wheel has it: a plan of 5,000 tables takes seconds without
    from yaml import CSafeLoader as SafeLoader


def _refuse_deep(text: str) -> None:
    """Stop before the parser builds what is nested without end: libyaml's would take the process with it."""
    depth = 0
    for event in yaml.parse(text, SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise yaml.composer.ComposerError(
                    None,
                    None,
                    "lists and entries are nested too deep",
                    event.start_mark,  # type: ignore[arg-type]  # libyaml's own
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Loader(SafeLoader):
    """A safe loader that refuses a key given twice, and says where a value stands that is none."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # 2024-13-45 looks like a date
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a list or a mapping cannot be a key", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands here a second time", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _syntax(error: yaml.MarkedYAMLError, file: Path) -> YamlError:
    mark = error.problem_mark or error.context_mark
    what = error.problem or error.context or "this is not YAML"
    if error.context and error.problem:
        what = f"{error.problem} ({error.context})"
    return _complaint(what, file, (mark.line, mark.column) if mark else None)


def _odd_character(error: yaml.reader.ReaderError, text: str, file: Path) -> YamlError:
    if isinstance(error.character, int):  # libyaml counts bytes
        code, before = error.character, text.encode()[: error.position].decode(errors="ignore")
    else:
        code, before = ord(error.character), text[: error.position]
    place = before.count("\n"), len(before) - (before.rfind("\n") + 1)
    return _complaint(f"the character U+{code:04X} is not allowed here", file, place)


def _complaint(what: str, file: Path, place: tuple[int, int] | None = None, do: str = "") -> YamlError:
    """The error, without the password of a URL that someone wrote where none belongs."""
    what = redacted(what)
    if place is None:
        return YamlError(what, do=do, file=file)
    return YamlError(what, do=do, file=file, line=place[0] + 1, column=place[1] + 1)


def _invalid(error: ValidationError, marks: Marks, model: type[Section]) -> YamlError:
    every = error.errors(include_url=False, include_input=False)
    first = every[0]
    if first["type"] == "missing":  # a word that is not known is often the missing one, with a slip in it
        first = next((each for each in every if each["type"] == "extra_forbidden"), first)
    place: Place = tuple(first["loc"])
    name = ".".join(str(part) for part in place) or "the file"
    if first["type"] == "extra_forbidden":
        known = sorted(set(_field_names(model)))
        advice = did_you_mean(str(place[-1]), known, f"known here and elsewhere: {', '.join(known)}")
        return marks.error(place, f"{place[-1]!r} is not known here", advice)
    if first["type"] == "missing":
        return marks.error(place, f"{name} is missing")
    if first["type"] in {"model_type", "model_attributes_type", "dict_type", "tuple_type"}:
        wanted = "a list" if first["type"] == "tuple_type" else "entries of the form key: value"
        return marks.error(place, f"{name} must hold {wanted}")
    if first["type"] == "too_short":
        return marks.error(place, f"{name} must not be empty")
    if first["type"] == "string_type":
        return marks.error(place, f"{name} must be text", "put it in quotes")
    return marks.error(place, f"{name}: {first['msg'].removeprefix('Value error, ')}")


def _field_names(model: type[Section]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        yield from _names_within(field.annotation)


def _names_within(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield from _field_names(annotation)
    for argument in get_args(annotation):
        yield from _names_within(argument)
