"""The tree of settings: names, types, defaults.

What lives here: pydantic models, one per table of `holdfast.toml`. `[limits]` is built from the fields of
`core.limits.Limits`, so that the two cannot drift apart.
What never will: reading files or the environment, checks that need the world (that is `checks`).
"""

from __future__ import annotations

import dataclasses
import ipaddress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    GetPydanticSchema,
    PrivateAttr,
    SecretStr,
    create_model,
)
from pydantic_core import core_schema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from holdfast.config.basics import STRICT, Texts, listed
from holdfast.config.keeping import JournalSettings, RecordingSettings, TranscriptSettings
from holdfast.config.recording import RecorderSettings
from holdfast.core.effects import Manner
from holdfast.core.limits import Limits
from holdfast.core.models import DEFAULT_MODEL, VOICES
from holdfast.core.rights import Rights

OPENAI_URL: Final = "https://api.openai.com/v1"
UpstreamKind = Literal["openai", "azure", "compatible", "local"]
DialectName = Literal["ga", "beta", "xai", "localai", "speaches", "huggingface", "vllm"]
"""Of a compatible server: the tables of `wire.dialects` but Azure's, which its address decides."""


class UpstreamSettings(BaseModel):
    """One upstream. The order of the list is the order of preference."""

    model_config = STRICT

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    kind: UpstreamKind
    base_url: str = ""
    api_key_env: str = ""
    model: str = DEFAULT_MODEL
    """At Azure the name of the deployment."""
    dialect: DialectName = "ga"
    """Of a server of kind `compatible`: how it departs from the GA shape."""
    api_version: str = Field(default="", max_length=64)
    """Of Azure: names the preview path, with its older shape; empty is the GA path."""
    key_header: Literal["", "authorization", "api-key"] = ""
    """Which header bears the key; left empty: `api-key` at Azure, else `authorization`."""
    voice: str = Field(default="", max_length=256)
    """Of a compatible server: its voice, for servers that have their own."""
    transcription_model: str = Field(default="", max_length=256)
    """What writes down the user's words, where the upstream's usual model is not the one."""
    workarounds: Annotated[tuple[Manner, ...], BeforeValidator(listed)] = (
        Manner.PLAIN,
        Manner.MINIMAL_AUDIO,
        Manner.PACED_AUDIO,
        Manner.OTHER_MODEL,
    )
    """How it is treated after the first, second, ... trouble of its own in a row."""
    warm: int = Field(default=0, ge=0, le=32)
    """How many links are kept dialled for sessions to come."""
    status_page: str = Field(default="", pattern=r"^(https?://\S{1,200})?$")
    """The service's page about its own state, for the doctor's verdict; empty: the one that is known."""

    _api_key: SecretStr = PrivateAttr(SecretStr(""))

    @property
    def api_key(self) -> SecretStr:
        """The value of the variable that `api_key_env` names; empty when there is none."""
        return self._api_key


class ServerSettings(BaseModel):
    """The listener. `origins` are whole web origins, `trusted_proxies` addresses or networks."""

    model_config = STRICT

    origins: Texts = ()
    trusted_proxies: Texts = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that run conversations behind the one port; with 1 the process that listens runs them."""
    client_secrets: Literal["own", "provider"] = "own"
    """Who mints what `POST /v1/realtime/client_secrets` gives out. The holder of a provider's secret talks to
    the provider directly: nothing of a session is held here.
    """
    beta_clients: Literal["refuse", "translate"] = "refuse"
    """What becomes of a client of `/v1/realtime` that asks for the shape before GA."""
    express: bool = True
    """Whether usual audio passes through the compiled part, where it was built."""
    chaos: bool = False
    """Faults on demand for application developers (`POST /dev/faults`); on this machine only."""


class AuthSettings(BaseModel):
    """Who may come in. `client_keys` are hashes, as `holdfast token --new-client-key` prints them. What the
    holder of a client secret may say: `narrow`, so that it can speak, listen and stop; or `full`.
    """

    model_config = STRICT

    secret: SecretStr | None = None
    client_keys: Texts = Field(default=(), repr=False)
    client_secret_rights: Rights = Rights.NARROW


class ConsoleSettings(BaseModel):
    """The operator's console. `keys` are hashes, as `holdfast token --new-client-key` prints them; without
    any it is open to this machine only, and only where nothing else asks for a ticket or a key.
    """

    model_config = STRICT

    keys: Texts = Field(default=(), repr=False)
    may_act: bool = False
    """Whether operators may end a session; otherwise they look."""
    show_words: bool = False
    """Whether a session's page shows what was said, as far as transcripts are kept; never in a bundle."""
    show_customers: bool = False
    """Whether customers' ids are shown whole; otherwise masked on arrival."""


