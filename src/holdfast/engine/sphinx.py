"""The one typed door to pocketsphinx.

What lives here: a recogniser with its own decoder (a used one is never pooled: the cepstral mean of one
speaker spoils the next), and the general language model's word frequencies. What never will:
vocabularies or meaning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.engine import densities
from holdfast.engine.stages import RATE, SpeechError, Teachable

_library, stand_in = densities.library()  # None where it is not installed: the reason is told by `check`

_LOG_BASE: Final = 1.0001
"""Base of pocketsphinx' integer logarithms (its `logbase` default)."""
_GENERAL_MODEL: Final = "en-us.lm.bin"
_CEPSTRAL_MEAN: Final = "41.00,-5.29,-0.12,5.09,2.48,-4.07,-1.37,-1.78,-5.08,-2.05,-6.45,-1.42,1.17"
"""Where the running cepstral mean starts: clean close speech as the en-us models know it. With the
library's own start ("40,3,-1") a session's first words are heard with twice as many errors.
"""
_DICTIONARY: Final = "cmudict-en-us.dict"


@dataclass(frozen=True, slots=True)
class AcousticModel:
    """Where the acoustic model, the dictionary and the general language model lie."""

    folder: Path

    @property
    def hmm(self) -> Path:
        """The folder of the acoustic model."""
        return self.folder / "en-us"

    @property
    def dictionary(self) -> Path:
        """The CMU dictionary."""
        return self.folder / _DICTIONARY

    @property
    def general(self) -> Path:
        """The language model of general speech."""
        return self.folder / _GENERAL_MODEL


def installed_model() -> AcousticModel:
    """The model that comes inside the package. Raises SpeechError when there is none."""
    if _library is None:
        raise SpeechError(
            "Speech recognition is missing: the package `pocketsphinx` is not installed. "
            "Install it with `pip install pocketsphinx`."
        )
    return AcousticModel(Path(_library.get_model_path("en-us")))


def check(model: AcousticModel) -> list[str]:
    """What is missing of the model, in words; empty when all is there."""
    wanted = (model.hmm / "mdef", model.dictionary, model.general)
    return [
        f"Speech recognition lacks a model file: {path} does not exist. "
        "Give the right folder as `asr_model` of `[engine]`, or reinstall `pocketsphinx`."
        for path in wanted
        if not path.exists()
    ]


class GeneralSpeech:
    """How common a word is in general English, by the package's own language model."""

    def __init__(self, model: AcousticModel) -> None:
        assert _library is not None
        self._model: Any = _library.NGramModel(_library.Config(), _library.LogMath(), str(model.general))

    def probability(self, word: str) -> float:
        """Share of the word among all words; practically zero for an unknown one."""
        return math.pow(_LOG_BASE, self._model.prob([word]))


class SphinxRecogniser:
    """Streaming recognition: first pass only, a trigram of the session's domain.

    The decoder (30 ms) is made with the first knowledge that is taught or the first utterance, because a
    session's own tools nearly always come before either.
    """

    def __init__(self, model: AcousticModel, knowledge: Teachable) -> None:
        self._model = model
        self._knowledge = knowledge
        self._decoder: Any = None
        self._open = False

    def start(self) -> None:
        if self._decoder is None:
            self._decoder = self._new_decoder(self._knowledge)
        if self._open:
            self._decoder.end_utt()
        self._decoder.start_utt()
        self._open = True

    def feed(self, pcm: bytes) -> None:
        if self._open and pcm:
            self._decoder.process_raw(pcm, no_search=False, full_utt=False)

    def partial(self) -> str:
        return self._words() if self._open else ""

    def finish(self) -> str:
        if not self._open:
            return ""
        self._open = False
        self._decoder.end_utt()
        return self._words()

    def teach(self, knowledge: Teachable) -> None:
        mean = None if self._decoder is None else self._decoder.get_cmn(False)
        self._knowledge = knowledge
        self._decoder = self._new_decoder(knowledge)
        if mean is not None:
            self._decoder.set_cmn(mean)
        self._open = False

    def _words(self) -> str:
        hypothesis = self._decoder.hyp()
        return str(hypothesis.hypstr) if hypothesis is not None else ""

    def _new_decoder(self, knowledge: Teachable) -> Any:
        assert _library is not None
        try:
            return _library.Decoder(
                hmm=str(self._model.hmm),
                dict=knowledge.dictionary_path,
                lm=knowledge.model_path,
                samprate=float(RATE),
                cmninit=_CEPSTRAL_MEAN,
                dither=True,  # digital silence has no spectrum, and the model has never heard it
                fwdflat=False,
                bestpath=False,
                loglevel="FATAL",
            )
        except (RuntimeError, ValueError) as error:
            raise SpeechError(
                f"Speech recognition could not load {self._model.hmm} ({error}). "
                "Check the folder or reinstall `pocketsphinx`."
            ) from error
