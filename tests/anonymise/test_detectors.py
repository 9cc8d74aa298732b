from __future__ import annotations

import pytest

from migplan.anonymise.detectors import DETECTORS, looks_random, sightings

FIRES = {
    "a private key or certificate": ["-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"],
    "a signed token": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"],
    "a service's key": [
        "sk_live_51Habc123", "AKIAIOSFODNN7EXAMPLE", "ghp_abcdefghij0123456789", "xoxb-123456789-abc",
        "AIzaSyA1234567890abcdefghij", "sbp_0123456789abcdef0123", "whsec_abcdef", "glpat-abcdefghijklmn",
    ],
    "a password's hash": ["$2b$12$abcdefghijklmnopqrstuv", "SCRAM-SHA-256$4096:x",
    "md5" + "0123456789abcdef" * 2],
    "a connection with its password": ["postgres://app:pw@host/db", "amqp://u:p@h"],
    "a password or token with its name": [
        "password = 'x1'", "pwd: hunter2", "api_key=abcd",
        '"client_secret": "zz"', "((token)::text = 'abc'::text)",
        "current_setting('app.secret'::text, true) = 'abc'", "contraseña=abcd",
    ],
    "a header that signs in": ["Authorization Bearer abcdefgh12", "Basic dXNlcjpwYXNz"],
    "a URL that carries a secret": [
        "https://host/x?token=1", "https://cal.host/ical/a8Kd93kQz1Lm", "webcal://host/x", "https://me@host/",
        "https://host/feed.ics",
    ],
    "a bank account": ["DE89370400440532013000", "ES91 2100 0418 4502 0005 1332"],
    "a payment card": ["4111 1111 1111 1111", "4539578763621486", "5555-5555-5555-4444"],
    "an e-mail address": ["ann@x.com", "Ann.Lee+tag@sub.x.co", "ann%40x.com", "josé@correo.es"],
    "a hardware address": ["08:00:2b:01:02:03", "08-00-2B-01-02-03"],
    "an IP address": ["10.1.2.3", "203.0.113.7/32", "2001:db8::1", "fe80::1:2:3"],
    "an identity number": ["12345678Z", "X1234567L", "123-45-6789"],
    "a telephone number": ["+57 300 123 4567", "3001234567", "(555) 123-4567", "300-123-4567",
    "0034 600 123 456"],
    "a random string": ["a8Kd93kQz1Lm", "QWxhZGRpbjpvcGVuIHNlc2FtZQ", "deadbeefcafe0123deadbeef"],
}  # fmt: skip

NEAR_MISSES = [
    "", "active", "checked_in", "2024-01-01", "2024-01-01 10:00:00+00", "12:34:56", "01/02/2024", "20240101",
    "550e8400-e29b-41d4-a716-446655440000", "16.4.2", "127.0.0.1", "0.0.0.0", "v1.2.3", "a::text",
    "1,000,000",
    "status = 'active'", "idx_guest_reservations_2024_01", "mphbBookingStatusCode",
    "America/Argentina/Buenos_Aires",
    "https://docs.example.com/guide/start", "numeric(12,2)", "9223372036854775807", "image/svg+xml",
    "1234567",
    "token_count > 0", "es-CO", "internationalization",
    "12345678A", "nextval('public.reservations_id_seq'::regclass)",
]  # fmt: skip


@pytest.mark.parametrize(("what", "text"), [(what, text) for what, all_ in FIRES.items() for text in all_])
def test_it_fires(what: str, text: str) -> None:
    seen = sightings(f"x {text} y")
    assert what in {each.what for each in seen}, seen


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_a_near_miss_does_not_fire(text: str) -> None:
    assert not sightings(text)


def test_every_detector_has_its_case() -> None:
    assert {detector.what for detector in DETECTORS} == set(FIRES)


def test_what_overlaps_is_one_piece() -> None:
    text = "see https://u:p@host/x?mail=ann@x.com now"
    (only,) = sightings(text)
    assert text[: only.start] == "see "
    assert text[only.end :] == " now"


@pytest.mark.parametrize(
    "name", ["accommodation_units_public", "tenant-knowledge-embeddings", "a/b/c/d/e/f/g/h"]
)
def test_names_are_not_random(name: str) -> None:
    assert not looks_random(name)