class PortalSettings(BaseModel):
    """The demo portal. `auto` means: only while the server is bound to this machine."""

    model_config = STRICT

    database: Path = Path(".holdfast/portal.sqlite3")
    demo: Literal["auto", "on", "off"] = "auto"
    client_instructions: Literal["auto", "allow", "refuse"] = "auto"


class StageSettings(BaseModel):
    """Who does the work of a stage: what is built in, or a server of an OpenAI-compatible HTTP API."""

    model_config = STRICT

    kind: Literal["builtin", "openai"] = "builtin"
    base_url: str = ""
    api_key_env: str = ""
    model: str = Field(default="", max_length=200)
    silent_s: float = Field(default=10.0, gt=0, le=300)
    """How long it may be silent."""
    total_s: float = Field(default=60.0, gt=0, le=600)
    """How long it may let one piece of work wait in all."""

    _api_key: SecretStr = PrivateAttr(SecretStr(""))

    @property
    def api_key(self) -> SecretStr:
        """The value of the variable that `api_key_env` names; empty when there is none."""
        return self._api_key


class SpeechStageSettings(StageSettings):
    """The same of speech. `voice` empty: the session's; `rate` is that of `pcm`, a WAV file says its own."""

    voice: str = Field(default="", max_length=200)
    format: Literal["pcm", "wav"] = "pcm"
    rate: int = Field(default=24_000, ge=8_000, le=48_000)


class EngineSettings(BaseModel):
    """The embedded engine. `workers` 0: one for each processor that may be used, four at most. Paths replace
    the files that the package carries.
    """

    model_config = STRICT

    workers: int = Field(default=0, ge=0, le=64)
    voice: str = Field(default="cedar", pattern=f"^({'|'.join(VOICES)})$")
    vad_model: Path | None = None
    asr_model: Path | None = None
    turn: Literal["silence", "smart"] = "silence"
    turn_model: Path | None = None
    answers_ahead: bool = True
    transcription: StageSettings = StageSettings()
    chat: StageSettings = StageSettings()
    speech: SpeechStageSettings = SpeechStageSettings()

    @property
    def stages(self) -> dict[str, StageSettings]:
        """Those that others serve, by name."""
        stages = {"transcription": self.transcription, "chat": self.chat, "speech": self.speech}
        return {name: stage for name, stage in stages.items() if stage.kind != "builtin"}


Dollars = Annotated[Decimal, Field(gt=0, le=1_000_000_000)]


class BudgetSettings(BaseModel):
    """What may be spent, in US dollars; a cap that is left out is none. At a cap a session ends politely:
    what is being said is said, then a goodbye. A day begins at midnight UTC. What has no price (`holdfast
    cost` names it) is counted as if it had the dearest that is known.
    """

    model_config = STRICT

    session_usd: Dollars | None = None
    session_minutes: Annotated[float, Field(gt=0, le=24 * 60)] | None = None
    customer_usd_per_day: Dollars | None = None
    """Of one customer, or of one client key, for which many may speak."""
    total_usd_per_day: Dollars | None = None
    warn_at: float = Field(default=0.8, gt=0, le=1)
    """The share of a cap from which the log says that it comes near."""
    keep_days: float = Field(default=400, gt=0, le=36_500)
    """How long charges are kept."""


class ModalityPrices(BaseModel):
    """For a million tokens. `cached` left out: as any input."""

    model_config = STRICT

    input: Decimal = Field(default=Decimal(0), ge=0)
    cached: Decimal | None = Field(default=None, ge=0)
    output: Decimal = Field(default=Decimal(0), ge=0)


class PriceSettings(BaseModel):
    """What models cost from a day on, in US dollars: before, or in place of, what the package knows."""

    model_config = STRICT

    models: Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)]
    as_of: date
    source: str = Field(default="settings", max_length=200)
    text: ModalityPrices | None = None
    audio: ModalityPrices | None = None
    image: ModalityPrices | None = None
    per_minute: Decimal | None = Field(default=None, ge=0)
    """Of audio, where it is billed by its duration."""


class LogSettings(BaseModel):
    """The log. `auto` writes for people on a terminal, JSON otherwise."""

    model_config = STRICT

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"


