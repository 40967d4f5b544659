"""What every table of settings has in common.

What lives here: how strict a table is, lists as the environment writes them.
What never will: a setting.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict

STRICT: Final = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True, allow_inf_nan=False)


def listed(value: Any) -> Any:
    """A list as the environment writes it: "a, b"."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(listed)]
