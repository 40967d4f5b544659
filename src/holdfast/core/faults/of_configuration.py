"""Faults of how we were set up: somebody has to change something, and nobody can talk until then.

What lives here: rows. What never will: a row of another party.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.core.faults.table import AT_ONCE, ONE_A_DAY, FaultRow, Retry, Switch, by_code

_SETUP: Final = "The voice service isn't set up correctly. The people who run this site have to look at it."
_HTTP: Final = ("HTTP status", "request id", "error.code")

CONFIGURATION: Final[Mapping[str, FaultRow]] = by_code(
    FaultRow(
        "configuration.invalid_api_key",
        message=_SETUP,
        remedy="The provider refused the API key: set the right one in OPENAI_API_KEY, or in the variable "
        "that the upstream's api_key_env names.",
        meaning="The handshake was answered with 401, or after 101 an error invalid_api_key and close "
        "3000 came.",
        evidence=_HTTP,
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="http:401",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.no_access",
        message=_SETUP,
        remedy="The key has no access to this model, project or region: check the project's permissions.",
        meaning="The handshake was answered with 403: the key is known and may not do this.",
        evidence=_HTTP,
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="http:403",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.model_not_found",
        message=_SETUP,
        remedy="The provider does not know this model or path: check the upstream's model and base_url.",
        meaning="The handshake was answered with 404, or an error model_not_found, missing_model or "
        "invalid_model came after 101.",
        evidence=_HTTP,
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="refuse:model_not_found",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.quota_exhausted",
        message=_SETUP,
        remedy="The account has no credit left or is blocked: see the provider's billing page.",
        meaning="insufficient_quota or another word for a spent or blocked account came, at the "
        "handshake, in an error, in a failed response or in a close.",
        evidence=_HTTP,
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="http:429:quota",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.beta_shape",
        message=_SETUP,
        remedy="Something on the way adds the beta header, which the service refuses since May 2026: "
        "remove it.",
        meaning="The upstream refused the session with beta_api_shape_disabled.",
        evidence=("error.code", "the provider's own words"),
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="refuse:beta_api_shape_disabled",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.session_refused",
        message=_SETUP,
        remedy="The upstream refused our session settings: see the evidence for the field it names.",
        meaning="session.update was answered with an error of our making, or the handshake with 400.",
        evidence=("error.code", "the provider's own words"),
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="reject-update",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.tls_certificate",
        message=_SETUP,
        remedy="The upstream's certificate is not trusted here: check base_url, the clock and the CA bundle.",
        meaning="The TLS handshake ended because the certificate is expired, for another name, or signed "
        "by nobody who is trusted here.",
        evidence=("the verifier's error",),
        close_code=4502,
        switch=Switch.AT_ONCE,
        provoke="point an https:// base_url at a server with a self-signed certificate",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.redirected",
        message=_SETUP,
        remedy="The upstream redirects to another address and credentials are never sent there: correct "
        "base_url.",
        meaning="The handshake was answered with a status from 300 to 399.",
        evidence=_HTTP,
        close_code=4502,
        switch=Switch.AT_ONCE,
        emulate="http:301",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.speech_files_missing",
        message="The built-in assistant isn't installed completely.",
        remedy="Run `make speech` in the checkout, or install the wheel, which carries the speech files; or "
        "correct the file that [engine] names (see the evidence).",
        meaning="An upstream of kind local was wanted and files that [engine] needs are not there.",
        evidence=("which file",),
        close_code=4502,
        switch=Switch.AT_ONCE,
        provoke="serve an upstream of kind local from a checkout where `make speech` was never run",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.stage_refused",
        message="The assistant works with less than it was given: one of its servers refuses it.",
        remedy="A server of [engine.transcription], [engine.chat] or [engine.speech] refuses the request "
        "(see the evidence): correct base_url, model and key. What is built in does the work meanwhile.",
        meaning="A server that does a stage's work answered with a status from 300 to 499 other than 408 "
        "and 429.",
        evidence=("which stage", "HTTP status", "the server's own words"),
        ends=False,
        emulate="stage:transcription:401",
        provoke="with base_url of [engine.transcription] at the emulator",
        alarm=ONE_A_DAY,
    ),
    FaultRow(
        "configuration.session_budget",
        message="This conversation has reached the limit that was set for it, so I have to say goodbye now.",
        remedy="Nothing to repair: [budget] session_usd or session_minutes is reached (see the evidence). A "
        "new session may begin.",
        meaning="What a session has cost, or how long it has lasted, reached its cap.",
        evidence=("which cap", "how much of it is used"),
        close_code=4429,
        provoke="serve with HOLDFAST_BUDGET__SESSION_USD=0.0001 and talk",
    ),
    FaultRow(
        "configuration.customer_budget",
        message="What you can use of this service in one day is used up, so I have to say goodbye until "
        "tomorrow.",
        remedy="[budget] customer_usd_per_day is reached for this customer: `holdfast cost --by session` "
        "shows by what. It opens again at midnight UTC, or when the cap is raised.",
        meaning="What a customer's sessions have cost since midnight UTC reached the cap: running ones end, "
        "none begins.",
        evidence=("which cap", "how much of it is used", "when it opens again"),
        retry=Retry.WAIT,
        close_code=4429,
        provoke="serve with HOLDFAST_BUDGET__CUSTOMER_USD_PER_DAY=0.0001 and talk twice",
        alarm=ONE_A_DAY,
    ),
    FaultRow(
        "configuration.total_budget",
        message="The voice service has reached its limit for today, so I have to say goodbye until tomorrow.",
        remedy="[budget] total_usd_per_day is reached by all together: `holdfast cost --by customer` shows "
        "by whom. It opens again at midnight UTC, or when the cap is raised.",
        meaning="What all sessions have cost since midnight UTC reached the cap: running ones end, none "
        "begins.",
        evidence=("which cap", "how much of it is used", "when it opens again"),
        retry=Retry.WAIT,
        close_code=4429,
        provoke="serve with HOLDFAST_BUDGET__TOTAL_USD_PER_DAY=0.0001 and talk twice",
        alarm=AT_ONCE,
    ),
    FaultRow(
        "configuration.ended_by_operator",
        message="The people who run this service have ended the conversation.",
        remedy="Nothing to repair: an operator ended it on the console; the log's console.ended says which.",
        meaning="Somebody with a key of [console] keys ended the session, where [console] may_act allows it.",
        evidence=("the short name of the operator's key",),
        close_code=4403,
        provoke="serve with HOLDFAST_CONSOLE__MAY_ACT=true and end a session at /console",
    ),
    FaultRow(
        "configuration.port_in_use",
        message=_SETUP,
        remedy="Another program listens on this port: stop it, or choose another with HOLDFAST_PORT.",
        meaning="The address and port of [server] can't be bound.",
        evidence=("address and port",),
        ends=False,
        provoke="run `holdfast doctor --offline` while another program listens on the port",
    ),
    FaultRow(
        "configuration.invalid",
        message=_SETUP,
        remedy="A setting is wrong: `holdfast doctor --offline` names it and the remedy.",
        meaning="The settings can't be read, or one of them has no meaning.",
        evidence=("which setting", "what is wrong with it"),
        ends=False,
        provoke="run `HOLDFAST_PORT=never holdfast doctor --offline`",
    ),
)
