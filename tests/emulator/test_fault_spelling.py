"""How faults are written: strictly, and with an answer that helps."""

import pytest

from holdfast.cli.emulate import fault_table
from holdfast.emulator import FAULTS, MOMENTS, FaultPlan, FaultSpelling, State, Step, parse_fault
from holdfast.emulator.acts import ACTS

RIGHT = [
    ("slow-handshake:3", ("3",), None),
    ("slow-created:0.05@2", ("0.05",), 2),
    ("silent-updated", (), None),
    ("http:503@1", ("503",), 1),
    ("refuse:insufficient_quota", ("insufficient_quota",), None),
    ("server-error", ("start",), None),
    ("server-error:response", ("response",), None),
    ("server-error:response:1", ("response", "1"), None),
    ("drop:response@1", ("response",), 1),
    ("drop:007", ("7",), None),
    ("close:1011", ("1011", "created", "told"), None),
    ("close:1012:speech", ("1012", "speech", "told"), None),
    ("malformed", ("updated",), None),
    ("stall", ("response",), None),
    (" stall:response ", ("response",), None),
    ("reset:speaking", ("speaking=200",), None),
    ("reset:delta=3@2-5", ("delta=3",), 5),
    ("half-open:idle:0.5@3-", ("idle", "0.5"), None),
    ("late:2", ("2", "committed"), None),
    ("close:1008:tool:expired", ("1008", "tool", "expired"), None),
    ("http:429:quota", ("429", "quota"), None),
    ("http:503:30@1", ("503", "30"), 1),
    ("oversized", ("updated", "23068672"), None),
    ("drop:response@2,times=1,chance=0.25", ("response",), 2),
    ("duplicate:all,chance=1", ("all",), None),
]

WRONG = [
    ("", "there is no fault"),
    ("earthquake", "slow-handshake"),
    ("HTTP:500", "there is no fault"),
    ("http", "http:STATUS"),
    ("http:200", "one of 301"),
    ("http:500:1:2", "this fault is written"),
    ("slow-created:soon", "a number of seconds"),
    ("slow-created:-1", "0 to 3600"),
    ("slow-created:nan", "0 to 3600"),
    ("slow-created:1e9", "0 to 3600"),
    ("drop", "this fault is written"),
    ("drop:later", "the number of a client message"),
    ("drop:0", "the number of a client message"),
    ("close:99", "from 1000 to 4999"),
    ("close:1011:never", "the number of a client message"),
    ("refuse:me", "one of invalid_api_key"),
    ("stall:forever", "one of response"),
    ("duplicate-done:1", "this fault is written"),
    ("http:503@", "a whole number"),
    ("http:503@0", "a whole number"),
    ("http:503@many", "a whole number"),
    ("http:503@1@2", "a whole number"),
    ("drop:²", "the number of a client message"),
    ("drop:delta", "delta=N"),
    ("drop:idle=3", "one of connecting"),
    ("close:1011:connecting", "one of created"),
    ("end-response:quota:tool", "one of begun, response, delta=N"),
    ("end-response:quota:7", "one of begun, response, delta=N$"),
    ("http:429:soon", "a number of seconds, or quota"),
    ("drop:idle@3-2", "a whole number from 3"),
    ("drop:idle@-2", "a whole number"),
    ("drop:idle,often", "neither times=N nor chance=P"),
    ("drop:idle,times=0", "a whole number"),
    ("drop:idle,chance=1.5", "a probability"),
    ("drop:idle,chance=.", "a probability"),
    ("drop:idle,chance=nan", "a probability"),
    ("omit:session.create", "one of session.created"),
]


@pytest.mark.parametrize(("text", "arguments", "connections"), RIGHT)
def test_a_fault_is_read(text: str, arguments: tuple[str, ...], connections: int | None) -> None:
    spec = parse_fault(text)

    assert (spec.arguments, spec.last) == (arguments, connections)
    assert parse_fault(str(spec)) == spec


@pytest.mark.parametrize(("text", "hint"), WRONG)
def test_a_misspelled_fault_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(FaultSpelling, match=hint):
        parse_fault(text)


def test_an_unknown_name_is_answered_with_all_names() -> None:
    with pytest.raises(FaultSpelling) as refused:
        parse_fault("earthquake")

    assert all(name in str(refused.value) for name in FAULTS)


def test_a_range_of_connections_is_counted() -> None:
    plan = FaultPlan.of(["drop:idle@2-3", "drop:tool@3-"])
    seen = [[spec.moment for spec in plan.next_connection().specs] for _ in range(4)]

    assert seen == [[], ["idle"], ["idle", "tool"], ["tool"]]


def test_times_are_counted_over_all_connections() -> None:
    plan = FaultPlan.of(["close:1011:idle,times=2"])
    first, second = plan.next_connection(), plan.next_connection()

    assert [len(list(one.at("idle"))) for one in (first, second, first, second)] == [1, 1, 0, 0]


def test_chance_is_the_same_for_the_same_seed_and_another_for_each_connection() -> None:
    def drawn(seed: int) -> list[list[int]]:
        plan = FaultPlan.of(["malformed:idle,chance=0.5"], seed)
        connections = [plan.next_connection() for _ in range(4)]
        return [[len(list(one.at("idle"))) for _ in range(20)] for one in connections]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    first, *others = drawn(1)
    assert all(first != other for other in others)
    assert 20 < sum(map(sum, drawn(1))) < 60


def test_every_fault_and_every_moment_is_in_the_help() -> None:
    told = fault_table()

    assert [kind.form for kind in FAULTS.values() if kind.form not in told] == []
    assert [moment.form for moment in MOMENTS.values() if moment.form not in told] == []


def test_every_state_of_the_matrix_has_a_moment() -> None:
    assert {moment.state for moment in MOMENTS.values()} == set(State)


def test_every_fault_with_a_moment_can_be_carried_out() -> None:
    assert {name for name, kind in FAULTS.items() if kind.place_of_moment is not None} == set(ACTS)


def test_a_counted_fault_spares_the_connections_after_it() -> None:
    plan = FaultPlan.of(["http:503@2", "stall"])
    seen = [[spec.name for spec in plan.next_connection().specs] for _ in range(3)]

    assert seen == [["http", "stall"], ["http", "stall"], ["stall"]]


def test_a_small_chance_is_spelled_so_that_it_can_be_read_again() -> None:
    spec = parse_fault("drop:idle,chance=0.00001")

    assert parse_fault(str(spec)) == spec
    assert Step(fault="drop:idle", chance=0.00001).spec() == spec
