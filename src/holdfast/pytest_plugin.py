"""The pytest fixture `realtime_upstream`: `pytest_plugins = ["holdfast.pytest_plugin"]` in a conftest.

What lives here: the fixture and its marker. What never will: the upstream itself (`testing`).

It is no entry point: a fixture that everybody gets who has installed Holdfast would be a surprise.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.testing import RealtimeUpstream

MARKER = "realtime_upstream(**options): options of the emulated Realtime upstream, such as speed=0"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def realtime_upstream(request: pytest.FixtureRequest) -> Iterator[RealtimeUpstream]:
    """An OpenAI Realtime upstream on this machine, to break as the test wants.

    Options of `EmulatorOptions` come from `@pytest.mark.realtime_upstream(speed=0, script=[...])`.
    """
    marker = request.node.get_closest_marker("realtime_upstream")
    with RealtimeUpstream(**(marker.kwargs if marker is not None else {})) as upstream:
        yield upstream
