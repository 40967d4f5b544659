import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Console } from "../src/model/console";
import { rowOf } from "../src/model/state";
import { fresh } from "../src/ui/fresh";
import { row, session, snapshot } from "./told";

/** The browser's part of a stream, said by the test. */
class Stream extends EventTarget {
  static all: Stream[] = [];
  readonly CLOSED = 2;
  readyState = 0;
  constructor(readonly url: string) {
    super();
    Stream.all.push(this);
  }
  say(event: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
  }
  fail(readyState: number): void {
    this.readyState = readyState;
    this.dispatchEvent(new Event("error"));
  }
  close(): void {
    this.readyState = 2;
  }
}

const ME = { signedIn: true, needsKey: false, mayAct: true, csrf: "c" };
let answers: Record<string, { status: number; body?: unknown }>;
let asked: { path: string; init: RequestInit }[];
let operator: Console;

async function answer(path: string, init: RequestInit): Promise<Response> {
  asked.push({ path, init });
  const found = answers[path.replace("/api/console", "")];
  if (found === undefined) throw new TypeError("no line");
  return new Response(found.body === undefined ? null : JSON.stringify(found.body), { status: found.status });
}

function stream(): Stream {
  return Stream.all.at(-1)!;
}

beforeEach(() => {
  vi.useFakeTimers();
  Stream.all = [];
  asked = [];
  answers = { "/me": { status: 200, body: ME } };
  operator = new Console({
    fetch: answer as typeof fetch,
    EventSource: Stream as unknown as typeof EventSource,
    now: () => Date.now(),
  });
});

afterEach(() => {
  operator.stop();
  vi.useRealTimers();
});

