"""``migplan schema``."""

import json

import click

from migplan.config import Config, Presets
from migplan.plan.model import Plan
from migplan.yamlfile import Section

_MODELS: dict[str, type[Section]] = {"config": Config, "plan": Plan, "platforms": Presets}


@click.command()
@click.argument("of", type=click.Choice(list(_MODELS)))
def schema(of: str) -> None:
    """Print the JSON Schema of migplan.yaml (config), a plan, or presets of managed hosts, for editors.

    \b
    An editor with a YAML language server uses it after:
      migplan schema config > migplan.schema.json
    and this first line in migplan.yaml:
      # yaml-language-server: $schema=migplan.schema.json
    """
    click.echo(json.dumps(_MODELS[of].model_json_schema(), indent=2))
