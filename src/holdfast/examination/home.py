"""Questions that this machine answers alone, in well under two seconds.

What lives here: which offline checks there are, and what of the settings each looks at.
What never will: dialling anybody, beyond the port that is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import holdfast
from holdfast.config import ConfigError, Settings, UpstreamSettings
from holdfast.config.certificates import ends, flaws
from holdfast.diagnosis import Answer, Question, machine, offline
from holdfast.engine import densities
from holdfast.engine.options import missing
from holdfast.express import IS_BUILT
from holdfast.providers.local import engine_options

PACKAGE: Final = Path(holdfast.__file__).resolve().parent
UNBUILT: Final = "not built (`make express` wants a C compiler)"
RENEW_DAYS: Final = 21
"""A certificate that ends sooner is worth a word."""


def questions(settings: Settings | None, problem: ConfigError | None) -> list[Question]:
    """Settings that cannot be read are the first failure; what rests on them is not asked then."""
    asked = [
        Question("home.python", "Python", offline.python),
        Question("home.libraries", "libraries", offline.libraries),
        Question("home.clock", "clock", machine.clock),
        Question("home.processors", "processors", machine.processors),
        Question("home.settings", "settings", partial(_settings, settings, problem)),
        Question("home.express", "compiled audio", _compiled_audio),
        Question("home.recogniser", "compiled recognition", _compiled_recognition),
        Question("home.web_client", "web client", partial(offline.web_client, PACKAGE / "_web")),
    ]
    return asked if settings is None else [*asked, *_of_settings(settings)]


def _of_settings(settings: Settings) -> list[Question]:
    limits = settings.limits
    files = partial(machine.open_files, limits.sessions, limits.descriptors_reserved)
    asked = [
        Question("home.open_files", "open files", files),
        Question("home.memory", "memory", partial(machine.memory, limits.sessions)),
        Question("home.port", "port", partial(offline.port, settings.host.strip("[]"), settings.port)),
        Question("home.certificate", "certificate", partial(_certificate, settings)),
        Question(
            "home.database", "demo database", partial(offline.writable, settings.portal.database.parent)
        ),
        Question("home.speech_files", "speech files", partial(_speech_files, settings)),
    ]
    if settings.journal.kind != "memory":
        folder = settings.journal.database.parent
        asked.append(Question("home.journal", "journal", partial(offline.writable, folder)))
    return asked + [
        Question(f"home.key.{one.name}", f"key of {one.name}", partial(_key, one))
        for one in settings.upstream
        if one.kind != "local"
    ]


def _compiled_audio() -> Answer:
    obstacle = None if IS_BUILT else UNBUILT
    what, without = "usual audio passes compiled", "audio goes the way through Python"
    return offline.compiled(what, without, obstacle=obstacle)


def _compiled_recognition() -> Answer:
    what, without = "eight scores are computed at a time", "they are computed one after the other"
    return offline.compiled(what, without, obstacle=densities.obstacle())


def _settings(settings: Settings | None, problem: ConfigError | None) -> Answer:
    if settings is not None:
        return Answer.ok("upstreams: " + ", ".join(one.name for one in settings.upstream))
    assert problem is not None, "settings that cannot be read have a problem"
    evidence = [f"{one.key}: {one.problem}" for one in problem.problems]
    remedy = " ".join(one.remedy for one in problem.problems)
    return Answer.failed("configuration.invalid", *evidence, remedy=remedy)


def _certificate(settings: Settings) -> Answer:
    """Readable, of its key, and for how long. Settings with one that cannot serve are refused before."""
    certificate, key = settings.server.tls_cert, settings.server.tls_key
    if certificate is None or key is None:
        who = "this machine only" if settings.on_loopback else "a trusted proxy ends TLS"
        return Answer.ok(f"none: {who}")
    return judge_certificate(certificate, key, datetime.now(UTC))


def judge_certificate(certificate: Path, key: Path, now: datetime) -> Answer:
    """The pair as the listener would find it."""
    found: Sequence[str] = [f"{flaw.problem}: {flaw.remedy}" for flaw in flaws(certificate, key, now)]
    if found:
        return Answer.failed("configuration.invalid", *found, remedy=found[0].partition(": ")[2])
    left = (ends(certificate) - now).days
    told = f"{certificate} holds for {left} days"
    if left < RENEW_DAYS:
        return Answer.warning(told, "Renew it, then start again.")
    return Answer.ok(told)


def _speech_files(settings: Settings) -> Answer:
    reasons = missing(engine_options(settings.engine, workers=1))
    if not reasons:
        return Answer.ok("all there")
    if any(one.kind == "local" for one in settings.upstream):
        return Answer.failed("configuration.speech_files_missing", *reasons)
    return Answer.warning(" ".join(reasons))


def _key(upstream: UpstreamSettings) -> Answer:
    """A server that is no provider is asked with a key only where one is named."""
    names_one = upstream.kind != "compatible" or bool(upstream.api_key_env)
    needed = names_one and not offline.is_loopback(upstream.base_url)
    return offline.api_key(upstream.api_key_env, needed=needed)
