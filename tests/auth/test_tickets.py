"""S8: what a ticket must be, when it ends, and that it counts once."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest

from holdfast.auth import TICKET_S, Ticket, TicketError, Tickets

SECRET = "a secret of more than thirty-two bytes"
NOW = 1_800_000_000
CLAIMS: dict[str, Any] = {"sub": "cust-1", "name": "Anna", "iat": NOW, "exp": NOW + 60, "jti": "one"}


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, secret, algorithm=algorithm)


def tickets(clock: Clock | None = None, **options: Any) -> Tickets:
    return Tickets(SECRET, clock or Clock(), **options)


def test_what_is_minted_is_redeemed() -> None:
    ticket, expires_at = tickets().mint("cust-1", "Anna", limits={"session_s": 60})

    assert expires_at == NOW + TICKET_S
    assert tickets().redeem(ticket) == Ticket("cust-1", "Anna", NOW + TICKET_S, {"session_s": 60})


def test_a_portals_own_backend_can_sign() -> None:
    assert tickets().redeem(signed(name=None)) == Ticket("cust-1", "", NOW + 60)


def unsigned() -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(CLAIMS)}."


@pytest.mark.parametrize(
    "ticket",
    [
        unsigned(),
        base64.urlsafe_b64encode(b"[" * 2_500).decode() + ".e30.x",
        unsigned() + signed().rpartition(".")[2],
        signed(sub="cust-\ud83d"),  # half an emoji
        signed(name="\ude00"),
        signed("another secret of more than thirty-two bytes"),
        signed(algorithm="HS384", secret="s" * 48),
        signed()[:-2],
        signed() + "x",
        "x" * 5_000,
        "",
        "a.b.c",
        "\udcff.é.x",
        signed(sub=None),
        signed(sub=""),
        signed(sub=7),
        signed(sub="x" * 300),
        signed(jti=None),
        signed(jti="x" * 65),
        signed(exp=None),
        signed(iat=None),
        signed(exp="soon"),
        signed(iat=True),
        signed(exp=NOW + 61),
        signed(exp=NOW + 3600),
        signed(iat=NOW + 61, exp=NOW + 100),
        signed(iat=NOW - 200, exp=NOW - 140),
        signed(iat=-(2**60), exp=2**60),
        signed(limits={"session_s": -1}),
        signed(limits={"session_s": 1.5}),
        signed(limits=[1]),
        signed(limits={str(number): 1 for number in range(50)}),
    ],
)
def test_anything_else_is_refused(ticket: str) -> None:
    with pytest.raises(TicketError):
        tickets().redeem(ticket)


@pytest.mark.parametrize("after_s", [0, 59, 119])
def test_it_lives_for_its_minute_and_the_skew_of_clocks(after_s: float) -> None:
    clock = Clock()
    box = tickets(clock)
    ticket, _ = box.mint("cust-1", "Anna")
    clock.now += after_s

    assert box.redeem(ticket).customer_id == "cust-1"


@pytest.mark.parametrize("after_s", [121, 10_000])
def test_then_it_is_over(after_s: float) -> None:
    clock = Clock()
    box = tickets(clock)
    ticket, _ = box.mint("cust-1", "Anna")
    clock.now += after_s

    with pytest.raises(TicketError, match="expired"):
        box.redeem(ticket)


def test_a_portal_whose_clock_is_ahead_is_borne_with() -> None:
    assert tickets().redeem(signed(iat=NOW + 59, exp=NOW + 119)).customer_id == "cust-1"


def test_it_counts_once_as_long_as_it_could_be_redeemed() -> None:
    clock = Clock()
    box = tickets(clock, remembered_max=1)
    box.redeem(signed())
    clock.now += 119

    with pytest.raises(TicketError, match="used"):
        box.redeem(signed())


def test_the_memory_is_bounded_and_rather_refuses_than_forgets() -> None:
    clock = Clock()
    box = tickets(clock, remembered_max=3)
    for number in range(3):
        box.redeem(signed(jti=str(number)))

    with pytest.raises(TicketError, match="too many"):
        box.redeem(signed(jti="3"))
    clock.now += 121
    ticket, _ = box.mint("cust-1", "Anna")

    assert box.redeem(ticket).customer_id == "cust-1"


def test_a_refused_ticket_is_not_remembered() -> None:
    box = tickets(remembered_max=1)
    for _ in range(5):
        with pytest.raises(TicketError):
            box.redeem(signed(limits=[1]))

    assert box.redeem(signed()).customer_id == "cust-1"


def test_no_reason_quotes_the_ticket() -> None:
    for ticket in ("canary", signed("c" * 40, sub="canary"), signed(exp="canary")):
        with pytest.raises(TicketError) as refused:
            tickets().redeem(ticket)
        assert "canary" not in str(refused.value)
        assert refused.value.__cause__ is None
