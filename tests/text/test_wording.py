"""Which word was meant: slips of the hand, and nothing that only looks a little alike."""

import pytest

from migplan.text.wording import nearest


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("nots", "notes", "notes"),
        ("ntoes", "notes", "notes"),
        ("Notse", "notes", "notes"),
        ("nope", "notes hr.notes", ""),
        ("note", "nodes votes", ""),
        ("rset", "rest all", "rest"),
        ("ulr", "url", "url"),
        ("x", "t", ""),
        ("triger", "TABLE TRIGGER", "TRIGGER"),
        ("app_ownr", "app_owner app_user", "app_owner"),
        ("app_admin", "app_owner app_user", ""),
        ("orders", "holders borders", "borders"),
        ("ordres", "orders holders", "orders"),
        ("reservation", "guest_reservations guests", "guest_reservations"),
        ("staging", "scratch standing", ""),
        ("staging", "production testing", ""),
        ("prod", "production", ""),
        ("product", "production", "production"),
        ("costumers", "customers", "customers"),
        ("invoices", "indices", ""),
        ("public.ordrs", "public.orders public.order_lines", "public.orders"),
        ("auht.users", "auth.users public.users", "auth.users"),
        ("supabse", "supabase rds", "supabase"),
        ("aws", "azure rds", ""),
    ],
)
def test_the_word_that_was_meant(word: str, known: str, meant: str) -> None:
    assert nearest(word, known.split()) == meant
