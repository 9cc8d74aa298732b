"""The rules by their codes: 1xx locks and rewrites, 2xx losses, 3xx time-outs, 4xx how a file is written."""

from __future__ import annotations

from typing import cast

from migplan.migrations.lint.risk import Rule
from migplan.migrations.lint.rules import (
    check_checks,
    column_type,
    concurrent_without_name,
    definer_path,
    drop_index_blocks,
    every_row,
    index_blocks,
    key_checks,
    loses_rows,
    no_lock_timeout,
    no_statement_timeout,
    not_in_transaction,
    not_null_without_default,
    own_transaction,
    renames,
    set_not_null,
    unique_builds,
    unqualified,
    volatile_default,
    whole_table_locked,
)

RULES: tuple[Rule, ...] = tuple(
    cast("Rule", module)
    for module in (
        column_type,
        volatile_default,
        not_null_without_default,
        set_not_null,
        index_blocks,
        key_checks,
        check_checks,
        unique_builds,
        whole_table_locked,
        drop_index_blocks,
        loses_rows,
        renames,
        every_row,
        no_lock_timeout,
        no_statement_timeout,
        unqualified,
        own_transaction,
        not_in_transaction,
        definer_path,
        concurrent_without_name,
    )
)
