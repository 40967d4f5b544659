"""What must hold between settings, and between settings and this machine.

What lives here: small questions to a whole `Settings`, each answering with problems.
What never will: types and ranges of single settings (`shapes`), the network.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from holdfast.config.paths import is_folder, no_file, no_folder
from holdfast.config.problems import Problem, show
from holdfast.config.shapes import OPENAI_URL, Settings, UpstreamSettings
from holdfast.core.models import UnknownModel, resolve_model
from holdfast.wire.dialects import DIALECTS

SECRET_CHARS_MIN: Final = 32
_VARIABLE: Final = re.compile(r"(?![A-Za-z0-9]{32})[A-Za-z_][A-Za-z0-9_]{0,63}")
"""A variable's name, and no key that was put in its place."""
_HASHED_KEY: Final = re.compile(r"sha256:[0-9a-f]{64}")
_API_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?")
_OPENAI_HOST: Final = urlsplit(OPENAI_URL).hostname
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Name = Callable[[str], str]
"""A path such as `server.origins` -> how the person wrote it."""


def problems_of(settings: Settings, environ: Mapping[str, str], name: Name, today: date) -> Iterator[Problem]:
    """Everything that is wrong with settings whose shapes are right."""
    for check in (
        _binding,
        _secret,
        _client_keys,
        _origins,
        _proxies,
        _tls,
        _workers,
        _minting,
        _portal,
        _engine,
        _metrics,
        _prices,
        _recording,
        _key_places,
    ):
        yield from check(settings, name)
    yield from _traces(settings, environ, name)
    yield from _stages(settings, environ, name)
    yield from _upstreams(settings, environ, name, today)


def _binding(settings: Settings, name: Name) -> Iterator[Problem]:
    """Beyond this machine only with authentication, known origins and an encrypted way in."""
    if settings.on_loopback:
        return
    if settings.server.chaos:
        yield Problem(
            name("server.chaos"),
            "anybody who can reach this address could break running conversations",
            "Leave [server] chaos out, or stay on this machine with host 127.0.0.1.",
        )
    lacking = []
    if not settings.guarded:
        lacking.append("[auth] secret (HOLDFAST_AUTH__SECRET) or client_keys")
    if not settings.server.origins:
        lacking.append("[server] origins (HOLDFAST_SERVER__ORIGINS)")
    if not (settings.server.tls_cert or settings.server.trusted_proxies):
        lacking.append("[server] tls_cert and tls_key, or trusted_proxies (HOLDFAST_SERVER__TRUSTED_PROXIES)")
    if lacking:
        yield Problem(
            name("host"),
            f"{settings.host} can be reached from other machines: anybody there could talk at your expense",
            f"Set {'; '.join(lacking)}. Or stay on this machine with host 127.0.0.1.",
        )


def _secret(settings: Settings, name: Name) -> Iterator[Problem]:
    secret = settings.auth.secret
    if secret is not None and len(secret.get_secret_value().encode()) < SECRET_CHARS_MIN:
        yield Problem(
            name("auth.secret"),
            f"it is shorter than {SECRET_CHARS_MIN} bytes and could be guessed",
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
        )


def _client_keys(settings: Settings, name: Name) -> Iterator[Problem]:
    hashed = {"auth.client_keys": settings.auth.client_keys, "console.keys": settings.console.keys}
    for place, keys in hashed.items():
        if any(not _HASHED_KEY.fullmatch(key) for key in keys):
            yield Problem(
                name(place),
                "an entry is no hash of the form sha256:<64 hexadecimal digits>; keys are never stored in "
                "clear",
                "Make a key and its hash with: holdfast token --new-client-key",
            )


def _key_places(settings: Settings, name: Name) -> Iterator[Problem]:
    """Where a variable's name belongs no key may stand: a file is read by more people than a key may be."""
    places = {f"upstream.{at}.api_key_env": one.api_key_env for at, one in enumerate(settings.upstream)}
    stages = settings.engine.stages.items()
    places |= {f"engine.{stage}.api_key_env": one.api_key_env for stage, one in stages}
    for key, value in (places | {"traces.headers_env": settings.traces.headers_env}).items():
        if value and not _VARIABLE.fullmatch(value):
            yield Problem(
                name(key),
                "the name of a variable belongs here, and this is none",
                "Put the key itself into the environment and the variable's name here, as in "
                '"OPENAI_API_KEY". A key that stood in a file is better replaced.',
            )


