"""Stand-ins, on a scratch server, for functions of extensions that it lacks, so that what calls them can run.

They have the names, arguments and types of the real ones, and give values of the right form: no secret is
kept by them, and nothing is sent. Extensions whose types, operators or index methods matter have none.
"""

from collections.abc import Mapping

from migplan.names import quoted

_SCHEMA = "@schema@"
_UUID = "pg_catalog.gen_random_uuid()"
_DIGITS = f"pg_catalog.replace({_UUID}::text, '-', '')"
_HASHED = "pg_catalog.md5(pg_catalog.concat({}))"


def _function(name: str, arguments: str, returns: str, body: str, how: str = "VOLATILE") -> str:
    schema = "" if "." in name else _SCHEMA
    head = f"CREATE OR REPLACE FUNCTION {schema}{name}({arguments}) RETURNS {returns}"
    return f"{head} LANGUAGE sql {how} AS $$SELECT {body}$$;"


def _functions(*found: tuple[str, ...]) -> str:
    return "\n".join(_function(*each) for each in found)


_PGCRYPTO = _functions(
    ("gen_random_uuid", "", "uuid", _UUID),
    (
        "gen_random_bytes",
        "integer",
        "bytea",
        f"pg_catalog.substr(pg_catalog.decode(pg_catalog.repeat({_DIGITS}, 64), 'hex'), 1, $1)",
    ),
    ("gen_salt", "text", "text", f"'$2a$06$' || pg_catalog.substr({_UUID}::text, 1, 22)"),
    ("gen_salt", "text, integer", "text", f"'$2a$06$' || pg_catalog.substr({_UUID}::text, 1, 22)"),
    ("crypt", "text, text", "text", _HASHED.format("$1, $2"), "IMMUTABLE STRICT"),
    (
        "digest",
        "text, text",
        "bytea",
        "pg_catalog.sha256(pg_catalog.convert_to($1, 'UTF8'))",
        "IMMUTABLE STRICT",
    ),
    ("digest", "bytea, text", "bytea", "pg_catalog.sha256($1)", "IMMUTABLE STRICT"),
    (
        "hmac",
        "text, text, text",
        "bytea",
        "pg_catalog.sha256(pg_catalog.convert_to($1 || $2, 'UTF8'))",
        "IMMUTABLE STRICT",
    ),
    ("hmac", "bytea, bytea, text", "bytea", "pg_catalog.sha256($1 || $2)", "IMMUTABLE STRICT"),
    ("encrypt", "bytea, bytea, text", "bytea", "$1", "IMMUTABLE STRICT"),
    ("decrypt", "bytea, bytea, text", "bytea", "$1", "IMMUTABLE STRICT"),
    ("pgp_sym_encrypt", "text, text", "bytea", "pg_catalog.convert_to($1, 'UTF8')", "STRICT"),
    ("pgp_sym_encrypt", "text, text, text", "bytea", "pg_catalog.convert_to($1, 'UTF8')", "STRICT"),
    ("pgp_sym_decrypt", "bytea, text", "text", "pg_catalog.convert_from($1, 'UTF8')", "IMMUTABLE STRICT"),
    (
        "pgp_sym_decrypt",
        "bytea, text, text",
        "text",
        "pg_catalog.convert_from($1, 'UTF8')",
        "IMMUTABLE STRICT",
    ),
)
_UUID_OSSP = _functions(
    *((f"uuid_generate_{version}", "", "uuid", _UUID) for version in ("v1", "v1mc", "v4")),
    *(
        (
            f"uuid_generate_{version}",
            "namespace uuid, name text",
            "uuid",
            f"{_HASHED.format('$1, $2')}::uuid",
            "IMMUTABLE STRICT",
        )
        for version in ("v3", "v5")
    ),
    ("uuid_nil", "", "uuid", "'00000000-0000-0000-0000-000000000000'::uuid", "IMMUTABLE"),
    *(
        (f"uuid_ns_{name}", "", "uuid", f"'6ba7b81{digit}-9dad-11d1-80b4-00c04fd430c8'::uuid", "IMMUTABLE")
        for name, digit in (("dns", 0), ("url", 1), ("oid", 2), ("x500", 4))
    ),
)
_MODDATETIME = (
    f"CREATE OR REPLACE FUNCTION {_SCHEMA}moddatetime() RETURNS trigger "
    "LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;"
)
_PGJWT = _functions(
    ("url_encode", "data bytea", "text", "pg_catalog.encode($1, 'base64')", "IMMUTABLE"),
    ("url_decode", "data text", "bytea", "pg_catalog.decode($1, 'base64')", "IMMUTABLE"),
    ("sign", "payload json, secret text, algorithm text DEFAULT 'HS256'", "text", "$1::text", "IMMUTABLE"),
)
_PG_CRON = """CREATE SCHEMA IF NOT EXISTS cron;
CREATE TABLE IF NOT EXISTS cron.job (jobid bigserial PRIMARY KEY, schedule text, command text,
    nodename text, nodeport integer, database text, username text, active boolean, jobname text);
CREATE TABLE IF NOT EXISTS cron.job_run_details (jobid bigint, runid bigserial PRIMARY KEY, job_pid integer,
    database text, username text, command text, status text, return_message text,
    start_time timestamptz, end_time timestamptz);
""" + _functions(
    ("cron.schedule", "schedule text, command text", "bigint", "1::bigint"),
    ("cron.schedule", "job_name text, schedule text, command text", "bigint", "1::bigint"),
    ("cron.unschedule", "job_id bigint", "boolean", "true"),
    ("cron.unschedule", "job_name text", "boolean", "true"),
)
_HEADERS = "headers jsonb DEFAULT '{}', timeout_milliseconds integer DEFAULT 5000"
_PG_NET = "CREATE SCHEMA IF NOT EXISTS net;\n" + _functions(
    ("net.http_get", f"url text, params jsonb DEFAULT '{{}}', {_HEADERS}", "bigint", "1::bigint"),
    (
        "net.http_post",
        f"url text, body jsonb DEFAULT '{{}}', params jsonb DEFAULT '{{}}', {_HEADERS}",
        "bigint",
        "1::bigint",
    ),
    ("net.http_delete", f"url text, params jsonb DEFAULT '{{}}', {_HEADERS}", "bigint", "1::bigint"),
)

_STUBS: Mapping[str, str] = {
    "pgcrypto": _PGCRYPTO,
    "uuid-ossp": _UUID_OSSP,
    "unaccent": _functions(("unaccent", "text", "text", "$1", "STABLE STRICT")),
    "moddatetime": _MODDATETIME,
    "pgjwt": _PGJWT,
    "pg_cron": _PG_CRON,
    "pg_net": _PG_NET,
    "pg_stat_statements": "",
    "pg_graphql": "",
    "plpgsql_check": "",
    "pgaudit": "",
}

STUBBED = frozenset(_STUBS)
"""The extensions that can have stand-ins."""


def stub(extension: str, schema: str = "") -> str:
    """Return the SQL that stands in for an extension of ``STUBBED``, in a schema or in the first of the path.

    It is empty where nothing of the extension is missed.
    """
    return _STUBS[extension].replace(_SCHEMA, f"{quoted(schema)}." if schema else "")
