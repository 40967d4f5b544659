"""`holdfast talk`: a conversation from the terminal.

What lives here: the command's options and their judgement. What never will: the call itself (`cli.call`).
"""

from __future__ import annotations

import asyncio
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from holdfast.cli.address import judge_address
from holdfast.cli.errors import Exit, fail
from holdfast.cli.trust import CaFile, judge_ca
from holdfast.client.credentials import credential_for

DEFAULT_URL = "ws://127.0.0.1:8080/api/openai/realtime"
EXAMPLES = """
Examples:

  holdfast talk --text "When is my next payment due?"

  holdfast talk --in question.wav --out answer.wav

  holdfast talk --transcribe --in question.wav --language en

  holdfast talk --url wss://api.openai.com/v1/realtime --text "Hello"      (key from OPENAI_API_KEY)

Without --in and --text, each line of standard input is a typed turn. An address that ends in /v1/realtime is
spoken to in OpenAI's dialect (with the key in HOLDFAST_CLIENT_KEY, else OPENAI_API_KEY), any other in the
browser protocol (with the ticket in HOLDFAST_TICKET, if there is one).
"""


def talk(
    *,
    url: Annotated[
        str, typer.Option(help="The gateway, or anything that speaks the Realtime dialect.")
    ] = DEFAULT_URL,
    recordings: Annotated[
        list[Path] | None, typer.Option("--in", help="A WAV file to speak; may be repeated.")
    ] = None,
    texts: Annotated[
        list[str] | None, typer.Option("--text", help="A typed turn; may be repeated; after the recordings.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the replies to this WAV file.")] = None,
    model: Annotated[str | None, typer.Option(help="Ask for this model.")] = None,
    voice: Annotated[str | None, typer.Option(help="Ask for this voice.")] = None,
    greet: Annotated[bool, typer.Option("--greet", help="Let the assistant greet first.")] = False,
    transcribe: Annotated[
        bool, typer.Option("--transcribe", help="Only write down what the recordings say.")
    ] = False,
    language: Annotated[
        str | None, typer.Option(help="The language that is spoken, such as en; with --transcribe.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait for readiness and for each answer.")
    ] = 30.0,
    speed: Annotated[float, typer.Option(min=0.1, max=50, hidden=True, help="Faster than real time.")] = 1.0,
    ca: CaFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Talk to an assistant: recordings or text in, transcripts, sound and latencies out."""
    # numpy, soxr and picows are loaded only now: `holdfast --help` shall not wait for them
    from holdfast.cli import call  # noqa: PLC0415
    from holdfast.client import RecordingError, SessionWish, read_wav  # noqa: PLC0415

    judge_ca(ca, as_json=as_json)
    judge_address(url, as_json=as_json)
    if out is not None and (_is_folder(out) or not _is_folder(out.parent)):
        why = "It is a folder." if _is_folder(out) else f"The folder {out.parent} does not exist."
        fix = "Choose another --out."
        fail(f"{out} cannot be written.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if transcribe and (texts or greet or out or not recordings):
        why, fix = "In a transcription session nobody answers.", "Give recordings with --in, and no --text."
        fail("--transcribe needs recordings alone.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if language is not None and not transcribe:
        why, fix = "In a conversation the other side finds out what is spoken.", "Add --transcribe."
        fail("--language needs --transcribe.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if not all(map(str.strip, texts or ())):
        fix = 'Write what is to be said, as in --text "Hello".'
        fail("--text is empty.", "Nothing was typed.", fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    try:
        spoken = [read_wav(path) for path in recordings or ()]
    except RecordingError as error:
        fail(error.what, error.why, error.fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    plan = call.Plan(
        url=url,
        wish=SessionWish(model=model, voice=voice, greet=greet, transcribe=transcribe, language=language),
        recordings=spoken,
        texts=texts or (),
        lines=_typed() if not (spoken or texts or greet) else None,
        credential=credential_for(url),
        timeout_s=timeout,
        speed=speed,
        out=out,
        ca=ca,
    )
    try:
        exit_code = asyncio.run(call.run(plan, call.presenter(as_json=as_json)))
    except RecordingError as error:
        fail(error.what, error.why, error.fix, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(exit_code)


def _typed() -> TextIO | None:
    """Standard input, if there is one; what is no text in it is shown as such."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return sys.stdin


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that can be none
        return False
