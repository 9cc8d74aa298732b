"""Policies in sentences, and triggers; what is not recognised is said to be so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migplan.catalog.model import Function, Policy, Trigger
from migplan.document.derive import policies, triggers
from migplan.names import QualifiedName
from tests.document.documenting import database, facts, table

TABLE = table(
    "t", "tenant_id uuid", "user_id uuid", "is_active boolean", "status text", "updated_at timestamptz"
)
TENANT = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"


def _purpose(using: str | None, **fields: object) -> str:
    made = {"name": "p", "command": "SELECT", "roles": ("PUBLIC",), "using": using, **fields}
    return policies.purpose(Policy(**made), TABLE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("using", "said"),
    [
        ("true", "Everyone may read every row."),
        ("false", "Everyone may read no row."),
        ("is_active", "Everyone may read rows with is_active."),
        ("(NOT is_active)", "Everyone may read rows without is_active."),
        (TENANT, "rows of their tenant, those whose tenant_id is the setting app.tenant_id."),
        ("(auth.uid() = user_id)", "whose user_id is the one who asks (auth.uid())."),
        ("(user_id = ( SELECT auth.uid() AS uid))", "their own rows"),
        ("(((auth.jwt() ->> 'org'::text))::uuid = tenant_id)", "the claim org of the token"),
        ("public.is_tenant_row(tenant_id)", "what public.is_tenant_row() looks for"),
        ("public.may_see(status)", "rows for which public.may_see() says yes of status"),
        ("(status = ANY (ARRAY['a'::text, 'b'::text]))", "rows whose status is a or b"),
        (f"({TENANT} AND is_active)", "app.tenant_id; of these only rows with is_active."),
        (
            "(tenant_id IN ( SELECT m.tenant_id FROM public.members m WHERE (m.user_id = auth.uid())))",
            "rows whose tenant_id is in public.members, as far as that names the one who asks.",
        ),
        (
            "(EXISTS ( SELECT FROM public.talks k WHERE (k.id = t.user_id)))",
            "rows that go with a row of public.talks, as far as they may read that.",
        ),
        ("(auth.role() = 'authenticated'::text)", "all, as long as they are signed in as authenticated."),
        ("(is_active OR (status = 'x'::text))", "rows with is_active, or rows whose status is x."),
        ("(is_active OR (1 < 2))", "rows that meet its condition, which is none of the usual ones."),
        ("(auth.uid() IS NOT NULL)", "may read all, as long as they are signed in."),
        ("(is_active AND (auth.uid() IS NOT NULL))", "with is_active, as long as they are signed in."),
        (
            "(is_active OR (current_setting('app.all'::text, true) = 'on'::text))",
            "rows with is_active, or all, as long as the setting app.all is on.",
        ),
        (f"({TENANT} OR (1 < 2))", "none of the usual ones"),
        ("(status = COALESCE(current_setting('a'::text), status))", "none of the usual ones"),
        ("(public.f(status) = public.g(status))", "none of the usual ones"),
        ("(status = ('x'::text || lower('Y'::text)))", "none of the usual ones"),
        ("((user_id IN ( SELECT m.id FROM m)) = (1 < 2))", "none of the usual ones"),
        (f"({TENANT} AND (length(status) > 3))", "none of the usual ones"),
        ("(status = 'a) OR (b'::text)", "rows whose status is a) OR (b."),
    ],
)
def test_a_condition_is_put_into_words(using: str, said: str) -> None:
    assert said in _purpose(using)


def test_roles_commands_and_checks_are_said() -> None:
    assert _purpose("true", roles=("anon", "web")) == "Role anon or web may read every row."
    assert _purpose(None, command="INSERT", check=TENANT).startswith("Everyone may add rows of their tenant")
    assert "What they leave must be rows with is_active." in _purpose(
        "true", command="ALL", check="is_active"
    )
    assert "What they leave must meet WITH CHECK." in _purpose("true", command="ALL", check="(1 < 2)")
    assert _purpose("is_active", permissive=False).startswith(
        "A limit on top of the other policies: everyone"
    )
    assert _purpose("true", comment="For all to see.") == "For all to see."


def test_a_policy_is_written_whole() -> None:
    policy = Policy("My Own", "ALL", ("PUBLIC", "we-b"), permissive=False, using=TENANT, check="is_active")
    assert policies.definition(policy, TABLE) == (
        'CREATE POLICY "My Own" ON public.t\n  AS RESTRICTIVE\n  FOR ALL\n  TO PUBLIC, "we-b"\n'
        f"  USING {TENANT}\n  WITH CHECK (is_active);"
    )


def test_a_choice_does_not_isolate() -> None:
    for condition, columns in (
        (f"({TENANT} AND is_active)", ("tenant_id",)),
        (f"({TENANT} OR is_active)", ()),
    ):
        found = replace(TABLE, policies=(Policy("p", "ALL", ("PUBLIC",), using=condition),))
        assert facts(database(found)).isolating(found) == columns


def _trigger(called: str, timing: str = "BEFORE", *events: str, **fields: object) -> Trigger:
    function = QualifiedName("public", called)
    return Trigger("t", function, "", timing, events or ("UPDATE",), "ROW", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        (_trigger("set_updated_at"), "Sets updated_at before each update, by its name."),
        (_trigger("set_updated_at", "AFTER", "DELETE"), "its name does not say what for."),
        (
            _trigger("audit_row", "AFTER", "INSERT", "DELETE"),
            "Writes down elsewhere what was done, after each",
        ),
        (_trigger("validate_stay", "BEFORE", "INSERT"), "Refuses or corrects rows"),
        (_trigger("count_things", "AFTER", "INSERT"), "Keeps a count up to date after each insert"),
        (_trigger("notify_staff", "AFTER", "INSERT"), "Tells others of it"),
        (
            _trigger("f", "AFTER", "INSERT"),
            "Calls public.f after each insert; its name does not say what for.",
        ),
        (_trigger("f", "AFTER", "INSERT", enabled="disabled"), "It is switched off."),
        (_trigger("f", comment="Does it"), "Does it."),
    ],
)
def test_a_trigger_is_put_into_words(trigger: Trigger, said: str) -> None:
    assert said in triggers.purpose(trigger, TABLE, facts(database(TABLE)))


def test_the_comment_of_a_function_speaks_for_its_triggers() -> None:
    function = Function(
        QualifiedName("public", "f"), "", "function", "trigger", "plpgsql", "x", comment="Trims it."
    )
    known = facts(replace(database(TABLE), functions=(function,)))
    assert triggers.purpose(_trigger("f"), TABLE, known) == "Trims it."
