"""Admission under load: early, steady, without false alarms."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from holdfast.core.overload import (
    CALM_S,
    CHECK_S,
    FIRST_COST,
    RETRY_AFTER_S,
    SETTLE_S,
    STEPS,
    LoadSample,
    Overload,
    Pressure,
)


def sample(busy: float = 0.1, lag_s: float = 0.0, memory: float = 0.3, sessions: int = 10) -> LoadSample:
    return LoadSample(busy, lag_s, memory, sessions)


@dataclass
class Node:
    """A process whose every session costs the same, seen through samples alone."""

    cost: float
    noise: random.Random
    guard: Overload
    admitted: list[float] = field(default_factory=list)
    refused: int = 0
    now: float = 0.0
    talks_after_s: float = 1.0
    cores: float = 1.0
    setup_s: float = 0.0
    """What beginning a session takes of a core."""

    @classmethod
    def of(cls, capacity: int, seed: int, talks_after_s: float = 1.0) -> Node:
        """A node whose sessions cost what is expected, on as much of a core as bears `capacity`."""
        node = cls(
            1 / capacity,
            random.Random(seed),
            Overload(),
            talks_after_s=talks_after_s,
            cores=capacity * FIRST_COST,
        )
        node.check(arrivals=0)
        return node

    def busy(self) -> float:
        talking = sum(self.now - at >= self.talks_after_s for at in self.admitted)
        begun = sum(self.now - at <= CHECK_S for at in self.admitted)
        setting_up = begun * self.setup_s / CHECK_S
        return min(1.0, talking * self.cost * self.noise.uniform(0.9, 1.1) + setting_up)

    def check(self, arrivals: int) -> None:
        for _ in range(arrivals):
            if self.guard.refusal(self.now) is None:
                self.admitted.append(self.now)
            else:
                self.refused += 1
        self.now += CHECK_S
        busy = self.busy()
        lag = 0.0 if busy < 1.0 else 0.2
        self.guard.sample(LoadSample(busy, lag, 0.3, len(self.admitted), self.cores), self.now)


def calm_node() -> Overload:
    guard = Overload()
    for at in range(20):
        guard.sample(sample(), at * CHECK_S)
    return guard


@pytest.mark.parametrize("capacity", [10, 60, 400])
@pytest.mark.parametrize("arrivals", [1, 5, 200])
def test_three_times_the_capacity_leaves_the_processor_below_its_bound(capacity: int, arrivals: int) -> None:
    node = Node.of(capacity, seed=arrivals)
    offered = 0
    while offered < 3 * capacity:
        node.check(arrivals)
        offered += arrivals
    for _ in range(40):
        node.check(1)

    assert 0.5 * capacity <= len(node.admitted) <= 0.85 * capacity
    assert node.refused > 0


def test_a_herd_that_comes_between_two_samples_is_not_let_in_whole() -> None:
    node = Node.of(60, seed=1)
    node.check(arrivals=600)
    assert len(node.admitted) <= 0.75 * 60


def test_a_node_with_room_lets_a_herd_in_within_seconds() -> None:
    node = Node(1 / 3000, random.Random(1), Overload(), talks_after_s=0.0)
    waiting = 500
    while waiting and node.now < 5.0:
        before = len(node.admitted)
        node.check(arrivals=waiting)
        waiting -= len(node.admitted) - before
    assert waiting == 0


def test_sessions_that_are_over_at_once_leave_their_place_to_others() -> None:
    guard = calm_node()
    room = guard.room
    for _ in range(5 * room):
        assert guard.refusal(10.0) is None
        guard.ended(0.1)
    assert guard.room == room


def test_what_short_sessions_took_is_not_laid_at_the_door_of_the_few_that_stay() -> None:
    alone, with_others = calm_node(), calm_node()
    for at in range(12):
        for _ in range(50):
            with_others.ended(10.0)
        for guard in (alone, with_others):
            guard.sample(sample(busy=0.3, sessions=5), 10.0 + at * CHECK_S)
    assert alone.cost > 0.01
    assert with_others.cost < 0.006


def test_one_that_will_only_hear_that_it_cannot_begin_is_refused_for_pressure_alone() -> None:
    guard = calm_node()
    for _ in range(guard.room + 10):
        assert guard.refusal(10.0, begins=False) is None
    assert guard.refusal(10.0) is None
    guard.sample(sample(lag_s=0.2), 10.25)
    guard.sample(sample(lag_s=0.2), 10.5)
    assert guard.refusal(10.5, begins=False) is not None


def test_one_late_sample_refuses_nobody() -> None:
    guard = calm_node()
    assert guard.sample(sample(lag_s=2.0), 10.0) is Pressure.NONE
    assert guard.refusal(10.0) is None


def test_a_loop_that_stays_late_refuses_and_says_why() -> None:
    guard = calm_node()
    guard.sample(sample(lag_s=0.2), 10.0)
    assert guard.sample(sample(lag_s=0.2), 10.25) is Pressure.REFUSE
    refused = guard.refusal(10.3)
    assert refused is not None
    assert refused.code == "gateway.overloaded"
    assert refused.evidence == ("the event loop is 200 ms late",)
    assert refused.retry_after_s == RETRY_AFTER_S


def test_it_is_over_only_after_a_calm_while() -> None:
    guard = calm_node()
    for at in (10.0, 10.25):
        guard.sample(sample(lag_s=0.2), at)
    now = 10.25
    while now < 10.25 + CALM_S:
        now += CHECK_S
        assert guard.sample(sample(), now) is Pressure.REFUSE
    assert guard.sample(sample(), now + CHECK_S) is Pressure.NONE


def test_between_the_two_thresholds_nothing_changes() -> None:
    step = next(step for step in STEPS if step.resource == "loop")
    between = sample(lag_s=(step.enter + step.leave) / 2)
    guard = calm_node()
    for at in range(40):
        assert guard.sample(between, 10.0 + at * CHECK_S) is Pressure.NONE
    for at in range(2):
        guard.sample(sample(lag_s=step.enter), 20.0 + at * CHECK_S)
    for at in range(40):
        assert guard.sample(between, 21.0 + at * CHECK_S) is Pressure.REFUSE


@pytest.mark.parametrize(
    ("memory", "pressure"),
    [
        (0.84, Pressure.NONE),
        (0.85, Pressure.REFUSE),
        (0.92, Pressure.SHED),
        (0.97, Pressure.CLOSE),
        (1.20, Pressure.CLOSE),
    ],
)
def test_memory_has_three_steps(memory: float, pressure: Pressure) -> None:
    guard = calm_node()
    assert guard.sample(sample(memory=memory), 10.0) is pressure
    assert (guard.refusal(10.0) is None) is (pressure is Pressure.NONE)


def test_the_steps_of_memory_are_left_one_by_one() -> None:
    guard = calm_node()
    guard.sample(sample(memory=0.98), 10.0)
    seen = []
    for at in range(60):
        memory = max(0.5, 0.98 - at * 0.01)
        seen.append(guard.sample(sample(memory=memory), 10.25 + at * CHECK_S))
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == set(Pressure)


def test_a_dearer_session_than_expected_is_learned() -> None:
    dear = Node(cost=3 * FIRST_COST, noise=random.Random(3), guard=Overload())
    for _ in range(200):
        dear.check(arrivals=2)
    assert 0.55 <= len(dear.admitted) * dear.cost <= 0.85


def test_what_beginning_costs_is_no_sessions_cost() -> None:
    node = Node(0.001, random.Random(5), Overload(), talks_after_s=0.5, setup_s=0.004)
    for _ in range(16):
        node.check(arrivals=25)
    assert len(node.admitted) > 200
    assert node.guard.cost < 1.4 * FIRST_COST
    for _ in range(4):
        node.check(arrivals=0)
    assert node.guard.room >= 40


def test_after_all_have_gone_as_many_may_come_as_before() -> None:
    node = Node(0.001, random.Random(6), Overload(), talks_after_s=0.0)
    while len(node.admitted) < 500:
        node.check(arrivals=50)
    for busy in (0.9, 0.9, 0.7, 0.4, 0.2):  # what is left of them is let go
        for _ in range(min(150, len(node.admitted))):
            node.admitted.pop()
            node.guard.ended(30.0)
        node.now += CHECK_S
        node.guard.sample(LoadSample(busy, 0.0, 0.3, len(node.admitted)), node.now)
    for _ in range(12):
        node.check(arrivals=0)
    assert node.guard.room > 0.75 / FIRST_COST / 2


def test_who_is_refused_again_and_again_is_no_sessions_cost() -> None:
    guard = Overload()
    for number in range(20):
        for _ in range(100):
            guard.refusal(number * CHECK_S)
        guard.sample(sample(busy=0.35, lag_s=0.2, sessions=10), (number + 1) * CHECK_S)
    assert guard.cost < 1.2 * FIRST_COST


def test_pages_served_are_no_sessions_cost() -> None:
    guard = Overload()
    for at in range(100):
        guard.sample(sample(busy=0.2, sessions=1), at * CHECK_S)
    assert guard.room >= 40


def test_a_new_session_counts_until_its_cost_shows() -> None:
    guard = calm_node()
    room = guard.room
    assert guard.refusal(10.0) is None
    assert guard.room == room - 1
    guard.sample(sample(), 10.0 + SETTLE_S)
    assert guard.room >= room


def test_without_samples_admission_ends() -> None:
    guard = calm_node()
    answers = [guard.refusal(10.0) for _ in range(1_000)]
    refused = answers[-1]
    assert refused is not None
    assert refused.evidence == (f"{answers.index(refused)} sessions have just begun",)


def test_an_hour_without_load_is_an_hour_without_alarm() -> None:
    noise = random.Random(7)
    guard = Overload()
    was_late = False
    for at in range(4 * 3600):
        is_late = not was_late and noise.random() < 0.01
        lag_s = 0.5 if is_late else noise.uniform(0.0, 0.02)
        was_late = is_late
        assert guard.sample(sample(noise.uniform(0.0, 0.6), lag_s, 0.5, 20), at * CHECK_S) is Pressure.NONE


def test_a_quota_leaves_room_for_bursts() -> None:
    held, free = Overload(), Overload()
    for number in range(20):
        now = 0.25 * number
        held.sample(LoadSample(0.55, 0.0, 0.0, 20, cores=0.25), now)
        free.sample(LoadSample(0.55, 0.0, 0.0, 20), now)
    refused = held.refusal(5.0)
    assert refused is not None
    assert "the processor's quota is 55% used" in refused.evidence
    assert free.refusal(5.0) is None


def test_where_few_are_never_refused_no_pressure_is_told() -> None:
    guard = Overload(few=10)
    for number in range(4):
        alone = guard.sample(sample(lag_s=1.0, sessions=9), 10.0 + number * CHECK_S)
    many = guard.sample(sample(lag_s=1.0, sessions=10), 11.0)
    short = guard.sample(sample(memory=0.99, sessions=1), 11.25)

    assert (alone, many, short) == (Pressure.NONE, Pressure.REFUSE, Pressure.CLOSE)
