"""From a database to its catalog and the analysis."""

from contextlib import closing
from dataclasses import replace

from migplan import advise
from migplan.advise import Advice, Finding
from migplan.anonymise import Anonymiser
from migplan.catalog import orphans, read, read_vitals, selection
from migplan.catalog.changes import Concerns, everything, one_moment, refuse_changes
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog
from migplan.catalog.read_attributes import read_attributes
from migplan.config import AdviseSection, Config
from migplan.errors import SelectionError
from migplan.graph import ForeignKeyGraph, build
from migplan.names import split
from migplan.pipeline.platforms import Host, hint, looked_at, provided_of
from migplan.postgres.address import Address
from migplan.postgres.locking import TABLES_AND_VIEWS
from migplan.postgres.read_again import retry_if_disturbed
from migplan.postgres.session import Session, connect, reading
from migplan.progress import Progress, no_progress
from migplan.report.analysis import Analysis
from migplan.text.wording import counted


def read_catalog(
    address: Address,
    exactness: Exactness = Exactness.AUTO,
    on_progress: Progress = no_progress,
    *,
    vitals: bool = False,
    attributes: bool = True,
) -> Catalog:
    """The database's own account of itself, at one moment; with its vitals where advice is wanted.

    Attributes take as long as all else, or longer: they are for plans, and what is compared with one.
    """

    def attempt(number: int) -> Catalog:
        with (
            closing(connect(address)) as fresh,
            reading(address, relations_to_lock(number)) as session,
            one_moment(session, aside=False, fresh=fresh),
        ):
            return catalog_at(
                session, exactness, on_progress, vitals=vitals, attributes=attributes, fresh=fresh
            )

    return retry_if_disturbed(attempt, on_progress)


def relations_to_lock(number: int) -> tuple[str, ...]:
    """What a reader of definitions locks at its nth attempt: nothing at first, which is right nearly always.

    Where others disturbed it, it locks all that can be locked at every second attempt: for a second or so.
    """
    return TABLES_AND_VIEWS if number % 2 else ()


def catalog_at(
    session: Session,
    exactness: Exactness,
    on_progress: Progress,
    *,
    vitals: bool,
    attributes: bool = True,
    concerns: Concerns = everything,
    fresh: Session | None = None,
) -> Catalog:
    """The same, at the moment of a transaction in which more is to be read.

    Views and functions are of that moment, or a ChangedError is raised; it is for the caller to see that the
    rest is, by ``catalog.changes.one_moment`` without what stands aside.
    """
    # What stands aside is compared right behind the catalog's first questions: attributes come before them.
    more = read_attributes(session) if attributes else None
    catalog = read.read(
        session,
        Counting(exactness, lambda *at: on_progress("counting rows", *at)),
        lambda: refuse_changes(session, concerns, fresh=fresh),
    )
    catalog = replace(catalog, attributes=more)
    if not vitals:
        return catalog
    on_progress("reading vitals", 0, 0)
    return replace(catalog, vitals=read_vitals.read_vitals(session, catalog))


def analyze_catalog(catalog: Catalog, config: Config) -> Analysis:
    """What depends on what in the selected part, and what is to be said about it."""
    selected = selection.select(catalog, as_selection(config))
    refuse_nothing(selected)
    graph = build(selected.catalog)
    advice = advised(selected.catalog, graph, config)
    return Analysis(selected, graph, advice, hint=hint(config, catalog))


def advised(catalog: Catalog, graph: ForeignKeyGraph, config: Config) -> Advice:
    """What is to be said about a catalog; no literal that gives a secret away is said along with it.

    It is judged by all that the catalog says: two indexes whose predicates lost their literals look like one.
    """
    anonymiser = Anonymiser(catalog, config.anonymise)
    host = looked_at(config, catalog)
    settings, taken = _with_api(config.advise, host, catalog) if host else (config.advise, ())
    advice = advise.advise(catalog, graph, settings)
    ours = tuple(each for each in advice.findings if not (host and _is_provided(each, host)))
    return replace(
        advice,
        findings=tuple(_cleaned(finding, anonymiser) for finding in ours),
        beside=(
            *_left_out(len(advice.findings) - len(ours), host),
            *taken,
            *([f"{host.platform.title}: {note}" for note in host.platform.notes] if host else []),
        ),
    )


