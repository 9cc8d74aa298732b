"""The roles that a bundle brings: whether they are there, their attributes and memberships."""

from migplan.bundle.schema.role_file import differences, is_member
from migplan.catalog.roles import PRIVILEGED, read_roles
from migplan.text.wording import listed
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment
from migplan.verify.verification import Check, Difference, Tally


def compared(expectation: Expectation, target: Moment) -> tuple[Check, tuple[str, ...]]:
    """Compare the roles; what only some may give, such as CREATEDB, is said, and is no difference."""
    manifest = expectation.manifest
    there = read_roles(target.session, (role.name for role in manifest.made_roles))
    known = there.by_name
    tally, lacking = Tally(), []
    for role in manifest.made_roles:
        tally.of += 1
        if role.name not in known:
            tally.differences.append(Difference(f"role {role.name}", "missing"))
            continue
        said = differences(role, there)
        lacks = [each for each in said if each.removeprefix("no ") in PRIVILEGED]
        if lacks:
            lacking.append(f"{role.name} ({', '.join(lacks)})")
        if wrong := [each for each in said if each not in lacks]:
            tally.differences.append(Difference(f"role {role.name}", ", ".join(wrong)))
        else:
            tally.right += 1
    for each in manifest.memberships if manifest.made_roles else ():
        tally.of += 1
        if is_member(each, there):
            tally.right += 1
        elif each.member in known:
            tally.differences.append(Difference(f"role {each.member}", f"is no member of {each.of}"))
    note = f"roles without attributes that they have in the source: {listed(lacking, 5)}"
    return tally.check("Roles"), ((note,) if lacking else ())
