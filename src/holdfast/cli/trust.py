"""`--ca FILE`: one more authority to believe, for every command that dials a gateway.

What lives here: the option and its judgement. What never will: dialling.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.errors import Exit, fail
from holdfast.sockets.trust import trusting

CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca", metavar="FILE", help="Believe this authority, too (PEM), such as .holdfast/tls/dev-ca.pem."
    ),
]


def judge_ca(ca: Path | None, *, as_json: bool) -> None:
    """Leave with what, why, fix when the file is no authority."""
    if ca is None:
        return
    try:
        trusting(ca)
    except OSError as error:
        why = error.strerror or "It holds no certificate."
        fix = "Name the PEM file that begins with -----BEGIN CERTIFICATE-----."
        fail(f"{ca} cannot be believed.", why, fix, exit_code=Exit.WRONG_USE, as_json=as_json)
