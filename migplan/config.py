"""``migplan.yaml``: which databases there are, what of them is meant, and how people want it grouped.

Nothing in it is needed to begin: every command also takes URLs. Passwords do not belong into it; a URL
comes from the environment as ``${NAME}``, and one with a password in it is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from migplan import yamlfile
from migplan.errors import AddressError, FileError
from migplan.files import Access
from migplan.names import Pattern
from migplan.text.redaction import PASSWORD_OF_ADDRESS
from migplan.yamlfile import Marks, Section

FILE_NAME = "migplan.yaml"

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# One to three parts with dots between them, each in quotes or without.
_COLUMN_PATTERN = re.compile(r'(?:"(?:[^"]|"")+"|[^".]+)(?:\.(?:"(?:[^"]|"")+"|[^".]+)){0,2}')

GroupName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True)]


class Layout(StrEnum):
    """Where keys, indexes and triggers stand in the bundle."""

    AFTER_DATA = "after-data"
    WITH_SCHEMA = "with-schema"


class Strategy(StrEnum):
    """How the rows of a table get in."""

    COPY = "copy"
    LEVELS = "levels"
    NULL_THEN_UPDATE = "null-then-update"
    DEFERRED = "deferred"
    CONSTRAINT_LATER = "constraint-later"
    SCHEMA_ONLY = "schema-only"


class ColumnKind(StrEnum):
    """What a column holds, and so what may be shown of it."""

    KEEP = "keep"  # shown as it is
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    TEXT = "text"  # what people wrote
    SECRET = "secret"  # noqa: S105 - a word of the settings
    URL = "url"
    IP = "ip"
    DOCUMENT = "document"  # a passport, a tax number
    BIRTH = "birth"
    EXTERNAL_ID = "external-id"
    JSON = "json"  # walked through, and decided key by key
    NUMBER = "number"  # one that tells who it is
    PLACE = "place"  # coordinates
    MONEY = "money"  # what a person earns or owns
    BINARY = "binary"
    SIZE = "size"  # nothing is shown but how large it is


class Database(Section):
    """A database, by URL: a libpq URL or connection string, mostly ``${NAME}`` of the environment."""

    url: Sentence


class Target(Database):
    """A database that may be written to."""

    protected: bool = Field(False, description="ask for a rehearsal's receipt before anything is changed")


class SelectionSection(Section):
    """What of the source is meant; patterns are globs, and nothing said means everything."""

    schemas: tuple[str, ...] = Field((), description="names or globs of schemas")
    tables: tuple[str, ...] = Field((), description="tables: name, schema.name, or globs of these")
    exclude: tuple[str, ...] = Field((), description="tables to leave out, in the same form")

    @field_validator("*", mode="before")
    @classmethod
    def _nothing_is_everything(cls, value: object) -> object:
        """``tables:`` with nothing after it, as a template leaves it, means none."""
        return () if value is None else value


def _list_or_section(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema that a plain list is accepted, too."""
    section = dict(schema)
    schema.clear()
    schema["description"] = section["description"]
    schema["anyOf"] = [{"type": "array", "items": {"type": "string"}}, section]


class ProvidedSection(Section):
    """What the target brings: not created, not dropped, rows not taken. A plain list of globs does as well.

    In such a list GLOB.GLOB means objects of schemas, and GLOB whatever is in no schema: schemas themselves,
    extensions, roles, publications.
    """

    model_config = ConfigDict(json_schema_extra=_list_or_section)

    schemas: tuple[str, ...] = Field((), description="schemas, with all that is in them: names or globs")
    objects: tuple[str, ...] = Field(
        (), description="single objects: schema.name or globs of it; a publication or the like by its name"
    )
    extensions: tuple[str, ...] = Field((), description="extensions: names or globs")
    roles: tuple[str, ...] = Field((), description="roles: names or globs")
    names: tuple[str, ...] = Field((), description="whatever is in no schema, of any kind: names or globs")
    policies: tuple[str, ...] = Field(
        (), description="provided tables that come without policies, so that those on them are people's own"
    )
    rows: tuple[str, ...] = Field(
        (), description="provided tables whose rows are taken all the same: schema.name, or globs of it"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_a_list(cls, value: object) -> object:
        if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
            parted: dict[str, list[str]] = {"names": [], "objects": []}
            for glob in value:
                parted["names" if len(Pattern(glob).pieces) == 1 else "objects"].append(glob)
            return parted
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _nothing_is_none(cls, value: object) -> object:
        return () if value is None else value

    @field_validator("objects", "policies", "rows")
    @classmethod
    def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            _ = Pattern(text).pieces
        return value

    def __or__(self, other: ProvidedSection) -> ProvidedSection:
        """What either of them says."""
        names = type(self).model_fields
        return ProvidedSection(
            **{name: tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name)))) for name in names}
        )


