"""What the target is to bring by itself: whether it does, as the bundle needs it, and with which rows."""

import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, LiteralString

from psycopg import sql

from migplan.bundle.data.referred import referred_values
from migplan.bundle.manifest import Manifest, ReferredKey
from migplan.bundle.schema.lacks import lacks
from migplan.bundle.verified import VerifiedBundle
from migplan.names import quoted_list
from migplan.postgres.scratch import NAME as SCRATCH
from migplan.run.preflight.existing import tables_there
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.text.wording import listed

_AT_ONCE = 10_000
_MOST = 1_000_000  # values of one key that are asked for, one by one
_SHOWN = 3


def provided(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """Yield what the target does not bring, each with what needs it."""

    def ask(question: LiteralString, values: Sequence[Any]) -> list[Any]:
        return target.ask("provided", question, values)

    for lack in lacks(manifest.provided, ask, stand_ins=target.address.name == SCRATCH):
        if lack.stops:
            yield stop("provided", str(lack), _way(lack.needed.kind))
        else:
            yield warn("provided", str(lack))


def _way(kind: str) -> str:
    if kind == "EXTENSION":
        return "have it installed there, or export without saying that it is provided"
    return "bring the target to the version of the source, or export without saying that it is provided"


def referred_rows(target: Target, bundle: VerifiedBundle) -> Iterator[Obstacle]:
    """Yield the rows of provided tables that rows of the bundle refer to, and that are not in the target."""
    referred = bundle.manifest.referred
    if not referred:
        return
    there = {each.name for each in tables_there(target, {each.table for each in referred}) if each.there}
    missing = dict.fromkeys(range(len(referred)), 0)
    samples: dict[int, list[str]] = {}
    # Whoever may not see every row is told so by the server, rather than shown fewer of them.
    target.session.execute("SET LOCAL row_security = off")
    with bundle.files.open(bundle.paths.keys.relative_to(bundle.paths.folder).as_posix()) as lines:
        for number, values in groupby(referred_values(lines), key=itemgetter(0)):
            key = referred[number]
            most = _MOST if key.table in there else 0  # that it is not there was said
            asked = islice((value for _, value in values), most)
            while batch := list(islice(asked, _AT_ONCE)):
                columns = [list(column) for column in zip(*batch, strict=True)]
                found = target.ask("provided", _question(key), columns)
                missing[number] += len(found)
                samples.setdefault(number, []).extend(", ".join(row) for row in found[:_SHOWN])
    target.session.execute("SET LOCAL row_security = on")
    for number, key in enumerate(referred):
        if missing[number]:
            yield _missing(key, missing[number], samples[number][:_SHOWN], bundle.name)


def _missing(key: ReferredKey, missing: int, samples: Sequence[str], bundle: str) -> Obstacle:
    names = [label.partition(":")[0] for label in key.keys]
    of = f"{key.values:,} rows of {key.table}" if key.values > 1 else f"1 row of {key.table}"
    are = "is not there" if missing == 1 else "are not there"
    rows = " ".join(f"--rows-of {shlex.quote(name)}" for name in (key.table, *key.together))
    folder = shlex.quote(f"migrations/{bundle}-rows")
    ours = dict.fromkeys(label.partition(": ")[2].partition(" (")[0] for label in key.keys)
    without = " ".join(f"--exclude {shlex.quote(name)}" for name in ours)
    return stop(
        "provided",
        f"rows of the bundle refer to {of} by {listed(names)}, and {missing:,} of them {are}: "
        f"{quoted_list(key.columns)} = {listed(samples, _SHOWN, by='; ')}"
        + (" and more" if missing > len(samples) else ""),
        f"take these along before:\n"
        f"       migplan export {rows}\n"
        f"       migplan rehearse {folder}\n"
        f"       migplan apply {folder} --target TARGET\n"
        "       or have them made there first; or leave out the tables that need them: "
        f"migplan export {without}",
    )


def _question(key: ReferredKey) -> sql.Composed:
    """Return the question for values that no row has; they come as text, and become what the columns are."""
    table = sql.Identifier(key.name.schema, key.name.name)
    places = range(len(key.columns))
    own = [sql.Identifier(f"c{place}") for place in places]
    return sql.SQL(
        "SELECT {own} FROM unnest({arrays}) w ({own}) CROSS JOIN LATERAL "
        "pg_catalog.jsonb_populate_record(NULL::{table}, "
        "pg_catalog.jsonb_object(ARRAY[{names}], ARRAY[{own}])) r "
        "WHERE NOT EXISTS (SELECT FROM {table} t WHERE {same})"
    ).format(
        own=sql.SQL(", ").join(own),
        arrays=sql.SQL(", ").join(sql.SQL("%s::text[]") for _ in places),
        table=table,
        names=sql.SQL(", ").join(sql.Literal(name) for name in key.columns),
        same=sql.SQL(" AND ").join(
            sql.SQL("t.{name} = r.{name}").format(name=sql.Identifier(name)) for name in key.columns
        ),
    )
