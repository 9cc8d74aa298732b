"""The options of an export, and what a bundle is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from migplan.bundle.data.inserts import InsertStyle
from migplan.bundle.data.self_references import Shape
from migplan.bundle.manifest import CarriedKey
from migplan.bundle.schema.chosen import Choice, Chosen
from migplan.bundle.schema.provided import ProvidedEntries, nothing_provided
from migplan.bundle.schema.roles import Owners
from migplan.catalog.attributes import Attributes
from migplan.catalog.large_objects import LargeObject
from migplan.catalog.model import Catalog
from migplan.catalog.provided import Provided
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.postgres.archive import Archive
from migplan.postgres.session import Session

Contents = Literal["all", "schema", "data"]


@dataclass(frozen=True, slots=True)
class Options:
    """What people want of a bundle."""

    contents: Contents = "all"
    jobs: int = 1
    inserts: InsertStyle | None = None  # None: COPY
    choice: Choice = field(default_factory=Choice)
    owners: Owners = field(default_factory=Owners)
    groups: tuple[str, ...] = ()  # only these; nothing said means all
    large_objects: bool | None = None  # None: where nothing is selected, they travel
    with_roles: bool = False  # in a file of their own
    database_settings: bool = False  # carry what ALTER DATABASE SET has set
    digests: bool = True  # of the content of each table
    live: bool = False  # the rows are not written: they come from the source when the bundle runs
    untouched: bool = False  # rows alone, and nothing of their tables rests while they come in


@dataclass(frozen=True)
class Source:
    """One moment of a database, and all that was read of it."""

    session: Session
    whole: Catalog
    catalog: Catalog  # the chosen part
    graph: ForeignKeyGraph
    archive: Archive
    chosen: Chosen
    search_path: str
    notes: tuple[str, ...] = ()
    tree: tuple[str, ...] = ()  # what needs what, for people
    carried: tuple[CarriedKey, ...] = ()
    digests: Callable[[], Mapping[str, str]] = dict  # of the content, by planned table: waits for them
    shapes: Mapping[QualifiedName, Shape] = field(default_factory=dict)  # of tables that refer to themselves
    attributes: Attributes = field(default_factory=Attributes)
    large_objects: tuple[LargeObject, ...] = ()  # that travel
    large_object_digests: Mapping[int, str] = field(default_factory=dict)
    provided: Provided = field(default_factory=Provided)  # by the target
    together: tuple[tuple[str, ...], ...] = ()  # provided tables whose rows belong together
    plan_digest: str = ""  # of the plan's file, of which the plan may be a part
    brought: ProvidedEntries = field(default_factory=nothing_provided)  # what of the archive that is