def _is_empty(variable: str, environ: Mapping[str, str]) -> bool:
    """Whether a variable holds nothing; what cannot be one is told elsewhere."""
    return not environ.get(variable) and (not variable or bool(_VARIABLE.fullmatch(variable)))


def _metrics(settings: Settings, name: Name) -> Iterator[Problem]:
    metrics = settings.metrics
    if any(not _HASHED_KEY.fullmatch(key) for key in metrics.keys):
        yield Problem(
            name("metrics.keys"),
            "an entry is no hash of the form sha256:<64 hexadecimal digits>; keys are never stored in clear",
            "Make a key and its hash with: holdfast token --new-client-key",
        )
    if metrics.access == "key" and not metrics.keys:
        yield Problem(
            name("metrics.access"),
            "everybody needs a key, and there is none",
            "Name the hash of one in [metrics] keys, or write off.",
        )


def _traces(settings: Settings, environ: Mapping[str, str], name: Name) -> Iterator[Problem]:
    traces = settings.traces
    if not traces.endpoint:
        return
    url = _url(traces.endpoint)
    if url is None or url.scheme not in {"http", "https"} or url.user:
        yield Problem(
            name("traces.endpoint"),
            f"{show(_without_user(traces.endpoint))} is no http or https address",
            'Write the whole address, as in "http://127.0.0.1:4318/v1/traces".',
        )
    if not find_spec("opentelemetry.sdk") or not find_spec("opentelemetry.exporter"):
        yield Problem(
            name("traces.endpoint"),
            "the libraries that send spans are not installed",
            "Run `pip install 'holdfast[otel]'`, or leave endpoint out.",
        )
    if traces.headers_env and _is_empty(traces.headers_env, environ):
        yield Problem(
            name("traces.headers_env"),
            f"the variable {traces.headers_env} is empty",
            f"Set {traces.headers_env}, or leave headers_env out.",
        )


def _origins(settings: Settings, name: Name) -> Iterator[Problem]:
    for origin in settings.server.origins:
        url = _url(origin)
        plain = url is not None and url.scheme in {"http", "https"} and not url.user and not url.rest
        if not plain or "*" in origin:
            yield Problem(
                name("server.origins"),
                f"{show(origin)} is no web origin",
                'Write scheme and host, as in "https://portal.example.com"; patterns are not supported.',
            )


def _proxies(settings: Settings, name: Name) -> Iterator[Problem]:
    for network in settings.server.trusted_proxies:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield Problem(
                name("server.trusted_proxies"),
                f"{show(network)} is no address or network",
                'Write the proxy\'s address or network, as in "10.0.0.0/8".',
            )


def _tls(settings: Settings, name: Name) -> Iterator[Problem]:
    server = settings.server
    if (server.tls_cert is None) != (server.tls_key is None):
        there, lacking = ("tls_cert", "tls_key") if server.tls_cert else ("tls_key", "tls_cert")
        yield Problem(name(f"server.{lacking}"), f"{there} is set alone", "Set both, or none.")
    lacking_files = list(_files({"server.tls_cert": server.tls_cert, "server.tls_key": server.tls_key}, name))
    yield from lacking_files
    if server.tls_cert is None or server.tls_key is None or lacking_files:
        return
    from holdfast.config.certificates import flaws  # noqa: PLC0415 - the library behind it is slow to load

    for flaw in flaws(server.tls_cert, server.tls_key, datetime.now(UTC)):
        yield Problem(name(f"server.{flaw.file}"), flaw.problem, flaw.remedy)