class GroupSection(Section):
    """A group of tables that share a schema file and a data file."""

    name: GroupName
    number: int | None = Field(None, ge=1, le=99, description="1 gives files 01-schema-... and 10-data-...")
    purpose: Sentence = Field("", description="one sentence for the people who read the files")
    tables: tuple[str, ...] = Field(min_length=1, description="tables: name, schema.name, or globs of these")


class PlanSection(Section):
    """How the plan is made."""

    name: str = Field("migration", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="plans/NAME.yaml")
    file: Path | None = Field(None, description="the plan's file, where it is another one")
    constraints: Layout = Field(
        Layout.AFTER_DATA,
        description="after-data: keys and indexes after the rows; with-schema: before them",
    )


AdviceLevel = Annotated[
    Literal["error", "warning", "note", "off"],
    BeforeValidator(lambda value: "off" if value is False else value),  # YAML reads a bare off as false
]
"""What a rule may be set to."""


class IgnoreSection(Section):
    """Findings that people know of and live with, and why."""

    code: str = Field(pattern=r"^MP\d{3}$", description="the rule's code, as findings show it")
    object: str = Field("*", description="what the finding names, or a glob: public.audit_*")
    reason: Sentence = Field(min_length=1, description="why it is left as it is")


class AdviseSection(Section):
    """What `migplan advise` has to know that no catalog says, and what it should keep to itself."""

    exposed_schemas: tuple[str, ...] = Field(
        (), description="schemas whose tables and functions people reach through an API, such as PostgREST's"
    )
    api_roles: tuple[str, ...] = Field((), description="the roles that this API takes, such as anon")
    levels: Mapping[str, AdviceLevel] = Field(
        default_factory=dict, description="another level for rules, by code; off: do not ask"
    )
    ignore: tuple[IgnoreSection, ...] = Field((), description="findings to leave out, each with its reason")


class AnonymiseSection(Section):
    """How rows become samples that may be shown."""

    rows: int = Field(3, ge=0, le=20, description="sample rows a table; 0: none are read")
    key: str = Field(
        "",
        description="a secret, as ${NAME}, that decides which stand-in a value gets",
    )
    columns: Mapping[str, ColumnKind] = Field(
        default_factory=dict,
        description="what a column holds, by schema.table.column, table.column, column, or globs of these",
    )

    @field_validator("key")
    @classmethod
    def _from_the_environment(cls, value: str) -> str:
        if value and not _VARIABLE.fullmatch(value):
            raise ValueError("a secret does not belong into this file: write ${NAME} and set that variable")
        return value

    @field_validator("columns")
    @classmethod
    def _names_of_columns(cls, value: Mapping[str, ColumnKind]) -> Mapping[str, ColumnKind]:
        for pattern in value:
            if not _COLUMN_PATTERN.fullmatch(pattern):
                raise ValueError(f"{pattern!r} is no column: write schema.table.column, or less of it")
        return value


class DocumentSection(Section):
    """Where `migplan document` writes."""

    out: str = Field("docs/database", description="the folder")


class SignaturesSection(Section):
    """Who may vouch for bundles and receipts, and whether somebody has to."""

    allowed_signers: str = Field(
        "", description="a file of ssh-keygen's form, with the keys of those who may sign"
    )
    required: bool = Field(
        False, description="run no bundle, and take no receipt, that none of them has signed"
    )

    @model_validator(mode="after")
    def _somebody_may_sign(self) -> SignaturesSection:
        if self.required and not self.allowed_signers:
            raise ValueError("signatures are required, and allowed_signers names no file of who may sign")
        return self


