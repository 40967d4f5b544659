import { describe, expect, it } from "vitest";
import { initialLink, type LinkState } from "../src/link";
import type { GatewayMessage, PageConfig } from "../src/protocol";
import { ENDS_SOON_MS, ENTRIES_MAX, reduce } from "../src/reducer";
import { agentState, heardPart, shownEntries, situation } from "../src/selectors";
import { initialState, type Action, type Speech, type VoiceState } from "../src/state";

const CONFIG = {
  customer: { id: "C-1", name: "Anna" },
  greeting: "Hi",
  socketPath: "/s",
  csrfToken: "t",
  ticketRequired: false,
  demo: null,
  upstream: { name: "local", kind: "local" },
} satisfies PageConfig;
const READY: Action = { type: "link", at: 0, link: { ...initialLink(0), phase: "ready", sessions: 1 } };
const LIVE: Action = { type: "mic", phase: "live" };
const LOST: Action = link({ phase: "reconnecting", lostAt: 5, reason: "network", resumable: true });

function link(change: Partial<LinkState>): Action {
  return { type: "link", at: 0, link: { ...initialLink(0), sessions: 1, ...change } };
}

function waiting(ms: number): Action {
  return { type: "waiting", ms, ringMs: 45_000 };
}

function said(...messages: GatewayMessage[]): Action[] {
  return messages.map((message, at) => ({ type: "message", message, at }));
}

function after(...actions: Action[]): VoiceState {
  return actions.reduce(reduce, reduce(initialState(0), { type: "configured", config: CONFIG }));
}

function speeches(state: VoiceState): Speech[] {
  return state.entries.filter((entry): entry is Speech => entry.kind === "user" || entry.kind === "assistant");
}

const started: GatewayMessage = { type: "speech_started", itemId: "u1" };
const words = (text: string, final: boolean): GatewayMessage => ({ type: "user_transcript", itemId: "u1", text, final });
const reply = (text: string, final: boolean): GatewayMessage => ({
  type: "assistant_transcript",
  responseId: "r1",
  itemId: "a1",
  text,
  final,
});

const DONE: GatewayMessage = { type: "response_done", responseId: "r1", status: "completed" };

