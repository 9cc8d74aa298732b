"""What migplan saw and wrote when it last made a plan, kept beside the plan.

The plan is edited by people; this file is not. Comparing the two tells what they edited, and the catalog in
it, structure alone, tells column by column what has changed in the database since. Whoever saves it takes
secrets out of the catalog before: the file is meant to be committed, and need not be exact.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from migplan.catalog import attributes, layout, store
from migplan.catalog.model import Catalog
from migplan.config import Config
from migplan.errors import FileError
from migplan.files import read_json, write_whole
from migplan.plan.model import Plan

FORMAT = 1
_OF_PLANS = ("plan", "selection", "provided", "groups", "strategies")  # sections of the configuration


@dataclass(frozen=True, slots=True)
class Baseline:
    """The catalog at the time of planning, the plan as migplan wrote it, and what migplan.yaml wanted."""

    catalog: Catalog
    proposal: Plan
    configured: Config | None = None  # what migplan.yaml said of plans; None: an earlier migplan wrote it


def beside(plan_file: Path) -> Path:
    """Return the path of a plan's baseline: ``plans/muva.seen.json`` for ``plans/muva.yaml``."""
    return plan_file.with_suffix(".seen.json")


def save(baseline: Baseline, plan_file: Path) -> None:
    """Write the baseline of a plan."""
    content = {
        "migplan_seen": FORMAT,
        "proposal": baseline.proposal.model_dump(mode="json", exclude_defaults=True),
        "catalog": store.as_json(baseline.catalog, observations=False),
    }
    if baseline.configured is not None:
        content["configured"] = baseline.configured.model_dump(
            mode="json", exclude_defaults=True, include=set(_OF_PLANS)
        )
    if baseline.catalog.attributes is not None:
        content["attributes"] = attributes.as_json(baseline.catalog.attributes)
    write_whole(beside(plan_file), layout.as_text(content))


def load(plan_file: Path) -> Baseline | None:
    """Return the baseline of a plan; None if there is none."""
    file = beside(plan_file)
    if not os.path.lexists(file):
        return None
    try:
        content = read_json(file)
        if content.get("migplan_seen") != FORMAT:
            raise ValueError("it has another format")
        proposal = Plan.model_validate(content["proposal"])
        catalog = store.from_json(content["catalog"], file)
        more = content.get("attributes")
        said = content.get("configured")
        return Baseline(
            replace(catalog, attributes=attributes.from_json(more) if more else None),
            proposal,
            None if said is None else Config.model_validate(said),
        )
    except KeyError as error:
        raise _damaged(file, f"{error.args[0]} is missing") from None
    except (AttributeError, TypeError):
        raise _damaged(file, "it holds something else") from None
    except (ValueError, FileError) as error:
        raise _damaged(file, str(error).splitlines()[0]) from None


def _damaged(file: Path, why: str) -> FileError:
    return FileError(
        f"{file} is not what migplan left beside the plan: {why}",
        do="take it back from version control, or remove it: then all that differs counts as set by hand",
        file=file,
    )
