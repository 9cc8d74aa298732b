"""Versions of servers, as numbers and as people say them."""

OLDEST = 130000
"""The oldest server that migplan reads, as ``server_version_num``."""


def dotted(version: int) -> str:
    """The version as people say it: 18.6 for 180006, 13 for 130000, 9.6 for 90624."""
    major, minor = divmod(version, 10000)
    if major < 10:
        return f"{major}.{minor // 100}"
    return f"{major}.{minor}" if minor else str(major)
