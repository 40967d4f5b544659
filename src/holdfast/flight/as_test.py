"""A recording as a test: a module for pytest that fails when the gateway decides otherwise.

What lives here: the module's text.
What never will: writing it; deciding which decision is the right one. It holds to what was recorded.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

from holdfast.flight.reading import faults
from holdfast.flight.replay import Replay

FAULTS_MAX: Final = 3
"""Of the steps in which a fault was met: so many are written out, so that a change is seen in review."""

_MODULE: Final = '''"""What the gateway decided in a session of {day}, recorded for {why}.

Made by `holdfast replay --test`: it fails when a decision changes. The recording lies beside it, without
audio, words and names. Holdfast {version} recorded it.
"""

from __future__ import annotations

from pathlib import Path

from holdfast.flight import replay_file

RECORDING = Path(__file__).with_name({name})
"""Session {session}: {count} steps."""


def test_every_decision_is_the_recorded_one() -> None:
    walked = replay_file(RECORDING)
    assert [(one.step.step, one.step.name, one.differs) for one in walked.differences] == []
    assert not walked.stopped
'''

_OF_A_FAULT: Final = '''

def test_what_follows_{label}() -> None:
    """{name}, {evidence}."""
    assert replay_file(RECORDING).decisions({step}) == {decisions}
'''


def as_test(replay: Replay, name: str) -> str:
    """The module. `name` is the recording's file, which lies beside it."""
    recording = replay.recording
    header = recording.header
    day = datetime.fromtimestamp(header.written, UTC).strftime("%d %B %Y, %H:%M UTC")
    text = _MODULE.format(
        day=day,
        why=header.why,
        name=json.dumps(name),
        version=header.version,
        session=header.session,
        count=len(recording.steps),
    )
    walked = {one.step.step: one.step for one in replay.walked}
    met = {one.step: one for one in reversed(faults(recording)) if one.step in walked}
    for number in sorted(met)[:FAULTS_MAX]:
        text += _OF_A_FAULT.format(
            label=f"{met[number].code.replace('.', '_')}_in_step_{number}",
            name=walked[number].name,
            evidence=met[number].code,
            step=number,
            decisions=_listed(replay.decisions(number)),
        )
    return text


def _listed(decisions: list[str]) -> str:
    lines = "".join(f"        {json.dumps(one, ensure_ascii=False)},\n" for one in decisions)
    return f"[\n{lines}    ]"
