"""The rules by their codes: 1xx locks and rewrites, 2xx losses, 3xx time-outs, 4xx how a file is written.

Each module of this folder is one.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from migplan.migrations.lint.risk import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (cast("Rule", import_module(f"{__name__}.{module.name}")) for module in iter_modules(__path__)),
        key=lambda rule: rule.CODE,
    )
)
