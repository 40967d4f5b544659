"""The faults an emulator can be told to have, as one table, and the strict parser of their spelling.

A fault is written `NAME[:ARGUMENT[:ARGUMENT]][@N]`; `@N` means the first N connections only, so that
a retry succeeds.

What lives here: names, arguments, counting connections.
What never will: carrying a fault out; that is `session` and `server`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

SECONDS_MAX: Final = 3600.0

MOMENTS: Final[Mapping[str, str]] = {
    "created": "when session.created is due",
    "updated": "when session.updated is due",
    "speech": "when input_audio_buffer.speech_started is due",
    "response": "in the middle of a response, after its first delta",
}
"""Moments of a session at which something can be broken."""


class FaultSpelling(ValueError):  # noqa: N818 - it names what is wrong with the spelling
    """A fault could not be understood. The message says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """An argument: a delay."""

    form: str = "SECONDS"

    def check(self, given: str) -> str:
        """The argument as kept; raises `ValueError` with what is expected."""
        try:
            seconds = float(given)
        except ValueError:
            raise ValueError("a number of seconds") from None
        if not 0 <= seconds <= SECONDS_MAX:
            raise ValueError(f"0 to {SECONDS_MAX:.0f} seconds")
        return given


@dataclass(frozen=True, slots=True)
class Count:
    """An argument: how many."""

    form: str = "N"
    least: int = 1
    most: int = 1_000_000

    def check(self, given: str) -> str:
        """The argument as kept; raises `ValueError` with what is expected."""
        if not (given.isascii() and given.isdigit() and self.least <= int(given) <= self.most):
            raise ValueError(f"a whole number from {self.least} to {self.most}")
        return str(int(given))


@dataclass(frozen=True, slots=True)
class Choice:
    """An argument: one of a closed list."""

    options: Sequence[str]

    @property
    def form(self) -> str:
        """How the argument is written in the list of faults."""
        return "|".join(self.options)

    def check(self, given: str) -> str:
        """The argument as kept; raises `ValueError` with what is expected."""
        if given not in self.options:
            raise ValueError("one of " + ", ".join(self.options))
        return given


@dataclass(frozen=True, slots=True)
class MomentOrMessage:
    """An argument: a moment, or the number of the client message after which it happens."""

    form: str = "|".join([*MOMENTS, "N"])

    def check(self, given: str) -> str:
        """The argument as kept; raises `ValueError` with what is expected."""
        if given in MOMENTS:
            return given
        try:
            return Count().check(given)
        except ValueError:
            names = ", ".join(MOMENTS)
            raise ValueError(f"one of {names}, or the number of a client message") from None


Argument = Seconds | Count | Choice | MomentOrMessage


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A row of the table. Arguments after the `required` ones may be left out; then `defaults` hold."""

    name: str
    meaning: str
    arguments: Sequence[Argument] = ()
    required: int = 0
    defaults: Sequence[str] = ()

    @property
    def form(self) -> str:
        """How the fault is written."""
        text = self.name
        for index, argument in enumerate(self.arguments):
            text += f":{argument.form}" if index < self.required else f"[:{argument.form}]"
        return text


@dataclass(frozen=True, slots=True)
class Refusal:
    """An admission refused in band: 101, one `error`, then a close with `<type>.<code>` as reason."""

    kind: str
    close_code: int
    message: str


REFUSALS: Final[Mapping[str, Refusal]] = {
    "invalid_api_key": Refusal("invalid_request_error", 3000, "The API key is not known here."),
    "missing_model": Refusal("invalid_request_error", 4000, "The query has no 'model'."),
    "model_not_found": Refusal("invalid_request_error", 4004, "The model does not exist or is not yours."),
    "beta_api_shape_disabled": Refusal(
        "invalid_request_error", 4000, "The beta shape is gone; connect without the OpenAI-Beta header."
    ),
    "insufficient_quota": Refusal("insufficient_quota", 1013, "There is no credit left on this account."),
}

HTTP_STATUSES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid_request_error", "bad_request"),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    502: ("server_error", "bad_gateway"),
    503: ("server_error", "service_unavailable"),
    504: ("server_error", "gateway_timeout"),
}
"""HTTP refusals at the handshake: `type` and `code` of the JSON body."""

_ROWS: Final = (
    FaultKind("slow-handshake", "answers the upgrade late", (Seconds(),), 1),
    FaultKind("slow-created", "sends session.created late", (Seconds(),), 1),
    FaultKind("slow-updated", "sends session.updated late", (Seconds(),), 1),
    FaultKind("silent-created", "accepts the socket and never says a word"),
    FaultKind("silent-updated", "never answers session.update"),
    FaultKind(
        "http", "refuses the upgrade with that status", (Choice([str(code) for code in HTTP_STATUSES]),), 1
    ),
    FaultKind(
        "refuse", "101, then an error event and the close that goes with it", (Choice([*REFUSALS]),), 1
    ),
    FaultKind("reject-update", "refuses every session.update (invalid_value)"),
    FaultKind(
        "server-error",
        "an error event server_error after session.created, or the first N responses fail (without N: all)",
        (Choice(["start", "response"]), Count()),
        0,
        ("start",),
    ),
    FaultKind("drop", "aborts the TCP connection at that moment", (MomentOrMessage(),), 1),
    FaultKind(
        "close",
        "closes with that code at that moment",
        (Count("CODE", 1000, 4999), MomentOrMessage()),
        1,
        ("created",),
    ),
    FaultKind(
        "expire", "ends the session that many seconds after it began (session_expired, 1001)", (Seconds(),), 1
    ),
    FaultKind("duplicate-done", "sends every response.done twice"),
    FaultKind("malformed", "sends broken JSON at that moment", (Choice([*MOMENTS]),), 0, ("updated",)),
    FaultKind(
        "unknown-event",
        "sends an event of an unknown type at that moment",
        (Choice([*MOMENTS]),),
        0,
        ("updated",),
    ),
    FaultKind(
        "stall",
        "a response begins and then nothing more of it comes",
        (Choice(["response"]),),
        0,
        ("response",),
    ),
)

FAULTS: Final[Mapping[str, FaultKind]] = {row.name: row for row in _ROWS}


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One fault as asked for."""

    name: str
    arguments: tuple[str, ...] = ()
    connections: int | None = None

    def __str__(self) -> str:
        text = ":".join((self.name, *self.arguments))
        return text if self.connections is None else f"{text}@{self.connections}"


