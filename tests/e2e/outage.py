"""How long outages are in these tests, and what is demanded of them.

Short here; `HOLDFAST_OUTAGE_S=30` makes them as long as a real one, with the ring of a real page.
"""

from __future__ import annotations

import os

OUTAGE_S = float(os.environ.get("HOLDFAST_OUTAGE_S", "3"))
IS_LONG = OUTAGE_S >= 30
RING_S = 45.0 if IS_LONG else 2.0
SPOKEN_S = 2 * OUTAGE_S + 8
TIMEOUT_S = 90 + 6 * OUTAGE_S

HEALED_S = 0.6
"""From the server's answer to a session that is ours again."""
CAUGHT_UP_S = max(4.0 * OUTAGE_S / 30, 1.0)
"""From the network's return to the last word that was kept."""
