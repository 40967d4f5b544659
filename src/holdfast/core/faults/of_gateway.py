"""Faults of the gateway itself.

What lives here: rows. What never will: a row of another party.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults.table import AT_ONCE, IN_OFFICE_HOURS, WHEN_MANY, FaultRow, Retry, Switch, by_code

GATEWAY: Final[Mapping[str, FaultRow]] = by_code(
    FaultRow(
        "gateway.engine_unavailable",
        message="The built-in assistant is starting or had to restart.",
        remedy="The speech worker is not ready: see the log lines with source=engine.",
        meaning="An upstream of kind local was wanted and no worker of the engine takes a session.",
        evidence=("why the worker ended, if it did",),
        retry=Retry.BACKOFF,
        close_code=4503,
        switch=Switch.IF_IT_LASTS,
        provoke="kill the engine's worker process while a session starts",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "gateway.overloaded",
        message="Too many conversations are running. Please try again in a minute.",
        remedy="The bound [limits] sessions is reached, or the processor, the loop or memory is full, or "
        "file descriptors run out (see the evidence): add a machine, or raise the bound.",
        meaning="A new session was refused so that those that run keep their quality.",
        evidence=("which bound, and how full",),
        retry=Retry.WAIT,
        close_code=1013,
        provoke="serve with HOLDFAST_LIMITS__SESSIONS=1 and begin a second session",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "gateway.out_of_resources",
        message="The service is very busy right now. Please try again in a minute.",
        remedy="The system gave this process no more descriptors or memory (see the evidence): raise its "
        "limit of open files (LimitNOFILE=, ulimit -n), give it more memory, or lower [limits] sessions.",
        meaning="A connection to an upstream could not even be begun; the upstream knows nothing of it.",
        evidence=("the system's own words",),
        retry=Retry.BACKOFF,
        provoke="lower the limit of open files of the running process (prlimit --nofile) and begin a session",
        alarm=WHEN_MANY,
    ),
    FaultRow(
        "gateway.draining",
        message="The service is being restarted. Please start again in a moment.",
        remedy="The process was told to stop and takes no new sessions.",
        meaning="SIGTERM came: new sessions are refused and running ones are moved or ended.",
        retry=Retry.WAIT,
        close_code=1001,
        provoke="send SIGTERM to the gateway during a conversation",
    ),
    FaultRow(
        "gateway.message_refused",
        message="Something the service sent for you was refused. The conversation goes on.",
        remedy="The upstream refused a message that the gateway itself had made: report it with the "
        "evidence; if the upstream is no OpenAI, check its `dialect`.",
        meaning="An error event that is about a message of ours, in a session that is otherwise well.",
        evidence=("the provider's own words", "error.code", "error.type"),
        ends=False,
        emulate="error:invalid_request:idle",
        alarm=IN_OFFICE_HOURS,
    ),
    FaultRow(
        "gateway.internal",
        message="Something went wrong on our side.",
        remedy="A bug in the gateway: please report the log line with this session's id.",
        meaning="A step raised an exception; the log has its traceback under step.failed.",
        evidence=("the exception's kind",),
        provoke="nothing that is known: it needs a bug, such as an upstream's adapter that raises",
        alarm=AT_ONCE,
    ),
)
