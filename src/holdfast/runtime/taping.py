"""A session's sound on the way to a recording, where its speaker agreed to one.

What lives here: letting a tape hear what the session keeps anyway.
What never will: files; a recording without a consent on the disk.

Nothing is added for each message: what passed is heard when a step books it, about once a second.
"""

from __future__ import annotations

from holdfast.core.state import State
from holdfast.ports import Principal
from holdfast.ports.sound import Consent, Recordings


async def record_sound(state: State, recordings: Recordings | None, principal: Principal) -> None:
    """Once the consent is on the disk, both sides are recorded, from there on."""
    words = state.options.consent
    if words is None or recordings is None:
        return
    given_by = f"create_session ({principal.source})"
    tape = await recordings.begin(Consent(state.session_id, principal.customer_id, words, given_by))
    if tape is not None:
        state.kept.heard_by, state.window.heard_by = tape.heard, tape.said
