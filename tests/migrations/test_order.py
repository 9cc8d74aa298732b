"""The order follows the needs, then the names; what contradicts it is named with its lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migplan.migrations.analysis import analysis_of, analyze
from migplan.migrations.file_analysis import FileAnalysis
from migplan.migrations.folder import read
from migplan.migrations.model import Migration, Part, Thing, ThingKind, Use
from migplan.migrations.order import Doubt, Order, Reason
from migplan.sql.split import SqlFileError
from tests.migrations.folders import analysis, written
from tests.servers import Server


def reason(reason: Reason) -> tuple[str, int, str, str, int]:
    return reason.migration, reason.need.line, str(reason.made.thing), reason.by, reason.made.line


def doubt(doubt: Doubt) -> tuple[str, int, str, str, int]:
    assert doubt.made is not None
    return doubt.migration, doubt.need.line, str(doubt.made.thing), doubt.by, doubt.made.line


def test_names_out_of_order_are_reported_with_both_lines(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_rooms="SELECT 1;\n\nCREATE TABLE rooms (\n id int, hotel int REFERENCES hotels (id));",
        _2_other="CREATE TABLE other ();",
        _3_hotels="\nCREATE TABLE hotels (id int PRIMARY KEY);",
        _4_last="ALTER TABLE rooms ADD x int;",
    ).order
    assert [reason(each) for each in order.contradictions] == [
        ("1_rooms", 3, "table public.hotels", "3_hotels", 2)
    ]
    assert order.order == ("2_other", "3_hotels", "1_rooms", "4_last")
    assert [each.by for each in order.needs["4_last"]] == ["1_rooms"]
    assert [each.migration for each in order.dependents["1_rooms"]] == ["4_last"]
    assert not order.missing
    assert not order.cycles


def test_an_order_that_works_is_left_as_it_is(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_a="CREATE TABLE a (id int PRIMARY KEY);",
        _2_b="CREATE TABLE b ();",
        _3_c="CREATE VIEW v AS SELECT id FROM a;",
        _4_d="DROP VIEW v; ALTER TABLE a DROP COLUMN id;",
        _5_e="CREATE VIEW v AS SELECT 1 FROM a;",
        _6_f="DROP TABLE a CASCADE;",
        _7_g="CREATE TABLE a ();",
    ).order
    assert order.order == order.names
    assert not order.contradictions
    assert not order.duplicates
    assert not order.missing


def test_what_is_dropped_of_a_table_that_a_later_file_makes_is_no_cycle(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_change="DROP INDEX i;\nALTER TABLE a ADD y int;\nALTER TABLE a DROP x;",
        _2_late="CREATE TABLE a (x int);\nCREATE INDEX i ON a (x);",
    ).order
    assert not order.cycles
    assert order.order == ("2_late", "1_change")


MISNUMBERED = {
    "drop column": {
        "_1_drop": "ALTER TABLE a DROP y;",
        "_2_a": "CREATE TABLE a (x int, y int);",
        "_3_index": "CREATE INDEX i ON a (y);",
        "_4_view": "CREATE VIEW v AS SELECT x FROM a;",
    },
    "drop table": {
        "_1_drop": "DROP TABLE a;",
        "_2_a": "CREATE TABLE a (x int);",
        "_3_use": "INSERT INTO a VALUES (1);",
        "_4_b": "CREATE TABLE b (x int);",
    },
    "drop constraint": {
        "_1_drop": "ALTER TABLE a DROP CONSTRAINT k;",
        "_2_a": "CREATE TABLE a (x int);",
        "_3_key": "ALTER TABLE a ADD CONSTRAINT k UNIQUE (x);",
    },
    "rename table": {
        "_1_rename": "ALTER TABLE a RENAME TO b;",
        "_2_a": "CREATE TABLE a (x int);",
        "_3_more": "ALTER TABLE a ADD y int;",
        "_4_view": "CREATE VIEW v AS SELECT x FROM b;",
    },
    "rename column": {
        "_1_rename": "ALTER TABLE a RENAME x TO y;",
        "_2_a": "CREATE TABLE a (x int);",
        "_3_index": "CREATE INDEX i ON a (y);",
    },
    "made again before it is dropped": {
        "_1_a": "CREATE TABLE a (x int);",
        "_2_again": "CREATE TABLE a (x int, y int);",
        "_3_drop": "DROP TABLE a;",
        "_4_index": "CREATE INDEX i ON a (y);",
    },
}


@pytest.mark.parametrize("case", MISNUMBERED)
def test_the_place_of_a_misnumbered_file_is_found(newest: Server, tmp_path: Path, case: str) -> None:
    files = MISNUMBERED[case]
    first = analysis(tmp_path, **files)
    order = first.lacking(frozenset(each.thing for each in first.order.made_later)).order
    assert order.order != order.names
    assert not order.cycles
    name = newest.create_database()
    with newest.connect(dbname=name) as session:
        for each in order.order:
            session.execute(files[f"_{each}"].encode())
    newest.drop_database(name)


def test_what_the_target_has_is_dropped_where_the_names_say(tmp_path: Path) -> None:
    found = analysis(tmp_path, _1_drop="DROP TABLE a;", _2_a="CREATE TABLE a (x int);")
    assert found.order.order == found.order.names
    assert not found.order.contradictions
    assert found.lacking(frozenset(each.thing for each in found.order.made_later)).order.order == (
        "2_a",
        "1_drop",
    )


def test_orders_that_work_and_lead_to_different_schemas_are_told(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_again="CREATE TABLE a (y int);",
        _2_a="CREATE TABLE a (y int);",
        _3_drop="DROP TABLE a;",
        _4_more="ALTER TABLE a ADD z int;",
    ).order
    assert not order.ambiguity
    order = analysis(
        tmp_path,
        _1_again="CREATE TABLE a (y int, x int);",
        _2_a="CREATE TABLE a (y int);",
        _3_drop="DROP TABLE a;",
        _4_more="ALTER TABLE a ADD z int;",
    ).order
    assert len(order.ambiguity) == 2
    body = "CREATE OR REPLACE FUNCTION said() RETURNS text LANGUAGE sql AS 'SELECT $${}$$';"
    texts = [body.format(f"{'what it says, and says at length, ' * 5}{number}") for number in (1, 1, 2)]
    order = analysis(
        tmp_path,
        _1_again=f"ALTER TABLE a ADD z int; {texts[0]}",
        _2_a="CREATE TABLE a (y int);",
        _3_drop=texts[1],
        _4_more=texts[2],
    ).order
    assert len(order.ambiguity) == 2, "which body comes last, no statement tells"


def test_a_cycle_between_files_names_the_files_and_the_statements(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_a="CREATE TABLE a (id int PRIMARY KEY);\nALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a;",
        _2_b="CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);",
        _3_c="CREATE TABLE c (b int REFERENCES b);",
    ).order
    (cycle,) = order.cycles
    assert cycle.migrations == ("1_a", "2_b")
    assert {reason(each) for each in cycle.reasons} == {
        ("1_a", 2, "table public.b", "2_b", 1),
        ("2_b", 1, "table public.a", "1_a", 1),
    }
    assert order.order == order.names


def test_a_body_that_needs_a_later_table_is_no_contradiction(tmp_path: Path) -> None:
    body = (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\nINSERT INTO log VALUES (1); END $$;"
    )
    order = analysis(tmp_path, _1_f=body, _2_log="CREATE TABLE log (id int);").order
    assert not order.contradictions
    assert order.order == order.names
    assert [doubt(each) for each in order.doubts] == [("1_f", 2, "table public.log", "2_log", 1)]
    assert order.doubts[0].is_body


def test_a_call_before_that_table_may_fail_and_is_tried(tmp_path: Path) -> None:
    body = (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\nINSERT INTO log VALUES (1); END $$;"
    )
    through = "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM f(); END $$;"
    order = analysis(
        tmp_path,
        _1_f=body,
        _2_g=through,
        _3_call="SELECT 1;\nSELECT g();",
        _4_log="CREATE TABLE log (id int);",
    ).order
    assert not order.contradictions
    (found,) = [each for each in order.doubts if not each.is_body]
    assert doubt(found) == ("3_call", 2, "table public.log", "4_log", 1)
    assert found.through is not None
    assert found.through.line == 2


def test_a_body_in_sql_is_checked_when_it_is_made(tmp_path: Path) -> None:
    sql = "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM log';"
    order = analysis(tmp_path, _1_f=sql, _2_log="CREATE TABLE log (id int);").order
    assert order.order == ("2_log", "1_f")


def test_a_file_that_uses_a_thing_before_it_makes_it(tmp_path: Path) -> None:
    sql = "CREATE INDEX i ON a (x);\nCREATE TABLE a (x int);"
    order = analysis(tmp_path, _1_a=sql).order
    assert [reason(each) for each in order.contradictions] == [("1_a", 1, "table public.a", "1_a", 2)]
    assert not order.cycles


def test_what_is_used_after_its_drop_is_a_contradiction(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_a="CREATE TABLE a (x int);",
        _2_drop="\nDROP TABLE a;",
        _3_use="INSERT INTO a VALUES (1);",
    ).order
    (found,) = order.contradictions
    assert (found.migration, found.by, found.is_about_dropping) == ("2_drop", "3_use", True)
    assert order.order == ("1_a", "3_use", "2_drop")


def test_the_same_thing_made_twice(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_a="CREATE TABLE a (x int);\nCREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        _2_b="CREATE TABLE IF NOT EXISTS a ();\nCREATE FUNCTION f(text) RETURNS int RETURN 1;",
        _3_c="\nCREATE TABLE a (y int);",
        _4_d="CREATE OR REPLACE FUNCTION f(integer) RETURNS int LANGUAGE sql AS 'SELECT 2';",
        _5_e="DROP TABLE a;",
        _6_f="CREATE TABLE a (x int);",
    ).order
    found = {
        (str(each.thing), each.first[0], each.second[0], each.second[1].line): each.is_harmless
        for each in order.duplicates
    }
    assert found == {
        ("table public.a", "1_a", "2_b", 1): True,
        ("table public.a", "1_a", "3_c", 2): False,
        ("function public.f", "1_a", "4_d", 1): True,
    }


def test_what_goes_with_its_table_may_be_made_again(tmp_path: Path) -> None:
    made = "CREATE TABLE a (id serial PRIMARY KEY); CREATE INDEX i ON a (id);"
    order = analysis(tmp_path, _1_a=made, _2_b=f"DROP TABLE a; {made}").order
    assert not order.duplicates
    schema = "CREATE SCHEMA s; CREATE TABLE s.a (id int);"
    again = analysis(tmp_path, _1_a=schema, _2_b=f"DROP SCHEMA s CASCADE; {schema}").order
    assert not again.duplicates


def test_what_nobody_makes_has_to_be_in_the_target(tmp_path: Path) -> None:
    order = analysis(
        tmp_path,
        _1_a="CREATE TABLE a (owner uuid REFERENCES auth.users (id), v vector(3), n text DEFAULT lower(''));",
        _2_b="CREATE INDEX i ON a (nobody);\nGRANT SELECT ON a TO anon;\nDROP TABLE IF EXISTS zz;",
        _3_c="CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM later; END $$;",
        _4_d="DROP VIEW v;\nCREATE VIEW v AS SELECT 1;",
    ).order
    found = {str(each.thing): (each.migration, each.need.line, each.is_sure) for each in order.missing}
    assert found == {
        "table auth.users": ("1_a", 1, True),
        "extension vector": ("1_a", 1, True),
        "column public.a.nobody": ("2_b", 1, True),
        "role anon": ("2_b", 2, True),
        "table public.later": ("3_c", 1, False),
        "table public.v": ("4_d", 1, True),
    }


def test_names_without_a_schema_are_looked_for_where_the_database_does(tmp_path: Path) -> None:
    folder = read(
        written(tmp_path, {"1_a.sql": "CREATE TABLE a (id int);", "2_b.sql": "CREATE INDEX ON app.a (id);"})
    )
    table = Thing(ThingKind.TABLE, "app.a")
    assert table in {each.thing for each in analysis_of(folder).order.missing}
    assert table not in {each.thing for each in analysis_of(folder, path=("app", "public")).order.missing}


def test_a_sequence_goes_with_its_column_though_nobody_says_the_columns_of_the_table(tmp_path: Path) -> None:
    sql = (
        "CREATE TABLE b AS SELECT 1 AS x, 2 AS y; ALTER TABLE b ALTER y SET NOT NULL, "
        "ALTER y ADD GENERATED ALWAYS AS IDENTITY; ALTER TABLE b DROP y;"
    )
    things = analysis(tmp_path, _1_a=sql).order.after(["1_a"]).things()
    assert not [each for each in things if each.kind is ThingKind.SEQUENCE]


@pytest.mark.parametrize("how", ["{0};", "EXECUTE '{0}';", "EXECUTE 'SET a.b = 1; {0}';"])
def test_a_function_that_a_block_makes_is_not_missing(tmp_path: Path, how: str) -> None:
    made = how.format("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN new; END $f$")
    order = analysis(
        tmp_path,
        _1_a=f"DO $$ BEGIN IF 1 = 1 THEN {made} END IF; END $$;\nCREATE TABLE t ();\n"
        "CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();",
    ).order
    assert not order.missing


def test_what_sql_cannot_tell_can_be_said(tmp_path: Path) -> None:
    written(tmp_path, {"001_step.py": "# migplan: requires hotels\n", "002_hotels.sql": "CREATE TABLE a ();"})
    order = analyze(tmp_path).order
    assert order.order == ("002_hotels", "001_step")
    assert [each.need.statement for each in order.contradictions] == ["-- migplan: requires 002_hotels"]


def test_lines_of_a_file_tell_what_it_needs_and_provides(tmp_path: Path) -> None:
    opaque = "SELECT make_it_all();\n-- migplan: provides table audit.log\n-- migplan: provides FUNCTION f\n"
    files = {
        "_1_a": f"CREATE SCHEMA audit;\n{opaque}",
        "_2_b": "INSERT INTO audit.log SELECT f();\nALTER TABLE audit.log DROP COLUMN x;",
        "_3_c": "-- migplan: needs column hotels.stars\n-- migplan: needs schema pms\nSELECT 1;",
        "_4_d": "CREATE TABLE hotels (id int);\nALTER TABLE hotels ADD stars int;",
    }
    order = analysis(tmp_path, **files).order
    assert [each.by for each in order.needs["2_b"]] == ["1_a"]
    missing = {str(each.thing): each.is_sure for each in order.missing}
    assert missing == {"function public.make_it_all": True, "schema pms": False}
    assert [reason(each)[:4] for each in order.contradictions] == [
        ("3_c", 1, "column public.hotels.stars", "4_d")
    ]


@pytest.mark.parametrize("said", ["", "table", "column id", "schema a.b", "table a.b.c", 'table "a'])
def test_a_line_that_names_nothing_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(SqlFileError, match="names nothing"):
        analysis(tmp_path, _1_a=f"-- migplan: provides {said}\nSELECT 1;")


def test_maintenance_has_no_place_in_the_order_and_yet_needs_things(tmp_path: Path) -> None:
    written(
        tmp_path, {"001_a.sql": "CREATE TABLE a ();", "maintenance/x.sql": "DELETE FROM a; DELETE FROM b;"}
    )
    order = analyze(tmp_path).order
    assert order.order == ("001_a",)
    assert [str(each.thing) for each in order.missing] == ["table public.b"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_need_comes_first_whatever_the_names(data: st.DataObject) -> None:
    """Tables that need tables before them in some order; the files have their names from another one."""
    number = data.draw(st.integers(1, 9))
    names = data.draw(st.permutations(range(number)))
    needs = {
        at: data.draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else set() for at in range(number)
    }
    file_analyses = []
    for name, at in sorted(zip(names, range(number), strict=True)):
        part = Part(Path(f"{name}.sql"), 0, 0)
        uses = [Use("needs", thing(need), 1, "") for need in needs[at]]
        uses.append(Use("creates", thing(at), 2, ""))
        file_analyses.append(FileAnalysis(Migration(str(name), str(name), "sql", part, ""), tuple(uses)))
    order = Order(file_analyses)
    place = {name: at for at, name in enumerate(order.order)}
    assert sorted(place) == sorted(order.names)
    for at, others in needs.items():
        assert all(place[str(names[need])] < place[str(names[at])] for need in others)
    forward = {(names[at], names[need]) for at in needs for need in needs[at] if names[need] > names[at]}
    assert {(int(each.migration), int(each.by)) for each in order.contradictions} == forward
    assert not order.cycles
    if not forward:
        assert order.order == order.names


def thing(number: int) -> Thing:
    return Thing(ThingKind.TABLE, f"public.t{number}")
