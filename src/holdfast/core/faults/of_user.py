"""Faults on the user's side: their microphone and loudspeaker, their network. The page finds most of them.

What lives here: rows, and which situation of the page is which. What never will: a row of another party.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults.table import FaultRow, by_code

_PAGE: Final = ("the page itself finds and shows it",)

USER: Final[Mapping[str, FaultRow]] = by_code(
    FaultRow(
        "user_network.connection_lost",
        message="Connection lost.",
        remedy="The client's socket broke: usually the user's network. Many at once: look at proxies "
        "before the gateway and their time-outs for WebSockets.",
        meaning="The client's socket ended without a close frame (1006), or no pong came to our pings.",
        evidence=("how long it has been away",),
        provoke="cut the line between the page and the gateway",
        advice="Looking for the way back.",
    ),
    FaultRow(
        "user_network.slow",
        message="Slow connection.",
        remedy="The client did not read what was sent to it, or the page can't send what it records: "
        "usually the user's network.",
        meaning="More than [limits] client_outbox_bytes waited to be read, or the page's own sound waits "
        "for the line.",
        evidence=("how many bytes were waiting",),
        close_code=1013,
        provoke="stop reading from the socket while the assistant speaks",
        advice="Keep talking; it is recorded.",
    ),
    FaultRow(
        "user_network.gateway_unreachable",
        message="The assistant is not available.",
        remedy="The page can't fetch its configuration: is the gateway up, and does the proxy before it "
        "pass /api/financial-sherpa/realtime?",
        meaning="GET /api/financial-sherpa/realtime did not succeed when the page was opened.",
        evidence=_PAGE,
        ends=False,
        provoke="open the page and let its request for the configuration fail",
        advice="Please try again in a moment.",
    ),
    FaultRow(
        "user_network.page_incomplete",
        message="The microphone is not ready yet.",
        remedy="The script that records could not be loaded: the gateway, or what serves the page's "
        "files, was away at that moment.",
        meaning="The microphone was allowed, and the worklet's script did not load.",
        evidence=_PAGE,
        ends=False,
        provoke="let the request for the page's capture worklet fail",
        advice="A part of this page did not load. It is tried again.",
    ),
    FaultRow(
        "user_network.away_too_long",
        message="Connection lost — recording full.",
        remedy="The page keeps 45 s of speech while the line is away; more than that is named as lost.",
        meaning="The line was away for longer than the page's ring of unsent speech lasts.",
        evidence=_PAGE,
        ends=False,
        provoke="talk for more than 45 s while the line is cut",
        advice="Please wait: the oldest of what you said is let go.",
    ),
    FaultRow(
        "user_device.microphone_denied",
        message="Microphone is blocked for this site.",
        remedy="The user has to allow it. Over plain http:// no browser gives a microphone: serve with "
        'TLS; in a frame, allow="microphone" is needed.',
        meaning="The browser refused the microphone (NotAllowedError, SecurityError, or an insecure page).",
        evidence=_PAGE,
        ends=False,
        provoke="deny the microphone to the page",
        advice="Allow it beside the address bar, or type instead.",
    ),
    FaultRow(
        "user_device.microphone_missing",
        message="No microphone found.",
        remedy="Nothing to repair here: the user's machine has no microphone, or not the one that was "
        "chosen.",
        meaning="The browser found no microphone that fits (NotFoundError, OverconstrainedError).",
        evidence=_PAGE,
        ends=False,
        provoke="open the page on a machine without a microphone",
        advice="Connect one, or type instead.",
    ),
    FaultRow(
        "user_device.microphone_busy",
        message="The microphone is in use.",
        remedy="Nothing to repair here: another program on the user's machine holds the microphone.",
        meaning="The browser could not open the microphone (NotReadableError, AbortError).",
        evidence=_PAGE,
        ends=False,
        provoke="let another program hold the microphone exclusively",
        advice="Another app holds it. Close that app and try again.",
    ),
    FaultRow(
        "user_device.microphone_lost",
        message="Microphone was unplugged.",
        remedy="Nothing to repair here: the device went away in mid-call; the page goes on when one comes "
        "back.",
        meaning="The microphone's track ended by itself.",
        evidence=_PAGE,
        ends=False,
        provoke="unplug the microphone during a conversation",
        advice="Plug it in again, choose another, or type instead.",
    ),
    FaultRow(
        "user_device.microphone_silent",
        message="We can't hear you.",
        remedy="Nothing to repair here: the microphone is open and gives digital silence: muted by a "
        "switch, or by the system.",
        meaning="The microphone is open and nothing but zeros has come from it for a while.",
        evidence=_PAGE,
        ends=False,
        provoke="mute the microphone in the system's settings",
        advice="Is the microphone muted? You can choose another in Options.",
    ),
    FaultRow(
        "user_device.speaker_locked",
        message="Tap to hear.",
        remedy="Nothing to repair here: begin conversations in the handler of a click, then it does not "
        "happen.",
        meaning="The browser does not play sound before the user has touched the page.",
        evidence=_PAGE,
        ends=False,
        provoke="begin a conversation from a script, without a click",
        advice="Your browser wants a tap before it plays sound.",
    ),
    FaultRow(
        "user_device.slept",
        message="Paused while the computer slept.",
        remedy="Nothing to repair here: the user's machine slept; the page comes back by itself.",
        meaning="The page's clocks jumped by more than a timer can be late.",
        evidence=_PAGE,
        ends=False,
        provoke="let the machine of the page sleep during a conversation",
        advice="Looking for the way back.",
    ),
)

FOUND_BY_PAGE: Final[Mapping[str, str]] = {
    "unavailable": "user_network.gateway_unreachable",
    "lost": "user_network.connection_lost",
    "slow": "user_network.slow",
    "overflowing": "user_network.away_too_long",
    "slept": "user_device.slept",
    "mic_denied": "user_device.microphone_denied",
    "mic_missing": "user_device.microphone_missing",
    "mic_busy": "user_device.microphone_busy",
    "mic_lost": "user_device.microphone_lost",
    "mic_silent": "user_device.microphone_silent",
    "mic_unloaded": "user_network.page_incomplete",
    "speaker_locked": "user_device.speaker_locked",
    "NOT_AUTHORIZED": "application.not_authorized",
    "UNSUPPORTED_MODEL": "application.unsupported_model",
    "REPLACED": "application.replaced",
    "idle": "application.idle",
    "time_limit": "application.time_limit",
}
"""What the page finds without the gateway's word, by its own name for the situation or the end: these faults
it shows in the table's words.
"""
