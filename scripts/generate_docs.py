"""Write what is generated from the code, pages of docs/reference before all: `make docs`.
`--check` only tells what is stale.

What lives here: tables of the code as Markdown. What never will: words that the code does not say itself.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import typer
from pydantic import BaseModel

import fault_files
import price_file
from holdfast import cli
from holdfast.config import Settings, UpstreamSettings
from holdfast.config.shapes import PriceSettings
from holdfast.core.client_link import CLIENT_TRANSITIONS
from holdfast.core.limits import Limits
from holdfast.core.rights import NARROW
from holdfast.core.turn import TURN_TRANSITIONS
from holdfast.core.upstream_link import UPSTREAM_TRANSITIONS
from holdfast.telemetry import FIELDS, MOMENTS
from holdfast.wire.dialects import DIALECTS, GA_ONLY, GA_RESPONSE, GA_SESSION, Dialect, Own, link_of
from holdfast.wire.dialects.table import put

LISTED_APART: Final = frozenset({"upstream", "price", "limits"})
ROOT: Final = Path(__file__).resolve().parent.parent
REFERENCE: Final = ROOT / "docs" / "reference"
NOTE: Final = "<!-- Written by `make docs` from the code. Change the code, not this page. -->"

INTRODUCTIONS: Final = {
    "logs": """\
On a terminal a readable line, otherwise one JSON object a line: `timestamp`, `level`, `event`, `category`,
`source`, and everything else under `metadata`. Audio, transcripts and secrets are never logged; control
characters are written out; a field is cut at 4 kB. These event names stay:""",
    "limits": """\
Every bound of the gateway. Each is a setting in `[limits]`, by environment `HOLDFAST_LIMITS__NAME`. The end
of a name is its unit: `_s` seconds, `_bytes`, `_chars`, `_per_s`; none means a count.""",
    "settings": """\
In `holdfast.toml` in the working directory, or in the file that `HOLDFAST_CONFIG` names; defaults are written
as there. Each can be set by the environment, which wins: a double underscore descends one level, entries of a
list have commas between them, nothing is quoted. `PORT` is honoured where `HOLDFAST_PORT` is not set. Without
a list of upstreams, OpenAI is used when `OPENAI_API_KEY` is set (at `OPENAI_BASE_URL`, if that is set), else
the embedded engine. All errors are told at once, each with its remedy.""",
    "rights": """\
What the holder of a client secret may send to `/v1/realtime`, when `[auth] client_secret_rights` is `narrow`,
as it is unless told otherwise. Everything else is refused whole: `error`, `invalid_request_error`,
`insufficient_permissions`, with the client's `event_id` and the field as `param`. `type` and `event_id` may
stand everywhere; a field of `session` that repeats what the secret is bound to is no refusal. A message may
have `narrow_client_text_bytes`. With `full` the holder has the rights of a server's key.""",
    "states": "Drawn from the tables that the machines follow.",
    "translations": """\
Clients of both faces speak GA; what stands behind may speak something else. A setting that it has no word for
is left out, never a reason to refuse the others. Each is named: to the operator in the log
(`upstream.left_out`), to a client of `/v1/realtime` in the next `session.updated` as
`session.holdfast.left_out`. *The operator's*: what `[[upstream]]` says counts, a client's own is left out.
*Always so*: the server does that and nothing else; to leave it out loses nothing. OpenAI, and Azure on its GA
path, are not translated: every byte passes as it came.""",
    "older_clients": """\
With `beta_clients = "translate"` under `[server]` a client of the shape before GA is served by the table of
`beta`, read the other way. It may set what is *sent* in that column; `temperature` has no place in GA and is
left out. It is not told:""",
    "commands": """\
Exit codes of all: 0 fine, 1 found trouble, 2 wrong use. Errors go to standard error as what, why, fix.""",
}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def logs() -> str:
    """The key moments."""
    rows = [(f"`{m.event}`", m.category, m.level, m.meaning) for m in MOMENTS.values()]
    return "\n\n".join(
        (
            "# Logs",
            NOTE,
            INTRODUCTIONS["logs"],
            table(("event", "category", "level", "meaning"), rows),
            "## Fields of `metadata` that lines have in common",
            table(("field", "what"), [(f"`{name}`", words) for name, words in FIELDS.items()]),
        )
    )


