"""From a folder of hand-written migrations to what is to be said of it: order, risks, what it lacks."""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from migplan.config import Config, Platform
from migplan.errors import SelectionError
from migplan.level import Level
from migplan.migrations.analysis import Analysis, analysis_of
from migplan.migrations.folder import read
from migplan.migrations.levels import ORDER_LEVELS
from migplan.migrations.lint import RULES
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.text.wording import CODE, did_you_mean

_SIZES = """
    SELECT nspname, relname, pg_catalog.pg_total_relation_size(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'm') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
"""
_PATH = """
    SELECT pg_catalog.current_setting('search_path'), user::text,
           EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = user)
"""


def analyze_folder(
    path: Path,
    config: Config,
    target: Address | None = None,
    platform: Platform | None = None,
    *,
    weighed: bool = False,
) -> Analysis:
    """What stands in a folder; names without a schema mean what they mean in the target.

    ``platform`` is the managed host of the target: what that does not allow is a risk. If ``weighed``, the
    risks are weighed by the size of the target's tables.
    """
    sizes = _sizes(target) if weighed and target is not None else None
    names = _search_path(target) if target is not None else ("public",)
    _refuse_unknown(config.lint)
    levels = {code: "off" if said == "off" else Level(said) for code, said in config.lint.items()}
    return analysis_of(read(path), sizes=sizes, levels=levels, platform=platform, path=names)  # type: ignore[arg-type]  # 'off' is one, too


def _refuse_unknown(codes: Iterable[str]) -> None:
    known = [*(rule.CODE for rule in RULES), *ORDER_LEVELS]
    for code in codes:
        if code not in known:
            raise SelectionError(
                f"lint in migplan.yaml speaks of {code}, and no rule has that code",
                do=did_you_mean(code, known, f"there are: {', '.join(known)}", CODE),
            )


def _search_path(address: Address) -> tuple[str, ...]:
    """The schemas in which a database looks for names, whether they are there yet or not."""
    ((said, user, is_schema),) = _asked(address, _PATH, "reading the search path")
    every = [user if part == "$user" and is_schema else part for part in _parts_of_path(said)]
    return tuple(part for part in every if part and not part.startswith(("$", "pg_"))) or ("public",)


def _parts_of_path(said: str) -> Iterator[str]:
    """The names of a setting's list, without their quotes."""
    for quoted_, plain in re.findall(r'"((?:[^"]|"")*)"|([^\s,"]+)', said):
        yield quoted_.replace('""', '"') or plain


def _sizes(address: Address) -> dict[str, int]:
    rows = _asked(address, _SIZES, "reading the sizes of tables")
    return {str(QualifiedName(schema, name)): size for schema, name, size in rows}


def _asked(address: Address, question: str, during: str) -> list[tuple[Any, ...]]:
    from migplan.postgres.session import connect  # noqa: PLC0415 - most are looked at without a database

    with closing(connect(address)) as session:
        return session.ask(question, during=during)