class Config(Section):
    """The whole file."""

    source: Database | None = None
    targets: Mapping[str, Target] = Field(default_factory=dict)
    selection: SelectionSection = SelectionSection()
    provided: ProvidedSection = ProvidedSection()
    access: Access = Field(
        Access.OWNER, description="who may read files that hold rows: bundles and documents with samples"
    )
    plan: PlanSection = PlanSection()
    groups: tuple[GroupSection, ...] = ()
    strategies: Mapping[str, Strategy] = Field(
        default_factory=dict, description="a strategy of one's own for single tables"
    )
    lint: Mapping[str, AdviceLevel] = Field(
        default_factory=dict, description="another level for rules about hand-written migrations, by code"
    )
    advise: AdviseSection = AdviseSection()
    anonymise: AnonymiseSection = AnonymiseSection()
    document: DocumentSection = DocumentSection()
    signatures: SignaturesSection = SignaturesSection()

    @field_validator("targets", "strategies", "lint", "groups", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object, info: object) -> object:
        """``groups:`` with nothing after it, as a template leaves it, means none."""
        if value is None:
            return () if getattr(info, "field_name", "") == "groups" else {}
        return value

    @field_validator(
        *("selection", "provided", "plan", "advise", "anonymise", "document", "signatures"), mode="before"
    )
    @classmethod
    def _nothing_is_default(cls, value: object) -> object:
        return {} if value is None else value


def load(file: Path) -> Config:
    """The configuration in a file."""
    return _checked(*yamlfile.load(file, Config))


def loads(text: str, file: Path) -> Config:
    """The configuration in a text; ``file`` is what complaints call it."""
    return _checked(*yamlfile.loads(text, file, Config))


def find(named: Path | None) -> Config:
    """The file that was named, or ``migplan.yaml`` of this folder, or nothing but defaults."""
    if named is not None:
        if not named.is_file():
            raise FileError(f"there is no {named}", do="write one with: migplan init", file=named)
        return load(named)
    here = Path(FILE_NAME)
    return load(here) if os.path.lexists(here) else Config()


def url_of(config: Config, name: str) -> str | None:
    """The URL behind a name of the file, its variables filled in; None when the file does not know it."""
    if name == "source" and config.source:
        return _filled_in(config.source.url, name)
    if name in config.targets:
        return _filled_in(config.targets[name].url, name)
    return None


def names(config: Config) -> frozenset[str]:
    """The names of databases that the file knows."""
    return frozenset(config.targets) | (frozenset({"source"}) if config.source else frozenset())


def key_of(config: Config) -> bytes:
    """The secret that decides which stand-in a value gets; empty when none is wanted."""
    found = _VARIABLE.fullmatch(config.anonymise.key)
    if found is None:
        return b""
    value = os.environ.get(found.group(1))
    if not value:
        raise AddressError(
            f"anonymise.key comes from the environment, and {found.group(1)} is not set",
            do=f"export {found.group(1)}=... or take anonymise.key out of {FILE_NAME}",
        )
    return value.encode()


def suggestion(config: Config, name: str) -> str:
    """The name of the file's own that comes nearest, for an advice."""
    near = get_close_matches(name, sorted(names(config)), n=1)
    return f"did you mean {near[0]}?" if near else ""


def _filled_in(url: str, name: str) -> str:
    def value(variable: re.Match[str]) -> str:
        found = os.environ.get(variable.group(1))
        if not found:
            raise AddressError(
                f"the URL of {name!r} comes from the environment, and {variable.group(1)} is not set",
                do=f"export {variable.group(1)}='postgresql://user@host:5432/database'",
            )
        return found

    return _VARIABLE.sub(value, url)


def _checked(config: Config, marks: Marks) -> Config:
    databases: dict[tuple[str, ...], Database | None] = {("source",): config.source}
    databases |= {("targets", name): target for name, target in config.targets.items()}
    for place, database in databases.items():
        if database and _has_password(database.url):
            raise marks.error(
                (*place, "url"),
                "a password does not belong into this file",
                "write url: ${NAME} and set that variable, or leave the password to PGPASSWORD or .pgpass",
            )
    names: set[str] = set()
    for number, group in enumerate(config.groups):
        if group.name in names:
            what = f"there are two groups called {group.name}"
            raise marks.error(("groups", number, "name"), what, "join them, or rename one")
        names.add(group.name)
    return config


def _has_password(url: str) -> bool:
    """Whether a password stands in the text itself; one that a variable brings does not."""
    bare = _VARIABLE.sub("\0", url)
    return any(
        (found["url"] or found["parameter"] or "").strip("'\0")
        for text in (bare, unquote(bare))
        for found in PASSWORD_OF_ADDRESS.finditer(text)
    )
