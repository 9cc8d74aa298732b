"""MP308: columns that hold secrets or identify people, in rows that an API gives to everybody.

### What fires

A table in an exposed schema with columns whose names say that they hold something secret or personal, that
a role of the API may SELECT (USAGE on the schema; SELECT on all of the table, or on that column), and whose
rows nothing holds back from it: row-level security is off, or a permissive policy for SELECT or ALL that is
always true (see MP304) holds for the role, with no restrictive one beside it. One finding a table.

A name counts when its last words, in whatever spelling (`apiKey`, `api-key`, `API_KEY`), are one of:
passwords (`password`, `passwd`, `pwd`, `passphrase`, `password_hash`, `pin_code`), secrets and keys
(`secret`, `secret_key`, `private_key`, `api_key`, `apikey`, `auth_key`, `encryption_key`, `ssh_key`,
`pgp_key`, `gpg_key`, `license_key`, `activation_key`, `session_key`), tokens (`token`, `jwt`,
`session_id`), codes (`otp`, `auth_code`, `recovery_code`, `backup_code`, `verification_code`, `2fa_code`,
`two_factor`), numbers of persons (`ssn`, `social_security`, `social_security_number`, `passport_number`,
`passport_id`, `national_id`, `tax_id`, `driver_license`, `drivers_license`, `license_number`,
`insurance_number`), money (`credit_card`, `card_number`, `cvv`, `cvc`, `cvn`, `iban`, `bank_account`,
`account_number`, `routing_number`), health (`health_record`, `medical_record`, `patient_id`,
`health_insurance`, `medical_insurance`), devices (`imei`, `mac_address`, `macaddr`, `device_uuid`).

What does not: columns of type boolean, date, time or interval, or arrays of them (`has_password`,
`password_changed`); names in which such a word does not come last (`token_count`, `password_changed_by`);
columns that the role has no SELECT on; tables whose policies look at the row; roles that bypass row-level
security. Names are all that is looked at, and only of tables: views do not fire.

### Why

Row-level security guards rows, not columns; here nothing guards either.

### How to fix it

Turn row-level security on and write policies, or leave these columns out of what the API's roles may read.
The SQL does the latter: it takes SELECT away and grants it on the other columns.

### Compared with splinter (0023)

- splinter looks only at tables without row-level security; here one with a policy that is true of every row
  counts as well.
- splinter takes whole names (`password`); here `reset_password` and `stripeApiKey` fire, too.
- splinter does not look at the type of a column, nor at privileges on columns.
- `treatment`, `certificate`, `bic`, `swift_code` and `facial_recognition` fire only there: the first two
  name harmless things as often, a bank's code is public, and the last is a setting more often than a
  picture.
- splinter leaves partitioned tables out.
"""

import re
from collections.abc import Iterable, Iterator

from migplan.advise.context import Context, grantees
from migplan.advise.expressions import UnreadableError, always_true
from migplan.advise.finding import Blind, Finding, Need, Rule
from migplan.catalog.model import Column, Policy, Table
from migplan.level import Level
from migplan.names import quoted, quoted_list

RULE = Rule("MP308", "exposed columns with secrets", Level.ERROR, (Need.SCHEMAS, Need.ROLES))

_NAMES = frozenset(
    """
    password passwd pwd passphrase password_hash pin_code
    secret secret_key private_key api_key apikey auth_key encryption_key ssh_key pgp_key gpg_key
    license_key activation_key session_key
    token jwt session_id otp auth_code recovery_code backup_code verification_code 2fa_code two_factor
    ssn social_security social_security_number passport_number passport_id national_id tax_id
    driver_license drivers_license license_number insurance_number
    credit_card card_number cvv cvc cvn iban bank_account account_number routing_number
    health_record medical_record patient_id health_insurance medical_insurance
    imei mac_address macaddr device_uuid
    """.split()  # noqa: SIM905 - sixty names are read more easily like this
)
_HARMLESS = re.compile(r"(boolean|date|time|timestamp|interval)\b")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_sensitive(column: Column) -> bool:
    """Whether its name says so, and its type does not say otherwise."""
    words = re.split(r"[^a-z0-9]+", _HUMP.sub("_", column.name).lower())
    endings = {"_".join(words[start:]) for start in range(len(words))}
    return not endings.isdisjoint(_NAMES) and not _HARMLESS.match(column.type)


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each table."""
    for table in context.catalog.tables:
        sensitive = [column.name for column in table.columns if is_sensitive(column)]
        if not sensitive or table.name.schema not in context.exposed:
            continue
        try:
            roles = [role for role in context.api_roles if _sees_every_row(context, role, table)]
        except UnreadableError as error:
            yield RULE.blind(table.name, f"a policy cannot be judged; {error}")
            continue
        can = {
            column: who
            for column in sensitive
            if (who := [role for role in roles if _reads(context, role, table, column)])
        }
        if can:
            who = sorted({role for each in can.values() for role in each})
            yield RULE.finding(
                table,
                f"{quoted_list(who)} may read {quoted_list(can)} of every row",
                _fix(context, table, who, set(can)),
            )


def _reads(context: Context, role: str, table: Table, column: str) -> bool:
    reached = context.reached_by(table, "SELECT", roles=[role])
    return bool(reached) and context.privileges.may(role, "SELECT", table, column)


def _sees_every_row(context: Context, role: str, table: Table) -> bool:
    if context.bypasses(role):
        return False
    if not table.row_security or context.is_above_policies(role, table):
        return True
    held = [p for p in table.policies if p.command in {"SELECT", "ALL"} and context.holds_for(p, role)]
    return any(p.permissive and always_true(p.using) for p in held) and not any(map(_holds_back, held))


def _holds_back(policy: Policy) -> bool:
    return not policy.permissive and not always_true(policy.using)


def _fix(context: Context, table: Table, roles: Iterable[str], sensitive: set[str]) -> str:
    """SELECT taken away, and given again on what each grantee has and is not sensitive."""
    found = context.privileges.revocable(roles, ["SELECT"], table)
    if not found:
        return ""
    lines = [f"REVOKE SELECT ON {table.name} FROM {grantees(found)};"]
    for grantee in found:
        rest = [
            quoted(column.name)
            for column in table.columns
            if column.name not in sensitive
            and grantee in context.privileges.holders("SELECT", table, column.name)
        ]
        if rest:
            lines.append(f"GRANT SELECT ({', '.join(rest)}) ON {table.name} TO {grantees([grantee])};")
    return "\n".join(lines)
