"""What a session's tools and instructions teach the stages.

What lives here: reading tools (with the extensions `x-utterances`, `x-title` and `x-openings`), the
vocabulary, the language model and dictionary files, the index; one build per distinct session, cached by
content.
What never will: what to answer (`dialogue`), a socket.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from holdfast.engine import everyday
from holdfast.engine.language_model import WeightedSentence, arpa
from holdfast.engine.lexicon import Lexicon, read_dictionary
from holdfast.engine.sphinx import AcousticModel, GeneralSpeech
from holdfast.engine.understanding import NONE, Example, ExampleIndex
from holdfast.engine.words import tokens

BACKGROUND_WORDS: Final = 8000
BACKGROUND_SHARE: Final = 0.5
EVERYDAY_WEIGHT: Final = 0.5
QUANTITY_WEIGHT: Final = 0.1
MENTION_WEIGHT: Final = 0.2
_MOST_UTTERANCES: Final = 4_000
_MOST_LETTERS: Final = 300
_MOST_TOOLS: Final = 128
_MOST_OPENINGS: Final = 4
_LONGEST_OPENING: Final = 80
_CACHED: Final = 32

_UNFIT: Final = frozenset(
    {"shit", "fuck", "fucking", "fucked", "fuckin", "ass", "asshole", "bitch", "dick", "nigger"}
)
"""Common words that nobody wants to read in a transcript of what they did not say."""
_SINGLE_LETTERS: Final = frozenset("bcdefghjklmnpqrstuvwxyz")


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument that a tool takes from a closed list: its name, and how each value is spoken."""

    name: str
    values: Mapping[str, tuple[str, ...]]
    required: bool


@dataclass(frozen=True, slots=True)
class Skill:
    """A tool as the engine sees it: a name, a spoken title, phrases, perhaps one slot."""

    name: str
    title: str
    utterances: tuple[str, ...]
    description: str = ""
    slot: Slot | None = None
    openings: tuple[str, ...] = ()
    """How its results may begin, word for word: never a fact, for they are the same for everybody."""


def skills(tools: Iterable[Mapping[str, Any]]) -> tuple[Skill, ...]:
    """The function tools of a session. What has no phrases is known by its name and description."""
    found: list[Skill] = []
    for tool in tools:
        if tool.get("type") != "function" or len(found) >= _MOST_TOOLS:
            continue
        found.append(_skill(tool))
    return tuple(found)


def _skill(tool: Mapping[str, Any]) -> Skill:
    name = str(tool.get("name", ""))
    parameters = tool.get("parameters")
    schema = parameters if isinstance(parameters, Mapping) else {}
    readable = re.sub(r"[_\-.]+|(?<=[a-z])(?=[A-Z])", " ", name).strip().lower()
    given = schema.get("x-utterances")
    utterances = [str(text)[:_MOST_LETTERS] for text in given] if isinstance(given, list) else []
    description = str(tool.get("description") or "")[:_MOST_LETTERS]
    title = schema.get("x-title")
    return Skill(
        name=name,
        title=str(title)[:_MOST_LETTERS] if title else readable,
        utterances=tuple(utterances[:_MOST_UTTERANCES]) or (readable, description),
        description=description,
        slot=_slot(schema),
        openings=_openings(schema),
    )


def _openings(schema: Mapping[str, Any]) -> tuple[str, ...]:
    given = schema.get("x-openings")
    told = [text for text in given if isinstance(text, str)] if isinstance(given, list) else []
    return tuple(f"{text.strip()} " for text in told if 0 < len(text.strip()) <= _LONGEST_OPENING)[
        :_MOST_OPENINGS
    ]


def _slot(schema: Mapping[str, Any]) -> Slot | None:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return None
    for name, spec in properties.items():
        values = spec.get("enum") if isinstance(spec, Mapping) else None
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            continue
        given, required = spec.get("x-spoken"), schema.get("required")
        spoken = given if isinstance(given, Mapping) else {}
        forms = {value: (value.replace("_", " "), *_forms(spoken.get(value))) for value in values}
        return Slot(str(name), forms, required=isinstance(required, list) and name in required)
    return None


def _forms(given: object) -> list[str]:
    """How a value is spoken besides: a list of texts, or one."""
    return [given] if isinstance(given, str) else list(map(str, given)) if isinstance(given, list) else []


def _spelled_terms(skill: Skill) -> Iterator[str]:
    if skill.slot is not None:
        for forms in skill.slot.values.values():
            yield from forms


