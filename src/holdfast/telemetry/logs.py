"""Structured logs: one event a line, for people on a terminal, as JSON for machines.

What lives here: the chain from an event to a line (bounds, redaction, rendering), the way of the standard
library's loggers into it, and a writer that never makes a voice wait for a disk.
What never will: audio, transcripts, secrets; deciding what is worth a line.

A line has `timestamp`, `level`, `event`, `category`, `source`; everything else a caller gave is `metadata`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec
import structlog

from holdfast.core.faults import FAULTS
from holdfast.telemetry import kept_lines
from holdfast.telemetry.identity import Pseudonyms, trace_id_of
from holdfast.telemetry.moments import MOMENTS
from holdfast.telemetry.redaction import Redactor

QUEUE_LINES_MAX: Final = 10_000
GATHER_S: Final = 0.02
CLOSE_WAIT_S: Final = 2.0
_LEVEL_COLOURS: Final = {"debug": "2", "info": "36", "warning": "33", "error": "31", "critical": "1;31"}
_LEVELS: Final = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
_LIBRARY_LOGGERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "sqlalchemy")

_CUSTOMER: Final = ("customer", "customer_id")
"""However a caller names somebody: in the log it is a pseudonym, called by the first of these."""

EventDict = MutableMapping[str, Any]


@dataclass(slots=True)
class Tally:
    """How many lines there were, whether or not their level let them be written: for metrics."""

    levels: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    """By event, of those that are promised to stay."""
    writer: LineWriter | None = None

    @property
    def dropped(self) -> int:
        """Lines that could not be written."""
        return 0 if self.writer is None else self.writer.dropped


TALLY: Final = Tally()
"""Of this process, as logging itself is the process's."""


class LineWriter:
    """Writes lines from a thread of its own. When the stream stalls, lines are dropped and counted.

    The thread is woken for the first line and takes what has come within GATHER_S: to wake it for each costs
    the one who logs more than the line does, and two hundred sessions that fall at once write a thousand.
    """

    def __init__(
        self, stream: TextIO, lines_max: int = QUEUE_LINES_MAX, *, news: Callable[[int], str] = str
    ) -> None:
        """`news` makes the line that says how many were dropped so far."""
        self.dropped = 0
        self._stream = stream
        self._news = news
        self._lines_max = lines_max
        self._waiting: deque[str] = deque()
        self._something = threading.Event()
        self._closing = threading.Event()
        self._told_dropped = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Take a line, or count it as dropped. Never waits."""
        if len(self._waiting) >= self._lines_max:
            self.dropped += 1
            return
        self._waiting.append(line)
        if not self._something.is_set():
            self._something.set()

    def close(self) -> None:
        """Write what is waiting, for at most CLOSE_WAIT_S. Twice is harmless."""
        self._closing.set()
        self._something.set()
        self._thread.join(CLOSE_WAIT_S)

    def _run(self) -> None:
        while self._waiting or not self._closing.is_set():
            self._something.wait()
            self._closing.wait(GATHER_S)
            self._something.clear()  # before they are taken: who comes after that calls again
            self._write([self._waiting.popleft() for _ in range(len(self._waiting))])

    def _write(self, lines: list[str]) -> None:
        dropped = self.dropped
        news = [] if dropped == self._told_dropped else [self._news(dropped)]
        try:
            self._stream.write("".join(f"{line}\n" for line in (*lines, *news)))
            self._stream.flush()
        except (OSError, ValueError):
            # A full disk or a closed pipe: logging never ends anything.
            self.dropped += len(lines)
        else:
            self._told_dropped = dropped


class Logs:
    """The configured logging of this process. `close` flushes."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    @property
    def dropped(self) -> int:
        """Lines that could not be written."""
        return self._writer.dropped

    def close(self) -> None:
        """Write what is waiting and stop. Twice is harmless."""
        self._writer.close()


class _LineLogger:
    """What structlog calls with a finished line."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, line: str) -> None:
        self._writer.write(line)

    log = debug = info = warning = warn = error = exception = critical = fatal = msg


class _IntoStructlog(logging.Handler):
    """Sends what libraries log through our own chain, so that nothing escapes redaction."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, LookupError):
            message = str(record.msg)
        category = "http" if record.name == "uvicorn.access" else "library"
        level = max((one for one in _LEVELS if one <= record.levelno), default=logging.DEBUG)
        logger = structlog.get_logger()
        logger.log(level, message, category=category, source=record.name, exc_info=record.exc_info)


