"""`holdfast replay FILE`: a recording of the flight recorder, walked through the core again.

What lives here: the command's options, the table and the JSON. What never will: walking (`holdfast.flight`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from holdfast.cli.errors import Exit, fail

if TYPE_CHECKING:
    from holdfast.flight import Recording, Replay, Walked

EXAMPLES = """
Examples:

  holdfast replay .holdfast/recordings/hf_1234.flight.jsonl.gz

  holdfast replay hf_1234.flight.jsonl.gz --step 17     (one step in full)

  holdfast replay hf_1234.flight.jsonl.gz --quiet       (only whether it decides as it did)

  holdfast replay hf_1234.flight.jsonl.gz --test tests/test_incident.py
"""
FACES: Final = {"session": "browser protocol", "relay": "/v1/realtime"}


def replay(
    file: Annotated[Path, typer.Argument(help="The recording.", show_default=False)],
    *,
    step: Annotated[int | None, typer.Option(help="Show this step in full.", min=0)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the verdict.")] = False,
    test: Annotated[
        Path | None, typer.Option(help="Write a test of it: this file, with the recording beside it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Walk a recorded session through the core: does it decide as it did? Exits 0 for yes, 1 for no, 2 where
    the file is no recording.
    """
    # the core and its forms are loaded only now: `holdfast --help` shall not wait for them
    from holdfast.flight import NoRecordingError, replay_file  # noqa: PLC0415
    from holdfast.telemetry.redaction import escape  # noqa: PLC0415

    try:
        found = replay_file(file)
    except OSError as error:
        why, fix = error.strerror or "", "Give the path of a recording."
        fail(f"{file} can't be read.", f"{why}.", fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    except NoRecordingError as error:
        what = f"{file}: {error.what}"
        fail(what, error.why, error.fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if step is not None and step not in {one.step.step for one in found.walked}:
        fix = f"Steps {_range(found.recording)} are in it."
        fail(f"there is no step {step} in it.", "", fix, exit_code=Exit.WRONG_USE, as_json=as_json)
    if test is not None:
        _write_test(found, file, test, as_json=as_json)
    if as_json:
        print(json.dumps(as_object(found, step)))
    else:
        lines = _verdict(found) if quiet else _one(found, step) if step is not None else _whole(found)
        print("\n".join(map(escape, lines)))  # a file may be a stranger's
    if not found.is_same:
        raise typer.Exit(Exit.TROUBLE)


def _write_test(found: Replay, file: Path, test: Path, *, as_json: bool) -> None:
    from holdfast.flight.as_test import as_test  # noqa: PLC0415 - as above

    try:
        test.parent.mkdir(parents=True, exist_ok=True)
        beside = test.with_name(file.name)
        if not beside.exists() or not beside.samefile(file):
            shutil.copyfile(file, beside)
        test.write_text(as_test(found, file.name), encoding="utf-8")
    except OSError as error:
        fix = "Name a file in a folder that can be written."
        fail(f"{test} can't be written.", f"{error.strerror}.", fix, as_json=as_json)


# for machines


def as_object(found: Replay, step: int | None = None) -> dict[str, Any]:
    """A replay for machines; only one step of it where one is asked for."""
    from holdfast.flight import faults, provider_sessions  # noqa: PLC0415 - as above

    recording = found.recording
    header = recording.header
    return {
        "session": header.session,
        "core": header.core,
        "version": header.version,
        "why": header.why,
        "written": _moment(header.written),
        "fromTheBeginning": header.begins is None,
        "same": found.is_same,
        "stopped": found.stopped or None,
        "faults": [
            {
                "step": one.step,
                "at": _moment(one.at),
                "code": one.code,
                "party": str(one.party),
                "moment": one.moment,
                "evidence": list(one.evidence),
            }
            for one in faults(recording)
        ],
        "providerSessions": [
            {
                "step": one.step,
                "at": _moment(one.at),
                "generation": one.generation,
                "upstream": one.upstream,
                "id": one.id,
                "model": one.model,
            }
            for one in provider_sessions(recording)
        ],
        "steps": [_step_as_object(recording, one) for one in found.walked if step in {None, one.step.step}],
    }


def _step_as_object(recording: Recording, one: Walked) -> dict[str, Any]:
    then = one.step
    return {
        "step": then.step,
        "at": _moment(recording.clock(then)),
        "kind": then.kind,
        "event": then.event,
        "booked": then.booked,
        "answers": then.answers,
        "recorded": then.due,
        "decided": list(one.due),
        "differs": one.differs or None,
        "machines": dict(one.machines),
    }


# for people


def _whole(found: Replay) -> Iterator[str]:
    recording = found.recording
    yield from _head(recording)
    yield ""
    yield f"{'step':>6}  {'seconds':>9}  what happened, and what was decided"
    start = recording.steps[0].at if recording.steps else 0.0
    for one in found.walked:
        yield from _short(one, start)
    yield ""
    yield from _verdict(found)


def _head(recording: Recording) -> Iterator[str]:
    header = recording.header
    begins = "from its beginning" if header.begins is None else "its last steps"
    yield f"{header.session}  {FACES[header.core]}  holdfast {header.version}"
    yield f"written {_moment(header.written)} for {header.why}; {begins}: steps {_range(recording)}"


def _short(one: Walked, start: float) -> Iterator[str]:
    from holdfast.flight.compare import title  # noqa: PLC0415 - as above

    mark = "!" if one.differs else " "
    happened = (
        title(one.step.event) if one.step.kind == "event" else f"{one.step.kind}: {title(one.step.event)}"
    )
    yield f"{one.step.step:>5}{mark}  {one.step.at - start:>9.3f}  {happened}"
    for effect in one.due:
        yield f"{'':>19}-> {title(effect)}"
    if one.differs:
        yield f"{'':>19}differs: {one.differs}"


def _one(found: Replay, number: int) -> Iterator[str]:
    one = next(one for one in found.walked if one.step.step == number)
    then = one.step
    yield f"step {then.step}  {_moment(found.recording.clock(then))}"
    yield f"{then.kind}  {_written(then.event)}"
    yield f"booked before it  {_written(then.booked)}"
    for question, answer in then.answers:
        yield f"answered  {question}: {_written(answer)}"
    yield "decided then"
    yield from (f"  {_written(effect)}" for effect in then.due)
    yield "decided now" if one.differs else "decided now: the same"
    if one.differs:
        yield from (f"  {_written(effect)}" for effect in one.due)
        yield f"differs  {one.differs}"
    yield "machines  " + "  ".join(f"{name} {state}" for name, state in one.machines.items())


def _verdict(found: Replay) -> Iterator[str]:
    count = len(found.recording.steps)
    if found.is_same:
        yield f"same: all {count} steps decide as they did"
        return
    differing = len(found.differences)
    yield f"differs: {differing} of {count} steps decide otherwise than they did"
    first = next(iter(found.differences), None)
    if first is not None:
        yield f"first: step {first.step.step} ({first.step.name}): {first.differs}"
    if found.stopped:
        yield f"could not go on after {found.stopped}"


def _range(recording: Recording) -> str:
    steps = recording.steps
    return f"{steps[0].step} to {steps[-1].step}" if steps else "none"


def _written(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