def _workers(settings: Settings, name: Name) -> Iterator[Problem]:
    if settings.server.workers > 1 and settings.server.tls_cert is not None:
        yield Problem(
            name("server.workers"),
            "a connection whose TLS ends here can't be handed to another process",
            "Let a proxy end TLS ([server] trusted_proxies), or leave workers at 1.",
        )


def _minting(settings: Settings, name: Name) -> Iterator[Problem]:
    if settings.server.client_secrets == "provider" and all(one.kind == "local" for one in settings.upstream):
        yield Problem(
            name("server.client_secrets"),
            "there is no provider that could mint them: every upstream is the embedded engine",
            "Leave it out (or write own), or add an upstream that is a provider.",
        )


def _portal(settings: Settings, name: Name) -> Iterator[Problem]:
    if is_folder(settings.portal.database):
        yield Problem(
            name("portal.database"),
            f"{settings.portal.database} is a folder",
            "Name a file; it is made at the first run.",
        )


def _recording(settings: Settings, name: Name) -> Iterator[Problem]:
    """Never by accident: only with words that a person agrees to, and a book in which the consent stands."""
    if not settings.recording.enabled:
        return
    if not settings.recording.words.strip():
        yield Problem(
            name("recording.words"),
            "nobody can agree to being recorded without being told so",
            'Write what is shown to people, as in "This call is recorded to improve our service."',
        )
    if settings.journal.kind == "memory":
        yield Problem(
            name("recording.enabled"),
            "a consent must be kept, and [journal] kind is memory",
            'Set kind = "sqlite" under [journal].',
        )
    if not find_spec("soundfile"):
        yield Problem(
            name("recording.enabled"),
            "the library that writes sound files is not installed",
            "Run `pip install 'holdfast[recording]'`.",
        )


def _engine(settings: Settings, name: Name) -> Iterator[Problem]:
    files = {"engine.vad_model": settings.engine.vad_model, "engine.turn_model": settings.engine.turn_model}
    yield from _files(files, name)
    if settings.engine.turn == "smart" and settings.engine.turn_model is None and not find_spec("pipecat"):
        yield Problem(
            name("engine.turn"),
            "the network that it needs is not installed; it comes inside the package pipecat-ai",
            "Run `pip install --no-deps pipecat-ai`, or name its file in turn_model.",
        )
    asr = settings.engine.asr_model
    remedy = "Name the folder of an acoustic model, or leave it out to use the one that is installed."
    if asr is not None and (wrong := no_folder(asr, remedy)) is not None:
        yield Problem(name("engine.asr_model"), *wrong)


def _prices(settings: Settings, name: Name) -> Iterator[Problem]:
    """A row that says nothing would make a model free."""
    for at, row in enumerate(settings.price):
        if row.per_minute is None and row.text is None and row.audio is None and row.image is None:
            remedy = "Give text, audio, image or per_minute, or leave the row out."
            yield Problem(name(f"price.{at}"), "this row has no price", remedy)


def _stages(settings: Settings, environ: Mapping[str, str], name: Name) -> Iterator[Problem]:
    for stage, one in settings.engine.stages.items():
        url = _url(one.base_url)
        if url is None or url.scheme not in {"http", "https"} or url.user:
            yield Problem(
                name(f"engine.{stage}.base_url"),
                f"{show(_without_user(one.base_url))} is no http or https address",
                'Write it as in "http://127.0.0.1:11434/v1"; a key stands in api_key_env.',
            )
        elif url.host in {*_LOOPBACK_NAMES, settings.host} and urlsplit(one.base_url).port == settings.port:
            yield Problem(
                name(f"engine.{stage}.base_url"),
                f"{show(one.base_url)} is this gateway itself: it would ask itself for ever",
                "Name another server, or leave the stage out.",
            )
        if not one.model:
            yield Problem(name(f"engine.{stage}.model"), "no model is named", "Name one that the server has.")
        if one.api_key_env and _is_empty(one.api_key_env, environ):
            yield Problem(
                name(f"engine.{stage}.api_key_env"),
                f"the variable {one.api_key_env} is empty",
                f"Set {one.api_key_env}, or leave api_key_env out for a server that needs no key.",
            )