def _with_api(settings: AdviseSection, host: Host, catalog: Catalog) -> tuple[AdviseSection, tuple[str, ...]]:
    """The settings, with what a host's API exposes where nobody said it; and sentences that say so."""
    platform, signs = host.platform, catalog.signs
    taken = {
        "exposed_schemas": tuple(name for name in platform.exposed_schemas if name in signs.schemas),
        "api_roles": tuple(name for name in platform.api_roles if name in signs.roles),
    }
    taken = {name: value for name, value in taken.items() if value and not getattr(settings, name)}
    said = tuple(
        f"{name}: {', '.join(value)}, as on {platform.title}; advise.{name} in migplan.yaml says others"
        for name, value in taken.items()
    )
    return settings.model_copy(update=taken), said


def _is_provided(finding: Finding, host: Host) -> bool:
    """Whether a finding is about what the host provides: policies that people put there are their own."""
    provided = host.provided
    if finding.table is not None:
        of_people = finding.what.startswith("policy ") and provided.without_policies(finding.table)
        return provided.relation(finding.table) and not of_people
    kind, _, name = finding.what.partition(" ")
    return provided.schema(finding.schema) or (kind == "extension" and provided.extension(split(name)[0]))


def _left_out(number: int, host: Host | None) -> tuple[str, ...]:
    if not host or not number:
        return ()
    how = f" (recognised by {', '.join(host.signs)}; --platform none looks at it, too)" if host.signs else ""
    return (f"{counted(number, 'finding')} about what {host.platform.title} provides left out{how}",)


def _cleaned(finding: Finding, anonymiser: Anonymiser) -> Finding:
    """A finding that may be shown; SQL that lost a literal is to be read, and not to be run as it stands."""
    why, fix = anonymiser.text(finding.why), anonymiser.sql(finding.fix)
    if fix != finding.fix:
        lines = ("a literal of this is not shown: look it up before you run it", *fix.split("\n"))
        fix = "\n".join(f"-- {line}" for line in lines)
    return replace(finding, why=why, fix=fix) if (why, fix) != (finding.why, finding.fix) else finding


def analyze_with_orphans(
    address: Address, exactness: Exactness, config: Config, on_progress: Progress = no_progress
) -> Analysis:
    """The analysis, and the rows that refer to nothing, all at the same moment."""

    def attempt(number: int) -> Analysis:
        with (
            closing(connect(address)) as fresh,
            reading(address, relations_to_lock(number)) as session,
            one_moment(session, aside=False, fresh=fresh),
        ):
            catalog = catalog_at(session, exactness, on_progress, vitals=True, attributes=False, fresh=fresh)
            analysis = analyze_catalog(catalog, config)
            keys = (*analysis.graph.all_keys, *analysis.graph.leaving)
            found = orphans.find_orphans(session, keys, lambda *at: on_progress("looking for orphans", *at))
        return replace(analysis, orphans=found)

    return retry_if_disturbed(attempt, on_progress)


def as_selection(config: Config) -> selection.Selection:
    """The configuration's selection, as the catalog understands it."""
    wanted = config.selection
    return selection.Selection(wanted.schemas, wanted.tables, wanted.exclude, provided_of(config))


def refuse_nothing(selected: selection.Selected) -> None:
    catalog = selected.catalog
    if catalog.tables:
        return
    if selected.left_out:
        raise SelectionError(
            "the selection leaves no table", do="; ".join(map(str, selected.left_out)) + " left out"
        )
    raise SelectionError(
        f"{catalog.server.address} has no table that is not the system's or an extension's",
        do=f"check the database's name, and what the role {catalog.server.role} may see",
    )
