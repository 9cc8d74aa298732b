"""The roles that a bundle brings: whether they are there, their attributes and memberships."""

from typing import Any, LiteralString

from migplan.bundle.manifest import NeededRole
from migplan.bundle.schema.role_file import differences, is_member, unexpected
from migplan.catalog.roles import PREDEFINED, PRIVILEGED, Roles, read_roles
from migplan.text.wording import listed
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference, Tally

_MAY_GIVE = "SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"
_JOURNAL = """
SELECT coalesce(
    (SELECT pg_catalog.has_table_privilege(pg_catalog.to_regclass('migplan.run'), 'SELECT')), false)
"""
_MADE = """
SELECT coalesce(r.before -> 'made_roles', '[]') FROM migplan.run r
WHERE r.kind = 'apply' AND r.bundle = %s ORDER BY r.run DESC LIMIT 1
"""


_RAN = """
SELECT CASE WHEN r.who = session_user::text THEN current_user::text ELSE r.who END FROM migplan.run r
WHERE r.kind = 'apply' AND r.bundle = %s ORDER BY r.run DESC LIMIT 1
"""


def with_owners(expectation: Expectation, target: Moment) -> Expectation:
    """Return the expectation with the role that ran the bundle as the owner of what no file gives an owner.

    Where no journal tells which that was, one role owns all of these.
    """
    if not expectation.leaves_owners_open:
        return expectation
    found = _asked_of_journal(target, _RAN, expectation)
    there = target.catalog.by_name
    open_ones = (
        there[table.name].owner
        for table in expectation.catalog.tables
        if not table.owner and table.name in there
    )
    ran = found[0][0] if found else next(open_ones, target.catalog.server.role)
    return expectation.applied_by(ran)


def compared(expectation: Expectation, target: Moment) -> tuple[Check, tuple[str, ...]]:
    """Compare the roles.

    A role that was there before stays as it is, by the journal's word, and how it differs is a note. What
    only some may give, such as CREATEDB, or a place in pg_read_all_data, is a difference to a superuser; to
    anybody else it is a note, too, for whoever applied the bundle may not have been able to give it.
    """
    manifest = expectation.manifest
    tally = Tally()
    lacking: list[str] = []
    other: list[str] = []
    if not manifest.made_roles:
        return tally.check("Roles"), ()
    there = read_roles(target.session, (role.name for role in manifest.made_roles))
    ((gives_all,),) = target.session.ask(_MAY_GIVE, during="asking who we are")
    before = there.by_name.keys() - _made(expectation, target)
    for role in manifest.made_roles:
        wrong, lacks = _differences(role, there, gives_all=gives_all)
        if role.name in before and (wrong or lacks):
            other.append(f"{role.name} ({', '.join([*wrong, *lacks])})")
            wrong = lacks = []
        lacking += [f"{role.name} ({', '.join(lacks)})"] if lacks else []
        _count(tally, f"role {role.name}", wrong)
    for each in manifest.memberships:
        if each.member not in there.by_name:
            continue  # which was said
        said = "" if is_member(each, there) else f"is no member of {each.of}"
        if said and each.of.startswith(PREDEFINED) and not gives_all:
            lacking.append(f"{each.member} ({said})")
            said = ""
        more = unexpected(each, manifest.made_roles, there) if each.of in before else ()
        if said and (more or {each.of, each.member} <= before):
            other.append(f"{each.member} ({said})")
            said = ""
        _count(tally, f"role {each.member}", [said] if said else [])
    notes = {
        "roles that lack what they have in the source, and only some may give": lacking,
        "roles that were there before, stay as they were, and differ from the source's": other,
    }
    return tally.check("Roles"), tuple(
        f"{what}: {listed(found, 5)}" for what, found in notes.items() if found
    )


def _made(expectation: Expectation, target: Moment) -> set[str]:
    """Return the roles that a run made; where no journal tells, all of the bundle's."""
    every = {role.name for role in expectation.manifest.made_roles}
    found = _asked_of_journal(target, _MADE, expectation)
    return set(found[0][0]) if found else every


def _asked_of_journal(target: Moment, question: LiteralString, expectation: Expectation) -> list[Any]:
    """Return what the journal says of the bundle's last run; nothing where there is none to be read."""
    during = "reading the journal"
    if target.session.ask(_JOURNAL, during=during) != [(True,)]:
        return []
    return target.session.ask(question, [expectation.manifest.name], during=during)


def _count(tally: Tally, what: str, wrong: list[str]) -> None:
    tally.of += 1
    tally.right += not wrong
    if wrong:
        tally.differences.append(Difference(what, ", ".join(wrong)))


def _differences(role: NeededRole, there: Roles, *, gives_all: bool) -> tuple[list[str], list[str]]:
    """Return what is wrong with a role, and what it lacks that only some may give."""
    if role.name not in there.by_name:
        return ["missing"], []
    said = differences(role, there)
    lacking = [each for each in said if each.removeprefix("no ") in PRIVILEGED and not gives_all]
    return [each for each in said if each not in lacking], lacking
