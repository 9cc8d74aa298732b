"""The columns of system catalogs that are not attributes, each with the reason why it needs no comparison.

Whatever a catalog has beside these is read and compared, also what a server brings that is newer than this
list: a new column is compared before anybody has looked at it.
"""

from collections.abc import Mapping

STRUCTURE = "the catalog of the bundle has it, and it is compared there"
GIVEN = "an oid, a position or a file that each server gives anew"
FOLLOWS = "it follows from something that is compared"
TREE = "it is compared as SQL, for trees hold oids"
PRIVILEGES = "privileges are compared as grants, beside what everybody has"
SEEN = "it is counted or noted by the server, and not set"
PLACE = "it is of the database or the server: the target has its own encoding, libraries and extensions"
EXTENSION = "the extension's own script sets it"

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "pg_class": {
        STRUCTURE: "relname relnamespace reloftype relowner relkind relrowsecurity relforcerowsecurity "
        "reloptions relispopulated",
        GIVEN: "oid reltype relfilenode reltoastrelid relrewrite",
        FOLLOWS: "relhasindex relisshared relnatts relchecks relhasrules relhastriggers relhassubclass "
        "relispartition",
        SEEN: "relpages reltuples relallvisible relallfrozen relfrozenxid relminmxid",
        PRIVILEGES: "relacl",
        TREE: "relpartbound",
    },
    "pg_attribute": {
        STRUCTURE: "attname atttypid atttypmod attnotnull attidentity attgenerated",
        GIVEN: "attrelid attnum attcacheoff",
        FOLLOWS: "attlen attndims attbyval attalign atthasdef atthasmissing attmissingval attisdropped "
        "attislocal attinhcount",
        PRIVILEGES: "attacl",
    },
    "pg_index": {
        STRUCTURE: "indisunique indnullsnotdistinct indisvalid indoption indclass indcollation indkey",
        GIVEN: "indexrelid indrelid",
        FOLLOWS: "indnatts indnkeyatts indisprimary indisexclusion indimmediate indcheckxmin indisreplident",
        TREE: "indexprs indpred",
    },
    "pg_constraint": {
        STRUCTURE: "conname connamespace contype",
        GIVEN: "oid conrelid contypid conindid conparentid confrelid conkey confkey",
        FOLLOWS: "confupdtype confdeltype confmatchtype conislocal coninhcount connoinherit conperiod "
        "conpfeqop conppeqop conffeqop confdelsetcols conexclop",
        TREE: "conbin",
    },
    "pg_trigger": {
        STRUCTURE: "tgname",
        GIVEN: "oid tgrelid tgparentid tgconstrrelid tgconstrindid tgconstraint tgattr",
        FOLLOWS: "tgfoid tgtype tgisinternal tgdeferrable tginitdeferred tgnargs tgargs tgoldtable "
        "tgnewtable",
        TREE: "tgqual",
    },
    "pg_foreign_table": {GIVEN: "ftrelid"},
    "pg_proc": {
        STRUCTURE: "proname pronamespace proowner prolang procost prorows prokind prosecdef proleakproof "
        "proisstrict provolatile proparallel proargtypes proallargtypes proargmodes proargnames "
        "prosrc probin prosqlbody proconfig prorettype proretset",
        GIVEN: "oid",
        FOLLOWS: "provariadic pronargs pronargdefaults",
        PRIVILEGES: "proacl",
        TREE: "proargdefaults",
    },
    "pg_aggregate": {
        STRUCTURE: "aggtransfn aggfinalfn agginitval aggcombinefn aggmtransfn aggminvtransfn aggtranstype",
        GIVEN: "aggfnoid",
    },
    "pg_type": {
        STRUCTURE: "typname typnamespace typtype typnotnull typbasetype typtypmod",
        GIVEN: "oid typrelid typarray",
        FOLLOWS: "typndims",
        PRIVILEGES: "typacl",
        TREE: "typdefaultbin",
    },
    "pg_range": {STRUCTURE: "rngsubtype", GIVEN: "rngtypid"},
    "pg_statistic_ext": {
        GIVEN: "oid stxrelid stxkeys",
        FOLLOWS: "stxname stxnamespace stxkind",
        TREE: "stxexprs",
    },
    "pg_publication": {GIVEN: "oid", FOLLOWS: "pubname"},
    "pg_publication_rel": {GIVEN: "oid prpubid prrelid prattrs", TREE: "prqual"},
    "pg_publication_namespace": {GIVEN: "oid pnpubid", FOLLOWS: "pnnspid"},
    "pg_event_trigger": {GIVEN: "oid", FOLLOWS: "evtname"},
    "pg_ts_config": {GIVEN: "oid", FOLLOWS: "cfgname cfgnamespace"},
    "pg_ts_config_map": {GIVEN: "mapcfg", FOLLOWS: "maptokentype mapseqno"},
    "pg_ts_dict": {GIVEN: "oid", FOLLOWS: "dictname dictnamespace"},
    "pg_ts_parser": {GIVEN: "oid", FOLLOWS: "prsname prsnamespace"},
    "pg_ts_template": {GIVEN: "oid", FOLLOWS: "tmplname tmplnamespace"},
    "pg_cast": {GIVEN: "oid", FOLLOWS: "castsource casttarget"},
    "pg_operator": {GIVEN: "oid", FOLLOWS: "oprname oprnamespace oprkind oprleft oprright"},
    "pg_opclass": {GIVEN: "oid", FOLLOWS: "opcname opcnamespace opcmethod"},
    "pg_opfamily": {GIVEN: "oid", FOLLOWS: "opfname opfnamespace opfmethod"},
    "pg_amop": {
        GIVEN: "oid amopfamily",
        FOLLOWS: "amoplefttype amoprighttype amopstrategy amoppurpose amopmethod",
    },
    "pg_amproc": {GIVEN: "oid amprocfamily", FOLLOWS: "amproclefttype amprocrighttype amprocnum"},
    "pg_conversion": {GIVEN: "oid", FOLLOWS: "conname connamespace"},
    "pg_collation": {GIVEN: "oid", FOLLOWS: "collname collnamespace", PLACE: "collencoding collversion"},
    "pg_language": {GIVEN: "oid", FOLLOWS: "lanname lanispl", PRIVILEGES: "lanacl"},
    "pg_transform": {GIVEN: "oid", FOLLOWS: "trftype trflang"},
    "pg_am": {GIVEN: "oid", FOLLOWS: "amname"},
    "pg_foreign_data_wrapper": {GIVEN: "oid", FOLLOWS: "fdwname", PRIVILEGES: "fdwacl"},
    "pg_foreign_server": {GIVEN: "oid", FOLLOWS: "srvname", PRIVILEGES: "srvacl"},
    "pg_extension": {
        STRUCTURE: "extname extnamespace",
        PLACE: "extversion",
        GIVEN: "oid",
        EXTENSION: "extrelocatable extconfig extcondition extowner",
    },
    "pg_description": {GIVEN: "objoid classoid objsubid"},
    "pg_seclabel": {GIVEN: "objoid classoid objsubid", FOLLOWS: "provider"},
}

