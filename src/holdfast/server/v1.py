"""The REST side of OpenAI's dialect: models and client secrets, and who may ask for them.

What lives here: admission of REST clients, one small function per route, the shapes of their answers.
What never will: sockets (the router), audio (`v1_audio`), what the holder of a secret may do.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from holdfast.auth import PortalGate
from holdfast.auth.client_secrets import NoRoomError
from holdfast.auth.origins import normal_origin
from holdfast.core.limits import DEFAULT, Limits
from holdfast.core.models import MODELS, Model, UnknownModel, resolve_model
from holdfast.ports import Principal, Refusal
from holdfast.ports.audio import AudioFailedError, Body, Forwarder
from holdfast.server.doorway import AddressLimits, as_upgrade_request
from holdfast.server.errors import openai_error
from holdfast.wire.realtime import Intent, Refused, SessionConfig

log = structlog.get_logger()

SECRETS_PATH: Final = "/v1/realtime/client_secrets"
ORIGIN_HEADER: Final = "holdfast-origin"
CUSTOMER_HEADER: Final = "holdfast-customer-id"
CUSTOMER_NAME_HEADER: Final = "holdfast-customer-name"
_SECRET_S: Final = 600
_HEADER_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class V1Options:
    """What the routes are told. `own_models` are names that are no provider's (id, label); `minter` is the
    provider that mints client secrets of its own instead of ours.
    """

    default_model: str
    own_models: Sequence[tuple[str, str]] = ()
    limits: Limits = DEFAULT
    minter: Forwarder | None = None
    session_s: float = 3600.0


class _ExpiresAfter(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200)] = _SECRET_S


class SecretWish(BaseModel):
    """The body of `POST /v1/realtime/client_secrets`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    expires_after: _ExpiresAfter = _ExpiresAfter()
    session: dict[str, Any] = Field(default_factory=dict)


class RefusedV1Error(Exception):
    """A request of these routes is refused."""

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float = 0,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.param = status, code, message, param
        self.retry_after_s = retry_after_s

    @property
    def answer(self) -> JSONResponse:
        """As the client reads it."""
        again = {"Retry-After": str(round(self.retry_after_s))} if self.retry_after_s else {}
        return openai_error(self.status, self.code, self.message, param=self.param, **again)


def admitted(gate: PortalGate, request: Request) -> Principal:
    """The trusted server client that asks. Raises RefusedV1Error."""
    judged = gate.admit_server(as_upgrade_request(request.scope))
    if isinstance(judged, Refusal):
        code = judged.code if judged.code.islower() else "missing_api_key"
        raise RefusedV1Error(judged.status, code, judged.message)
    return judged


async def on_refusal(_request: Request, problem: Exception) -> Response:
    """FastAPI's handler for RefusedV1Error."""
    assert isinstance(problem, RefusedV1Error)
    return problem.answer


def add_v1(
    app: FastAPI, gate: PortalGate, options: V1Options, clock: Callable[[], float] = time.monotonic
) -> None:
    """Put the routes into `app`. `clock` is for rate limits."""
    routes = _V1(gate, options, clock)
    app.add_api_route("/v1/models", routes.models, methods=["GET"])
    app.add_api_route("/v1/models/{model_id:path}", routes.model, methods=["GET"])
    app.add_api_route(SECRETS_PATH, routes.client_secret, methods=["POST"])
    app.add_exception_handler(RefusedV1Error, on_refusal)