def limits() -> str:
    """Every bound."""
    rows = [(f"`{f.name}`", f"{f.default:,}".replace(",", " ")) for f in dataclasses.fields(Limits)]
    return "\n\n".join(
        (
            "# Limits",
            NOTE,
            INTRODUCTIONS["limits"],
            table(("name", "default"), rows),
        )
    )


def rights() -> str:
    """What a browser may say."""
    rows = [
        (f"`{kind}`", ", ".join(_field(path, values) for path, values in fields.items()) or "no field")
        for kind, fields in NARROW.items()
    ]
    return "\n\n".join(
        ("# Rights of a client secret", NOTE, INTRODUCTIONS["rights"], table(("event", "fields"), rows))
    )


def _field(path: str, values: frozenset[str]) -> str:
    return f"`{path}`" + (f" ({', '.join(sorted(values))})" if values else "")


def settings() -> str:
    """The tree of settings, table by table."""
    parts = ["# Settings", NOTE, INTRODUCTIONS["settings"], "## At the top"]
    tables = {
        key: field.annotation for key, field in Settings.model_fields.items() if key not in LISTED_APART
    }
    plain = {key: kind for key, kind in tables.items() if not _is_model(kind)}
    parts.append(_settings_table("", {key: Settings.model_fields[key] for key in plain}))
    for key, kind in tables.items():
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            parts += _tables_of(key, kind)
    upstream = {key: field for key, field in UpstreamSettings.model_fields.items() if not key.startswith("_")}
    rows = [(f"`{key}`", _kind(field.annotation), _default(field)) for key, field in upstream.items()]
    parts += ["## [[upstream]]", _law(UpstreamSettings), table(("key", "kind", "default"), rows)]
    rows = [
        (f"`{key}`", _kind(one.annotation), _default(one)) for key, one in PriceSettings.model_fields.items()
    ]
    parts += ["## [[price]]", _law(PriceSettings), table(("key", "kind", "default"), rows)]
    parts += ["## [limits]", "See [limits](limits.md)."]
    return "\n\n".join(parts)


def _tables_of(key: str, kind: type[BaseModel]) -> list[str]:
    """A table of settings, and those in it."""
    inner = {name: field for name, field in kind.model_fields.items() if _is_model(field.annotation)}
    plain = {name: field for name, field in kind.model_fields.items() if name not in inner}
    parts = [f"## [{key}]", _law(kind), _settings_table(f"{key}.", plain)]
    for name, field in inner.items():
        parts += _tables_of(f"{key}.{name}", field.annotation)  # type: ignore[arg-type] # it is a model
    return parts


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _law(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _settings_table(prefix: str, fields: Mapping[str, Any]) -> str:
    """`prefix` descends one level of the environment."""
    rows = [
        (f"`{key}`", _kind(field.annotation), _default(field), f"`{_variable(prefix + key)}`")
        for key, field in fields.items()
    ]
    return table(("key", "kind", "default", "environment"), rows)


def _variable(path: str) -> str:
    return "HOLDFAST_" + path.replace(".", "__").upper()


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) is tuple:
        return f"list of {_kind(arguments[0])}"
    if arguments:
        return _kind(arguments[0])
    names = {
        "str": "text",
        "int": "number",
        "float": "number",
        "bool": "true or false",
        "SecretStr": "secret",
        "ModalityPrices": "table of input, cached, output",
    }
    return names.get(annotation.__name__, str(annotation.__name__).lower())


def _default(field: Any) -> str:
    if field.is_required():
        return "(must be set)"
    return "" if field.default in (None, (), "") else f"`{_as_toml(field.default)}`"


