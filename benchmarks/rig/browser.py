"""A real Chromium that has a call, looked at from outside: threads, heaps, messages, longest tasks.

What lives here: starting it with a file for a microphone; what threads have used (/proc); what the page, its
worker and its worklets hold and tell each other (DevTools protocol).
What never will: what the page does meanwhile, what is a good figure.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from holdfast.bench import machine
from holdfast.bench.candidates import BenchError

Json = dict[str, Any]

ROLES: Final[Mapping[str, str]] = {
    "DedicatedWorker": "worker",
    "Realtime AudioW": "worklets",
    "AudioWorklet th": "worklets",
    "AudioOutputDevi": "audio devices",
    "AudioInputDevic": "audio devices",
    "Compositor": "compositor",
}
"""A thread's role by the name that the kernel knows (15 letters of it). The first thread is the main one."""
_TRACED: Final = ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"]
_TASK: Final = "RunTask"
_ANSWER_S: Final = 30.0
_LOOK_S: Final = 0.05
_LOOKS: Final = 200

# Counts what passes a thread of the page, by sender and receiver, and how much of it is binary. Each message
# is counted where it is read; what goes to the worklets, whose scopes nobody patches, where it is sent.
COUNT_MESSAGES: Final = """(() => {
  const counts = (globalThis.__counts ??= { messages: {}, binary: {} });
  const inWorker = typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope;
  const bytes = (data) => {
    if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return data.byteLength;
    if (data === null || typeof data !== "object") return 0;
    return Object.values(data).reduce((sum, value) => sum + (
      value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? value.byteLength : 0), 0);
  };
  const count = (way, data) => {
    counts.messages[way] = (counts.messages[way] ?? 0) + 1;
    counts.binary[way] = (counts.binary[way] ?? 0) + bytes(data);
  };
  const here = inWorker ? "worker" : "page";
  const origin = (event) => event.target instanceof WebSocket ? "gateway"
    : event.target instanceof MessagePort ? "worklets" : inWorker ? "page" : "worker";
  const seen = new WeakSet();
  const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, "data");
  Object.defineProperty(MessageEvent.prototype, "data", { configurable: true, get() {
    const data = get.call(this);
    if (!seen.has(this)) count(`${origin(this)} to ${here}`, data);
    seen.add(this);
    return data;
  } });
  const post = MessagePort.prototype.postMessage;
  MessagePort.prototype.postMessage = function (data, ...rest) {
    // React wakes itself with an empty message to its own port: that goes nowhere.
    if (data !== null) count(`${here} to worklets`, data);
    return post.call(this, data, ...rest);
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    count(`${here} to gateway`, data);
    return send.call(this, data);
  };
})()"""


@dataclass(slots=True)
class Use:
    """What has been used so far: seconds of processor and wake-ups, by role; the page's own account."""

    cpu_s: dict[str, float]
    wakes: dict[str, float]
    page: dict[str, float]

    def since(self, before: Use, seconds: float) -> Use:
        """For each second between two of them; the processor's as a share of one core."""

        def pace(now: dict[str, float], then: dict[str, float]) -> dict[str, float]:
            return {name: (value - then.get(name, 0.0)) / seconds for name, value in now.items()}

        return Use(
            pace(self.cpu_s, before.cpu_s), pace(self.wakes, before.wakes), pace(self.page, before.page)
        )


@dataclass(slots=True)
class World:
    """A world of JavaScript beside the page: its worker, a worklet."""

    parent: CDPSession
    session: str
    kind: str
    asked: int = 0
    waiting: dict[int, asyncio.Future[Json]] = field(default_factory=dict)

    async def ask(self, method: str, **params: Any) -> Json:
        """Send a command, wait for its answer."""
        self.asked += 1
        answer = self.waiting[self.asked] = asyncio.get_running_loop().create_future()
        message = json.dumps({"id": self.asked, "method": method, "params": params})
        await self.parent.send("Target.sendMessageToTarget", {"sessionId": self.session, "message": message})
        return await asyncio.wait_for(answer, _ANSWER_S)

    def told(self, message: Json) -> None:
        """An answer, or an event (which nobody asked for)."""
        answer = self.waiting.pop(message.get("id", 0), None)
        if answer is not None and not answer.done():
            answer.set_result(message.get("result", {}))


