"""The JSON: every table, every part, made a table at a time."""

from __future__ import annotations

import json
from dataclasses import fields

from migplan.document.json import as_json
from migplan.document.model import TableDocument
from migplan.document.regions import notes_key, overview_key, purpose_key
from tests import catalogs
from tests.document.rendered import filled
from tests.document.rendered.test_html import EVIL, evil, small


def test_everything_of_every_table_is_in_it() -> None:
    documentation = filled.documentation(small())
    found = json.loads("".join(as_json(documentation)))
    assert found["migplan_documentation"] == 1
    assert [table["table"] for table in found["tables"]] == [str(d.name) for d in documentation.tables]
    assert found["counts"]["tables"] == len(found["tables"])
    assert {name for group in found["groups"] for name in group["tables"]} == {
        t["table"] for t in found["tables"]
    }
    assert len(found["advice"]["findings"]) == len(documentation.advice.findings)
    assert found["advice"]["ignored"][0]["reason"] == "we live with <it>"
    assert found["advice"]["not_judged"][0]["why"] == "nobody gave it eyes"
    assert found["migration"]["order"] == [table.table for table in documentation.plan.tables]
    bills = next(table for table in found["tables"] if table["table"] == "sales.bills")
    assert [key["referenced"] for key in bills["foreign_keys"]] == ["public.hotels", "public.stays"]
    assert not bills["foreign_keys"][0]["validated"]
    assert bills["samples"]["rows"][0] == ["xxxxx"] * len(bills["columns"])
    assert bills["patterns"][0]["sql"].endswith("WHERE id = $1;")
    assert bills["integration"]["platform"] == "Generic"
    assert bills["findings"][0]["mend"] == "SELECT 1;"
    assert bills["migration"]["dont"] == ["do not truncate it: it is a hub"]


def test_no_part_of_a_table_is_forgotten() -> None:
    found = json.loads("".join(as_json(filled.documentation(small()))))
    called = {"depth": "level", "strategy": "migration", "reason": "migration", "incoming": "referred_to_by"}
    for field in fields(TableDocument):
        assert called.get(field.name, field.name) in found["tables"][0]


def test_what_people_wrote_stands_beside_what_the_database_says() -> None:
    rooms = catalogs.name("rooms")
    kept = {
        purpose_key(rooms): "beds",
        notes_key(rooms): "clean\nit",
        overview_key(): "all",
        "notes public.gone": "x",
    }
    found = json.loads("".join(as_json(filled.documentation(small()), kept)))
    table = next(table for table in found["tables"] if table["table"] == "public.rooms")
    assert (table["purpose"], table["notes"], found["overview"]) == ("beds", "clean\nit", "all")
    assert found["written_about_what_is_gone"] == {"notes public.gone": "x"}


def test_a_line_is_a_table_whatever_it_is_called() -> None:
    text = "".join(as_json(filled.documentation(evil())))
    lines = [line for line in text.split("\n") if line.startswith('{"table"')]
    assert len(lines) == len(EVIL)
    assert {json.loads(line.rstrip(","))["name"] for line in lines} == set(EVIL)


def test_it_is_the_same_each_time() -> None:
    assert list(as_json(filled.documentation(small()))) == list(as_json(filled.documentation(small())))
