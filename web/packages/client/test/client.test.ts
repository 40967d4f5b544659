import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VoiceClient } from "../src/client";
import { Browser, CONFIG, settled } from "./browser";

const page = vi.hoisted((): { browser: { assets: Record<string, (...each: unknown[]) => unknown> } | undefined } => ({
  browser: undefined,
}));

vi.mock("../src/assets", () => {
  const later = (name: string) => (...each: unknown[]) => page.browser?.assets[name]?.(...each);
  return Object.fromEntries(["startWorker", "addCapture", "addPlayback", "warmUp"].map((name) => [name, later(name)]));
});

let browser: Browser;
let client: VoiceClient;

beforeEach(() => {
  browser = new Browser();
  page.browser = browser as never;
  client = new VoiceClient();
});

afterEach(() => {
  client.dispose();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function talking(): Promise<void> {
  await client.talk();
  browser.link("ready");
}

describe("the microphone of a call", () => {
  it("is any that there is when the one of the last call is gone", async () => {
    await talking();
    expect(browser.recording?.device).toBe("headset");
    client.end();
    browser.link("ended");
    browser.plug("built-in");
    await talking();
    expect(client.state.mic.phase).toBe("live");
    expect(browser.recording?.device).toBe("built-in");
  });

  it("is the chosen one, in the next call too", async () => {
    await talking();
    await client.openMic("built-in");
    expect(browser.recording?.device).toBe("built-in");
    client.end();
    browser.link("ended");
    await talking();
    expect(browser.recording?.device).toBe("built-in");
  });

  it("is not opened for a conversation that ended meanwhile", async () => {
    let come = (): void => undefined;
    browser.scripts = new Promise((resolve) => (come = resolve));
    const asked = client.talk();
    await settled();
    expect(client.state.mic.phase).toBe("opening");
    browser.link("failed");
    come();
    await asked;
    expect(client.state.mic.phase).toBe("off");
    expect(browser.tracks.map(({ live }) => live)).toEqual([false]);
  });

  it.each(["scripts", "running"] as const)("hears nothing more once it is switched off while it opens (%s)", async (late) => {
    let come = (): void => undefined;
    browser[late] = new Promise((resolve) => (come = resolve));
    const asked = client.talk();
    await settled();
    expect(client.state.mic.phase).toBe("opening");
    client.closeMic();
    // The light goes at once, and what came before it did goes nowhere.
    expect(browser.tracks.map(({ live, node }) => [live, node])).toEqual([[false, undefined]]);
    come();
    await asked;
    expect(browser.tracks[0]?.node).toBeUndefined();
    await vi.waitFor(() => expect(browser.contexts.filter(({ state }) => state === "closed")).toHaveLength(1));
  });

  it("is heard at its own rate where the browser does not convert", async () => {
    browser.ownRate = true;
    await talking();
    await settled();
    expect(client.state.mic.phase).toBe("live");
    expect(browser.recording?.device).toBe("headset");
    expect(browser.contexts.map(({ state }) => state).sort()).toEqual(["closed", "running", "running"]);
  });

  it("whose script does not come is given back, once", async () => {
    browser.scripts = Promise.reject(new DOMException("", "AbortError"));
    await client.openMic();
    await settled();
    expect(client.state.mic.phase).toBe("unloaded");
    expect(browser.contexts.map(({ state }) => state)).toEqual(["closed", "closed"]);
  });

  it("is off, and does not seem to hear, when the worker it spoke to could not be loaded", async () => {
    let come = (_: Response): void => undefined;
    vi.stubGlobal("fetch", () => new Promise((resolve) => (come = resolve)));
    const asked = client.talk();
    await settled();
    expect(client.state.mic.phase).toBe("live");
    browser.workers[0]?.breaks();
    come(Response.json(CONFIG));
    await asked;
    // The next worker never got the other end of it.
    expect(browser.workers[1]?.told).not.toContain("capture");
    expect([client.state.mic.phase, browser.recording]).toEqual(["off", undefined]);
  });

  it("is missed when it is pulled out while it opens", async () => {
    let come = (): void => undefined;
    browser.running = new Promise((resolve) => (come = resolve));
    const asked = client.talk();
    await settled();
    browser.plug();
    come();
    await asked;
    expect(client.state.mic.phase).toBe("lost");
    browser.running = Promise.resolve();
    browser.plug("built-in");
    await settled();
    expect(browser.recording?.device).toBe("built-in");
  });

  it("is blocked, not unplugged, when the permission is withdrawn in mid-call, and comes back with it", async () => {
    await talking();
    browser.forbid();
    await settled();
    expect(client.state.mic.phase).toBe("denied");
    expect(browser.workers[0]?.reported).toEqual(["user_device.microphone_denied"]);
    browser.permission.state = "granted";
    browser.permission.onchange();
    await settled();
    expect(client.state.mic.phase).toBe("live");
  });

  it("is unplugged when it is gone and allowed", async () => {
    await talking();
    browser.plug();
    await settled();
    expect(client.state.mic.phase).toBe("lost");
    expect(browser.workers[0]?.reported).toEqual(["user_device.microphone_lost"]);
  });

  it("that is held to talk hears nobody after it was pulled out under a finger", async () => {
    await talking();
    client.holdToTalk(true);
    client.hold(true);
    expect(browser.recording).toEqual({ device: "headset", muted: false });
    // The button goes with the microphone: nobody hears the finger leave.
    browser.plug("built-in");
    await settled();
    expect(browser.recording).toEqual({ device: "built-in", muted: true });
    expect(client.state.mic.phase).toBe("muted");
    client.hold(true);
    expect(browser.recording?.muted).toBe(false);
  });
});

describe("a microphone that falls silent in mid-call", () => {
  /** Levels for so many seconds, as a worklet tells them, with the clock of the call. */
  async function hears(peak: number | undefined, seconds: number): Promise<void> {
    for (let each = 0; each < seconds; each += 1) {
      if (peak !== undefined) browser.tracks[0]?.node?.port.onmessage({ data: { peak } });
      await vi.advanceTimersByTimeAsync(1_000);
    }
  }

  it("is called so when nothing comes of it any more, and no longer when it does", async () => {
    vi.useFakeTimers();
    await client.talk();
    browser.link("ready");
    await hears(0.5, 20);
    await hears(0, 20);
    expect(client.state.mic.silent).toBe(false);
    await hears(undefined, 12);
    expect(client.state.mic.silent).toBe(true);
    expect(browser.workers[0]?.reported).toEqual(["user_device.microphone_silent"]);
    await hears(0.5, 2);
    expect(client.state.mic.silent).toBe(false);
  });

  it("because the system suspended it records again", async () => {
    await talking();
    await settled();
    for (const context of browser.contexts) context.suspends();
    await settled();
    expect(browser.contexts.map(({ state }) => state)).toContain("running");
  });
});

describe("a loudspeaker", () => {
  it("whose script does not come is given back, and tried again at the next tap", async () => {
    const running = (): number => browser.contexts.filter(({ state }) => state === "running").length;
    browser.scripts = Promise.reject(new DOMException("", "AbortError"));
    for (let tap = 0; tap < 3; tap += 1) await client.unlockSpeaker();
    await settled();
    expect(running()).toBe(0);
    expect(client.state.speaker.phase).toBe("locked");
    browser.scripts = Promise.resolve();
    await client.unlockSpeaker();
    expect([running(), client.state.speaker.phase]).toEqual([1, "ready"]);
  });

  it("goes with a worker that could not be loaded", async () => {
    await client.unlockSpeaker();
    browser.workers[0]?.breaks();
    await settled();
    expect(browser.contexts.map(({ state }) => state)).toEqual(["closed"]);
  });

  it("that still opens when the worker could not be loaded is closed, and refuses without a fault", async () => {
    let come = (): void => undefined;
    browser.scripts = new Promise((resolve) => (come = resolve));
    const asked = client.unlockSpeaker();
    browser.workers[0]?.breaks();
    come();
    await asked;
    await settled();
    expect(browser.contexts.map(({ state }) => state)).toEqual(["closed"]);
  });

  it.each(["does not come", "comes"])("is not forgotten for one of before whose script %s late", async (late) => {
    let come = (): void => undefined;
    let fail = (_: unknown): void => undefined;
    browser.scripts = new Promise((resolve, reject) => ([come, fail] = [resolve, reject]));
    const before = client.unlockSpeaker();
    browser.workers[0]?.breaks();
    browser.scripts = Promise.resolve();
    await client.unlockSpeaker();
    if (late === "comes") come();
    else fail(new DOMException("", "AbortError"));
    await before;
    await settled();
    expect(client.state.speaker.phase).toBe("ready");
    await client.unlockSpeaker();
    expect(browser.contexts.map(({ state }) => state)).toEqual(["closed", "running"]);
  });

  it("that waits for a tap when the worker could not be loaded is closed, and waits no more", async () => {
    await client.unlockSpeaker();
    browser.running = new Promise(() => undefined);
    const asked = client.unlockSpeaker();
    await settled();
    browser.workers[0]?.breaks();
    await asked;
    await settled();
    expect(browser.contexts.map(({ state }) => state)).toEqual(["closed"]);
  });
});

describe("the clock of a call", () => {
  it("stands still after it", async () => {
    vi.useFakeTimers();
    const ticks = (): number => browser.workers[0]?.told.filter((type) => type === "latency").length ?? 0;
    await client.talk();
    browser.link("ready");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(ticks()).toBe(3);
    browser.link("ended");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(ticks()).toBe(3);
    await client.talk();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ticks()).toBe(4);
  });
});

describe("a client that is given back", () => {
  it("falls silent", async () => {
    await talking();
    await settled();
    client.dispose();
    await settled();
    // The microphone's context goes a moment after its last frame.
    await vi.waitFor(() => expect(browser.contexts.map(({ state }) => state)).toEqual(["closed", "closed"]));
  });

  it("before its configuration has come begins nothing any more", async () => {
    const loading = client.load();
    client.dispose();
    await loading;
    expect(browser.workers.filter(({ isAlive }) => isAlive)).toEqual([]);
  });

  it("while the customer changes begins nothing any more", async () => {
    await client.load();
    await talking();
    const switched = client.switchCustomer("C-2");
    browser.link("ended");
    await Promise.resolve();
    client.dispose();
    await switched;
    await settled();
    expect(browser.workers.filter(({ isAlive }) => isAlive)).toEqual([]);
    expect(browser.tracks.filter(({ live }) => live)).toEqual([]);
  });

  it("leaves the session of before a reload to the one that comes after it", async () => {
    const claim = { sessionId: "s", resumeToken: "r", epoch: "e" };
    const kept = JSON.stringify({ claim, customerId: "C-1", at: Date.now(), windowMs: 60_000 });
    vi.stubGlobal("sessionStorage", { getItem: () => kept, setItem: () => undefined, removeItem: () => undefined });
    const loading = client.load();
    client.dispose();
    client = new VoiceClient();
    await Promise.all([loading, client.load()]);
    expect(browser.workers.flatMap(({ told }) => told)).toEqual(["start"]);
  });
});

describe("a conversation", () => {
  it("is for the customer whose name the page shows, whoever has signed in meanwhile", async () => {
    await client.load();
    client.type("What do I owe?");
    expect(browser.workers[0]?.began?.session).toEqual({ customerId: "C-1", greet: true });
  });
});

describe("another customer of the demo", () => {
  /** A gateway that knows only the newest token; `deaf`: it changes nothing. */
  function gateway(deaf: boolean): { token: string; customer: string } {
    const now = { token: "1", customer: "C-1" };
    vi.stubGlobal("fetch", (url: string, asked?: RequestInit) => {
      if (!url.endsWith("demo-customer")) {
        return Promise.resolve(Response.json({ ...CONFIG, csrfToken: now.token, customer: { id: now.customer, name: "" } }));
      }
      const { "X-CSRF-Token": token } = asked?.headers as Record<string, string>;
      if (deaf || token !== now.token) return Promise.resolve(new Response(null, { status: deaf ? 503 : 403 }));
      now.customer = (JSON.parse(asked?.body as string) as { customerId: string }).customerId;
      return Promise.resolve(new Response(null, { status: 204 }));
    });
    return now;
  }

  it("is signed in by a gateway that has been restarted", async () => {
    const now = gateway(false);
    await client.load();
    now.token = "2";
    await client.switchCustomer("C-2");
    expect(client.state.config?.customer.id).toBe("C-2");
    expect(client.state.notices).toEqual([]);
  });

  it("who cannot be signed in is named as such, and nothing begins", async () => {
    gateway(true);
    await client.load();
    await talking();
    const switched = client.switchCustomer("C-2");
    browser.link("ended");
    await switched;
    expect(client.state.notices).toMatchObject([{ message: "The customer could not be changed: status 503" }]);
    expect(browser.workers[0]?.told.filter((type) => type === "start")).toHaveLength(1);
    expect(client.state.mic.phase).toBe("off");
  });
});
