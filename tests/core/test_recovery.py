"""One session's account, and what a fault says about the endpoint where it was met."""

from __future__ import annotations

import pytest

from holdfast.core.breaker import Trouble
from holdfast.core.faults import FAULTS, fault
from holdfast.core.recovery import Recovery, backoff_s, trouble_of_dial, trouble_of_loss


@pytest.mark.parametrize(
    ("failures", "bound_s"), [(1, 0.25), (2, 0.5), (3, 1.0), (4, 2.0), (5, 4.0), (6, 5.0), (2000, 5.0)]
)
def test_the_delay_is_a_random_share_of_a_bound_that_doubles_up_to_five_seconds(
    failures: int, bound_s: float
) -> None:
    assert backoff_s(failures, 0.0, 0.25, 5.0) == 0.0
    assert backoff_s(failures, 0.5, 0.25, 5.0) == bound_s / 2


def test_a_recovery_remembers_what_it_met_at_each_endpoint() -> None:
    recovery = Recovery(0.0, was_live=True, budget_s=15.0)
    busy = fault("provider.unavailable", retry_after_s=3.0)
    recovery.book(1, busy, 2.0, 0.5, comes_last=True)
    recovery.book(1, fault("provider.unreachable"), 4.0, 0.25, comes_last=False)
    met = recovery.at(1)
    assert (met.failures, met.failed_at, met.not_before, met.told_until) == (2, 4.0, 4.25, 4.0)
    assert met.comes_last
    assert not met.is_refused
    assert recovery.at(0).failures == 0


def test_the_last_dial_leaves_itself_a_second_and_the_first_is_always_allowed() -> None:
    assert Recovery(10.0, was_live=True, budget_s=15.0).last_dial_at == 24.0
    assert Recovery(10.0, was_live=True, budget_s=0.5).last_dial_at == 10.0


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("provider.unreachable", Trouble.FAILING),
        ("provider.unavailable", Trouble.FAILING),
        ("provider.rate_limited", Trouble.THROTTLED),
        ("provider.policy", Trouble.REFUSED),
        ("configuration.invalid_api_key", Trouble.REFUSED),
        ("configuration.no_access", Trouble.REFUSED),
        ("configuration.model_not_found", Trouble.REFUSED),
        ("configuration.quota_exhausted", Trouble.REFUSED),
        ("configuration.tls_certificate", Trouble.REFUSED),
        ("configuration.redirected", Trouble.REFUSED),
        ("configuration.session_refused", None),
        ("gateway.internal", None),
    ],
)
def test_what_a_failed_dial_says_about_its_endpoint(code: str, trouble: Trouble | None) -> None:
    assert trouble_of_dial(fault(code), has_own_wishes=False) is trouble


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("configuration.model_not_found", None),
        ("configuration.no_access", None),
        ("configuration.invalid_api_key", Trouble.REFUSED),
        ("provider.rate_limited", Trouble.THROTTLED),
    ],
)
def test_a_model_that_a_client_chose_is_refused_to_that_client_alone(
    code: str, trouble: Trouble | None
) -> None:
    assert trouble_of_dial(fault(code), has_own_wishes=True) is trouble


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("provider.server_error", None),
        ("provider.closed", None),
        ("provider.connection_lost", None),
        ("provider.policy", None),
        ("provider.rate_limited", Trouble.THROTTLED),
        ("configuration.quota_exhausted", Trouble.REFUSED),
        ("configuration.invalid_api_key", Trouble.REFUSED),
    ],
)
def test_what_the_end_of_a_live_link_says_about_its_endpoint(code: str, trouble: Trouble | None) -> None:
    assert trouble_of_loss(fault(code), has_own_wishes=False) is trouble


def test_every_fault_of_the_table_has_an_answer() -> None:
    for code in FAULTS:
        trouble_of_dial(fault(code), has_own_wishes=False)
        trouble_of_loss(fault(code), has_own_wishes=True)