describe("the transcript", () => {
  it("grows by parts and ends with the whole", () => {
    const state = after(...said(started, words("When ", false), words("is", false), words("When is it?", true)));
    expect(speeches(state)).toMatchObject([{ kind: "user", text: "When is it?", final: true }]);
  });

  it("keeps the order of speaking when the transcript comes after the answer", () => {
    const state = after(...said(started, reply("On Monday.", true), words("When?", true)));
    expect(speeches(state).map(({ text }) => text)).toEqual(["When?", "On Monday."]);
  });

  it("shows a typed sentence once, although the gateway says it again", () => {
    const state = after({ type: "typed", id: "1", text: "When?", at: 0 }, ...said(words("When?", true)));
    expect(speeches(state)).toMatchObject([{ id: "u1", text: "When?", typed: true }]);
  });

  it("leaves no empty line behind for what nobody understood", () => {
    const hearing = after(READY, LIVE, ...said(started));
    expect(shownEntries(hearing)).toHaveLength(1);
    const over = reduce(hearing, { type: "tick", at: 1e9 });
    expect(shownEntries(over)).toHaveLength(0);
  });

  it("draws a line under the old session, and none above the first", () => {
    const created = (sessionId: string): GatewayMessage => ({
      type: "session_created",
      sessionId,
      upstream: CONFIG.upstream,
    });
    const state = after(...said(created("s1"), started, words("Hello", true), created("s2")));
    expect(state.entries.map(({ kind }) => kind)).toEqual(["user", "divider"]);
  });

  it("draws none below the question that began the first", () => {
    const begun: GatewayMessage = { type: "session_created", sessionId: "s1", upstream: CONFIG.upstream };
    const state = after({ type: "typed", id: "1", text: "When?", at: 0 }, ...said(begun, reply("On Monday.", true)));
    expect(state.entries.map(({ kind }) => kind)).toEqual(["user", "assistant"]);
  });

  it("marks how much of a cut answer was heard", () => {
    const state = after(
      ...said(reply("One two three four", true)),
      { type: "playing", itemId: "a1", heardMs: 500, ofMs: 2_000, at: 0 },
      ...said({ type: "interrupted", responseId: "r1", itemId: "a1", playedMs: 500 }),
    );
    const [answer] = speeches(state);
    expect(answer?.cut).toEqual({ heardMs: 500, ofMs: 2_000 });
    expect(heardPart(answer!)).toBe(0.25);
  });

  it.each([
    ["was cut within its last words", 1_900, [DONE], true],
    ["had sounded to its end", 2_000, [DONE], false],
    ["had sounded as far as it had come", 2_000, [], true],
  ] as const)("marks an answer that %s as what it is", (_, heardMs, before, isCut) => {
    const state = after(
      ...said({ type: "response_started", responseId: "r1" }, reply("One two three four", true), ...before),
      { type: "playing", itemId: "a1", heardMs, ofMs: 2_000, at: 0 },
      { type: "quiet", underruns: 0, at: 0 },
      ...said({ type: "interrupted", responseId: "r1", itemId: "a1", playedMs: 1_850 }),
    );
    expect(speeches(state)[0]?.cut !== undefined).toBe(isCut);
  });

  it("marks an answer that a person stopped within its last words", () => {
    const state = after(
      ...said(reply("One two three four", true), DONE),
      { type: "playing", itemId: "a1", heardMs: 1_900, ofMs: 2_000, at: 0 },
      { type: "silenced", at: 0 },
    );
    expect(speeches(state)[0]?.cut).toEqual({ heardMs: 1_900, ofMs: 2_000 });
  });

  it("says of a typed sentence that nobody answers it, and of no other one", () => {
    const state = after(
      { type: "typed", id: "1", text: "When?", at: 0 },
      { type: "typed", id: "2", text: "When?", at: 0 },
      { type: "unanswered", ids: ["1"] },
      ...said({ type: "user_transcript", itemId: "u2", text: "When?", final: true }),
    );
    expect(speeches(state).map(({ id, status }) => [id, status])).toEqual([
      ["typed:1", "unanswered"],
      ["u2", undefined],
    ]);
  });

  it("lets one gap grow instead of telling of each lost frame", () => {
    const lost: Action = { type: "overflowed", ms: 20, at: 5 };
    const noted = said({ type: "status", state: "live", notes: ["voice mapped"] });
    expect(after(lost, lost, ...noted, lost).entries).toMatchObject([{ kind: "gap", ms: 60 }, { kind: "note" }]);
  });

  it("is bounded", () => {
    const typed = Array.from({ length: ENTRIES_MAX + 20 }, (_, n): Action => ({ type: "typed", id: `${n}`, text: `${n}`, at: n }));
    const state = after(...typed);
    expect(state.entries).toHaveLength(ENTRIES_MAX);
    expect(speeches(state)[0]?.text).toBe("20");
  });
});

describe("the loudspeaker", () => {
  it("goes on playing when it is unlocked once more in mid-answer", () => {
    const playing: Action = { type: "playing", itemId: "a1", heardMs: 0, ofMs: 100, at: 0 };
    const phase = (...actions: Action[]): string => after(...actions).speaker.phase;
    expect(phase(playing, { type: "speaker", phase: "ready" })).toBe("playing");
    expect(phase(playing, { type: "speaker", phase: "locked" })).toBe("locked");
    expect(phase({ type: "speaker", phase: "locked" }, { type: "speaker", phase: "ready" })).toBe("ready");
  });
});

