"""The catalog of the nasty database says what is there, object by object, on every version."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import pytest

from migplan.catalog.model import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    Policy,
    Rule,
    Sequence,
    Table,
    TableKind,
    Trigger,
    Type,
    View,
)
from migplan.catalog.questions import sql
from migplan.names import QualifiedName, parse
from migplan.postgres.address import Address
from migplan.postgres.session import connect
from tests.catalog import nasty
from tests.catalog.conftest import catalog_of
from tests.servers import Server

INT = "integer"
BIG = 9223372036854775807


def table(catalog: Catalog, name: str) -> Table:
    return catalog.by_name[parse(name)]


def foreign_keys(catalog: Catalog, name: str) -> dict[str, ForeignKey]:
    return {key.name: key for key in table(catalog, name).foreign_keys}


def key(
    name: str, own: str, columns: tuple[str, ...], other: str, to: tuple[str, ...], leans: str, **more: object
) -> ForeignKey:
    return ForeignKey(name, parse(own), columns, parse(other), to, leans, **more)  # type: ignore[arg-type]


def plain(index: Index) -> Index:
    """Without what is observed."""
    return Index(
        **{
            field: getattr(index, field)
            for field in Index.__dataclass_fields__
            if field not in {"bytes", "scans"}
        }
    )


def test_every_table_is_there_under_its_own_name(server: Server, nasty_catalog: Catalog) -> None:
    at_hand = nasty.extensions(server)
    expected = {
        ("My Schema", 'a "quoted" name'),
        ("My Schema", "dots.and/slashes"),
        ("My Schema", " padded "),
        ("My Schema", "Twin"),
        ("My Schema", "twin"),
        ("My Schema", "event 2025 a"),
        ("My Schema", "hen"),
        ("my schema", "twin"),
        ("order", "user"),
        ("order", "فنادق"),
        ("order", "гостиницы"),
        ("order", "гостиницы_с_очень_длинным_именем_к"),
        ("order", "a23456789_123456789_123456789_123456789_123456789_123456789_cut"),
        ("order", "new\nline"),
        *(("keys", name) for name in ("country", "city", "node", "egg", "wide_key", "wide_ref")),
        *(("parts", f"event{part}") for part in ("", "_2024", "_2025", "_2025_other", "_default")),
        *(("parts", name) for name in ("listed", "listed_some", "hashed", "hashed_0", "hashed_1")),
        *(("parts", name) for name in ("ticket", "childless", "animal", "vehicle", "horse_cart")),
        *(("kinds", name) for name in ("typed", "fleeting", "no_columns", "column_zoo", "far_away")),
        *(("kinds", name) for name in ("booking", "indexed", "widest")),
        *(("code", name) for name in ("secret", "half_secret", "watched")),
    }
    if server.major >= 15:
        expected |= {("keys", "nulls")}
    if server.major >= 18:
        expected |= {("keys", "loose"), ("keys", "stay"), ("keys", "guest"), ("kinds", "virtual")}
    if "hstore" in at_hand:
        expected |= {("kinds", "stored")}
    if "citext" in at_hand:
        expected |= {("kinds", "nickname"), ("kinds", "calls")}
    assert {(t.name.schema, t.name.name) for t in nasty_catalog.tables} == expected
    assert not nasty_catalog.unread


def test_names_are_kept_as_they_are_and_quoted_when_shown(nasty_catalog: Catalog) -> None:
    odd = table(nasty_catalog, '"My Schema"." padded "')
    assert [column.name for column in odd.columns] == [
        "do$llar$s",
        "hy-phen",
        "select",
        "CamelCase",
        "camelcase",
    ]
    assert str(odd.name) == '"My Schema"." padded "'
    (key_to_quotes,) = table(nasty_catalog, '"My Schema"."dots.and/slashes"').foreign_keys
    assert key_to_quotes == key(
        "dots.and/slashes_ both ends _fkey",
        '"My Schema"."dots.and/slashes"',
        (" both ends ",),
        '"My Schema"."a ""quoted"" name"',
        ('the "id"',),
        'a "quoted" name_pkey',
    )
    (cyrillic_to_arabic,) = table(nasty_catalog, '"order"."гостиницы"').foreign_keys
    assert str(cyrillic_to_arabic) == '"order"."гостиницы" (имя) -> "order"."فنادق" (اسم)'
    assert [c.name for c in table(nasty_catalog, '"order"."new\nline"').columns] == ["tab\tin it"]


def test_schemas_are_the_users_own(nasty_catalog: Catalog) -> None:
    names = ["My Schema", "code", "contrib", "keys", "kinds", "my schema", "order", "parts", "public"]
    assert [schema.name for schema in nasty_catalog.schemas] == names
    assert nasty_catalog.schemas[0].comment == "two\nlines, a 'quote' and a \\"
    assert all(schema.usable for schema in nasty_catalog.schemas)


def test_composite_double_and_odd_keys_keep_the_order_of_their_columns(nasty_catalog: Catalog) -> None:
    assert table(nasty_catalog, "keys.country").primary_key == Key(
        "country_pk", ("code", "edition"), primary=True, comment="composite"
    )
    assert table(nasty_catalog, "keys.country").unique_keys == (
        Key("country_name_uq", ("name",), deferrable=True, initially_deferred=True, comment="late"),
    )
    city, country = "keys.city", "keys.country"
    assert foreign_keys(nasty_catalog, city) == {
        "city_birth": key(
            "city_birth",
            city,
            ("birth_edition", "birth_code"),
            country,
            ("edition", "code"),
            "country_pk",
            match="FULL",
            on_delete="SET DEFAULT",
            deferrable=True,
            initially_deferred=True,
        ),
        "city_country": key(
            "city_country",
            city,
            ("code", "edition"),
            country,
            ("code", "edition"),
            "country_pk",
            on_delete="CASCADE",
            on_update="RESTRICT",
        ),
        "city_iso": key("city_iso", city, ("iso",), country, ("iso",), "country_iso_idx", deferrable=True),
        "city_mother": key(
            "city_mother", city, ("mother",), city, ("id",), "city_pkey", on_delete="SET NULL"
        ),
        "city_twin": key(
            "city_twin",
            city,
            ("twin",),
            city,
            ("id",),
            "city_pkey",
            validated=False,
            comment="int4 refers\nto int8",
        ),
    }
    assert foreign_keys(nasty_catalog, city)["city_mother"].refers_to_itself
    assert foreign_keys(nasty_catalog, "keys.wide_ref")["wide_ref_fk"] == key(
        "wide_ref_fk",
        "keys.wide_ref",
        ("w", "x", "y", "z"),
        "keys.wide_key",
        ("a", "b", "c", "d"),
        "wide_key_d_c_b_a_key",
    )


def test_a_cycle_over_two_schemas_has_both_of_its_keys(nasty_catalog: Catalog) -> None:
    egg, hen = "keys.egg", '"My Schema".hen'
    assert list(foreign_keys(nasty_catalog, egg).values()) == [
        key("egg_hen", egg, ("hen",), hen, ("id",), "hen_pkey", deferrable=True)
    ]
    assert list(foreign_keys(nasty_catalog, hen).values()) == [
        key("hen_egg_fkey", hen, ("egg",), egg, ("id",), "egg_pkey")
    ]


def test_keys_of_15_and_18_are_read(server: Server, nasty_catalog: Catalog) -> None:
    if server.major < 15:
        pytest.skip("ON DELETE SET NULL (column) and NULLS NOT DISTINCT came with 15")
    assert foreign_keys(nasty_catalog, "keys.node")["node_parent"] == key(
        "node_parent",
        "keys.node",
        ("tenant", "parent"),
        "keys.node",
        ("tenant", "id"),
        "node_pkey",
        on_delete="SET NULL",
        on_delete_columns=("parent",),
    )
    nulls = table(nasty_catalog, "keys.nulls")
    assert nulls.unique_keys == (Key("nulls_uq", ("a", "b"), nulls_not_distinct=True),)
    assert nulls.indexes[0].definition == (
        "CREATE UNIQUE INDEX nulls_idx ON keys.nulls USING btree (b) NULLS NOT DISTINCT"
    )
    if server.major < 18:
        return
    loose = table(nasty_catalog, "keys.loose")
    assert loose.foreign_keys == (
        key(
            "loose_fk",
            "keys.loose",
            ("other",),
            "keys.city",
            ("id",),
            "city_pkey",
            validated=False,
            enforced=False,
        ),
    )
    assert loose.checks == (
        Check("loose_check", "CHECK ((id > 0)) NOT ENFORCED", validated=False, enforced=False),
        Check("loose_not_null", "NOT NULL id NOT VALID", validated=False),
    )
    assert table(nasty_catalog, "keys.stay").primary_key == Key(
        "stay_pk", ("room", "during"), primary=True, without_overlaps=True
    )
    assert table(nasty_catalog, "keys.guest").foreign_keys[0].period
    assert table(nasty_catalog, "kinds.virtual").columns[1] == Column(
        "b", INT, default="(a + 1)", generated="virtual"
    )


def test_partitions_know_their_parent_and_do_not_repeat_its_keys(nasty_catalog: Catalog) -> None:
    event = parse("parts.event")
    family = {
        name: (t.kind, t.partition_of, t.partition_key, t.partition_bound)
        for name, t in nasty_catalog.by_name.items()
        if name.name.startswith("event")
    }
    a, b = TableKind.TABLE, TableKind.PARTITIONED
    year = parse("parts.event_2025")
    assert family == {
        event: (b, None, "RANGE (day)", None),
        parse("parts.event_2024"): (a, event, None, "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"),
        year: (b, event, "LIST (id)", "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"),
        parse('"My Schema"."event 2025 a"'): (a, year, None, "FOR VALUES IN (1, 2)"),
        parse("parts.event_2025_other"): (a, year, None, "DEFAULT"),
        parse("parts.event_default"): (a, event, None, "DEFAULT"),
    }
    assert table(nasty_catalog, "parts.hashed").partition_key == "HASH (k, ((v + 1)))"
    assert table(nasty_catalog, "parts.listed_some").partition_bound == "FOR VALUES IN ('a', 'it''s', NULL)"
    assert all(not nasty_catalog.by_name[name].inherits for name in family)
    assert {str(k.table): k.name for k in nasty_catalog.foreign_keys if k.table.name.startswith("event")} == {
        "parts.event": "event_parent"
    }
    assert foreign_keys(nasty_catalog, "parts.event") == {
        "event_city": key("event_city", "parts.event", ("city",), "keys.city", ("id",), "city_pkey"),
        "event_parent": key(
            "event_parent",
            "parts.event",
            ("parent_id", "parent_day"),
            "parts.event",
            ("id", "day"),
            "event_pk",
        ),
    }
    assert list(foreign_keys(nasty_catalog, "parts.ticket").values()) == [
        key("ticket_event", "parts.ticket", ("event", "day"), "parts.event", ("id", "day"), "event_pk")
    ]
    assert not table(nasty_catalog, "parts.hashed").foreign_keys
    assert list(foreign_keys(nasty_catalog, "parts.hashed_1")) == ["hashed_1_leaf"]


def test_partitions_have_parts_of_indexes_but_no_copies_of_triggers(nasty_catalog: Catalog) -> None:
    assert [plain(index) for index in table(nasty_catalog, "parts.event").indexes] == [
        Index("event_kind_idx", None, ("kind",)),
        Index("event_only_idx", None, ("city",), valid=False),
        Index("event_pk", None, ("id", "day"), unique=True, constraint="event_pk"),
    ]
    assert [plain(index) for index in table(nasty_catalog, "parts.event_2024").indexes] == [
        Index("event_2024_kind_idx", None, ("kind",), inherited=True),
        Index(
            "event_2024_pkey", None, ("id", "day"), unique=True, constraint="event_2024_pkey", inherited=True
        ),
    ]
    assert [trigger.name for trigger in table(nasty_catalog, "parts.event").triggers] == ["on_event"]
    assert not table(nasty_catalog, "parts.event_2024").triggers


def test_inheritance_keeps_the_order_of_the_parents(nasty_catalog: Catalog) -> None:
    cart = table(nasty_catalog, "parts.horse_cart")
    assert cart.inherits == (parse("parts.vehicle"), parse("parts.animal"))
    assert cart.partition_of is None
    assert cart.columns == (
        Column("wheels", INT, default="4"),
        Column("name", "text", not_null=True),
        Column("price", "numeric(10,2)"),
    )
    assert cart.checks == (Check("animal_named", "CHECK ((name <> ''::text))"),)


def test_columns_say_all_that_they_are(nasty_catalog: Catalog) -> None:
    assert table(nasty_catalog, "kinds.column_zoo").columns == (
        Column("id", INT, not_null=True, identity="by default"),
        Column("big", "bigint", not_null=True, default="nextval('kinds.column_zoo_big_seq'::regclass)"),
        Column(
            "label",
            "character varying(20)",
            default="'it''s\nnew'::character varying",
            collation="kinds.bytewise",
        ),
        Column("plain", "text", collation='pg_catalog."C"'),
        Column("amount", "numeric(12,3)", not_null=True, default="0"),
        Column(
            "stamps",
            "timestamp(3) with time zone[]",
            default="ARRAY[]::timestamp with time zone[]",
        ),
        Column("mood", "kinds.mood", default="'sad'::kinds.mood"),
        Column("email", "kinds.email"),
        Column("home", "kinds.address"),
        Column("during", "kinds.span"),
        Column("doubled", "numeric", default="(amount * (2)::numeric)", generated="stored"),
        Column("spell", "interval day to second(2)"),
        Column("bits", "bit varying(5)"),
        Column("char", '"char"'),
    )
    city = table(nasty_catalog, "keys.city").columns
    assert city[0] == Column("id", "bigint", not_null=True, identity="always")
    assert "dropped_before" not in {column.name for column in city}
    assert table(nasty_catalog, "keys.country").column("name").comment == "in the\ncountry's own language"
    with pytest.raises(KeyError):
        table(nasty_catalog, "keys.country").column("nowhere")


def test_tables_of_every_kind_are_what_they_are(nasty_catalog: Catalog) -> None:
    fleeting = table(nasty_catalog, "kinds.fleeting")
    assert fleeting.persistence == "unlogged"
    assert fleeting.options == ("autovacuum_enabled=false", "fillfactor=70")
    assert table(nasty_catalog, "kinds.typed").of_type == parse("kinds.row_type")
    empty = table(nasty_catalog, "kinds.no_columns")
    assert (empty.columns, empty.rows, empty.rows_exact) == ((), 2, True)
    widest = table(nasty_catalog, "kinds.widest")
    assert [c.name for c in widest.columns] == [f"c{n}" for n in range(1, nasty.WIDTH + 1)]
    far = table(nasty_catalog, "kinds.far_away")
    assert (far.kind, far.access_method, far.rows, far.table_bytes) == (TableKind.FOREIGN, None, None, None)
    assert far.columns == (Column("id", INT, not_null=True), Column("note", "text", default="'far'::text"))
    assert table(nasty_catalog, "keys.country").comment == "first\n\nthird"
    assert table(nasty_catalog, "code.watched").replica_identity == "full"
    assert table(nasty_catalog, "kinds.indexed").access_method == "heap"
    assert {t.owner for t in nasty_catalog.tables} == {nasty_catalog.server.role}


def test_checks_and_exclusions_carry_their_definition(nasty_catalog: Catalog) -> None:
    booking = table(nasty_catalog, "kinds.booking")
    assert booking.checks == (
        Check("booking_later", "CHECK ((room < 1000)) NOT VALID", validated=False),
        Check("booking_room", "CHECK ((room > 0))"),
    )
    assert booking.exclusions == (
        Check(
            "booking_apart",
            "EXCLUDE USING gist (during WITH &&) WHERE ((NOT canceled)) DEFERRABLE",
            comment="no\noverlap",
        ),
    )
    assert [plain(index) for index in booking.indexes] == [
        Index(
            "booking_apart",
            "CREATE INDEX booking_apart ON kinds.booking USING gist (during) WHERE (NOT canceled)",
            ("during",),
            method="gist",
            predicate="(NOT canceled)",
            constraint="booking_apart",
        )
    ]


def test_indexes_say_what_they_cover(server: Server, nasty_catalog: Catalog) -> None:
    on = " ON kinds.indexed USING btree "
    expected = [
        Index("indexed_pkey", None, ("id",), unique=True, constraint="indexed_pkey"),
        Index("ix_collated", f"CREATE INDEX ix_collated{on}(note COLLATE kinds.bytewise)", ("note",)),
        Index("ix_covering", f"CREATE INDEX ix_covering{on}(n) INCLUDE (note)", ("n",)),
        Index(
            "ix_expression",
            f'CREATE INDEX ix_expression{on}("Odd Name", lower(note), n DESC)',
            ("Odd Name", "lower(note)", "n"),
        ),
        Index("ix_fill", f"CREATE INDEX ix_fill{on}(n) WITH (fillfactor='50')", ("n",)),
        Index("ix_gin", None, ("tags",), method="gin"),
        Index("ix_hash", None, ("note",), method="hash"),
        Index("ix_identity", None, ("n", "id"), unique=True),
        Index("ix_invalid", None, ("note",), unique=True, valid=False),
        Index(
            "ix_partial",
            f"CREATE INDEX ix_partial{on}(n) WHERE (note IS NOT NULL)",
            ("n",),
            predicate="(note IS NOT NULL)",
        ),
        Index("ix_pattern", f"CREATE INDEX ix_pattern{on}(note text_pattern_ops)", ("note",)),
        Index("ix_plain", None, ("n", "Odd Name")),
    ]
    if "pg_trgm" in nasty.extensions(server):
        definition = "CREATE INDEX ix_trigrams ON kinds.indexed USING gin (note contrib.gin_trgm_ops)"
        expected.append(Index("ix_trigrams", definition, ("note",), method="gin"))
    found = table(nasty_catalog, "kinds.indexed").indexes
    assert [plain(index) for index in found] == expected
    assert all(index.bytes for index in found if index.valid)
    assert [index.name for index in found if index.is_partial] == ["ix_partial"]
    (unique,) = (i for i in table(nasty_catalog, "keys.country").indexes if i.name == "country_iso_idx")
    assert plain(unique) == Index("country_iso_idx", None, ("iso",), unique=True, comment="not a constraint")


def test_row_security_and_its_policies_are_read(nasty_catalog: Catalog) -> None:
    secret = table(nasty_catalog, "code.secret")
    assert (secret.row_security, secret.force_row_security) == (True, True)
    assert secret.policies == (
        Policy("everyone", "ALL", ("PUBLIC",), comment="a\npolicy"),
        Policy(
            "own rows",
            "UPDATE",
            ("migplan_nasty_reader", "migplan_nasty_writer"),
            permissive=False,
            using="(owner = CURRENT_USER)",
            check="(id > 0)",
        ),
    )
    half = table(nasty_catalog, "code.half_secret")
    assert (half.row_security, half.force_row_security, half.policies) == (True, False, ())


def test_triggers_keep_their_state(nasty_catalog: Catalog) -> None:
    noop, each = parse("code.noop"), "EXECUTE FUNCTION code.noop()"
    assert table(nasty_catalog, "code.watched").triggers == (
        Trigger(
            "copy_only",
            noop,
            f"CREATE TRIGGER copy_only BEFORE DELETE ON code.watched FOR EACH ROW {each}",
            "BEFORE",
            ("DELETE",),
            "ROW",
            enabled="replica",
        ),
        Trigger(
            "late",
            noop,
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON code.watched "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {each}",
            "AFTER",
            ("INSERT",),
            "ROW",
            constraint=True,
        ),
        Trigger(
            "off",
            noop,
            f"CREATE TRIGGER off AFTER DELETE ON code.watched FOR EACH STATEMENT {each}",
            "AFTER",
            ("DELETE",),
            "STATEMENT",
            enabled="disabled",
        ),
        Trigger(
            "plain",
            noop,
            "CREATE TRIGGER plain BEFORE INSERT OR UPDATE OF name, n ON code.watched "
            f"FOR EACH ROW WHEN ((new.n > 0)) {each}",
            "BEFORE",
            ("INSERT", "UPDATE"),
            "ROW",
            comment="comment\non a trigger",
        ),
        Trigger(
            "stay_on",
            noop,
            f"CREATE TRIGGER stay_on AFTER TRUNCATE ON code.watched FOR EACH STATEMENT {each}",
            "AFTER",
            ("TRUNCATE",),
            "STATEMENT",
            enabled="always",
        ),
        Trigger(
            "transition",
            noop,
            "CREATE TRIGGER transition AFTER UPDATE ON code.watched "
            f"REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT {each}",
            "AFTER",
            ("UPDATE",),
            "STATEMENT",
        ),
    )
    assert table(nasty_catalog, "code.watched").rules == (
        Rule(
            "shadow",
            "CREATE RULE shadow AS\n    ON INSERT TO code.watched\n   WHERE (new.n = 7) DO INSTEAD NOTHING;",
            comment="seven is lost",
        ),
    )


def test_views_know_what_they_read_and_whether_they_hold_rows(nasty_catalog: Catalog) -> None:
    views = {view.name: view for view in nasty_catalog.views}
    assert {str(name): (v.materialized, v.populated, v.reads) for name, v in views.items()} == {
        '"My Schema"."View"': (False, True, (parse("code.seen"), parse("keys.country"))),
        "code.frozen": (True, False, (parse("code.watched"),)),
        "code.seen": (False, True, (parse("code.watched"),)),
        "code.thawed": (True, True, (parse("kinds.indexed"),)),
    }
    seen = views[parse("code.seen")]
    assert (seen.options, seen.comment) == (("security_barrier=true",), "a\nview")
    assert seen.triggers == (
        Trigger(
            "instead",
            parse("code.noop"),
            "CREATE TRIGGER instead INSTEAD OF INSERT ON code.seen FOR EACH ROW EXECUTE FUNCTION code.noop()",
            "INSTEAD OF",
            ("INSERT",),
            "ROW",
        ),
    )
    assert [plain(index) for index in views[parse("code.frozen")].indexes] == [
        Index("frozen_idx", None, ("Odd Id",), unique=True)
    ]
    assert views[parse("code.thawed")].definition == " SELECT count(*) AS n\n   FROM kinds.indexed;"
    assert isinstance(seen, View)


def test_functions_of_every_kind_are_told_apart(server: Server, nasty_catalog: Catalog) -> None:
    expected = {
        ("Odd.Name", "INOUT a integer, OUT b text, VARIADIC rest text[]", "function", "record", "volatile"),
        ("area", "r numeric", "function", "numeric", "stable"),
        ("area", "w integer, h integer", "function", INT, "immutable"),
        ("many", "n integer", "function", "TABLE(x integer, y text)", "volatile"),
        ("noop", "", "function", "trigger", "volatile"),
        ("total", INT, "aggregate", INT, "immutable"),
        ("work", "INOUT n integer", "procedure", "", "volatile"),
    }
    if server.major >= 14:
        expected |= {("standard", "a integer", "function", INT, "volatile")}
    functions = nasty_catalog.functions
    assert {(f.name.name, f.arguments, f.kind, f.returns, f.volatility) for f in functions} == expected
    assert {f.name.schema for f in functions} == {"code"}
    by_arguments = {f.arguments: f for f in functions if f.name.name == "area"}
    square = by_arguments["r numeric"]
    assert (square.security_definer, square.settings) == (True, ("search_path=pg_catalog", "work_mem=8MB"))
    assert by_arguments["w integer, h integer"].comment == "w times\nh"
    assert len({f.body for f in functions}) == len(functions)


def test_types_say_what_they_are_made_of(nasty_catalog: Catalog) -> None:
    owner = nasty_catalog.server.role
    kinds = [
        ("address", "composite", ("street text", '"zip code" character varying(10)'), None),
        (
            "email",
            "domain",
            ("text", "NOT NULL", "DEFAULT 'a@b'::text", "CHECK ((VALUE ~~ '%@%'::text))"),
            None,
        ),
        ("mood", "enum", ("sad", "it's ok", "meh", "happy"), "how\none feels"),
        ("row_type", "composite", ("id integer", "label text"), None),
        ("span", "range", ("double precision",), None),
    ]
    assert nasty_catalog.types == tuple(
        Type(QualifiedName("kinds", name), kind, definition, owner, comment)
        for name, kind, definition, comment in kinds
    )


def test_sequences_know_their_bounds_and_their_owner(nasty_catalog: Catalog) -> None:
    owner = nasty_catalog.server.role
    zoo = parse("kinds.column_zoo")
    assert nasty_catalog.sequences == (
        Sequence(parse("code.from_zero"), "bigint", 0, 0, BIG, 1, owner=owner, last_value=0),
        Sequence(
            parse("code.lonely"),
            "smallint",
            0,
            -100,
            0,
            -2,
            cycles=True,
            cache=5,
            owner=owner,
            comment="no\none owns it",
        ),
        Sequence(
            parse("keys.city_id_seq"),
            "bigint",
            1,
            1,
            BIG,
            1,
            owner=owner,
            owned_by=parse("keys.city"),
            owned_column="id",
            identity=True,
        ),
        Sequence(
            parse("kinds.column_zoo_big_seq"),
            "bigint",
            1,
            1,
            BIG,
            1,
            owner=owner,
            owned_by=zoo,
            owned_column="big",
        ),
        Sequence(
            parse("kinds.column_zoo_id_seq"),
            INT,
            10,
            1,
            2147483647,
            5,
            owner=owner,
            owned_by=zoo,
            owned_column="id",
            identity=True,
        ),
        Sequence(
            parse('"order"."Owned Elsewhere"'),
            "bigint",
            1,
            1,
            BIG,
            1,
            owner=owner,
            owned_by=parse('"order"."user"'),
            owned_column="table",
        ),
    )


def test_what_extensions_brought_is_left_out(server: Server, nasty_catalog: Catalog) -> None:
    wanted = {"hstore", "pg_trgm", "citext"} & nasty.extensions(server) | {"plpgsql"}
    assert {extension.name for extension in nasty_catalog.extensions} == wanted
    assert {x.schema for x in nasty_catalog.extensions if x.name != "plpgsql"} <= {"contrib"}
    catalog = nasty_catalog
    for things in (catalog.tables, catalog.functions, catalog.types, catalog.views):
        assert "contrib" not in {thing.name.schema for thing in things}


def test_the_server_and_the_moment_are_named(server: Server, nasty_catalog: Catalog) -> None:
    said = nasty_catalog.server
    assert (said.major, said.version) == (server.major, server.version)
    assert said.database == nasty.database(server)
    assert said.superuser
    assert said.read_at.endswith("Z")


def test_a_database_of_another_encoding_is_read_as_text(server: Server) -> None:
    """Where no encoding is declared, libpq would hand out bytes."""

    for encoding in ("SQL_ASCII", "LATIN1"):
        name = f"migplan_test_encoding_{encoding.lower()}"
        server.drop_database(name)
        with server.connect() as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            )
        try:
            with server.connect(dbname=name, client_encoding="UTF8") as connection:
                connection.execute('CREATE TABLE "Zürich" ("größe" int DEFAULT 1)')
            catalog = catalog_of(server.address(name))
            assert catalog.server.encoding == encoding
            assert [(t.name.name, t.columns[0].name) for t in catalog.tables] == [("Zürich", "größe")]
        finally:
            server.drop_database(name)


QUESTIONS = [
    file.name.removesuffix(".sql")
    for file in resources.files("migplan.catalog").joinpath("queries").iterdir()
    if file.name.endswith(".sql")
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_for_an_older_server_gives_the_same_columns(
    server: Server, nasty_address: Address, question: str
) -> None:
    """What stands in for newer columns is understood by every server, so it can be tried on any."""

    def columns(version: int) -> list[tuple[str, int]]:
        with connect(nasty_address) as connection:
            answer = connection.execute(sql(question, version).encode())
            return [(column.name, column.type_code) for column in answer.description or ()]

    assert columns(130000) == columns(server.version)


def test_an_index_of_another_collation_than_its_column_is_not_a_plain_one(
    newest_database: Callable[[str], Address],
) -> None:
    catalog = catalog_of(
        newest_database(
            'CREATE TABLE t (a text COLLATE "C"); CREATE INDEX own ON t (a);'
            'CREATE INDEX other ON t (a COLLATE "default");'
        )
    )
    own, other = (
        next(index for index in catalog.tables[0].indexes if index.name == name) for name in ("own", "other")
    )
    assert own.definition != (other.definition or "").replace("other", "own")
    assert "COLLATE" in (other.definition or "")
