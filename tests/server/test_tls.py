"""TLS: both sockets and the page over `https` and `wss`, the development certificate, bad certificates."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from openai import AsyncOpenAI

from holdfast.app import Gateway
from holdfast.config import ConfigError, load
from holdfast.emulator import Emulator
from holdfast.server.dev_certificate import DevCertificate, dev_certificate
from holdfast.sockets.trust import trusting
from tests.cli.commands import run_beside

NOW = datetime.now(UTC)


@pytest.fixture
def dev(tmp_path: Path) -> DevCertificate:
    return dev_certificate(tmp_path / "tls", NOW)


@pytest.fixture
async def address(tmp_path: Path, dev: DevCertificate) -> AsyncIterator[str]:
    async with listened(tmp_path, dev) as url:
        yield url


@asynccontextmanager
async def listened(tmp_path: Path, dev: DevCertificate) -> AsyncIterator[str]:
    """A whole gateway over TLS, before an emulator."""
    async with Emulator() as emulator:
        settings = load(
            environ={"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": emulator.http_base},
            folder=tmp_path,
            overrides={
                "port": 0,
                "server": {"tls_cert": str(dev.certificate), "tls_key": str(dev.key)},
                "portal": {"database": str(tmp_path / "portal.sqlite3")},
                "journal": {"kind": "memory"},
            },
        )
        gateway = Gateway(settings)
        async with gateway.running() as url:
            yield url
            gateway.stop()
            gateway.stop()


async def test_the_page_and_both_sockets_are_reached_over_tls(address: str, dev: DevCertificate) -> None:
    assert address.startswith("https://")
    async with httpx.AsyncClient(verify=trusting(dev.trust)) as client:
        answered = await client.get(f"{address}/healthz")
    assert answered.status_code == 200
    for path in ("/api/openai/realtime", "/v1/realtime"):
        url = f"wss://{address.removeprefix('https://')}{path}"
        done = await run_beside("talk", "--url", url, "--text", "hello", "--ca", str(dev.trust))
        assert done.exit_code == 0, done.output
        assert "You said: hello" in done.stdout


async def test_the_official_client_speaks_through_it(address: str, dev: DevCertificate) -> None:
    options = {"ssl": trusting(dev.trust)}
    async with (
        AsyncOpenAI(base_url=f"{address}/v1", api_key="x") as client,
        client.realtime.connect(model="gpt-realtime-2.1", websocket_connection_options=options) as connection,  # type: ignore[arg-type] # a plain dict, as users write it
    ):
        assert (await connection.recv()).type == "session.created"


async def test_other_commands_take_the_authority_too(address: str, dev: DevCertificate) -> None:
    url = f"wss://{address.removeprefix('https://')}/v1/realtime"
    checked = await run_beside("check-server", url, "--only", "connect.created_first", "--ca", str(dev.trust))
    assert checked.exit_code == 0, checked.output
    seen = await run_beside("doctor", "--url", url, "--ca", str(dev.trust))
    assert "certificate trusted" in seen.stdout, seen.output


async def test_who_does_not_trust_it_is_told_whose_fault_that_is(address: str) -> None:
    url = f"wss://{address.removeprefix('https://')}/v1/realtime"
    done = await run_beside("talk", "--url", url, "--text", "hello")
    assert done.exit_code == 1
    assert "configuration.tls_certificate" in done.stderr


async def test_s11_who_opens_a_connection_and_never_says_hello_is_cut(
    tmp_path: Path, dev: DevCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.server.listening.TLS_HANDSHAKE_S", 0.2)
    async with listened(tmp_path, dev) as url:
        host, _, port = url.removeprefix("https://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        async with httpx.AsyncClient(verify=trusting(dev.trust)) as client:
            assert (await client.get(f"{url}/healthz")).status_code == 200


async def test_a_file_that_is_no_authority(tmp_path: Path) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("hello")
    for ca in (nonsense, tmp_path / "none.pem"):
        done = await run_beside("talk", "--text", "hello", "--ca", str(ca))
        assert done.exit_code == 2
        assert "cannot be believed" in done.stderr


async def test_a_browser_is_not_told_to_insist_on_tls_for_this_machine(
    address: str, dev: DevCertificate
) -> None:
    async with httpx.AsyncClient(verify=trusting(dev.trust)) as client:
        answered = await client.get(f"{address}/healthz")
    assert "strict-transport-security" not in answered.headers


def test_the_development_certificate_is_kept_and_renewed(tmp_path: Path) -> None:
    first = dev_certificate(tmp_path, NOW)
    before = first.certificate.read_bytes()
    assert first.is_new
    assert first.key.stat().st_mode & 0o777 == 0o600
    again = dev_certificate(tmp_path, NOW)
    assert not again.is_new
    assert again.certificate.read_bytes() == before
    assert dev_certificate(tmp_path, NOW + timedelta(days=360)).is_new
    assert dev_certificate(tmp_path, NOW, host="10.1.2.3").is_new, "its names are others now"


def test_the_development_certificate_names_this_machine(dev: DevCertificate) -> None:
    leaf = x509.load_pem_x509_certificate(dev.certificate.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert {"127.0.0.1", "::1"} <= {str(one) for one in names.get_values_for_type(x509.IPAddress)}
    assert b"PRIVATE" not in dev.trust.read_bytes() + dev.certificate.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "key", "problem"),
    [
        ("certificate", "server.tls_cert", "holds no certificate"),
        ("key", "server.tls_key", "holds no private key"),
        ("pair", "server.tls_key", "is not the key of"),
        ("age", "server.tls_cert", "expired on"),
        ("youth", "server.tls_cert", "is valid from"),
        ("alone", "server.tls_key", "tls_cert is set alone"),
        ("gone", "server.tls_cert", "there is no file"),
    ],
)
def test_a_bad_certificate_is_named_with_its_remedy(
    tmp_path: Path, spoil: str, key: str, problem: str
) -> None:
    age = {"age": -400, "youth": 400}.get(spoil, 0)
    dev = dev_certificate(tmp_path / "tls", NOW + timedelta(days=age))
    if spoil in {"certificate", "key"}:
        (dev.certificate if spoil == "certificate" else dev.key).write_text("nonsense")
    if spoil == "pair":
        dev.key.write_bytes(dev_certificate(tmp_path / "other", NOW).key.read_bytes())
    if spoil == "gone":
        dev.certificate.unlink()
    files = {"tls_cert": str(dev.certificate)} | ({} if spoil == "alone" else {"tls_key": str(dev.key)})
    with pytest.raises(ConfigError) as refused:
        load(environ={}, folder=tmp_path, overrides={"server": files})
    found = [one for one in refused.value.problems if one.key == key]
    assert problem in found[0].problem
    assert found[0].remedy


def test_another_address_accepts_tls(tmp_path: Path, dev: DevCertificate) -> None:
    settings = load(
        environ={"HOLDFAST_AUTH__SECRET": "s" * 40},
        folder=tmp_path,
        overrides={
            "host": "0.0.0.0",
            "server": {
                "origins": ["https://portal.example.com"],
                "tls_cert": str(dev.certificate),
                "tls_key": str(dev.key),
            },
        },
    )
    assert not settings.on_loopback


def test_old_tls_is_not_spoken() -> None:
    """Python's own default for servers, held by a test because security rests on it (S36)."""
    assert ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_words_that_tls_does_not_know() -> None:
    done = await run_beside("serve", "--tls", "yes")
    assert done.exit_code == 2
    assert "--tls dev" in done.stderr
