"""LiveKit's own tests of realtime models, against a gateway: `python -m tests.clients.livekit_suite FOLDER`.

What lives here: the gateway they are pointed at, and counting. FOLDER: a checkout of `livekit/agents`, whose
files are not ours to carry. Some ask for a model that understands; each upstream passes what it can.
What never will: a test.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from pathlib import Path

from benchmarks.rig.house import built

from tests.clients.catalogue import VENV
from tests.clients.stage import UPSTREAMS, staged

SUITE = "tests/test_realtime/test_realtime.py"
_LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) .*", re.MULTILINE)


async def run(checkout: Path, upstream: str, chosen: str) -> int:
    """Run the suite with the gateway as both its OpenAI and its Azure; gives pytest's exit code."""
    with built(None) as made:
        async with staged(upstream, made, speed=8.0) as stage:
            origin = f"http://{stage.host}:{stage.port}"
            child = await asyncio.create_subprocess_exec(
                str(VENV / "bin" / "python"),
                *(
                    "-m",
                    "pytest",
                    SUITE,
                    "--realtime",
                    "-q",
                    "-rA",
                    "--no-header",
                    "--tb=short",
                    "-k",
                    chosen,
                ),
                cwd=checkout,
                env={**os.environ, "OPENAI_API_KEY": "sk-any", "OPENAI_BASE_URL": f"{origin}/v1"},
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await child.communicate()
    text = out.decode(errors="replace")
    lines = [found.group(0) for found in _LINE.finditer(text)]
    print("\n".join(lines))
    passed = sum(line.startswith("PASSED") for line in lines)
    print(f"{passed} of {len(lines)} pass with the upstream `{upstream}`.")
    return 0 if passed == len(lines) else 1


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--upstream", choices=UPSTREAMS, default="openai")
    parser.add_argument("-k", dest="chosen", default="openai", help="as pytest's")
    arguments = parser.parse_args()
    return asyncio.run(run(arguments.checkout, arguments.upstream, arguments.chosen))


if __name__ == "__main__":
    sys.exit(main())
