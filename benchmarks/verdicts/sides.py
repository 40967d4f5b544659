"""Who gives a verdict: the doctor, a page's session, a session behind `/v1/realtime`.

What lives here: one run for each of them. What never will: the truth.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

from picows import WSError

from benchmarks.verdicts.acts import ACTS, LIMITS, bad_way
from benchmarks.verdicts.caller import (
    BREATH_S,
    READY_S,
    Caller,
    speech_of,
    talk_as_client,
    talk_as_page,
    verdict_of_client,
    verdict_of_page,
)
from benchmarks.verdicts.house import Door, Run, gateway, settings, upstream
from benchmarks.verdicts.truth import HEALTHY
from holdfast.config import Settings
from holdfast.diagnosis import Approach, Report
from holdfast.examination.examination import Examination, Wish

PACES: Final = (0.0, 8.0)


async def doctor(run: Run) -> str:
    """`holdfast doctor` before the faulty upstream."""
    async with upstream(run, run.faults) as emulator:
        with settings(emulator.http_base) as of:
            approach = Approach(pace=run.chance.choice(PACES), speech_s=0.8)
            report = await Examination(Wish(approach=approach), of).run()
    return _worst(report)


async def page(run: Run) -> str:
    """A session of the browser protocol."""
    async with upstream(run, run.faults) as emulator:
        with settings(emulator.http_base) as of:
            async with gateway(of) as door:
                caller = await Caller.connect(f"ws://{door.authority}/api/openai/realtime")
                await talk_as_page(caller, run.chance, speech_of(is_voiced=run.case.is_voiced))
                verdict = verdict_of_page(caller, door.seen)
                caller.transport.disconnect(graceful=False)
    return verdict


async def client(run: Run) -> str:
    """A session of the dialect."""
    async with upstream(run, run.faults) as emulator:
        with settings(emulator.http_base) as of:
            async with gateway(of) as door:
                url = f"ws://{door.authority}/v1/realtime?model=gpt-realtime-2.1"
                try:
                    caller = await Caller.connect(url)
                except WSError as error:
                    return f"refused: {error}"
                await talk_as_client(caller, run.chance, speech_of(is_voiced=run.case.is_voiced))
                verdict = verdict_of_client(caller, door.seen)
                caller.transport.disconnect(graceful=False)
    return verdict


async def misbehaving(run: Run) -> str:
    """A page that misbehaves, or whose network does: what it is told, or what was seen of it."""
    async with _after_the_act(run) as (door, caller, _):
        return verdict_of_page(caller, door.seen)


async def looked_at(run: Run) -> str:
    """`holdfast doctor --session` for the session of a page that misbehaves."""
    async with _after_the_act(run) as (door, caller, of):
        if not caller.of("session_created"):  # it spoke too early
            caller.say("create_session")
            await caller.until(lambda: bool(caller.of("session_ready")), READY_S)
        await asyncio.sleep(BREATH_S)
        session = caller.of("session_created")[0]["sessionId"]
        return _worst(await Examination(Wish(session=session, url=door.address), of).run())


@contextlib.asynccontextmanager
async def _after_the_act(run: Run) -> AsyncIterator[tuple[Door, Caller, Settings]]:
    """A page has misbehaved, its session is there yet."""
    async with upstream(run, []) as emulator:
        with settings(emulator.http_base, LIMITS.get(run.case.spelling)) as of:
            async with gateway(of) as door:
                caller = await Caller.connect(f"ws://{door.authority}/api/openai/realtime")
                await ACTS[run.case.spelling](door, caller)
                yield door, caller, of
                caller.transport.disconnect(graceful=False)


async def from_outside(run: Run) -> str:
    """`holdfast doctor --url` through a network that breaks."""
    async with upstream(run, []) as emulator:
        with settings(emulator.http_base) as of:
            async with (
                gateway(of) as door,
                bad_way(run.case.spelling, door, run.chance.randrange(1, 400)) as url,
            ):
                return _worst(await Examination(Wish(url=url), of).run())


def _worst(report: Report) -> str:
    worst = report.verdict
    return HEALTHY if worst is None or worst.fault is None else worst.fault.code


SIDES: Final[Mapping[str, Callable[[Run], Awaitable[str]]]] = {
    "doctor": doctor,
    "page": page,
    "client": client,
    "misbehaving": misbehaving,
    "looked at": looked_at,
    "from outside": from_outside,
}
"""By the names of the columns."""
