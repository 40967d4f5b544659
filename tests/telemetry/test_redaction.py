"""Nothing that opens a door, and nothing a terminal obeys, gets into a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.telemetry.redaction import DEPTH_MAX, FIELD_BYTES_MAX, ITEMS_MAX, REDACTED, Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjdXN0b21lciJ9.c2lnbmF0dXJl"
KEY = "sk-proj-CANARY0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"refused {KEY}", KEY),
        ("secret ek_68af296e8e408191a1120ab6383263c2", "68af296e8e40"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        (f"subprotocol holdfast.ticket.{JWT} offered", JWT),
        (f"ticket {JWT}", JWT),
        ("openai-insecure-api-key.ek_0123456789", "0123456789"),
        ("Cookie: portal=s3cr3t-session; other=1", "s3cr3t"),
        ("GET /socket?ticket=abcdef0123&x=1", "abcdef0123"),
        ("dialling wss://user:hunter22@host/v1", "hunter22"),
        ("AUTHORIZATION: BASIC dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("SET-COOKIE: portal=s3cr3t-session", "s3cr3t"),
        (f"HOLDFAST.TICKET.{JWT[2:]}", JWT[2:]),
        ("OPENAI-INSECURE-API-KEY.0123456789", "0123456789"),
        ("SK-PROJ-0123456789", "0123456789"),
        ("/socket&API_KEY=abcdef0123", "abcdef0123"),
        ("a long s, which is an s to those who ignore case: \u017fk-0123456789", "0123456789"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    cleaned = Redactor().clean(text)

    assert secret not in cleaned
    assert REDACTED in cleaned


@pytest.mark.parametrize(
    "field", ["api_key", "Authorization", "cookie", "csrfToken", "resume_token", "ticket"]
)
def test_fields_that_hold_secrets_are_blank_whatever_they_hold(field: str) -> None:
    assert Redactor().clean({field: "plain words"}) == {field: REDACTED}


def test_a_configured_secret_is_known_by_its_value() -> None:
    redactor = Redactor(secrets=["correct horse battery"])

    assert "horse" not in redactor.clean({"note": ["said correct horse battery twice"]})["note"][0]


def test_ordinary_fields_stay() -> None:
    line = {"model": "gpt-realtime-2.1", "tokens": 12, "session_id": "sess_1", "ok": True, "none": None}

    assert Redactor().clean(line) == line


def test_a_line_stays_one_line() -> None:
    cleaned = Redactor().clean("a\r\nFAKE level=error\x1b[31m\u2028end\x9b")

    assert cleaned == r"a\r\nFAKE level=error\u001b[31m\u2028end\u009b"


def test_audio_is_counted_not_shown() -> None:
    assert Redactor().clean(b"\x00" * 960) == "<960 bytes>"


def test_fields_lists_and_depth_are_bounded() -> None:
    deep: object = "bottom"
    for _ in range(DEPTH_MAX + 3):
        deep = [deep]
    redactor = Redactor()

    assert len(redactor.clean("x" * 1_000_000).encode()) < FIELD_BYTES_MAX + 64
    assert len(redactor.clean(list(range(1000)))) == ITEMS_MAX
    assert "too deep" in str(redactor.clean(deep))


@given(st.text(), st.text())
def test_a_key_is_taken_out_wherever_it_stands(before: str, after: str) -> None:
    cleaned = Redactor(secrets=[KEY]).clean(before + KEY + after)

    assert "CANARY" not in cleaned
    assert "\n" not in cleaned
