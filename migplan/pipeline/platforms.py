"""The managed hosts from which a database comes and to which it goes: said by people, or recognised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migplan import platforms
from migplan.catalog.model import Catalog, Table
from migplan.catalog.provided import Provided
from migplan.config import Config, Platform, ProvidedSection
from migplan.errors import PlanError, RefusedError, SelectionError
from migplan.names import Pattern, part_matches, quoted
from migplan.text.wording import counted, listed

_PLAIN = Platform(title="a plain server")
_PAGE = 8192


@dataclass(frozen=True, slots=True)
class Host:
    """A managed host, and how it is known."""

    name: str  # 'none' for a plain server
    platform: Platform
    signs: tuple[str, ...] = ()  # by which it was recognised; none where somebody said it

    @property
    def is_plain(self) -> bool:
        """Whether it is a server that provides nothing."""
        return self.name == platforms.NONE

    @property
    def provided(self) -> Provided:
        """What a database has there from the start."""
        return Provided.of(self.platform.provided).as_preset()


def target_host(config: Config) -> Host | None:
    """The host to which it goes, as people say it: ``--platform``, ``platform:``, or that of every target.

    None where nobody says anything. Raise SelectionError where targets are on several hosts.
    """
    said = [config.platform] if config.platform else [each.platform for each in config.targets.values()]
    hosts = {host.name: host for host in (host_named(config, name) for name in said if name)}
    if len(hosts) > 1:
        raise SelectionError(
            f"the targets of migplan.yaml are on several platforms: {', '.join(sorted(hosts))}",
            do="say which one a bundle is for: --platform NAME",
        )
    return next(iter(hosts.values()), None)


def host_of_target(config: Config, target: str | None) -> Platform | None:
    """The managed host of a target of migplan.yaml, if anything is said of it; None for any other address."""
    found = config.targets.get(target or "")
    name = (found.platform or config.platform) if found else None
    return host_named(config, name).platform if name else None


def source_host(config: Config, catalog: Catalog) -> Host | None:
    """The host from which it comes: what ``source`` in migplan.yaml says, else by its signs."""
    if config.source and config.source.platform:
        return host_named(config, config.source.platform)
    every = platforms.known(config.platforms)
    signs = catalog.signs
    found = platforms.recognise(every, signs.schemas, signs.roles, signs.settings)
    return Host(found[0], every[found[0]], found[1]) if found else None


def host_named(config: Config, name: str) -> Host:
    """The host of a name, an alias resolved; raise SelectionError for a name that is none."""
    every = platforms.known(config.platforms)
    found = platforms.find(name, every)
    return Host(found, every[found]) if found else Host(platforms.NONE, _PLAIN)


def provided_of(config: Config) -> Provided:
    """What the target brings: what people say, and what its platform does."""
    host = target_host(config)
    said = Provided.of(config.provided)
    return said | host.provided if host else said


def platform_of(config: Config) -> str | None:
    """The name of the host to which it goes; None where nobody says anything."""
    host = target_host(config)
    return host.name if host else None


def for_platform(config: Config, planned: str | None) -> Config:
    """The configuration for what was planned for a host; PlanError if it says another one."""
    said = platform_of(config)
    if planned is None or said == planned:
        return config
    if said is not None:
        raise PlanError(
            f"the plan is made for platform {planned}, and this is for {said}",
            do=f"plan again with: migplan plan --platform {said}",
        )
    return config.model_copy(update={"platform": host_named(config, planned).name})


def settled(config: Config, catalog: Catalog) -> Config:
    """The configuration, with what is left behind where a database comes from a host and goes to another.

    Where nothing is selected, schemas of the host's own stay; the one in which its extensions are goes along.
    Raise RefusedError if nobody says where it goes: rows of these schemas (accounts, secrets) are nobody's to
    take who has not named them. Raise SelectionError for a table that is named without its schema, and means
    one of the host's, too.
    """
    host, target = source_host(config, catalog), target_host(config)
    if host is None or host.is_plain or (target and target.name == host.name):
        return config
    theirs = [] if config.selection.schemas or config.selection.tables else _schemas_of(host, config, catalog)
    own = [schema.name for schema in catalog.schemas if schema.name not in theirs]
    if config.selection.tables and not config.selection.schemas:
        _refuse_ambiguous(config, catalog, host)
    if theirs and target is None:
        raise _unsaid(host, theirs, own)
    if target is None:
        return config
    changes: dict[str, object] = {"provided": config.provided | _only_there(host.platform, catalog)}
    if theirs:
        along = [name for name in theirs if name == host.platform.extensions_in]
        schemas = tuple(map(_as_pattern, sorted([*own, *along])))
        changes["selection"] = config.selection.model_copy(update={"schemas": schemas})
    return config.model_copy(update=changes)


def _schemas_of(host: Host, config: Config, catalog: Catalog) -> list[str]:
    """The schemas of a database that are its host's own, and that people do not call provided anyhow."""
    said = Provided.of(config.provided)
    return [
        schema.name
        for schema in catalog.schemas
        if host.provided.schema(schema.name) and not said.schema(schema.name)
    ]


