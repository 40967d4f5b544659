"""`holdfast token`: a ticket for one socket, or a key for a trusted client.

What lives here: the command. What never will: a secret on the command line, where every process can read it.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from holdfast.auth import TICKET_S, TICKET_SUBPROTOCOL, TicketError, Tickets, hash_key, new_key
from holdfast.cli.errors import Exit, fail
from holdfast.config import ConfigError, load
from holdfast.config.problems import did_you_mean
from holdfast.core.limits import Limits

_NAMES: Final = [one.name for one in dataclasses.fields(Limits)]
_NUMBER: Final = re.compile(r"[0-9]{1,15}")

EXAMPLES = """
Examples:

  holdfast token --customer cust-1001 --name "Anna Keller"

  holdfast token --customer cust-1001 --limit session_s=600 --json

  holdfast token --new-client-key
"""


def token(
    customer: Annotated[str, typer.Option(help="The customer's id: who the socket speaks for.")] = "",
    name: Annotated[str, typer.Option(help="The customer's name, as the assistant says it.")] = "",
    limit: Annotated[
        list[str] | None, typer.Option(help="A limit of this ticket, NAME=NUMBER; may be repeated.")
    ] = None,
    new_client_key: Annotated[
        bool, typer.Option("--new-client-key", help="Make a bearer key and its hash instead of a ticket.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Mint a ticket for a client, signed with [auth] secret: valid for a minute, once."""
    if new_client_key:
        _tell_key(as_json=as_json)
        return
    if not customer:
        fail(
            "a ticket needs a customer.",
            "It says who the socket speaks for.",
            "Add --customer ID.",
            exit_code=Exit.WRONG_USE,
            as_json=as_json,
        )
    limits = _limits(limit or [], as_json=as_json)
    secret = _secret(as_json=as_json)
    ticket, expires_at = Tickets(secret, time.time).mint(customer, name, limits=limits)
    try:
        Tickets(secret, time.time).redeem(ticket)  # as a gateway will, which tells nobody why it refuses
    except TicketError as error:
        what, fix = (
            "no gateway would take this ticket.",
            "Give at most 200 characters to --customer and to --name, and at most 16 limits.",
        )
        fail(what, f"{error}.", fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if as_json:
        expires = datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z")
        told = {"ticket": ticket, "expiresAt": expires, "subprotocol": f"{TICKET_SUBPROTOCOL}{ticket}"}
        print(json.dumps(told))
        return
    print(ticket)
    typer.echo(
        f"valid for {TICKET_S} s, once; offer it as the subprotocol {TICKET_SUBPROTOCOL}<ticket> "
        "beside holdfast.v1",
        err=True,
    )


def _secret(*, as_json: bool) -> str:
    try:
        settings = load()
    except ConfigError as error:
        fail("the settings can't be used.", error.render(), "See each fix above.", as_json=as_json)
    if settings.auth.secret is None:
        fail(
            "there is no secret to sign a ticket with.",
            "[auth] secret is not set; on this machine alone the gateway needs no tickets.",
            "Set HOLDFAST_AUTH__SECRET, or secret under [auth], for this command and for `holdfast serve`.",
            as_json=as_json,
        )
    return settings.auth.secret.get_secret_value()


def _limits(written: list[str], *, as_json: bool) -> dict[str, int]:
    limits: dict[str, int] = {}
    for one in written:
        name, _, number = one.partition("=")
        why, fix = "", ""
        if not name or not _NUMBER.fullmatch(number):
            why, fix = "A limit is a name and a whole number.", "Write it as in --limit session_s=600."
        elif name not in _NAMES:
            why, fix = "The gateway has no limit of that name.", did_you_mean(name, _NAMES)
        if fix:
            fail(f"{one[:80]!r} is no limit.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
        limits[name] = int(number)
    return limits


def _tell_key(*, as_json: bool) -> None:
    key = new_key()
    if as_json:
        print(json.dumps({"key": key, "hash": hash_key(key)}))
        return
    print(f"key   {key}")
    print(f"hash  {hash_key(key)}")
    typer.echo(
        "give the key to whom it is for; its hash goes into client_keys of [auth], keys of [console] (an "
        "operator's), or keys of [metrics]",
        err=True,
    )
