"""What one caller will say and do, and what will go wrong meanwhile: drawn before anything happens.

What lives here: the lottery.
What never will: time, doing any of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from holdfast.core.events import SessionOptions
from tests.simulation.matrix import CELLS, CUTS, PAIRS, STARTING, At, Fault

TOOLS: Final = ("read", "write", "slow_read", "slow_write", "failing", "hanging", "twice")
"""What a turn may need. `twice`: two calls in one answer."""
IDEMPOTENT: Final = frozenset({"read", "slow_read"})
FRAME_S: Final = 0.1
FINE_FRAME_S: Final = 0.02


@dataclass(slots=True)
class Turn:
    """One thing that the caller says."""

    mark: int
    how: Literal["speech", "text"] = "speech"
    seconds: float = 1.0
    tool: str | None = None
    pause_s: float = 0.5
    """Of silence before it."""
    patience: Literal["answer", "barge", "none"] = "answer"
    """When the next turn may begin: after the answer, in the middle of it, or at once."""
    cancels: bool = False
    """Whether the caller presses escape in the middle of the answer."""
    is_repeated: bool = False
    """Whether the message is sent twice with one event id."""
    words: int = 5
    """How long the answer will be."""


@dataclass(slots=True)
class Mishap:
    """A fault that waits for the session to come to a state."""

    fault: Fault
    state: At
    delay_s: float
    after: Mishap | None = None
    """For the second of a pair: the first must have happened, and the session be on its way back."""
    hit_at: float | None = None


@dataclass(slots=True)
class Script:
    """One caller's life."""

    options: SessionOptions
    turns: list[Turn]
    mishaps: list[Mishap] = field(default_factory=list)
    frame_s: float = FRAME_S
    starts_s: float = 0.0
    ending: Literal["end", "close", "vanish", "goodbye"] = "end"
    away_s: float = 1.0
    """How long an absence lasts."""
    lag_s: float = 0.02
    """How long a message is on its way to the caller."""
    notices_s: float = 0.3
    """How long it takes to see that a connection is dead."""
    speaks_early: bool = False
    """Whether there is audio before `create_session`."""
    chance: Random = field(default_factory=Random)


def draw_turn(chance: Random, mark: int) -> Turn:
    """One turn."""
    kind = chance.random()
    turn = Turn(mark, seconds=chance.choice((0.3, 0.6, 1.0, 1.0, 1.6, 2.6)), pause_s=chance.uniform(0.2, 1.2))
    if kind < 0.15:
        turn.how = "text"
        turn.is_repeated = chance.random() < 0.4
    elif kind < 0.18:
        turn.seconds = chance.uniform(6, 12)
    if chance.random() < 0.25:
        turn.tool = chance.choice(TOOLS)
    turn.patience = chance.choices(("answer", "barge", "none"), (0.75, 0.17, 0.08))[0]
    turn.cancels = turn.patience == "answer" and chance.random() < 0.05
    turn.words = chance.choice((3, 4, 5, 6, 9))
    return turn


def draw_options(chance: Random) -> SessionOptions:
    """What `create_session` asks for."""
    return SessionOptions(
        framing="positioned",
        greet=chance.random() < 0.25,
        turn_detection="manual" if chance.random() < 0.1 else "auto",
        on_loss="stop" if chance.random() < 0.15 else "continue",
        on_return=chance.choices((None, "continue", "skip_to_live", "truncate"), (0.4, 0.3, 0.1, 0.2))[0],
        voice="cedar" if chance.random() < 0.2 else None,
    )


def draw_mishaps(chance: Random) -> list[Mishap]:
    """Nothing, a cell, two cells, or a pair."""
    kind = chance.random()
    if kind < 0.05:
        return []
    if kind < 0.7:
        return [_mishap(chance) for _ in range(1 if kind < 0.5 else 2)]
    first_state, second, second_state = chance.choice(PAIRS)
    first = Mishap(chance.choice(CUTS), first_state, _delay(chance, first_state))
    return [first, Mishap(second, second_state, chance.random() * _SOON[second_state], after=first)]


_OFTEN: Final = {
    **dict.fromkeys(STARTING, 0.3),
    At.ID: 1.0,
    At.US: 1.1,
    At.CM: 1.25,
    At.RS: 1.2,
    At.TR: 1.0,
    At.CL: 1.3,
}
"""How often a cell is drawn, so that all come about equally often: pairs see to the way up, and the longer a
state lasts, the likelier a fault that waits for it finds it.
"""
_WEIGHTS: Final = [_OFTEN[state] for _, state in CELLS]


def _mishap(chance: Random) -> Mishap:
    ((fault, state),) = chance.choices(CELLS, _WEIGHTS)
    return Mishap(fault, state, _delay(chance, state))


_LONGEST: Final = {
    At.CN: 0.1,
    At.WC: 0.08,
    At.WU: 0.05,
    At.ID: 1.0,
    At.US: 1.0,
    At.CM: 0.06,
    At.RS: 0.8,
    At.TR: 0.3,
    At.CL: 0.0,
}
_SOON: Final = {At.CN: 0.02, At.WC: 0.015, At.WU: 0.006}


def _delay(chance: Random, state: At) -> float:
    """How long after the state has come."""
    return chance.random() ** 2 * _LONGEST[state]


def draw(seed: int, number: int) -> Script:
    """A life. `number` counts the sessions of all worlds."""
    chance = Random(f"{seed}/{number}")
    mishaps = draw_mishaps(chance)
    turns = [draw_turn(chance, mark + 1) for mark in range(chance.choice((1, 1, 2, 2, 3, 4)))]
    if any(one.state is At.TR for one in mishaps):
        turns[0].tool = chance.choice(TOOLS[:4])
    absence = chance.random()
    return Script(
        draw_options(chance),
        turns,
        mishaps,
        frame_s=FINE_FRAME_S if number % 10 == 3 else FRAME_S,
        starts_s=chance.uniform(0, 4.0) if chance.random() < 0.7 else 0.0,
        ending=chance.choices(("end", "close", "vanish", "goodbye"), (0.6, 0.2, 0.1, 0.1))[0],
        away_s=chance.uniform(0.05, 1.5)
        if absence < 0.6
        else chance.uniform(1.5, 8)
        if absence < 0.92
        else 45,
        lag_s=chance.choice((0.005, 0.02, 0.08)),
        notices_s=chance.choice((0.0, 0.2, 1.0, 3.0)),
        speaks_early=chance.random() < 0.08,
        chance=chance,
    )
