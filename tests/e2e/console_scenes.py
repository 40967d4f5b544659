"""What a gateway could tell the console: rows, faults, latencies, one session with everything in it.

What lives here: documents in the API's form, made from a seed.
What never will: a server (`console_stage.py`).
"""

from __future__ import annotations

import random
from typing import Any, Final

from tests.e2e.talk import Json

WELL: Final = {
    "microphone": "good",
    "network": "good",
    "gateway": "good",
    "upstream": "good",
    "speaker": "good",
}
UPSTREAMS: Final = (
    {"name": "openai", "kind": "openai", "model": "gpt-realtime-2.1"},
    {"name": "azure-sweden", "kind": "azure", "model": "gpt-realtime-mini"},
    {"name": "local", "kind": "local", "model": "holdfast-local"},
)
SEGMENTS: Final = ("uplink", "endpointing", "thinking", "gateway", "downlink", "playback_buffer")
PARTS_MS: Final = (38, 412, 486, 3, 31, 84)

STALLED: Final = {
    "code": "provider.stalled",
    "party": "provider",
    "message": "The answer doesn't come, or doesn't go on. Ask again if it stays silent.",
    "remedy": "The provider sent nothing for a response that it owed: see its status page.",
    "evidence": ["no event for 8.0 s", "response resp_Dk2 was in progress"],
}
REFUSED: Final = {
    "code": "configuration.invalid_api_key",
    "party": "configuration",
    "message": "The voice service isn't set up correctly.",
    "remedy": "The provider refused the API key: set the right one, then run `holdfast doctor --deep`.",
    "evidence": ["HTTP 401", "invalid_request_error.invalid_api_key"],
}
DEAF: Final = {
    "code": "user_device.microphone_silent",
    "party": "user_device",
    "message": "The microphone sends silence.",
    "remedy": "Ask the user to choose another microphone.",
    "evidence": ["level below -70 dB for 20 s"],
}


def row(number: int, at: int, *, seed: int = 1, **changed: Any) -> Json:
    """A session that goes well, or as `changed` says."""
    chance = random.Random(f"{seed} {number}")
    began = at - chance.randrange(5_000, 1_500_000)
    usual = {
        "id": f"s-{number:04d}-{chance.randrange(16**4):04x}",
        "source": chance.choice(["browser", "browser", "realtime", "call"]),
        "customer": f"C-…{chance.randrange(100):02d}",
        "upstream": UPSTREAMS[chance.randrange(3)],
        "state": "live",
        "phase": "listening",
        "beganAt": began,
        "turns": (at - began) // 14_000,
        "attention": chance.randrange(0, 15),
        "why": "All well.",
        "health": WELL,
        "lastIn_ms": 0,
        "lastOut_ms": chance.randrange(200, 9_000),
        "silence_ms": chance.randrange(700, 1_400),
        "cost_usd": round((at - began) / 60_000 * 0.06, 4),
        "faults": 0,
    }
    return {**usual, **changed}


def troubled(at: int) -> list[Json]:
    """Rows of which some need somebody."""
    fault = {**STALLED, "at": at - 4_000}
    return [
        row(
            1,
            at,
            beganAt=at - 51_000,
            turns=4,
            attention=92,
            state="recovering",
            faults=2,
            lastFault=fault,
            lastOut_ms=9_400,
            why="The upstream went silent in the middle of an answer; it is dialled for the second time.",
            health={**WELL, "upstream": "bad"},
        ),
        row(
            2,
            at,
            attention=81,
            state="ended",
            endedAt=at - 20_000,
            faults=1,
            lastFault={**REFUSED, "at": at - 21_000},
            why="The provider refuses the API key, so nobody gets a conversation on openai.",
            turns=0,
            cost_usd=0,
            silence_ms=None,
            health={**WELL, "upstream": "bad", "microphone": "none", "speaker": "none"},
        ),
        row(
            3,
            at,
            attention=64,
            source="browser",
            faults=1,
            lastFault={**DEAF, "at": at - 9_000},
            why="The user's microphone has sent silence for 20 seconds.",
            health={**WELL, "microphone": "bad"},
        ),
        row(
            4,
            at,
            attention=38,
            why="The user's line is slow: 640 ms there and back.",
            health={**WELL, "network": "unsure"},
        ),
        row(
            5,
            at,
            attention=27,
            state="away",
            lastIn_ms=31_000,
            why="The user is away, and may come back until 14:07.",
            health={**WELL, "network": "unsure", "speaker": "none"},
        ),
        row(
            6,
            at,
            source="realtime",
            costEstimated=True,
            health={**WELL, "microphone": "none", "speaker": "none"},
        ),
        *(row(number, at) for number in range(7, 36)),
        *(
            row(number, at, state="ended", endedAt=at - 5_000 * number, attention=0, why="Ended by the user.")
            for number in range(36, 42)
        ),
    ]