describe("listening", () => {
  it("shows what it is told, and says calmly when nothing comes any more", async () => {
    await operator.start();
    expect(fresh(operator.store.getState()).kind).toBe("opening");
    stream().say("snapshot", snapshot(1_000, [row("a")]));
    expect(fresh(operator.store.getState())).toEqual({ kind: "live", short: "Live" });

    await vi.advanceTimersByTimeAsync(6_000);
    expect(fresh(operator.store.getState())).toMatchObject({ kind: "late", short: "6 s old" });
    stream().say("changes", { at: 7_000 });
    expect(fresh(operator.store.getState()).kind).toBe("live");
  });

  it("leaves it to the browser to connect again while the browser tries", async () => {
    await operator.start();
    stream().say("snapshot", snapshot(1_000, [row("a")]));
    stream().fail(0);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(Stream.all).toHaveLength(1);
    expect(fresh(operator.store.getState()).long).toMatch(/^The line to the gateway is lost. You see how it was 3 s ago/);
    expect(operator.store.getState().rows.size).toBe(1);
  });

  it("comes again by itself when the browser has given up, less and less often", async () => {
    await operator.start();
    stream().say("snapshot", snapshot(1_000, []));
    stream().fail(2);
    answers = {};
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fresh(operator.store.getState())).toMatchObject({ kind: "lost", long: expect.stringContaining("in 2 s") });
    answers = { "/me": { status: 200, body: ME } };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(Stream.all).toHaveLength(2);
    stream().say("snapshot", snapshot(5_000, []));
    expect(fresh(operator.store.getState()).kind).toBe("live");
  });

  it("comes again after a bye, and after a silence that no close ended", async () => {
    await operator.start();
    stream().say("snapshot", snapshot(1_000, []));
    stream().say("bye", { reason: "draining" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(Stream.all).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(17_000);
    expect(Stream.all[1]?.readyState).toBe(2);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(Stream.all).toHaveLength(3);
  });
});

describe("the door", () => {
  it("does not listen before it is let in", async () => {
    answers["/me"] = { status: 200, body: { ...ME, signedIn: false, needsKey: true } };
    await operator.start();
    expect(Stream.all).toHaveLength(0);
    answers["/sign-in"] = { status: 401, body: { error: { code: "NOT_AUTHORIZED", message: "Not this key." } } };
    expect(await operator.signIn("x")).toMatchObject({ message: "Not this key." });
    answers = { "/me": { status: 200, body: ME }, "/sign-in": { status: 204 } };
    expect(await operator.signIn("y")).toBeUndefined();
    expect(Stream.all).toHaveLength(1);
  });

  it("asks for the key again when the gateway does", async () => {
    await operator.start();
    answers["/checks"] = { status: 401, body: { error: { code: "NOT_AUTHORIZED", message: "Sign in." } } };
    await operator.checks();
    expect(operator.store.getState().me?.signedIn).toBe(false);
  });

  it("tells what stood between when no gateway answered", async () => {
    await operator.start();
    await operator.checks();
    expect(operator.store.getState().checks?.refusal?.code).toBe("UNREACHABLE");
    answers["/checks"] = { status: 502 };
    await operator.checks();
    expect(operator.store.getState().checks?.refusal?.message).toContain("502");
  });

  it("sends its token with what changes something", async () => {
    await operator.start();
    answers["/sessions/a/end"] = { status: 202, body: {} };
    expect(await operator.end("a")).toBeUndefined();
    expect(asked.at(-1)?.init.headers).toMatchObject({ "X-CSRF-Token": "c" });
  });
});

describe("one session", () => {
  it("is asked for again when its row changes, four times a second at most, and forgotten afterwards", async () => {
    await operator.start();
    stream().say("snapshot", snapshot(1_000, [row("a"), row("b")]));
    answers["/sessions/a"] = { status: 200, body: session() };
    const asking = (): number => asked.filter(({ path }) => path.endsWith("/sessions/a")).length;
    const stop = operator.follow("a");
    await vi.advanceTimersByTimeAsync(10);
    expect(operator.store.getState().sessions.get("a")?.value?.turns).toHaveLength(1);

    for (let at = 0; at < 4; at += 1) {
      stream().say("changes", { at: 1_100 + at, rows: [row("a", { turns: at })] });
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(asking()).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(asking()).toBe(2);
    stream().say("changes", { at: 3_000, rows: [row("b")] });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asking()).toBe(2);

    stop();
    expect(operator.store.getState().sessions.size).toBe(0);
  });

  it("that was asked for by a provider's id is kept fresh, too", async () => {
    await operator.start();
    stream().say("snapshot", snapshot(1_000, [row("s1")]));
    answers["/sessions/sess_9"] = { status: 200, body: session() };
    const stop = operator.follow("sess_9");
    await vi.advanceTimersByTimeAsync(1_000);
    answers["/sessions/sess_9"] = { status: 200, body: session({ turns: [] }) };
    stream().say("changes", { at: 3_000, rows: [row("s1", { state: "ended" })] });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(operator.store.getState().sessions.get("sess_9")?.value?.turns).toEqual([]);
    expect(rowOf(operator.store.getState(), "sess_9")?.state).toBe("ended");
    stop();
  });

  it("that a new gateway does not know any more is asked for: nobody looks at a call that is long over", async () => {
    await operator.start();
    stream().say("snapshot", snapshot(1_000, [row("a")]));
    answers["/sessions/a"] = { status: 200, body: session() };
    const stop = operator.follow("a");
    await vi.advanceTimersByTimeAsync(1_000);
    answers["/sessions/a"] = { status: 404, body: { error: { code: "NOT_FOUND", message: "No such session." } } };
    stream().say("snapshot", snapshot(9_000, []));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(operator.store.getState().sessions.get("a")).toMatchObject({ refusal: { code: "NOT_FOUND" } });
    stop();
  });

  it("is shown as it was told last, whichever answer comes last, and is forgotten although an answer comes later", async () => {
    await operator.start();
    stream().say("snapshot", snapshot(1_000, [row("a")]));
    const waits: ((answer: Response) => void)[] = [];
    const slow = new Console({
      fetch: (() => new Promise((resolve) => waits.push(resolve))) as unknown as typeof fetch,
      EventSource: Stream as unknown as typeof EventSource,
      now: () => Date.now(),
    });
    const turns = (): number | undefined => slow.store.getState().sessions.get("a")?.value?.turns.length;
    const arrives = async (at: number, told: object): Promise<void> => {
      waits[at]?.(Response.json(told));
      await vi.advanceTimersByTimeAsync(1);
    };
    slow.store.dispatch({ type: "snapshot", here: 0, told: snapshot(1_000, [row("a")]) });
    const stop = slow.follow("a");
    for (const at of [2_000, 3_000]) {
      await vi.advanceTimersByTimeAsync(1_000);
      slow.store.dispatch({ type: "changes", here: 0, told: { at, rows: [row("a", { turns: at })] } });
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(waits).toHaveLength(3);
    await arrives(1, session({ turns: [] }));
    expect(turns()).toBe(0);
    await arrives(0, session());
    expect(turns()).toBe(0);
    stop();
    await arrives(2, session());
    expect(slow.store.getState().sessions.size).toBe(0);
  });
});
