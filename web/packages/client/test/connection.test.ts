import { describe, expect, it } from "vitest";
import { DWELL } from "../src/connection";
import {
  ATTEMPTS_MAX,
  COMING_BACK,
  CREATIONS_MAX,
  DONE,
  GIVE_UP_MS,
  accepts,
  initialLink,
  rests,
  type LinkEvent,
  type LinkPhase,
} from "../src/link";
import type { GatewayMessage } from "../src/protocol";
import { Bench, CREATED, READY, WAYS, error, heardAudio, resumed } from "./link-bench";
import { SEEDS, seeded, whole } from "./seeded";

describe("the link", () => {
  it("takes its steps in order", () => {
    const bench = new Bench().on({ type: "start", resume: false }).open().hear(CREATED, READY);
    expect(bench.taken()).toEqual(["admit", "open", "create", "created"]);
    expect(bench.state.phase).toBe("ready");
  });

  it("accepts speech as soon as the session is created, before the upstream is ready", () => {
    const bench = new Bench().on({ type: "start", resume: false }).open();
    expect(accepts(bench.state.phase)).toBe(false);
    expect(accepts(bench.hear(CREATED).state.phase)).toBe(true);
  });

  it("calls the connection slow when speech is not acknowledged, and well again when it is", () => {
    const bench = new Bench().ready().on({ type: "audio_sent" }).wait(2_100);
    expect(bench.state.phase).toBe("stalled");
    expect(bench.hear(heardAudio).state.phase).toBe("ready");
  });

  it("leaves every phase in time, whatever the other side forgets", () => {
    for (const phase of Object.keys(DWELL) as LinkPhase[]) {
      const bench = new Bench();
      const { ms } = DWELL[phase]!;
      bench.state = { ...initialLink(bench.now), phase, lostAt: bench.now, since: bench.now, deadline: bench.now + ms };
      bench.wait((phase === "reconnecting" ? GIVE_UP_MS : ms) + 5_000);
      expect(bench.state.phase).not.toBe(phase);
    }
    const unbound = (Object.keys(WAYS) as LinkPhase[]).filter((phase) => DWELL[phase] === undefined && !rests(phase));
    expect(unbound).toEqual(["ready"]);
  });

  it("greets again after an end, and goes on after a failure", () => {
    const over = new Bench().ready().on({ type: "stop" }).on({ type: "start", resume: false });
    expect(over.state.sessions).toBe(0);
    const broken = new Bench().ready().lose(4403).on({ type: "start", resume: false });
    expect(broken.state.sessions).toBe(1);
  });
});

