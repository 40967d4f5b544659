"""The commands. Each is one module; this one is the front door.

What lives here: names, one line of help each, and loading only the command that was asked for, so that
`holdfast --help` answers at once.
What never will: a command's work.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import typer

COMMANDS: Final = {
    "serve": "Run the gateway.",
    "talk": "A conversation from the terminal.",
    "emulate": "An OpenAI Realtime upstream on this machine that behaves, or misbehaves as told.",
    "check-server": "Conformance and chaos checks against any server of the Realtime dialect.",
    "doctor": "Checks layer by layer: what is wrong, whose fault, what to do.",
    "cost": "What conversations cost: by session, customer, model or day.",
    "replay": "A recorded session, walked through the core again: does it decide as it did?",
    "explain": "What a fault means, whose it is, what to do.",
    "transcripts": "What was kept of conversations: list, show, export, delete.",
    "token": "Mint a ticket for a client.",
    "bench": "The project's own figures on this machine.",
}
"""Name, which is also the module's and the function's (with underscores), and one line of help."""


def load_command(name: str) -> tuple[Callable[..., Any], str | None]:
    plain = name.replace("-", "_")
    module = importlib.import_module(f"holdfast.cli.{plain}")
    return getattr(module, plain), getattr(module, "EXAMPLES", None)


def _unloaded() -> None:
    """Stands for a command that was not asked for."""


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point of `holdfast`."""
    args = list(sys.argv[1:] if argv is None else argv)
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Holdfast: a gateway for realtime voice that keeps the conversation alive.",
    )
    for name, line in COMMANDS.items():
        function, examples = load_command(name) if args[:1] == [name] else (_unloaded, None)
        text = function.__doc__ if examples else line
        app.command(name, help=text, epilog=examples, short_help=line)(function)
    try:
        sys.exit(app(args=args, prog_name="holdfast", standalone_mode=False))
    except typer.TyperException as wrong:
        sys.exit(_wrong_use(wrong.format_message(), args))
    except typer.Abort:
        sys.exit("Aborted!")


def _wrong_use(message: str, args: Sequence[str]) -> int:
    """Say what no command has understood as every command says what is wrong; gives the exit code."""
    from holdfast.cli.errors import Exit, fail  # noqa: PLC0415 - the fault table, which nobody else waits for

    if not args:
        print(message, file=sys.stderr)
        return Exit.WRONG_USE
    command = f"holdfast {args[0]}" if args[0] in COMMANDS else "holdfast"
    why, fix = " ".join(message.split()), f"`{command} --help` tells what can be asked."
    try:
        fail("the command is not understood.", why, fix, exit_code=Exit.WRONG_USE, as_json="--json" in args)
    except typer.Exit as end:
        return end.exit_code
