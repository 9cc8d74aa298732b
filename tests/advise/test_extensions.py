"""Rules about extensions."""

from __future__ import annotations

from dataclasses import replace

from migplan.advise import advise
from migplan.catalog.vitals import Available
from migplan.config import AdviseSection
from migplan.graph import build
from tests.advise.advising import blind, found, seen_at
from tests.advise.conftest import Api


def test_extensions_among_the_database_s_own_objects(api: Api) -> None:
    address = api.database("""
        CREATE SCHEMA apart; CREATE SCHEMA shown;
        CREATE EXTENSION pg_trgm SCHEMA public;
        CREATE EXTENSION hstore SCHEMA shown;
        CREATE EXTENSION citext SCHEMA apart;
    """)
    advice = api.ask(address, exposed_schemas=("shown",))
    assert {f.what: f.level.value for f in advice.findings if f.code == "MP309"} == {
        "extension pg_trgm": "note",
        "extension hstore": "warning",
    }
    api.fix(address, advice, "MP309")
    assert found(api.ask(address, exposed_schemas=("shown",)), "MP309") == []


def test_extensions_out_of_date(api: Api) -> None:
    """An older version is installed on purpose; and where vitals were not read, that is said."""
    with api.server.connect() as connection:
        row = connection.execute(
            b"SELECT name, version FROM pg_available_extension_versions"
            b" JOIN pg_available_extensions USING (name)"
            b" WHERE name = 'hstore' AND version <> default_version ORDER BY version DESC"
        ).fetchone()
    assert row, "hstore comes with older versions of itself"
    address = api.database(f"CREATE EXTENSION hstore VERSION '{row[1]}'; CREATE EXTENSION citext")
    advice = api.ask(address)
    assert found(advice, "MP310") == ["extension hstore"]
    (finding,) = (f for f in advice.findings if f.code == "MP310")
    assert finding.observed
    assert f"at version {row[1]}" in finding.why
    api.fix(address, advice, "MP310")
    assert found(api.ask(address), "MP310") == []

    catalog = seen_at(address)
    assert "" in blind(advise(replace(catalog, vitals=None), build(catalog), AdviseSection()), "MP310")
    assert catalog.vitals
    gone = replace(catalog.vitals, available=(Available("citext", "99"),))
    late = advise(replace(catalog, vitals=gone), build(catalog), AdviseSection())
    assert found(late, "MP310") == ["extension citext"], (
        "files that the server lost are no version to update to"
    )