@dataclass
class Tab:
    """One page and what belongs to it. Without slots: the driver keeps its wrappers of our listeners here."""

    page: Page
    top: CDPSession
    """Of the browser."""
    own: CDPSession
    """Of the page."""
    worlds: dict[str, World] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    async def open(self, url: str) -> None:
        """Go there, with an eye on everything that the page starts."""
        self.own.on("Target.attachedToTarget", self._attached)
        self.own.on("Target.detachedFromTarget", self._detached)
        self.own.on("Target.receivedMessageFromTarget", self._told)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await self.own.send("Performance.enable")
        watch = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False}
        await self.own.send("Target.setAutoAttach", watch)
        await self.page.goto(url)

    def _attached(self, event: Json) -> None:
        session = event["sessionId"]
        self.worlds[session] = World(self.own, session, event["targetInfo"]["type"])

    def _detached(self, event: Json) -> None:
        self.worlds.pop(event["sessionId"], None)

    def _told(self, event: Json) -> None:
        world = self.worlds.get(event["sessionId"])
        if world is not None:
            world.told(json.loads(event["message"]))

    # what it uses

    async def use(self) -> Use:
        """Everything so far. Of the other processes of the browser each counts as a whole."""
        told = await self.own.send("Performance.getMetrics")
        page = {one["name"]: float(one["value"]) for one in told["metrics"]}
        cpu: defaultdict[str, float] = defaultdict(float)
        wakes: defaultdict[str, float] = defaultdict(float)
        ours = await self.renderer()
        for one in (await self.top.send("SystemInfo.getProcessInfo"))["processInfo"]:
            pid, kind = int(one["id"]), str(one["type"]).partition(".")[0]
            if pid == ours:
                _add_threads(pid, cpu, wakes)
            elif kind != "renderer":  # the browser's own pages
                with contextlib.suppress(FileNotFoundError):
                    cpu[f"{kind} process"] += machine.cpu_seconds(pid)
        return Use(dict(cpu), dict(wakes), page)

    async def renderer(self) -> int:
        """The process in which the page runs: the one with its worker."""
        for one in (await self.top.send("SystemInfo.getProcessInfo"))["processInfo"]:
            if one["type"] == "renderer" and "DedicatedWorker" in _thread_names(int(one["id"])):
                return int(one["id"])
        raise BenchError(
            "no process runs the page's worker.", "Its thread was not found.", "See the page's console."
        )

    async def heaps(self) -> dict[str, float]:
        """Bytes after a collection: what each kind of world holds, buffers and DOM included."""
        held: defaultdict[str, float] = defaultdict(float)
        await self.own.send("HeapProfiler.collectGarbage")
        held["page"] = _held(await self.own.send("Runtime.getHeapUsage"))
        for world in list(self.worlds.values()):
            await world.ask("HeapProfiler.collectGarbage")
            held[world.kind] += _held(await world.ask("Runtime.getHeapUsage"))
        return dict(held)

    async def counters(self) -> dict[str, float]:
        """Nodes and listeners of the DOM, after a collection."""
        told: Json = await self.own.send("Memory.getDOMCounters")
        return {name: float(value) for name, value in told.items()}

    # what it says to itself

    async def count_messages(self) -> None:
        """From now on, whichever ports are open already."""
        await self.own.send("Runtime.evaluate", {"expression": COUNT_MESSAGES})
        await (await self._worker()).ask("Runtime.evaluate", expression=COUNT_MESSAGES)

    async def counted(self) -> dict[str, Counter[str]]:
        """Messages and their binary bytes so far, by sender and receiver."""
        look = {"expression": "JSON.stringify(__counts)", "returnByValue": True}
        answers = [await self.own.send("Runtime.evaluate", look)]
        answers += [
            await world.ask("Runtime.evaluate", **look)
            for world in self.worlds.values()
            if world.kind == "worker"
        ]
        found: dict[str, Counter[str]] = {"messages": Counter(), "binary": Counter()}
        for answer in answers:
            for name, ways in json.loads(answer["result"]["value"]).items():
                found[name].update(ways)
        return found

    async def _worker(self) -> World:
        """The page's worker, as soon as it has begun. Raises BenchError."""
        for _ in range(_LOOKS):
            for world in self.worlds.values():
                if world.kind == "worker":
                    return world
            await asyncio.sleep(_LOOK_S)
        raise BenchError("the page has no worker.", "Nothing was attached.", "See the page's console.")


