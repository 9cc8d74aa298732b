"""The example of a data step, on the demo with the tables of the folder."""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migplan import demo
from migplan.errors import StepError
from migplan.run.data.events import Counts, TriedAgain
from migplan.run.data.load import DataFileError, load
from tests.examples.running import PUBLIC_CHAT, Folder, make_roles
from tests.run.stepping import Stepping
from tests.servers import Server

pytestmark = pytest.mark.slow

FILE = PUBLIC_CHAT / "20251001015300_fill_accommodation_units_public.py"
VARIABLE = "PUBLIC_CHAT_EMBEDDING"
MAKE_ROOM = """
DROP TABLE prospective_sessions, accommodation_units_public CASCADE;
DROP FUNCTION match_accommodations_public, trim_conversation_history;
UPDATE hotels.accommodation_units SET name = 'Cabaña Manzanillo', images = '{b.webp,a.webp}'
WHERE id = (SELECT s.id FROM hotels.accommodation_units s JOIN accommodation_units u USING (tenant_id)
            WHERE u.name = 'Cabaña Manzanillo' ORDER BY s.display_order LIMIT 1);
"""


@pytest.fixture(scope="module")
def prepared(servers: dict[str, Server]) -> Iterator[tuple[Server, str]]:
    """A server, and a database to take copies of."""
    able = next((server for server in reversed(servers.values()) if server.has_vectors), None)
    if able is None:
        pytest.skip("no server at hand has pgvector")
    make_roles(able)
    name = able.create_database()
    demo.build(able.address(name))
    with able.connect(dbname=name) as connection:
        connection.execute(MAKE_ROOM)
    Folder(PUBLIC_CHAT, able.address(name)).up()
    yield able, name
    able.drop_database(name)


@pytest.fixture
def step(prepared: tuple[Server, str]) -> Iterator[Stepping]:
    server, template = prepared
    name = server.create_database(template=template)
    made = Stepping(server.address(name), FILE)
    made.begin()
    yield made
    server.drop_database(name)


def test_units_become_public(step: Stepping) -> None:
    step.asked("UPDATE accommodation_units SET currency = 'USD' WHERE name LIKE 'Apartamento%'")
    sources = step.asked("SELECT count(*) FROM accommodation_units")[0][0]
    summary = step()
    assert summary.counts == Counts(done=sources - 1, skipped=1, written=sources - 1)
    assert "its price is in USD" in summary.reasons[0].reason
    (row,) = step.asked(
        "SELECT slug, short_description, highlights, amenities, base_price_night, pricing, photos, metadata "
        "FROM accommodation_units_public"
    )
    slug, short, highlights, amenities, price, pricing, photos, metadata = row
    assert slug == "cabana-manzanillo-c-4"
    assert short.startswith("Cabaña para 2 personas en ")
    assert len(short) <= 150
    assert short.endswith("…")
    assert highlights == ["Hamaca", "Mosquitero", "Ducha al aire libre"]
    assert amenities == {"max_guests": 2, "features": ["hamaca", "mosquitero", "ducha al aire libre"]}
    assert (float(price), pricing) == (315000.5, {"base": 315000.5, "currency": "COP"})
    assert [photo["url"] for photo in photos] == ["b.webp", "a.webp"]
    assert [photo["position"] for photo in photos] == [1, 2]
    assert metadata == {"unit_number": "C-4"}
    # Both embeddings have length 1, and the fast one is the beginning of the precise one.
    (found,) = step.asked(
        "SELECT vector_dims(embedding_fast), vector_dims(embedding_precise), vector_norm(embedding_fast), "
        "vector_norm(embedding_precise), subvector(embedding_precise, 1, 1024) <=> embedding_fast "
        "FROM accommodation_units_public"
    )
    assert found[:2] == (1024, 3072)
    assert found[2:] == pytest.approx((1, 1, 0), abs=1e-5)


def test_again_it_updates_and_the_search_finds(step: Stepping) -> None:
    step()
    before = step.asked("SELECT unit_id, embedding_precise::text FROM accommodation_units_public ORDER BY 1")
    step.asked("UPDATE accommodation_units SET base_price = 1000")
    step.begin()
    assert step().counts.done == len(before) == 2
    after = step.asked("SELECT unit_id, embedding_precise::text FROM accommodation_units_public ORDER BY 1")
    assert after == before
    assert step.asked(
        "SELECT DISTINCT base_price_night, pricing->'base' FROM accommodation_units_public"
    ) == [(1000, 1000)]
    found = step.asked(
        "SELECT (match_accommodations_public(embedding_fast, tenant_id, 0.5, 4)).id = unit_id "
        "FROM accommodation_units_public"
    )
    assert found == [(True,), (True,)]


SERVICE = """
calls = []

def embed(text):
    calls.append(text)
    if len(calls) == 1:
        raise TimeoutError("the service is slow")
    return [3.0, 4.0] + [0.0] * {rest}
"""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(VARIABLE, "embedding_service:embed")
    sys.modules.pop("embedding_service", None)
    yield tmp_path / "embedding_service.py"
    sys.modules.pop("embedding_service", None)


def test_another_function_embeds(step: Stepping, service: Path) -> None:
    service.write_text(SERVICE.format(rest=3070))
    assert step().counts.done == 2
    assert step.asked("SELECT (embedding_fast::real[])[:3] FROM accommodation_units_public LIMIT 1") == [
        ([pytest.approx(0.6), pytest.approx(0.8), 0.0],)
    ]
    (again,) = [event for event in step.events if isinstance(event, TriedAgain)]
    assert again.why == "TimeoutError: the service is slow"


def test_an_embedding_of_another_size_is_refused(step: Stepping, service: Path) -> None:
    service.write_text(SERVICE.format(rest=1022).replace("== 1", "== 0"))
    with pytest.raises(StepError, match="embedding_service:embed returned 1024 numbers instead of 3072"):
        step()


@pytest.mark.parametrize("wanted", ["nonsense", "no_such_module:embed", "math:embed"])
def test_a_function_that_is_not_there(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, VARIABLE, wanted)
    with pytest.raises(DataFileError):
        load(FILE)


def test_texts_are_cut_at_words() -> None:
    load(FILE)
    (name,) = [each for each in sys.modules if each.endswith(f".{FILE.stem}")]
    module = importlib.import_module(name)
    shortened = module.shortened
    assert shortened("uno  dos\ntres", 12) == "uno dos tres"
    assert shortened("uno dos, tres", 12) == "uno dos…"
    assert shortened("uno dos tres", 11) == "uno dos…"
    assert shortened("abcdefgh", 5) == "abcd…"
    for length in range(2, 40):
        assert len(shortened("palabra corta y otra palabra más larga", length)) <= length
    assert math.isclose(math.hypot(*module.unit_vector(module.words_embedded(""))), 1)