def _files(files: Mapping[str, Path | None], name: Name) -> Iterator[Problem]:
    for key, path in files.items():
        if path is not None and (wrong := no_file(path)) is not None:
            yield Problem(name(key), *wrong)


def _upstreams(settings: Settings, environ: Mapping[str, str], name: Name, today: date) -> Iterator[Problem]:
    names = Counter(upstream.name for upstream in settings.upstream)
    for twice in [one for one, count in names.items() if count > 1]:
        yield Problem(name("upstream"), f"two upstreams are called {twice!r}", "Give each its own name.")
    if not settings.upstream:
        yield Problem(name("upstream"), "the list is empty", "Name an upstream, or leave the list out.")
    for at, upstream in enumerate(settings.upstream):
        if upstream.kind != "local":
            yield from _remote(upstream, environ, partial(_entry, name, at), today)


def _entry(name: Name, at: int, key: str) -> str:
    return name(f"upstream.{at}.{key}")


_EXAMPLES: Final = {
    "openai": "https://api.openai.com/v1",
    "azure": "https://NAME.openai.azure.com",
    "compatible": "http://127.0.0.1:8000/v1",
}


def _remote(
    upstream: UpstreamSettings, environ: Mapping[str, str], name: Name, today: date
) -> Iterator[Problem]:
    yield from _of_kind(upstream, name)
    url = _url(upstream.base_url)
    if url is None or url.scheme not in {"http", "https"} or url.user:
        problem = "bears a user name or password" if url and url.user else "is no http or https address"
        yield Problem(
            name("base_url"),
            f"{show(_without_user(upstream.base_url))} {problem}",
            f'Write it as in "{_EXAMPLES[upstream.kind]}".',
        )
        return
    needs_key = upstream.kind != "compatible" or upstream.api_key_env
    if needs_key and _is_empty(upstream.api_key_env, environ) and url.host not in _LOOPBACK_NAMES:
        variable = upstream.api_key_env or "that api_key_env names (it is not set)"
        yield Problem(
            name("api_key_env"),
            f"upstream {upstream.name!r} takes its key from the variable {variable}, which is empty",
            f"Set {variable}, or remove this upstream.",
        )
    if url.host == _OPENAI_HOST:
        model = resolve_model(upstream.model, today)
        if isinstance(model, UnknownModel):
            yield Problem(
                name("model"), f"{model.name!r} {model.reason}", f"Did you mean {model.suggestion!r}?"
            )


_ONE_KINDS: Final = {
    "dialect": ("compatible", "ga"),
    "api_version": ("azure", ""),
    "voice": ("compatible", ""),
}
"""Settings that mean something to one kind, and what they are when nobody set them."""


def _of_kind(upstream: UpstreamSettings, name: Name) -> Iterator[Problem]:
    for key, (kind, default) in _ONE_KINDS.items():
        if upstream.kind != kind and getattr(upstream, key) != default:
            yield Problem(
                name(key),
                f"it means nothing to an upstream of kind {upstream.kind}",
                f"Leave it out, or set kind to {kind}.",
            )
    if upstream.api_version and not _API_VERSION.fullmatch(upstream.api_version):
        what = f"{show(upstream.api_version)} is no version"
        yield Problem(name("api_version"), what, "Write it as in 2025-04-01-preview, or leave it out.")
    needs_model = upstream.kind == "azure" or DIALECTS[upstream.dialect].needs_model
    if upstream.kind != "openai" and needs_model and "model" not in upstream.model_fields_set:
        what = "the deployment" if upstream.kind == "azure" else "one of its models"
        yield Problem(name("model"), f"this upstream does not know {upstream.model!r}", f"Name {what}.")


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    user: bool
    rest: str


def _url(text: str) -> _Url | None:
    """The parts of an address; None when there is no host, or a port that is none."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return None
    if not parts.hostname or any(char.isspace() for char in text):
        return None
    rest = f"{parts.path}{parts.query}{parts.fragment}"
    return _Url(parts.scheme, parts.hostname, "@" in parts.netloc, rest)


def _without_user(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