def _only_there(platform: Platform, catalog: Catalog) -> ProvidedSection:
    """What makes sense on one host alone, beside schemas: event triggers, functions, extensions."""
    named = [text for text in platform.provided.objects if text not in platform.publications]
    single = [text for text in named if len(Pattern(text).pieces) == 1]
    within = [Pattern(text) for text in named if len(Pattern(text).pieces) == 2]
    functions = (function.name for function in catalog.functions)
    return ProvidedSection(
        objects=(
            *(name for name in catalog.signs.others if any(part_matches(text, name) for text in single)),
            *dict.fromkeys(str(each) for each in functions if any(p.matches(each) for p in within)),
        ),
        extensions=tuple(each.name for each in catalog.extensions if each.name in platform.only_there),
    )


def _refuse_ambiguous(config: Config, catalog: Catalog, host: Host) -> None:
    for text in config.selection.tables:
        pattern = Pattern(text)
        meant = [table.name for table in catalog.tables if pattern.matches(table.name)]
        theirs = [str(name) for name in meant if host.provided.relation(name)]
        if theirs and len(pattern.pieces) == 1:
            raise SelectionError(
                f"{text!r} means {listed(theirs)}, too, which {host.platform.title} provides",
                do=f"name the schema as well: public.{text}; or {theirs[0]}, if you want to take that",
            )


def _unsaid(host: Host, theirs: Sequence[str], own: Sequence[str]) -> RefusedError:
    named = " ".join(f"--schema {quoted(name)}" for name in own[:3])
    return RefusedError(
        f"this looks like {host.platform.title} ({', '.join(host.signs)}), and nobody said where it goes: "
        f"{counted(len(theirs), 'schema')} of its own ({listed(map(quoted, theirs), 6)}), with the accounts "
        "and secrets in them, would be taken along; nothing was written",
        do=f"--platform {host.name} if the target is one, too; if it is not, --platform none or another one, "
        "and they stay"
        + (f"; or name what to take: {named}" if named else "")
        + ". platform: in migplan.yaml says it once for all",
    )


def _as_pattern(name: str) -> str:
    """The pattern that means a schema and no other."""
    plain = name.replace("_", "").isalnum()
    return name if plain else '"' + name.replace('"', '""') + '"'


def what_stays(config: Config, catalog: Catalog, selected: Catalog) -> tuple[str, ...]:
    """What people have in the source's platform, and what does not go along: a sentence each."""
    host = source_host(config, catalog) or target_host(config)
    if host is None:
        return ()
    found = []
    installed = {extension.name for extension in catalog.extensions}
    for each in host.platform.left_behind:
        patterns = [Pattern(text) for text in each.tables]
        names = [
            str(table.name)
            for table in catalog.tables
            if _has_rows(table) and table.name not in selected.by_name
            if any(pattern.matches(table.name) for pattern in patterns)
        ]
        if names:
            found.append(f"the rows of {listed(names, 6)} stay: {each.say}")
        elif each.extension in installed:
            found.append(f"the rows that extension {quoted(each.extension)} keeps stay: {each.say}")
    return tuple(found)


def _has_rows(table: Table) -> bool:
    """Whether a table has rows; where nobody has counted, by its size: TOAST of an empty one has a page."""
    return table.rows > 0 if table.rows is not None else (table.table_bytes or 0) > _PAGE


def rows_together(config: Config, catalog: Catalog) -> tuple[tuple[str, ...], ...]:
    """The tables of the source's platform whose rows belong together: accounts, and how they sign in."""
    host = source_host(config, catalog) or target_host(config)
    found = []
    for each in host.platform.left_behind if host else ():
        patterns = [Pattern(text) for text in each.tables]
        names = [table.name for table in catalog.tables if any(one.matches(table.name) for one in patterns)]
        if len(names) > 1:
            found.append(tuple(map(str, names)))
    return tuple(found)


def looked_at(config: Config, catalog: Catalog) -> Host | None:
    """The host of a database that is only looked at: what is said of it or of the target, else its signs."""
    said = config.platform or (config.source.platform if config.source else None)
    return host_named(config, said) if said else source_host(config, catalog)


def hint(config: Config, catalog: Catalog) -> str:
    """What to say of a host that was recognised, and that nobody has spoken of; empty where there is none."""
    host = source_host(config, catalog)
    if host is None or host.is_plain or not host.signs or target_host(config) is not None:
        return ""
    return (
        f"This looks like {host.platform.title} ({', '.join(host.signs)}): what it provides is not yours to "
        f"move. Say --platform {host.name}, or platform: {host.name} in migplan.yaml, where the target is "
        f"one, too; where it is not, another platform, or none"
    )


def refuse_unknown(config: Config) -> None:
    """Raise SelectionError if the configuration names a platform that is none."""
    for name in _names(config):
        host_named(config, name)


def _names(config: Config) -> Iterable[str]:
    every = [config.platform, *(each.platform for each in (config.source, *config.targets.values()) if each)]
    return [name for name in every if name]
