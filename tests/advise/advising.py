"""Advice about real databases, for the tests of the rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import psycopg

from migplan.advise import Advice, Finding, advise
from migplan.catalog.model import Catalog
from migplan.catalog.read import read
from migplan.catalog.read_vitals import read_vitals
from migplan.config import AdviseSection
from migplan.graph import build
from migplan.postgres.address import Address
from migplan.postgres.session import reading


def seen_at(address: Address) -> Catalog:
    """The catalog with its vitals."""
    with reading(address) as connection:
        catalog = read(connection)
        return replace(catalog, vitals=read_vitals(connection, catalog))


def advice_of(address: Address, *, since: str | None = None, **settings: object) -> Advice:
    """The advice about a database; ``since`` is when its statistics are to have begun."""
    catalog = seen_at(address)
    if since is not None and catalog.vitals:
        catalog = replace(catalog, vitals=replace(catalog.vitals, statistics_since=since))
    return advise(catalog, build(catalog), AdviseSection(**settings))


def found(advice: Advice, code: str) -> list[str]:
    """The objects of a rule's findings."""
    return sorted(finding.what for finding in advice.findings if finding.code == code)


def blind(advice: Advice, code: str) -> dict[str, str]:
    """What a rule could not judge, and why."""
    return {each.what: each.why for each in advice.blind if each.code == code}


def fix(connection: psycopg.Connection, findings: Iterable[Finding]) -> None:
    """Run what the findings propose, statement by statement, as ``migplan advise --format sql`` is read."""
    for finding in findings:
        for statement in finding.fix.splitlines():
            connection.execute(statement.encode())
