"""Folders of hand-written migrations for tests, and questions to their targets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

Write = Callable[..., Path]


def asked(url: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode()).fetchall()


SHOP = {
    "_001_customers": "CREATE TABLE public.customers (id int PRIMARY KEY, name text);\n"
    "COPY public.customers (id, name) FROM stdin;\n1\tEva\n2\t\\N\n\\.\n",
    "_002_orders": "CREATE TABLE public.orders\n"
    "  (id int PRIMARY KEY, customer int REFERENCES public.customers);\n"
    "INSERT INTO public.orders VALUES (1, 1);\n",
    "_003_index": "CREATE INDEX CONCURRENTLY orders_customer_idx ON public.orders (customer);\n",
}
