"""Lines come out whole, structured, clean, and never make anybody wait."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from holdfast.telemetry import MOMENTS, TALLY, Logs, configure
from holdfast.telemetry.logs import QUEUE_LINES_MAX, LineWriter
from holdfast.telemetry.redaction import FIELD_BYTES_MAX

CANARY = "sk-proj-CANARY0123456789abcdef"


def _refuse(words: str) -> None:
    raise PermissionError(words)


Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logs() -> Iterator[tuple[Logs, Read]]:
    stream = io.StringIO()
    configured = configure(as_json=True, level="debug", secrets=["a configured secret"], stream=stream)

    def read() -> list[dict[str, Any]]:
        configured.close()
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield configured, read
    configured.close()
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def test_a_line_has_category_source_and_metadata(logs: tuple[Logs, Read]) -> None:
    structlog.get_logger().info("session.ready", category="session", source="runtime", session_id="s1", ms=12)

    (line,) = logs[1]()

    assert line["event"] == "session.ready"
    assert (line["category"], line["source"], line["level"]) == ("session", "runtime", "info")
    assert line["metadata"] == {"session_id": "s1", "ms": 12}
    assert line["timestamp"].endswith("Z")


def test_what_libraries_log_comes_the_same_way(logs: tuple[Logs, Read]) -> None:
    logging.getLogger("uvicorn.error").warning("refused %s", CANARY)

    (line,) = logs[1]()

    assert (line["category"], line["source"], line["level"]) == ("library", "uvicorn.error", "warning")
    assert "CANARY" not in json.dumps(line)


def test_what_a_library_logs_badly_is_a_line_and_no_error(
    logs: tuple[Logs, Read], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    root, strange = logging.getLogger(), logging.getLogger("strange")
    ours = [one for one in root.handlers if not isinstance(one, type(caplog.handler))]
    monkeypatch.setattr(root, "handlers", ours)  # pytest's own raise for such a line
    strange.warning("%(name)s", {"other": 1})
    strange.warning("%d", "no number")
    strange.log(logging.WARNING + 5, "between two levels")

    lines = logs[1]()

    assert [line["event"] for line in lines] == ["%(name)s", "%d", "between two levels"]
    assert {line["level"] for line in lines} == {"warning"}


def test_no_way_in_lets_the_canary_out(logs: tuple[Logs, Read]) -> None:
    logger = structlog.get_logger().bind(api_key=CANARY)
    event = f"event {CANARY}"
    logger.info(event, category=CANARY, source=CANARY, nested={"a": [CANARY]}, metadata={"b": CANARY})
    try:
        _refuse(f"a configured secret and {CANARY}")
    except PermissionError:
        logger.exception("session.failed", category="session", source="test")
        logging.getLogger("strange").exception("also")

    lines = logs[1]()

    assert len(lines) == 3
    assert CANARY[-10:] not in json.dumps(lines)
    assert "PermissionError" in lines[1]["metadata"]["exception"]
    assert "PermissionError: a configured secret" not in json.dumps(lines)


def test_people_get_one_readable_line() -> None:
    stream = io.StringIO()
    configured = configure(as_json=False, stream=stream)
    structlog.get_logger().warning("audio.before_session", category="audio", source="runtime", kept_ms=40)
    structlog.get_logger().debug("below the threshold")
    configured.close()
    structlog.reset_defaults()

    (line,) = stream.getvalue().splitlines()
    assert "warning audio.before_session [audio/runtime] kept_ms=40" in line


class CountingStream(io.StringIO):
    """A stream that knows how often it was written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def test_what_comes_at_once_is_written_at_once() -> None:
    """Each write takes the interpreter away from those who speak."""
    stream = CountingStream()
    writer = LineWriter(stream)
    lines = [f"line {number}" for number in range(1_000)]

    for line in lines:
        writer.write(line)
    writer.close()

    assert stream.getvalue().splitlines() == lines
    assert stream.writes < 20


def test_a_line_does_not_wait_for_the_next() -> None:
    stream = StalledStream()
    writer = LineWriter(stream)
    writer.write("the only one")

    assert stream.reached.wait(10)
    stream.let_go.set()
    writer.close()