describe("the turn", () => {
  const kinds = (...actions: Action[]): string => situation(after(READY, LIVE, ...actions)).kind;

  it("goes from hearing to thinking to speaking to listening", () => {
    const hearing = said(started);
    const thinking: Action[] = [...hearing, ...said({ type: "speech_stopped", itemId: "u1" })];
    const speaking: Action[] = [
      ...thinking,
      ...said({ type: "response_started", responseId: "r1" }),
      { type: "playing", itemId: "a1", heardMs: 0, ofMs: 100, at: 1 },
    ];
    const quiet: Action[] = [
      ...speaking,
      ...said({ type: "response_done", responseId: "r1", status: "completed" }),
      { type: "quiet", underruns: 0, at: 2 },
    ];
    expect([kinds(), kinds(...hearing), kinds(...thinking), kinds(...speaking), kinds(...quiet)]).toEqual([
      "listening",
      "hearing",
      "thinking",
      "speaking",
      "listening",
    ]);
  });

  it("goes on thinking after a response that only called a tool", () => {
    const tool = said(
      { type: "response_started", responseId: "r1" },
      { type: "tool_started", callId: "c", name: "balance" },
      { type: "response_done", responseId: "r1", status: "completed" },
      { type: "tool_done", callId: "c", name: "balance", status: "ok" },
    );
    expect(kinds(...tool)).toBe("thinking");
  });

  it("never lasts for ever", () => {
    expect(kinds(...said(started), { type: "tick", at: 1e9 })).toBe("listening");
  });

  it("outlives a broken line, for its session may", () => {
    const state = after(READY, LIVE, ...said(started), LOST);
    expect(situation(state)).toMatchObject({ kind: "lost", recording: true });
    expect(kinds(...said(started), LOST, READY)).toBe("hearing");
  });

  it("ends with the link", () => {
    const failed: Action = { type: "link", at: 0, link: { ...initialLink(0), phase: "failed", reason: "X" } };
    expect(after(READY, LIVE, ...said(started), failed).turn).toMatchObject({ phase: "idle", response: undefined });
  });
});

describe("notices", () => {
  it("say the gateway's own words and count what it held back", () => {
    const limited: GatewayMessage = { type: "error", code: "RATE_LIMITED", message: "Too much.", suppressed: 4 };
    expect(after(...said(limited, limited)).notices).toMatchObject([{ code: "RATE_LIMITED", message: "Too much.", count: 10 }]);
  });

  it("about the start are over when the session is ready", () => {
    const failed: GatewayMessage = { type: "error", code: "SESSION_INITIALIZATION_FAILED", message: "No." };
    const ready: GatewayMessage = { type: "session_ready", upstream: CONFIG.upstream };
    expect(after(...said(failed, ready)).notices).toHaveLength(0);
  });

  it("do not repeat what the headline says", () => {
    expect(after(...said({ type: "error", code: "NO_SESSION_EXISTS", message: "" })).notices).toHaveLength(0);
    const later: GatewayMessage = { type: "error", code: "RECONNECT_FAILED", message: "", retryAfterMs: 3_000 };
    expect(after(...said(later)).notices).toHaveLength(0);
    const hopeless: GatewayMessage = { type: "error", code: "SESSION_INITIALIZATION_FAILED", message: "", retryable: false };
    expect(after(...said(hopeless)).notices).toHaveLength(0);
  });
});

