"""The component as a package, in a page of another origin: installed, typed, built, and talked with."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from holdfast.emulator.options import EmulatorOptions
from holdfast.emulator.server import Emulator
from tests.e2e.conftest import OpenPage
from tests.e2e.gateways import EmulatorThread, GatewayProcess, running
from tests.e2e.sound import RATE, noise, write_microphone
from tests.e2e.talking import OUTAGE_NOISE, talk
from tests.e2e.waiting import until

pytestmark = pytest.mark.browser

SECRET = "another-portal-signs-with-the-same-secret"
SPOKEN_S = 3.0
PACKED = {
    "client": {
        "index.js",
        "net.worker.js",
        "capture.worklet.js",
        "playback.worklet.js",
        "types/index.d.ts",
    },
    "react": {"index.js", "sherpa.css", "hills.svg", "types/index.d.ts"},
}


def run(*command: str, cwd: Path) -> str:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, f"{command}: {ended.stdout[-1500:]}{ended.stderr[-1500:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def tarballs(web_client: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What `npm pack` makes of the two packages."""
    if not (web_client / "node_modules").is_dir():
        pytest.skip("the web client's packages are not installed: run `make web`")
    folder = tmp_path_factory.mktemp("packages")
    run("node", "scripts/packages.mjs", cwd=web_client)
    names = {}
    for name in PACKED:
        run("npm", "pack", "--silent", "--pack-destination", str(folder), cwd=web_client / "dist" / name)
        (names[name],) = folder.glob(f"holdfast-{name}-*.tgz")
    return names


@pytest.mark.parametrize("name", PACKED)
def test_a_tarball_carries_what_a_stranger_needs_and_no_source(
    name: str, tarballs: dict[str, Path], tmp_path: Path
) -> None:
    shutil.unpack_archive(tarballs[name], tmp_path, filter="data")
    inside = {str(path.relative_to(tmp_path / "package")) for path in tmp_path.rglob("*") if path.is_file()}
    told = json.loads((tmp_path / "package" / "package.json").read_text())

    assert inside >= PACKED[name] | {"README.md", "LICENSE", "NOTICE", "package.json"}
    assert not [path for path in inside if path.endswith((".ts", ".tsx")) and not path.endswith(".d.ts")]
    assert "private" not in told
    assert {target for entry in told["exports"].values() for target in _targets(entry)} <= {
        f"./{path}" for path in inside
    }


def _targets(entry: str | dict[str, str]) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry.values())


@pytest.fixture(scope="module")
def portal(project: Path, tarballs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example in a folder of its own: our packages out of their tarballs, the others as they are here."""
    folder = tmp_path_factory.mktemp("other") / "portal"
    shutil.copytree(project / "examples/other-portal", folder)
    modules = folder / "node_modules"
    modules.mkdir()
    for there in (project / "web/node_modules").iterdir():
        if there.name != "@holdfast":
            (modules / there.name).symlink_to(there)
    for name, tarball in tarballs.items():
        shutil.unpack_archive(tarball, folder / "unpacked", filter="data")
        (modules / "@holdfast").mkdir(exist_ok=True)
        (folder / "unpacked" / "package").rename(modules / "@holdfast" / name)
    run("node", "node_modules/typescript/bin/tsc", "-p", "tsconfig.json", cwd=folder)
    run("node", "node_modules/vite/bin/vite.js", "build", cwd=folder)
    return folder


def test_the_scripts_are_files_of_the_portals_own(portal: Path) -> None:
    built = sorted(path.name.partition("-")[0] for path in (portal / "dist/assets").glob("*.js"))

    assert built == ["capture.worklet", "index", "net.worker", "playback.worklet"]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with EmulatorThread(EmulatorOptions(keep_audio=True)).running() as emulating:
        yield emulating


@pytest.fixture(scope="module")
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        chosen: int = free.getsockname()[1]
        return chosen


@pytest.fixture(scope="module")
def gateway(
    emulator: Emulator, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway that lets in who has a ticket, and knows the portal's origin."""
    settings = {
        "HOLDFAST_AUTH__SECRET": SECRET,
        "HOLDFAST_SERVER__ORIGINS": f"http://127.0.0.1:{port}",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": emulator.http_base,
    }
    with running(tmp_path_factory.mktemp("gateway"), **settings) as process:
        yield process


@pytest.fixture(scope="module")
def address(portal: Path, gateway: GatewayProcess, port: int) -> Iterator[str]:
    """The portal's own back end."""
    told = {"HOLDFAST_AUTH__SECRET": SECRET, "HOLDFAST_URL": gateway.url, "PORT": str(port)}
    process = subprocess.Popen(("node", "server.mjs"), cwd=portal, env={**os.environ, **told})
    try:
        until(lambda: _answers(port), "the portal serves")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def page(open_page: OpenPage, address: str, tmp_path: Path) -> Page:
    microphone = write_microphone(tmp_path / "microphone.wav", noise(SPOKEN_S))
    return open_page(address, microphone=microphone, tolerate=OUTAGE_NOISE)


@pytest.mark.alone
def test_a_conversation_from_another_origin_outlives_the_gateways_restart(
    page: Page, gateway: GatewayProcess, emulator: Emulator, picture: Callable[[Page, str], None]
) -> None:
    expect(page.get_by_text("Ask about your contract")).to_be_visible()
    picture(page, "other-portal")
    talk(page)
    until(lambda: emulator.records and _heard_s(emulator) > SPOKEN_S + 0.8, "the provider heard it", 20)
    page.get_by_label("Type instead of speaking").fill("How much do I still owe?")
    page.get_by_role("button", name="Send").click()
    conversation = page.get_by_label("Conversation")
    expect(conversation.get_by_text("How much do I still owe?")).to_be_visible()
    picture(page, "other-portal-talking")

    # The page finds the gateway again by itself: /healthz may be read from here, and there is a fresh ticket.
    gateway.stop()
    gateway.start()
    expect(page.get_by_role("status").filter(has_text="Listening")).to_be_visible(timeout=20_000)
    page.get_by_label("Type instead of speaking").fill("Are you still there?")
    page.get_by_role("button", name="Send").click()
    until(lambda: "Are you still there?" in _told(emulator), "the provider got the second question", 20)


def _heard_s(emulator: Emulator) -> float:
    return len(emulator.records[-1].pcm) / 2 / RATE


def _told(emulator: Emulator) -> str:
    """What the newest session's client said in text, as JSON."""
    return json.dumps([*emulator.records[-1].events])
