"""The presets of managed hosts: what they say, how they are recognised, and how people change them."""

from pathlib import Path

import pytest

from migplan import config, platforms
from migplan.catalog.provided import Provided
from migplan.errors import SelectionError, YamlError
from migplan.names import QualifiedName

KNOWN = platforms.known({})
SIGNS = {
    "supabase": (["auth", "storage", "public"], ["anon", "authenticated", "service_role"], []),
    "rds": (["public"], ["rds_superuser", "rdsadmin", "me"], []),
    "cloudsql": ([], ["cloudsqlsuperuser", "cloudsqladmin"], []),
    "azure": ([], [], ["azure.extensions"]),
    "neon": (["public"], ["neon_superuser", "cloud_admin"], ["neon.tenant_id"]),
    "heroku": (["heroku_ext"], [], []),
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_platform_is_recognised_by_its_signs(name: str) -> None:
    found = platforms.recognise(KNOWN, *SIGNS[name])
    assert found is not None
    assert found[0] == name
    assert all(sign.split()[0] in {"schema", "role", "setting"} for sign in found[1])


@pytest.mark.parametrize(
    ("schemas", "roles", "settings"),
    [
        (["public"], ["postgres"], []),
        (["auth", "storage"], ["app"], []),  # schemas of these names are people's own as well
        (["auth"], ["anon", "authenticated", "service_role"], []),
        (["public"], ["rds_superuser"], []),
    ],
)
def test_what_has_only_some_signs_is_not_recognised(
    schemas: list[str], roles: list[str], settings: list[str]
) -> None:
    assert platforms.recognise(KNOWN, schemas, roles, settings) is None


def test_every_preset_knows_its_signs_and_what_to_do_instead() -> None:
    for name, platform in KNOWN.items():
        assert platform.recognised, name
        assert platform.instead, name
        assert platform.connections, name
        assert not set(platform.allows) & set(platform.instead) - {"untrusted extensions"}, name


def test_names_lead_to_platforms() -> None:
    assert platforms.find("supabase", KNOWN) == "supabase"
    assert platforms.find("aurora", KNOWN) == "rds"
    assert platforms.find("none", KNOWN) is None
    with pytest.raises(SelectionError, match="no platform is called 'supabse'") as error:
        platforms.find("supabse", KNOWN)
    assert error.value.do.startswith("did you mean supabase?")


@pytest.mark.parametrize(
    ("host", "port", "mode", "instead"),
    [
        ("aws-0-eu-central-1.pooler.supabase.com", 6543, "transaction", "pooler.supabase.com:5432"),
        ("aws-0-eu-central-1.pooler.supabase.com", 5432, "session", ""),
        ("db.abcdefghijklmnopqrst.supabase.co", 6543, "transaction", "supabase.co:5432"),
        ("ep-cool-1-pooler.eu-central-1.aws.neon.tech", 5432, "transaction", "ep-cool-1.eu-central-1.aws"),
        ("x.proxy-abc.eu-west-1.rds.amazonaws.com", 5432, "transaction", "the endpoint of the instance"),
        ("shop.postgres.database.azure.com", 6432, "transaction", "shop.postgres.database.azure.com:5432"),
        ("ec2-1-2-3-4.compute-1.amazonaws.com", 5433, "transaction", "DATABASE_URL"),
    ],
)
def test_poolers_are_known_by_host_and_port(host: str, port: int, mode: str, instead: str) -> None:
    found = platforms.connection(KNOWN, host, port)
    assert found is not None
    assert found.mode == mode
    assert instead in found.instead(host, port)


def test_other_hosts_are_not() -> None:
    for host, port in (("localhost", 6432), ("shop.postgres.database.azure.com", 5432), ("", 5432)):
        assert platforms.connection(KNOWN, host, port) is None


OWN = """
platforms:
  supabase:
    provided:
      schemas: [auth, ours]
  in-house:
    title: Our own host
    recognised: [{schemas: [dba]}]
    provided: {schemas: [dba], roles: [dba_*]}
"""


def test_people_change_presets_and_add_their_own() -> None:
    every = platforms.known(config.loads(OWN, Path("migplan.yaml")).platforms)
    supabase = every["supabase"]
    assert supabase.provided.schemas == ("auth", "ours")
    assert supabase.provided.roles == KNOWN["supabase"].provided.roles
    assert supabase.title == "Supabase"
    assert supabase.recognised == KNOWN["supabase"].recognised
    assert platforms.recognise(every, ["dba"], [], []) == ("in-house", ("schema dba",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("platforms: {x: {recognised: [{}]}}", "a sign names schemas, roles or settings"),
        ("platforms: {x: {provded: {schemas: [a]}}}", "'provded' is not known here"),
        ("platforms: {x: {instead: {flying: no}}}", "platforms.x.instead.flying"),
        ("platforms: {x: {connections: [{host: a, mode: odd}]}}", "mode"),
        ("platforms: {A B: {}}", "platforms.A B"),
    ],
)
def test_what_people_write_is_checked(text: str, said: str) -> None:
    with pytest.raises(YamlError) as error:
        config.loads(text, Path("migplan.yaml"))
    assert said in str(error.value)


def test_what_supabase_provides_is_not_what_people_have() -> None:
    provided = Provided.of(KNOWN["supabase"].provided)
    assert provided.relation(QualifiedName("auth", "users"))
    assert provided.entry("PUBLICATION", "", "supabase_realtime")
    assert provided.entry("EVENT TRIGGER", "", "pgrst_ddl_watch")
    assert provided.extension("pgcrypto")
    assert not provided.extension("vector")
    assert provided.role("supabase_auth_admin")
    assert not provided.relation(QualifiedName("public", "profiles"))
    assert not provided.role("reporting")