describe("the headline", () => {
  it.each<[string, Action[], string, string]>([
    ["before anything", [], "welcome", "disconnected"],
    ["recording before the link is up", [LIVE, { type: "link", at: 0, link: { ...initialLink(0), phase: "connecting" } }], "connecting", "pre-connect-buffering"],
    ["with a blocked microphone", [READY, { type: "mic", phase: "denied" }], "mic_denied", "listening"],
    ["with a loudspeaker that waits for a tap", [READY, LIVE, { type: "speaker", phase: "locked" }], "speaker_locked", "listening"],
    ["with speech that waits", [READY, LIVE, waiting(3_000)], "catching_up", "listening"],
    ["in a replay", [link({ phase: "replaying" }), LIVE, waiting(500)], "catching_up", "listening"],
    ["after a line that stalls", [link({ phase: "stalled" }), LIVE, waiting(2_500)], "slow", "listening"],
    ["with a broken line", [LOST, LIVE, waiting(3_000)], "lost", "reconnecting"],
    ["with a broken line and a full ring", [LOST, LIVE, waiting(45_000)], "overflowing", "reconnecting"],
    ["while a gateway moves", [link({ phase: "reconnecting", lostAt: 1, reason: "draining" }), LIVE], "moving", "reconnecting"],
    ["after sleep", [link({ phase: "reconnecting", lostAt: 1, reason: "slept" }), LIVE], "slept", "reconnecting"],
    ["told to wait", [link({ phase: "reconnecting", lostAt: 1, retryAt: 9_000 }), LIVE], "recovering", "reconnecting"],
    ["with a session that is gone", [link({ phase: "authenticating", lostAt: 1 }), LIVE], "fresh_session", "reconnecting"],
    ["with a first session that is slow to come", [link({ phase: "probing", lostAt: 1, sessions: 0 })], "lost", "reconnecting"],
    ["before a restart of the gateway", [link({ phase: "ready", status: "draining" }), LIVE], "draining", "listening"],
    ["without the microphone's script", [READY, { type: "mic", phase: "unloaded" }], "mic_unloaded", "listening"],
    ["without it, because the line is away", [LOST, { type: "mic", phase: "unloaded" }], "lost", "reconnecting"],
    ["muted", [READY, { type: "mic", phase: "muted" }], "muted", "listening"],
    ["with hold-to-talk", [READY, { type: "hold_to_talk", on: true }, { type: "mic", phase: "muted" }], "hold", "listening"],
    ["after the end", [{ type: "link", at: 0, link: { ...initialLink(0), phase: "ended", reason: "goodbye" } }], "ended", "disconnected"],
    ["after a failure", [{ type: "link", at: 0, link: { ...initialLink(0), phase: "failed", reason: "NOT_AUTHORIZED" } }], "failed", "failed"],
  ])("%s", (_, actions, kind, agent) => {
    const state = after(...actions);
    expect(situation(state).kind).toBe(kind);
    expect(agentState(state)).toBe(agent);
  });

  it("says why there is no assistant at all", () => {
    const state = reduce(initialState(0), { type: "config_failed", reason: "status 503" });
    expect(situation(state)).toEqual({ kind: "unavailable", reason: "status 503" });
  });
});

