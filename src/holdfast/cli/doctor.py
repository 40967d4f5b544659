"""`holdfast doctor`: checks layer by layer, a verdict with evidence, whose fault, what to do.

What lives here: the command's options and its output. What never will: the checks (`examination`).
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.address import judge_address
from holdfast.cli.errors import Exit, fail, say, shows_unicode
from holdfast.cli.trust import CaFile, judge_ca

if TYPE_CHECKING:
    from holdfast.diagnosis import Check, Report
    from holdfast.diagnosis.checks import Told

EXAMPLES = """
Examples:

  holdfast doctor

  holdfast doctor --offline

  holdfast doctor --upstream openai --deep

  holdfast doctor --url http://127.0.0.1:8080      (a gateway that runs, as its clients see it)

  holdfast doctor --url https://voice.example.com --origin https://portal.example.com

  holdfast doctor --session hf_0123456789abcdef0123456789abcdef

  holdfast doctor --url wss://api.openai.com/v1/realtime      (any server of the Realtime dialect)
"""
_MARKS = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "-"}
_PLAIN_MARKS = {"ok": "ok", "warning": "!!", "failed": "XX", "skipped": "--"}


def doctor(
    *,
    upstream: Annotated[
        str | None, typer.Option(help="Look at this upstream; otherwise at the first of the list.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Look at a running gateway or any Realtime address instead.")
    ] = None,
    origin: Annotated[
        str, typer.Option(help="With --url: would a page of this origin be let in? Else the gateway's own.")
    ] = "",
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Look at every upstream of the list; try what helps when one fails."),
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Dial nobody.")] = False,
    session: Annotated[
        str | None,
        typer.Option(help="Diagnose a session, past or running, by its id or a provider's (or --url)."),
    ] = None,
    ask_status_page: Annotated[
        bool,
        typer.Option("--ask-status-page", help="Ask the service's status page, too; else it is only named."),
    ] = False,
    ca: CaFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check this installation and its upstreams, and say whose fault it is."""
    # the client, the engine and numpy are loaded only now: `holdfast --help` shall not wait for them
    from holdfast import telemetry  # noqa: PLC0415
    from holdfast.examination.examination import Examination, UnknownUpstreamError, Wish  # noqa: PLC0415
    from holdfast.examination.past import NoSessionError  # noqa: PLC0415

    if url is not None:
        judge_address(url, as_json=as_json)
    judge_ca(ca, as_json=as_json)
    logs = telemetry.configure(level="critical")
    told: Told = (lambda _: None) if as_json else show
    wish = Wish(upstream, url, origin, deep, offline, ask_status_page, session, ca)
    try:
        report = asyncio.run(Examination(wish).run(told))
    except NoSessionError as error:
        fail(error.what, error.why, error.fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    except UnknownUpstreamError as error:
        fix = f"Known: {', '.join(error.known)}."
        fail(f"no upstream is called {upstream!r}.", "", fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        logs.close()
    if as_json:
        print(json.dumps(report.as_object(), ensure_ascii=False, indent=2))
    else:
        conclude(report)
    raise typer.Exit(Exit.FINE if report.healthy else Exit.TROUBLE)


def show(check: Check) -> None:
    """One line for a check, as it ends."""
    unicode = shows_unicode()
    mark = (_MARKS if unicode else _PLAIN_MARKS)[check.answer.status]
    say(f"{mark} {check.name:<24} {check.answer.detail}  ({check.ms:.0f} ms)")
    if check.answer.remedy:
        say(f"  {'':<24} fix: {check.answer.remedy}")


def conclude(report: Report) -> None:
    """The verdict, for people."""
    worst = report.verdict
    if worst is None or worst.told is None:
        warnings = len(report.warnings)
        say(f"\nhealthy: nothing failed{f', {warnings} to look at' if warnings else ''}.")
        return
    told = worst.told
    say(f"\nverdict   {told['code']}")
    say(f"whose     {told['party']}")
    say(f"users see {told['message']}")
    for evidence in told["evidence"]:
        say(f"evidence  {evidence}")
    for way in report.workarounds:
        say(f"tried     {way.name}: {way.detail}")
    say(f"next      {report.next_step}")
    if report.status_page:
        say(f"see       {report.status_page}")
    if report.support:
        say("\nfor the provider's support:\n")
        say(report.support)