@dataclass(slots=True)
class Chromium:
    """A running browser."""

    browser: Browser
    top: CDPSession

    @contextlib.asynccontextmanager
    async def tab(self, url: str) -> AsyncIterator[Tab]:
        """A page in a context of its own."""
        context = await self.browser.new_context()
        try:
            page = await context.new_page()
            tab = Tab(page, self.top, await context.new_cdp_session(page))
            await tab.open(url)
            yield tab
        finally:
            await context.close()

    async def longest_tasks_ms(self, tab: Tab, seconds: float) -> dict[str, float]:
        """The longest task of each kind of thread in the time to come."""
        await self.browser.start_tracing(page=tab.page, categories=_TRACED)
        await asyncio.sleep(seconds)
        trace = json.loads(await self.browser.stop_tracing())
        return longest_tasks_ms(trace["traceEvents"])


def longest_tasks_ms(events: list[Json]) -> dict[str, float]:
    """The longest task of each kind of thread in a trace, of the process that has the worker.

    In processor time: that a busy machine takes it away from a task is not the page's doing.
    """
    names = {
        (event["pid"], event["tid"]): str(event["args"]["name"])
        for event in events
        if event.get("ph") == "M" and event.get("name") == "thread_name"
    }
    ours = {pid for (pid, _), name in names.items() if name.startswith("DedicatedWorker")}
    longest: dict[str, float] = {}
    for event in events:
        name = names.get((event["pid"], event["tid"]), "")
        role = "main thread" if name == "CrRendererMain" else ROLES.get(name[:15], "")
        if event["pid"] in ours and role and event.get("ph") == "X" and _TASK in event["name"]:
            longest[role] = max(longest.get(role, 0.0), float(event.get("tdur", 0)) / 1000)
    return longest


@contextlib.asynccontextmanager
async def chromium(microphone: Path) -> AsyncIterator[Chromium]:
    """A headless one whose microphone plays this file from its beginning, once for each opening."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise BenchError(
            "there is no Chromium.",
            "The page is measured in a real browser.",
            "Install it: `scripts/chromium.sh`.",
        )
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, headless=True, args=arguments)
        try:
            yield Chromium(browser, await browser.new_browser_cdp_session())
        finally:
            await browser.close()


def private_bytes(pid: int) -> int:
    """Memory of a process that is its own alone."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(1024 * int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))


def _thread_names(pid: int) -> set[str]:
    try:
        return {(task / "comm").read_text().strip() for task in Path(f"/proc/{pid}/task").iterdir()}
    except FileNotFoundError:
        return set()


def _add_threads(pid: int, cpu: defaultdict[str, float], wakes: defaultdict[str, float]) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            name = (task / "comm").read_text().strip()
            role = "main thread" if task.name == str(pid) else ROLES.get(name, "other threads")
            cpu[role] += int((task / "schedstat").read_text().split()[0]) / 1e9
            status = (task / "status").read_text()
            wakes[role] += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def _held(usage: Json) -> float:
    return float(
        sum(usage.get(name, 0) for name in ("usedSize", "embedderHeapUsedSize", "backingStorageSize"))
    )