describe("a lost line", () => {
  it("is looked for at once, and one socket is opened when the gateway answers", () => {
    const bench = new Bench().ready().lose();
    expect(bench.state.phase).toBe("reconnecting");
    bench.wait(100);
    expect(bench.taken()).toEqual(["close", "probe"]);
    bench.on({ type: "probed" }).on({ type: "probed" }).open();
    expect(bench.taken()).toEqual(["admit", "open", "resume"]);
  });

  it("is looked for four to seven times a second for a minute, then every two seconds, then given up", () => {
    const bench = new Bench(seeded(5)).ready().lose();
    let first = 0;
    let all = 0;
    while (bench.state.phase === "reconnecting") {
      bench.wait(50);
      const probes = bench.taken().filter((type) => type === "probe").length;
      all += probes;
      if (bench.now < 61_000) first += probes;
    }
    expect(first).toBeGreaterThan(240);
    expect(first).toBeLessThan(400);
    expect(all - first).toBeLessThan(GIVE_UP_MS / 1_000);
    expect(bench.state).toMatchObject({ phase: "failed", reason: "RECONNECT_FAILED" });
  });

  it("is looked for again as soon as the browser sees a network", () => {
    const bench = new Bench(() => 1).ready().lose().wait(90_000);
    bench.taken();
    bench.wait(50).on({ type: "online" }).wait(50);
    expect(bench.taken()).toContain("probe");
  });

  it("is healed by the session that was there before: the replay comes first, then the talk", () => {
    const bench = new Bench().ready().lose().back().hear(resumed());
    expect(bench.state).toMatchObject({ phase: "replaying", lostAt: undefined, sessions: 1 });
    expect(bench.on({ type: "caught_up" }).state.phase).toBe("ready");
  });

  it("waits for the upstream that was not there before the drop either", () => {
    const bench = new Bench().on({ type: "start", resume: false }).open().hear(CREATED).lose().back().hear(resumed());
    expect(bench.state.phase).toBe("preparing");
    expect(bench.hear(READY).state.phase).toBe("replaying");
  });

  it("does not wait for what it may have missed", () => {
    const bench = new Bench().on({ type: "start", resume: false }).open().hear(CREATED).lose().back();
    expect(bench.hear(resumed(false)).state.phase).toBe("replaying");
  });

  it("says that the upstream is being reconnected, until it is", () => {
    const bench = new Bench().ready().lose().back().hear(resumed(), { type: "status", state: "recovering" });
    expect(bench.state.status).toBe("recovering");
    expect(bench.hear(READY).state.status).toBe("live");
  });

  it("heals again and again, also in the middle of a replay", () => {
    const bench = new Bench().ready();
    for (let round = 0; round < 12; round += 1) {
      bench.lose().wait(9_000).on({ type: "probed" }).open().hear(resumed());
      expect(bench.state.phase).toBe("replaying");
    }
    expect(bench.taken().filter((type) => type === "create")).toHaveLength(0);
  });

  it("does not ask for a session that has waited too long, but begins another", () => {
    const bench = new Bench().ready().lose().wait(31_000).on({ type: "probed" }).open();
    expect(bench.taken()).toEqual(expect.arrayContaining(["forget", "create"]));
    expect(bench.taken()).not.toContain("resume");
    expect(bench.hear({ ...CREATED, sessionId: "s2" } as GatewayMessage, READY).state).toMatchObject({
      phase: "replaying",
      sessions: 2,
    });
  });

  it("begins another session on the same socket when the gateway does not know ours", () => {
    const bench = new Bench().ready().lose().back();
    bench.taken();
    bench.hear(error("NO_SESSION_EXISTS"));
    expect(bench.taken()).toEqual(["forget", "create"]);
    expect(bench.state).toMatchObject({ phase: "authenticating", reason: "NO_SESSION_EXISTS" });
  });

  it("waits as long as the gateway wishes before it asks again", () => {
    const bench = new Bench().ready().lose().back().hear(error("RATE_LIMITED", { retryAfterMs: 8_000 }));
    expect(bench.state).toMatchObject({ phase: "reconnecting", retryAt: bench.now + 8_000 });
    bench.taken();
    bench.wait(7_900).on({ type: "probed" });
    expect(bench.taken()).toEqual([]);
    expect(bench.wait(200).taken()).toContain("probe");
  });

  it("is looked for at an even pace while the gateway lives and lets nobody in", () => {
    const bench = new Bench().ready().lose();
    for (let round = 0; round < 40; round += 1) bench.wait(400).on({ type: "probed" }).on({ type: "refused", status: 503 });
    expect(bench.state.phase).toBe("reconnecting");
    bench.taken();
    expect(bench.wait(250).taken()).toContain("probe");
  });

  it("is not dialled without end, nor ever faster, while the gateway lives and refuses each socket", () => {
    const bench = new Bench().ready().lose();
    const dialled: number[] = [];
    while (bench.state.phase !== "failed") {
      if (bench.wait(50).taken().includes("probe")) bench.on({ type: "probed" });
      if (bench.state.phase !== "probing") continue;
      dialled.push(bench.now);
      bench.on({ type: "admitted", ticket: "t" }).lose();
    }
    const begun = dialled[0] ?? 0;
    expect(dialled.length).toBeLessThanOrEqual(ATTEMPTS_MAX);
    expect(dialled.filter((at) => at < begun + 10_000).length).toBeLessThan(12);
    expect(bench.state.reason).toBe("RECONNECT_FAILED");
  });

  it("is asked for a ticket less often after a minute in which nobody was let in", () => {
    const bench = new Bench().ready().lose();
    const asked: number[] = [];
    while (bench.state.phase !== "failed") {
      if (bench.wait(50).taken().includes("probe")) bench.on({ type: "probed" });
      if (bench.state.phase !== "probing") continue;
      asked.push(bench.now);
      bench.on({ type: "refused", status: 502 });
    }
    const late = asked.filter((at) => at > 70_000);
    expect(late.length).toBeLessThan((GIVE_UP_MS - 60_000) / 1_000);
  });

  it("has the reason of its first break, whatever fails later", () => {
    const draining: GatewayMessage = { type: "status", state: "draining" };
    const bench = new Bench().ready().hear(draining).lose(1001).wait(300).on({ type: "probed" }).on({ type: "unreachable" });
    expect(bench.state).toMatchObject({ phase: "reconnecting", reason: "draining" });
  });

  it("is given up at a second session's worth of bad luck, not repaired for ever", () => {
    const bench = new Bench().on({ type: "start", resume: false });
    for (let round = 0; round < 50 && bench.state.phase !== "failed"; round += 1) {
      bench.open().hear(CREATED, READY, error("NO_SESSION_EXISTS")).wait(9_000).on({ type: "probed" });
    }
    expect(bench.state.phase).toBe("failed");
    expect(bench.taken().filter((type) => type === "create")).toHaveLength(CREATIONS_MAX);
  });

  it("forgets old troubles after a good while", () => {
    const bench = new Bench().ready();
    for (let round = 0; round < 100; round += 1) {
      for (let second = 0; second < 12; second += 1) bench.wait(1_000).on({ type: "heard" });
      bench.lose().back().hear(resumed()).on({ type: "caught_up" });
      expect(bench.state.phase).toBe("ready");
    }
  });

  it("is left with the word that we come back, and only a goodbye is one", () => {
    const closes = (bench: Bench): unknown[] => bench.asked.filter(({ type }) => type === "close");
    expect(closes(new Bench().ready().on({ type: "hole" }))).toEqual([{ type: "close", code: COMING_BACK }]);
    expect(closes(new Bench().ready().on({ type: "stop" }))).toEqual([{ type: "close", code: DONE }]);
  });

  it("is told by a hole in the numbers, and by a computer that slept", () => {
    expect(new Bench().ready().on({ type: "hole" }).state).toMatchObject({ phase: "reconnecting", reason: "hole" });
    expect(new Bench().ready().on({ type: "woke" }).state).toMatchObject({ phase: "reconnecting", reason: "slept" });
  });
});

