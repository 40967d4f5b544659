"""Tools: a typed Python function becomes something a model may call.

What lives here: schema and validation (`registry`), invocation with time-out and bounds (`invoke`).
What never will: a tool of a particular application, or the duty to run a call once (the core's tool ledger).
"""

from holdfast.tools.invoke import FunctionToolbox
from holdfast.tools.registry import Tool, ToolFaultError, ToolResult, function_tool, without_extensions

__all__ = ["FunctionToolbox", "Tool", "ToolFaultError", "ToolResult", "function_tool", "without_extensions"]
