"""The extensions of the bundle: installed or available, in the version and schema that the files expect."""

from collections.abc import Iterator

from migplan.bundle.manifest import Manifest, NeededExtension
from migplan.config import Act
from migplan.names import quoted
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.text.wording import listed

_INSTALLED = """
SELECT e.extname::text, e.extversion, n.nspname::text, e.extrelocatable
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
"""
_AVAILABLE = """
SELECT a.name::text, a.default_version, v.superuser AND NOT v.trusted, v.schema::text,
       coalesce(v.requires::text[], '{}')
FROM pg_catalog.pg_available_extensions a
LEFT JOIN pg_catalog.pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
WHERE a.name = ANY (%s)
"""


_SCHEMAS = "SELECT n.nspname::text FROM pg_catalog.pg_namespace n"


def extensions(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """Yield what is wrong with each extension."""
    wanted = [extension.name for extension in manifest.extensions]
    if not wanted:
        return
    installed = {name: rest for name, *rest in target.ask("extensions", _INSTALLED)}
    available = {name: rest for name, *rest in target.ask("extensions", _AVAILABLE, [wanted])}
    made = {each.name for each in manifest.objects if each.kind == "SCHEMA"}
    schemas = made | {name for (name,) in target.ask("schemas", _SCHEMAS)}
    for extension in manifest.extensions:
        if extension.name in installed:
            yield from _installed(extension, *installed[extension.name])
        elif extension.name in available:
            version, superusers, fixed, requires = available[extension.name]
            yield from _available(target, extension, version, superusers)
            lacking = sorted({*requires} - installed.keys() - {*wanted})
            if not fixed:
                yield from _usual_place(target, extension)
            yield from _surroundings(extension, fixed, lacking, schemas)
        else:
            yield stop(
                "extensions",
                f"{extension.name} is neither installed nor available on the server",
                target.platform.instead.get(Act.UNTRUSTED_EXTENSIONS)
                or "have its package installed on the server, or use one that has it",
            )


def _usual_place(target: Target, extension: NeededExtension) -> Iterator[Obstacle]:
    """Yield a warning if an extension would not be where the host keeps all of them."""
    usual = target.platform.extensions_in
    if usual not in {"", extension.in_schema}:
        yield warn(
            "extensions",
            f"{target.platform.title} keeps extensions in schema {quoted(usual)}, and the files put "
            f"{extension.name} in {quoted(extension.in_schema)}",
            f"to have it there: ALTER EXTENSION {quoted(extension.name)} SET SCHEMA {quoted(usual)} in the "
            "source, and export again",
        )


def _surroundings(
    extension: NeededExtension, fixed: str | None, requires: list[str], schemas: set[str]
) -> Iterator[Obstacle]:
    """Yield what CREATE EXTENSION would miss: other extensions, its schema."""
    if requires:
        commands = "; ".join(f"CREATE EXTENSION {quoted(name)}" for name in requires)
        yield stop(
            "extensions",
            f"{extension.name} needs {listed(requires)} on this server, which the files do not bring",
            f"{commands}, before",
        )
    if fixed and fixed != extension.in_schema:
        yield stop(
            "extensions",
            f"{extension.name} can only be in schema {quoted(fixed)} there, and the files look for it in "
            f"{quoted(extension.in_schema)}",
            "use the version that the source has, or have it in that schema in the source, too",
        )
    elif schemas and extension.in_schema not in schemas:
        yield stop(
            "extensions",
            f"{extension.name} is to be in schema {quoted(extension.in_schema)}, which is not there, and "
            "which the files do not create",
            f"CREATE SCHEMA {quoted(extension.in_schema)}",
        )


def _installed(
    extension: NeededExtension, version: str, schema: str, relocatable: bool
) -> Iterator[Obstacle]:
    if version != extension.version:
        yield warn("extensions", *_other_version(extension, version))
    if schema != extension.in_schema:
        yield stop(
            "extensions",
            f"{extension.name} is installed in schema {quoted(schema)}, and the files look for it in "
            f"{quoted(extension.in_schema)}",
            f"ALTER EXTENSION {quoted(extension.name)} SET SCHEMA {quoted(extension.in_schema)}, if nothing "
            "there looks for it where it is"
            if relocatable
            else "it cannot be moved: have it in the same schema in the source, or use a database in which "
            f"it is not yet: CREATE EXTENSION {quoted(extension.name)} SCHEMA {quoted(extension.in_schema)}",
        )


def _available(
    target: Target, extension: NeededExtension, version: str, for_superusers: bool | None
) -> Iterator[Obstacle]:
    role, create = target.role, f"CREATE EXTENSION {quoted(extension.name)}"
    schema = f" SCHEMA {quoted(extension.in_schema)}"
    platform = target.platform
    if version != extension.version:
        yield warn("extensions", *_other_version(extension, version))
    if role.superuser:
        return
    otherwise = platform.instead.get(Act.UNTRUSTED_EXTENSIONS, "")
    by_the_host = role.hosted or Act.UNTRUSTED_EXTENSIONS in {*platform.allows, *platform.instead}
    if for_superusers is not False and not by_the_host:
        yield stop(
            "extensions",
            f"only a superuser may install {extension.name}",
            f"ask for it: {create}{schema}, in this database, by a superuser",
        )
    elif for_superusers is not False:
        yield warn(
            "extensions",
            f"only a superuser may install {extension.name}, unless this host allows it to {role.name}",
            f"try it before: {create}{schema}" + (f"; else {otherwise}" if otherwise else ""),
        )
    elif not target.may_create_schemas:
        yield stop(
            "extensions",
            f"{role.name} may not install {extension.name}: that needs CREATE on the database",
            f"GRANT CREATE ON DATABASE ... TO {quoted(role.name)}; or have it installed: {create}{schema}",
        )


def _other_version(extension: NeededExtension, version: str) -> tuple[str, str]:
    return (
        f"{extension.name} is {version} there, and {extension.version} in the source",
        f"if it matters: ALTER EXTENSION {quoted(extension.name)} UPDATE",
    )
