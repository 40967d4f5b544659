"""The operator's console: its routes, its stream, what may be downloaded.

What lives here: `ConsoleRoutes`, `Feed`, `Overview` (what they ask of whoever knows the sessions).
What never will: what is remembered of a session (`ledger`), causes (`diagnosis.explain`), pages.
"""

from holdfast.server.console.feed import Feed
from holdfast.server.console.overview import Keeper, LocalOverview, Overview, Recording
from holdfast.server.console.routes import ConsoleOptions, ConsoleRoutes

__all__ = ["ConsoleOptions", "ConsoleRoutes", "Feed", "Keeper", "LocalOverview", "Overview", "Recording"]
