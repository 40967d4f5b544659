"""What must hold of one session, seen from outside: what its caller and its upstreams were given.

What lives here: the invariants of input, answers, tools and memory (reliability reference, D1 and B), each
with the name of its rule.
What never will: the core's insides; the caller's view message by message (`tests.properties.client`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.audio import samples_of_ms
from holdfast.core.effects import Respond
from tests.properties.books import Ranges
from tests.properties.client import Client
from tests.simulation.conversation import Answer, turns_in
from tests.simulation.script import IDEMPOTENT
from tests.simulation.truth import Truth, Violation
from tests.simulation.voice import CutInTwoError

if TYPE_CHECKING:
    from tests.simulation.upstream import Link

HEARD_SHARE = 0.4
HEARD_LEAST = 18_000
"""Two and a half words: who heard so much of an answer was answered."""
BEFORE = 14_400
"""What counts to the turn behind it, at most: what a voice detector puts before the first word, and as much
again that a detector has to hear before that, when the turn is told again.
"""
AFTER = 12_000
"""Silence that a voice detector counts to the turn before it, at most."""


@dataclass(slots=True)
class Given:
    """What one model was given."""

    heard: Ranges = field(default_factory=Ranges)
    marks: dict[int, Ranges] = field(default_factory=dict)
    """What it understood of each turn."""
    told: set[str] = field(default_factory=set)
    items: list[str] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    """Turns that it knows by words, and the item that bears them."""
    is_asked: bool = False
    born_after: int = 0
    """How many final items the caller had seen when it was dialled."""


@dataclass(slots=True)
class Told:
    """An answer as the caller knows it."""

    answer: Answer
    status: str = ""
    heard: int = 0
    """Samples that sounded, as the gateway was told before the answer was cut."""
    is_cut: bool = False
    beside_tools: frozenset[int] = frozenset()
    """Turns it is about that a response had taken which called tools, whose results were not there yet."""
    owes: set[int] = field(default_factory=set)
    """Those of them that are told again all the same: only the model knew that they were answered."""

    @property
    def covers(self) -> set[int]:
        """Turns that nobody may answer after it."""
        return set(self.answer.covers) - self.owes


@dataclass(slots=True)
class Judge:
    """The court of one session, over all its upstreams and processes."""

    truth: Truth
    given: dict[int, Given] = field(default_factory=dict)
    """By the link's uid."""
    delivered: Ranges = field(default_factory=Ranges)
    lost: Ranges = field(default_factory=Ranges)
    lost_before: Ranges = field(default_factory=Ranges)
    """What an earlier process named lost of turns whose words are kept."""
    answers: dict[str, Told] = field(default_factory=dict)
    """By the item that sounds."""
    runs: Counter[tuple[str, int]] = field(default_factory=Counter)
    ids_run: Counter[str] = field(default_factory=Counter)
    finals: list[tuple[str, str, str]] = field(default_factory=list)
    """Items whose words the caller has for good: id, role, text."""
    order: dict[str, int] = field(default_factory=dict)
    """Items as the caller first heard of them."""
    greetings: int = 0
    known: list[tuple[int, Ranges]] = field(default_factory=list)
    """What those who answered a turn had of it."""
    given_up: bool = False
    repeats: dict[int, str] = field(default_factory=dict)
    """Turns that may be answered again, and why."""

    def of(self, link: Link) -> Given:
        """The file of one model."""
        found = self.given.get(link.uid)
        if found is None:
            found = self.given[link.uid] = Given(born_after=len(self.finals))
        return found

    # input

    def heard(self, link: Link, first: int, pcm: bytes) -> None:
        """A model hears audio."""
        last = first + len(pcm) // 2
        if self.truth.pcm(first, last) != pcm:
            raise Violation("I1", f"audio {first}..{last} was changed on the way")
        if first < link.next_position:
            raise Violation("I1", f"a model heard {first}..{last} after {link.next_position}")
        self._given(self.of(link), first, last)

    def heard_as_item(self, link: Link, heard: list[tuple[int, int, int]]) -> None:
        """A model is given a turn as it was spoken."""
        given = self.of(link)
        for first, last, _ in heard:
            if given.heard.common(first, last):
                raise Violation("I1", f"a model heard {first}..{last} twice")
            self._given(given, first, last)

    def _given(self, given: Given, first: int, last: int) -> None:
        if self.lost.parts and self.lost.common(first, last):
            raise Violation("I1", f"{first}..{last} was named lost and is given")
        given.heard.add(first, last)
        self.delivered.add(first, last)

    def loses(self, first: int, last: int) -> None:
        """A loss is named."""
        if first >= last or last > self.truth.position:
            raise Violation("I1", f"a loss of nothing: {first}..{last}")
        if self.lost.common(first, last):
            raise Violation("I1", f"{first}..{last} was named lost twice")
        self.lost.add(first, last)

    def begins_again(self, received: int, kept: Mapping[str, str]) -> None:
        """Another process takes the input up here: what the last one lost after it comes again (so nobody
        whom that one asked need have known it), and it knows no words but those `kept`, by item, that were
        durable.
        """
        for _, known in self.known:
            known.add(received, max(received, self.truth.position))
        self._owes_again(received, kept)
        self.finals = [final for final in self.finals if final[0] in kept]
        self._passes_over(received)
        self.lost = Ranges([(a, min(b, received)) for a, b in self.lost.parts if a < received])

    def _owes_again(self, received: int, kept: Mapping[str, str]) -> None:
        """A tool outlives what called it, and what it was called for is owed until its result is answered
        (B6, B7). For which of its turns a response called nobody outside can know, nor that an answer beside
        the tool was about one of them. One whose words are kept is told in its place, before that answer;
        without them it is heard again, after it.
        """
        words = {mark for text in kept.values() for mark in turns_in(text)}
        for told in self.answers.values():
            again = {mark for mark in told.beside_tools if self.truth.spoken.get(mark, (0, 0))[1] > received}
            told.owes |= again - words

    def _passes_over(self, received: int) -> None:
        """The sound of a turn whose words are kept comes again, and nobody is given it: what was named lost
        of it stays lost. So does what was lost just before it: its first word may have begun there, and would
        be heard as a second turn.
        """
        marks = {mark for _, role, text in self.finals if role == "user" for mark in turns_in(text)}
        for first, last in (self.truth.spoken[mark] for mark in marks & self.truth.spoken.keys()):
            for a, b in self.lost.parts:
                low, high = max(a, received, first - BEFORE), min(b, last + AFTER)
                if low < high:
                    self.lost_before.add(low, high)

    def understood(self, link: Link, heard: list[tuple[int, int, int]]) -> None:
        """A model has an item of the user's."""
        marks = self.of(link).marks
        for first, last, mark in heard:
            if mark:
                marks.setdefault(mark, Ranges()).add(first, last)

    def account(self, received: int) -> None:
        """The session is quiet: each sample was delivered or named."""
        self.knew_all()
        known = Ranges([*self.delivered.parts])
        for part in (*self.lost.parts, *self.lost_before.parts):
            known.add(*part)
        if known.common(0, received) != received:
            raise Violation("I1", f"of {received} samples only {known.parts} are accounted for")

    # what a model is told

    def told(self, link: Link, what: str, *, knows: bool = True) -> None:
        """A model is told something that it must be told once."""
        given = self.of(link)
        if what in given.told:
            raise Violation("B3", f"a model was told twice: {what}")
        if not knows:
            raise Violation("B7", f"a result without its call: {what}")
        given.told.add(what)
        kind, _, item_id = what.partition(" ")
        if kind == "item":
            given.items.append(item_id)

    def has_item(self, link: Link, item_id: str) -> None:
        """A model has said something itself."""
        self.of(link).items.append(item_id)

    def retold(self, link: Link, item_id: str, text: str, role: str) -> None:
        """A model is told by words what was said."""
        given = self.of(link)
        for mark in turns_in(text) if role == "user" else ():
            if given.texts.setdefault(mark, item_id) != item_id and mark not in self.repeats:
                raise Violation("B4", f"turn {mark} was entered twice")
        for known_id, known_role, known_text in self.finals:
            if known_id == item_id:
                fits = known_text == text or (role == "assistant" and known_text.startswith(text))
                if known_role != role or not fits:
                    raise Violation("B3", f"item {item_id} was retold as {role} {text!r}")

    def _remembers(self, link: Link) -> None:
        """A model that is asked knows all that the caller was told for good."""
        given = self.of(link)
        if given.is_asked:
            return
        given.is_asked = True
        if self.truth.forgets:
            return
        expected = [item_id for item_id, _, _ in self.finals[: given.born_after]]
        missing = [item_id for item_id in expected if item_id not in given.items]
        missing = [item_id for item_id in missing if not self._was_unheard(item_id)]
        if missing:
            raise Violation("B3", f"a model was not told of {missing}")
        order = [item_id for item_id in given.items if item_id in expected]
        order = [item_id for item_id in order if item_id in self.order]
        if order != sorted(order, key=self.order.__getitem__):
            raise Violation("B3", f"a model was told in the order {order}")

    def mentions(self, item_id: str) -> None:
        """The caller hears of an item."""
        self.order.setdefault(item_id, len(self.order))

    def _was_unheard(self, item_id: str) -> bool:
        told = self.answers.get(item_id)
        return told is not None and (told.is_cut or told.status != "completed")

    # answers

    def answering(self, link: Link, answer: Answer, request: Respond | None) -> None:
        """A model begins to answer: there is something to answer, and nobody heard it before."""
        self._remembers(link)
        self.answers[answer.item_id] = Told(answer, beside_tools=self._beside_tools(link, answer))
        if request is not None and request.say is not None:
            self.greetings += 1
            return
        if request is not None and request.carry_on is not None:
            self._carries_on(request.carry_on)
            return
        known = link.known
        if not answer.covers and not known.open_marks and not (known.fresh_results or known.silences):
            if not known.collisions:
                raise Violation("B6", f"{answer.id} answers nothing")
            known.collisions = 0
        for mark in answer.covers:
            if mark in self.repeats or mark in self.truth.split:
                continue
            for before in self.answers.values():
                if before.answer is not answer and mark in before.covers and _was_answered(before):
                    raise Violation("B6", f"turn {mark} is answered twice: {before.answer.id}, {answer.id}")
            self._knows_whole(link, mark)

    def _beside_tools(self, link: Link, answer: Answer) -> frozenset[int]:
        """Turns that the answer is about though what was called beside them runs."""
        known = link.known
        returned = {known.made[call_id] for call_id in known.results.keys() & known.made.keys()}
        waiting = (told.answer for told in self.answers.values() if told.answer.is_called)
        taken = {mark for one in waiting if not returned.issuperset(one.calls) for mark in one.covers}
        return frozenset(taken.intersection(answer.covers))

    def _knows_whole(self, link: Link, mark: int) -> None:
        """The model that answers a spoken turn has all of it, but for what was named lost."""
        given, spoken = self.of(link), self.truth.spoken.get(mark)
        if spoken is None or mark in given.texts or mark not in given.marks:
            return
        if self.truth.is_over(mark):
            self.known.append((mark, Ranges([*given.marks[mark].parts])))

    def knew_all(self) -> None:
        """All losses are told by now: whoever answered a turn had the rest of it."""
        for mark, known in self.known:
            first, last = self.truth.spoken[mark]
            for part in self.lost.parts:
                known.add(*part)
            if known.common(first, last) != last - first:
                raise Violation(
                    "I1", f"turn {mark} {first}..{last} was answered by who knew only {known.parts}"
                )
        self.known.clear()

    def _carries_on(self, heard: str) -> None:
        if self.truth.options.on_loss == "stop":
            raise Violation("B5", "carried on though the caller wants it to stop")
        texts = [" ".join(told.answer.words) for told in self.answers.values()]
        if not any(text.startswith(heard) for text in texts):
            raise Violation("B5", f"carried on from what nobody said: {heard!r}")

    def expired(self, link: Link) -> None:
        """A model's time was over while it served."""
        self.truth.expiries.append(link)

    def is_whole(self, item_id: str, view: Client) -> None:
        """The caller was told how the answer ended: nothing of it may be missing without a name."""
        told = self.answers[item_id]
        stream = next((one for one, item in view.stream_items.items() if item == item_id), None)
        if told.status != "completed" or not view.is_fresh or told.is_cut or stream is None:
            return
        got = view.streams.get(stream, 0)
        if got != told.answer.samples:
            raise Violation("I5", f"{item_id} ended after {got} of {told.answer.samples} samples")

    def starts_over(self) -> None:
        """The caller missed too much: it has what the snapshot shows, and knows no ends."""
        self.finals.clear()
        self.order.clear()
        for told in self.answers.values():
            if not told.status:
                told.status, told.is_cut = "missed", True

    def sounds(self, item_id: str, start: int, pcm: bytes) -> None:
        """The caller is given audio of an item."""
        told = self.answers.get(item_id)
        if told is None:
            raise Violation("I5", f"audio of {item_id}, which nobody made")
        try:
            first, mark = self.truth.place_of(pcm)
        except CutInTwoError:
            raise Violation("I5", f"audio of {item_id} is cut between the bytes of a sample") from None
        if mark != told.answer.number or first != start:
            raise Violation("I5", f"sample {start} of {item_id} is sample {first} of answer {mark}")

    def reports(self, item_id: str, ms: int) -> None:
        """The caller says how far it has heard an item."""
        told = self.answers.get(item_id)
        if told is not None and not told.is_cut:
            told.heard = max(told.heard, samples_of_ms(ms))

    # tools

    def runs_tool(self, call_id: str, name: str, mark: int, *, is_restarted: bool) -> None:
        """A tool is run."""
        self.ids_run[call_id] += 1
        self.runs[name, mark] += 1
        if name in IDEMPOTENT:
            if self.ids_run[call_id] > self.truth.homes:
                raise Violation("I4", f"{name} ran {self.ids_run[call_id]} times for {call_id}")
            return
        if self.ids_run[call_id] > 1:
            raise Violation("I4", f"{name} ran twice for {call_id}")
        if self.runs[name, mark] > 1 and mark not in self.repeats:
            why = ", after a restart" if is_restarted else ""
            raise Violation("I4", f"{name} ran twice for turn {mark}{why}")

    # the end

    def unanswered(self) -> list[int]:
        """Turns that the caller said to the end, and that nobody answered, nor told it why."""
        owed = []
        for mark in self.truth.said:
            spoken = self.truth.spoken.get(mark)
            if spoken is not None and self.lost.common(*spoken):
                continue
            about = [told for told in self.answers.values() if mark in told.answer.covers]
            ends = [
                told for told in about if told.status and (told.status != "completed" or _has_words(told))
            ]
            if not ends and mark not in self.truth.refused:
                owed.append(mark)
        return owed


def _was_answered(told: Told) -> bool:
    if told.answer.is_called or not told.answer.samples:
        return False
    if told.status == "failed":
        return False
    if told.status == "completed" and not told.is_cut:
        return True
    return told.heard >= max(HEARD_LEAST, HEARD_SHARE * told.answer.samples)


def _has_words(told: Told) -> bool:
    return told.answer.samples > 0 and not told.answer.is_called
