"""Whatever stands in the headers, the gate answers; and only known names and origins get by."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.auth import GateOptions, PortalGate
from holdfast.ports import Principal, Refusal, UpgradeRequest

GATE = PortalGate(
    GateOptions(
        secret="a secret of more than thirty-two bytes",
        origins=["https://portal.example"],
        trusted_proxies=["127.0.0.1"],
        client_keys=["sha256:" + "0" * 64],
        customers={"cust-1": "Anna"},
    ),
    lambda: 1_800_000_000.0,
)
NAMES = [
    "host",
    "origin",
    "cookie",
    "authorization",
    "sec-websocket-protocol",
    "sec-fetch-site",
    "x-csrf-token",
    "x-forwarded-for",
    "x-forwarded-proto",
]
PIECES = [
    "localhost",
    "portal.example",
    "https://portal.example",
    "http://localhost:8080",
    "holdfast.ticket.",
    "holdfast-portal=",
    "Bearer ",
    "127.0.0.1",
    "[::1]",
    "%zone",
    ":",
    ",",
    ";",
    ".",
    "=",
]
VALUES = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=8).map("".join),
)
HEADERS: Any = st.dictionaries(st.sampled_from(NAMES), VALUES)


@settings(max_examples=300)
@given(HEADERS, st.text(max_size=40))
def test_no_header_makes_it_raise_and_none_opens_it(headers: dict[str, str], peer: str) -> None:
    request = UpgradeRequest("GET", "/", {}, headers, peer)

    assert isinstance(GATE.admit_browser(request), Refusal)
    assert isinstance(GATE.admit_client(request), Refusal)
    assert isinstance(GATE.judge_change(request), Refusal)
    assert GATE.session(request) is None
    assert isinstance(GATE.signed_in(request), Principal)


@settings(max_examples=300)
@given(st.text(max_size=300))
def test_only_a_name_of_ours_passes_as_host(host: str) -> None:
    request = UpgradeRequest("GET", "/", {}, {"host": host}, "127.0.0.1")

    if GATE.judge_address(request) is None:
        name = host.lower().rpartition(":")[0] if ":" in host and not host.endswith("]") else host.lower()
        assert name in {"localhost", "portal.example", "[::1]"} or name.startswith("127.")
