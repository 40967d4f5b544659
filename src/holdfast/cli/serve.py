"""`holdfast serve`: the gateway.

What lives here: settings in, the few lines a person reads at the start, signals.
What never will: building the gateway (`app`).
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
from typing import Annotated

import typer
import uvloop

from holdfast.app import Gateway, GatewayError
from holdfast.cli.errors import Exit, fail
from holdfast.config import ConfigError, Settings, load
from holdfast.server.listening import PortTakenError
from holdfast.telemetry import configure

EXAMPLES = """
Examples:

  holdfast serve

  OPENAI_API_KEY=sk-... holdfast serve --port 9000

  HOLDFAST_CONFIG=production.toml holdfast serve --json
"""


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log and announce as JSON lines.")] = False,
) -> None:
    """Run the gateway: the page, the browser protocol and /v1/realtime on one port."""
    try:
        settings = load(overrides={"host": host, "port": port})
    except ConfigError as error:
        why = json.dumps(error.as_json()) if as_json else error.render()
        fail("the settings are not right.", why, exit_code=Exit.WRONG_USE, as_json=as_json)
    by_format = {"auto": None, "text": False, "json": True}
    logs = configure(
        as_json=True if as_json else by_format[settings.log.format],
        level=settings.log.level,
        secrets=settings.secrets,
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, as_json=as_json))
    except PortTakenError:
        fail(
            f"port {settings.port} on {settings.host} is taken.",
            "Another program listens there, perhaps another Holdfast.",
            "Stop it, or choose another: holdfast serve --port 8081 (or HOLDFAST_PORT=8081).",
            as_json=as_json,
        )
    except GatewayError as error:
        fail(error.what, error.why, error.fix, as_json=as_json)
    finally:
        logs.close()


async def _serve(settings: Settings, *, as_json: bool) -> None:
    gateway = Gateway(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, gateway.stop)
    async with gateway.running() as address:
        # Modules and routes never become garbage: 130,000 objects, 80 ms whenever a collection looks at them.
        gc.collect()
        gc.freeze()
        announce(settings, gateway, address, as_json=as_json)
        await gateway.stopped()


def announce(settings: Settings, gateway: Gateway, address: str, *, as_json: bool) -> None:
    """At most five lines: where, who answers, who may come in, what is missing."""
    traits = gateway.upstreams.dialers[0].traits
    guarded = "tickets and keys" if settings.guarded else "this machine only, without sign-in"
    if as_json:
        told = {"event": "serving", "url": address, "upstream": traits.name, "kind": traits.kind}
        print(json.dumps({**told, "model": traits.model, "missing": gateway.missing}), flush=True)
        return
    who = "the embedded assistant (limited, no key needed)" if traits.kind == "local" else traits.model
    print(f"\n  Holdfast is ready:  {address}", flush=True)
    print(f"  answering:          {traits.name}, {who}")
    print(f"  open to:            {guarded}", flush=True)
    for reason in gateway.missing[:2]:
        print(f"  missing:            {reason}", flush=True)