# Catalogs of which no row is read for attributes.
CATALOGS: Mapping[str, str] = {
    "pg_attrdef": STRUCTURE,
    "pg_default_acl": PRIVILEGES,
    "pg_depend": "of the server's own keeping; that something depends on an extension is compared",
    "pg_enum": STRUCTURE,
    "pg_inherits": STRUCTURE,
    "pg_init_privs": SEEN,
    "pg_largeobject": "large objects are compared by themselves",
    "pg_largeobject_metadata": "large objects are compared by themselves",
    "pg_namespace": STRUCTURE,
    "pg_partitioned_table": STRUCTURE,
    "pg_policy": STRUCTURE,
    "pg_rewrite": STRUCTURE,
    "pg_sequence": STRUCTURE,
    "pg_statistic": SEEN,
    "pg_statistic_ext_data": SEEN,
    "pg_subscription_rel": "subscriptions are in no bundle",
    "pg_user_mapping": "user mappings are in no bundle",
}

UNCOMPARED: Mapping[str, str] = {
    column: why
    for catalog in COLUMNS.values()
    for why, columns in catalog.items()
    for column in columns.split()
}
"""Column by column: names of columns are the same in no two of these catalogs, but for ``oid``."""

READ = frozenset(COLUMNS)
"""The catalogs whose rows are read."""
