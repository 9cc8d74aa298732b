"""``migplan.yaml``: which databases there are, what of them is meant, and how people want it grouped.

Nothing in it is needed to begin: every command also takes URLs. Passwords do not belong into it; a URL
comes from the environment as ``${NAME}``, and one with a password in it is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from migplan import yamlfile
from migplan.errors import AddressError, FileError
from migplan.files import Access
from migplan.names import Pattern
from migplan.text.redaction import PASSWORD_OF_ADDRESS
from migplan.text.wording import did_you_mean
from migplan.yamlfile import Marks, Section

FILE_NAME = "migplan.yaml"

_TAKEN = {"scratch": "migplan's own throwaway server", "source": "the database that is read"}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# One to three parts with dots between them, each in quotes or without.
_COLUMN_PATTERN = re.compile(r'(?:"(?:[^"]|"")+"|[^".]+)(?:\.(?:"(?:[^"]|"")+"|[^".]+)){0,2}')

GroupName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True)]
PlatformName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]


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


_PLATFORM = (
    "the managed host where it is: supabase, rds, cloudsql, azure, neon, heroku, one of platforms, or none"
)


class Database(Section):
    """A database, by URL: a libpq URL or connection string, mostly ``${NAME}`` of the environment."""

    url: Sentence
    platform: PlatformName | None = Field(None, description=_PLATFORM)


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

    @field_validator("objects", "policies")
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


class Act(StrEnum):
    """What PostgreSQL reserves for superusers, or a platform for itself, by the names of ``instead``."""

    ACCESS_METHODS = "access methods"
    BASE_TYPES = "base types"
    EVENT_TRIGGERS = "event triggers"
    FOREIGN_DATA_WRAPPERS = "foreign data wrappers"
    FUNCTIONS_IN_C = "functions in C"
    LANGUAGES = "languages"
    LEAKPROOF_FUNCTIONS = "leakproof functions"
    OPERATOR_CLASSES = "operator classes"
    OPERATOR_FAMILIES = "operator families"
    PRIVILEGES_BY_OTHERS = "privileges granted by another role"
    PUBLICATIONS_OF_ALL_TABLES = "publications of all tables"
    RESERVED_ROLES = "reserved roles"
    ROLES = "roles"
    SECURITY_LABELS = "security labels"
    SERVER_FILES = "server files"
    SERVER_SETTINGS = "server settings"
    SUBSCRIPTIONS = "subscriptions"
    TABLESPACES = "tablespaces"
    TRANSFORMS = "transforms"
    UNTRUSTED_EXTENSIONS = "untrusted extensions"


class Mode(StrEnum):
    """What stands behind a host and port."""

    TRANSACTION = "transaction"  # a pooler that gives each transaction another session
    SESSION = "session"  # a pooler that gives each client a session of its own
    DIRECT = "direct"  # the server


class Signs(Section):
    """Signs of a platform; all that are named must be there."""

    schemas: tuple[str, ...] = Field((), description="schemas of the database")
    roles: tuple[str, ...] = Field((), description="roles of the server")
    settings: tuple[str, ...] = Field(
        (), description="settings that the server knows, such as rds.extensions"
    )

    @model_validator(mode="after")
    def _something_is_named(self) -> Signs:
        if not (self.schemas or self.roles or self.settings):
            raise ValueError("a sign names schemas, roles or settings: without any, every database would fit")
        return self


class LeftBehindSection(Section):
    """Rows of people's own in provided tables."""

    tables: tuple[str, ...] = Field((), description="schema.table, or globs")
    extension: str = Field("", description="the extension that keeps them, where that is installed")
    say: Sentence = Field(description="what they are, and how they move")

    @model_validator(mode="after")
    def _something_is_named(self) -> LeftBehindSection:
        if not (self.tables or self.extension):
            raise ValueError("name tables, or the extension that keeps the rows")
        for text in self.tables:
            _ = Pattern(text).pieces
        return self


