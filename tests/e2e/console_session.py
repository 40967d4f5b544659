"""What a gateway could tell the console of one session, of what was wrong with it, and of its own set-up.

What lives here: documents in the API's form. What never will: the list of sessions (`console_scenes.py`).
"""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.console_scenes import PARTS_MS, REFUSED, SEGMENTS
from tests.e2e.talk import Json


def session(row: Json) -> Json:
    """A conversation in which much happens: three turns, a tool, an interruption, an upstream that dies."""
    lines: list[Json] = []

    def mark(t_ms: int, lane: str, kind: str, text: str, lasts: int | None = None, **data: Any) -> None:
        entry = {"n": len(lines) + 1, "t_ms": t_ms, "lane": lane, "kind": kind, "text": text, "data": data}
        lines.append(entry if lasts is None else {**entry, "durationMs": lasts})

    mark(0, "client", "began", "A browser began the session.", client="holdfast-client 0.1.0")
    mark(640, "upstream", "live", "openai is live.", dial_ms=590, session="sess_C8aQ1")
    turns = []
    at = 2_000
    for number, (spoken, answered) in enumerate(
        [(2_400, 6_100), (3_100, 2_300), (1_900, 7_400), (2_800, 5_200)], 1
    ):
        mark(at, "user", "turn", f"The user spoke in turn {number}.", spoken)
        scale = 1 + 0.4 * (number % 3)
        lengths = [round(ms * scale) for ms in PARTS_MS]
        parts = [{"name": name, "ms": ms} for name, ms in zip(SEGMENTS, lengths, strict=True)]
        silence = sum(lengths)
        end = at + spoken
        if number == 3:
            mark(
                end + 300,
                "tool",
                "tool",
                "get_contract looked the contract up.",
                420,
                call_id="call_9f",
                ok=True,
            )
            mark(end + 500, "upstream", "lost", "The upstream's socket broke.", generation=1, close_code=1006)
            mark(
                end + 510,
                "fault",
                "fault",
                "provider.connection_lost: the connection broke without a close frame.",
                code="provider.connection_lost",
                party="provider",
                evidence="ECONNRESET after 18.2 s",
            )
            mark(
                end + 900,
                "upstream",
                "rebuilt",
                "A fresh upstream was told the conversation.",
                items=5,
                audio_ms=1_900,
            )
        mark(
            end + silence,
            "assistant",
            "answer",
            f"The assistant answered turn {number}.",
            answered,
            response=f"resp_{number}",
        )
        if number == 2:
            mark(
                end + silence + answered,
                "assistant",
                "interrupted",
                "The user interrupted after 2.3 s.",
                heard_ms=2_300,
            )
        turn = {
            "n": number,
            "began_ms": at,
            "endedMs": end,
            "silenceMs": silence,
            "segments": parts,
            "cost_usd": 0.0131,
            "responseIds": [f"resp_{number}"],
        }
        turns.append({**turn, "interruptedAfterMs": 2_300} if number == 2 else turn)
        at = end + silence + answered + 1_200
    mark(at, "client", "away", "The browser's line broke.", close_code=1006)
    mark(at + 1_700, "loss", "loss", "340 ms of what the user said were lost.", 340, samples=8_160)
    mark(at + 2_100, "client", "back", "The browser came back and went on.", resumed=True)
    lines.sort(key=lambda line: line["t_ms"])
    return {
        "at": row["beganAt"] + at + 2_400,
        "row": row,
        "timeline": lines,
        "turns": turns,
        "levels": [
            {"t_ms": second * 1_000, "in": 1, "out": 0.5, "held_ms": 1_900 if 15 <= second <= 17 else 0}
            for second in range(at // 1_000)
        ],
        "providerSessions": ["sess_C8aQ1kZb2", "sess_C8aR77pLx"],
        "transcript": [
            {"t_ms": 2_000, "who": "user", "text": "When is my next payment due?"},
            {"t_ms": 5_400, "who": "assistant", "text": "Your next payment of 412 euros is due on Monday."},
        ],
        "cost": {"total_usd": 0.0684, "rebuilt_usd": 0.0042, "wasted_usd": 0.0031, "estimated": False},
        "verdict": {
            "sentence": "The provider's connection broke in turn 3; no word was lost, the answer came late.",
            "party": "provider",
            "code": "provider.connection_lost",
        },
        "hasRecording": True,
        "truncated": False,
    }


EXPLANATION: Final[Json] = {
    "sentence": "The provider's connection broke in turn 3 without a close frame; it was rebuilt.",
    "party": "provider",
    "code": "provider.connection_lost",
    "evidence": [
        "0:18.2 the upstream's socket ended with 1006, generation 1",
        "0:18.6 a fresh upstream was configured and told 5 items",
        "no other session on openai was lost in the same minute",
    ],
    "ranked": [
        {
            "code": "provider.connection_lost",
            "party": "provider",
            "weight": 86,
            "evidence": ["close code 1006"],
        },
        {
            "code": "gateway.overloaded",
            "party": "gateway",
            "weight": 9,
            "sentence": "The loop was late once.",
            "evidence": ["loop lag 41 ms at 0:17.9"],
        },
        {
            "code": "user_network.lost",
            "party": "user_network",
            "weight": 5,
            "evidence": ["browser away for 2.1 s"],
        },
    ],
    "next": "Nothing now. If it happens more than once an hour, quote the session ids to the provider's "
    "support, or put a second upstream in the list with `holdfast doctor --deep` to try it.",
    "support": {
        "text": "Session sess_C8aQ1kZb2 (gpt-realtime-2.1)\n"
        "2026-11-22T08:14:03Z the socket broke without a close frame\n"
        "Request id req_7f21; client ECONNRESET after 18.2 s"
    },
}

CHECKS: Final[Json] = {
    "checks": [
        {"id": "settings", "name": "Settings", "status": "ok", "ms": 2.1, "detail": "41 settings, all known"},
        {
            "id": "api_key",
            "name": "API key",
            "status": "failed",
            "ms": 0.2,
            "detail": "OPENAI_API_KEY is empty",
            "fault": {
                **REFUSED,
                "remedy": "Set it, then check: `export OPENAI_API_KEY=…`, `holdfast doctor --deep`.",
            },
        },
        {
            "id": "descriptors",
            "name": "File descriptors",
            "status": "warning",
            "ms": 0.1,
            "detail": "1024 are allowed: enough for 330 sessions",
            "remedy": "Raise the limit before the gateway starts: `ulimit -n 65536`.",
        },
        {"id": "web", "name": "Web client", "status": "ok", "ms": 0.4, "detail": "built, 97.9 kB"},
        {
            "id": "upstream",
            "name": "Upstream",
            "status": "skipped",
            "ms": 0.0,
            "detail": "needs the API key; then `holdfast doctor --upstream openai` asks it",
        },
    ]
}
