import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { COMMANDS_MAX } from "../src/outbox";
import type { Command, GatewayMessage } from "../src/protocol";
import { UPLINK_HEADER_BYTES } from "../src/wire";
import type { FromWorker, LinkSettings, ToWorker } from "../src/worker-messages";

const SETTINGS: LinkSettings = {
  socketUrl: "ws://gateway/s",
  configUrl: "http://gateway/config",
  ticketUrl: "http://gateway/ticket",
  portal: undefined,
  probeUrl: "http://gateway/healthz",
  csrfToken: "t",
  ticketRequired: false,
  session: {},
};
const CLAIM = { sessionId: "s-0", resumeToken: "r", epoch: "e" };

class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 1;
  bufferedAmount = 0;
  readonly commands: Command[] = [];
  /** Of speech, in samples. */
  sent = 0;
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;

  constructor(
    readonly url: string,
    readonly protocols: readonly string[],
  ) {
    Socket.all.push(this);
  }

  send(data: string | ArrayBuffer): void {
    if (typeof data === "string") this.commands.push(JSON.parse(data) as Command);
    else this.sent += (data.byteLength - UPLINK_HEADER_BYTES) / 2;
  }

  close(): void {
    this.readyState = 3;
  }

  says(message: GatewayMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const page = { told: [] as FromWorker[], onmessage: undefined as unknown };
/** Who asks for a ticket waits for its answer here. */
let tickets: ((ticket: string) => void)[] = [];

function tell(message: ToWorker): void {
  (page.onmessage as (event: { data: ToWorker }) => void)({ data: message });
}

function phases(): string[] {
  return page.told.flatMap((message) => (message.type === "link" ? [message.state.phase] : []));
}

async function admitted(ticket: string): Promise<Socket> {
  tickets.shift()?.(ticket);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const socket = Socket.all.at(-1);
  if (socket === undefined) throw new Error("nobody dialled");
  return socket;
}

beforeEach(async () => {
  Socket.all = [];
  page.told = [];
  tickets = [];
  vi.resetModules();
  vi.stubGlobal("self", Object.assign(page, { postMessage: (message: FromWorker) => page.told.push(message) }));
  vi.stubGlobal("addEventListener", () => undefined);
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("fetch", () => new Promise((resolve) => tickets.push((ticket) => resolve(Response.json({ ticket })))));
  await import("../src/net.worker");
});

afterEach(() => {
  tell({ type: "stop" });
  vi.unstubAllGlobals();
});

describe("a page that was reloaded after its session was lost", () => {
  const gone: GatewayMessage = { type: "error", code: "NO_SESSION_EXISTS", message: "" };

  it("says to another session what was typed while it looked for the old one", async () => {
    tell({ type: "start", settings: SETTINGS, claim: CLAIM });
    tell({ type: "text", id: "1", text: "When is it due?" });
    const before = await admitted("1");
    before.onopen?.();
    before.says(gone);
    const after = await admitted("2");
    expect(phases()).not.toContain("idle");
    after.onopen?.();
    after.says({ type: "session_created", sessionId: "s-1", upstream: { name: "local", kind: "local" } });
    expect(after.commands).toMatchObject([{ type: "create_session" }, { type: "input_text", text: "When is it due?" }]);
  });

  it("begins nothing where nobody said anything", async () => {
    tell({ type: "start", settings: SETTINGS, claim: CLAIM });
    const socket = await admitted("1");
    socket.onopen?.();
    socket.says(gone);
    expect(phases().at(-1)).toBe("idle");
    expect(tickets).toEqual([]);
  });
});

describe("what a microphone still gives after the goodbye", () => {
  it("belongs to no conversation, and is not said in the next one", async () => {
    const { port1, port2 } = new MessageChannel();
    const speak = async (): Promise<void> => {
      port2.postMessage({ buffer: new ArrayBuffer(960), samples: 480 });
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const begin = async (): Promise<Socket> => {
      tell({ type: "start", settings: SETTINGS });
      const socket = await admitted("1");
      socket.onopen?.();
      socket.says({ type: "session_created", sessionId: "s", upstream: { name: "local", kind: "local" } });
      return socket;
    };
    tell({ type: "capture", port: port1 as never });
    const first = await begin();
    await speak();
    expect(first.sent).toBe(480);
    first.says({ type: "session_ended", reason: "idle" });
    await speak();
    const second = await begin();
    expect(second.sent).toBe(0);
    await speak();
    expect(second.sent).toBe(480);
    port2.close();
  });
});

describe("what the page is told of an answer", () => {
  it("is that it was heard whole once its last word is on its way to the ear", async () => {
    const { port1, port2 } = new MessageChannel();
    tell({ type: "playback", port: port1 as never });
    tell({ type: "latency", ms: 100 });
    for (const played of [24_000, 45_600]) port2.postMessage({ type: "played", itemId: "a", played, audible: 45_600 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(page.told.filter(({ type }) => type === "playing")).toEqual([
      { type: "playing", itemId: "a", heardMs: 900, ofMs: 1_900 },
      { type: "playing", itemId: "a", heardMs: 1_900, ofMs: 1_900 },
    ]);
    port2.close();
  });
});

describe("what was typed and never confirmed", () => {
  const end = { type: "session_ended", reason: "idle" } as const;
  const unanswered = (): string[] => page.told.flatMap((told) => (told.type === "unanswered" ? told.ids : []));
  const typed = (socket: Socket): string[] => socket.commands.flatMap((each) => (each.type === "input_text" ? [each.text] : []));

  async function begin(): Promise<Socket> {
    tell({ type: "start", settings: SETTINGS });
    const socket = await admitted("t");
    socket.onopen?.();
    socket.says({ type: "session_created", sessionId: "s", upstream: { name: "local", kind: "local" } });
    return socket;
  }

  it("ends with the session, is named, and is not said to the next one", async () => {
    const first = await begin();
    tell({ type: "text", id: "1", text: "When?" });
    tell({ type: "text", id: "2", text: "How much?" });
    first.says({ type: "accepted", eventId: "1" });
    first.says(end);
    // It was on its way when the end came.
    tell({ type: "text", id: "3", text: "And then?" });
    expect(unanswered()).toEqual(["2", "3"]);
    const second = await begin();
    expect(typed(second)).toEqual([]);
    tell({ type: "text", id: "4", text: "How much?" });
    expect(typed(second)).toEqual(["How much?"]);
  });

  it("is named when a person says goodbye, and when they throw it away", async () => {
    await begin();
    tell({ type: "text", id: "1", text: "When?" });
    tell({ type: "stop" });
    await begin();
    tell({ type: "text", id: "2", text: "When?" });
    tell({ type: "discard" });
    expect(unanswered()).toEqual(["1", "2"]);
  });

  it("is said when there is a line again, and what there was no room for is named at once", async () => {
    const all = Array.from({ length: COMMANDS_MAX + 1 }, (_, at) => `${at}`);
    for (const id of all) tell({ type: "text", id, text: id });
    expect(unanswered()).toEqual([`${COMMANDS_MAX}`]);
    expect(typed(await begin())).toEqual(all.slice(0, -1));
  });

  it("and was refused is named, and is not said again", async () => {
    const first = await begin();
    tell({ type: "text", id: "1", text: "When?" });
    tell({ type: "text", id: "2", text: "How much?" });
    first.says({ type: "error", code: "OPENAI_CONNECTION_NOT_READY", message: "", eventId: "2" });
    expect(unanswered()).toEqual(["2"]);
    first.says({ type: "error", code: "RECONNECT_FAILED", message: "" });
    expect(typed(await begin())).toEqual(["When?"]);
    expect(unanswered()).toEqual(["2"]);
  });

  it("waits for the next try where the way to the gateway was lost", async () => {
    const first = await begin();
    tell({ type: "text", id: "1", text: "When?" });
    first.says({ type: "error", code: "RECONNECT_FAILED", message: "" });
    expect(phases().at(-1)).toBe("failed");
    expect(unanswered()).toEqual([]);
    expect(typed(await begin())).toEqual(["When?"]);
  });
});

describe("a ticket", () => {
  it("that was asked for by the conversation of before opens no other one", async () => {
    tell({ type: "start", settings: SETTINGS });
    tell({ type: "stop" });
    tell({ type: "start", settings: SETTINGS });
    const [late] = tickets.splice(0, 1);
    late?.("of another customer");
    const socket = await admitted("own");
    expect(Socket.all).toEqual([socket]);
    expect(socket.protocols.at(-1)).toBe("holdfast.ticket.own");
  });
});

describe("a portal that shows its sign-in page in place of a ticket", () => {
  it("is told as such, and not as a lost line", async () => {
    const SIGN_IN = new Response("<!doctype html><title>Sign in</title>", { headers: { "Content-Type": "text/html" } });
    vi.stubGlobal("fetch", () => Promise.resolve(SIGN_IN));
    tell({ type: "start", settings: SETTINGS });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(page.told.findLast(({ type }) => type === "link")).toMatchObject({
      state: { phase: "failed", reason: "NOT_AUTHORIZED" },
    });
  });
});