def calm(at: int) -> list[Json]:
    return [row(number, at) for number in range(1, 13)]


def crowd(at: int, many: int = 1_000) -> list[Json]:
    """A full house; a few of it in trouble."""
    return [*troubled(at), *(row(number, at) for number in range(42, many + 1))]


def faults(at: int, rows: list[Json]) -> list[Json]:
    """An hour of faults, the oldest first."""
    chance = random.Random(7)
    kinds = [STALLED, STALLED, STALLED, REFUSED, DEAF]
    times = sorted(at - chance.randrange(0, 3_600_000) for _ in range(36))
    told = []
    for number, when in enumerate(times, 1):
        kind = chance.choice(kinds)
        session = chance.choice(rows)["id"] if rows else "s-0001"
        ended = kind is REFUSED
        told.append(
            {"id": number, "at": when, "session": session, "upstream": "openai", "ended": ended, **kind}
        )
    return told


def latency(at: int, rows: list[Json]) -> Json:
    """What users waited for, for an hour."""
    chance = random.Random(3)
    usual = dict(zip(SEGMENTS, PARTS_MS, strict=True))
    slow = {**usual, "thinking": 1_310, "endpointing": 730}
    counts = [0, 0, 3, 41, 212, 318, 160, 74, 31, 17, 9, 4, 2, 1]
    ids = [each["id"] for each in rows] or ["s-0001"]
    return {
        "segments": list(SEGMENTS),
        "p50": {**usual, "total": sum(usual.values())},
        "p95": {**slow, "total": sum(slow.values())},
        "series": [
            {
                "at": at - 60_000 * ago,
                "p50": 1_020 + chance.randrange(120),
                "p95": 1_900 + chance.randrange(500),
                "p99": 2_700 + chance.randrange(1_400),
                "turns": chance.randrange(8, 20),
            }
            for ago in range(59, -1, -1)
        ],
        "histogram": [
            {
                "fromMs": 200 * at_bucket,
                "toMs": 200 * (at_bucket + 1) if at_bucket < 13 else None,
                "count": count,
                "examples": [
                    {"session": chance.choice(ids), "turn": 1 + at_turn} for at_turn in range(min(count, 5))
                ],
            }
            for at_bucket, count in enumerate(counts)
        ],
        "turns": sum(counts),
        "sides": "browser",
        "leftOut": 12,
    }


COST: Final = {
    "currency": "USD",
    "today": 41.37,
    "perMinute": 0.64,
    "rebuilt": 0.52,
    "wasted": 2.81,
    "estimated": True,
}


def gateway(sessions: int, **changed: Any) -> Json:
    usual = {
        "version": "0.6.0",
        "uptimeS": 93_725,
        "state": "serving",
        "loopLagMs": 1.8,
        "cpu": 0.31,
        "sessions": sessions,
        "load": "none",
        "workers": 1,
    }
    return {**usual, **changed}


def snapshot(at: int, rows: list[Json], **changed: Any) -> Json:
    """What a watcher is told first."""
    running = sum(each["state"] != "ended" for each in rows)
    usual = {
        "at": at,
        "gateway": gateway(running),
        "rows": rows,
        "faults": faults(at, rows) if rows else [],
        "cost": COST if rows else None,
        "latency": latency(at, rows) if rows else None,
    }
    return {**usual, **changed}