class ConnectionSection(Section):
    """What answers at a host, and at a port where one is said."""

    host: str = Field(min_length=1, description="the name of the host, or a glob")
    port: int | None = Field(None, ge=1, le=65535, description="the port; nothing said: any")
    mode: Mode = Field(description="transaction or session: a pooler; direct: the server")
    instead_port: int | None = Field(
        None, ge=1, le=65535, description="the port where sessions are to be had"
    )
    instead_host: tuple[str, str] | None = Field(
        None, description="the host where sessions are to be had: replace the first text by the second"
    )
    say: str = Field("", description="what to connect to instead, in words")

    def answers(self, host: str, port: int) -> bool:
        """Whether this is about a host and port."""
        return fnmatchcase(host.lower(), self.host.lower()) and self.port in {None, port}

    def instead(self, host: str, port: int) -> str:
        """Return ``HOST:PORT (what that is)``, where sessions are to be had; empty where nobody knows."""
        if self.instead_port is None and self.instead_host is None:
            return self.say
        other = host.replace(*self.instead_host, 1) if self.instead_host else host
        words = f" ({self.say})" if self.say else ""
        return f"{other}:{self.instead_port or port}{words}"


class Platform(Section):
    """A managed host of PostgreSQL."""

    title: Sentence = Field("this platform", description="its name, as people say it")
    aliases: tuple[PlatformName, ...] = Field((), description="other names that --platform takes for it")
    recognised: tuple[Signs, ...] = Field((), description="signs of it; one of these is enough")
    provided: ProvidedSection = ProvidedSection.model_construct()
    only_there: tuple[str, ...] = Field((), description="extensions that no other platform has")
    publications: tuple[str, ...] = Field(
        (), description="provided publications whose tables people choose: they go along to other hosts"
    )
    left_behind: tuple[LeftBehindSection, ...] = Field(
        (), description="provided tables in which people have rows of their own"
    )
    extensions_in: str = Field("", description="the schema in which extensions belong; empty: anywhere")
    allows: tuple[Act, ...] = Field(
        (), description="what is for superusers elsewhere, and what its administrators may do"
    )
    instead: Mapping[Act, Sentence] = Field(
        default_factory=dict, description="what is not possible, and what to do in its place"
    )
    exposed_schemas: tuple[str, ...] = Field((), description="schemas that its API exposes")
    api_roles: tuple[str, ...] = Field((), description="roles that its API takes")
    connections: tuple[ConnectionSection, ...] = Field(
        (), description="hosts and ports of poolers and servers"
    )
    notes: tuple[Sentence, ...] = Field((), description="what to know before a move")
    stand_ins: str = Field(
        "", description="SQL that makes, on a scratch server, what migrations use of the platform"
    )


class Presets(Section):
    """The whole of ``platforms.yaml``, and the same part of migplan.yaml."""

    platforms: Mapping[PlatformName, Platform]


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
    selection: SelectionSection = SelectionSection.model_construct()
    provided: ProvidedSection = ProvidedSection.model_construct()
    platform: PlatformName | None = Field(
        None, description="the managed host to which it is moved, where a target says nothing else"
    )
    platforms: Mapping[PlatformName, Platform] = Field(
        default_factory=dict, description="managed hosts of one's own, and what is other than in the presets"
    )
    access: Access = Field(
        Access.OWNER, description="who may read files that hold rows: bundles and documents with samples"
    )
    plan: PlanSection = PlanSection.model_construct()
    groups: tuple[GroupSection, ...] = ()
    strategies: Mapping[str, Strategy] = Field(
        default_factory=dict, description="a strategy of one's own for single tables"
    )
    lint: Mapping[str, AdviceLevel] = Field(
        default_factory=dict, description="another level for rules about hand-written migrations, by code"
    )
    advise: AdviseSection = AdviseSection.model_construct()
    anonymise: AnonymiseSection = AnonymiseSection.model_construct()
    document: DocumentSection = DocumentSection.model_construct()
    signatures: SignaturesSection = SignaturesSection.model_construct()

    @field_validator("targets", "strategies", "lint", "groups", "platforms", mode="before")
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
    """The file that was named, or ``migplan.yaml`` of this folder, or nothing but defaults.

    Defaults need no check, and so nothing has to be built that checks.
    """
    if named is not None:
        if not named.is_file():
            raise FileError(f"there is no {named}", do="write one with: migplan init", file=named)
        return load(named)
    here = Path(FILE_NAME)
    return load(here) if os.path.lexists(here) else Config.model_construct()


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
    return did_you_mean(name, names(config), "")


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
    for name in config.targets:
        if name in _TAKEN:
            what = f"no target can be called {name}: that is {_TAKEN[name]}"
            raise marks.error(("targets", name), what, "give it another name")
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
