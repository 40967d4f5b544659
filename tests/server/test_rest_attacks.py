"""Attacks on the HTTP side (reliability reference, E: S4, S10, S20-S24, S47), through the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.auth import GateOptions, PortalGate, TicketError
from holdfast.server.doorway import AddressLimits
from holdfast.server.rest import PageOptions, Readiness, create_rest_app

ROOT = "/api/financial-sherpa"
CHANGING = (f"{ROOT}/ticket", f"{ROOT}/demo-customer")
OWN = {"Origin": "http://127.0.0.1:8080"}
CUSTOMERS = {"cust-1": "Anna", "cust-2": "Ben"}
PAGE = PageOptions("Financial Sherpa", "Hi", {"name": "local", "kind": "local", "model": "m"})


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def client_of(
    gate: PortalGate, *, peer: str = "127.0.0.1", base: str = "http://127.0.0.1:8080", **options: Any
) -> httpx.AsyncClient:
    app = create_rest_app(
        gate=gate, page=PAGE, readiness=lambda: Readiness(ready=True), web_root=None, **options
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=base)


@pytest.fixture
def gate() -> PortalGate:
    return PortalGate(GateOptions(customers=CUSTOMERS), Clock())


@pytest.fixture
async def browser(gate: PortalGate) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(gate) as client:
        yield client


async def csrf(browser: httpx.AsyncClient) -> dict[str, str]:
    """Load the configuration, as the page does; what its own requests bear."""
    token = (await browser.get(f"{ROOT}/realtime")).json()["csrfToken"]
    return {**OWN, "X-CSRF-Token": token}


def body_of(path: str) -> dict[str, Any]:
    return {"json": {"customerId": "cust-2"}} if path.endswith("demo-customer") else {}


@pytest.mark.parametrize("path", CHANGING)
async def test_the_page_itself_gets_through(browser: httpx.AsyncClient, path: str) -> None:
    own = {**await csrf(browser), "Sec-Fetch-Site": "same-origin"}

    assert (await browser.post(path, headers=own, **body_of(path))).status_code == 200


@pytest.mark.parametrize("path", CHANGING)
@pytest.mark.parametrize(
    "attack",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "."},
        {"X-CSRF-Token": "x" * 10_000},
        {"Host": "attacker.example"},
        {"Host": "127.0.0.1.attacker.example:8080"},
        {"Cookie": ""},
    ],
)
async def test_s20_another_sites_request_is_refused(
    browser: httpx.AsyncClient, path: str, attack: dict[str, str]
) -> None:
    own = await csrf(browser)

    answer = await browser.post(path, headers={**own, **attack}, **body_of(path))

    assert answer.status_code == 403
    assert set(answer.json()["error"]) == {"code", "message", "remedy"}
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", CHANGING)
async def test_s20_a_form_of_another_page_has_no_token(browser: httpx.AsyncClient, path: str) -> None:
    await csrf(browser)

    for headers in ({"Origin": "https://evil.example"}, {}, OWN):
        answer = await browser.post(path, headers=headers, data={"customerId": "cust-2"})
        assert answer.status_code == 403


@pytest.mark.parametrize("path", CHANGING)
async def test_s21_a_token_of_another_session_is_worthless(gate: PortalGate, path: str) -> None:
    async with client_of(gate) as attacker, client_of(gate) as victim:
        stolen, own = await csrf(attacker), await csrf(victim)

        assert (await victim.post(path, headers=stolen, **body_of(path))).status_code == 403
        assert (await victim.post(path, headers=own, **body_of(path))).status_code == 200


async def test_s21_a_cookie_tossed_in_beside_ours_makes_both_worthless(gate: PortalGate) -> None:
    async with client_of(gate) as attacker, client_of(gate) as victim:
        stolen = await csrf(attacker)
        await csrf(victim)
        (tossed,), (own,) = attacker.cookies.jar, victim.cookies.jar
        both = f"{own.name}={tossed.value}; {own.name}={own.value}"
        victim.cookies.clear()

        answer = await victim.post(CHANGING[0], headers={**stolen, "Cookie": both})

        assert answer.status_code == 403


async def test_s21_over_tls_the_cookie_is_tied_to_this_host() -> None:
    origins = ["https://portal.example"]
    gate = PortalGate(
        GateOptions(customers=CUSTOMERS, trusted_proxies=["10.0.0.1"], origins=origins), Clock()
    )
    async with client_of(gate, peer="10.0.0.1") as client:
        proxied = {"X-Forwarded-Proto": "https", "Host": "portal.example"}
        answer = await client.get(f"{ROOT}/realtime", headers=proxied)

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-holdfast-portal=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_s10_a_stranger_cannot_claim_tls_or_another_address(gate: PortalGate) -> None:
    forged = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "evil.example",
    }
    async with client_of(gate, peer="192.0.2.7") as client:
        answer = await client.get(f"{ROOT}/realtime", headers=forged)

    assert answer.headers["set-cookie"].startswith("holdfast-portal=")
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("path", [*CHANGING, "/", f"{ROOT}/realtime"])
async def test_s22_a_foreign_preflight_gets_no_permission(browser: httpx.AsyncClient, path: str) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    for headers in (asked, {**asked, **OWN}):
        answer = await browser.options(path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.status_code >= 400


@pytest.mark.parametrize(
    ("origin", "path", "reader"),
    [
        ("https://portal.example", "/healthz", "https://portal.example"),
        ("https://portal.example", "/readyz", None),
        ("https://portal.example", f"{ROOT}/realtime", None),
        ("https://evil.example", "/healthz", None),
        ("null", "/healthz", None),
    ],
)
async def test_a_listed_portal_may_read_that_the_gateway_lives_and_nothing_else(
    origin: str, path: str, reader: str | None
) -> None:
    gate = PortalGate(GateOptions(customers=CUSTOMERS, origins=["https://portal.example"]), Clock())
    async with client_of(gate) as client:
        answer = await client.get(path, headers={"Origin": origin})

    assert answer.headers.get("access-control-allow-origin") == reader
    assert ("Origin" in answer.headers.get("vary", "")) is (reader is not None)
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "/console", "/healthz", "/readyz", f"{ROOT}/realtime", "/nothing", "/docs"]
)
async def test_s23_every_answer_bears_the_security_headers(browser: httpx.AsyncClient, path: str) -> None:
    for answer in (
        await browser.get(path),
        await browser.get(path, headers={"Origin": "https://evil.example"}),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert not {"unsafe", "blob:", "data:", "*"} & set(policy.replace("-", " ").split())
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "microphone=(self)" in answer.headers["permissions-policy"]
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/console", f"{ROOT}/realtime"])
async def test_s4_a_rebound_name_sees_nothing(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path, headers={"Host": "attacker.example"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert (await browser.get("/healthz", headers={"Host": "10.1.2.3:8080"})).status_code == 200


async def test_s24_a_thousand_tickets_are_not_given(browser: httpx.AsyncClient) -> None:
    own = await csrf(browser)

    answers = [await browser.post(CHANGING[0], headers=own) for _ in range(70)]

    statuses = [answer.status_code for answer in answers]
    assert statuses[:60] == [200] * 60
    assert set(statuses[60:]) == {429} or statuses.count(429) >= 8
    assert next(answer for answer in answers if answer.status_code == 429).headers["retry-after"]


async def test_the_limit_is_the_addresss_own_and_comes_back(gate: PortalGate) -> None:
    clock = Clock()
    async with client_of(gate, clock=clock) as one:
        own = await csrf(one)
        for _ in range(60):
            await one.post(CHANGING[0], headers=own)
        assert (await one.post(CHANGING[0], headers=own)).status_code == 429
        clock.now += 1
        assert (await one.post(CHANGING[0], headers=own)).status_code == 200


def test_addresses_are_counted_in_bounded_memory() -> None:
    limits = AddressLimits(1, 1, Clock(), addresses_max=2)

    assert limits.admits("192.0.2.1")
    assert not limits.admits("192.0.2.1")
    assert limits.admits("192.0.2.2")
    assert limits.admits("192.0.2.3")
    assert limits.admits("192.0.2.1"), "the longest unseen was forgotten"


async def test_a_ticket_of_the_route_admits_once_and_for_the_signed_in_customer(
    gate: PortalGate, browser: httpx.AsyncClient
) -> None:
    own = await csrf(browser)
    switched = await browser.post(f"{ROOT}/demo-customer", headers=own, json={"customerId": "cust-2"})
    own["X-CSRF-Token"] = switched.json()["csrfToken"]

    answer = (await browser.post(f"{ROOT}/ticket", headers=own)).json()

    assert answer["expiresAt"] == "2027-01-15T08:01:00Z"
    assert gate.tickets.redeem(answer["ticket"]).customer_id == "cust-2"
    with pytest.raises(TicketError):
        gate.tickets.redeem(answer["ticket"])


async def test_signing_in_begins_a_new_session(browser: httpx.AsyncClient) -> None:
    own = await csrf(browser)
    await browser.post(f"{ROOT}/demo-customer", headers=own, json={"customerId": "cust-2"})

    assert (await browser.post(f"{ROOT}/ticket", headers=own)).status_code == 403
    assert (await browser.get(f"{ROOT}/realtime")).json()["customer"] == {"id": "cust-2", "name": "Ben"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"x" * 20_000, 413),
        (b"", 422),
        (b"[]", 422),
        (b"{", 422),
        (b'{"customerId": 7}', 422),
        (b'{"customerId": "cust-2", "admin": true}', 422),
        (b'{"customerId": ""}', 422),
        (b'{"customerId": "cust-9"}', 404),
        (b"[" * 10_000, 400),
        (b'{"customerId": "\xff"}', 400),
    ],
)
async def test_bad_bodies_are_errors_of_the_client(
    browser: httpx.AsyncClient, content: bytes, status: int
) -> None:
    headers = {**await csrf(browser), "Content-Type": "application/json"}

    answer = await browser.post(f"{ROOT}/demo-customer", headers=headers, content=content)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_a_body_without_a_length_is_bounded_too(browser: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 4_096

    headers = {**await csrf(browser), "Content-Type": "application/json"}
    answer = await browser.post(f"{ROOT}/demo-customer", headers=headers, content=endless())

    assert answer.status_code == 413


async def test_without_a_demo_nobody_is_signed_in_and_no_route_signs_in() -> None:
    gate = PortalGate(GateOptions(secret="s" * 40, origins=["https://portal.example"]), Clock())
    async with client_of(gate) as client:
        assert (await client.get(f"{ROOT}/realtime")).status_code == 401
        assert (await client.post(f"{ROOT}/demo-customer", json={})).status_code in {404, 405}
        assert (await client.post(f"{ROOT}/ticket")).status_code == 403


async def test_s47_a_bug_shows_its_text_to_nobody(gate: PortalGate) -> None:
    def broken() -> Readiness:
        raise RuntimeError("canary-4711")

    app = create_rest_app(gate=gate, page=PAGE, readiness=broken, web_root=None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/readyz")

    assert answer.status_code == 500
    assert "canary" not in answer.text
    assert answer.json()["error"]["code"] == "INTERNAL"
    assert "content-security-policy" in answer.headers


async def test_a_web_client_cannot_be_left_by_dots(gate: PortalGate, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("canary")
    (tmp_path / "web" / "assets").mkdir(parents=True)
    (tmp_path / "web" / "index.html").write_text("<p>page")
    app = create_rest_app(
        gate=gate, page=PAGE, readiness=lambda: Readiness(ready=True), web_root=tmp_path / "web"
    )
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in (
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/assets/..%2f..%2fsecret.txt",
            "/..%5csecret.txt",
        ):
            answer = await client.get(path)
            assert "canary" not in answer.text
            assert answer.status_code == 404
