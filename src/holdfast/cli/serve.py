"""`holdfast serve`: the gateway.

What lives here: settings in, the few lines a person reads at the start, signals.
What never will: building the gateway (`app`).
"""

from __future__ import annotations

import asyncio
import errno
import json
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
import uvloop

from holdfast.app import Gateway
from holdfast.cli.errors import Exit, fail
from holdfast.config import ConfigError, Settings, load
from holdfast.node import GatewayError
from holdfast.runtime import garbage
from holdfast.server.listening import CannotListenError, PortTakenError
from holdfast.telemetry import configure

if TYPE_CHECKING:
    from holdfast.server.dev_certificate import DevCertificate

DEV_FOLDER: Final = Path(".holdfast/tls")
EXAMPLES = """
Examples:

  holdfast serve

  OPENAI_API_KEY=sk-... holdfast serve --port 9000

  HOLDFAST_CONFIG=production.toml holdfast serve --json

  holdfast serve --workers 4

  holdfast serve --tls-cert chain.pem --tls-key key.pem

  holdfast serve --tls dev      (https and wss on this machine, for clients that know nothing else)
"""


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; 0 takes a free one.")] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve over TLS with this certificate chain (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate's private key (PEM).")
    ] = None,
    tls: Annotated[
        str | None,
        typer.Option(metavar="dev", help="dev: make and use a certificate for this machine's own names."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Run conversations in so many processes behind the one port.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log and announce as JSON lines.")] = False,
) -> None:
    """Run the gateway: the page, the browser protocol and /v1/realtime on one port."""
    dev = _dev_certificate(tls, tls_cert or tls_key, host, as_json=as_json)
    if dev is not None:
        tls_cert, tls_key = dev.certificate, dev.key
    told: dict[str, Any] = {"host": host, "port": port}
    files = {"tls_cert": tls_cert, "tls_key": tls_key}
    server: dict[str, Any] = {key: str(path) for key, path in files.items() if path is not None}
    if workers is not None:
        server["workers"] = workers
    if server:
        told["server"] = server
    try:
        settings = load(overrides=told)
    except ConfigError as error:
        why = json.dumps(error.as_json()) if as_json else error.render()
        fail("the settings are not right.", why, exit_code=Exit.WRONG_USE, as_json=as_json)
    by_format = {"auto": None, "text": False, "json": True}
    logs = configure(
        as_json=True if as_json else by_format[settings.log.format],
        level=settings.log.level,
        secrets=settings.secrets,
        pseudonym_key=settings.pseudonym_key,
        has_traces=bool(settings.traces.endpoint),
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, dev, as_json=as_json))
    except PortTakenError:
        fail(
            f"port {settings.port} on {settings.host} is taken.",
            "Another program listens there, perhaps another Holdfast.",
            "Stop it, or choose another: holdfast serve --port 8081 (or HOLDFAST_PORT=8081).",
            as_json=as_json,
        )
    except CannotListenError as error:
        fix = (
            "Take a port above 1023, as in --port 8080, or allow this user the lower ones "
            "(CAP_NET_BIND_SERVICE)."
            if error.errno == errno.EACCES
            else "Use an address of this machine: 127.0.0.1 for itself alone, 0.0.0.0 for every one it has."
        )
        what = f"nobody can listen on port {settings.port} of {settings.host}."
        fail(what, f"The system says: {error.strerror}.", fix, as_json=as_json)
    except GatewayError as error:
        fail(error.what, error.why, error.fix, as_json=as_json)
    finally:
        logs.close()


def _dev_certificate(
    tls: str | None, given: Path | None, host: str | None, *, as_json: bool
) -> DevCertificate | None:
    if tls is None:
        return None
    if tls != "dev" or given is not None:
        why = "dev makes a certificate of its own." if given else f"{tls!r} is no word for a certificate."
        fix = "Write --tls dev, or --tls-cert FILE --tls-key FILE for a certificate that you have."
        fail("--tls is not understood.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    from holdfast.server.dev_certificate import dev_certificate  # noqa: PLC0415 - slow to load, seldom needed

    try:
        return dev_certificate(DEV_FOLDER, datetime.now(UTC), host or "localhost")
    except OSError as error:
        why = f"{error.filename or DEV_FOLDER} can't be written ({error.strerror})."
        fix = "Start in a folder that may be written, or name a certificate with --tls-cert and --tls-key."
        fail("the development certificate can't be kept.", why, fix, as_json=as_json)


async def _serve(settings: Settings, dev: DevCertificate | None, *, as_json: bool) -> None:
    gateway = Gateway(settings, log_as_json=True if as_json else None)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, gateway.stop)
    async with gateway.running() as address:
        garbage.settle()
        announce(settings, gateway, address, dev, as_json=as_json)
        await gateway.stopped()


def announce(
    settings: Settings, gateway: Gateway, address: str, dev: DevCertificate | None, *, as_json: bool
) -> None:
    """A few lines: where, who answers, who may come in, what is missing, what clients are to trust."""
    traits = gateway.upstreams.dialers[0].traits
    guarded = "tickets and keys" if settings.guarded else "this machine only, without sign-in"
    if as_json:
        told = {"event": "serving", "url": address, "upstream": traits.name, "kind": traits.kind}
        trust = {} if dev is None else {"trust": str(dev.trust.resolve())}
        staff = {} if gateway.staff is None else {"workers": gateway.staff.pids}
        more = {"model": traits.model, "missing": gateway.missing, **trust, **staff}
        print(json.dumps({**told, **more}), flush=True)
        return
    who = "the embedded assistant (limited, no key needed)" if traits.kind == "local" else traits.model
    print(f"\n  Holdfast is ready:  {address}", flush=True)
    print(f"  answering:          {traits.name}, {who}")
    print(f"  open to:            {guarded}", flush=True)
    if gateway.staff is not None:
        print(f"  workers:            {len(gateway.staff.posts)}", flush=True)
    for reason in gateway.missing[:2]:
        print(f"  missing:            {reason}", flush=True)
    if dev is not None:
        print(f"  to be trusted:      {dev.trust.resolve()}")
        print(f"    Node              NODE_EXTRA_CA_CERTS={dev.trust}", flush=True)
        print(f"    Python            SSL_CERT_FILE={dev.trust}", flush=True)
        print("    a browser         import it as an authority for web sites", flush=True)
