import { describe, expect, it } from "vitest";
import { Bench, error, resumed } from "./link-bench";

describe("the end", () => {
  it("is said by the gateway without a fault", () => {
    const bench = new Bench().ready().hear({ type: "session_ended", reason: "goodbye" });
    expect(bench.state).toMatchObject({ phase: "ended", reason: "goodbye", resumable: false });
    expect(bench.lose(1000).state.phase).toBe("ended");
  });

  it("of a busy gateway's session is followed by another when the gateway wishes", () => {
    const fault = { code: "gateway.overloaded", party: "gateway", message: "", remedy: "" } as const;
    const bench = new Bench().ready().hear({ type: "session_ended", reason: "overloaded", fault, retryAfterMs: 5_000 });
    expect(bench.state).toMatchObject({ phase: "reconnecting", retryAt: bench.now + 5_000 });
  });

  it("of one whose provider is away is followed by another when the gateway wishes, as often as it takes", () => {
    const fault = { code: "provider.unreachable", party: "provider", message: "Away.", remedy: "" } as const;
    const bench = new Bench().ready();
    const error = { code: "RECONNECT_FAILED", message: "", retryable: true, retryAfterMs: 3_000, fault } as const;
    bench.hear({ type: "error", ...error }).hear({ type: "session_ended", reason: "upstream_lost", fault, retryAfterMs: 3_000 });
    for (let turn = 0; turn < 20; turn += 1) {
      expect(bench.state).toMatchObject({ phase: "reconnecting", retryAt: bench.now + 3_000, fault });
      bench.wait(3_000).on({ type: "probed" }).open();
      bench.hear({ type: "error", ...error, code: "SESSION_INITIALIZATION_FAILED" });
      bench.hear({ type: "session_ended", reason: "not_started", fault, retryAfterMs: 3_000 });
    }
  });

  it("with a failure that no waiting mends is told at once", () => {
    const fault = { code: "provider.unreachable", party: "provider", message: "Away.", remedy: "" } as const;
    const bench = new Bench().ready().hear({ type: "error", code: "RECONNECT_FAILED", message: "", fault });
    expect(bench.state).toMatchObject({ phase: "failed", reason: "RECONNECT_FAILED", fault });
  });

  it("of a day's budget is told at once: nobody waits until tomorrow", () => {
    const fault = { code: "configuration.customer_budget", party: "configuration", message: "Till tomorrow.", remedy: "" } as const;
    const end = { type: "session_ended", fault, retryAfterMs: 36_000_000 } as const;
    const said = new Bench().ready().hear({ ...end, reason: "budget_spent" });
    expect(said.state).toMatchObject({ phase: "failed", reason: "budget_spent", fault });
    expect(said.lose(4429).state.phase).toBe("failed");
    const error = { type: "error", code: "SESSION_INITIALIZATION_FAILED", message: "", retryable: true, fault } as const;
    const late = new Bench().on({ type: "start", resume: false }).open().hear({ ...error, retryAfterMs: 36_000_000 });
    expect(late.hear({ ...end, reason: "not_started" }).state).toMatchObject({ phase: "failed", fault });
  });

  it("by a time limit is no failure", () => {
    const fault = { code: "application.idle", party: "application", message: "", remedy: "" } as const;
    const ended = new Bench().ready().hear({ type: "session_ended", reason: "time_limit", fault });
    expect(ended.state).toMatchObject({ phase: "ended", reason: "time_limit" });
  });

  it.each([
    ["gateway", "reconnecting"],
    ["user_network", "reconnecting"],
    ["provider", "failed"],
    ["configuration", "failed"],
  ] as const)("by a fault of the %s leads to %s", (party, phase) => {
    const fault = { code: "x", party, message: "", remedy: "" };
    const bench = new Bench().ready().hear({ type: "session_ended", reason: "draining", fault });
    expect(bench.state).toMatchObject({ phase, resumable: false });
  });

  it.each(["UNSUPPORTED_MODEL", "NOT_AUTHORIZED", "RECONNECT_FAILED"])("comes with %s", (code) => {
    expect(new Bench().ready().hear(error(code)).state).toMatchObject({ phase: "failed", reason: code });
  });

  it("comes with an answer to the wish for a session that no repetition will change", () => {
    const bench = new Bench().on({ type: "start", resume: false }).open();
    const fault = { code: "application.invalid_message", party: "application", message: "", remedy: "" } as const;
    bench.hear(error("INVALID_MESSAGE", { retryable: false, fault }));
    expect(bench.state).toMatchObject({ phase: "failed", reason: "INVALID_MESSAGE", fault });
  });

  it.each([1008, 1009, 3000, 4400, 4401, 4403, 4409, 4429, 4444, 4502, 4503])("comes with the close code %d", (code) => {
    expect(new Bench().ready().lose(code).state.phase).toBe("failed");
  });

  it.each([1001, 1005, 1006, 1011, 1012, 1013, 1014, 4500])("does not come with %d: the session is taken up", (code) => {
    const bench = new Bench().ready().lose(code).back();
    expect(bench.taken()).toContain("resume");
  });

  it.each([4404, 4507])("does not come with %d: another session is begun", (code) => {
    const bench = new Bench().ready().lose(code).back();
    expect(bench.taken()).toContain("create");
  });

  it("in this window, because another one has the session, can be undone", () => {
    const bench = new Bench().ready().lose(4409);
    expect(bench.state).toMatchObject({ phase: "failed", reason: "REPLACED" });
    expect(bench.taken()).toEqual(["close"]);
    expect(bench.wait(60_000).state.phase).toBe("failed");
    bench.on({ type: "start", resume: false }).open();
    expect(bench.taken()).toContain("resume");
    expect(bench.hear(resumed()).state.phase).toBe("replaying");
  });

  it("in this window, because another one has the session, is for good after a goodbye", () => {
    const bench = new Bench().ready().lose(4409).on({ type: "stop" });
    expect(bench.state).toMatchObject({ phase: "ended", reason: "client", resumable: false });
    expect(bench.taken()).toContain("forget");
    bench.on({ type: "start", resume: false }).open();
    expect(bench.taken()).toEqual(["admit", "open", "create"]);
  });

  it.each([
    [401, "failed"],
    [403, "failed"],
    [429, "failed"],
    [503, "reconnecting"],
  ] as const)("after the status %d of the ticket it is %s", (status, phase) => {
    expect(new Bench().on({ type: "start", resume: false }).on({ type: "refused", status }).state.phase).toBe(phase);
  });

  it("does not come with a gateway that says when to ask again", () => {
    const bench = new Bench().on({ type: "start", resume: false });
    bench.on({ type: "refused", status: 429, retryAfterMs: 2_000 });
    expect(bench.state).toMatchObject({ phase: "reconnecting", retryAt: bench.now + 2_000 });
  });

  it("of a session that shall be renewed is followed by another at once", () => {
    const bench = new Bench().ready().on({ type: "renew" }).open();
    expect(bench.taken()).toEqual(["goodbye", "close", "forget", "admit", "open", "create"]);
  });
});

describe("a reloaded page", () => {
  it("takes its session up again", () => {
    const bench = new Bench().on({ type: "start", resume: true }).open().hear(resumed(false));
    expect(bench.taken()).toContain("resume");
    expect(bench.state).toMatchObject({ phase: "replaying", sessions: 1 });
  });

  it("is as if nothing had been when the session is gone: nobody asked for another", () => {
    const bench = new Bench().on({ type: "start", resume: true }).open().hear(error("NO_SESSION_EXISTS"));
    expect(bench.state.phase).toBe("idle");
    expect(bench.taken()).not.toContain("create");
  });
});
