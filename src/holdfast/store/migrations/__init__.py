"""From any version of the store's tables to the newest.

What lives here: `upgrade`, and in `versions` one module for each step, never edited after its release.
What never will: the way back. Copy the file before an upgrade if you may want to return.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from holdfast.store.errors import StoreRefusedError

FOLDER: Final = Path(__file__).parent


def newest(folder: Path = FOLDER) -> set[str]:
    """The version of the newest tables."""
    return set(_script(folder)[1].get_heads())


def _script(folder: Path) -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


def upgrade(connection: Connection, path: Path, folder: Path = FOLDER) -> None:
    """Bring the tables up to date inside the connection's transaction: whole or not at all.

    Raises StoreRefusedError for a file that a newer Holdfast has written.
    """
    config, script = _script(folder)
    config.attributes["connection"] = connection
    found = MigrationContext.configure(connection).get_current_heads()
    known = {step.revision for step in script.walk_revisions()}
    if not known.issuperset(found):
        raise StoreRefusedError(
            "newer",
            f"{path} was written by a newer Holdfast (its tables are version {', '.join(found)}).",
            "Run that version, or name another file in [journal] database; a new one is made there.",
        )
    if set(found) != set(script.get_heads()):
        command.upgrade(config, "head")
