import { describe, expect, it } from "vitest";
import {
  ATTEMPTS_MAX,
  DWELL_MS,
  GIVE_UP_MS,
  accepts,
  initialLink,
  stepLink,
  type LinkEffect,
  type LinkEvent,
  type LinkState,
} from "../src/connection";
import type { GatewayMessage } from "../src/protocol";
import { SEEDS, seeded, whole } from "./seeded";

const CREATED: GatewayMessage = { type: "session_created", sessionId: "s", upstream: { name: "local", kind: "local" } };
const READY: GatewayMessage = { type: "session_ready", upstream: { name: "local", kind: "local" } };

/** A link with its own clock, and what it asked for. */
class Bench {
  now = 1_000;
  state: LinkState = initialLink(this.now);
  asked: LinkEffect[] = [];

  on(event: LinkEvent): this {
    const step = stepLink(this.state, event, this.now, 0.5);
    this.state = step.state;
    this.asked.push(...step.effects);
    return this;
  }

  hear(message: GatewayMessage): this {
    return this.on({ type: "message", message });
  }

  wait(ms: number): this {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 50);
      this.on({ type: "tick" });
    }
    return this;
  }

  taken(): string[] {
    return this.asked.splice(0).map(({ type }) => type);
  }

  ready(): this {
    return this.on({ type: "start" })
      .on({ type: "admitted", ticket: "t" })
      .on({ type: "opened" })
      .hear(CREATED)
      .hear(READY);
  }
}

function error(code: string, more: object = {}): GatewayMessage {
  return { type: "error", code, message: code, ...more } as GatewayMessage;
}

