"""What stands in for the recogniser's scoring gives its scores, and stands aside where it does not know."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from benchmarks.engine.speech import synthesised

from holdfast.engine import densities
from holdfast.engine.knowledge import Knowledge
from holdfast.engine.resample import down, to_pcm
from holdfast.engine.sphinx import installed_model

BUILT: Final = Path(densities.__file__).with_name("_densities.so")
pytestmark = pytest.mark.skipif(
    not BUILT.is_file(), reason="built where there is a C compiler (`make express`)"
)

CHILD: Final = """
import json, sys
from pathlib import Path
told = json.loads(sys.argv[1])
if told["stands_in"]:
    from holdfast.engine import densities
    if told["but"]:
        setattr(densities, *told["but"])
    library, stand_in = densities.library()
else:
    import pocketsphinx as library
    stand_in = None
heard = []
for number, options in enumerate(told["options"]):
    folder = Path(told["folder"]) / str(number)
    folder.mkdir(parents=True)
    decoder = library.Decoder(**options, senlogdir=str(folder), loglevel="FATAL")
    for pcm in told["turns"]:
        pcm = Path(pcm).read_bytes()
        decoder.start_utt()
        for at in range(0, len(pcm), 4096):
            decoder.process_raw(pcm[at:at + 4096], no_search=False, full_utt=False)
        decoder.end_utt()
        heard.append(decoder.hyp().hypstr if decoder.hyp() else "")
counts = [stand_in.scored, stand_in.passed_on] if stand_in is not None else []
print(json.dumps({"heard": heard, "counts": counts}))
"""


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A clear sentence, one in noise, and noise alone."""
    folder = tmp_path_factory.mktemp("turns")
    noise = np.random.default_rng(5).normal(0, 0.05, 16_000).astype(np.float32)
    clear = down().feed(synthesised("When is my next payment due?", "rms"))
    other = down().feed(synthesised("Which documents are missing?", "slt"))
    files = []
    for name, samples in (
        ("clear", clear),
        ("noisy", other + np.resize(noise, other.shape)),
        ("noise", noise),
    ):
        files.append(folder / name)
        files[-1].write_bytes(to_pcm(samples))
    return [str(file) for file in files]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a process heard, the scores it came from (a file for each turn), and who scored."""

    heard: list[str]
    scores: list[bytes]
    here: int
    passed_on: int


def options(knowledge: Knowledge, **more: Any) -> dict[str, Any]:
    """A decoder's, as the engine makes them."""
    usual = {"hmm": str(installed_model().hmm), "dict": knowledge.dictionary_path, "lm": knowledge.model_path}
    return usual | {"samprate": 16_000.0, "fwdflat": False, "bestpath": False} | more


def decoded(
    folder: Path,
    turns: list[str],
    each: list[dict[str, Any]],
    *,
    stands_in: bool,
    but: tuple[str, str] | None = None,
) -> Scored:
    """In a process of its own: what is bound to the library stays bound."""
    told = {"folder": str(folder), "turns": turns, "options": each, "stands_in": stands_in, "but": but}
    done = subprocess.run([sys.executable, "-c", CHILD, json.dumps(told)], check=True, capture_output=True)
    said = json.loads(done.stdout)
    scores = [file.read_bytes() for file in sorted(folder.rglob("*.sen"))]
    here, passed_on = said["counts"] or (0, 0)
    return Scored(said["heard"], scores, here, passed_on)


@pytest.mark.parametrize("more", [{}, {"ds": 2, "topn": 2}, {"pl_window": 0}, {"compallsen": True}])
def test_the_scores_are_the_librarys_own_to_the_bit(
    tmp_path: Path, turns: list[str], knowledge: Knowledge, more: dict[str, Any]
) -> None:
    # Twice: the second decoder shares the densities of the first.
    each = [options(knowledge, **more)] * 2
    alone = decoded(tmp_path / "alone", turns, each, stands_in=False)
    ours = decoded(tmp_path / "ours", turns, each, stands_in=True)
    assert ours.here > 300
    assert ours.passed_on == 0
    assert len(alone.scores) == 2 * len(turns)
    assert all(len(file) > 1000 for file in alone.scores)
    assert ours.scores == alone.scores
    assert ours.heard == alone.heard
    assert ours.heard[0].startswith("when is my next payment")


def test_what_is_unusual_is_left_to_the_library(
    tmp_path: Path, turns: list[str], knowledge: Knowledge
) -> None:
    each = [options(knowledge, topn=9), options(knowledge)]
    alone = decoded(tmp_path / "alone", turns, each, stands_in=False)
    ours = decoded(tmp_path / "ours", turns, each, stands_in=True)
    assert ours.passed_on > 300
    assert ours.here > 300
    assert ours.scores == alone.scores


def test_another_version_of_the_library_scores_for_itself(
    tmp_path: Path, turns: list[str], knowledge: Knowledge
) -> None:
    found = decoded(tmp_path, turns[:1], [options(knowledge)], stands_in=True, but=("_KNOWN_VERSION", "4.9"))
    assert found.heard[0].startswith("when is my next payment")
    assert (found.here, found.passed_on) == (0, 0)


def test_why_the_library_scores_for_itself_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert densities.obstacle() is None
    monkeypatch.setattr(densities, "_KNOWN_VERSION", "4.9")
    assert "the compiled part knows 4.9" in str(densities.obstacle())
    monkeypatch.undo()
    monkeypatch.setattr(densities, "_BUILT", tmp_path / "other.so")
    assert "make express" in str(densities.obstacle())
    (tmp_path / "other.so").write_bytes(b"of another machine")
    assert densities.obstacle() == "built for another machine"


def test_a_library_that_is_there_already_is_left_alone() -> None:
    # This process has it long since: its functions are bound.
    assert "pocketsphinx" in sys.modules
    module, stand_in = densities.library()
    assert module is not None
    assert stand_in is None
