"""How an error looks over HTTP: our own form, and OpenAI's on the routes that are OpenAI's.

What lives here: the two forms, which path has which.
What never will: what is wrong.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import JSONResponse

DIALECT_ROOT: Final = "/v1/"
_NO_STORE: Final = {"Cache-Control": "no-store"}
_KINDS: Final = {429: "rate_limit_error", 403: "permission_error"}


def error(status: int, code: str, message: str, remedy: str = "", **headers: str) -> JSONResponse:
    """An error as our own routes tell it."""
    told = {"code": code, "message": message, "remedy": remedy}
    return JSONResponse({"error": told}, status, {**_NO_STORE, **headers})


def openai_error(
    status: int, code: str | None, message: str, *, param: str | None = None, **headers: str
) -> JSONResponse:
    """An error as the official clients read it."""
    kind = "server_error" if status >= 500 else _KINDS.get(status, "invalid_request_error")
    told = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": told}, status, {**_NO_STORE, **headers})


def error_at(
    path: str, status: int, code: str, message: str, remedy: str = "", **headers: str
) -> JSONResponse:
    """An error in the form of the path that was asked for."""
    if not path.startswith(DIALECT_ROOT):
        return error(status, code, message, remedy, **headers)
    end = "" if message.endswith((".", "?", "!")) or not remedy else "."
    words = f"{message}{end} {remedy}".rstrip()
    return openai_error(status, code if code.islower() else code.lower(), words, **headers)