def configure(
    *,
    as_json: bool | None = None,
    level: str = "info",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    pseudonym_key: str = "",
    has_traces: bool = False,
) -> Logs:
    """Set up logging for this process; a later call replaces the former.

    `as_json`: None decides by the stream: a terminal gets readable lines, anything else JSON.
    `secrets`: values that must never appear, beyond what is recognised by its shape.
    `pseudonym_key`: customers bear the same pseudonym under the same one; empty: one of this process alone.
    `has_traces`: lines of a session bear its trace's id.
    """
    out = stream if stream is not None else sys.stderr
    for_people = out.isatty() if as_json is None else not as_json
    threshold = logging.getLevelNamesMapping()[level.upper()]
    render = _Console(colours=out.isatty() and "NO_COLOR" not in os.environ) if for_people else _as_json
    writer = TALLY.writer = LineWriter(out, news=lambda count: render(None, "warning", _dropped(count)))
    kept_lines.begin()
    structlog.configure(
        processors=[
            _Counting(threshold),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _Correlating(Pseudonyms(pseudonym_key), has_traces=has_traces),
            _Shape(Redactor(secrets)),
            render,
        ],
        wrapper_class=_counting_logger(threshold),
        logger_factory=lambda *_: _LineLogger(writer),
        cache_logger_on_first_use=False,
    )
    _adopt_library_loggers(threshold)
    return Logs(writer)


def _adopt_library_loggers(threshold: int) -> None:
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _IntoStructlog)]:
        root.removeHandler(handler)
    root.addHandler(_IntoStructlog())
    root.setLevel(max(threshold, logging.WARNING))
    for name in _LIBRARY_LOGGERS:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.setLevel(logging.NOTSET)
        library.disabled = False
        library.propagate = True


def _count(level: str, name: str) -> None:
    TALLY.levels[level] += 1
    if name in MOMENTS:
        TALLY.moments[name] += 1


def _counting_logger(threshold: int) -> type[Any]:
    """A logger that does nothing with a line below the threshold but to count it."""

    def quiet(level: str) -> Callable[..., None]:
        return lambda _self, event, *_args, **_fields: _count(level, str(event))

    levels = structlog.processors.NAME_TO_LEVEL.items()
    methods = {name: quiet(_named(level)) for name, level in levels if 0 < level < threshold}
    return type("CountingLogger", (structlog.make_filtering_bound_logger(logging.DEBUG),), methods)


def _named(level: int) -> str:
    """Some levels have several names."""
    return logging.getLevelName(level).lower()


class _Counting:
    """Counts every line, and lets those pass that are loud enough: a quiet log must not make figures lie."""

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold

    def __call__(self, _logger: Any, method: str, event: EventDict) -> EventDict:
        level = "error" if method == "exception" else method
        _count(level, str(event.get("event")))
        if structlog.processors.NAME_TO_LEVEL.get(level, logging.ERROR) < self._threshold:
            raise structlog.DropEvent
        return event


class _Correlating:
    """What belongs together bears the same words: a customer's pseudonym, a trace's id, a fault's party."""

    def __init__(self, pseudonyms: Pseudonyms, *, has_traces: bool) -> None:
        self._pseudonyms = pseudonyms
        self._has_traces = has_traces

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        for name in _CUSTOMER:
            if customer_id := event.pop(name, None):
                event["customer"] = self._pseudonyms.of(str(customer_id))
        if self._has_traces and (trace_id := trace_id_of(str(event.get("session", "")))):
            event["trace_id"] = trace_id
        row = FAULTS.get(str(event.get("fault")))
        if row is not None:
            event.setdefault("party", str(row.party))
        return event


class _Shape:
    """Gives every line the same five fields, everything else cleaned under `metadata`."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        line: EventDict = {"timestamp": _now(), "level": event.pop("level", "info")}
        line["event"] = self._redactor.clean(event.pop("event", ""))
        line["category"] = self._redactor.clean(event.pop("category", "other"))
        line["source"] = self._redactor.clean(event.pop("source", "holdfast"))
        given = event.pop("metadata", None)
        rest = {**given, **event} if isinstance(given, dict) else event
        line["metadata"] = {
            str(key): self._redactor.clean(value, field=str(key)) for key, value in rest.items()
        }
        kept_lines.keep(line)
        return line


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dropped(count: int) -> EventDict:
    """A line that the writer itself has to say: in the shape of all, for who reads them by a program."""
    _count("warning", "log.dropped")
    told = {"level": "warning", "event": "log.dropped", "category": "server", "source": "telemetry"}
    return {"timestamp": _now(), **told, "metadata": {"dropped": count}}


def _as_json(_logger: Any, _method: str, line: EventDict) -> str:
    return msgspec.json.encode(line).decode()


class _Console:
    """One readable line: time, level, event, where from, fields."""

    def __init__(self, *, colours: bool) -> None:
        self._colours = colours

    def __call__(self, _logger: Any, _method: str, line: EventDict) -> str:
        clock = line["timestamp"][11:23]
        level = line["level"]
        fields = "  ".join(f"{key}={_plain(value)}" for key, value in line["metadata"].items())
        parts = (
            self._paint(clock, "2"),
            self._paint(f"{level:<7}", _LEVEL_COLOURS.get(level, "0")),
            str(line["event"]),
            self._paint(f"[{line['category']}/{line['source']}]", "2"),
            fields,
        )
        return " ".join(part for part in parts if part)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