class Knowledge:
    """Everything the stages need for one set of tools. Its files live as long as it does."""

    def __init__(self, learned: tuple[Skill, ...], index: ExampleIndex, folder: Path) -> None:
        self.skills: Final = learned
        self.index: Final = index
        self._folder: Final = folder
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @property
    def dictionary_path(self) -> str:
        """File of words and phones."""
        return str(self._folder / "words.dict")

    @property
    def model_path(self) -> str:
        """File of the trigram model."""
        return str(self._folder / "domain.arpa")

    def skill(self, name: str | None) -> Skill | None:
        """The skill of that name."""
        return next((skill for skill in self.skills if skill.name == name), None)


class Library:
    """Builds knowledge, and keeps what it has built. `build` is slow enough for a thread (0.3 s)."""

    def __init__(self, model: AcousticModel) -> None:
        self._model = model
        self._kept: OrderedDict[str, Knowledge] = OrderedDict()

    def get(self, tools: Sequence[Mapping[str, Any]], instructions: str) -> Knowledge | None:
        """Knowledge built before for the same tools and instructions."""
        found = self._kept.get(_key(tools, instructions))
        if found is not None:
            self._kept.move_to_end(_key(tools, instructions))
        return found

    def build(self, tools: Sequence[Mapping[str, Any]], instructions: str) -> Knowledge:
        """Knowledge for these tools; from the shelf when it stands there."""
        found = self.get(tools, instructions)
        if found is None:
            found = self._kept[_key(tools, instructions)] = self._learn(skills(tools), instructions)
            while len(self._kept) > _CACHED:
                self._kept.popitem(last=False)
        return found

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(read_dictionary(self._model.dictionary))

    @cached_property
    def _background(self) -> dict[str, float]:
        general = GeneralSpeech(self._model)
        words = self._lexicon.common_words()
        ranked = sorted(((general.probability(word), word) for word in words if _is_fit(word)), reverse=True)
        return {word: probability for probability, word in ranked[:BACKGROUND_WORDS]}

    def _learn(self, learned: tuple[Skill, ...], instructions: str) -> Knowledge:
        folder = Path(tempfile.mkdtemp(prefix="holdfast-knowledge-"))
        knowledge = Knowledge(learned, self._index(learned), folder)
        sentences = [sentence for sentence in self._sentences(learned, instructions) if sentence.words]
        words = {word for sentence in sentences for word in sentence.words} | self._background.keys()
        text = arpa(sentences, self._background, background_share=BACKGROUND_SHARE)
        Path(knowledge.model_path).write_text(text, encoding="utf-8")
        with Path(knowledge.dictionary_path).open("w", encoding="utf-8") as file:
            file.writelines(self._lexicon.lines(words))
        return knowledge

    def _index(self, learned: tuple[Skill, ...]) -> ExampleIndex:
        """The index of these skills. Instructions name the customer, so they differ; tools rarely do."""
        for knowledge in list(self._kept.values()):  # another thread may add to it
            if knowledge.skills == learned:
                return knowledge.index
        return ExampleIndex(_examples(learned))

    def _sentences(self, learned: tuple[Skill, ...], instructions: str) -> Iterator[WeightedSentence]:
        for skill in learned:
            for text in skill.utterances:
                yield from self._hearable(text, 1.0)
            for text in (skill.title, skill.description, *_spelled_terms(skill)):
                yield from self._hearable(text, MENTION_WEIGHT)
        for text in re.split(r"[.!?\n]+", instructions):
            yield from self._hearable(text, MENTION_WEIGHT)
        for text in everyday.SENTENCES:
            yield from self._hearable(text, EVERYDAY_WEIGHT)
        for words in everyday.small_talk():
            yield WeightedSentence(words)
        for words in everyday.quantities():
            yield WeightedSentence(words, QUANTITY_WEIGHT)

    def _hearable(self, text: str, weight: float) -> Iterator[WeightedSentence]:
        """The runs of words that the recogniser can hear; an unknown name ends a run."""
        run: list[str] = []
        for word in tokens(text):
            if self._lexicon.knows(word):
                run.append(word)
            elif run:
                yield WeightedSentence(tuple(run), weight)
                run = []
        if run:
            yield WeightedSentence(tuple(run), weight)


def _examples(learned: tuple[Skill, ...]) -> Iterator[Example]:
    for skill in learned:
        for text in (*skill.utterances, skill.title):
            yield Example(skill.name, text)
    for text in everyday.SENTENCES:
        yield Example(NONE, text)


def _is_fit(word: str) -> bool:
    return word not in _UNFIT and word not in _SINGLE_LETTERS


def _key(tools: Sequence[Mapping[str, Any]], instructions: str) -> str:
    told = json.dumps([list(tools), instructions], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


def words_named_in(session: Mapping[str, Any]) -> str:
    """Words a client wants the recogniser to know (`transcription.keywords`, `.prompt`)."""
    asked = ((session.get("audio") or {}).get("input") or {}).get("transcription") or {}
    words = [*asked.get("keywords", ()), asked.get("prompt") or ""]
    return "".join(f". {word}" for word in words if word)
