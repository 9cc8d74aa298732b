"""What nobody has to make: PostgreSQL's own functions, types and schemas, and what extensions bring."""

from functools import cache
from importlib import resources

SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast", "pg_temp"})
ROLES = frozenset({"public", "postgres"})

# What names give an extension away: a type, a function, an operator class or a kind of index.
_BROUGHT = {
    "citext": "citext",
    "hstore": "hstore",
    "ltree": "ltree lquery ltxtquery nlevel subpath",
    "cube": "cube",
    "isn": "isbn isbn13 issn issn13 ean13 upc",
    "vector": "vector halfvec sparsevec hnsw ivfflat cosine_distance l2_distance inner_product "
    "vector_cosine_ops vector_l2_ops vector_ip_ops vector_l1_ops halfvec_cosine_ops halfvec_l2_ops "
    "halfvec_ip_ops halfvec_l1_ops sparsevec_cosine_ops sparsevec_l2_ops sparsevec_ip_ops",
    "postgis": "geometry geography box2d box3d st_makepoint st_setsrid st_dwithin st_distance st_point "
    "st_contains st_within st_intersects st_geomfromtext st_geogfromtext st_asgeojson st_transform",
    "uuid-ossp": "uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5",
    "pgcrypto": "crypt gen_salt gen_random_bytes digest hmac pgp_sym_encrypt pgp_sym_decrypt",
    "pg_trgm": "gin_trgm_ops gist_trgm_ops similarity word_similarity show_trgm",
    "unaccent": "unaccent",
    "fuzzystrmatch": "levenshtein soundex metaphone dmetaphone",
    "tablefunc": "crosstab",
    "bloom": "bloom",
    "btree_gist": "gist_int4_ops gist_uuid_ops gist_text_ops gist_timestamptz_ops gist_date_ops",
    "pg_cron": "cron.schedule cron.unschedule cron.job",
    "dblink": "dblink dblink_exec dblink_connect",
    "postgres_fdw": "postgres_fdw",
}
EXTENSION_OF = {name: extension for extension, names in _BROUGHT.items() for name in names.split()}


@cache
def functions() -> frozenset[str]:
    """The functions that need nobody to make them."""
    return _words("system_functions.txt")


@cache
def types() -> frozenset[str]:
    """The types that need nobody to make them."""
    return _words("system_types.txt")


def _words(file: str) -> frozenset[str]:
    text = resources.files(__package__).joinpath(file).read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