class MetricsSettings(BaseModel):
    """`GET /metrics`, for Prometheus. `loopback`: programs of this machine need no key, others a bearer key
    of `keys`; `key`: everybody needs one; `off`: there is no such page, and nothing is counted for it. `keys`
    are hashes, as `holdfast token --new-client-key` prints them; a client's own key opens nothing here.
    """

    model_config = STRICT

    access: Literal["loopback", "key", "off"] = "loopback"
    keys: Texts = Field(default=(), repr=False)


class TracesSettings(BaseModel):
    """Spans for OpenTelemetry: session, turn, response, tool, dial, rebuild; no words and no audio. Off while
    `endpoint`, the address of an OTLP receiver over HTTP, is empty. Needs `pip install 'holdfast[otel]'`.
    """

    model_config = STRICT

    endpoint: str = ""
    headers_env: str = ""
    """The variable that holds headers for the receiver, as in `authorization=Bearer abc`."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Of sessions whose spans are sent."""

    _headers: SecretStr = PrivateAttr(SecretStr(""))

    @property
    def headers(self) -> SecretStr:
        """The value of the variable that `headers_env` names; empty when there is none."""
        return self._headers

    @property
    def header_fields(self) -> dict[str, str]:
        """The same, one by one."""
        parts = (part.partition("=") for part in self.headers.get_secret_value().split(",") if "=" in part)
        return {name.strip().lower(): value.strip() for name, _, value in parts}


MAY_BE_NONE: Final = frozenset({"append_join_ms", "unheard_s"})
"""Limits whose 0 means: never. Of all others it would mean that nothing works."""


def _limit_fields() -> dict[str, Any]:
    types = {"int": int, "float": float}
    return {
        one.name: (
            types[str(one.type)],
            Field(default=one.default, ge=0) if one.name in MAY_BE_NONE else Field(default=one.default, gt=0),
        )
        for one in dataclasses.fields(Limits)
    }


_LimitsShape: Final = create_model("LimitsShape", __config__=STRICT, **_limit_fields())

LimitsSettings = Annotated[
    Limits,
    GetPydanticSchema(
        lambda _limits, schema: core_schema.no_info_after_validator_function(
            lambda shape: Limits(**shape.model_dump()),
            schema(_LimitsShape),
            serialization=core_schema.plain_serializer_function_ser_schema(dataclasses.asdict),
        )
    ),
]
"""`Limits`, validated field by field."""


class Settings(BaseSettings):
    """Everything. `holdfast.config.load` makes it; its secrets never show in a repr."""

    model_config = SettingsConfigDict(
        extra="forbid",
        env_prefix="HOLDFAST_",
        env_nested_delimiter="__",
        validate_default=False,  # the defaults are ours, and Limits is no dictionary
        hide_input_in_errors=True,
        frozen=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    upstream: tuple[UpstreamSettings, ...] = ()
    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    console: ConsoleSettings = ConsoleSettings()
    portal: PortalSettings = PortalSettings()
    journal: JournalSettings = JournalSettings()
    transcripts: TranscriptSettings = TranscriptSettings()
    recorder: RecorderSettings = RecorderSettings()
    recording: RecordingSettings = RecordingSettings()
    engine: EngineSettings = EngineSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    traces: TracesSettings = TracesSettings()
    budget: BudgetSettings = BudgetSettings()
    price: tuple[PriceSettings, ...] = ()
    limits: LimitsSettings = Limits()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: it reads the sources itself, to be able to name them."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def on_loopback(self) -> bool:
        """Whether the listener is bound to this machine only."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def guarded(self) -> bool:
        """Whether anybody has to show a ticket or a key."""
        return self.auth.secret is not None or bool(self.auth.client_keys)

    @property
    def demo(self) -> bool:
        """Whether the demo portal's customers may be signed in."""
        return self.portal.demo == "on" or (self.portal.demo == "auto" and self.on_loopback)

    @property
    def client_instructions(self) -> bool:
        """Whether a client's own instructions are appended to ours (as wishes)."""
        policy = self.portal.client_instructions
        return policy == "allow" or (policy == "auto" and self.on_loopback and not self.guarded)

    @property
    def pseudonym_key(self) -> str:
        """Under which customers have their names in logs and traces; empty where nothing is configured."""
        return "" if self.auth.secret is None else self.auth.secret.get_secret_value()

    @property
    def secrets(self) -> list[str]:
        """Every secret by value, for the log's redaction."""
        found = [one.api_key.get_secret_value() for one in self.upstream]
        found += [one.api_key.get_secret_value() for one in self.engine.stages.values()]
        if self.auth.secret is not None:
            found.append(self.auth.secret.get_secret_value())
        found.append(self.traces.headers.get_secret_value())
        return [secret for secret in found if secret]
