"""What those who watch see of a conversation, over real sockets, on both faces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from holdfast.app import Gateway
from holdfast.emulator import Emulator, EmulatorOptions
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from tests.server.gateway import Client, TestGateway, eventually, frames, gateway, tone
from tests.server.realtime_client import converse, dial

Kind = TypeVar("Kind")
SPEECH = tone(0.6) + bytes(48 * 900)


@dataclass
class Memory:
    """Keeps what it sees."""

    sees = seen.EVERYTHING
    seen: list[tuple[Watched, Sighting, float]] = field(default_factory=list)

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        self.seen.append((session, sighting, at))

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [one for _, one, _ in self.seen if isinstance(one, kind)]

    def kinds(self) -> list[str]:
        """In order, without the log's moments."""
        return [type(one).__name__ for _, one, _ in self.seen if not isinstance(one, seen.Noted)]


class Broken:
    """Raises at everything."""

    sees = seen.EVERYTHING

    def saw(self, session: Watched, sighting: Sighting, at: float) -> None:
        raise RuntimeError("a bug")


def watched(gw: TestGateway | Gateway) -> Memory:
    memory = Memory()
    gw.directory.watches.add(Broken(), memory)  # one that fails takes nothing from the others
    return memory


async def test_a_spoken_turn_behind_the_browser_protocol() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        memory = watched(gw)
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        for frame in frames(SPEECH):
            client.send_binary(frame)
        await client.until_told("response_done")
        said = {"spokeUntil": 14_400, "receivedAt": 40_000, "heardAt": 41_000}
        client.say("heard", itemId="item_1", **said)
        client.say("end_session")
        await client.until_closed()

    kinds = memory.kinds()
    order = [
        "Began",
        "UpstreamLive",
        "TurnBegan",
        "TurnEnded",
        "ResponseBegan",
        "FirstSound",
        "ResponseEnded",
    ]
    assert [kind for kind in kinds if kind in order] == order
    assert (kinds[0], kinds[-1], kinds.count("Ended")) == ("Began", "Ended", 1)
    sessions = {session.id for session, _, _ in memory.seen}
    assert sessions == {client.told("session_created")[0]["sessionId"]}
    assert memory.seen[0][0].customer_id == "C-1"
    times = [at for _, _, at in memory.seen]
    assert times == sorted(times)
    (live,) = memory.all(seen.UpstreamLive)
    assert (live.name, live.kind, live.how) == ("openai", "openai", "first")
    assert live.provider_session == client.told("session_ready")[0]["upstream"]["sessionId"]
    (ended,) = memory.all(seen.ResponseEnded)
    assert ended.status == "completed"
    assert ended.usage is not None
    assert ended.usage["total_tokens"] == client.told("response_done")[0]["usage"]["total_tokens"]
    (heard,) = memory.all(seen.SilenceHeard)
    assert (heard.spoke_until, heard.received_at, heard.heard_at) == (14_400, 40_000, 41_000)
    (turn,) = memory.all(seen.TurnEnded)
    assert turn.received is not None
    assert 14_400 <= turn.received <= len(SPEECH) // 2
    assert [one.text for one in memory.all(seen.WordsOfUser)] == [client.told("user_transcript")[-1]["text"]]
    assert len(memory.all(seen.WordsOfAssistant)) == 1


async def test_a_typed_turn_and_a_tool() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        memory = watched(gw)
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        client.say("input_text", text="call balance {}")
        await client.until_told("response_done", 2)
        client.close()
        await eventually(lambda: bool(memory.all(seen.ClientAway)))

    assert [(one.text, one.is_typed) for one in memory.all(seen.WordsOfUser)] == [("call balance {}", True)]
    (began,), (ended,) = memory.all(seen.ToolBegan), memory.all(seen.ToolEnded)
    assert (began.name, ended.name, ended.status) == ("balance", "balance", "ok")
    assert began.call_id == ended.call_id


async def test_a_lost_upstream_is_seen_with_its_fault_and_its_successor() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        memory = watched(gw)
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        await client.until_told("session_ready")
        upstream.kill(1011, "server error")
        await eventually(lambda: len(memory.all(seen.UpstreamLive)) == 2)
        client.close()

    (lost,) = memory.all(seen.UpstreamLost)
    assert (lost.generation, lost.was_live) == (1, True)
    assert lost.fault.row.party == "provider"
    assert memory.all(seen.FaultMet)[0].fault == lost.fault
    assert [(one.generation, one.how) for one in memory.all(seen.UpstreamLive)] == [
        (1, "first"),
        (2, "rebuilt"),
    ]


async def test_who_never_asks_for_a_session_is_not_seen() -> None:
    async with Emulator() as upstream, gateway(upstream.http_base) as gw:
        memory = watched(gw)
        client = await Client.connect(gw.browser_url)
        client.say("input_text", text="is anybody there?")
        await client.until_told("error")
        client.close()
        await eventually(lambda: len(gw.directory) == 0)
    assert memory.seen == []


async def test_a_conversation_behind_v1_realtime() -> None:
    async with Emulator(EmulatorOptions(speed=0)) as upstream, gateway(upstream.http_base) as gw:
        memory = watched(gw)
        client = await dial(gw)
        await converse(client)
        upstream.kill()
        await eventually(lambda: len(memory.all(seen.UpstreamLive)) == 2)
        client.close()
        await eventually(lambda: bool(memory.all(seen.Ended)))

    assert {session.source for session, _, _ in memory.seen} == {"realtime"}
    kinds = memory.kinds()
    assert (kinds[0], kinds[-1], kinds.count("Ended")) == ("Began", "Ended", 1)
    assert kinds.count("TurnBegan") == kinds.count("TurnEnded") == 1
    assert len(memory.all(seen.ResponseBegan)) == len(client.told("response.created"))
    assert len(memory.all(seen.ResponseEnded)) == len(client.told("response.done"))
    told = [one["response"]["usage"] for one in client.told("response.done")]
    assert [one.usage for one in memory.all(seen.ResponseEnded)] == told
    assert "call balance {}" in [one.text for one in memory.all(seen.WordsOfUser) if one.is_typed]
    assert len(memory.all(seen.FirstSound)) == len(memory.all(seen.WordsOfAssistant)) >= 2
    assert [one.how for one in memory.all(seen.UpstreamLive)] == ["first", "rebuilt"]
