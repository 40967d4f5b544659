"""Work-arounds, tried when something failed: which of them helps, and how to have it always.

What lives here: the table of work-arounds (brief, A18 and A19) and trying them one after the other.
What never will: deciding for a running session (`core.links` does, by `workarounds` of the settings).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.core.effects import Manner
from holdfast.core.faults import Fault, Party
from holdfast.core.limits import Limits
from holdfast.core.models import fallback_of
from holdfast.diagnosis import Answer, Approach, Check, Trace, Visit, Workaround
from holdfast.diagnosis.checks import Status, Told
from holdfast.ports import UpstreamDialer

WAIT_S: Final = 2.0
WAIT_MAX_S: Final = 30.0
STEPS: Final[Sequence[str]] = (
    "handshake",
    "admission",
    "created",
    "updated",
    "text",
    "audio_in",
    "audio_out",
    "tool",
    "conduct",
)
_ABOUT_THE_MODEL: Final = frozenset({"configuration.model_not_found", "configuration.no_access"})


@dataclass(frozen=True, slots=True)
class _Way:
    """A row of the table."""

    id: str
    name: str
    setting: str
    may_help: Callable[[Fault], bool]
    approach: Callable[[Approach, UpstreamDialer], Approach]
    waits: bool = False


def _is_theirs(cause: Fault) -> bool:
    return cause.row.party is Party.PROVIDER


def _other_model(approach: Approach, dialer: UpstreamDialer) -> Approach:
    return replace(approach, query={**approach.query, "model": fallback_of(dialer.traits.model)})


WAYS: Final = (
    _Way("wait", "waiting, then trying again", "", _is_theirs, lambda one, _: one, waits=True),
    _Way(
        "minimal_audio",
        "minimal audio: the session first, a little audio only after proof of life",
        f'workarounds = ["plain", "{Manner.MINIMAL_AUDIO}"]',
        _is_theirs,
        lambda one, _: replace(one, proves_life=True, speech_s=0.6),
    ),
    _Way(
        "slower_audio",
        "slower audio: half as fast as it is spoken",
        f'workarounds = ["plain", "{Manner.PACED_AUDIO}"]',
        _is_theirs,
        lambda one, _: replace(one, pace=one.pace / 2 or 0.5),
    ),
    _Way(
        "other_model",
        "another model",
        f'workarounds = ["plain", "{Manner.OTHER_MODEL}"], or `model` of the upstream',
        lambda cause: _is_theirs(cause) or cause.code in _ABOUT_THE_MODEL,
        _other_model,
    ),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is visited, and how he was visited when it failed."""

    dialer: UpstreamDialer
    limits: Limits
    approach: Approach


async def try_ways(
    stem: str, subject: Subject, cause: Fault, told: Told
) -> tuple[list[Workaround], list[Trace]]:
    """Each that may help, from the cheapest on."""
    done: list[Workaround] = []
    traces: list[Trace] = []
    loop = asyncio.get_running_loop()
    for way in WAYS:
        if not way.may_help(cause):
            continue
        began = loop.time()
        if way.waits:
            await asyncio.sleep(min(cause.retry_after_s or WAIT_S, WAIT_MAX_S))
        tried = way.approach(subject.approach, subject.dialer)
        visit = Visit(subject.dialer, subject.limits, tried)
        failure = await _whole(visit)
        traces.append(visit.trace)
        name = f"{way.name} ({tried.query['model']})" if "model" in tried.query else way.name
        helps = failure is None
        detail = "helps" if failure is None else f"does not help: {_told(failure)}"
        done.append(Workaround(way.id, name, helps, detail, way.setting))
        answer = Answer.ok(detail) if helps else Answer.warning(detail)
        told(Check(f"{stem}.deep.{way.id}", f"try {way.id}", answer, (loop.time() - began) * 1000))
    return done, traces


async def _whole(visit: Visit) -> Answer | None:
    """All steps; the first failure, None when there is none."""
    try:
        for name in STEPS:
            step: Callable[[], Awaitable[Answer]] = getattr(visit, name)
            answer = await step()
            if answer.status is Status.FAILED:
                return answer
    finally:
        await visit.leave()
    return None


def _told(failure: Answer) -> str:
    return failure.fault.code if failure.fault is not None else failure.detail