describe("the link", () => {
  it("takes its steps in order", () => {
    const bench = new Bench().ready();
    expect(bench.taken()).toEqual(["admit", "open", "create", "accepted"]);
    expect(bench.state.phase).toBe("ready");
  });

  it("accepts speech as soon as the session is created, before the upstream is ready", () => {
    const bench = new Bench().on({ type: "start" }).on({ type: "admitted", ticket: undefined }).on({ type: "opened" });
    expect(accepts(bench.state.phase)).toBe(false);
    expect(accepts(bench.hear(CREATED).state.phase)).toBe(true);
  });

  it("begins a new session by itself when the gateway does not know it", () => {
    const bench = new Bench().ready();
    bench.taken();
    bench.hear(error("NO_SESSION_EXISTS"));
    expect(bench.state.phase).toBe("probing");
    bench.wait(300);
    expect(bench.taken()).toContain("probe");
    bench.on({ type: "probed", ok: true });
    expect(bench.state.phase).toBe("admitting");
  });

  it("probes about four times a second for a minute, then every two seconds, then gives up", () => {
    const bench = new Bench().ready().on({ type: "closed", code: 1006, reason: "" });
    bench.taken();
    let first = 0;
    let all = 0;
    while (bench.state.phase === "probing") {
      bench.wait(50);
      const probes = bench.taken().filter((type) => type === "probe").length;
      all += probes;
      if (bench.now < 61_000) first += probes;
      if (probes > 0) bench.on({ type: "probed", ok: false });
    }
    expect(first).toBeGreaterThan(200);
    expect(first).toBeLessThan(500);
    expect(all - first).toBeLessThan(GIVE_UP_MS / 1_000);
    expect(bench.state).toMatchObject({ phase: "failed", reason: "RECONNECT_FAILED" });
  });

  it("does not repair for ever what breaks at once", () => {
    const bench = new Bench().on({ type: "start" });
    for (let round = 0; round < 50 && bench.state.phase !== "failed"; round += 1) {
      bench.on({ type: "admitted", ticket: "t" }).on({ type: "opened" }).hear(CREATED).hear(READY);
      bench.hear(error("NO_SESSION_EXISTS")).wait(9_000).on({ type: "probed", ok: true });
    }
    expect(bench.state.phase).toBe("failed");
    expect(bench.taken().filter((type) => type === "create")).toHaveLength(ATTEMPTS_MAX);
  });

  it("forgets old troubles after a good session", () => {
    const bench = new Bench().ready();
    for (let round = 0; round < 20; round += 1) {
      for (let second = 0; second < 12; second += 1) bench.wait(1_000).on({ type: "binary" });
      bench.on({ type: "closed", code: 1006, reason: "" }).wait(400).on({ type: "probed", ok: true });
      bench.on({ type: "admitted", ticket: "t" }).on({ type: "opened" }).hear(CREATED).hear(READY);
      expect(bench.state.phase).toBe("ready");
    }
  });

  it("calls a silent socket dead after an unanswered ping", () => {
    const bench = new Bench().ready();
    bench.taken();
    bench.wait(5_100);
    expect(bench.taken()).toEqual(["ping"]);
    bench.wait(5_100);
    expect(bench.state.phase).toBe("probing");
  });

  it("calls the connection slow when speech is not acknowledged, and well again when it is", () => {
    const bench = new Bench().ready().on({ type: "audio_sent" }).wait(2_100);
    expect(bench.state.phase).toBe("stalled");
    bench.hear({ type: "audio_received", received: 480 });
    expect(bench.state.phase).toBe("ready");
  });

  it("ends without a fault when the gateway says goodbye", () => {
    const bench = new Bench().ready().hear({ type: "session_ended", reason: "goodbye" });
    expect(bench.state).toMatchObject({ phase: "ended", reason: "goodbye" });
    bench.on({ type: "closed", code: 1000, reason: "" });
    expect(bench.state.phase).toBe("ended");
  });

  it.each([
    ["gateway", "probing"],
    ["user_network", "probing"],
    ["provider", "failed"],
    ["configuration", "failed"],
  ] as const)("after an end by a fault of the %s it is %s", (party, phase) => {
    const fault = { code: "x", party, message: "", remedy: "" };
    expect(new Bench().ready().hear({ type: "session_ended", reason: "draining", fault }).state.phase).toBe(phase);
  });

  it.each(["UNSUPPORTED_MODEL", "NOT_AUTHORIZED", "RECONNECT_FAILED"])("stops at %s", (code) => {
    expect(new Bench().ready().hear(error(code)).state).toMatchObject({ phase: "failed", reason: code });
  });

  it.each([1008, 1009, 4401, 4403, 4429, 3000])("stops at the close code %d", (code) => {
    expect(new Bench().ready().on({ type: "closed", code, reason: "" }).state.phase).toBe("failed");
  });

  it.each([1001, 1005, 1006, 1011, 1012, 1013, 4500, 4503])("comes back after the close code %d", (code) => {
    expect(new Bench().ready().on({ type: "closed", code, reason: "" }).state.phase).toBe("probing");
  });

  it.each([
    [403, "failed"],
    [429, "failed"],
    [503, "probing"],
  ])("after the status %d of the ticket it is %s", (status, phase) => {
    expect(new Bench().on({ type: "start" }).on({ type: "refused", status }).state.phase).toBe(phase);
  });

  it("leaves every phase in time, whatever the other side forgets", () => {
    for (const phase of Object.keys(DWELL_MS) as (keyof typeof DWELL_MS)[]) {
      const bench = new Bench();
      bench.state = { ...initialLink(bench.now), phase, since: bench.now, deadline: bench.now + DWELL_MS[phase]! };
      bench.wait(DWELL_MS[phase]! + 100);
      expect(bench.state.phase).not.toBe(phase);
    }
  });

  it.each(SEEDS)("keeps its promises whatever happens (seed %d)", (seed) => {
    const chance = seeded(seed);
    const bench = new Bench();
    const messages: GatewayMessage[] = [
      CREATED,
      READY,
      error("NO_SESSION_EXISTS"),
      error("RATE_LIMITED"),
      error("INVALID_MESSAGE"),
      { type: "audio_received", received: 1 },
      { type: "status", state: "recovering", retryInMs: 500 },
      { type: "session_ended", reason: "goodbye" },
    ];
    const events: LinkEvent[] = [
      { type: "start" },
      { type: "stop" },
      { type: "admitted", ticket: "t" },
      { type: "refused", status: 503 },
      { type: "unreachable" },
      { type: "opened" },
      { type: "closed", code: 1006, reason: "" },
      { type: "probed", ok: true },
      { type: "probed", ok: false },
      { type: "audio_sent" },
      { type: "binary" },
    ];
    let sockets = 0;
    for (let step = 0; step < 300; step += 1) {
      bench.now += whole(chance, 400);
      const roll = chance();
      if (roll < 0.3) bench.on({ type: "tick" });
      else if (roll < 0.6) bench.hear(messages[whole(chance, messages.length)]!);
      else bench.on(events[whole(chance, events.length)]!);
      for (const { type } of bench.asked.splice(0)) {
        // Never two sockets at once: each is closed, or was closed under us, before the next is opened.
        if (type === "close") sockets = 0;
        if (type === "open") sockets += 1;
        if (type === "accepted") expect(accepts(bench.state.phase)).toBe(true);
      }
      expect(sockets).toBeLessThanOrEqual(1);
      expect(bench.state.attempts).toBeLessThanOrEqual(ATTEMPTS_MAX);
      if (bench.state.phase === "probing") expect(bench.state.lostAt).toBeDefined();
    }
  });
});
