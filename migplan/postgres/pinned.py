"""The settings that every session of ours has, whatever the role, the database or the environment say.

Time-outs, because a run is not to be cut off half-way by what was meant for an application; what changes the
meaning of our own statements; and formats, because what the server prints is read by programs. What people
set on purpose to protect a database (``default_transaction_read_only``) is left as it is.
"""

from __future__ import annotations

Settings = tuple[tuple[str, str], ...]

_TIMEOUTS: Settings = (
    ("statement_timeout", "0"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "0"),
)
_LATER = ((140000, "idle_session_timeout", "0"), (170000, "transaction_timeout", "0"))
_MEANINGS: Settings = (
    ("standard_conforming_strings", "on"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("exit_on_error", "off"),
)
_FORMATS: Settings = (
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "postgres"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "3"),
    ("quote_all_identifiers", "off"),
    ("client_min_messages", "notice"),
)


ALWAYS: Settings = (*_TIMEOUTS, *_MEANINGS)
"""What must hold from the first packet on, also in steps that people wrote; every server knows it."""


def timeouts(version: int) -> Settings:
    """The time-outs that a server of that ``server_version_num`` knows."""
    return (*_TIMEOUTS, *((name, value) for since, name, value in _LATER if version >= since))


def always(version: int) -> Settings:
    """What must always hold on a server of that ``server_version_num``."""
    return (*timeouts(version), *_MEANINGS)


def settings(version: int) -> Settings:
    """The same, and the formats in which the server prints what we read."""
    return (*always(version), *_FORMATS)


def statements(word: str, wanted: Settings) -> str:
    """``SET`` or ``SET LOCAL`` for each of these."""
    return ";\n".join(f"{word} {name} = '{value}'" for name, value in wanted)