class StalledStream(io.StringIO):
    """A stream whose reader has stopped, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.let_go.wait(10)
        return super().write(text)


def test_a_stalled_stream_drops_lines_by_count_and_says_so() -> None:
    stream = StalledStream()
    writer = LineWriter(stream, lines_max=2)
    writer.write("first")
    assert stream.reached.wait(10)

    for number in range(5):
        writer.write(f"line {number}")
    dropped = writer.dropped
    stream.let_go.set()
    writer.close()

    assert dropped == 3
    assert stream.getvalue().splitlines() == ["first", "line 0", "line 1", "3"]


@pytest.mark.parametrize("as_json", [True, False])
def test_that_lines_were_dropped_is_a_line_like_any_other(*, as_json: bool) -> None:
    stream = StalledStream()
    logs = configure(as_json=as_json, stream=stream)
    before = TALLY.moments["log.dropped"]
    logger = structlog.get_logger()
    logger.info("session.ready", category="session", source="test")
    assert stream.reached.wait(10)
    for _ in range(QUEUE_LINES_MAX + 7):
        logger.info("session.ready", category="session", source="test")
    stream.let_go.set()
    logs.close()
    structlog.reset_defaults()

    last = stream.getvalue().splitlines()[-1]
    if as_json:
        line = json.loads(last)
        assert (line["event"], line["level"], line["category"]) == ("log.dropped", "warning", "server")
        assert line["metadata"] == {"dropped": 7}
    else:
        assert re.fullmatch(r"[\d:.]{12} warning log.dropped \[server/telemetry\] dropped=7", last)
    assert TALLY.moments["log.dropped"] == before + 1


def test_of_a_long_traceback_the_line_says_what_was_raised(logs: tuple[Logs, Read]) -> None:
    """With its secrets out of it, wherever the cut goes."""
    _, read = logs

    def fall(depth: int) -> None:
        if depth:
            try:
                fall(depth - 1)
            except ValueError as error:
                raise ValueError(f"at {depth} {CANARY}") from error
        raise ValueError("the first of all")

    try:
        fall(60)
    except ValueError:
        structlog.get_logger().exception("http.failed", category="http", source="test")
    (line,) = read()

    told = line["metadata"]["exception"]
    assert "ValueError: at 60" in told[-60:]
    assert len(told.encode()) < 2 * FIELD_BYTES_MAX
    assert CANARY[-10:] not in told


def test_a_closed_stream_ends_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    writer = LineWriter(stream)

    writer.write("into the void")
    writer.close()
    writer.close()

    assert writer.dropped == 1


def test_the_key_moments_of_the_original_are_promised() -> None:
    connecting, opened, created, ready = (
        "upstream.connecting",
        "upstream.opened",
        "upstream.created",
        "session.ready",
    )
    bad = {"audio.before_session", "upstream.reconnecting", "session.failed"}

    assert {connecting, opened, created, ready} | bad <= set(MOMENTS)
    assert all(event == moment.event for event, moment in MOMENTS.items())


def test_every_promised_moment_is_logged_somewhere(project: Path) -> None:
    source = project / "src" / "holdfast"
    rooms = [path for path in source.rglob("*.py") if path != source / "telemetry" / "moments.py"]
    code = "".join(path.read_text() for path in rooms)

    assert [event for event in MOMENTS if f'"{event}"' not in code] == []


def test_what_a_session_notes_is_promised(project: Path) -> None:
    core = project / "src" / "holdfast" / "core"
    noted = re.compile(r"\.note\(\s*\"([a-z_.]+)\"")
    found = {name for path in core.glob("*.py") for name in noted.findall(path.read_text())}

    assert len(found) > 30
    assert found - set(MOMENTS) == set()


def test_a_customer_is_a_pseudonym_that_stays_and_says_nothing() -> None:
    def told(key: str) -> list[str]:
        stream = io.StringIO()
        configured = configure(as_json=True, stream=stream, pseudonym_key=key)
        log = structlog.get_logger().bind(customer_id="C-1001")
        log.info("session.ready", category="session", source="t")
        log.info("session.ended", category="session", source="t", customer_id="C-1002")
        structlog.get_logger().info("budget.refused", category="budget", source="t", customer="C-1001")
        configured.close()
        assert "C-100" not in stream.getvalue()
        return [json.loads(line)["metadata"]["customer"] for line in stream.getvalue().splitlines()]

    try:
        one, other = told("a key"), told("another key")
        assert one == told("a key"), "the same word for the same person, over restarts too"
        assert one[0] == one[2] != one[1], "whoever tells it, under whichever name"
        assert set(one).isdisjoint(other)
        assert told("") != told("")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()


def test_lines_of_a_session_bear_its_trace_and_faults_their_party() -> None:
    stream = io.StringIO()
    configured = configure(as_json=True, stream=stream, has_traces=True)
    session = "hf_" + "0123456789abcdef" * 2
    log = structlog.get_logger()
    log.info("session.ready", category="session", source="t", session=session)
    log.info("tool.fault", category="tool", source="t", fault="tool.timeout", session="no session of ours")
    configured.close()
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()

    first, second = (json.loads(line)["metadata"] for line in stream.getvalue().splitlines())
    assert first["trace_id"] == "0123456789abcdef" * 2
    assert "trace_id" not in second
    assert second["party"] == "tool"


def test_a_quiet_log_is_counted_all_the_same() -> None:
    stream = io.StringIO()
    configured = configure(as_json=True, level="error", stream=stream)
    before = TALLY.moments["audio.lost"], TALLY.levels["warning"]
    structlog.get_logger().warning("audio.lost", category="audio", source="t")
    structlog.get_logger().debug("not in the table", category="audio", source="t")
    configured.close()
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()

    assert stream.getvalue() == ""
    assert (TALLY.moments["audio.lost"], TALLY.levels["warning"]) == (before[0] + 1, before[1] + 1)
    assert "not in the table" not in TALLY.moments, "names cannot grow"
