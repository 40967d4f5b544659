"""Which faults only the page can find; `test_found.py` provokes each in a browser."""

from __future__ import annotations

from typing import Final

PAGE_SCENARIOS: Final = (
    "application.replaced",
    "user_network.gateway_unreachable",
    "user_network.page_incomplete",
    "user_network.away_too_long",
    "user_device.microphone_denied",
    "user_device.microphone_missing",
    "user_device.microphone_busy",
    "user_device.microphone_lost",
    "user_device.microphone_silent",
    "user_device.speaker_locked",
    "user_device.slept",
)