describe("a silent line", () => {
  it("is dead after two pings that nothing came after, while sound flows", () => {
    const bench = new Bench().ready();
    for (let ms = 0; ms < 12_000 && bench.state.phase !== "reconnecting"; ms += 50) bench.on({ type: "audio_sent" }).wait(50);
    expect(bench.taken().filter((type) => type === "ping")).toHaveLength(2);
    expect(bench.state).toMatchObject({ phase: "reconnecting", reason: "silent" });
    expect(bench.now).toBeLessThan(14_000);
  });

  it("is dead after 25 s when nobody speaks", () => {
    const bench = new Bench().ready().wait(24_900);
    expect(bench.taken()).toEqual(["ping"]);
    expect(bench.wait(200).state.phase).toBe("reconnecting");
  });

  it("is alive as long as anything comes", () => {
    const bench = new Bench().ready();
    for (let second = 0; second < 60; second += 4) bench.wait(4_000).on({ type: "heard" });
    expect(bench.taken()).toEqual([]);
  });
});

it.each(SEEDS)("keeps its promises whatever happens (seed %d)", (seed) => {
  const chance = seeded(seed);
  const bench = new Bench(chance);
  const messages: GatewayMessage[] = [
    CREATED,
    READY,
    resumed(),
    resumed(false),
    error("NO_SESSION_EXISTS"),
    error("RATE_LIMITED"),
    error("RATE_LIMITED", { retryAfterMs: 500 }),
    error("INVALID_MESSAGE"),
    heardAudio,
    { type: "status", state: "recovering", retryInMs: 500 },
    { type: "session_ended", reason: "goodbye" },
  ];
  const events: LinkEvent[] = [
    { type: "start", resume: false },
    { type: "start", resume: true },
    { type: "stop" },
    { type: "renew" },
    { type: "admitted", ticket: "t" },
    { type: "refused", status: 503, retryAfterMs: 700 },
    { type: "unreachable" },
    { type: "opened" },
    { type: "closed", code: 1006, reason: "" },
    { type: "closed", code: 4409, reason: "" },
    { type: "probed" },
    { type: "online" },
    { type: "woke" },
    { type: "hole" },
    { type: "audio_sent" },
    { type: "caught_up" },
    { type: "heard" },
  ];
  let sockets = 0;
  let token = false;
  for (let step = 0; step < 400; step += 1) {
    bench.now += whole(chance, 400);
    const roll = chance();
    const event = events[whole(chance, events.length)]!;
    if (roll < 0.3) bench.on({ type: "tick" });
    else if (roll < 0.6) bench.hear(messages[whole(chance, messages.length)]!);
    else bench.on(event);
    if (event.type === "start" && event.resume) token = true;
    for (const { type } of bench.asked.splice(0)) {
      // Never two sockets at once: each is closed, or was closed under us, before the next is opened.
      if (type === "close") sockets = 0;
      if (type === "open") sockets += 1;
      if (type === "created") token = true;
      if (type === "resume") expect(token).toBe(true);
      if (type === "created" || type === "resumed") expect(accepts(bench.state.phase)).toBe(true);
    }
    expect(sockets).toBeLessThanOrEqual(1);
    expect(bench.state.attempts).toBeLessThanOrEqual(ATTEMPTS_MAX);
    expect(bench.state.creations).toBeLessThanOrEqual(CREATIONS_MAX);
    if (bench.state.phase === "reconnecting") expect(bench.state.lostAt).toBeDefined();
  }
});
