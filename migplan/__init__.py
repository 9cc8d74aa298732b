"""migplan moves a PostgreSQL database, and proves that it arrived.

What flows, and through which rooms::

    postgres/   database  ->  connections, snapshots, throwaway servers
    catalog/              ->  Catalog: all that the database says of itself, at one moment
    graph/                ->  ForeignKeyGraph: what depends on what, how deep, where the circles are
    plan/                 ->  Plan: groups, order and strategies, each with its reason
    advise/               ->  findings: what is wrong or risky in a catalog
    report/               ->  the same values as trees, tables, Markdown and diagrams
    pipeline.py               the story, one short function a verb
    cli/                      the commands

Imports point to the left and upwards only; ``tests/test_house.py`` keeps it so.
"""

import logging

__version__ = "0.1.0"

# Rooms tell what they do to loggers of their names; nobody hears it who has not asked.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def _read_trees_of_any_depth() -> None:
    """Let protobuf, in which PostgreSQL's parser answers, read what is nested deeper than a hundred levels.

    A chain of 48 concatenations is: without this, nothing that holds one could be read, exported or applied.
    """
    try:
        from google._upb._message import SetAllowOversizeProtos  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        return
    SetAllowOversizeProtos(True)


_read_trees_of_any_depth()