def _as_toml(value: Any) -> str:
    """As it would stand in `holdfast.toml`."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    plain = value.value if isinstance(value, Enum) else value
    return json.dumps(plain if isinstance(plain, (bool, int, float)) else str(plain), ensure_ascii=False)


def states() -> str:
    """The machines' transitions, as diagrams."""
    machines: Mapping[str, Mapping[Any, Enum]] = {
        "The client's link": CLIENT_TRANSITIONS,
        "The upstream's link": UPSTREAM_TRANSITIONS,
        "The turn": TURN_TRANSITIONS,
    }
    parts = ["# States of a session", NOTE, INTRODUCTIONS["states"]]
    for title, transitions in machines.items():
        arrows = [
            f"    {name(before)} --> {name(after)}: {name(signal)}"
            for (before, signal), after in transitions.items()
        ]
        parts.append(f"## {title}")
        parts.append("\n".join(("```mermaid", "stateDiagram-v2", *arrows, "```")))
    return "\n\n".join(parts)


def name(member: Enum) -> str:
    """A state's or signal's name as a word."""
    return member.name.lower()


def commands() -> str:
    """The program's own help."""
    parts = ["# Commands", NOTE, INTRODUCTIONS["commands"]]
    for title in cli.COMMANDS:
        function, epilog = cli.load_command(title)
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(title)(function)
        command = typer.main.get_command(app)
        parts.append(f"## holdfast {title}")
        parts.append(str(command.help).split("\n\n")[0].strip())
        parts.append(table(("option", "default", "what"), [option(p) for p in command.params if shown(p)]))
        if epilog:
            parts.append("```console\n" + "\n".join(examples(epilog)) + "\n```")
    return "\n\n".join(parts)


def shown(parameter: Any) -> bool:
    """Whether help shows it."""
    return not getattr(parameter, "hidden", False) and parameter.name != "help"


def option(parameter: Any) -> tuple[str, str, str]:
    """A row for one option or argument."""
    names = ", ".join(f"`{spelling}`" for spelling in parameter.opts)
    if parameter.param_type_name == "argument":
        names = f"`{parameter.name.upper()}`"
    default = getattr(parameter.default, "value", parameter.default)
    blank = default is None or default is False or callable(default) or default in ((), [], "")
    return names, "" if blank else f"`{default}`", str(getattr(parameter, "help", "") or "")


def examples(epilog: str) -> list[str]:
    """The command lines of an epilog."""
    return [line.strip() for line in epilog.splitlines() if "holdfast " in line and line.startswith("  ")]


SAMPLES: Final[Mapping[str, Any]] = {
    "output_modalities": ["audio"],
    "audio.input.format": {"type": "audio/pcm", "rate": 24000},
    "audio.output.format": {"type": "audio/pcm", "rate": 24000},
    "audio.input.turn_detection.create_response": True,
    "audio.input.turn_detection.interrupt_response": True,
    "tools": [{"type": "function", "name": "f", "parameters": {}}],
    "tool_choice": "auto",
    "conversation": "none",
    "input": [],
}
"""A value of a setting, where any word will not do."""


def translations() -> str:
    """What each translation loses: found by translating, one setting at a time."""
    translated = [one for one in DIALECTS.values() if not one.is_ga]
    head = ("GA", *(f"`{one.name}`" for one in translated))
    settings = [(f"`{path}`", *(_sent(one, path) for one in translated)) for path in GA_SESSION]
    overrides = [(f"`{path}`", *(_sent(one, path, "response") for one in translated)) for path in GA_RESPONSE]
    parts = ["# What each translation loses", NOTE, INTRODUCTIONS["translations"]]
    parts += ["## Settings of a session", table(head, settings)]
    parts += ["## Overrides of an answer", table(head, overrides)]
    for one in translated:
        parts += [f"## {one.title}: `{one.name}`", *_of_dialect(one)]
    parts += ["## A client of the older shape", INTRODUCTIONS["older_clients"]]
    parts.append("\n".join(f"- `{name}`" for name in sorted(GA_ONLY)))
    return "\n\n".join(parts)


