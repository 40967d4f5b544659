"""Microphones that are denied, missing or pulled out, and a page that is operated by keys alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import FAKE_MICROPHONE, OpenPage
from tests.e2e.stage import Stage
from tests.e2e.waiting import until, when

pytestmark = pytest.mark.browser

# Keeps the stream, so that a test can do to it what pulling a plug does.
KEEP_STREAM = """() => {
    const media = navigator.mediaDevices;
    const ask = media.getUserMedia.bind(media);
    media.getUserMedia = async (wish) => (window.__stream = await ask(wish));
}"""


def status(page: Page) -> str:
    return page.get_by_role("status").first.inner_text()


def reported(stage: Stage) -> list[str]:
    """What the page said of its own end."""
    return [each["fault"] for each in stage.call.commands if each["type"] == "report" and "fault" in each]


def start(page: Page) -> None:
    page.get_by_role("button", name="Start talking").click()


def test_a_denied_microphone_leaves_typing(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url, args=["--use-fake-ui-for-media-stream=deny", FAKE_MICROPHONE[1]])
    start(page)
    expect(page.get_by_role("status").first).to_have_text("Microphone is blocked for this site")
    expect(page.get_by_role("alert")).to_contain_text("type instead")
    page.get_by_label("Type instead of speaking").fill("What do I owe?")
    page.keyboard.press("Enter")
    until(
        lambda: stage.calls and any(each["type"] == "input_text" for each in stage.call.commands),
        "the text came",
    )
    until(lambda: reported(stage) == ["user_device.microphone_denied"], "the operator can see it")


def test_no_microphone_is_said_so(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url, args=["--use-fake-ui-for-media-stream"])
    start(page)
    expect(page.get_by_role("status").first).to_have_text("No microphone found")


def test_an_unplugged_microphone_is_replaced(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url)
    page.evaluate(KEEP_STREAM)
    start(page)
    until(lambda: stage.calls and stage.call.received > 12_000, "sound flows")
    page.evaluate("""() => { const [track] = __stream.getTracks();
        track.stop(); track.dispatchEvent(new Event('ended')); }""")
    expect(page.get_by_role("status").first).to_have_text("Microphone was unplugged")
    # The turn can end: a second of silence follows what the device gave last.
    until(lambda: not stage.call.samples[-20_000:].any(), "the tail came")
    until(lambda: reported(stage) == ["user_device.microphone_lost"], "the operator can see it")

    page.evaluate("() => navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    expect(page.get_by_role("status").first).to_have_text("Listening")
    resumed = stage.call.received
    until(lambda: stage.call.received > resumed + 12_000, "sound flows again, in one numbering")


def test_a_muted_microphone_sends_silence(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.url)
    start(page)
    until(lambda: stage.calls and stage.call.received > 12_000, "sound flows")
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    muted = stage.call.received + 4_800
    until(lambda: stage.call.received > muted + 24_000, "sound goes on")
    assert not stage.call.samples[muted:].any()


@pytest.mark.parametrize("how", ["another is chosen", "it was pulled out and is back"])
def test_who_is_muted_stays_muted_with_another_microphone(
    open_page: OpenPage, stage: Stage, how: str
) -> None:
    page = open_page(f"{stage.url}/?taps=1")
    page.evaluate(KEEP_STREAM)
    start(page)
    until(lambda: stage.calls and stage.call.received > 12_000, "sound flows")
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    muted = stage.call.received + 4_800
    if how == "another is chosen":
        when(page, "__holdfast.client.state.devices.length > 1")
        page.evaluate("() => __holdfast.client.openMic(__holdfast.client.state.devices.at(-1).deviceId)")
    else:
        page.evaluate("() => __stream.getTracks()[0].dispatchEvent(new Event('ended'))")
        expect(page.get_by_role("status").first).to_have_text("Microphone was unplugged")
        page.evaluate("() => navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    when(page, "__holdfast.client.state.mic.phase === 'muted'")
    until(lambda: stage.call.received > muted + 36_000, "sound goes on")
    assert not stage.call.samples[muted:].any()
    page.get_by_role("button", name="Unmute").click()
    until(lambda: stage.call.samples[-4_800:].max() > 0, "whoever unmutes is heard")


def test_the_whole_call_by_keyboard(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(f"{stage.url}/?taps=1")
    expect(page.get_by_text("Signed in as")).to_be_visible()
    tab_to(page, "Start talking")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Switch microphone off")).to_be_focused()
    until(lambda: stage.calls and stage.call.received > 4_800, "sound flows")

    stage.say("response_started", responseId="r1")
    expect(page.get_by_role("status").first).to_have_text("Thinking")
    page.keyboard.press("Escape")
    until(
        lambda: any(each["type"] == "cancel_response" for each in stage.call.commands),
        "Escape stops the answer",
    )

    tab_to(page, "Options")
    page.keyboard.press("Enter")
    tab_to(page, "Hold-to-talk")
    page.keyboard.press("Space")
    expect(page.get_by_role("status").first).to_have_text("Hold the button to talk")
    tab_to(page, "Hold to talk", backwards=True)
    page.keyboard.down("Space")
    when(page, "__holdfast.client.state.mic.phase === 'live'")
    page.keyboard.up("Space")
    when(page, "__holdfast.client.state.mic.phase === 'muted'")

    tab_to(page, "End conversation")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_have_text("Conversation ended")
    until(lambda: any(each["type"] == "end_session" for each in stage.call.commands), "the gateway was told")


def tab_to(page: Page, name: str, *, backwards: bool = False) -> None:
    """Press Tab until what bears this name has the focus; thirty steps are more than the page has."""
    for _ in range(30):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        focused = page.evaluate(
            """() => { const at = document.activeElement;
            return at.labels?.[0]?.innerText ?? at.getAttribute('aria-label') ?? at.innerText ?? ''; }"""
        )
        if " ".join(focused.split()).startswith(name):
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_a_permission_that_is_withdrawn_in_mid_call_is_no_pulled_plug(
    open_page: OpenPage, stage: Stage
) -> None:
    asked = {"args": FAKE_MICROPHONE[1:], "permissions": ["microphone"]}
    page = open_page(stage.url, **asked)
    page.evaluate(KEEP_STREAM)
    start(page)
    until(lambda: stage.calls and stage.call.received > 12_000, "sound flows")
    browser = page.context.new_cdp_session(page)
    whose = browser.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
    setting = {"permission": {"name": "microphone"}, "origin": stage.url, "browserContextId": whose}
    browser.send("Browser.setPermission", {**setting, "setting": "denied"})
    expect(page.get_by_role("status").first).to_have_text("Microphone is blocked for this site")
    until(lambda: reported(stage) == ["user_device.microphone_denied"], "the operator is told whose it is")

    browser.send("Browser.setPermission", {**setting, "setting": "granted"})
    expect(page.get_by_role("status").first).to_have_text("Listening")


def test_a_microphone_that_the_system_suspended_records_again(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(f"{stage.url}/?taps=1")
    page.evaluate("""() => { const Plain = AudioContext; window.__contexts = [];
        window.AudioContext = class extends Plain {
            constructor(wish) { super(wish); __contexts.push(this); } }; }""")
    start(page)
    until(lambda: stage.calls and stage.call.received > 12_000, "sound flows")
    page.evaluate("() => Promise.all(__contexts.map((each) => each.suspend()))")
    suspended = stage.call.received
    until(lambda: stage.call.received > suspended + 24_000, "sound flows again")
