"""What tests of a conversation do again and again.

What lives here: a person's acts and a scripted gateway's answers. What never will: expectations.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.e2e.sound import RATE, noise, resampled
from tests.e2e.stage import Stage
from tests.e2e.waiting import until, when

# Every change of the link's phase, with the wall clock's time.
WATCH = """() => {
    const { store } = __holdfast.client;
    const log = (window.__phases = []);
    store.subscribe(() => {
        const { phase } = store.getState().link;
        if (log.at(-1)?.phase !== phase) log.push({ phase, at: Date.now() / 1000 });
    });
}"""

# What the browser's network layer says about a gateway that is away cannot be kept from the console.
OUTAGE_NOISE = [
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_CONNECTION_CLOSED",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET_NOT_CONNECTED",
    "WebSocket",
]


def talk(page: Page) -> None:
    page.get_by_role("button", name="Start talking").click()


def watch(page: Page) -> None:
    """Note from now on when the link comes into which phase."""
    when(page, "window.__holdfast !== undefined")
    page.evaluate(WATCH)


def entered(page: Page, phase: str, after: float, timeout_s: float = 20) -> float:
    """When the link came into this phase, first after a moment."""
    script = f"__phases.find((each) => '{phase}'.includes(each.phase) && each.at >= {after})?.at"
    until(lambda: page.evaluate(script), f"the link is {phase}", timeout_s)
    return float(page.evaluate(script))


def healed_after(page: Page, moment: float) -> float:
    """Seconds from a moment until the session is ours again; with nothing to replay it is ready at once."""
    return entered(page, "replaying or ready", moment) - moment


def rest(page: Page, seconds: float) -> None:
    """Let time pass in the page: an outage has to last."""
    begun = page.evaluate("performance.now()")
    when(page, f"performance.now() > {begun + 1000 * seconds}", seconds + 15)


def status(page: Page) -> Any:
    return page.get_by_role("status").first


def conversation(page: Page) -> Any:
    return page.get_by_label("Conversation")


def heard(stage: Stage, seconds: float, timeout_s: float = 15) -> None:
    """Until so much speech has arrived, without a hole."""
    until(
        lambda: stage.calls and stage.call.received >= seconds * RATE,
        f"{seconds} s of sound arrived",
        timeout_s,
    )


def answer(
    stage: Stage, seconds: float, *, response: str = "resp_1", item: str = "item_a1", stream: int = 1
) -> None:
    """The gateway answers: noise of this length and a sentence."""
    stage.say("response_started", responseId=response)
    stage.say("audio_started", responseId=response, itemId=item, stream=stream)
    text = "Your next payment of 240 euros is due on the first of December."
    stage.say("assistant_transcript", responseId=response, itemId=item, text=text, final=True)
    samples = (resampled(noise(seconds), 48_000) * 32_767).astype("<i2")
    stage.play(stream, samples)
