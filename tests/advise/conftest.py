"""Roles as an API has them, and databases for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from migplan.advise import Advice
from migplan.postgres.address import Address
from tests.advise.advising import advice_of
from tests.servers import Server

ROLES = {
    "api_anon": "",
    "api_user": "",
    "api_service": "BYPASSRLS",
    "api_staff": "",
    "api_owner": "",
}
"""The roles under the names that scripts have for them; on the server each has a prefix of its own."""

AUTH = """
    CREATE SCHEMA auth;
    CREATE TABLE auth.users (id uuid PRIMARY KEY, email text UNIQUE, raw_user_meta_data jsonb);
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE SET search_path = ''
        AS $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE SET search_path = ''
        AS $$ SELECT current_setting('request.jwt.claims', true)::jsonb $$;
"""
"""What Supabase's platform has of its own, as far as rules look at it."""


@dataclass
class Api:
    """A server with the roles of an API, and what it is to be asked."""

    server: Server
    prefix: str = f"migplan_test_{os.getpid()}_"
    made: list[str] = field(default_factory=list)

    def own(self, text: str) -> str:
        """A script with the roles' own names."""
        return text.replace("api_", self.prefix)

    def bare(self, text: str) -> str:
        """What was said, with the roles' names as the scripts have them."""
        return text.replace(self.prefix, "api_")

    def database(self, script: str) -> Address:
        """A database with what the script makes in it."""
        self.made.append(self.server.create_database(self.own(script)))
        return self.server.address(self.made[-1])

    def ask(self, address: Address, **settings: Any) -> Advice:
        """The advice for an API that exposes public to two roles, unless other settings are given."""
        given: dict[str, Any] = {
            "exposed_schemas": ("public",),
            "api_roles": ("api_anon", "api_user"),
            **settings,
        }
        roles = tuple(map(self.own, given.pop("api_roles")))
        return advice_of(address, api_roles=roles, **given)

    @contextmanager
    def session(self, address: Address) -> Iterator[psycopg.Connection]:
        """A superuser's connection to one of the databases."""
        with self.server.connect(dbname=address.params["dbname"]) as connection:
            yield connection

    def fix(self, address: Address, advice: Advice, code: str) -> None:
        """Run what the findings of a rule propose."""
        with self.session(address) as connection:
            for finding in advice.findings:
                if finding.code == code:
                    assert finding.fix, f"{finding.what} has no SQL"
                    connection.execute(finding.fix.encode())

    def whys(self, advice: Advice, code: str) -> dict[str, str]:
        """Why a rule fired, by object."""
        return {f.what: self.bare(f.why) for f in advice.findings if f.code == code}


@pytest.fixture
def api(newest: Server) -> Iterator[Api]:
    yield from _api(newest)


@pytest.fixture
def every_api(server: Server) -> Iterator[Api]:
    """The same, on each version."""
    yield from _api(server)


def _api(server: Server) -> Iterator[Api]:
    api = Api(server)
    names = {role: sql.Identifier(api.own(role)) for role in ROLES}
    with server.connect() as connection:
        for role, options in ROLES.items():
            connection.execute(sql.SQL("CREATE ROLE {} {}").format(names[role], sql.SQL(options)))
    try:
        yield api
    finally:
        for name in api.made:
            server.drop_database(name)
        with server.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.SQL(", ").join(names.values())))