describe("a repaired line", () => {
  const resumed = (contextRestored: "full" | "text_only" | "none"): GatewayMessage => ({
    type: "session_resumed",
    recovered: contextRestored === "full",
    epoch: "e",
    offset: 9,
    received: 0,
    resumeToken: "t",
    contextRestored,
  });
  const before = said(started, words("When is it due?", true), reply("It is", false));
  const notes = (state: VoiceState): unknown[] => state.entries.flatMap((entry) => (entry.kind === "note" ? [entry.about] : []));

  it("leaves no trace when everything was recovered", () => {
    expect(notes(after(...before, ...said(resumed("full"))))).toEqual([]);
  });

  it("says what the assistant still knows", () => {
    const twice = said(resumed("text_only"), resumed("text_only"));
    expect(notes(after(...before, ...twice))).toEqual([{ what: "restored", context: "text_only" }]);
    expect(notes(after(...twice))).toEqual([]);
  });

  it("is followed by what the gateway remembers, in its words and its order", () => {
    const state = after(
      { type: "typed", id: "1", text: "Hm?", at: 0 },
      ...before,
      { type: "overflowed", ms: 7_000, at: 1 },
      ...said(resumed("none"), {
        type: "snapshot",
        items: [
          { id: "u1", role: "user", text: "When is it due?" },
          { id: "a1", role: "assistant", text: "It is due on Monday.", status: "incomplete" },
          { id: "c1", role: "tool" },
          { id: "u2", role: "user", text: "And how much?" },
          { id: "a2", role: "assistant", text: "240 euros." },
        ],
      }),
    );
    expect(state.entries.map((entry) => ("text" in entry ? entry.text : entry.kind))).toEqual([
      "Hm?",
      "When is it due?",
      "It is due on Monday.",
      "gap",
      "note",
      "And how much?",
      "240 euros.",
      "note",
    ]);
    expect(notes(state)).toEqual([{ what: "restored", context: "none" }, { what: "unspoken" }]);
    expect(speeches(state).map(({ status }) => status)).toEqual([undefined, undefined, "incomplete", undefined, undefined]);
  });

  it("knows a typed sentence by its words", () => {
    const typed = (id: string, text: string): Action => ({ type: "typed", id, text, at: 0 });
    const items = [{ id: "u7", role: "user", text: "When?" }];
    const state = after(typed("1", "When?"), typed("2", "When?"), ...said({ type: "snapshot", items }));
    expect(speeches(state)).toMatchObject([
      { id: "u7", text: "When?", typed: true },
      { id: "typed:2", text: "When?", status: undefined },
    ]);
  });

  it("marks what was said here and is not remembered there", () => {
    const state = after(...before, ...said(resumed("none"), { type: "snapshot", items: [] }));
    expect(speeches(state).map(({ status }) => status)).toEqual(["forgotten", "forgotten"]);
  });

  it("does not touch what stands above the divider", () => {
    const created = (sessionId: string): GatewayMessage => ({ type: "session_created", sessionId, upstream: CONFIG.upstream });
    const state = after(...said(created("s1")), ...before, ...said(created("s2"), { type: "snapshot", items: [{ id: "u9", role: "user", text: "New" }] }));
    expect(state.entries.map((entry) => ("text" in entry ? entry.text : entry.kind))).toEqual([
      "When is it due?",
      "It is",
      "divider",
      "New",
    ]);
  });

  it("fills a reloaded page, and says nothing of it", () => {
    const state = after(...said(resumed("full"), { type: "snapshot", items: [{ id: "a1", role: "assistant", text: "Hello." }] }));
    expect(state.entries).toMatchObject([{ kind: "assistant", text: "Hello.", final: true }]);
  });

  it("names who answers from now on, once", () => {
    const openai = { name: "openai", kind: "openai" };
    const state = after(
      ...said(
        { type: "session_created", sessionId: "s1", upstream: openai },
        { type: "session_ready", upstream: openai },
        { type: "status", state: "live", upstream: CONFIG.upstream, notes: ["voice mapped"] },
        { type: "status", state: "live", upstream: CONFIG.upstream },
      ),
    );
    expect(notes(state)).toEqual([
      { what: "upstream", upstream: CONFIG.upstream },
      { what: "words", words: "voice mapped" },
    ]);
    expect(state.session?.upstream).toMatchObject({ kind: "local" });
  });

  it("is degraded as long as the gateway says so", () => {
    const fault = { code: "store.unavailable", party: "store", message: "Not written down.", remedy: "" } as const;
    const degraded = after(...said({ type: "status", state: "degraded", fault }));
    expect(degraded.notices).toMatchObject([{ code: "store.unavailable", message: "Not written down." }]);
    expect(reduce(degraded, said({ type: "status", state: "live" })[0]!).notices).toEqual([]);
  });
});

describe("a session's time", () => {
  const created: Action = {
    type: "message",
    at: 1_000,
    message: { type: "session_created", sessionId: "s", upstream: CONFIG.upstream, limits: { sessionSeconds: 600 } },
  };

  it("is told when little of it is left, and not after its end", () => {
    const state = after(READY, created, { type: "tick", at: 2_000 });
    expect(state.endsInMs).toBeUndefined();
    const late = reduce(state, { type: "tick", at: 601_000 - ENDS_SOON_MS });
    expect(late.endsInMs).toBe(ENDS_SOON_MS);
    expect(reduce(late, link({ phase: "ended", reason: "time_limit" })).endsInMs).toBeUndefined();
    expect(reduce(late, created).endsInMs).toBeUndefined();
  });
});

describe("a change of customer", () => {
  it("leaves nothing of what was said", () => {
    const state = after({ type: "typed", id: "1", text: "secret", at: 0 }, { type: "forgotten" });
    expect(JSON.stringify({ ...state, config: undefined })).not.toContain("secret");
  });
});
