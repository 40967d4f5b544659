"""Plain pages, the built web client and the built console.

What lives here: what a person sees when there is nothing else to show, and how files of the page are cached.
What never will: scripts and styles in a page: the content security policy knows files only.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_HASHED_FOLDERS: Final = (("assets",), ("console", "assets"))
_CONSOLE: Final = "console/index.html"
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
{paragraphs}
</main>
</body>
</html>
"""


def page(title: str, *paragraphs: str, status: int = 200) -> HTMLResponse:
    """A page of plain sentences."""
    told = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    content = _PAGE.format(title=escape(title), paragraphs=told)
    return HTMLResponse(content, status, {"Cache-Control": "no-store"})


def not_built() -> HTMLResponse:
    """Instead of the page, in a checkout whose web client was not built."""
    return page(
        "The web client is not built",
        "The gateway runs, but this installation does not carry the page. In the checkout run: make web",
        "Until then `holdfast talk` holds a conversation from the terminal.",
        status=503,
    )


def console_not_built() -> HTMLResponse:
    """Instead of the operator's console, in a checkout where it was not built."""
    return page(
        "The console is not built",
        "The gateway runs, but this installation does not carry its console. In the checkout run: make web",
        "`holdfast doctor` checks the gateway layer by layer; /readyz tells whether it takes sessions.",
        status=503,
    )


def has_console(root: Path | None) -> bool:
    """Whether the folder of the web client holds the console, too."""
    return root is not None and (root / _CONSOLE).is_file()


class WebClient(StaticFiles):
    """The files that Vite built. Names under `assets` bear a hash of their content and never change.

    The console is at /console itself, and its files beneath.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(directory=root, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file with ETag and the caching that fits it; 304 when the browser has it.

        What is no page is nothing here: a client that looks for a route with another method hears 404.
        """
        if scope["method"] not in {"GET", "HEAD"} and path not in {".", "console"}:
            raise HTTPException(404)
        response = await super().get_response(_CONSOLE if path == "console" else path, scope)
        hashed = Path(path).parts[:-1] in _HASHED_FOLDERS
        response.headers["Cache-Control"] = _IMMUTABLE if hashed else "no-cache"
        return response