def _sent(dialect: Dialect, path: str, body: str = "session") -> str:
    """What becomes of one setting."""
    asked: dict[str, Any] = {}
    put(asked, path, SAMPLES.get(path, "x"))
    left: list[str] = []
    link = link_of(dialect, Own("m"), left.extend)
    if body == "session":
        kind = "transcription" if dialect.transcribes_only else "realtime"
        event = {"type": "session.update", "session": {"type": kind, **asked}}
    else:
        event = {"type": "response.create", "response": asked}
    told = link.up(json.dumps(event).encode())
    if link.back and not told:
        return "refused"
    if path == "metadata" and not dialect.keeps_metadata:
        return "kept here"
    if left and path == "audio.output.voice" and dialect.voices:
        return "its own"
    if dialect.transcribes_only and not path.startswith(("audio.input", "include")):
        return "no such session"
    if left:
        can_be_set = path in {"audio.output.voice", "audio.input.transcription.model"}
        return "the operator's" if can_be_set and not dialect.transcribes_only else "**left out**"
    return "always so" if path in dialect.anyway else "sent"


def _of_dialect(dialect: Dialect) -> Iterator[str]:
    yield "Facts from: " + "; ".join(dialect.sources) + "."
    renamed = [(f"`{theirs}`", f"`{ga}`") for theirs, ga in dialect.server_events.items()]
    if renamed:
        yield table(("it says", "a client hears"), renamed)
    if dialect.client_events:
        rows = [(f"`{kind}`", reply.value) for kind, reply in dialect.client_events.items()]
        yield table(("it does not know", "so that is"), rows)
    lost = [f"`{name}` is not told." for name in sorted(dialect.dropped)]
    lost += [f"Voices: {', '.join(dialect.voices)}." for _ in dialect.voices[:1]]
    lost += [says for has_it, says in _habits(dialect) if has_it]
    yield "\n".join(f"- {line}" for line in (*lost, *dialect.notes))


def _habits(dialect: Dialect) -> Sequence[tuple[bool, str]]:
    return (
        (not dialect.images, "An image is told as a sentence that there was one."),
        (not dialect.mcp, "Tools of MCP servers are left out of `tools`."),
        (not dialect.out_of_band, "An answer outside of the conversation is refused."),
        (not dialect.keeps_metadata, "An answer's `metadata` is kept here and put into `response.created`."),
        (dialect.commits_silently, "`committed` and the user's item are told when speech stops."),
        (dialect.ends_silently, "An answer without an end is ended when the next one begins."),
        (dialect.repeats_event_ids, "Every event gets an `event_id` of ours."),
        (dialect.greets, "`conversation.created` stands for `session.created` where it comes first."),
        (dialect.own_voices, "Voices are its own: name one by `voice` in the upstream's settings."),
        (
            dialect.own_transcription,
            "Models of transcription are its own: name one by `transcription_model` in its settings.",
        ),
    )


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "faults.md": lambda: fault_files.page(NOTE),
    "logs.md": logs,
    "limits.md": limits,
    "prices.md": lambda: price_file.page(NOTE),
    "rights.md": rights,
    "settings.md": settings,
    "states.md": states,
    "translations.md": translations,
    "commands.md": commands,
}


SOURCES: Final[Mapping[str, Callable[[], str]]] = {
    "web/packages/react/src/faults.ts": fault_files.words_of_page,
    "web/packages/client/test/fault-table.json": fault_files.table,
}
"""What is written into the sources of others."""

WRITTEN: Final[Mapping[Path, Callable[[], str]]] = {
    **{REFERENCE / name: write for name, write in PAGES.items()},
    **{ROOT / name: write for name, write in SOURCES.items()},
}


def stale() -> list[Path]:
    """Files that differ from what the code says."""
    return [path for path, write in WRITTEN.items() if not _same(path, write())]


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text + "\n"


def main(arguments: Sequence[str]) -> int:
    """0: written, or nothing stale. 1: stale files with --check."""
    old = stale()
    if "--check" in arguments:
        for path in old:
            print(f"stale: {path.relative_to(ROOT)}; run `make docs`")
        return int(bool(old))
    for path in old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(WRITTEN[path]() + "\n", "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
