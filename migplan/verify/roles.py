"""The roles that a bundle brings: whether they are there, their attributes and memberships."""

from migplan.bundle.manifest import NeededRole
from migplan.bundle.schema.role_file import differences, is_member
from migplan.catalog.roles import PREDEFINED, PRIVILEGED, Roles, read_roles
from migplan.text.wording import listed
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference, Tally

_MAY_GIVE = "SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"


def compared(expectation: Expectation, target: Moment) -> tuple[Check, tuple[str, ...]]:
    """Compare the roles.

    What only some may give, such as CREATEDB, or a place in pg_read_all_data, is a difference to a superuser;
    to anybody else it is a note, for whoever applied the bundle may not have been able to give it.
    """
    manifest = expectation.manifest
    tally, notes = Tally(), []
    if not manifest.made_roles:
        return tally.check("Roles"), ()
    there = read_roles(target.session, (role.name for role in manifest.made_roles))
    ((gives_all,),) = target.session.ask(_MAY_GIVE, during="asking who we are")
    for role in manifest.made_roles:
        wrong, lacking = _differences(role, there, gives_all=gives_all)
        notes += [f"{role.name} ({', '.join(lacking)})"] if lacking else []
        _count(tally, f"role {role.name}", wrong)
    for each in manifest.memberships:
        if each.member not in there.by_name:
            continue  # which was said
        said = "" if is_member(each, there) else f"is no member of {each.of}"
        if said and each.of.startswith(PREDEFINED) and not gives_all:
            notes.append(f"{each.member} ({said})")
            said = ""
        _count(tally, f"role {each.member}", [said] if said else [])
    note = f"roles that lack what they have in the source, and only some may give: {listed(notes, 5)}"
    return tally.check("Roles"), ((note,) if notes else ())


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
