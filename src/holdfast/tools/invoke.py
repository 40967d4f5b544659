"""Running a tool: time-out, bounds, and an outcome whatever happens.

What lives here: `FunctionToolbox`, which fills the port `Toolbox`.
What never will: remembering calls (the core's ledger runs each `call_id` once), knowledge of an application.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
import structlog

from holdfast.core.faults import FAULTS
from holdfast.core.limits import DEFAULT, Limits
from holdfast.ports import Json, ToolContext, ToolOutcome
from holdfast.tools.registry import ArgumentsError, Tool, ToolFaultError, ToolResult

log = structlog.get_logger()

_CONCURRENT: Final = 32
_STATUS: Final[Mapping[str, Literal["refused", "timeout"]]] = {
    "tool.arguments": "refused",
    "tool.unknown": "refused",
    "tool.timeout": "timeout",
}


class FunctionToolbox:
    """Tools made of functions, each of another name (else ValueError). At most `concurrent` run at once; the
    wait counts towards the time-out.
    """

    def __init__(
        self, tools: Iterable[Tool], *, limits: Limits = DEFAULT, concurrent: int = _CONCURRENT
    ) -> None:
        offered = list(tools)
        self._tools = {tool.name: tool for tool in offered}
        if len(self._tools) < len(offered):
            raise ValueError("two tools have one name")
        self._definitions = [tool.definition() for tool in self._tools.values()]
        self.idempotent = frozenset(tool.name for tool in self._tools.values() if tool.is_idempotent)
        """Names of the tools that may run twice under one key."""
        self._limits = limits
        self._slots = asyncio.Semaphore(concurrent)

    def definitions(self) -> Sequence[Json]:
        """The tools as they are offered to an upstream, always in the same order."""
        return self._definitions

    async def call(self, name: str, arguments: str, context: ToolContext) -> ToolOutcome:
        """Run one tool. Never raises but for the caller's own cancellation: a fault is an outcome."""
        tool = self._tools.get(name)
        if tool is None:
            return _fault("tool.unknown", context, f"there is no tool {name[:64]!r}")
        if len(arguments.encode("utf-8", "replace")) > self._limits.tool_arguments_bytes:
            return _fault("tool.arguments", context, "the arguments are too long", tool)
        try:
            accepted = tool.read(arguments)
        except ArgumentsError as error:
            return _fault("tool.arguments", context, str(error), tool)
        return await self._run(tool, accepted, context)

    async def _run(self, tool: Tool, accepted: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        deadline = asyncio.timeout(self._limits.tool_s)
        try:
            async with deadline, self._slots:
                result = await tool.function(context, **accepted)
            return self._outcome(result, tool, context)
        except ToolFaultError as error:
            if error.code not in FAULTS:
                return _fault("tool.failed", context, "the tool named an unknown fault", tool, _where(error))
            return _fault(error.code, context, "the tool could not do its work", tool)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # nobody cancelled the call: something that the tool waited for was cancelled
            return _fault("tool.failed", context, "the tool was cancelled from within", tool, _where(error))
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is its outcome, never the session's end
            if isinstance(error, TimeoutError) and deadline.expired():
                return _fault("tool.timeout", context, f"no answer in {self._limits.tool_s:g} s", tool)
            return _fault("tool.failed", context, "the tool ended with an error", tool, _where(error))

    def _outcome(self, result: ToolResult, tool: Tool, context: ToolContext) -> ToolOutcome:
        told = {"say": result.say, **result.facts}
        output = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        # as the page will be told it: what can't be told is the tool's fault here, and would be ours there
        action = msgspec.json.encode(result.client_action)
        if len(output.encode()) + len(action) > self._limits.tool_result_bytes:
            return _fault("tool.failed", context, "the tool's result is too long", tool)
        return ToolOutcome(output, "ok", client_action=result.client_action, end_session=result.end_session)


def _fault(
    code: str, context: ToolContext, reason: str, tool: Tool | None = None, where: str = ""
) -> ToolOutcome:
    row = FAULTS[code]
    log.warning(
        "tool.fault",
        category="tool",
        source="tools",
        fault=code,
        tool=tool.name if tool else None,
        session=context.session_id,
        call_id=context.call_id,
        reason=reason,
        where=where or None,
    )
    output = json.dumps({"say": row.message, "error": {"code": code, "message": reason}}, ensure_ascii=False)
    return ToolOutcome(output, _STATUS.get(code, "failed"), fault=code)


def _where(error: BaseException) -> str:
    """Kind and place of an error. Its text stays out of the log: it may quote a customer's data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} in {place}"
