"""Saving a Catalog to a file and loading it, so that later stages need no database."""

from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from migplan.catalog.attributes import as_json as attributes_as_json
from migplan.catalog.attributes import from_json as attributes_from_json
from migplan.catalog.layout import as_text
from migplan.catalog.model import Catalog
from migplan.errors import FileError
from migplan.files import read_json, write_whole

FORMAT = 1


@cache
def _catalogs() -> TypeAdapter[Catalog]:
    return TypeAdapter(Catalog)


def as_json(catalog: Catalog, *, observations: bool = True) -> dict[str, Any]:
    """The catalog as what ``json`` can print; without observations, what is left is the structure alone."""
    more = {"attributes": True}
    content = _catalogs().dump_python(
        catalog, mode="json", exclude_defaults=True, exclude=more if observations else _observed(Catalog)
    )
    if observations and catalog.attributes is not None:
        content["attributes"] = attributes_as_json(catalog.attributes)
    return {"migplan_catalog": FORMAT, **content}


def save(catalog: Catalog, file: Path) -> None:
    """Write the catalog to a file, which appears whole or not at all."""
    write_whole(file, as_text(as_json(catalog)))


@cache
def _observed(kind: Any) -> dict[str, Any]:
    """The observed fields of a class and of all that it holds, the way pydantic wants to be told."""
    found: dict[str, Any] = {}
    types = get_type_hints(kind)
    for field in fields(kind):
        held = [part for part in get_args(types[field.name]) if is_dataclass(part)]
        if field.metadata.get("observed"):
            found[field.name] = True
        elif held and (within := _observed(held[0])):  # type: ignore[arg-type]  # classes are hashable
            found[field.name] = {"__all__": within}
    return found


def load(file: Path) -> Catalog:
    """Return the catalog of a file; raise FileError if the file does not hold one."""
    try:
        content = read_json(file)
    except FileError as error:
        if file.is_file():
            raise _not_a_catalog(file, error.what) from None
        raise FileError(
            f"cannot read the catalog {file}: {error.what}",
            do="write one with: migplan catalog --source URL --out FILE",
            file=file,
        ) from None
    catalog = from_json(content, file)
    if "server" not in content:
        raise _not_a_catalog(file, "server, where and when it was read, is missing")
    return catalog


def from_json(content: Any, file: Path) -> Catalog:
    """Return the catalog that :func:`as_json` wrote; errors name ``file``."""
    found = content.get("migplan_catalog") if isinstance(content, dict) else None
    if found is None:
        raise _not_a_catalog(file, "migplan_catalog, the format's version, is missing")
    if found != FORMAT:
        raise FileError(
            f"{file} is a catalog of format {found}, and this migplan reads format {FORMAT}",
            do="write it again with: migplan catalog --source URL --out FILE",
            file=file,
        )
    apart = ("migplan_catalog", "attributes")
    try:
        catalog = _catalogs().validate_python(
            {key: value for key, value in content.items() if key not in apart}
        )
        more = content.get("attributes")
        return replace(catalog, attributes=attributes_from_json(more)) if more else catalog
    except (KeyError, TypeError, AttributeError) as error:
        raise _not_a_catalog(file, f"attributes: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _not_a_catalog(file, f"{place}: {first['msg']}") from None
    except ValueError as error:
        raise _not_a_catalog(file, f"attributes: {error}") from None


def _not_a_catalog(file: Path, why: str) -> FileError:
    return FileError(
        f"{file} is not a catalog that migplan wrote: {why}",
        do="write it again with: migplan catalog --source URL --out FILE",
        file=file,
    )
