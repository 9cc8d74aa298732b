# migplan: requires 20251001015100_add_accommodation_units_public_table
"""Fill accommodation_units_public from accommodation_units.

Embeddings come from a function of this file, which needs no service: texts that share words are near each
other. For another one set ``PUBLIC_CHAT_EMBEDDING=MODULE:FUNCTION``. The function gets a text and returns
3,072 numbers, of which the first 1,024 must make sense alone (Matryoshka); the module must be importable (for
instance by ``PYTHONPATH``). It is called twice a second at most, and again when it raises ConnectionError or
TimeoutError.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import os
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from migplan.data import DataStep, Row, Skip

WHOLE, FAST = 3072, 1024
SHORT = 150
VARIABLE = "PUBLIC_CHAT_EMBEDDING"

KINDS = {
    "room": "Habitación",
    "suite": "Suite",
    "apartment": "Apartamento",
    "cabin": "Cabaña",
    "hostel_bed": "Cama en dormitorio",
}
# What visitors look for first, the best first.
SELLS = ("vista al mar", "balcón", "terraza", "hamaca", "piscina", "cocina", "aire acondicionado")

# Pictures are kept for the website, which knows a unit by its tenant and its name.
READ = """
    SELECT unit.id, unit.tenant_id, unit.hotel_id, unit.unit_number, unit.name, unit.unit_type,
        unit.max_guests, unit.base_price, unit.currency, unit.amenities, hotel.name AS hotel,
        ARRAY(SELECT picture
              FROM hotels.accommodation_units AS site
              CROSS JOIN unnest(site.images) WITH ORDINALITY AS image (picture, place)
              WHERE site.tenant_id = unit.tenant_id AND site.name = unit.name
              ORDER BY site.display_order, place) AS pictures
    FROM public.accommodation_units AS unit
    JOIN public.hotels AS hotel ON hotel.tenant_id = unit.tenant_id AND hotel.id = unit.hotel_id
"""


def to_public(unit: Row) -> Row:
    """A unit as visitors read it."""
    if unit["currency"] != "COP":
        raise Skip(f"its price is in {unit['currency']}, and public prices are in Colombian pesos")
    text = description(unit)
    whole = unit_vector(embed(f"{unit['name']}\n{text}"))
    return Row(
        tenant_id=unit["tenant_id"],
        hotel_id=unit["hotel_id"],
        source_unit_id=unit["id"],
        slug=slug(f"{unit['name']} {unit['unit_number']}"),
        name=unit["name"],
        unit_type=unit["unit_type"],
        short_description=shortened(text, SHORT),
        description=text,
        highlights=highlights(unit),
        amenities={"max_guests": unit["max_guests"], "features": features(unit)},
        base_price_night=unit["base_price"],
        pricing={"base": unit["base_price"], "currency": unit["currency"]},
        photos=[
            {"url": url, "alt": f"{unit['name']}, {unit['hotel']}", "position": place}
            for place, url in enumerate(unit["pictures"], 1)
        ],
        metadata={"unit_number": unit["unit_number"]},
        embedding_fast=unit_vector(whole[:FAST]),
        embedding_precise=whole,
    )


def description(unit: Row) -> str:
    """The text that is to make visitors want to stay there."""
    guests = unit["max_guests"]
    kind = KINDS.get(unit["unit_type"], "Alojamiento")
    for_whom = "una persona" if guests == 1 else f"{guests} personas"
    sentences = [f"{kind} para {for_whom} en {unit['hotel']}: {unit['name']}."]
    if found := features(unit):
        sentences.append(f"Con {', '.join(found[:-1])} y {found[-1]}." if found[1:] else f"Con {found[0]}.")
    return " ".join([*sentences, "Pregunte en el chat por fechas y tarifas; reservar toma un minuto."])


def features(unit: Row) -> list[str]:
    """What the unit has; its amenities are a list of names, or an object of those that it has and has not."""
    given = unit["amenities"]
    if isinstance(given, dict):
        given = [name for name, there in given.items() if there]
    return [str(name) for name in given or ()]


def highlights(unit: Row) -> list[str]:
    """Three badges at most."""
    found = features(unit)
    best = sorted(
        found, key=lambda name: SELLS.index(name) if name in SELLS else len(SELLS) + found.index(name)
    )
    return [name[:1].upper() + name[1:] for name in best[:3]]


def shortened(text: str, length: int) -> str:
    """The text if it is short enough; else as many whole words of it as are."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[:length]  # the last place is for the dots
    words, _, _ = cut.rpartition(" ")
    return (words or cut[:-1]).rstrip(" ,;:.") + "…"


def slug(text: str) -> str:
    """The text for the address of a web page."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


# --- embeddings -------------------------------------------------------------------------------------------


def words_embedded(text: str) -> Sequence[float]:
    """The sum of what each word stands for: the same everywhere, and always."""
    total = [0.0] * WHOLE
    for word in words(text):
        total = [one + other for one, other in zip(total, direction(word), strict=True)]
    return total


def words(text: str) -> Iterator[str]:
    """The words of a text; one without any is a word itself, for every text needs a direction."""
    yield from re.findall(r"\w+", text.casefold()) or [text]


@lru_cache(maxsize=2048)
def direction(word: str) -> Sequence[float]:
    """Numbers between -1 and 1, drawn by a hash of the word."""
    numbers = array("b", hashlib.shake_256(word.encode()).digest(WHOLE))
    return [number / 128 for number in numbers]


def unit_vector(numbers: Sequence[float]) -> list[float]:
    """The same direction, with length 1: of a beginning, too, which is shorter than the whole."""
    length = math.sqrt(math.fsum(number * number for number in numbers))
    if not length:
        raise ValueError("an embedding of zeros has no direction")
    return [number / length for number in numbers]


def chosen() -> Callable[[str], Sequence[float]]:
    """The function that people want, or that of this file."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return words_embedded
    module, colon, function = wanted.partition(":")
    if not colon:
        raise ValueError(f"{VARIABLE} is {wanted!r}, and has to be MODULE:FUNCTION")
    found = getattr(importlib.import_module(module), function)

    def checked(text: str) -> Sequence[float]:
        numbers: Sequence[float] = found(text)
        if len(numbers) != WHOLE:
            raise ValueError(f"{wanted} returned {len(numbers)} numbers instead of {WHOLE}")
        return numbers

    return checked


embed = chosen()

STEP = DataStep(
    read=READ,
    key=("id",),
    transform=to_public,
    into="public.accommodation_units_public",
    conflict=("source_unit_id",),
    batch=20,
    rate=2.0 if os.environ.get(VARIABLE) else None,
    retries=5,
    transient=(ConnectionError, TimeoutError),
)
