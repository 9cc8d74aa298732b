"""The rules, one a file, in the order in which they are reported."""

from __future__ import annotations

from migplan.advise.finding import RuleModule
from migplan.advise.rules import (
    cycle_of_keys,
    invalid_index,
    key_not_valid,
    key_type_mismatch,
    key_without_index,
    no_primary_key,
)

RULES: tuple[RuleModule, ...] = (
    cycle_of_keys,
    key_not_valid,
    key_type_mismatch,
    no_primary_key,
    invalid_index,
    key_without_index,
)