class _V1:
    def __init__(self, gate: PortalGate, options: V1Options, clock: Callable[[], float]) -> None:
        self._gate = gate
        self._options = options
        limits = options.limits
        self._mints = AddressLimits(limits.client_secrets_per_s, limits.client_secrets_burst, clock)

    async def models(self, request: Request) -> dict[str, Any]:
        """Every model that a session may ask for today."""
        admitted(self._gate, request)
        today = datetime.now(UTC).date()
        alive = [one for one in MODELS.values() if one.shutdown is None or one.shutdown > today]
        own = [_own_model(name, label) for name, label in self._options.own_models]
        return {"object": "list", "data": [*map(_model, alive), *own]}

    async def model(self, request: Request, model_id: str) -> dict[str, Any]:
        """One of them, by its name or an alias."""
        admitted(self._gate, request)
        for name, label in self._options.own_models:
            if name == model_id:
                return _own_model(name, label)
        found = resolve_model(model_id, datetime.now(UTC).date())
        if isinstance(found, UnknownModel):
            raise RefusedV1Error(404, "model_not_found", found.message, param="model")
        return _model(found)

    async def client_secret(self, request: Request) -> Response:
        """A secret for a browser, bound to a session; to an origin and a customer where they are named."""
        who = admitted(self._gate, request)
        key = f"{who.source}:{who.customer_id}"
        if not self._mints.admits(key):
            words = "Too many client secrets at once."
            raise RefusedV1Error(429, "rate_limit_exceeded", words, retry_after_s=1)
        body = await request.body()
        wish = _wish(body)
        if self._options.minter is not None:
            return await _minted_by(self._options.minter, request, body)
        config = self._configured(wish)
        origin = self._origin(request)
        customer_id, customer_name = named_customer(request)
        try:
            value, secret = self._gate.client_secrets.mint(
                _bound(wish.session, config),
                seconds=wish.expires_after.seconds,
                size=len(body),
                origin=origin,
                customer_id=customer_id,
                customer_name=customer_name,
            )
        except NoRoomError as full:
            words = "As many client secrets are in use as may be: see [limits] client_secrets."
            raise RefusedV1Error(
                429, "rate_limit_exceeded", words, retry_after_s=full.retry_after_s
            ) from full
        log.info(
            "client_secret.minted",
            category="auth",
            source="v1",
            secret=secret.id,
            customer_id=secret.customer_id,
            origin=origin,
            seconds=wish.expires_after.seconds,
            in_use=len(self._gate.client_secrets),
        )
        told = {"value": value, "expires_at": secret.expires_at, "session": config.effective}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    def _configured(self, wish: SecretWish) -> SessionConfig:
        """The session as it will begin. Raises RefusedV1Error for what a session would refuse."""
        asked = wish.session
        intent: Intent = "transcription" if asked.get("type") == "transcription" else "realtime"
        model = self._model(asked) if intent == "realtime" else ""
        config = SessionConfig(
            intent=intent,
            model=model,
            session_id=f"sess_{secrets.token_hex(12)}",
            expires_at=int(time.time() + self._options.session_s),
        )
        named = {"model": model} if intent == "realtime" else {}
        try:
            config.update({"type": intent, **asked, **named}, voice_is_locked=False)
        except Refused as refused:
            code = refused.code or "invalid_value"
            raise RefusedV1Error(400, code, refused.message, param=refused.param) from refused
        return config

    def _model(self, asked: Mapping[str, Any]) -> str:
        wanted = asked.get("model")
        if wanted is None or wanted in {name for name, _ in self._options.own_models}:
            return str(wanted or self._options.default_model)
        found = resolve_model(str(wanted), datetime.now(UTC).date())
        if isinstance(found, UnknownModel):
            raise RefusedV1Error(400, "model_not_found", found.message, param="session.model")
        return str(wanted)

    def _origin(self, request: Request) -> str:
        asked = _header(request, ORIGIN_HEADER)
        if not asked:
            return ""
        origin = normal_origin(asked)
        if origin is None:
            raise RefusedV1Error(400, "invalid_value", f"{asked!r} is no web origin.", param=ORIGIN_HEADER)
        if not self._gate.welcomes(origin, as_upgrade_request(request.scope)):
            words = f"Pages of {origin} may not talk to this server: add it to [server] origins."
            raise RefusedV1Error(400, "invalid_value", words, param=ORIGIN_HEADER)
        return origin


async def _minted_by(minter: Forwarder, request: Request, body: bytes) -> Response:
    """A secret of the provider's own: its holder talks to the provider, past us."""

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    headers = {**request.headers, "content-type": "application/json"}
    try:
        answered = await minter.forward(
            "POST", "/realtime/client_secrets", headers, Body(pieces(), len(body))
        )
        told = await answered.refusal()
    except AudioFailedError as error:
        raise RefusedV1Error(502, error.code, error.message) from error
    if answered.status in {401, 403}:
        words = f"{minter.name} refuses this gateway's key. Its operator has to look at it."
        raise RefusedV1Error(502, "upstream_refused_key", words)
    log.info("client_secret.minted", category="auth", source="v1", upstream=minter.name)
    return Response(told, answered.status, {"content-type": "application/json"})


def _wish(body: bytes) -> SecretWish:
    try:
        return SecretWish.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        code = "unknown_parameter" if first["type"] == "extra_forbidden" else "invalid_value"
        raise RefusedV1Error(
            400, code, f"{place}: {first['msg']}".lstrip(": "), param=place or None
        ) from None


def _bound(asked: Mapping[str, Any], config: SessionConfig) -> dict[str, Any]:
    """What the conversation begins with: what was asked for, with type and model as they hold."""
    fixed: dict[str, Any] = {
        name: config.effective[name] for name in ("type", "model") if name in config.effective
    }
    return {**asked, **fixed}


def named_customer(request: Request) -> tuple[str, str]:
    """The customer in whose name a trusted server client speaks: id and name; both empty for nobody.

    Raises RefusedV1Error for an id that is too long: cut, it might be somebody else's.
    """
    customer_id = request.headers.get(CUSTOMER_HEADER, "").strip()
    if len(customer_id) > _HEADER_CHARS_MAX:
        words = f"Holdfast-Customer-Id has at most {_HEADER_CHARS_MAX} characters."
        raise RefusedV1Error(400, "invalid_value", words, param="Holdfast-Customer-Id")
    return customer_id, (_header(request, CUSTOMER_NAME_HEADER) or customer_id) if customer_id else ""


def _header(request: Request, name: str) -> str:
    return request.headers.get(name, "").strip()[:_HEADER_CHARS_MAX]


def _model(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": 0,
        "owned_by": "openai",
        "shutdown_date": None if model.shutdown is None else model.shutdown.isoformat(),
        "holdfast": {"label": model.label, "aliases": list(model.aliases), "successor": model.successor},
    }


def _own_model(name: str, label: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "holdfast",
        "shutdown_date": None,
        "holdfast": {"label": label, "aliases": [], "successor": None},
    }