def parse_fault(text: str) -> FaultSpec:
    """Read `NAME[:ARGUMENT...][@N]`; raises `FaultSpelling`."""
    body, at, count = text.strip().partition("@")
    name, *given = body.split(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise FaultSpelling(f"there is no fault {name!r}; the faults are: {', '.join(FAULTS)}")
    if not kind.required <= len(given) <= len(kind.arguments):
        raise FaultSpelling(f"{text!r} does not fit; this fault is written {kind.form}[@N]")
    connections = int(_checked(text, Count(), count)) if at else None
    arguments = [
        _checked(text, argument, value) for argument, value in zip(kind.arguments, given, strict=False)
    ]
    arguments += kind.defaults[max(0, len(arguments) - kind.required) :]
    return FaultSpec(name, tuple(arguments), connections)


def _checked(text: str, argument: Argument, given: str) -> str:
    try:
        return argument.check(given)
    except ValueError as wrong:
        raise FaultSpelling(f"{text!r}: {given!r} should be {wrong}") from None


@dataclass(slots=True)
class _Armed:
    spec: FaultSpec
    left: int | None


@dataclass(slots=True)
class FaultPlan:
    """The faults in force, and for how many more connections."""

    _armed: list[_Armed] = field(default_factory=list)

    @classmethod
    def of(cls, specs: Iterable[str | FaultSpec]) -> FaultPlan:
        """A plan from spellings; raises `FaultSpelling`."""
        parsed = [parse_fault(spec) if isinstance(spec, str) else spec for spec in specs]
        return cls([_Armed(spec, spec.connections) for spec in parsed])

    @property
    def specs(self) -> list[FaultSpec]:
        """The faults as asked for, the spent ones too."""
        return [armed.spec for armed in self._armed]

    def next_connection(self) -> Misbehaviour:
        """What the connection that begins now must suffer; counts it."""
        chosen = []
        for armed in self._armed:
            if armed.left == 0:
                continue
            if armed.left is not None:
                armed.left -= 1
            chosen.append(armed.spec)
        return Misbehaviour(chosen)


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """The faults of one connection."""

    specs: Sequence[FaultSpec] = ()

    def find(self, name: str, first: str | None = None) -> FaultSpec | None:
        """The fault of that name (and first argument), if it is due."""
        for spec in self.specs:
            if spec.name == name and (first is None or spec.arguments[:1] == (first,)):
                return spec
        return None

    def seconds(self, name: str) -> float | None:
        """The delay of a fault, None where it is not due."""
        spec = self.find(name)
        return None if spec is None else float(spec.arguments[0])

    def at(self, moment: str) -> list[FaultSpec]:
        """The faults due at a moment (or at a message number), in the order of asking."""
        places = {"drop": 0, "close": 1, "malformed": 0, "unknown-event": 0}
        return [
            spec for spec in self.specs if spec.name in places and spec.arguments[places[spec.name]] == moment
        ]
