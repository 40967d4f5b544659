"""Attacks at the door (reliability reference, E: S1-S8, S10, S21), and who gets in."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from holdfast.auth import TICKET_SUBPROTOCOL, GateOptions, PortalGate, hash_key, new_key
from holdfast.auth.cookies import cookie_name
from holdfast.ports import Principal, Refusal, UpgradeRequest

SECRET = "a secret of more than thirty-two bytes"
CUSTOMERS = {"cust-1": "Anna", "cust-2": "Ben"}
PORTAL = "https://portal.example"
NOW = 1_800_000_000.0


def upgrade(
    headers: dict[str, str] | None = None,
    *,
    peer: str = "127.0.0.1",
    host: str = "127.0.0.1:8080",
    method: str = "GET",
    **options: Any,
) -> UpgradeRequest:
    sent = {"host": host, "upgrade": "websocket", **(headers or {})}
    return UpgradeRequest(method, "/api/openai/realtime", {}, sent, peer, **options)


def bare(**options: Any) -> PortalGate:
    return PortalGate(GateOptions(customers=CUSTOMERS, **options), lambda: NOW)


def guarded(**options: Any) -> PortalGate:
    return PortalGate(
        GateOptions(secret=SECRET, origins=[PORTAL], customers=CUSTOMERS, **options), lambda: NOW
    )


def status(judged: Principal | Refusal) -> int:
    return judged.status if isinstance(judged, Refusal) else 101


def ticket_of(gate: PortalGate, customer: str = "cust-1") -> dict[str, str]:
    ticket, _ = gate.tickets.mint(customer, "Anna")
    return {"sec-websocket-protocol": f"holdfast.v1, {TICKET_SUBPROTOCOL}{ticket}"}


def cookie_of(gate: PortalGate, customer: str, *, secure: bool = False) -> dict[str, str]:
    session = gate.cookies.new_session(customer)
    return {"cookie": gate.cookies.set_cookie(session, secure=secure).partition(";")[0]}


OWN = {"origin": "http://127.0.0.1:8080"}


def test_on_bare_loopback_the_first_demo_customer_speaks() -> None:
    assert bare().admit_browser(upgrade()) == Principal("cust-1", "Anna", "demo")
    assert bare().admit_browser(upgrade(OWN)) == Principal("cust-1", "Anna", "demo")


def test_the_cookie_decides_when_there_is_one() -> None:
    gate = bare()

    assert gate.admit_browser(upgrade({**OWN, **cookie_of(gate, "cust-2")})) == Principal(
        "cust-2", "Ben", "cookie"
    )


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080", "127.0.0.53:1"]
)
def test_loopback_names_are_ours(host: str) -> None:
    assert status(bare().admit_browser(upgrade(host=host))) == 101


@pytest.mark.parametrize(
    "host",
    [
        "",
        "attacker.example",
        "attacker.example:8080",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "localhost:8080, attacker.example",
        "localhost:99999",
        "localhost.",
        "user@localhost",
        "localhost/x",
        "local host",
        "[::1",
        "0.0.0.0",
        "10.0.0.1",
    ],
)
def test_s4_a_rebound_name_is_refused(host: str) -> None:
    assert status(bare().admit_browser(upgrade(host=host))) == 403
    assert status(bare().admit_client(upgrade(host=host))) == 403


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "https://portal.example.evil",
        "https://portal.example:444",
        "http://portal.example",
        "https://portal.example.",
        "https://evil-portal.example",
        "https://user@portal.example",
        "https://portal.example/",
        "https://portal.example, https://evil.example",
        "file://",
        "http://127.0.0.1:9999",
        "https://127.0.0.1:8080",
    ],
)
def test_s1_s2_s5_foreign_origins_are_refused_before_any_credential(origin: str) -> None:
    gate = guarded()
    for credential in ({}, ticket_of(gate), cookie_of(gate, "cust-1"), {"authorization": "Bearer x"}):
        request = upgrade({"origin": origin, **credential})
        assert status(gate.admit_browser(request)) == 403
        assert status(gate.admit_client(request)) == 403


@pytest.mark.parametrize("origin", [PORTAL, "https://portal.example:443", "HTTPS://Portal.Example"])
def test_s2_a_listed_origin_matches_after_normalisation(origin: str) -> None:
    gate = guarded()

    assert (
        status(gate.admit_browser(upgrade({"origin": origin, **ticket_of(gate)}, host="portal.example")))
        == 101
    )


def test_s3_without_an_origin_a_cookie_is_worth_nothing_and_a_ticket_is() -> None:
    gate = guarded()

    assert status(gate.admit_browser(upgrade(cookie_of(gate, "cust-1")))) == 403
    assert status(bare().admit_browser(upgrade(cookie_of(gate, "cust-1")))) == 403
    assert status(gate.admit_browser(upgrade(ticket_of(gate)))) == 101


def test_behind_a_secret_nothing_but_a_ticket_admits_a_browser() -> None:
    gate = guarded()

    assert gate.ticket_required
    assert status(gate.admit_browser(upgrade(OWN))) == 401
    assert status(gate.admit_browser(upgrade({**OWN, **cookie_of(gate, "cust-1")}))) == 401
    assert gate.admit_browser(upgrade({**OWN, **ticket_of(gate, "cust-2")})) == Principal(
        "cust-2", "Anna", "ticket"
    )


def test_s8_a_ticket_admits_once() -> None:
    gate = guarded()
    request = upgrade({**OWN, **ticket_of(gate)})

    assert status(gate.admit_browser(request)) == 101
    assert status(gate.admit_browser(request)) == 401


def test_a_refused_origin_does_not_use_a_ticket_up() -> None:
    gate = guarded()
    ticket = ticket_of(gate)

    gate.admit_browser(upgrade({"origin": "https://evil.example", **ticket}))

    assert status(gate.admit_browser(upgrade({**OWN, **ticket}))) == 101


def test_a_bad_ticket_is_not_forgiven_on_loopback() -> None:
    assert status(bare().admit_browser(upgrade({"sec-websocket-protocol": "holdfast.ticket.x"}))) == 401


def test_every_refused_credential_reads_the_same() -> None:
    gate = guarded()
    used = upgrade({**OWN, **ticket_of(gate)})
    gate.admit_browser(used)

    refusals = [
        gate.admit_browser(used),
        gate.admit_browser(upgrade(OWN)),
        gate.admit_browser(upgrade({"sec-websocket-protocol": "holdfast.ticket."})),
        gate.admit_browser(upgrade({"sec-websocket-protocol": "holdfast.ticket." + "x" * 9_000})),
    ]

    assert len({repr(refusal) for refusal in refusals}) == 1


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "", "no address"])
def test_bare_means_this_machine_only(peer: str) -> None:
    assert status(bare().admit_browser(upgrade(peer=peer))) == 401
    assert status(bare().admit_client(upgrade(peer=peer))) == 401


def test_a_mapped_loopback_address_is_this_machine() -> None:
    assert status(bare().admit_browser(upgrade(peer="::ffff:127.0.0.1"))) == 101


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_limits_count_by_what_one_client_has(address: str, line: str) -> None:
    assert bare().peer(upgrade(peer=address)).line == line


FORGED = {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https", "forwarded": "for=127.0.0.1"}


def test_s10_a_strangers_forwarding_headers_are_ignored() -> None:
    gate = bare(trusted_proxies=["10.0.0.0/8"])

    assert status(gate.admit_browser(upgrade(FORGED, peer="192.0.2.7"))) == 401
    assert gate.peer(upgrade(FORGED, peer="192.0.2.7")).address == "192.0.2.7"
    assert gate.peer(upgrade(FORGED, peer="192.0.2.7")).scheme == "http"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("nonsense, 10.1.1.1", "10.1.1.1"),
        ("", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711, 10.1.1.1:80", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("203.0.113.9:4711:1", "10.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy_the_first_stranger_is_the_client(chain: str, client: str) -> None:
    request = upgrade({"x-forwarded-for": chain, "x-forwarded-proto": "https"}, peer="10.0.0.1")
    peer = bare(trusted_proxies=["10.0.0.0/8"]).peer(request)

    assert (peer.address, peer.scheme) == (client, "https")


def test_a_proxy_on_this_machine_does_not_make_strangers_local() -> None:
    gate = bare(trusted_proxies=["127.0.0.1"])

    assert status(gate.admit_browser(upgrade({"x-forwarded-for": "203.0.113.9"}))) == 401


def test_own_origin_follows_the_scheme_that_the_proxy_tells() -> None:
    gate = guarded(trusted_proxies=["10.0.0.1"])
    headers = {"x-forwarded-proto": "https", "origin": "https://localhost", **ticket_of(gate)}

    assert status(gate.admit_browser(upgrade(headers, peer="10.0.0.1", host="localhost"))) == 101
    assert status(gate.admit_browser(upgrade(headers, peer="10.0.0.2", host="localhost"))) == 403


# /v1/realtime


def test_on_bare_loopback_any_key_or_none_will_do() -> None:
    assert bare().admit_client(upgrade()) == Principal("loopback", "", "loopback")
    assert status(bare().admit_client(upgrade({"authorization": "Bearer sk-whatever"}))) == 101


KEY = new_key()


@pytest.mark.parametrize("offer", [{"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY} "}])
def test_a_known_key_admits_without_an_origin(offer: dict[str, str]) -> None:
    gate = bare(client_keys=[hash_key(new_key()), hash_key(KEY)])

    admitted = gate.admit_client(upgrade(offer, peer="192.0.2.7"))

    assert isinstance(admitted, Principal)
    assert admitted.source == "client_key"
    assert KEY not in repr(admitted)


def test_a_key_may_come_as_the_subprotocol_of_browsers() -> None:
    gate = bare(client_keys=[hash_key(KEY)])
    offer = {"sec-websocket-protocol": f"realtime, openai-insecure-api-key.{KEY}"}

    assert status(gate.admit_client(upgrade(offer))) == 101


def test_with_client_keys_no_key_is_401_and_a_wrong_one_is_told_in_band() -> None:
    gate = bare(client_keys=[hash_key(KEY)])

    none, wrong = (
        gate.admit_client(upgrade()),
        gate.admit_client(upgrade({"authorization": "Bearer sk-wrong"})),
    )

    assert isinstance(none, Refusal)
    assert (none.status, none.in_band) == (401, False)
    assert isinstance(wrong, Refusal)
    assert (wrong.code, wrong.in_band) == ("invalid_api_key", True)
    assert "sk-wrong" not in wrong.message


def test_a_secret_without_client_keys_keeps_the_dialect_shut() -> None:
    assert status(guarded().admit_client(upgrade())) == 401


# who the customer is


def test_a_ticket_carries_limits() -> None:
    gate = guarded()
    ticket, _ = gate.tickets.mint("cust-9", "Zoe", limits={"session_s": 60})

    admitted = gate.admit_browser(upgrade({"sec-websocket-protocol": TICKET_SUBPROTOCOL + ticket}))

    assert admitted == Principal("cust-9", "Zoe", "ticket", {"session_s": 60})


# S21: cookies


def test_two_cookies_of_the_name_are_none() -> None:
    gate = bare()
    tossed, own = cookie_of(gate, "cust-2")["cookie"], cookie_of(gate, "cust-1")["cookie"]

    assert gate.session(upgrade({"cookie": f"{tossed}; {own}"})) is None
    assert gate.session(upgrade({"cookie": f"a=b; {own}"})) is not None


def test_over_tls_only_the_cookie_that_is_tied_to_this_host_counts() -> None:
    gate = bare()

    assert gate.session(upgrade(cookie_of(gate, "cust-1", secure=True), scheme="https")) is not None
    assert gate.session(upgrade(cookie_of(gate, "cust-1"), scheme="https")) is None
    assert cookie_name(secure=True).startswith("__Host-")


def test_a_forged_cookie_or_one_of_an_unknown_customer_is_none() -> None:
    gate, other = bare(), PortalGate(GateOptions(customers=CUSTOMERS), lambda: NOW)

    for cookie in (cookie_of(other, "cust-1"), cookie_of(gate, "cust-9"), {"cookie": "holdfast-portal=x.y"}):
        assert gate.session(upgrade(cookie)) is None


def test_a_cookie_ends() -> None:
    now = [NOW]
    gate = PortalGate(GateOptions(customers=CUSTOMERS), lambda: now[0])
    request = upgrade(cookie_of(gate, "cust-1"))
    now[0] += 12 * 3600 + 1

    assert gate.session(request) is None


def test_s7_no_secret_reaches_the_log_or_a_repr() -> None:
    gate = guarded(client_keys=[hash_key(KEY)])
    with capture_logs() as lines:
        gate.admit_browser(upgrade({"sec-websocket-protocol": "holdfast.ticket.canary-ticket"}))
        gate.admit_client(upgrade({"authorization": "Bearer canary-key"}))
        gate.admit_browser(
            upgrade({"cookie": "holdfast-portal=canary-cookie", "origin": "https://canary-origin"})
        )

    assert len(lines) == 3
    assert "canary" not in str(lines)
    assert SECRET not in repr(GateOptions(secret=SECRET))


@pytest.mark.parametrize("host", ["192.168.1.5:8443", "voice.example.com", "[2001:db8::1]:8443"])
def test_a_server_with_its_key_may_call_us_by_any_name(host: str) -> None:
    key = new_key()
    gate = guarded(client_keys=[hash_key(key)])
    header = {"authorization": f"Bearer {key}"}

    assert status(gate.admit_client(upgrade(header, host=host))) == 101
    assert status(gate.admit_client(upgrade({"authorization": "Bearer wrong"}, host=host))) == 403
    assert status(gate.admit_client(upgrade({**header, "origin": f"https://{host}"}, host=host))) == 403
    offered = {"sec-websocket-protocol": f"realtime, openai-insecure-api-key.{key}"}
    assert status(gate.admit_client(upgrade(offered, host=host))) == 403, "a page can bring it like this"
    assert status(gate.admit_client(upgrade(header, host="user@evil.example"))) == 403
    assert status(bare().admit_client(upgrade(header, host=host))) == 403, "no key is known here"
